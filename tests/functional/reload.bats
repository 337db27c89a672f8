#!/usr/bin/env bats
#
# reloads bring new code in while requests come

load ../helpers/functional

# Write other code: the application answers VERSION from its next load on.
#
# Usage: edit_code NAME VERSION
function edit_code {
    in_machine sed -i "s/^VERSION = .*/VERSION = '$2'/" "/srv/$1/probe.py"
}

# Every worker answers VERSION.
#
# Usage: assert_code VERSION
function assert_code {
    # shellcheck disable=SC2016  # expanded in the machine
    run machine_sh 'for i in {1..20}; do
        curl --silent --show-error --max-time 10 "$1/"; done | uniq -c' "$URL"
    assert_output --regexp "^ *20 $1$"
}

# Reload a service again and again with new code, 40 requests/s on it; then as
# long without a reload.
#
# Usage: measure_reloads NAME NUMBER
# Sets:  PAUSE and CONTROL in ms; LOAD of the reloads
function measure_reloads {
    local name=$1 i begin length
    begin=$(date +%s%3N)
    load_begin all "$URL/" --rate 40
    for (( i = 1; i <= $2; i++ )); do
        edit_code "$name" "$i"
        in_machine systemctl reload "devstack@$name"
        assert_code "$i"
    done
    load_end all
    length=$(( ($(date +%s%3N) - begin) / 1000 + 1 ))
    PAUSE=${LOAD[longest_pause_ms]}
    figure "$name" "$2 reloads in $length s, ${LOAD[said]}"
    assert_no_failure $(( length * 20 ))

    load_begin control "$URL/" --rate 40 --duration "$length"
    load_wait control
    CONTROL=${LOAD[longest_pause_ms]}
    figure "$name" "$length s without reloads, longest pause $CONTROL ms"
}

# The pause of reloads is the machine's own, and 100 ms. Others work on this
# machine too: what is the reload's own shows every time.
#
# Usage: reload_without_pause TRANSPORT
function reload_without_pause {
    local try name=reload-$1
    count 2 10
    local reloads=$REPLY
    serve "$1" "$name" --env IMPORT_SECONDS=1
    for try in 1 2 3; do
        measure_reloads "$name" "$reloads"
        (( PAUSE > CONTROL + 100 )) || return 0
    done
    fail "$name: pause $PAUSE ms, without reloads $CONTROL ms, three times"
}

@test "reload: none of 40 requests/s is lost or waits (uwsgi)" {
    reload_without_pause uwsgi
}

@test "reload: none of 40 requests/s is lost or waits (http)" {
    reload_without_pause http
}

@test "reload: none of 40 requests/s is lost or waits (direct)" {
    reload_without_pause direct
}

# Reload a service whose threads compute in Python all the time: more requests
# arrive than the threads can answer.
#
# Usage: reload_busy_threads NAME [OPTION...]
function reload_busy_threads {
    local name=$1 i reloads
    serve http "$@" --threads 2
    count 2 10
    reloads=$REPLY
    journal_mark

    load_begin all "$URL/compute?0.1" --rate 25 --timeout 200
    for (( i = 1; i <= reloads; i++ )); do
        edit_code "$name" "$i"
        in_machine systemctl reload "devstack@$name"
    done
    load_end all
    assert_code "$reloads"

    figure "$name" "$reloads reloads, ${LOAD[said]}"
    assert_no_mercy "$name"
    assert_no_failure $(( reloads * 10 ))
}

@test "reload: none is lost while two threads compute" {
    reload_busy_threads busy --processes 2
}

@test "reload: none is lost while two threads compute (--preload)" {
    reload_busy_threads busy-preload --preload
}

@test "reload: none of 40 requests/s is lost or waits (mod-wsgi)" {
    reload_without_pause mod-wsgi
}

@test "reload: none of 40 requests/s is lost or waits (mod-wsgi-direct)" {
    reload_without_pause mod-wsgi-direct
}

@test "reload: with --preload none is lost" {
    local i transport name
    count 2 10
    local reloads=$REPLY
    for transport in "${TRANSPORTS[@]}"; do
        name=preload-$transport
        serve "$transport" "$name" --env IMPORT_SECONDS=1 --preload

        load_begin all "$URL/" --rate 40
        for (( i = 1; i <= reloads; i++ )); do
            edit_code "$name" "$i"
            in_machine systemctl reload "devstack@$name"
            assert_code "$i"
        done
        load_end all

        figure "$name" "$reloads reloads, ${LOAD[said]}"
        assert_no_failure $(( reloads * 20 ))
    done
}

@test "reload: wsgi reload does the same, and the master stays" {
    local pid
    serve http by-wsgi
    main_pid by-wsgi
    pid=$REPLY
    edit_code by-wsgi two

    wsgi reload by-wsgi

    assert_code two
    assert_pid by-wsgi "$pid"
}

@test "reload: code that does not load is refused, and the old one serves on" {
    local name option
    for option in '' --preload; do
        name=broken${option:+-preload}
        serve http "$name" ${option:+"$option"}
        load_begin all "$URL/" --rate 40
        in_machine sed -i "\$a import no_such_module" "/srv/$name/probe.py"

        run wsgi reload "$name"

        assert_failure 1
        assert_line --partial "No module named 'no_such_module'"
        assert_code one
        in_machine sed -i "\$d" "/srv/$name/probe.py"
        edit_code "$name" two
        wsgi reload "$name"
        assert_code two
        load_end all
        assert_no_failure 20
    done
}
