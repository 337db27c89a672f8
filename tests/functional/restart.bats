#!/usr/bin/env bats
#
# restarts under load, asked for or not

load ../helpers/functional

function by_systemctl {
    in_machine systemctl restart "devstack@$1"
}

function by_wsgi {
    wsgi restart "$1"
}

# Restart a service that takes 2 s to import, while 40 requests/s come.
#
# Usage: restart_under_load TRANSPORT HOW
#   HOW  a function that restarts the service that it is given
function restart_under_load {
    local transport=$1 how=$2 name=restart-$BATS_TEST_NUMBER
    local restarts i begin pid
    serve "$transport" "$name" --env IMPORT_SECONDS=2
    count 2 20
    restarts=$REPLY

    load_begin all "$URL/" --rate 40
    begin=$SECONDS
    for (( i = 0; i < restarts; i++ )); do
        main_pid "$name"
        pid=$REPLY
        "$how" "$name"
        main_pid "$name"
        assert_not_equal "$REPLY" "$pid"
    done
    load_end all

    figure "$transport, $how" "$restarts restarts, ${LOAD[said]}"
    assert_no_failure $(( (SECONDS - begin) * 20 ))
    # the import shows: the load did run meanwhile
    assert [ "${LOAD[longest_pause_ms]}" -gt 1500 ]
}

@test "restart: by systemctl at 40 requests/s, none is lost (uwsgi)" {
    restart_under_load uwsgi by_systemctl
}

@test "restart: by systemctl at 40 requests/s, none is lost (http)" {
    restart_under_load http by_systemctl
}

@test "restart: by systemctl at 40 requests/s, none is lost (direct)" {
    restart_under_load direct by_systemctl
}

@test "restart: by systemctl at 40 requests/s, none is lost (mod-wsgi)" {
    restart_under_load mod-wsgi by_systemctl
}

@test "restart: by systemctl at 40 requests/s, none is lost (mod-wsgi-direct)" {
    restart_under_load mod-wsgi-direct by_systemctl
}

@test "restart: by wsgi restart at 40 requests/s, none is lost (uwsgi)" {
    restart_under_load uwsgi by_wsgi
}

@test "restart: by wsgi restart at 40 requests/s, none is lost (http)" {
    restart_under_load http by_wsgi
}

@test "restart: by wsgi restart at 40 requests/s, none is lost (mod-wsgi)" {
    restart_under_load mod-wsgi by_wsgi
}

# Restart a service whose two threads compute in Python all the time: more
# requests arrive than the threads can answer.
#
# Usage: restart_busy_threads TRANSPORT
function restart_busy_threads {
    local transport=$1 name=busy-$1
    local i restarts
    serve "$transport" "$name" --threads 2
    count 3 10
    restarts=$REPLY
    journal_mark

    load_begin all "$URL/compute?0.1" --rate 25 --timeout 200
    for (( i = 0; i < restarts; i++ )); do
        wait_for 30 requests_at_least 10 "$name"
        by_systemctl "$name"
    done
    load_end all

    figure "$transport, busy threads" "$restarts restarts, ${LOAD[said]}"
    assert_no_mercy "$name"
    assert_no_failure $(( restarts * 10 ))
}

@test "restart: none is lost while two threads compute" {
    local transport
    for transport in uwsgi http direct; do
        restart_busy_threads "$transport"
    done
}

@test "restart: ten in a row by a person all succeed" {
    local i
    local -a bad=()
    serve http ten

    for i in {1..10}; do
        in_machine systemctl restart devstack@ten || bad+=("restart $i")
    done

    assert_none "${bad[@]}"
    assert_status 200 "$URL/"
    # and none of them counts as a crash
    run in_machine cat /run/devstack-wsgi/ten.crashes
    assert_failure
}

# Usage: is_back NAME OLD-PID
function is_back {
    main_pid "$1"
    (( REPLY && REPLY != $2 )) &&
        in_machine systemctl --quiet is-active "devstack@$1.service"
}

@test "restart: after a kill of the master it comes back, the socket stays" {
    local transport name
    local -a bad=()
    local -A pids=() sockets=()
    for transport in "${TRANSPORTS[@]}"; do
        name=killed-$transport
        serve "$transport" "$name" --env IMPORT_SECONDS=1
        sockets[$name]=$(in_machine systemctl show --value -p InvocationID \
            "devstack@$name.socket")
        main_pid "$name"
        pids[$name]=$REPLY
        load_begin "$transport" "$URL/" --rate 40
    done

    for name in "${!pids[@]}"; do
        # some requests have been answered
        wait_for 10 requests_at_least 20 "$name"
        in_machine kill -KILL "${pids[$name]}"
    done
    for name in "${!pids[@]}"; do
        wait_for 30 is_back "$name" "${pids[$name]}"
    done

    for transport in "${TRANSPORTS[@]}"; do
        name=killed-$transport
        load_end "$transport"
        figure main-killed "$transport: ${LOAD[said]}"
        # not more than were in flight, and those that came while it died
        (( LOAD[failed] <= 40 )) || bad+=("$transport: ${LOAD[text]}")
        run in_machine systemctl show --value -p InvocationID \
            "devstack@$name.socket"
        [[ "$output" == "${sockets[$name]}" ]] ||
            bad+=("$transport: the socket was stopped")
        # not only because somebody asked
        run in_machine systemctl show --value -p NRestarts "devstack@$name"
        [[ "$output" == 1 ]] || bad+=("$transport: restarts: $output")
    done
    assert_none "${bad[@]}"
}

