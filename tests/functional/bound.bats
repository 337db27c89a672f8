#!/usr/bin/env bats
#
# what one service takes of the front: services that hang, a restart with a
# queue, silent clients; doc/source/reliability.rst has the figures

load ../helpers/functional

# behind the front: one that is not has no part in it
BEHIND=()
for transport in "${TRANSPORTS[@]}"; do
    [[ "$transport" == *direct ]] || BEHIND+=("$transport")
done

# while it is there, requests hang
readonly HANG=/srv/hang

function setup_file {
    local transport
    machine_up || return
    serve http other || return
    for transport in "${BEHIND[@]}"; do
        serve "$transport" "hung-$transport" || return
    done
    in_machine touch "$HANG"
}

# What hangs ends.
function tidy {
    local transport
    in_machine rm -f "$HANG"
    for transport in "${BEHIND[@]}"; do
        wait_for 30 answers "hung-$transport"
    done
    in_machine touch "$HANG"
}

# Usage: answers NAME
function answers {
    http_status "http://127.0.0.1/$1/"
    [[ "$REPLY" == 200 ]]
}

# Ask another service, while services hang at 10 requests/s each; and, for the
# figure, without them.
#
# Usage: others_answer NAME...
function others_answer {
    local name control seconds
    count 5 120
    seconds=$REPLY
    load_begin control http://127.0.0.1/other/ --rate 20 --duration "$seconds"
    load_wait control
    p99
    control=$REPLY
    fill "$@"
    for name; do
        load_begin "$name" "http://127.0.0.1/$name/hang?$HANG" --rate 10 \
            --timeout 2
    done
    load_begin other http://127.0.0.1/other/ --rate 20 --duration "$seconds"
    load_wait other
    p99
    figure bound "$* hung: of another ${LOAD[said]}, p99 $REPLY ms," \
        "$control ms without"
    assert_no_failure 90
    assert [ "${REPLY%.*}" -lt 1000 ]
}

# Send requests that hang, until each service holds all that it may.
#
# Usage: fill NAME...
function fill {
    local name
    for name; do
        load_begin "$name" "http://127.0.0.1/$name/hang?$HANG" --rate 100 \
            --timeout 1
    done
    for name; do
        wait_for 40 refuses "$name"
    done
    for name; do
        load_end "$name"
    done
}

# REPLY = of the good answers of a load 99 % took so many ms at most.
function p99 {
    [[ "${LOAD[text]}" =~ \"p99_ms\":\ ([0-9.]+) ]]
    REPLY=${BASH_REMATCH[1]}
}

# Whether a service gets no more: 503, soon, with Retry-After.
#
# Usage: refuses NAME
function refuses {
    run in_machine curl --silent --include --max-time 3 "http://127.0.0.1/$1/"
    [[ "$output" == 'HTTP/1.1 503 '*'Retry-After: '* ]]
}

@test "bound: a service that hangs leaves the front to the others" {
    local transport
    for transport in "${BEHIND[@]}"; do
        others_answer "hung-$transport"
        load_end "hung-$transport"
        tidy
    done
}

@test "bound: two services that hang leave the front to the others" {
    others_answer hung-uwsgi hung-mod-wsgi
    load_end hung-uwsgi
    load_end hung-mod-wsgi
}

@test "bound: the journal and status say that a service is at its bound" {
    local name
    local -a bad=()
    fill hung-uwsgi hung-mod-wsgi
    for name in hung-uwsgi hung-mod-wsgi; do
        wait_for 15 says_so "$name" || bad+=("$name: $output")
    done
    assert_none "${bad[@]}"
}

# Usage: says_so NAME
function says_so {
    run wsgi status "$1" --json
    [[ "$output" =~ \"refused\":\ [1-9] ]] || return 1
    run_log "$1"
    [[ "$output" == *'requests got 503: '* ]]
}

@test "bound: an application's own 503 is as it gave it" {
    local transport
    for transport in "${BEHIND[@]}"; do
        run in_machine curl --silent --include \
            "http://127.0.0.1/hung-$transport/away"
        assert_output --partial 'HTTP/1.1 503 '
        refute_output --partial Retry-After
        refute_output --partial X-Devstack
    done
}

@test "bound: what waits while a service restarts is answered" {
    local transport
    local -a bad=()
    for transport in "${BEHIND[@]}"; do
        # two workers answer ten a second
        load_begin "$transport" "http://127.0.0.1/hung-$transport/sleep?0.2" \
            --rate 20 --timeout 100 --duration 6
    done
    for transport in "${BEHIND[@]}"; do
        in_machine systemctl restart "devstack@hung-$transport"
    done
    for transport in "${BEHIND[@]}"; do
        load_wait "$transport"
        figure bound "$transport restarted: ${LOAD[said]}"
        (( LOAD[failed] == 0 )) || bad+=("$transport: ${LOAD[text]}")
    done
    assert_none "${bad[@]}"
}

@test "bound: --in-flight is what a service may hold" {
    serve http few --in-flight 4
    load_begin few "http://127.0.0.1/few/hang?$HANG" --rate 20 --timeout 2 \
        --duration 2

    load_wait few

    # a process of the front has one, and there are four
    assert [ "${LOAD[text]#*'"503": '}" != "${LOAD[text]}" ]
    run refuses few
    assert_success
}

@test "bound: silent connections keep nobody from the front" {
    # shellcheck disable=SC2016  # expanded in the machine
    in_machine systemd-run --quiet --unit=silent --property=LimitNOFILE=5000 \
        python3 -c '
import socket, time
silent = []
for _ in range(1000):
    silent.append(socket.create_connection(("127.0.0.1", 80)))
    silent[-1].setblocking(False)
time.sleep(60)'
    wait_for 20 holds_silent
    load_begin other http://127.0.0.1/other/ --rate 20 --duration 10

    load_wait other
    in_machine systemctl stop silent

    p99
    figure silent "1,000 silent connections: ${LOAD[said]}, p99 $REPLY ms"
    assert_no_failure 180
}

function holds_silent {
    run in_machine bash -c 'grep -c ":0050 01 " /proc/net/tcp'
    (( output >= 900 ))
}
