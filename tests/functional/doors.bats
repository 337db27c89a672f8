#!/usr/bin/env bats
#
# what each worker says of itself, and status reads

load ../helpers/functional

function setup_file {
    machine_up && serve_all told
}

# What status says of a service, as words: in flight, served, whether the
# longest has been in flight for a second.
#
# Usage: flight_of NAME
function flight_of {
    REPLY=$(wsgi status "$1" --json | python3 -c '
import json, sys
row, = json.load(sys.stdin)
print(row["in_flight"], row["requests"], row["longest_s"] >= 1)')
}

# Usage: flight_is NAME WORDS
function flight_is {
    flight_of "$1"
    [[ "$REPLY" == "$2" ]]
}

# The files of a service's workers, and those that there are to be.
#
# Usage: assert_no_leftover NAME    Adds to bad, an array of the caller's
function assert_no_leftover {
    local found pid wanted=''
    found=$(in_machine ls "/run/devstack-wsgi/$1/alive")
    workers_of "$1"
    for pid in $REPLY; do
        wanted+=$pid$'\n'$pid.door$'\n'
    done
    [[ "$(sort <<< "$found")" == "$(sort <<< "${wanted%$'\n'}")" ]] ||
        bad+=("$1: $found, and not $wanted;")
}

@test "doors: a request that hangs is seen, under every transport" {
    local transport name before
    local -a bad=()
    for transport in "${TRANSPORTS[@]}"; do
        name=told-$transport
        where_of "$transport" "$name"
        flight_of "$name"
        before=${REPLY#0 } before=${before% False}
        in_machine curl "${STATUS_ONLY[@]}" "$URL/sleep?4" \
            > "$BATS_TEST_TMPDIR/$name" &

        wait_for 10 flight_is "$name" "1 $before True" ||
            bad+=("$name: $REPLY after $before;")
        wait "$!"
        wait_for 10 flight_is "$name" "0 $(( before + 1 )) False" ||
            bad+=("$name: $REPLY at the end;")
        [[ $(< "$BATS_TEST_TMPDIR/$name") == 200 ]] || bad+=("$name: no 200;")
    done
    assert_none "${bad[@]}"
    # the table has it, too
    run wsgi status told-uwsgi
    assert_line --index 0 --regexp ' REQUESTS +IN-FLIGHT +REFUSED +LONGEST +P50 +P99 '
    assert_line --index 1 --regexp ' active +2 +[0-9]+ +0 +0 +0[.]0s +[0-9]+ms '
}

@test "doors: a worker that hangs does not hang status" {
    local name pid begin
    for name in told-uwsgi told-mod-wsgi; do
        workers_of "$name"
        pid=${REPLY%% *}
        in_machine kill -STOP "$pid"
        begin=$SECONDS

        run wsgi status "$name" --json

        in_machine kill -CONT "$pid"
        assert [ $(( SECONDS - begin )) -le 5 ]
        assert_output --partial '"workers": 2,'
        assert_output --partial "{\"pid\": $pid}"
        assert_output --partial '"ready": true'
    done
}

@test "doors: what a worker leaves goes with the next, and restarts leave none" {
    local transport name pid
    local -a bad=()
    for transport in "${TRANSPORTS[@]}"; do
        name=told-$transport
        workers_of "$name"
        pid=${REPLY%% *}
        in_machine kill -KILL "$pid"
        wait_for 20 has_workers_without "$pid" "$name"
        wait_for 10 requests_at_least 0 "$name"
        in_machine systemctl reload "devstack@$name"
        assert_no_leftover "$name"
        in_machine systemctl restart "devstack@$name"
        wait_for 10 requests_at_least 0 "$name"
        assert_no_leftover "$name"
    done
    assert_none "${bad[@]}"
    wsgi stop told-uwsgi
    run in_machine ls /run/devstack-wsgi/told-uwsgi
    assert_failure
    wsgi start told-uwsgi
}

@test "doors: with --preload each worker has its own" {
    serve http told-early --preload

    run wsgi status told-early --json

    assert_output --regexp '"pid": [0-9]+, "ready": true.*"pid": [0-9]+, "ready"'
}

@test "doors: a request whose client has gone is not run" {
    local transport
    local -a bad=()
    for transport in uwsgi http; do
        serve "$transport" "gone-$transport" --processes 1
    done

    # the front gives up on what it has passed on
    # shellcheck disable=SC2016  # expanded in the machine
    machine_sh '
        for url; do
            curl --silent --output /dev/null "$url/sleep?4" &
            sleep 0.5
            curl --silent --output /dev/null "$url/print?abandoned" &
        done
        sleep 1
        systemctl kill --signal KILL apache2
        wait
        systemctl start apache2
        for url; do
            curl --silent --output /dev/null --retry 9 --retry-all-errors \
                "$url/print?next"
        done' http://127.0.0.1/gone-{uwsgi,http}

    # it came: uWSGI cannot write the 499
    for transport in uwsgi http; do
        run in_machine journalctl --output=cat -u "devstack@gone-$transport"
        [[ "$output" == *'stderr next'* && "$output" != *'stderr aband'* &&
            "$output" == *'Broken pipe'*'print?abandoned '* ]] ||
            bad+=("$transport: $output;")
    done
    assert_none "${bad[@]}"
}
