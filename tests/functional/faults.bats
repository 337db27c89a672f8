#!/usr/bin/env bats
#
# what fails beneath a service: processes that are killed, crash or hang, no
# memory, no journal; doc/source/reliability.rst has the figures

load ../helpers/functional

function setup_file {
    local transport
    machine_up || return
    for transport in "${TRANSPORTS[@]}"; do
        serve "$transport" "fault-$transport" --set harakiri=3 || return
        serve "$transport" "hung-$transport" || return
        ask_in_background "$URL/sleep?600" || return
    done
    # a stop gives what is in flight half a minute; the tests need not wait
    wait_for 30 all_hang
    in_machine systemd-run --quiet --unit=stop-hung --remain-after-exit \
        systemctl stop "${TRANSPORTS[@]/#/devstack@hung-}"
}

function tidy {
    in_machine systemctl start systemd-journald.socket \
        systemd-journald-dev-log.socket systemd-journald apache2
}

# Send a request whose answer nobody waits for.
#
# Usage: ask_in_background URL
function ask_in_background {
    in_machine systemd-run --quiet curl "${STATUS_ONLY[@]}" --max-time 120 "$1"
}

# Whether each of the services that are to hang has got its request.
function all_hang {
    local transport
    for transport in "${TRANSPORTS[@]}"; do
        [[ "$(established "hung-$transport")" != 0 ]] || return 1
    done
}

