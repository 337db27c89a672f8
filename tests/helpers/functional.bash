#!/bin/bash
#
# tests/helpers/functional.bash - real daemons in a machine of one's own
#
# A file of tests that loads this has one machine for all its tests, and its
# services are explained where a test fails:
#
#     load ../helpers/functional
#
#     function setup_file {        # unless a machine is all that is needed
#         machine_up && serve_all probe
#     }
#
#     function tidy {              # what a failed test may have left behind
#         in_machine systemctl start apache2
#     }
#
# Depends on: tests/helpers/load.bash, tests/helpers/figures.bash,
#             tests/bin/machine, tests/harness/load.py, tests/fixtures/apps
# Reads:      WSGI_FULL=1 or, as tox.ini sets it, WSGI_TEST_FULL=1: full
#             counts, else a part of them; TREE, an array of the file: the
#             folders that its tests may change
# Writes:     the machine; $BATS_TEST_TMPDIR, $BATS_FILE_TMPDIR
# Sets:       M, the machine; URL by serve; LOAD by load_end; MARK by
#             journal_mark
# Public:     setup_file, teardown_file, teardown, tidy, machine_up,
#             machine_down, in_machine, machine_sh, wsgi, deploy_app,
#             start_app, serve, serve_all, where_of, count, wait_for,
#             http_status, assert_status, assert_all_answer, load_begin,
#             load_end, load_wait, assert_no_failure, journal_mark,
#             journal_since_mark, run_log, assert_no_mercy,
#             reloads_since_mark, assert_reloads, tree_of, assert_tree,
#             assert_status_has, main_pid, assert_pid, stop_time, workers_regex,
#             workers_of, has_workers_without, requests_of, requests_at_least

load ../helpers/load
load ../helpers/figures

# what curl says of an answer: its status alone
readonly STATUS_ONLY=(--silent --output /dev/null --max-time 30
    --write-out '%{http_code}')

# the ways to a service: for each server, one behind Apache for each of its
# transports, and one without. Those of the default server have the transport's
# name alone: uwsgi http direct, mod-wsgi mod-wsgi-direct. WAYS has the options.
TRANSPORTS=()
declare -gA WAYS=()

