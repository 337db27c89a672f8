#!/usr/bin/env bats
#
# the contract of lib/servers: every server answers the same questions, and
# another one is one file more

load ../helpers/load
load ../helpers/unit

function setup {
    fake_system
}

# The questions that a server answers, of all of them together.
#
# Usage: questions FOLDER    Sets QUESTIONS
function questions {
    mapfile -t QUESTIONS < <(
        for file in "$1"/*; do
            sed -n "s/^function wsgi_${file##*/}_\([a-z_]*\) .*/\1/p" "$file"
        done | LC_ALL=C sort -u
    )
}

# Usage: missing_answers FOLDER    Sets REPLY: 'SERVER: QUESTION; ...'
function missing_answers {
    local file question
    questions "$1"
    REPLY=''
    for file in "$1"/*; do
        for question in "${QUESTIONS[@]}"; do
            grep -q "^function wsgi_${file##*/}_$question " "$file" ||
                REPLY+="${file##*/}: $question; "
        done
    done
}

@test "contract: every server answers every question" {
    missing_answers "$REPO/lib/servers"

    assert_equal "$REPLY" ''
}

@test "contract: the toy of the tests answers every question" {
    toy_server

    missing_answers "$COPY/lib/servers"

    assert_equal "$REPLY" ''
}

@test "contract: a server that lacks an answer is named" {
    toy_server
    sed -i '/^function wsgi_toy_backend/,$d' "$COPY/lib/servers/toy"

    missing_answers "$COPY/lib/servers"

    assert_equal "$REPLY" 'toy: backend; toy: stats; '
}

@test "contract: what the library asks is what the servers answer" {
    local question
    local -a asked=() answered=()
    questions "$REPO/lib/servers"
    # settings is for the server itself
    for question in "${QUESTIONS[@]}"; do
        [[ "$question" == settings ]] || answered+=("$question")
    done

    mapfile -t asked < <(sed -n \
        's/.*"wsgi_\${[^}]*}_\([a-z_]*\)".*/\1/p' \
        "$REPO"/lib/{adopt,apply,record,site,unit,verbs} |
        LC_ALL=C sort -u)

    assert_equal "${asked[*]}" "${answered[*]}"
}

@test "contract: a server touches neither systemd nor Apache nor the disk" {
    local words='systemctl|systemd-analyze|apache2ctl|apachectl|a2en[a-z]*'
    words+='|a2dis[a-z]*|mv|cp|rm|mkdir|chmod|chown|ln|tee|touch|sudo'

    run grep -nE "^[^#]*(^|[[:blank:];&|(])($words)[[:blank:]]" \
        "$REPO"/lib/servers/*

    assert_output ''
}

@test "contract: the rest of the library asks no server by its name" {
    local file names=''
    for file in "$REPO"/lib/servers/*; do
        names+="${names:+|}${file##*/}"
    done

    run grep -nE "wsgi_($names)_" \
        "$REPO"/lib/{apply,paths,record,render,site,unit,verbs,wsgi}

    assert_output ''
}

@test "contract: nothing that is one server's own is said elsewhere" {
    # what uWSGI speaks is a word of the interface (--transport), and the
    # default; of mod_wsgi there is none
    run grep -nE 'mod_wsgi|WSGIDaemon|apache2 -f|pyargv|lazy-apps|fifo-' \
        "$REPO"/lib/{apply,record,render,site,switch,unit,verbs,wsgi} \
        "$REPO"/files/{unit,site}/*

    assert_output ''
}

@test "contract: another server is one file more" {
    toy_server

    run "$COPY/tools/wsgi" deploy hello --mode toy --app m:a --path /hello \
        --user "$ACCOUNT"

    assert_success
    assert_file_contains "$WSGI_SYSROOT/etc/devstack-wsgi/toy/hello.ini" \
        '^# written by lib/servers/toy for hello$'
    assert_file_contains \
        "$WSGI_SYSROOT/etc/systemd/system/devstack@hello.service" \
        '^ExecStart=/usr/bin/toy /etc/devstack-wsgi/toy/hello.ini$'
    assert_file_contains \
        "$WSGI_SYSROOT/etc/apache2/sites-available/hello.conf" \
        'unix:/run/devstack-wsgi/hello.socket|http://toy'
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
    local before
    toy_server
    "$COPY/tools/wsgi" deploy hello --app m:a --path /hello \
        --user "$ACCOUNT" --env A=1 --unit h --site hs
    "$COPY/tools/wsgi" deploy own --app m:a --path /own --user "$ACCOUNT" \
        --transport http
    snapshot
    before=$REPLY

    "$COPY/tools/wsgi" switch toy
    assert_file_exists "$WSGI_SYSROOT/etc/devstack-wsgi/toy/hello.ini"
    assert_not_exists "$WSGI_SYSROOT/etc/devstack-wsgi/uwsgi/hello.ini"
    assert_not_exists "$WSGI_SYSROOT/etc/devstack-wsgi/uwsgi/own.py"
    run "$COPY/tools/wsgi" status
    assert_line --index 1 --regexp '^hello +toy '
    assert_line --index 2 --regexp '^own +toy '
    "$COPY/tools/wsgi" switch uwsgi

    assert_unchanged "$before"
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
    local before
    toy_server
    "$COPY/tools/wsgi" deploy one --app m:a --path /one --user "$ACCOUNT"
    snapshot
    before=$REPLY

    FAIL_AT='systemctl daemon-reload' run "$COPY/tools/wsgi" switch toy

    assert_failure 1
    assert_unchanged "$before"
}

@test "contract: a switch keeps the caller's own CONF" {
    toy_server
    "$COPY/tools/wsgi" deploy one --app m:a --path /one --user "$ACCOUNT" \
        --conf /etc/one.ini

    "$COPY/tools/wsgi" switch toy

    assert_file_exists "$WSGI_SYSROOT/etc/one.ini"
}

@test "contract: a switch to where it is already changes nothing" {
    local before
    deploy one
    snapshot times
    before=$REPLY

    run wsgi switch uwsgi

    assert_success
    assert_output 'wsgi: one: nothing to change'
    assert_unchanged "$before" times
}
