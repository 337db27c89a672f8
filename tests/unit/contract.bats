#!/usr/bin/env bats
#
# the contract of lib/devstack_wsgi/servers: every server answers the same
# questions, and another one is one file more

load ../helpers/load
load ../helpers/unit

function setup {
    fake_system
}

# Run Python with the package of a library's copy.
#
# Usage: ask_servers FOLDER << 'END'    Sets REPLY, what it prints
function ask_servers {
    REPLY=$(PYTHONPATH=$1/lib python3 -B -)
}

# Usage: missing_answers FOLDER    Sets REPLY: 'SERVER: QUESTION; ...'
function missing_answers {
    ask_servers "$1" << 'END'
from devstack_wsgi import servers

asked = [name for name, value in vars(servers.Server).items()
         if callable(value) and not name.startswith('_')]
for mode in servers.known():
    server = servers.get(mode)
    for name in asked:
        answers = getattr(type(server), name) is not getattr(servers.Server, name)
        # CONF is asked of the one that reads it
        if answers == (name == 'conf' and not server.reads_conf):
            print(f'{mode}: {name}; ', end='')
    for name in ('name', 'packages'):
        if not getattr(server, name):
            print(f'{mode}: {name}; ', end='')
END
}

@test "contract: every server answers every question" {
    missing_answers "$REPO"

    assert_that 'questions without an answer' "$REPLY" ''
}

@test "contract: the toy of the tests answers every question" {
    toy_server

    missing_answers "$COPY"

    assert_that 'questions without an answer' "$REPLY" ''
}

@test "contract: a server that lacks an answer is named" {
    toy_server
    sed -i '/def describe/,$d; /packages/d' \
        "$COPY/lib/devstack_wsgi/servers/toy.py"

    missing_answers "$COPY"

    assert_that 'questions without an answer' "$REPLY" \
        'toy: describe; toy: packages; '
}

