#!/usr/bin/env bats
#
# a stop that stops, services on demand, and a reboot

load ../helpers/functional

function setup_file {
    machine_up && serve_all stop
}

# REPLY = the states of a service and of its socket, and its main PID.
#
# Usage: states NAME
function states {
    # shellcheck disable=SC2016  # expanded in the machine
    REPLY=$(machine_sh 'systemctl show --value -p ActiveState \
        "devstack@$1.service" "devstack@$1.socket"
        systemctl show --value -p MainPID "devstack@$1.service"' "$1")
    REPLY=${REPLY//$'\n\n'/ }
    REPLY=${REPLY//$'\n'/ }
}

# Usage: has_states NAME STATES
function has_states {
    states "$1"
    [[ "$REPLY" == "$2" ]]
}

@test "stop: requests get 503 at once, none starts it again, start does" {
    local transport
    local -a bad=() where
    for transport in "${TRANSPORTS[@]}"; do
        where_of "$transport" "stop-$transport"
        # one that nobody has taken yet ends with the socket: 500 or 502
        load_begin "$transport" "$URL/" --rate 40 --expect 200,500,502,503
    done
    wait_for 10 requests_at_least 20 stop-direct
    journal_mark

    wsgi stop "${TRANSPORTS[@]/#/stop-}"

    # for five seconds more
    for transport in "${TRANSPORTS[@]}"; do
        where_of "$transport" "stop-$transport"
        load_begin "after-$transport" "$URL/" --rate 20 --duration 5 \
            --expect 503
    done
    for transport in "${TRANSPORTS[@]}"; do
        load_wait "after-$transport"
        figure "stop-$transport" "after the stop ${LOAD[text]}"
        if [[ "$transport" == *direct ]]; then
            [[ "${LOAD[text]}" == *'"statuses": {}'*ConnectionRefused* ]] ||
                bad+=("direct: answered: ${LOAD[text]}")
        else
            (( LOAD[ok] == 100 )) ||
                bad+=("$transport: not 503: ${LOAD[text]}")
        fi
        states "stop-$transport"
        [[ "$REPLY" == 'inactive inactive 0' ]] ||
            bad+=("$transport: $REPLY")
        load_end "$transport"
        figure "stop-$transport" "over the stop ${LOAD[text]}"
        [[ "$transport" == *direct ]] || (( LOAD[failed] == 0 )) ||
            bad+=("$transport: no answer: ${LOAD[text]}")
    done
    [[ "$(journal_since_mark _PID=1)" != *Started* ]] ||
        bad+=("something was started")
    assert_none "${bad[@]}"

    wsgi start "${TRANSPORTS[@]/#/stop-}"

    assert_all_answer 200 stop
}

@test "stop: by systemctl, of the service alone, it is the same" {
    local -a names=("${TRANSPORTS[@]/#/stop-}") bad=()
    in_machine systemctl stop "${names[@]/#/devstack@}"

    assert_all_answer 503 stop
    for name in "${names[@]}"; do
        states "$name"
        [[ "$REPLY" == 'inactive inactive 0' ]] || bad+=("$name: $REPLY")
    done
    assert_none "${bad[@]}"

    in_machine systemctl start "${names[@]/#/devstack@}"
    assert_all_answer 200 stop
}

@test "stop: twice is no error, and start of what runs changes nothing" {
    local pid
    main_pid stop-uwsgi
    pid=$REPLY

    wsgi start stop-uwsgi
    assert_pid stop-uwsgi "$pid"

    wsgi stop stop-uwsgi
    wsgi stop stop-uwsgi
    wsgi start stop-uwsgi
    main_pid stop-uwsgi
    assert_not_equal "$REPLY" "$pid"
}

@test "stop: what the application started and does not end is ended" {
    serve http spawn
    assert_status 200 "$URL/spawn"
    run in_machine pgrep -f 'sleep 600'
    assert_success

    wsgi stop spawn

    run in_machine pgrep -f 'sleep 600'
    assert_failure
    # SIGTERM for all would have waited for it until the unit's timeout
    run_log spawn
    refute_line --partial 'timed out'
    assert_line --partial 'Deactivated successfully'
}

@test "stop: a worker that still loads is not waited for" {
    local pid
    serve http loading --env IMPORT_SECONDS=5
    workers_of loading
    pid=${REPLY%% *}
    in_machine kill -KILL "$pid"
    wait_for 10 has_workers_without "$pid" loading

    wsgi stop loading

    run_log loading
    # of uWSGI, at the end of its patience
    refute_line --partial 'NO MERCY'
    assert_line --partial 'Deactivated successfully'
}

@test "on demand: a stop ends the socket too, and no request starts it" {
    serve http demand --on-demand

    wsgi stop demand
    assert_status 503 "$URL/"
    states demand
    assert_that "states and main PID of demand" "$REPLY" 'inactive inactive 0'
}

@test "on demand: an idle service ends, the next request starts it" {
    serve http idle --on-demand
    in_machine sed -i 's/^idle = 300$/idle = 2/' \
        /etc/devstack-wsgi/uwsgi/idle.ini
    wsgi restart idle

    wait_for 20 has_states idle 'inactive active 0'
    assert_status 200 "$URL/"
    main_pid idle
    assert_not_equal "$REPLY" 0
}

@test "on demand: taken up and given up again, one of the units is enabled" {
    local -a enabled=(
        systemctl is-enabled devstack@turn.socket devstack@turn
    )
    serve http turn
    run in_machine "${enabled[@]}"
    assert_output $'static\nenabled'

    deploy_app turn --path /turn --on-demand
    run in_machine "${enabled[@]}"
    assert_output $'enabled\nstatic'

    deploy_app turn --path /turn
    run in_machine "${enabled[@]}"
    assert_output $'static\nenabled'
}

@test "reboot: all services are back, those on demand at the first request" {
    local transport
    local -a bad=() where
    serve http reboot-demand --on-demand

    "$REPO/tests/bin/machine" reboot "$M"

    for transport in "${TRANSPORTS[@]}"; do
        wait_for 30 in_machine systemctl --quiet is-active \
            "devstack@stop-$transport.service"
    done
    assert_all_answer 200 stop
    states reboot-demand
    [[ "$REPLY" == 'inactive active 0' ]] || bad+=("on demand: $REPLY")
    http_status http://127.0.0.1/reboot-demand/
    [[ "$REPLY" == 200 ]] || bad+=("on demand: $REPLY")
    run in_machine systemctl list-units --failed --plain --no-legend
    [[ "$output" != *devstack@* ]] || bad+=("$output")
    assert_none "${bad[@]}"
    run wsgi deploy stop-http --app probe:application \
        --chdir /srv/stop-http --user www-data --path /stop-http
    assert_output --partial 'nothing to change'
}
