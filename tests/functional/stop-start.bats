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
    local transport line
    local -a bad=() where
    for transport in "${TRANSPORTS[@]}"; do
        where_of "$transport" "stop-$transport"
        load_begin "$transport" "$URL/" --rate 40 --expect 200,503
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
        if [[ "$transport" == *direct ]]; then
            # once it is down, nobody can connect
            [[ "${LOAD[text]}" != *@(Reset|early)* ]] ||
                bad+=("$transport: cut off: ${LOAD[text]}")
        else
            (( LOAD[failed] == 0 )) ||
                bad+=("$transport: no answer: ${LOAD[text]}")
        fi
    done
    # of mod_wsgi, what takes the connections of the socket may be
    run grep Started <(journal_since_mark _PID=1)
    for line in "${lines[@]}"; do
        [[ "$line" == *.forward.service* ]] || bad+=("$line")
    done
    assert_none "${bad[@]}"

    wsgi start "${TRANSPORTS[@]/#/stop-}"

    assert_all_answer 200 stop
}

# Send requests to a service at the same time; status and Retry-After of each
# are in $BATS_TEST_TMPDIR/asked-NAME at their end.
#
# Usage: ask_at_once NAME NUMBER PATH
# Adds to asked, an array of the caller's: the PID to wait for
function ask_at_once {
    # shellcheck disable=SC2016  # expanded in the machine
    machine_sh 'for (( i = 0; i < $2; i++ )); do
            curl --silent --output /dev/null --max-time 120 \
                --write-out "%{http_code} %header{retry-after}\n" "$1" &
        done
        wait' "$URL$3" "$2" > "$BATS_TEST_TMPDIR/asked-$1" 3>&- &
    asked+=("$!")
}

# Whether so many requests are under way to a service, and its workers work.
#
# Usage: are_asked NUMBER NAME
function are_asked {
    local -a where
    where_of "${2#*-}" "$2"
    # shellcheck disable=SC2016  # expanded in the machine
    machine_sh '
        port=${1#http://127.0.0.1}
        port=${port%%/*}
        # each has a curl of its own, and each worker sleeps in one
        [[ $(pgrep --full --count "^curl .*$1/") -ge $2 ]] || exit
        for pid in $(pgrep --full "$3"); do
            [[ "$(cat "/proc/$pid/task/"*/wchan)" == *hrtimer_nanosleep* ]] ||
                exit
        done
        [[ $(ss -Htn state established "dport = ${port:-:80}" | wc -l) -ge \
            $2 ]]' "$URL" "$1" "$(workers_regex "$2")"
}

# Ask each service so that it works on some requests and the others wait.
#
# Usage: ask_all NUMBER PATH
# Adds to asked, an array of the caller's
function ask_all {
    local transport
    for transport in "${TRANSPORTS[@]}"; do
        where_of "$transport" "stop-$transport"
        ask_at_once "stop-$transport" "$1" "$2"
        wait_for 30 are_asked "$1" "stop-$transport"
    done
}

# How many of the answers to the requests of ask_at_once were such.
#
# Usage: answers NAME 'STATUS RETRY-AFTER'
function answers {
    grep -cx "$2" "$BATS_TEST_TMPDIR/asked-$1"
}

@test "stop: what waits gets 503 with Retry-After, what is in work ends" {
    local transport good wait
    local -a bad=() asked=() where
    ask_all 20 '/sleep?8'

    in_machine systemctl stop "${TRANSPORTS[@]/#/devstack@stop-}"

    wait "${asked[@]}"
    for transport in "${TRANSPORTS[@]}"; do
        good=$(answers "stop-$transport" '200 ') || true  # 0
        wait=$(answers "stop-$transport" '503 2') || true  # 0
        figure stop-waiting "$transport: $good got 200, $wait got 503 with" \
            "Retry-After, stopped in $(stop_time "stop-$transport") s"
        (( good >= 2 && wait >= 10 && good + wait == 20 )) ||
            bad+=("$transport: $(< "$BATS_TEST_TMPDIR/asked-stop-$transport")")
    done
    assert_none "${bad[@]}"
    wsgi start "${TRANSPORTS[@]/#/stop-}"
}

# The services whose requests hang were stopped at once, and what waited was
# answered.
#
# Usage: stopped_at_once FIGURE
function stopped_at_once {
    local transport seconds
    local -a bad=()
    for transport in "${TRANSPORTS[@]}"; do
        seconds=$(stop_time "stop-$transport")
        figure "$1" "$transport: stopped in $seconds s"
        (( seconds < 10 )) || bad+=("$transport: $seconds s")
        main_pid "stop-$transport"
        [[ "$REPLY" == 0 ]] || bad+=("$transport: main process $REPLY")
        workers_of "stop-$transport"
        [[ -z "$REPLY" ]] || bad+=("$transport: processes $REPLY")
    done
    assert_none "${bad[@]}"
}

@test "stop: --now ends it at once, also one that waits for its requests" {
    local -a asked=()
    ask_all 3 '/sleep?100'
    in_machine systemctl stop --no-block devstack@stop-http

    wsgi stop --now "${TRANSPORTS[@]/#/stop-}"

    stopped_at_once stop-now
    wait "${asked[@]}"
    states stop-http
    assert_that "states and main PID" "$REPLY" 'inactive inactive 0'
    wsgi start "${TRANSPORTS[@]/#/stop-}"
    assert_all_answer 200 stop
}

# Whether what stops each service hears a signal (SIGTERM is bit 14 of SigCgt):
# one that comes while its Python still begins ends it instead.
function all_stop {
    # shellcheck disable=SC2016  # expanded in the machine
    machine_sh '
        for unit; do
            pid=$(systemctl show --value -p ControlPID "$unit")
            while read -r key value; do
                [[ "$key" != SigCgt: ]] ||
                    (( 0x$value & 1 << 14 )) || exit 1
            done < "/proc/$pid/status" || exit 1
        done' "${TRANSPORTS[@]/#/devstack@stop-}"
}

@test "stop: a second signal ends it at once" {
    local -a asked=() units=("${TRANSPORTS[@]/#/devstack@stop-}")
    ask_all 3 '/sleep?100'
    in_machine systemctl stop --no-block "${units[@]}"
    wait_for 20 all_stop
    in_machine systemctl kill "${units[@]}"
    in_machine systemctl stop "${units[@]}"

    stopped_at_once stop-twice
    wait "${asked[@]}"
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