@test "contract: what the library asks is what the servers answer" {
    local -a asked=() answered=()
    ask_servers "$REPO" << 'END'
from devstack_wsgi import servers

# the name is what it is asked by, and settings is for whoever makes up values
print(*sorted(name for name in vars(servers.Server)
              if not name.startswith('_') and name not in ('name', 'settings')))
END
    read -r -a answered <<< "$REPLY"

    mapfile -t asked < <(
        cd "$REPO/lib/devstack_wsgi" &&
            grep -ohE '\b(next\(get\(.*\)|get\([a-z._]+\)|server)\.[a-z_]+' \
                ./*.py servers/__init__.py | sed 's/.*\.//' | LC_ALL=C sort -u)

    assert_equal "${asked[*]}" "${answered[*]}"
}

@test "contract: a server states facts, in no other program's words" {
    # what changes the machine; directives and sections of a unit or a site
    local words='systemctl|systemd-analyze|apache2ctl|apachectl|a2en[a-z]*'
    words+='|a2dis[a-z]*|mv|cp|rm|mkdir|chmod|chown|ln|tee|touch|sudo|open\('
    words+='|(Exec|Listen|Restart|Environment|Wanted)[A-Za-z]*='
    words+='|\[(Unit|Service|Socket|Install)\]|Proxy(Pass|Set)|RequestHeader'
    words+='|<Location|BalancerMember'

    run grep -nE "^[^#]*(^|['\"(\`[:blank:]])($words)([[:blank:]]|$|[^a-z])" \
        "$REPO"/lib/devstack_wsgi/servers/[!_]*.py \
        "$REPO/tests/fixtures/servers/toy.py"

    assert_output ''
}

@test "contract: nothing but a server's own file asks for it by its name" {
    local file name names='' found
    for file in "$REPO"/lib/devstack_wsgi/servers/[!_]*.py; do
        name=${file##*/}
        names+="${names:+|}${name%.py}"
    done

    # a protocol is no server
    found=$(grep -rnE --include='*.py' \
        "['\"]($names)['\"]|servers\.($names)\b" "$REPO/lib/devstack_wsgi" |
        grep -vE 'facts\.protocol ==|:DEFAULT = ')
    for name in ${names//|/ }; do
        found=$(sed "/servers\/$name\.py:/d" <<< "$found")
    done
    assert_equal "$found" ''

    run grep -nwE "^[^#]*($names)" "$REPO/tools/wsgi" "$REPO"/lib/fronts/* \
        "$REPO"/lib/{message,run,systemd,verbs,wsgi}
    assert_output ''
    run grep -nE "(MODES|TRANSPORTS|modes).*\b($names)\b" "$REPO/tools/conformance" \
        "$REPO/tools/demo.d/demo.py" \
        "$REPO"/tests/helpers/f*.bash
    assert_output ''
}

@test "contract: nothing that is one server's own is said elsewhere" {
    # what uWSGI speaks is a word of the interface (--transport), and adopt.py
    # and conf.py read what DevStack says to it; of mod_wsgi there is none
    local -a files=()
    mapfile -t files < <(find "$REPO"/lib -maxdepth 2 -type f \
        -not -name adopt.py -not -path '*/.*' -not -path '*/__pycache__/*')
    run grep -nE 'mod_wsgi|WSGIDaemon|apache2 -f|pyargv|lazy-apps|fifo-' \
        "${files[@]}" "$REPO"/lib/devstack_wsgi/fronts/*.py \
        "$REPO"/files/{unit,site}/*

    assert_output ''
}

@test "contract: nothing but the front's own files knows Apache" {
    local found
    # lib/wsgi is a manual, and lib/verbs and front() say which front it is
    found=$(grep -niE 'apache|httpd|ProxyPass|a2en|a2dis|sites-|mods-' \
        "$REPO"/lib/{message,run,systemd,verbs} \
        "$REPO"/lib/devstack_wsgi/*.py \
        "$REPO"/lib/devstack_wsgi/{fronts,servers}/__init__.py |
        grep -vE 'lib/verbs:[^:]*:.*fronts/apache|import Apache$|Apache\(\)$') ||
        true  # there is none
    assert_equal "$found" ''
}

@test "contract: another server is one file more" {
    toy_server

    run "$COPY/tools/wsgi" deploy hello --mode toy --app m:a --path /hello \
        --user "$ACCOUNT"

    assert_success
    assert_file_contains "$WSGI_SYSROOT/etc/devstack-wsgi/toy/hello.conf" \
        '^# written by lib/devstack_wsgi for hello$'
    assert_file_contains \
        "$WSGI_SYSROOT/etc/systemd/system/devstack@hello.service" \
        '^ExecStart=/usr/bin/toy /etc/devstack-wsgi/toy/hello.conf$'
    assert_file_contains \
        "$WSGI_SYSROOT/etc/apache2/sites-available/hello.conf" \
        'unix:/run/devstack-wsgi/hello.socket|http://hello/hello'
    run "$COPY/tools/wsgi" status hello
    assert_line --regexp '^hello +toy '
    run "$COPY/tools/wsgi" check
    assert_success
}

@test "contract: a mode that is not there is refused with those that are" {
    toy_server

    run "$COPY/tools/wsgi" deploy hello --mode other --app m:a --path /hello \
        --user "$ACCOUNT"

    assert_failure 1
    assert_output --partial 'known are: '
    assert_output --partial toy
    assert_output --partial uwsgi
}

@test "contract: to another server and back leaves the first one's files" {
    toy_server
    "$COPY/tools/wsgi" deploy hello --app m:a --path /hello \
        --user "$ACCOUNT" --env A=1 --unit h --site hs
    "$COPY/tools/wsgi" deploy own --app m:a --path /own --user "$ACCOUNT" \
        --transport uwsgi
    remember

    "$COPY/tools/wsgi" switch toy
    assert_file_exists "$WSGI_SYSROOT/etc/devstack-wsgi/toy/hello.conf"
    assert_not_exists "$WSGI_SYSROOT/etc/devstack-wsgi/uwsgi/hello.ini"
    assert_not_exists "$WSGI_SYSROOT/etc/devstack-wsgi/uwsgi/own.py"
    run "$COPY/tools/wsgi" status
    assert_line --index 1 --regexp '^hello +toy '
    assert_line --index 2 --regexp '^own +toy '
    "$COPY/tools/wsgi" switch uwsgi

    assert_unchanged
}

@test "contract: a switch of some leaves the others" {
    toy_server
    "$COPY/tools/wsgi" deploy one --app m:a --path /one --user "$ACCOUNT"
    "$COPY/tools/wsgi" deploy two --app m:a --path /two --user "$ACCOUNT"

    "$COPY/tools/wsgi" switch toy two

    run "$COPY/tools/wsgi" status
    assert_line --index 1 --regexp '^one +uwsgi '
    assert_line --index 2 --regexp '^two +toy '
}

@test "contract: a switch that fails leaves the old server" {
    toy_server
    "$COPY/tools/wsgi" deploy one --app m:a --path /one --user "$ACCOUNT"
    remember

    FAIL_AT='systemctl daemon-reload' run "$COPY/tools/wsgi" switch toy

    assert_failure 1
    assert_unchanged
}

@test "contract: a switch keeps the caller's own CONF" {
    toy_server
    "$COPY/tools/wsgi" deploy one --app m:a --path /one --user "$ACCOUNT" \
        --conf /etc/one.ini

    "$COPY/tools/wsgi" switch toy

    assert_file_exists "$WSGI_SYSROOT/etc/one.ini"
}

@test "contract: a switch to where it is already changes nothing" {
    deploy one
    remember times

    run wsgi switch uwsgi

    assert_success
    assert_output 'wsgi: one: nothing to change'
    assert_unchanged
}
