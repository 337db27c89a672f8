-- Take out the headers whose name has an underscore (mod_lua, LuaHookFixups).
-- Written from files/site/underscore.lua by lib/devstack_wsgi; change it there.
-- An application sees X_Roles and X-Roles as one. r.headers_in says no names;
-- headers_in_table() is a copy.
function drop(r)
    for name in pairs(r:headers_in_table()) do
        if name:find('_', 1, true) then
            r.headers_in[name] = nil
        end
    end
    return apache2.DECLINED
end
