#!/usr/bin/env bats
#
# lib/devstack_wsgi/adopt.py: what DevStack's own functions declare

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
    assert_file_contains "$WSGI_SYSROOT$CONF" '^module = thing.wsgi:app'
    assert_file_contains "$WSGI_SYSROOT$CONF" '^start-time = %t$'
    assert_file_contains "$SITES/thing-api.conf" '<Location "/thing">'
    assert_symlink_to "$SITES/thing-api.conf" \
        "$WSGI_SYSROOT/etc/apache2/sites-enabled/thing-api.conf"
    for file in "$UNITS"/devstack@*; do
        assert_file_not_exists "$file"
    done
    calls systemctl daemon-reload
    assert_equal "$REPLY" 0
}

@test "adopt: Apache's reload waits for the unit, or for the phase's end" {
    export ACTIVE_STATE=active
    write
    calls systemctl reload apache2.service
    assert_equal "$REPLY" 0

    unit
    calls systemctl reload apache2.service
    assert_equal "$REPLY" 1
    calls systemctl daemon-reload
    assert_equal "$REPLY" 1

    CONF=/etc/other.ini
    write other.wsgi:application /other other
    adopt settle
    adopt settle
    calls systemctl reload apache2.service
    assert_equal "$REPLY" 2
}

@test "adopt: Apache looks at a site before it is there, and at its reload" {
    local before
    export ACTIVE_STATE=active
    write
    run grep -c '^apache2ctl -d .* -t$' "$CALLS"
    assert_output 1
    snapshot
    before=$REPLY

    # the caller has broken it since
    FAIL_AT='systemctl reload *' run unit
    assert_failure 1
    assert_line --partial 'apache2.service does not reload'
    snapshot
    assert_equal "$REPLY" "$before"

    unit
    run grep -c '^apache2ctl -d .* -t$' "$CALLS"
    assert_output 1
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

@test "adopt: in a command '%' and '\$' are what they are" {
    write
    unit thing '' "--pyargv 100%x\$y"

    assert_file_contains "$UNITS/devstack@thing.service" \
        ' --pyargv 100%%x[$][$]y$'
}

@test "adopt: the same calls again write nothing" {
    local before
    write && unit
    snapshot times
    before=$REPLY

    run write
    assert_output 'wsgi: thing-api: nothing to change'
    run unit

    assert_output --partial 'nothing to change'
    assert_unchanged "$before" times
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

@test "adopt: HTTP behind Apache has one line http-socket, kept for good" {
    local line
    write thing.wsgi:application /thing thing-api 'local 127.0.0.1'
    line=$(grep '^http-socket' "$WSGI_SYSROOT$CONF")
    assert_regex "$line" '^http-socket = 127\.0\.0\.1:[0-9]+$'
    assert_file_contains "$SITES/thing-api.conf" "http://${line#* = }/thing"
    unit

    write thing.wsgi:application /thing thing-api 'local 127.0.0.1'

    assert_equal "$(grep '^http-socket' "$WSGI_SYSROOT$CONF")" "$line"
    write thing.wsgi:application /thing thing-api 'local [::1]'
    assert_file_contains "$WSGI_SYSROOT$CONF" '^http-socket = \[::1\]:[0-9]'
}

@test "adopt: an address of its own has no site, IPv6 gets its brackets" {
    write thing.wsgi:application '' thing-api ::1:8775
    unit

    assert_file_not_exists "$SITES/thing-api.conf"
    assert_file_contains "$UNITS/devstack@thing.socket" \
        '^ListenStream=\[::1\]:8775$'
}

@test "adopt: a call without a name takes the catalogue's, or makes one" {
    local -a bad=()
    local row
    for row in placement.wsgi.api:application=placement-api \
            watcher.wsgi.api:application=watcher-api \
            /usr/bin/ironic_Inspector-api=ironic-inspector-api; do
        CONF=/etc/${row##*=}.ini
        : > "$WSGI_SYSROOT/usr/bin/ironic_Inspector-api"
        write "${row%=*}" "/${row##*=}" '' > /dev/null 2>&1 ||
            true  # seen below
        [[ -f "$RECORDS/${row##*=}.conf" && -f "$SITES/${row##*=}.conf" ]] ||
            bad+=("$row")
    done
    # the script is none of this machine's: that one is refused
    assert_equal "${bad[*]}" \
        '/usr/bin/ironic_Inspector-api=ironic-inspector-api'
}

@test "adopt: a CONF belongs to one record, whatever it is called" {
    write thing.wsgi:application /thing thing-api
    write thing.wsgi:application /thing2 another

    assert_file_exists "$RECORDS/thing-api.conf"
    assert_file_not_exists "$RECORDS/another.conf"
    assert_file_contains "$SITES/another.conf" '<Location "/thing2">'
    assert_file_not_exists "$SITES/thing-api.conf"
}

@test "adopt: what the catalogue knows is taken, but for variables" {
    CONF=/etc/glance.ini
    write glance.wsgi.api:application /image glance-api 'local 127.0.0.1'

    assert_file_contains "$RECORDS/glance-api.conf" '^healthcheck=/health'
    assert_file_contains "$RECORDS/glance-api.conf" '^set=post-buffering=0$'
    refute grep '^env=' "$RECORDS/glance-api.conf"
}

@test "adopt: threads that a service cannot have are refused, or left" {
    local word entry=$BATS_TEST_TMPDIR/copy/files/catalog/thing-api
    copy_library
    REPO=$COPY
    printf '%s\n' name=thing-api key=thing 'no-threads=no threads here' \
        > "$entry"

    WSGI_THREADS=4 write
    WSGI_THREADS=4 unit

    assert_file_contains "$RECORDS/thing-api.conf" '^threads=1$'
    for word in write unit; do
        WSGI_THREADS_thing=4 run "$word"
        assert_failure 1
        assert_output --partial "WSGI_THREADS_thing '4': no threads here"
    done
}

@test "adopt: the sandbox is the catalogue's, for one unknown standard" {
    local row entry variable wanted call
    # the catalogue's; a toggle; what it is
    local -a bad=() rows=(
        'none|WSGI_HARDENING=standard|standard'
        'none|WSGI_HARDENING=off|off'
        '|WSGI_HARDENING=strict|strict'
        'off|WSGI_HARDENING=standard|off'
        'standard|WSGI_HARDENING=strict|standard'
        'off|WSGI_HARDENING_thing=strict|strict'
    )
    copy_library
    REPO=$COPY

    for row in "${rows[@]}"; do
        IFS='|' read -r entry variable wanted <<< "$row"
        printf '%s\n' name=thing-api key=thing \
            ${entry:+"hardening=$entry"} > "$COPY/files/catalog/thing-api"
        [[ "$entry" != none ]] || rm "$COPY/files/catalog/thing-api"
        for call in write unit; do
            (
                export "${variable?}"
                "$call"
            )
            grep -qx "hardening=$wanted" "$RECORDS/thing-api.conf" ||
                bad+=("$row, $call;")
        done
    done

    assert_equal "${bad[*]}" ''
    # the second call asks afresh, and does not go by the first one
    rm "$COPY/files/catalog/thing-api"
    WSGI_HARDENING=off write
    WSGI_HARDENING=strict unit
    assert_file_contains "$RECORDS/thing-api.conf" '^hardening=strict$'
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
    local before
    stock
    # without the settings that DevStack's own function writes
    printf '%s\n' '[uwsgi]' 'module = thing.wsgi:application' \
        'socket = /var/run/uwsgi/thing-api.socket' > "$WSGI_SYSROOT$CONF"
    snapshot
    before=$REPLY

    run unit

    assert_failure 3
    assert_output ''
    assert_unchanged "$before"
}

@test "adopt: a CONF that nobody declared, or a copy of one, is not ours" {
    local before
    write
    cp "$WSGI_SYSROOT$CONF" "$WSGI_SYSROOT/etc/copy.ini"
    snapshot
    before=$REPLY

    for CONF in /etc/copy.ini /etc/none.ini; do
        run unit
        assert_failure 3
        run adopt remove "$CONF"
        assert_failure 3
    done
    assert_unchanged "$before"
}

@test "adopt: remove goes by CONF, and takes it along" {
    local before
    snapshot
    before=$REPLY
    write && unit

    adopt remove "$CONF"

    assert_unchanged "$before"
}

@test "adopt: a site of somebody else is refused, DevStack's own gives way" {
    local before
    echo 'Redirect /theirs /' > "$SITES/thing-api.conf"
    snapshot
    before=$REPLY

    run write
    assert_failure 1
    assert_output --partial 'is there already and not ours'
    assert_unchanged "$before"

    echo 'ProxyPass "/thing" "http://127.0.0.1:6" retry=0 acquire=1 ' \
        > "$SITES/thing-api.conf"
    run write
    assert_success
}

@test "adopt: a service that 'wsgi deploy' made is not taken from it" {
    local before
    deploy thing-api
    snapshot
    before=$REPLY

    run write

    assert_failure 1
    assert_output --partial "'wsgi remove thing-api' first"
    assert_unchanged "$before"
}

@test "adopt: release removes what is DevStack's, and nothing else" {
    deploy mine
    write && unit

    adopt release

    run ls "$RECORDS"
    assert_output mine.conf
}

@test "adopt: the folder of DevStack's sockets is there, and goes" {
    local before file=$WSGI_SYSROOT/etc/tmpfiles.d/uwsgi.conf
    mkdir -p "${file%/*}"
    snapshot
    before=$REPLY

    adopt begin
    assert_equal "$(< "$file")" "d /var/run/uwsgi 0755 $ACCOUNT root"
    # as systemd makes it
    mkdir -p "$WSGI_SYSROOT/run/uwsgi"
    write && unit
    adopt remove "$CONF"
    # other plugins make their sockets in it
    assert_dir_exists "$WSGI_SYSROOT/run/uwsgi"
    adopt clean

    assert_unchanged "$before"
    assert_dir_not_exists "$WSGI_SYSROOT/run/uwsgi"
}

@test "adopt: the folder of DevStack's sockets stays with one in it" {
    adopt begin
    mkdir -p "$WSGI_SYSROOT/run/uwsgi"
    touch "$WSGI_SYSROOT/run/uwsgi/theirs.socket"

    adopt clean

    assert_file_exists "$WSGI_SYSROOT/run/uwsgi/theirs.socket"
}

@test "adopt: a proxy is a site, and goes with the last service" {
    local before
    snapshot
    before=$REPLY
    adopt proxy one http://127.0.0.1:8080 /one
    adopt proxy two 'http://[::1]:8081/x' /two

    assert_file_contains "$SITES/one.conf" '"http://127.0.0.1:8080"'
    assert_file_contains "$SITES/two.conf" '<Location "/two">'
    write
    adopt remove "$CONF"
    assert_file_not_exists "$SITES/one.conf"
    assert_unchanged "$before"
}

@test "adopt: a proxy whose words we cannot carry is left to DevStack" {
    local before row
    local -a bad=()
    snapshot
    before=$REPLY
    local -a words=()
    for row in '1one http://x /one' 'o.ne http://x /one' 'one ftp://x /one' \
            'one http://x one' 'one http://x\y /one' 'one http://x%{y} /one'; do
        read -r -a words <<< "$row"
        run adopt proxy "${words[@]}"
        [[ $status -eq 3 && ${#lines[@]} -eq 1 && "$output" == \
            "[WARNING] wsgi: write_local_proxy_http_config ${words[0]}: "*\
": left to DevStack's own function" ]] || bad+=("$row: $output;")
    done
    assert_equal "${bad[*]}" ''
    assert_unchanged "$before"
}

@test "adopt: under mod_wsgi CONF is there too, and read at each start" {
    export DEVSTACK_WSGI_MODE=mod_wsgi
    write
    unit

    assert_file_contains "$WSGI_SYSROOT$CONF" '^module = thing.wsgi:app'
    assert_file_contains "$UNITS/devstack@thing.service.d/50-wsgi.conf" \
        "^ExecStartPre=.* settle --ini $CONF "
    # the main unit is DevStack's, and the drop-in starts the httpd
    assert_file_contains "$UNITS/devstack@thing.service" \
        '^ExecStart=/usr/bin/uwsgi '
    assert_file_contains "$UNITS/devstack@thing.service.d/50-wsgi.conf" \
        '^ExecStart=/usr/sbin/apache2 '
}

@test "adopt: an argument that mod_wsgi cannot be told is left, by name" {
    export WSGI_MODE_thing=mod_wsgi
    write

    run unit thing '' --gevent 100

    assert_failure 4
    assert_output --partial "'--gevent'"
    assert_output --partial WSGI_MODE_thing=uwsgi
}

# What a call that is left to DevStack says: one line.
#
# Usage: assert_left STATUS SEEN
function assert_left {
    assert_failure "$1"
    assert_equal "${#lines[@]}" 1
    assert_output --regexp "^\[WARNING\] wsgi: write_[a-z_]* [^ ]*: .*$2.*: \
left to DevStack's own function\$"
}

@test "adopt: what we cannot carry of the first call is left to DevStack" {
    local before row conf application url site address
    local -a bad=() rows=(
        '/etc/a b.ini|m:a|/thing|thing-api|'
        'thing.ini|m:a|/thing|thing-api|'
        '/etc/%i.ini|m:a|/thing|thing-api|'
        '/no/folder/thing.ini|m:a|/thing|thing-api|'
        '/etc|m:a|/thing|thing-api|'
        '/etc/t.ini|m-x:a|/thing|thing-api|'
        '/etc/t.ini|thing.wsgi|/thing|thing-api|'
        '/etc/t.ini|/no/such/script|/thing|thing-api|'
        '/etc/t.ini||/thing|thing-api|'
        '/etc/t.ini|m:a|thing|thing-api|'
        '/etc/t.ini|m:a|/|thing-api|'
        '/etc/t.ini|m:a|/th(i)ng|thing-api|'
        '/etc/t.ini|m:a||thing-api|'
        '/etc/t.ini|m:a|/thing|thing api|'
        '/etc/t.ini|m:a|/thing|thing.api|'
        '/etc/t.ini|m:a|/thing|9thing|'
        '/etc/t.ini|m:a|/thing|../thing|'
        '/etc/t.ini|m:a||thing-api|:8080'
        '/etc/t.ini|m:a||thing-api|localhost:8080'
        '/etc/t.ini|m:a||thing-api|8080'
        '/etc/t.ini|m:a|/first|thing-api|'
        '/etc/t.ini|m:a|/first/below|thing-api|'
        '/etc/t.ini|m:a||thing-api|127.0.0.1:9001'
    )
    deploy first --path /first
    deploy second --listen 127.0.0.1:9001
    snapshot
    before=$REPLY

    for row in "${rows[@]}"; do
        IFS='|' read -r conf application url site address <<< "$row"
        CONF=$conf run write "$application" "$url" "$site" "$address"
        [[ $status -eq 3 && ${#lines[@]} -eq 1 && "$output" == \
            "[WARNING] wsgi: write_uwsgi_config $conf: "*\
": left to DevStack's own function" ]] || bad+=("$row: $status $output;")
        # its second call says no more, and leaves it as well
        CONF=$conf run unit
        [[ $status -eq 3 && -z "$output" ]] ||
            bad+=("$row, the unit: $status $output;")
        CONF=$conf run adopt remove "$conf"
        [[ $status -eq 3 && -z "$output" ]] ||
            bad+=("$row, its removal: $status $output;")
    done

    assert_equal "${bad[*]}" ''
    API_WORKERS=0 run write
    assert_left 3 "API_WORKERS '0'"
    adopt clean
    deploy first --path /first
    deploy second --listen 127.0.0.1:9001
    assert_unchanged "$before"
}

@test "adopt: what we cannot carry of the second call is left to DevStack" {
    local before row name environment
    local -a bad=() arguments=() rows=(
        'thing|A="1|'
        'thing|LD_PRELOAD=/x.so|'
        'thing|UWSGI_HTTP=:80|'
        'thing|NAME|'
        'thing|1A=b|'
        'th.ing||'
        '9thing||'
        'thing||--pyargv "a'
        'thing||--venv /no/such/venv'
        'second-u||'
    )
    deploy second --unit second-u
    write
    snapshot
    before=$REPLY

    for row in "${rows[@]}"; do
        IFS='|' read -r name environment row <<< "$row"
        read -r -a arguments <<< "$row"
        run unit "$name" "$environment" "${arguments[@]}"
        # CONF is ours, and has to be given back first
        [[ $status -eq 4 && ${#lines[@]} -eq 1 && "$output" == \
            "[WARNING] wsgi: write_uwsgi_user_unit_file devstack@$name"*\
": left to DevStack's own function" ]] ||
            bad+=("$name $environment $row: $status $output;")
    done
    run adopt unit thing.service "/usr/bin/uwsgi --ini $CONF" '' daemon '' /bin
    assert_failure 4

    assert_equal "${bad[*]}" ''
    assert_unchanged "$before"
}

@test "adopt: a second unit with the CONF of an enabled one is left" {
    write && unit
    # as run_process has it
    mkdir -p "$UNITS/multi-user.target.wants"
    ln -s ../devstack@thing.service "$UNITS/multi-user.target.wants/"
    snapshot
    before=$REPLY

    run unit other

    assert_failure 3
    assert_output "[WARNING] wsgi: write_uwsgi_user_unit_file \
devstack@other.service: $CONF is devstack@thing.service's already: left to \
DevStack's own function"
    assert_unchanged "$before"
    # stop_process ends the first, as an upgrade does that renames it
    rm "$UNITS/multi-user.target.wants/devstack@thing.service"
    unit other
    assert_file_exists "$UNITS/devstack@other.service"
    assert_file_not_exists "$UNITS/devstack@thing.service"
}

@test "adopt: a unit that is left has its CONF and site given back" {
    local before
    snapshot
    before=$REPLY
    write thing.wsgi:application /thing Thing_API
    sed -i 's/^threads.*/threads = 7/' "$WSGI_SYSROOT$CONF"

    run adopt give_back "/usr/bin/uwsgi --ini $CONF --pyargv \"a"

    assert_success
    assert_equal "${output//$'\x1f'/|}" "service|$CONF|thing.wsgi:application\
|/thing||Thing_API|thing-api|/usr/bin/uwsgi|$ACCOUNT|$ACCOUNT|
set|$CONF|threads|7
wsgi: removed thing-api: 0 files written, 5 removed, Apache reloaded"
    run unit
    assert_failure 3
    assert_output ''
    # until it is written with what we can carry
    write
    unit
    adopt remove "$CONF"
    assert_unchanged "$before"
}

@test "adopt: a service that is left after all loses what it had of ours" {
    local before
    snapshot
    before=$REPLY
    write && unit

    run write 'thing.wsgi:app-lication'

    assert_failure 3
    adopt clean
    assert_unchanged "$before"
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
        'unix:/run/devstack-wsgi/Foo_HTTP.socket|uwsgi://foo-http"'
    assert_file_contains "$RECORDS/foo-http.conf" '^key=Foo_HTTP$'
    wsgi show Foo_HTTP
    WSGI_MODE_Foo_HTTP=mod_wsgi unit Foo_HTTP
    assert_file_contains "$RECORDS/foo-http.conf" '^mode=mod_wsgi$'
    WSGI_MODE_foo_http=uwsgi unit Foo_HTTP
    assert_file_contains "$RECORDS/foo-http.conf" '^mode=uwsgi$'
}

@test "adopt: two callers whose names become one both work, in any order" {
    local before name other
    deploy mine --unit mine-u
    # as the units of one that runs make it
    mkdir "$WSGI_SYSROOT/run/devstack-wsgi"
    snapshot
    before=$REPLY

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
        assert_unchanged "$before"
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
