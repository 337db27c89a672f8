#!/usr/bin/env bats
#
# more requests than a service can answer

load ../helpers/functional

function setup_file {
    machine_up || return
    # the services are overloaded here, not the front
    machine_sh 'printf "%s\n" "ServerLimit 40" "MaxRequestWorkers 1000" \
        > /etc/apache2/conf-enabled/many.conf
        systemctl restart apache2'
    serve_all busy --in-flight off
}

function switched {
    run wsgi status "$1" --json
    if [[ "$output" == *'"mode": "uwsgi"'* ]]; then
        wsgi switch mod_wsgi "$1"
    else
        wsgi switch uwsgi "$1"
    fi
}

function reloaded {
    in_machine systemctl reload "devstack@$1"
}

function restarted {
    in_machine systemctl restart "devstack@$1"
}

# Usage: is_back NAME PID
function is_back {
    main_pid "$1"
    (( REPLY && REPLY != $2 )) &&
        in_machine systemctl --quiet is-active "devstack@$1"
}

function killed {
    local pid
    main_pid "$1"
    pid=$REPLY
    in_machine kill -KILL "$pid"
    wait_for 30 is_back "$1" "$pid"
}

# What happens to the service of each transport, in its turn; at the full count
# all of it happens to all.
EVENTS=(switched reloaded restarted killed restarted)

# Usage: happens NAME EVENT...
function happens {
    local event
    for event in "${@:2}"; do
        "$event" "$1" || printf '%s was not %s\n' "$1" "$event"
    done
}

@test "overload: at twice the capacity each serves on, whatever happens to it" {
    local transport i=0 begin=$SECONDS seconds
    local -a bad=() turns=() events=() lost=()
    count 8 60
    seconds=$REPLY
    for transport in "${TRANSPORTS[@]}"; do
        where_of "$transport" "busy-$transport"
        # two workers answer ten a second
        load_begin "$transport" "$URL/sleep?0.2" --rate 20 --timeout 200 \
            --duration "$seconds"
    done

    for transport in "${TRANSPORTS[@]}"; do
        events=("${EVENTS[i % ${#EVENTS[@]}]}")
        [[ "$seconds" -lt 60 ]] || events=(switched reloaded restarted killed)
        # what the httpd of the killed service has accepted is lost
        lost[i]=0
        [[ "${events[*]}" != *killed ]] || lost[i]=200
        wait_for 20 requests_at_least 10 "busy-$transport"
        happens "busy-$transport" "${events[@]}" \
            > "$BATS_TEST_TMPDIR/$transport" 2>&1 &
        turns+=("$!")
        i=$(( i + 1 ))
    done
    wait "${turns[@]}"
    i=0
    figure overload "all happened within $(( SECONDS - begin )) s"
    for transport in "${TRANSPORTS[@]}"; do
        load_wait "$transport"
        figure overload "$transport: ${LOAD[said]}"
        (( LOAD[longest_pause_ms] < 10000 && LOAD[failed] <= lost[i] )) ||
            bad+=("$transport: ${LOAD[text]};")
        i=$(( i + 1 ))
        mapfile -t -O "${#bad[@]}" bad < <(
            grep 'was not' "$BATS_TEST_TMPDIR/$transport")
    done
    figure overload "and all was answered after $(( SECONDS - begin )) s"
    assert_none "${bad[@]}"
    run in_machine systemctl is-active "${TRANSPORTS[@]/#/devstack@busy-}"
    assert_output "$(printf 'active\n%.0s' "${TRANSPORTS[@]}")"
    assert_all_answer 200 busy
}