# Usage: _functional_ways    sets TRANSPORTS, WAYS
function _functional_ways {
    local mode='' way='' name transport
    local -a words=()
    while read -r -a words; do
        # the default server comes first
        if [[ ${#TRANSPORTS[@]} -gt 0 ]]; then
            mode="--mode ${words[0]}" way=${words[0]//_/-}
        fi
        for transport in "${words[@]:1}" direct; do
            name=${way:+$way-}$transport
            [[ "$transport" != "${words[1]}" ]] || name=${way:-$transport}
            TRANSPORTS+=("$name")
            WAYS[$name]=$mode
            [[ "$transport" == direct || "$transport" == "${words[1]}" ]] ||
                WAYS[$name]+=" --transport $transport"
        done
    done < <("$REPO/tools/wsgi" servers)
}
_functional_ways

declare -gA LOAD=() _LOADS=()

# What bats calls before and after the tests of a file; a file that needs more
# than a machine has a setup_file of its own.
function setup_file {
    machine_up "$@"
}

function teardown_file {
    machine_down
}

# What bats calls after each test: the loads end, a test that failed is
# explained, and what it may have left is put away.
function teardown {
    local item
    [[ -n "${M:-}" ]] || return 0
    # killed, they would leave processes in the machine for others to reap
    for item in "${!_LOADS[@]}"; do
        in_machine touch "/run/load-$item.end"
        wait "${_LOADS[$item]}" || true  # 1 says that some failed
    done
    [[ -n "${BATS_TEST_COMPLETED:-}" ]] || _functional_explain
    tidy
}

# For a file to define: put away what a failed test may have left.
function tidy {
    :
}

# Boot the file's machine.
#
# Usage:   machine_up [OPTION...]
#   OPTION  of 'tests/bin/machine start'
# Sets:    M
# Returns: 0; 1 it did not boot
# Example: machine_up --capability all && serve uwsgi hello
function machine_up {
    requires root systemd-nspawn apache2 uwsgi curl || return
    M=${BATS_TEST_FILENAME##*/}
    M=f-${M%.bats}-$$
    export M
    "$REPO/tests/bin/machine" start "$M" "$@" || return
    # tools/demo leaves one that it installed disabled
    in_machine systemctl enable --quiet apache2 || return
    # as 'wsgi check' wants it: what waits in a restart under load has a place
    in_machine install -m 0644 "$REPO/files/site/front.conf" \
        /etc/apache2/conf-enabled/devstack-wsgi.conf &&
        in_machine systemctl restart apache2
}

# End the file's machine, and remove the venv that build_venv has made for it.
#
# Usage:   machine_down
# Returns: 0
# Example: machine_down
function machine_down {
    [[ -z "${M:-}" ]] || "$REPO/tests/bin/machine" stop "$M"
    [[ "${VENV:-}" != /var/tmp/devstack-wsgi-venv-* ]] || rm -rf -- "$VENV"
}

# Run a command in the machine, as root.
#
# Usage:   in_machine COMMAND...
# Returns: the command's status
# Example: in_machine systemctl restart devstack@x
function in_machine {
    "$REPO/tests/bin/machine" run "$M" -- "$@"
}

# Run bash text in the machine.
#
# Usage:   machine_sh TEXT [ARGUMENT...]
#   TEXT   sees the arguments as $1, $2, ...
# Returns: the status of TEXT
# Example: machine_sh 'kill -9 "$1"' "$pid"
function machine_sh {
    in_machine bash -c "$1" machine_sh "${@:2}"
}

# The command under test, in the machine.
#
# Usage:   wsgi VERB ARGUMENT...
# Returns: its status
# Example: wsgi restart hello
function wsgi {
    [[ "$1" != deploy ]] || _functional_note "$2"
    in_machine "$REPO/tools/wsgi" "$@"
}

# Let a service be explained if the test fails, or, in setup_file, any test
# that names no other.
#
# Usage: _functional_note NAME
function _functional_note {
    printf '%s\n' "$1" >> "${BATS_TEST_TMPDIR:-$BATS_FILE_TMPDIR}/services"
}

# REPLY = FULL with WSGI_FULL=1, else PART.
#
# Usage:   count PART FULL
# Returns: 0
# Example: count 2 20; restarts=$REPLY
function count {
    REPLY=$1
    [[ "${WSGI_FULL:-${WSGI_TEST_FULL:-}}" != 1 ]] || REPLY=$2
}

# Wait until a command succeeds.
#
# Usage:   wait_for SECONDS COMMAND...
# Returns: 0; 1 it did not within SECONDS
# Example: wait_for 10 in_machine test -e /run/x
function wait_for {
    local limit
    limit=$(( SECONDS + $1 ))
    shift
    until "$@"; do
        if (( SECONDS >= limit )); then
            printf 'waited in vain for: %s\n' "$*" >&2
            return 1
        fi
        sleep 0.1
    done
}

# Put the probe (tests/fixtures/apps/probe.py) into the machine and deploy it.
#
# Usage:   deploy_app NAME OPTION...
#   OPTION  of wsgi_deploy; --app and --chdir are given, and --user if none is
# Returns: 0; 1 refused
# Example: deploy_app hello --path /hello
function deploy_app {
    local name=$1
    shift
    [[ " $* " == *' --user '* ]] || set -- --user www-data "$@"
    [[ " $* " == *' --app '* ]] || set -- --app probe:application "$@"
    in_machine install -D -m 0644 -t "/srv/$name" \
        "$REPO"/tests/fixtures/apps/{probe,contract,frameworks}.py || return
    wsgi deploy "$name" --chdir "/srv/$name" "$@"
}

# Start a service; it answers.
#
# Usage:   start_app NAME
# Returns: 0; 1 it does not answer, and in setup_file what is known of it
# Example: start_app hello
function start_app {
    wsgi start "$1" && return 0
    # in a test, teardown shows it
    [[ -n "${BATS_TEST_TMPDIR:-}" ]] || _functional_explain
    return 1
}

# Deploy the probe behind one transport, and start it.
#
# Usage:   serve TRANSPORT NAME [OPTION...]
#   TRANSPORT  one of TRANSPORTS
# Sets:    URL
# Returns: 0; 1 refused, or it does not answer
# Example: serve http upload --set post-buffering=0
function serve {
    local transport=$1 name=$2
    local -a where
    shift 2
    where_of "$transport" "$name"
    deploy_app "$name" "${where[@]}" "$@" && start_app "$name"
}

# Deploy the probe behind each of TRANSPORTS, and start it.
#
# Usage:   serve_all PREFIX [OPTION...]
#   PREFIX  of the names: PREFIX-TRANSPORT
# Sets:    URL, of the last
# Returns: 0; 1 refused, or one does not answer
# Example: serve_all probe --threads 2
function serve_all {
    local transport
    for transport in "${TRANSPORTS[@]}"; do
        serve "$transport" "$1-$transport" "${@:2}" || return
    done
}

# Where a service is to answer.
#
# Usage:   where_of TRANSPORT NAME
# Sets:    URL; where, an array: the options that say so
# Returns: 0
# Example: local -a where; where_of http upload
function where_of {
    local port=0 i
    _functional_note "$2"
    export URL=http://127.0.0.1/$2
    read -r -a where <<< "${WAYS[$1]}"
    case $1 in
        *direct)
            # a port for each name; nobody else is in the machine
            for (( i = 0; i < ${#2}; i++ )); do
                printf -v REPLY %d "'${2:i:1}"
                port=$(( (port * 31 + REPLY) % 1000 ))
            done
            where+=(--listen "127.0.0.1:$(( port + 9000 ))")
            URL=http://127.0.0.1:$(( port + 9000 ))
            ;;
        *) where+=(--path "/$2") ;;
    esac
}

# All that helps to understand why a test failed: what its loads counted, and
# of each of its services state, log and configuration.
#
# Usage: _functional_explain
function _functional_explain {
    local file folder=${BATS_TEST_TMPDIR:-$BATS_FILE_TMPDIR}
    local -a names=()
    for file in "$folder"/load-*; do
        [[ ! -e "$file" ]] ||
            printf -- '-- %s --\n%s\n' "${file##*/}" "$(< "$file")"
    done
    file=$folder/services
    [[ -e "$file" ]] || file=$BATS_FILE_TMPDIR/services
    [[ ! -e "$file" ]] || mapfile -t names < <(sort -u "$file")
    # shellcheck disable=SC2016  # expanded in the machine
    machine_sh '
        etc=/etc/devstack-wsgi
        for name; do
            record=$etc/services/$name.conf
            unit=$(sed -n s/^unit=//p "$record")
            conf=$(sed -n s/^conf=//p "$record")
            unit=devstack@${unit:-$name}
            echo "-- $name: state --"
            systemctl status --no-pager --lines=0 "$unit.service" \
                "$unit.socket"
            echo "-- $name: journal --"
            journalctl --no-pager --unit="$unit.service" |
                grep -v "HTTP/1[.].* 200 " | tail -n 40
            # the record is one of them
            for file in ${conf:+"$conf"} "$etc"/*/"$name".{ini,conf}; do
                [[ -f "$file" ]] || continue
                echo "-- $name: $file --"
                cat "$file"
            done
        done
        echo "-- error log of Apache --"
        tail -n 8 /var/log/apache2/error.log' "${names[@]}" 2>&1
}

# REPLY = the status of one answer; 000 if there is none.
#
# Usage:   http_status [OPTION...] URL
#   OPTION  of curl
# Returns: 0
# Example: http_status -X PATCH "$URL"
function http_status {
    REPLY=$(in_machine curl "${STATUS_ONLY[@]}" "$@") || true  # 000 says it
}

# The status of one answer is as expected.
#
# Usage:   assert_status STATUS [OPTION...] URL
#   STATUS  000: there is no answer
#   OPTION  of curl
# Returns: 0; 1 it is another
# Example: assert_status 200 "$URL"
function assert_status {
    http_status "${@:2}"
    assert_that "the status of ${*:2}" "$REPLY" "$1"
}

# The status of one answer is as expected, of the service of each transport.
#
# Usage:   assert_all_answer STATUS PREFIX [PATH]
#   STATUS  one for those behind Apache; without a front, 503 is no answer
#   PREFIX  of the names, as of serve_all
# Returns: 0; 1 some are others, each named
# Example: wsgi stop --all; assert_all_answer 503 probe
function assert_all_answer {
    local transport wanted
    local -a bad=() where
    for transport in "${TRANSPORTS[@]}"; do
        where_of "$transport" "$2-$transport"
        wanted=$1
        [[ "$transport $1" != *'direct 503' ]] || wanted=000
        http_status "$URL${3:-/}"
        [[ "$REPLY" == "$wanted" ]] || bad+=("$2-$transport: $REPLY")
    done
    assert_none "${bad[@]}"
}

# Send requests in the background until load_end.
#
# Usage:   load_begin ID URL [OPTION...]
#   OPTION  of tests/harness/load.py
# Returns: 0
# Example: load_begin a "$URL" --rate 40
function load_begin {
    local id=$1 url=$2
    shift 2
    in_machine rm -f "/run/load-$id.end"
    in_machine /usr/bin/python3 "$REPO/tests/harness/load.py" --json \
        --url "$url" --until-file "/run/load-$id.end" --duration 900 "$@" \
        > "$BATS_TEST_TMPDIR/load-$id" 2>&1 3>&- &
    _LOADS[$id]=$!
}

# End the requests, and wait for their answers.
#
# Usage:   load_end ID
# Sets:    LOAD[sent], [ok], [failed], [longest_pause_ms], [text], and [said],
#          for a figure: what failed, and the pause
# Returns: 0; 1 the load did not run
# Example: load_end a; figure restart "${LOAD[said]}"
function load_end {
    in_machine touch "/run/load-$1.end"
    load_wait "$1"
}

# Wait until the requests end by themselves (--duration).
#
# Usage:   load_wait ID
# Sets:    LOAD, as load_end
# Returns: 0; 1 the load did not run
# Example: load_begin a "$URL" --duration 3; load_wait a
function load_wait {
    wait "${_LOADS[$1]}" || true  # 1 says that some failed
    unset "_LOADS[$1]"
    load_read "$BATS_TEST_TMPDIR/load-$1"
}

# Usage:   load_read FILE
# Sets:    LOAD
# Returns: 0; 1 there is no result in it
# Example: load_read "$BATS_TEST_TMPDIR/load-a"
function load_read {
    local key regex text
    text=$(<"$1")
    LOAD=([text]=$text)
    for key in sent ok failed longest_pause_ms; do
        regex="\"$key\": ([0-9]+)"
        [[ "$text" =~ $regex ]] || {
            printf 'the load did not run: %s\n' "$text"
            return 1
        }
        LOAD[$key]=${BASH_REMATCH[1]}
    done
    LOAD[said]="${LOAD[failed]} of ${LOAD[sent]} requests failed, longest"
    LOAD[said]+=" pause ${LOAD[longest_pause_ms]} ms"
}

# None of the requests of the load that ended last failed.
#
# Usage:   assert_no_failure MINIMUM
#   MINIMUM  so many were sent at least
# Returns: 0; 1 some failed, or too few were sent
# Example: load_end a; assert_no_failure 100
function assert_no_failure {
    if (( LOAD[failed] || LOAD[sent] < $1 )); then
        fail "${LOAD[failed]} of ${LOAD[sent]} requests (at least $1" \
            "expected) failed: ${LOAD[text]}"
    fi
}

# MARK = where the journal ends now: a time. A cursor would not do, since
# journalctl 252 passes over the first line behind it that has what is asked
# for, where the line at the cursor has not.
#
# Usage:   journal_mark
# Returns: 0
# Example: journal_mark; wsgi restart x; assert_reloads 0 0
function journal_mark {
    MARK=$(machine_sh 'journalctl --sync
        date +@%s.%6N')
}

# What the journal has got since the mark, on standard output.
#
# Usage:   journal_since_mark [OPTION...]
#   OPTION  of journalctl
# Returns: 0
# Example: journal_since_mark --unit=devstack@x
function journal_since_mark {
    # shellcheck disable=SC2016  # expanded in the machine
    machine_sh 'journalctl --sync
        journalctl --quiet --no-pager --output=cat --since="$@"' "$MARK" "$@"
}

# Run: what a service has in the journal, without what systemd adds to a line.
#
# Usage:   run_log NAME [OPTION...]
#   OPTION  of journalctl
# Sets:    what run sets
# Returns: 0
# Example: run_log x; refute_line --partial 'timed out'
function run_log {
    run in_machine journalctl --no-pager --output=cat \
        --unit="devstack@$1" "${@:2}"
}

# Assert that no worker of a service was killed since the mark, by uWSGI or by
# control.py.
#
# Usage:   assert_no_mercy NAME
# Returns: 0
# Example: journal_mark; wsgi restart x; assert_no_mercy x
function assert_no_mercy {
    run grep -E 'NO MERCY|has not ended' \
        <(journal_since_mark --unit="devstack@$1")
    assert_output ''
}

# How often systemd read its units again since the mark, and Apache its
# configuration.
#
# Usage:   reloads_since_mark
# Sets:    DAEMON_RELOADS, APACHE_RELOADS
# Returns: 0
# Example: reloads_since_mark; figure x "$APACHE_RELOADS reloads"
function reloads_since_mark {
    local text line
    text=$(journal_since_mark _PID=1)
    DAEMON_RELOADS=0 APACHE_RELOADS=0
    while IFS= read -r line; do
        case $line in
            # systemd 252, and newer ones
            'Reloading.'|'Reloading...'|'Reloading requested '*)
                DAEMON_RELOADS=$(( DAEMON_RELOADS + 1 )) ;;
            'Reloading apache2.service'*)
                APACHE_RELOADS=$(( APACHE_RELOADS + 1 )) ;;
        esac
    done <<< "$text"
}

# So often systemd read its units again since the mark, and Apache its
# configuration.
#
# Usage:   assert_reloads DAEMON APACHE
# Sets:    DAEMON_RELOADS, APACHE_RELOADS
# Returns: 0; 1 more often or less
# Example: journal_mark; wsgi apply; assert_reloads 0 1
function assert_reloads {
    reloads_since_mark
    assert_that "reloads of systemd and of Apache" \
        "$DAEMON_RELOADS $APACHE_RELOADS" "$1 $2"
}

# All files below folders: kind, access, owner, content or target; with
# --times when they were changed.
#
# Usage:   tree_of [--times] FOLDER...
# Returns: 0
# Example: tree_of /etc > "$BATS_TEST_TMPDIR/before"
function tree_of {
    local form='%p %y %m %u:%g %l'
    if [[ "$1" == --times ]]; then
        form+=' %T@'
        shift
    fi
    # shellcheck disable=SC2016  # expanded in the machine
    machine_sh '
        form=$1
        shift
        # a folder that is not there has no files; what a worker noted is
        # called by its PID, and what was refused meanwhile is a figure
        set -- "$@" -not -path "/run/devstack-wsgi/*/alive/*" \
            -not -path "/run/devstack-wsgi/*.refused"
        find "$@" -printf "$form\n" 2>/dev/null | sort
        find "$@" -type f -print0 2>/dev/null | sort -z |
            xargs -0r sha256sum' \
        "$form" "$@"
}

# The files of TREE are as tree_of wrote them.
#
# Usage:   assert_tree FILE
# Returns: 0; 1 with the difference
# Example: tree_of "${TREE[@]}" > "$FILE"; wsgi apply; assert_tree "$FILE"
function assert_tree {
    assert_same "$1" <(tree_of "${TREE[@]}")
}

# What status says of a service has these words.
#
# Usage:   assert_status_has NAME WORDS...
#   WORDS  a part of its JSON each
# Returns: 0; 1 with what it says
# Example: assert_status_has hello '"workers": 2,'
function assert_status_has {
    local words
    run wsgi status "$1" --json
    for words in "${@:2}"; do
        assert_output --partial "$words"
    done
}

# REPLY = the PID of a service's main process, 0 if there is none.
#
# Usage:   main_pid NAME
# Returns: 0
# Example: main_pid hello
function main_pid {
    REPLY=$(in_machine systemctl show --value -p MainPID "devstack@$1")
}

# A service's main process is still that one.
#
# Usage:   assert_pid NAME PID
# Returns: 0; 1 it is another
# Example: main_pid x; pid=$REPLY; wsgi reload x; assert_pid x "$pid"
function assert_pid {
    main_pid "$1"
    assert_that "the main PID of $1" "$REPLY" "$2"
}

# How many seconds it took from the stop of a service until it was down.
#
# Usage:   stop_time NAME
# Returns: 0; the number on standard output
# Example: wsgi stop x; figure x "stopped in $(stop_time x) s"
function stop_time {
    local begin end
    begin=$(in_machine systemctl show --value \
        -p ActiveExitTimestampMonotonic "devstack@$1")
    end=$(in_machine systemctl show --value \
        -p InactiveEnterTimestampMonotonic "devstack@$1")
    printf '%d' $(( (end - begin) / 1000000 ))
}

# What the command line of a service's workers looks like: uWSGI's workers,
# mod_wsgi's daemon processes.
#
# Usage:   workers_regex NAME
# Returns: 0; an extended regular expression on standard output
# Example: in_machine pgrep --full "$(workers_regex hello)"
function workers_regex {
    printf '%s' "^$1 uWSGI worker|^\(wsgi:.*/$1\.conf"
}

# REPLY = the PIDs of a service's workers, with blanks between.
#
# Usage:   workers_of NAME
# Returns: 0
# Example: workers_of hello; kill "${REPLY%% *}"
function workers_of {
    REPLY=$(in_machine pgrep --full "$(workers_regex "$1")") || true  # none
    REPLY=${REPLY//$'\n'/ }
}

# Whether a service has two workers, and the one is not among them.
#
# Usage:   has_workers_without PID NAME
# Returns: 0 yes; 1 no
# Example: wait_for 20 has_workers_without "$pid" hello
function has_workers_without {
    local -a pids
    workers_of "$2"
    read -ra pids <<< "$REPLY"
    [[ ${#pids[@]} -eq 2 && " $REPLY " != *" $1 "* ]]
}

# REPLY = how many requests a service has answered since its start.
#
# Usage:   requests_of NAME
# Returns: 0; 1 it does not run
# Example: requests_of hello; before=$REPLY
function requests_of {
    REPLY=$(wsgi status "$1" --json)
    [[ "$REPLY" =~ \"requests\":\ ([0-9]+) ]] && REPLY=${BASH_REMATCH[1]}
}

# Whether a service has answered so many requests since its start.
#
# Usage:   requests_at_least NUMBER NAME
# Returns: 0; 1 it has not
# Example: wait_for 10 requests_at_least 20 hello
function requests_at_least {
    requests_of "$2" && (( REPLY >= $1 ))
}
