#!/usr/bin/env bats
#
# what DevStack's own functions declare, on the disk; what is taken of their
# words is in tests/unit/engine/test_adopt.py

load ../helpers/load
load ../helpers/unit

function setup {
    fake_system
    export STACK_USER=$ACCOUNT
    SITES=$WSGI_SYSROOT/etc/apache2/sites-available
    UNITS=$WSGI_SYSROOT/etc/systemd/system
    RECORDS=$WSGI_SYSROOT/etc/devstack-wsgi/services
    CONF=/etc/thing.ini
}

# One of the verbs that lib/devstack runs as root.
#
# Usage: adopt VERB ARG...
function adopt {
    "$REPO/tools/wsgi" "adopt_$1" "${@:2}"
}

# The two calls, as lib/devstack makes them.
#
# Usage: write [APPLICATION [URL [SITE [ADDRESS]]]]
function write {
    adopt config "$CONF" "${1-thing.wsgi:application}" "${2-/thing}" \
        "${3-thing-api}" /usr/bin/uwsgi "${4-}" no
}

# Usage: unit [KEY [ENVIRONMENT [ARGUMENT...]]]
function unit {
    adopt unit "devstack@${1-thing}.service" \
        "/usr/bin/uwsgi --procname-prefix thing --ini $CONF ${*:3}" '' \
        "$ACCOUNT" "${2-}" /usr/bin:/bin
}

# What DevStack's own functions write for the same service.
function stock {
    printf '%s\n' '[uwsgi]' 'module = thing.wsgi:application' \
        'processes = 2' 'exit-on-reload = false' \
        'hook-master-start = unix_signal:15 gracefully_kill_them_all' \
        'socket = /var/run/uwsgi/thing-api.socket' > "$WSGI_SYSROOT$CONF"
    printf '%s\n' 'ProxyPass "/thing" "unix:/var/run/uwsgi/thing-api.socket|'\
'uwsgi://uwsgi-uds-thing-api" retry=0 acquire=1 ' > "$SITES/thing-api.conf"
    ln -sf ../sites-available/thing-api.conf \
        "$WSGI_SYSROOT/etc/apache2/sites-enabled/"
}

@test "adopt: what stock wrote twice, with an address, is adopted alike" {
    local before
    export WSGI_MODE=mod_wsgi
    function stock_address {
        stock
        sed -i 's/^socket = .*/http-socket = 127.0.0.1:60053/' \
            "$WSGI_SYSROOT$CONF"
        echo 'ProxyPass "/thing" "http://127.0.0.1:60053" retry=0' \
            > "$SITES/thing-api.conf"
    }
    stock_address && unit
    assert_file_contains "$SITES/thing-api.conf" 'balancer://thing-api/thing'
    before=$(cat "$SITES/thing-api.conf" "$UNITS/devstack@thing.socket")

    stock_address && unit

    assert_equal \
        "$(cat "$SITES/thing-api.conf" "$UNITS/devstack@thing.socket")" \
        "$before"
}

@test "adopt: a write call makes record, CONF and site, and no unit" {
    local file
    write

    assert_file_contains "$RECORDS/thing-api.conf" '^by=devstack$'
    assert_file_contains "$WSGI_SYSROOT$CONF" \
        '^wsgi-file = /etc/devstack-wsgi/uwsgi/thing-api.py$'
    assert_file_contains "$WSGI_SYSROOT$CONF" '^start-time = %t$'
    assert_file_contains "$SITES/thing-api.conf" '<Location "/thing">'
    assert_symlink_to "$SITES/thing-api.conf" \
        "$WSGI_SYSROOT/etc/apache2/sites-enabled/thing-api.conf"
    for file in "$UNITS"/devstack@*; do
        assert_file_not_exists "$file"
    done
    assert_calls 0 systemctl daemon-reload
}