# How many processes of a service are within /sleep: all others wait for a
# connection, or read a pipe.
#
# Usage: established NAME
function established {
    # shellcheck disable=SC2016  # expanded in the machine
    machine_sh '
        number=0
        for pid in $(pgrep --full "$1"); do
            for thread in /proc/"$pid"/task/*; do
                [[ "$(< "$thread/wchan")" != hrtimer_nanosleep ]] ||
                    number=$(( number + 1 ))
            done
        done
        echo "$number"' "$(workers_regex "$1")"
}

# Send requests to every service, until some of them came.
#
# Usage: load_all RATE
function load_all {
    local transport i=0
    local -a before
    mapfile -t before < <(requests_of_all)
    for transport in "${TRANSPORTS[@]}"; do
        where_of "$transport" "fault-$transport"
        load_begin "$transport" "$URL/" --rate "$1"
    done
    for transport in "${TRANSPORTS[@]}"; do
        wait_for 20 requests_at_least $(( before[i] + 5 )) "fault-$transport"
        i=$(( i + 1 ))
    done
}

# How many requests each service has answered, one a line.
function requests_of_all {
    local said
    said=$(wsgi status "${TRANSPORTS[@]/#/fault-}" --json)
    while [[ "$said" =~ \"requests\":\ ([0-9]+) ]]; do
        printf '%s\n' "${BASH_REMATCH[1]}"
        said=${said#*"${BASH_REMATCH[0]}"}
    done
}

# End the requests to every service, and print the figures.
#
# Usage: load_all_end NAME LIMIT
#   NAME   of the figure
#   LIMIT  so many may have failed, of each
# Adds to bad, an array of the caller's
function load_all_end {
    local transport
    for transport in "${TRANSPORTS[@]}"; do
        load_end "$transport"
        figure "$1" "$transport: ${LOAD[said]}"
        (( LOAD[failed] <= $2 && LOAD[sent] >= 10 )) ||
            bad+=("$transport: ${LOAD[text]}")
    done
}

@test "faults: a slow stop holds up neither Apache's reload nor its restart" {
    local -a units=("${TRANSPORTS[@]/#/devstack@hung-}")

    in_machine systemctl reload apache2
    in_machine systemctl restart apache2

    # with 30 s for each request that hangs, they have only begun
    run in_machine systemctl is-active "${units[@]}"
    assert_output "$(printf 'deactivating\n%.0s' "${units[@]}")"
    assert_status 200 http://127.0.0.1/fault-uwsgi/
    figure slow-stop "reload and restart done while ${#units[@]} services stop"
}

@test "faults: a worker that is killed loses what it had, nothing else" {
    local transport name i
    local -a bad=()
    local -A pids=()
    count 2 20
    local times=$REPLY
    load_all 10

    for (( i = 0; i < times; i++ )); do
        for transport in "${TRANSPORTS[@]}"; do
            name=fault-$transport
            workers_of "$name"
            pids[$name]=${REPLY%% *}
            in_machine kill -KILL "${pids[$name]}"
        done
        for name in "${!pids[@]}"; do
            wait_for 20 has_workers_without "${pids[$name]}" "$name" ||
                bad+=("$name: no new worker")
        done
    done

    # with one thread a worker has one request
    load_all_end worker-killed "$times"
    assert_none "${bad[@]}"
}

@test "faults: a worker that crashes loses that request, nothing else" {
    local transport
    local -a bad=()
    load_all 10

    for transport in "${TRANSPORTS[@]}"; do
        where_of "$transport" "fault-$transport"
        http_status "$URL/segfault"
        [[ "$REPLY" == 50[02] || "$transport $REPLY" == 'direct 000' ]] ||
            bad+=("$transport: the one that crashes: $REPLY")
        wait_for 20 has_workers_without '' "fault-$transport" ||
            bad+=("$transport: no new worker")
    done

    load_all_end worker-crashed 0
    assert_none "${bad[@]}"
}

# Let the processes of a service have so much memory: by its unit, where
# systemd has been given the controller, else by a cgroup of the test's own.
#
# Usage: limit_memory NAME MIB
function limit_memory {
    # shellcheck disable=SC2016  # expanded in the machine
    machine_sh '
        unit=devstack@$1.service all=/sys/fs/cgroup/memory
        if [[ ! -d "$all" ]]; then
            mkdir -p "/etc/systemd/system/$unit.d"
            printf "%s\n" "[Service]" "MemoryMax=$2M" "MemorySwapMax=0" \
                > "/etc/systemd/system/$unit.d/90-memory.conf"
            systemctl daemon-reload
            exit
        fi
        mount -o remount,bind,rw "$all" && mkdir "$all/$1" || exit
        echo "$2M" > "$all/$1/memory.limit_in_bytes" || exit
        group=$(systemctl show --value -p ControlGroup "$unit")
        while read -r pid; do
            echo "$pid" > "$all/$1/cgroup.procs" || exit
        done < "/sys/fs/cgroup/systemd$group/cgroup.procs"' "$1" "$2"
}

# Usage: unlimit_memory NAME
function unlimit_memory {
    # shellcheck disable=SC2016  # expanded in the machine
    machine_sh '
        all=/sys/fs/cgroup/memory
        rm -f "/etc/systemd/system/devstack@$1.service.d/90-memory.conf"
        systemctl daemon-reload
        [[ -d "$all/$1" ]] || exit 0
        while read -r pid; do
            echo "$pid" > "$all/cgroup.procs"
        done < "$all/$1/cgroup.procs"
        rmdir "$all/$1"' "$1"
}

@test "faults: a worker that the kernel ends for memory is replaced" {
    local transport name before
    local -a bad=()
    for transport in "${TRANSPORTS[@]}"; do
        limit_memory "fault-$transport" 160
    done
    load_all 10

    for transport in "${TRANSPORTS[@]}"; do
        name=fault-$transport
        where_of "$transport" "$name"
        main_pid "$name"
        before=$REPLY
        http_status "$URL/eat?400"
        [[ "$REPLY" == 50[02] || "$transport $REPLY" == 'direct 000' ]] ||
            bad+=("$transport: the one that eats: $REPLY")
        wait_for 20 has_workers_without '' "$name" ||
            bad+=("$transport: no new worker")
        main_pid "$name"
        [[ "$REPLY" == "$before" ]] || bad+=("$transport: restarted")
        # where systemd sees it, which it does not in every machine
        REPLY=$(in_machine systemctl show --value -p OOMPolicy \
            "devstack@$name")
        [[ "$REPLY" == continue ]] || bad+=("$transport: systemd: $REPLY")
    done

    load_all_end out-of-memory 0
    for transport in "${TRANSPORTS[@]}"; do
        unlimit_memory "fault-$transport"
    done
    assert_none "${bad[@]}"
}

@test "faults: requests that hang are ended, those that wait are answered" {
    local transport i
    local -a bad=() asking=()
    # so few that Apache has threads for all that wait
    load_all 3

    # all workers of each
    for transport in "${TRANSPORTS[@]}"; do
        where_of "$transport" "fault-$transport"
        for i in 1 2; do
            in_machine curl "${STATUS_ONLY[@]}" --max-time 120 \
                "$URL/sleep?600" > /dev/null 3>&- &
            asking+=("$!")
        done
    done
    for i in "${asking[@]}"; do
        wait "$i" || true  # it got no answer
    done
    load_all_end hung-request 0

    assert_none "${bad[@]}"
}

# Usage: front_is_back OLD-PID
function front_is_back {
    REPLY=$(in_machine systemctl show --value -p MainPID apache2)
    [[ "$REPLY" != 0 && "$REPLY" != "$1" ]] || return 1
    http_status http://127.0.0.1/fault-uwsgi/
    [[ "$REPLY" == 200 ]]
}

@test "faults: the front Apache is killed and comes back, services go on" {
    local transport old
    local -a bad=()
    local -A pids=()
    for transport in "${TRANSPORTS[@]}"; do
        main_pid "fault-$transport"
        pids[$transport]=$REPLY
    done
    old=$(in_machine systemctl show --value -p MainPID apache2)
    load_all 10

    in_machine kill -KILL "$old"
    wait_for 30 front_is_back "$old"

    # who is behind it loses what comes until it is back
    load_all_end front-killed 10000
    for transport in "${TRANSPORTS[@]}"; do
        main_pid "fault-$transport"
        [[ "$REPLY" == "${pids[$transport]}" ]] ||
            bad+=("$transport: restarted")
        where_of "$transport" "fault-$transport"
        http_status "$URL/"
        [[ "$REPLY" == 200 ]] || bad+=("$transport: $REPLY")
    done
    # TRANSPORTS ends with one that is not behind it
    (( LOAD[failed] == 0 )) || bad+=("without Apache: ${LOAD[text]}")
    assert_none "${bad[@]}"
}

@test "faults: while there is no journal, services go on" {
    local transport requests
    local -a bad=()
    load_all 10

    # killed, it comes back with what it had open
    in_machine systemctl kill --signal=KILL systemd-journald
    pass_requests 20
    # gone: nobody reads, and nobody can connect
    in_machine systemctl stop systemd-journald.socket \
        systemd-journald-dev-log.socket systemd-journald
    pass_requests 20
    wsgi restart fault-uwsgi fault-mod-wsgi
    in_machine systemctl reload devstack@fault-http
    run in_machine systemctl is-active systemd-journald
    assert_output inactive

    load_all_end journal-gone 0
    assert_none "${bad[@]}"
    in_machine systemctl start systemd-journald.socket \
        systemd-journald-dev-log.socket systemd-journald
    # what it had open is closed
    wsgi restart "${TRANSPORTS[@]/#/fault-}"
}

# Wait until so many more requests have been answered by each service.
#
# Usage: pass_requests NUMBER
function pass_requests {
    local transport i=0
    local -a before
    mapfile -t before < <(requests_of_all)
    for transport in "${TRANSPORTS[@]}"; do
        wait_for 20 requests_at_least $(( before[i] + $1 )) \
            "fault-$transport" || bad+=("$transport: answers no more")
        i=$(( i + 1 ))
    done
}

function hung_are_stopped {
    in_machine systemctl show --value -p SubState stop-hung | grep -qx exited
}

@test "faults: a stop ends a thread that hangs, before systemd has to" {
    local transport name seconds
    local -a bad=()

    wait_for 90 hung_are_stopped

    for transport in "${TRANSPORTS[@]}"; do
        name=hung-$transport
        REPLY=$(in_machine systemctl show --value -p Result "devstack@$name")
        [[ "$REPLY" == success ]] || bad+=("$name: $REPLY")
        workers_of "$name"
        [[ -z "$REPLY" ]] || bad+=("$name: processes $REPLY")
        main_pid "$name"
        [[ "$REPLY" == 0 ]] || bad+=("$name: main process $REPLY")
        seconds=$(stop_time "$name")
        figure hung-stop "$transport: 1 of 1 request in flight failed," \
            "stopped in $seconds s"
        (( seconds < 35 )) || bad+=("$name: stopped in $seconds s")
    done
    assert_none "${bad[@]}"
    wsgi start hung-uwsgi hung-mod-wsgi
    wsgi remove "${TRANSPORTS[@]/#/hung-}"
}

# What services have of the system: processes, sockets, files, semaphores and
# shared memory, cgroups. PIDs are left out, and what changes with the journal;
# and what is of other tests: the load beside, and venvs in the folder of the
# host that the machine lies over.
function belongings {
    # shellcheck disable=SC2016  # expanded in the machine
    machine_sh '
        systemctl --quiet is-active apache2
        # before there is a grep with those words
        running=$(ps -eo args)
        grep -E "uWSGI|[w]sgi:|[d]evstack" <<< "$running" |
            grep -v /tests/harness/ | sort
        ss -Hlnx | while read -r _ _ _ _ address _; do
            echo "$address"
        done | sed -E "s/wsgi[.][0-9]+/wsgi.PID/
            s/[0-9]+[.]door\$/PID.door/" | sort
        ss -Hltn | while read -r _ _ _ address _; do
            echo "$address"
        done | sort
        find /run/devstack-wsgi /run/uwsgi /var/lib/devstack-wsgi /tmp \
            /var/tmp /dev/shm /run/lock /etc/systemd/system |
            grep -v /devstack-wsgi-venv- | sed -E "s/wsgi[.][0-9]+/wsgi.PID/
                s!(/systemd-private-.*-)[^-/]*(/tmp)?\$!\1X\2!
                s/[0-9]+([.]door)?\$/PID\1/" | sort
        ipcs -s -m | wc -l
        find /sys/fs/cgroup -path "*devstack@*" -type d | sort
        systemctl list-units --all --plain --no-legend "devstack@*" |
            sed "s/  */ /g"'
}

