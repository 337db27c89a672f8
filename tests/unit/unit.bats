#!/usr/bin/env bats
#
# lib/unit: the units of a service, and what is asked of systemd

load ../helpers/load
load ../helpers/unit

function setup {
    fake_system
    untraced load_lib lib/verbs
}

function teardown {
    [[ -z "${JUDGE:-}" ]] || rm -rf "$JUDGE"
}

# Write the units of a record into a folder that an account without rights
# may read, as systemd's own would be.
#
# Usage: write_units NAME    Sets JUDGE, UNITS
function write_units {
    local i
    local -a _WSGI_FILES=()
    _wsgi_unit_files "$1" || return
    [[ -n "${JUDGE:-}" ]] || JUDGE=$(mktemp -d)
    UNITS=$JUDGE/units
    mkdir -p "$UNITS" "$JUDGE/run"
    for (( i = 0; i < ${#_WSGI_FILES[@]}; i += 2 )); do
        _wsgi_path "${_WSGI_FILES[i]%%:*}" "$1"
        [[ "$REPLY" == "$_WSGI_UNIT_DIR"/* ]] || continue
        REPLY=$UNITS${REPLY#"$_WSGI_UNIT_DIR"}
        mkdir -p "${REPLY%/*}"
        printf '%s' "${_WSGI_FILES[i + 1]}" > "$REPLY"
    done
}

# How systemd itself reads a unit of that folder: a line 'Name: value' for
# each of its properties. It does so only for an ordinary user.
#
# Usage: systemd_reads UNIT    Sets REPLY
function systemd_reads {
    local -a as=()
    local said=$BATS_TEST_TMPDIR/systemd
    if [[ "$EUID" -eq 0 ]]; then
        chown -R "$ACCOUNT" "$JUDGE"
        as=(setpriv "--reuid=$ACCOUNT" "--regid=$ACCOUNT" --clear-groups)
    fi
    "${as[@]}" env -i "PATH=$PATH" "HOME=$JUDGE" LANG=C.UTF-8 \
        "XDG_RUNTIME_DIR=$JUDGE/run" "SYSTEMD_UNIT_PATH=$UNITS:" \
        /lib/systemd/systemd --test --user "--unit=$1" > "$said" 2>&1 || {
        fail "systemd --test: $(tail -n 3 "$said")"
        return 1
    }
    # its own lines among those of all units that it knows
    REPLY=$'\n'$(awk -v unit="$1:" '
        # Debian 13 has an arrow of one character
        /^\t(->|→) Unit / { own = $3 == unit }
        own { gsub("\t", ""); print }' "$said")$'\n'
}

# systemd read these lines.
#
# Usage: assert_reads LINE...
function assert_reads {
    local line
    local -a bad=()
    for line; do
        [[ "$REPLY" == *$'\n'"$line"$'\n'* ]] || bad+=("no '$line';")
    done
    # what it read instead
    for line in "${bad[@]}"; do
        line=${line#*\'}
        grep "^${line%%:*}:" <<< "$REPLY" >&2 || true
    done
    assert_equal "${bad[*]}" ''
}

# The log of calls has these lines, in this order, and no other.
#
# Usage: assert_calls LINE...
function assert_calls {
    local wanted
    printf -v wanted '%s\n' "$@"
    assert_equal "$(< "$CALLS")" "${wanted%$'\n'}"
}

@test "unit service: every shape is its golden copy" {
    assert_golden_shapes unit .service _wsgi_unit_files
}

@test "unit drop-in: every shape is its golden copy" {
    assert_golden_shapes dropin .service.d.conf _wsgi_unit_files
}

@test "unit socket: every shape is its golden copy" {
    assert_golden_shapes socket-unit .socket _wsgi_unit_files
}

@test "unit: the real systemd finds nothing wrong with any shape" {
    local name said
    requires systemd-analyze uwsgi
    rm "$BATS_TEST_TMPDIR/stubs/systemd-analyze"
    : "${_WSGI_SITE_GROUP:=$ACCOUNT}"
    for name in "${SHAPES[@]}"; do
        untraced shape "$name"
        _WSGI_RECORD[thing-api,unit]=$name
        untraced write_units thing-api
    done

    run _wsgi_unit_verify "$UNITS" "$UNITS"/*.service "$UNITS"/*.socket

    assert_output ''
    assert_success
}

# What systemd says of the units in UNITS, as for a machine that has them.
#
# Usage: exposures    Sets EXPOSURE, an array: unit -> tenths of a point
function exposures {
    local line tree=$BATS_TEST_TMPDIR/tree
    local regex=' for ([^ ]+): ([0-9]+)[.]([0-9]) '
    local -a units=()
    declare -gA EXPOSURE=()
    mkdir -p "$tree/etc/systemd"
    cp -r -T "$UNITS" "$tree/etc/systemd/system"
    for line in "$UNITS"/*.service; do
        units+=("${line##*/}")
    done
    while IFS= read -r line; do
        [[ "$line" =~ $regex ]] || continue
        EXPOSURE[${BASH_REMATCH[1]}]=${BASH_REMATCH[2]}${BASH_REMATCH[3]}
    done < <(LC_ALL=C.UTF-8 systemd-analyze security --no-pager \
        --offline=true --root="$tree" "${units[@]}" 2>&1)
    assert_equal "${#EXPOSURE[@]}" "${#units[@]}"
}

# The exposure of every unit of services with a path, with a port and with a
# script is at most LIMIT tenths. What makes it differs by mode and sandbox
# alone.
#
# Usage: assert_exposure LEVEL LIMIT
function assert_exposure {
    local name mode unit
    local -a bad=() words=()
    requires systemd-analyze
    rm "$BATS_TEST_TMPDIR/stubs/systemd-analyze"
    : "${_WSGI_SITE_GROUP:=$ACCOUNT}"
    for mode in uwsgi mod_wsgi; do
        for name in nova-api nova-metadata swift-proxy; do
            words=("$name" --user "$ACCOUNT" --hardening "$1" --mode "$mode")
            untraced _wsgi_record_declare "${words[@]}"
            # as if it were another in each mode
            _WSGI_RECORD["$name,unit"]=$name-${mode//_/-}
            untraced write_units "$name"
        done
    done
    exposures
    for unit in "${!EXPOSURE[@]}"; do
        (( EXPOSURE[$unit] <= $2 )) ||
            bad+=("$unit: ${EXPOSURE[$unit]} tenths;")
    done
    assert_equal "${bad[*]}" ''
    # and of three that pass connections on
    assert_equal "${#EXPOSURE[@]}" 9
}

@test "unit: the exposure in the standard sandbox is at most 5.0" {
    assert_exposure standard 50
}

@test "unit: the exposure in the strict sandbox is at most 2.0" {
    assert_exposure strict 20
}

@test "unit: the services that are not to have every sandbox are these" {
    run grep -r '^hardening=' "$REPO/files/catalog"

    # each says why, in its comment
    assert_equal "$(LC_ALL=C sort <<< "${output//"$REPO/files/catalog/"}")" \
'kuryr-libnetwork:hardening=off
solum-api:hardening=standard
tacker-api:hardening=standard'
}

@test "unit: the exposure of a service of root's, and without a sandbox" {
    requires systemd-analyze
    rm "$BATS_TEST_TMPDIR/stubs/systemd-analyze"
    untraced declare_units root-standard --user root
    untraced declare_units root-strict --user root --hardening strict
    untraced declare_units none --hardening off

    exposures

    assert [ "${EXPOSURE[devstack@root-standard.service]}" -le 50 ]
    assert [ "${EXPOSURE[devstack@root-strict.service]}" -le 25 ]
    # what the others are measured against
    assert [ "${EXPOSURE[devstack@none.service]}" -ge 90 ]
}

# Usage: declare_units NAME OPTION...
function declare_units {
    with_defaults "$@"
    _wsgi_record_declare "${REPLY_WORDS[@]}" && write_units "$1"
}

@test "unit: a unit that systemd refuses is told in one line" {
    requires systemd-analyze
    rm "$BATS_TEST_TMPDIR/stubs/systemd-analyze"
    JUDGE=$(mktemp -d)
    printf '[Service]\nExecStart=relative\n' > "$JUDGE/a.service"

    run _wsgi_unit_verify "$JUDGE" "$JUDGE/a.service"

    assert_failure 1
    assert_output --partial '[ERROR] wsgi: systemd refuses the units: '
    assert_output --partial 'relative'
    assert_equal "${#lines[@]}" 1
}

@test "unit: systemd reads each variable as it was declared" {
    local value
    # shellcheck disable=SC2016  # the characters themselves
    local -a options=() values=(
        'A1=' 'A2= b ' 'A3=a b  c' 'A4="q"' "A5='q'" "A6=it's" "A7=\\"
        'A8=a\n\x41\\.' 'A9=100%' 'B1=%h%t%%' 'B2=$HOME' 'B3=${HOME}'
        'B4=$(id)' 'B5=`id`' 'B6=@(exec://id)' 'B7=%(x)' 'B8=a;b # c' 'B9=a=b'
        'C1=ünï' 'C2=&<>|' 'C3=*?[a]' 'C4=@NAME@' 'C5=a\ b' 'C6=\"' 'C7=-'
        'C8=!~^' 'C9={a,b}' 'D1=[Service]' 'D2=\\server\share'
    )
    requires systemd-analyze
    for value in "${values[@]}"; do
        options+=(--env "$value")
    done
    with_defaults thing-api "${options[@]}"
    untraced _wsgi_record_declare "${REPLY_WORDS[@]}"
    untraced write_units thing-api

    systemd_reads devstack@thing-api.service

    assert_reads "${values[@]/#/Environment: }"
}

@test "unit: systemd reads what the drop-in is for" {
    requires systemd-analyze
    untraced shape path
    untraced write_units thing-api

    systemd_reads devstack@thing-api.service

    assert_reads 'Type: exec' 'Restart: always' 'KillMode: mixed' \
        'TimeoutStopSec: 45s' 'NotifyAccess: none' \
        'RuntimeDirectory: devstack-wsgi/thing-api' 'ProtectSystem: yes' \
        'Requires: devstack@thing-api.socket (origin-file)' \
        "User: $ACCOUNT" "Group: $ACCOUNT" \
        'Environment: UWSGI_SOCKET=fd://3' 'UnsetEnvironment: LISTEN_FDS' \
        "Command Line: /usr/bin/uwsgi --ini $_WSGI_ETC/uwsgi/thing-api.ini"
    refute_regex "$REPLY" 'RestartForceExitStatus: [0-9]'
}

# As functions-common of DevStack writes it.
@test "unit: in DevStack's own unit the drop-in leaves what is the caller's" {
    local command
    requires systemd-analyze
    untraced shape path
    untraced write_units thing-api
    command='ExecStart = /usr/bin/uwsgi --procname-prefix n --ini /etc/n.ini'
    # shellcheck disable=SC2016  # systemd expands it
    printf '%s\n' '[Unit]' 'Description = Devstack devstack@n-api.service' \
        '[Service]' 'RestartForceExitStatus = 100' 'NotifyAccess = all' \
        'Restart = always' 'KillMode = process' 'Type = notify' \
        'ExecReload = /usr/bin/kill -HUP $MAINPID' \
        "$command" \
        "User = nobody" 'SyslogIdentifier = devstack@n-api.service' \
        'TimeoutStopSec = 300' 'Environment = "A=b c"' \
        '[Install]' 'WantedBy = multi-user.target' \
        > "$UNITS/devstack@thing-api.service"

    systemd_reads devstack@thing-api.service

    assert_reads 'User: nobody' 'Environment: A=b c' 'Type: exec' \
        "Command Line: ${command#* = }" \
        'KillMode: mixed' 'NotifyAccess: none' 'TimeoutStopSec: 45s' \
        'Environment: UWSGI_SOCKET=fd://3'
    refute_regex "$REPLY" '/usr/bin/kill'
    refute_regex "$REPLY" 'RestartForceExitStatus: [0-9]'
}

@test "unit: only the service's user and Apache's group can use the socket" {
    requires systemd-analyze
    untraced shape path
    untraced write_units thing-api

    systemd_reads devstack@thing-api.socket

    assert_reads 'SocketMode: 0660' 'DirectoryMode: 0755' \
        'RemoveOnStop: yes' 'Backlog: 1024' \
        'ListenStream: /run/devstack-wsgi/thing-api.socket' \
        "SocketUser: $ACCOUNT" 'SocketGroup: www-data' \
        'Symlinks: /run/uwsgi/thing-api.socket'
}

@test "unit: a service that anybody may start by a request is not enabled" {
    local -a REPLY_UNITS=() REPLY_ALL=()
    untraced shape on-demand

    _wsgi_unit_names thing-api

    assert_equal "${REPLY_UNITS[*]}" devstack@thing-api.socket
    assert_equal "${REPLY_ALL[*]}" \
        'devstack@thing-api.service devstack@thing-api.socket'
}

@test "unit start: enabled, freed of old failures and started, in one go" {
    untraced shape names
    : > "$CALLS"

    run _wsgi_unit_start thing-api

    assert_success
    assert_calls 'systemctl enable --quiet devstack@t-api.service' \
        'systemctl reset-failed devstack@t-api.service devstack@t-api.socket' \
        'systemctl start devstack@t-api.service'
}

@test "unit start: on demand the socket is what starts" {
    untraced shape on-demand
    : > "$CALLS"

    run _wsgi_unit_start thing-api

    assert_success
    calls systemctl start devstack@thing-api.socket
    assert_equal "$REPLY" 1
}

@test "unit start: what fails is told with the end of its log" {
    untraced shape names
    export FAIL_AT='systemctl @(start|--quiet is-active)*'

    run _wsgi_unit_start thing-api

    assert_failure 1
    assert_line --index 0 --partial '[ERROR] wsgi: thing-api: did not start'
    assert_line --index 0 --partial 'journalctl -u devstack@t-api'
    assert_line --index 1 '    the last line of its log'
}

@test "unit start: the reason is told, not where other workers were ended" {
    local i
    untraced shape names
    export FAIL_AT='systemctl @(start|--quiet is-active)*'
    JOURNAL=$'Traceback (most recent call last):\n  File "app.py"\nKeyError'
    JOURNAL+=$'\nno app loaded\nTraceback (most recent call last):'
    for (( i = 0; i < 90; i++ )); do
        JOURNAL+=$'\n  File "argparse.py"\n    def f():'
    done
    export JOURNAL+=$'\nKeyboardInterrupt\nthe server ended'

    run _wsgi_unit_start thing-api

    assert_failure 1
    run printf '%s\n' "${lines[@]:1}"
    assert_output "\
    Traceback (most recent call last):
      File \"app.py\"
    KeyError
    no app loaded
    the server ended"
}

@test "unit start: of a long log the last sixty lines are told" {
    untraced shape names
    export FAIL_AT='systemctl @(start|--quiet is-active)*'
    JOURNAL=$(seq 100)
    export JOURNAL

    run _wsgi_unit_start thing-api

    assert_failure 1
    assert_equal "${lines[*]:1}" "$(printf '    %s ' {41..99})    100"
}

@test "unit start: of several that fail each is told" {
    deploy one
    deploy two
    untraced _wsgi_record_load_all
    export FAIL_AT='systemctl @(start|--quiet is-active)*'

    run _wsgi_unit_start one two

    assert_failure 1
    assert_line --partial 'one: did not start'
    assert_line --partial 'two: did not start'
}

@test "unit renew: restart and reload ask for all services at once" {
    local both='devstack@one.service devstack@n-two.service'
    deploy one
    deploy two --unit n-two
    untraced _wsgi_record_load_all
    export NEED_RELOAD=no
    : > "$CALLS"

    _wsgi_unit_renew restart one two
    _wsgi_unit_renew reload one two

    assert_calls \
        "systemctl show -P NeedDaemonReload $both" \
        "systemctl restart $both" \
        "systemctl show -P NeedDaemonReload $both" \
        "systemctl reload $both"
}

@test "unit renew: a reload that fails is told" {
    untraced shape path
    export FAIL_AT='systemctl reload*'

    run _wsgi_unit_renew reload thing-api

    assert_failure 1
    assert_line --index 0 --partial '[ERROR] wsgi: '
    assert_line --index 0 --partial 'reload'
}

@test "unit stop: what systemd does not know is not asked for" {
    deploy one
    deploy two
    rm "$WSGI_SYSROOT/etc/systemd/system/devstack@two".*t
    untraced _wsgi_record_load_all
    : > "$CALLS"

    run _wsgi_unit_stop one two

    assert_success
    calls systemctl stop devstack@one.service devstack@one.socket \
        devstack@two.service
    assert_equal "$REPLY" 1
}

@test "unit stop: where nothing is known there is nothing to stop" {
    untraced shape path
    : > "$CALLS"

    run _wsgi_unit_stop thing-api

    assert_success
    calls systemctl stop
    assert_equal "$REPLY" 0
}

@test "unit stop: a stop that fails is an error" {
    deploy one
    untraced _wsgi_record_load_all
    export FAIL_AT='systemctl stop*'

    run _wsgi_unit_stop one

    assert_failure 1
    assert_line --partial '[ERROR] wsgi: one: did not stop'
}

@test "unit state: of all services with one question" {
    local -A _WSGI_STATE=()
    deploy one
    deploy two
    untraced _wsgi_record_load_all
    export ACTIVE_STATE=active
    : > "$CALLS"

    _wsgi_unit_state one two

    assert_equal "${_WSGI_STATE[one,state]}" active
    assert_equal "${_WSGI_STATE[two,state]}" active
    calls systemctl
    assert_equal "$REPLY" 1
}

@test "unit memory: nothing runs, nothing is counted" {
    local -A _WSGI_STATE=([one,cgroup]='')

    _wsgi_unit_memory one

    assert_equal "$REPLY" -
}