@test "restart: another address is served as soon as deploy has returned" {
    local row
    local -a bad=() words
    # options, and where it is to answer then
    local -a rows=(
        "--path /moves --site moved http://127.0.0.1/moves"
        "--path /elsewhere --site moved http://127.0.0.1/elsewhere"
        "--path /elsewhere --transport uwsgi http://127.0.0.1/elsewhere"
        "--listen 127.0.0.1:9112 http://127.0.0.1:9112"
        "--listen [::1]:9112 --path /both http://127.0.0.1/both"
    )
    serve http moves

    for row in "${rows[@]}"; do
        read -ra words <<< "$row"
        deploy_app moves "${words[@]:0:${#words[@]}-1}"
        http_status "${words[-1]}/"
        [[ "$REPLY" == 200 ]] || bad+=("$row: $REPLY;")
    done

    assert_none "${bad[@]}"
    # and it can be restarted there
    wsgi restart moves
}

@test "restart: another transport restarts nothing, and loses no request" {
    local transport pid
    serve http spoken
    main_pid spoken
    pid=$REPLY

    load_begin all "$URL/" --rate 20
    for transport in uwsgi http uwsgi http; do
        deploy_app spoken --path /spoken --transport "$transport"
    done
    load_end all

    figure "another transport, four times" "${LOAD[said]}"
    assert_no_failure 20
    assert_pid spoken "$pid"
}

@test "restart: forty requests that wait 1 s each at one process are served" {
    local transport
    local -a bad=() where urls=()
    for transport in uwsgi http mod-wsgi; do
        serve "$transport" "queue-$transport" --processes 1
        urls+=("$URL/sleep?1")
    done

    # shellcheck disable=SC2016  # expanded in the machine
    run machine_sh '
        for url; do
            for (( i = 0; i < 40; i++ )); do
                curl --silent --output /dev/null --max-time 150 \
                    --write-out "%{http_code}\n" "$url" &
            done
        done
        sleep 2
        systemctl restart devstack@queue-{uwsgi,http,mod-wsgi} ||
            echo "restart $?"
        wait' "${urls[@]}"

    for transport in "${lines[@]}"; do
        [[ "$transport" == 200 ]] || bad+=("$transport")
    done
    assert_equal "${#lines[@]} answers, bad: ${bad[*]}" '120 answers, bad: '
}

# Twelve clients send one request after the other to each service, as many as
# it can answer, while it restarts and reloads.
@test "restart: at saturation none is lost" {
    local transport name sent
    local -a bad=()
    count 3 25
    local times=$REPLY
    for transport in uwsgi http mod-wsgi; do
        name=full-$transport
        serve "$transport" "$name"

        # shellcheck disable=SC2016  # expanded in the machine
        run machine_sh '
            ab -q -r -c 12 -t 600 -n 100000000 "$2/version" > /tmp/ab 2>&1 &
            sleep 0.5
            for (( i = 0; i < $3; i++ )); do
                systemctl restart "devstack@$1" &&
                    systemctl reload "devstack@$1" || echo "status $?"
            done
            kill -INT $!
            wait
            sed -n "s/^\(Complete\|Failed\|Non-2xx\) [a-z]*: *//p" /tmp/ab' \
            "$name" "$URL" "$times"

        sent=${lines[0]}
        figure "saturation $transport" "$times restarts and reloads," \
            "${lines[*]:1} of $sent requests failed"
        [[ "$output" == "$sent"$'\n0' ]] || bad+=("$transport: $output;")
        (( sent > 1000 )) || bad+=("$transport: too few;")
    done
    assert_none "${bad[@]}"
}

# The front has connected, and its request comes a little later.
@test "restart: who has connected to an httpd and says nothing yet is served" {
    serve mod-wsgi silent

    # shellcheck disable=SC2016  # expanded in the machine
    run machine_sh '
        source /etc/devstack-wsgi/mod_wsgi/silent.facts
        exec {front}<> "/dev/tcp/127.0.0.1/$port"
        systemctl restart devstack@silent &
        sleep 0.5
        printf "%s\r\n" "GET /silent/ HTTP/1.1" "Host: x" \
            "X-Devstack-Wsgi-Peer: 127.0.0.1" \
            "X-Devstack-Wsgi-Secret: $secret" "" >&"$front"
        head -n 1 <&"$front"
        wait $!'

    assert_success
    assert_output --partial 'HTTP/1.1 200 OK'
}