# Whether it is what it was. What ends by itself may need a moment.
#
# Usage: settled FILE
function settled {
    diff -q "$1" <(belongings) > /dev/null
}

# systemd has some for whoever asks it just now, too.
function systemds_descriptors {
    in_machine ls /proc/1/fd | wc -l
}

@test "faults: starts and stops, over and over, leave nothing behind" {
    local i descriptors
    local -a names=("${TRANSPORTS[@]/#/fault-}")
    count 20 200
    local rounds=$REPLY
    # what hangs is gone, also where this test is the only one
    wait_for 90 hung_are_stopped
    wsgi remove "${TRANSPORTS[@]/#/hung-}"
    serve http bystander
    wsgi restart "${names[@]}"
    wsgi stop "${names[@]}"
    run in_machine find /run/devstack-wsgi /run/uwsgi -name 'fault-*'
    assert_output ''
    belongings > "$BATS_TEST_TMPDIR/stopped"
    wsgi start "${names[@]}"
    belongings > "$BATS_TEST_TMPDIR/started"
    descriptors=$(systemds_descriptors)
    load_begin bystander http://127.0.0.1/bystander/ --rate 20

    for (( i = 0; i < rounds; i++ )); do
        wsgi stop "${names[@]}"
        wsgi start "${names[@]}"
    done

    wait_for 10 settled "$BATS_TEST_TMPDIR/started" ||
        assert_same "$BATS_TEST_TMPDIR/started" <(belongings)
    (( $(systemds_descriptors) < descriptors + rounds )) ||
        fail "systemd had $descriptors descriptors, now $(systemds_descriptors)"
    wsgi stop "${names[@]}"
    wait_for 10 settled "$BATS_TEST_TMPDIR/stopped" ||
        assert_same "$BATS_TEST_TMPDIR/stopped" <(belongings)
    load_end bystander
    figure starts-stops "$(( rounds * ${#names[@]} )) starts and stops:" \
        "nothing is left; beside them ${LOAD[said]}"
    assert_no_failure 20
}