@test "adopt: Apache's reload waits for the unit, or for the phase's end" {
    export ACTIVE_STATE=active
    write
    assert_calls 0 systemctl reload apache2.service

    unit
    assert_calls 1 systemctl reload apache2.service
    assert_calls 1 systemctl daemon-reload

    CONF=/etc/other.ini
    write other.wsgi:application /other other
    adopt settle
    adopt settle
    assert_calls 2 systemctl reload apache2.service
}

@test "adopt: Apache looks at a site before it is there, and at its reload" {
    export ACTIVE_STATE=active
    write
    run grep -c '^apache2ctl -d .* -t$' "$CALLS"
    assert_output 1
    remember

    # the caller has broken it since
    FAIL_AT='systemctl reload *' run unit
    assert_failure 1
    assert_line --partial 'apache2.service does not reload'
    assert_unchanged

    unit
    run grep -c '^apache2ctl -d .* -t$' "$CALLS"
    # the unit's name is another than was expected, and the site has it
    assert_output 3
}

@test "adopt: the unit has DevStack's name, command and environment" {
    local main=$UNITS/devstack@t-api.service
    write
    fake_venv venv 3.11.2
    unit t-api 'A=1 "B=two words"' --venv "$REPLY" --pyargv '"--config x"'

    assert_file_contains "$main" \
        "^ExecStart=/usr/bin/uwsgi --procname-prefix thing --ini $CONF --venv"
    assert_file_contains "$main" '^Environment="PATH=/usr/bin:/bin"$'
    assert_file_contains "$main" '^Environment="A=1"$'
    assert_file_contains "$main" '^Environment="B=two words"$'
    assert_file_contains "$RECORDS/thing-api.conf" '^venv=/.*/venv$'
    assert_file_contains "$RECORDS/thing-api.conf" '^arg=--config$'
    assert_file_contains "$RECORDS/thing-api.conf" '^key=t-api$'
    assert_file_exists "$UNITS/devstack@t-api.socket"
    assert_file_exists "$UNITS/devstack@t-api.service.d/50-wsgi.conf"
    # the command says it
    refute grep -E '^(venv|pyargv) ' "$WSGI_SYSROOT$CONF"
}

@test "adopt: the same calls again write nothing" {
    write && unit
    remember times

    run write
    assert_output 'wsgi: thing-api: nothing to change'
    run unit

    assert_output --partial 'nothing to change'
    assert_unchanged
}

@test "adopt: between the calls CONF and the site are the caller's" {
    write
    echo 'threads = 7' >> "$WSGI_SYSROOT$CONF"
    echo '# mine' >> "$SITES/thing-api.conf"

    unit

    assert_file_contains "$WSGI_SYSROOT$CONF" '^threads = 7$'
    assert_file_contains "$SITES/thing-api.conf" '^# mine$'
    wsgi apply
    assert_file_contains "$WSGI_SYSROOT$CONF" '^threads = 7$'

    # a write call begins afresh, as DevStack's own does
    write
    refute grep 'threads = 7' "$WSGI_SYSROOT$CONF"
    refute grep mine "$SITES/thing-api.conf"
}

@test "adopt: a site that its caller writes instead of ours stays" {
    write
    unit
    echo '# theirs' > "$SITES/thing-api.conf"
    sed -i '/^\[uwsgi/a http-socket = 127.0.0.1:60053' "$WSGI_SYSROOT$CONF"

    unit

    assert_equal "$(< "$SITES/thing-api.conf")" '# theirs'
    assert_file_contains "$UNITS/devstack@thing.socket" \
        '^ListenStream=127.0.0.1:60053$'
}

@test "adopt: what DevStack's own function wrote is adopted with the unit" {
    stock
    echo 'threads = 4' >> "$WSGI_SYSROOT$CONF"
    echo 'ProxyPass /thing/sso !' >> "$SITES/thing-api.conf"

    unit

    assert_file_contains "$SITES/thing-api.conf" '<Location "/thing">'
    # what others have added to it
    assert_equal "$(tail -n 1 "$SITES/thing-api.conf")" \
        'ProxyPass /thing/sso !'
    refute grep uwsgi-uds "$SITES/thing-api.conf"
    assert_file_contains "$WSGI_SYSROOT$CONF" '^# written by lib/devstack_wsgi'
    assert_file_contains "$WSGI_SYSROOT$CONF" '^threads = 4$'
    assert_file_exists "$UNITS/devstack@thing.socket"
}

