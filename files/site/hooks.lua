-- Fixups of mod_lua for the sites of services behind HTTP.
-- Written from files/site/hooks.lua by lib/devstack_wsgi; change it there.

-- Take out the headers whose name has an underscore. An application sees
-- X_Roles and X-Roles as one. r.headers_in says no names; headers_in_table()
-- is a copy.
function drop(r)
    for name in pairs(r:headers_in_table()) do
        if name:find('_', 1, true) then
            r.headers_in[name] = nil
        end
    end
    return apache2.DECLINED
end

local function escape(text)
    return (text:gsub('[^%w_.-]', function(byte)
        return ('%%%02X'):format(byte:byte())
    end))
end

-- Say the variables whose names begin as DEVSTACK_WSGI_PREFIXES says, in one.
function collect(r)
    local words, variables = {}, r:subprocess_env_table()
    for prefix in variables.DEVSTACK_WSGI_PREFIXES:gmatch('%S+') do
        for name, value in pairs(variables) do
            if name:sub(1, #prefix) == prefix then
                words[#words + 1] = escape(name) .. '=' .. escape(value)
            end
        end
    end
    r.subprocess_env['DEVSTACK_WSGI_COLLECTED'] = table.concat(words, ' ')
    return apache2.DECLINED
end