@test "adopt: what DevStack's own function appends to our site goes again" {
    local before
    write && unit
    echo '# mine' >> "$SITES/thing-api.conf"
    before=$(< "$SITES/thing-api.conf")
    mv "$SITES/thing-api.conf" "$BATS_TEST_TMPDIR"
    stock
    cat "$SITES/thing-api.conf" >> "$BATS_TEST_TMPDIR/thing-api.conf"
    mv "$BATS_TEST_TMPDIR/thing-api.conf" "$SITES/"

    unit

    assert_equal "$(< "$SITES/thing-api.conf")" "$before"
}

@test "adopt: what somebody else wrote, and not as DevStack does, is theirs" {
    stock
    # without the settings that DevStack's own function writes
    printf '%s\n' '[uwsgi]' 'module = thing.wsgi:application' \
        'socket = /var/run/uwsgi/thing-api.socket' > "$WSGI_SYSROOT$CONF"
    remember

    run unit

    assert_failure 3
    assert_output ''
    assert_unchanged
}

@test "adopt: a CONF that nobody declared, or a copy of one, is not ours" {
    write
    cp "$WSGI_SYSROOT$CONF" "$WSGI_SYSROOT/etc/copy.ini"
    remember

    for CONF in /etc/copy.ini /etc/none.ini; do
        run unit
        assert_failure 3
        run adopt remove "$CONF"
        assert_failure 3
    done
    assert_unchanged
}

@test "adopt: remove goes by CONF, and takes it along" {
    remember
    write && unit

    adopt remove "$CONF"

    assert_unchanged
}

@test "adopt: a site of somebody else is refused, DevStack's own gives way" {
    echo 'Redirect /theirs /' > "$SITES/thing-api.conf"
    remember

    run write
    assert_failure 1
    assert_output --partial 'is there already and not ours'
    assert_unchanged

    echo 'ProxyPass "/thing" "http://127.0.0.1:6" retry=0 acquire=1 ' \
        > "$SITES/thing-api.conf"
    run write
    assert_success
}

@test "adopt: a service that 'wsgi deploy' made is not taken from it" {
    deploy thing-api
    remember

    run write

    assert_failure 1
    assert_output --partial "'wsgi remove thing-api' first"
    assert_unchanged
}

@test "adopt: release removes what is DevStack's, and nothing else" {
    deploy mine
    write && unit

    adopt release

    run ls "$RECORDS"
    assert_output mine.conf
}

@test "adopt: the folder of DevStack's sockets is there, and goes" {
    local file=$WSGI_SYSROOT/etc/tmpfiles.d/uwsgi.conf
    mkdir -p "${file%/*}"
    remember

    adopt begin
    assert_equal "$(< "$file")" "d /var/run/uwsgi 0755 $ACCOUNT root"
    # as systemd makes it
    mkdir -p "$WSGI_SYSROOT/run/uwsgi"
    write && unit
    adopt remove "$CONF"
    # other plugins make their sockets in it
    assert_dir_exists "$WSGI_SYSROOT/run/uwsgi"
    adopt clean

    assert_unchanged
    assert_dir_not_exists "$WSGI_SYSROOT/run/uwsgi"
}

@test "adopt: the limits of Apache are set, left alone, and removed" {
    local file=$WSGI_SYSROOT/etc/apache2/conf-enabled/devstack-wsgi.conf
    mkdir -p "$WSGI_SYSROOT/etc/tmpfiles.d"
    remember

    adopt begin
    assert_same "$file" "$REPO/files/site/front.conf"
    assert_calls 1 systemctl try-restart apache2.service
    adopt begin
    assert_calls 1 systemctl try-restart apache2.service
    WSGI_FRONT_LIMITS=False adopt begin
    assert_file_not_exists "$file"
    assert_calls 2 systemctl try-restart apache2.service
    adopt begin
    adopt clean
    assert_unchanged

    echo '# by hand' > "$file"
    WSGI_FRONT_LIMITS=False adopt begin
    adopt clean
    assert_file_exists "$file"
}

@test "adopt: the folder of DevStack's sockets stays with one in it" {
    adopt begin
    mkdir -p "$WSGI_SYSROOT/run/uwsgi"
    touch "$WSGI_SYSROOT/run/uwsgi/theirs.socket"

    adopt clean

    assert_file_exists "$WSGI_SYSROOT/run/uwsgi/theirs.socket"
}

@test "adopt: a proxy is a site, and goes with the last service" {
    remember
    adopt proxy one http://127.0.0.1:8080 /one
    adopt proxy two 'http://[::1]:8081/x' /two

    assert_file_contains "$SITES/one.conf" '"http://127.0.0.1:8080"'
    assert_file_contains "$SITES/two.conf" '<Location "/two">'
    write
    adopt remove "$CONF"
    assert_file_not_exists "$SITES/one.conf"
    assert_unchanged
}

@test "adopt: under mod_wsgi CONF is there too, and read at each start" {
    export DEVSTACK_WSGI_MODE=mod_wsgi
    write
    unit

    assert_file_contains "$WSGI_SYSROOT$CONF" \
        '^module = thing.wsgi:app'
    assert_file_contains "$UNITS/devstack@thing.service.d/50-wsgi.conf" \
        "^ExecStartPre=.* settle --ini $CONF "
    # the main unit is DevStack's, and the drop-in starts the httpd
    assert_file_contains "$UNITS/devstack@thing.service" \
        '^ExecStart=/usr/bin/uwsgi '
    assert_file_contains "$UNITS/devstack@thing.service.d/50-wsgi.conf" \
        '^ExecStart=/usr/sbin/apache2 '
}

@test "adopt: a second unit with the CONF of an enabled one is left" {
    write && unit
    # as run_process has it
    mkdir -p "$UNITS/multi-user.target.wants"
    ln -s ../devstack@thing.service "$UNITS/multi-user.target.wants/"
    remember

    run unit other

    assert_failure 3
    assert_output "[WARNING] wsgi: write_uwsgi_user_unit_file \
devstack@other.service: $CONF is devstack@thing.service's already: left to \
DevStack's own function"
    assert_unchanged
    # stop_process ends the first, as an upgrade does that renames it
    rm "$UNITS/multi-user.target.wants/devstack@thing.service"
    unit other
    assert_file_exists "$UNITS/devstack@other.service"
    assert_file_not_exists "$UNITS/devstack@thing.service"
}

@test "adopt: a unit that is left has its CONF and site given back" {
    remember
    write thing.wsgi:application /thing Thing_API
    sed -i 's/^threads.*/threads = 7/' "$WSGI_SYSROOT$CONF"

    run adopt give_back "/usr/bin/uwsgi --ini $CONF --pyargv \"a"

    assert_success
    assert_equal "${output//$'\x1f'/|}" "service|$CONF|thing.wsgi:application\
|/thing||Thing_API|thing-api|/usr/bin/uwsgi|$ACCOUNT|$ACCOUNT|
set|$CONF|threads|7
wsgi: removed thing-api: 0 files written, 11 removed, Apache reloaded"
    run unit
    assert_failure 3
    assert_output ''
    # until it is written with what we can carry
    write
    unit
    adopt remove "$CONF"
    assert_unchanged
}

@test "adopt: a service that is left after all loses what it had of ours" {
    remember
    write && unit

    run write 'thing.wsgi:app-lication'

    assert_failure 3
    adopt clean
    assert_unchanged
}

@test "adopt: what DevStack's own function wrote over ours stays" {
    write && unit
    stock
    cp -a "$WSGI_SYSROOT$CONF" "$SITES/thing-api.conf" "$BATS_TEST_TMPDIR"

    run unit thing LD_PRELOAD=/x.so

    assert_failure 3
    cmp "$BATS_TEST_TMPDIR/thing.ini" "$WSGI_SYSROOT$CONF"
    cmp "$BATS_TEST_TMPDIR/thing-api.conf" "$SITES/thing-api.conf"
    assert_link_exists "$WSGI_SYSROOT/etc/apache2/sites-enabled/thing-api.conf"
    assert_file_not_exists "$RECORDS/thing-api.conf"
    assert_not_exists "$UNITS/devstack@thing.service.d"
}

@test "adopt: capitals and '_' are a caller's, and the record's name is ours" {
    write thing.wsgi:application /thing Foo_HTTP
    unit Foo_HTTP

    assert_file_exists "$UNITS/devstack@Foo_HTTP.service"
    assert_file_exists "$UNITS/devstack@Foo_HTTP.socket"
    assert_file_contains "$SITES/Foo_HTTP.conf" \
        'unix:/run/devstack-wsgi/Foo_HTTP.http|http://foo-http/thing"'
    assert_file_contains "$RECORDS/foo-http.conf" '^key=Foo_HTTP$'
    wsgi show Foo_HTTP
    WSGI_MODE_Foo_HTTP=mod_wsgi unit Foo_HTTP
    assert_file_contains "$RECORDS/foo-http.conf" '^mode=mod_wsgi$'
    WSGI_MODE_foo_http=uwsgi unit Foo_HTTP
    assert_file_contains "$RECORDS/foo-http.conf" '^mode=uwsgi$'
}

@test "adopt: two callers whose names become one both work, in any order" {
    local name other
    deploy mine --unit mine-u
    # as the units of one that runs make it
    mkdir "$WSGI_SYSROOT/run/devstack-wsgi"
    remember

    for name in Foo_HTTP foo-http; do
        other=foo-http
        [[ "$name" != foo-http ]] || other=Foo_HTTP
        CONF=/etc/one.ini write one:a /one "$name"
        CONF=/etc/two.ini write two:a /two "$other"
        # neither is told what its unit is called while the other is
        CONF=/etc/two.ini unit "$other"
        CONF=/etc/one.ini unit "$name"

        assert_file_contains "$RECORDS/foo-http.conf" "^unit=$name\$"
        assert_file_contains "$RECORDS/foo-http-2.conf" "^unit=$other\$"
        assert_file_contains "$SITES/$name.conf" '"/one"'
        assert_file_contains "$SITES/$other.conf" '"/two"'
        assert_file_exists "$UNITS/devstack@$name.socket"
        assert_file_exists "$UNITS/devstack@$other.socket"
        # again, and each is what it was
        CONF=/etc/two.ini run write two:a /two "$other"
        assert_output 'wsgi: foo-http-2: nothing to change'
        # a name that the catalogue or another's unit has is one's own
        CONF=/etc/three.ini write three:a /three Placement_API
        CONF=/etc/three.ini unit three
        assert_file_contains "$RECORDS/placement-api-2.conf" '^unit=three$'
        CONF=/etc/four.ini write four:a /four mine-u
        assert_file_contains "$RECORDS/mine-u.conf" '^site=mine-u$'
        adopt release
        assert_unchanged
    done
}

@test "adopt: list gives what DevStack's own functions are called with" {
    write
    unit t-api 'A=1 "B=two words"'
    sed -i 's/^threads.*/threads = 7/' "$WSGI_SYSROOT$CONF"

    run adopt list

    assert_equal "${output//$'\x1f'/|}" "service|$CONF|thing.wsgi:application\
|/thing||thing-api|t-api|/usr/bin/uwsgi --procname-prefix thing --ini $CONF\
|$ACCOUNT|$ACCOUNT|\"PATH=/usr/bin:/bin\" \"A=1\" \"B=two words\"
set|$CONF|threads|7"
}
