#!/usr/bin/env bats
#
# lib/apply: the disk becomes what the records say, or stays as it was

load ../helpers/load
load ../helpers/unit

function setup {
    fake_system
    untraced load_lib lib/verbs
}

# The files below etc/ that a command changed, without the sysroot.
#
# Usage: changed_by COMMAND ARG...    Sets REPLY, in order, one line
function changed_by {
    local before=$BATS_TEST_TMPDIR/before after=$BATS_TEST_TMPDIR/after
    list_files > "$before"
    "$@"
    list_files > "$after"
    REPLY=$(comm -3 "$before" "$after" | sed 's/.* //' | LC_ALL=C sort -u |
        xargs)
}

# Usage: list_files    one line for each file and link below etc/
function list_files {
    find "$WSGI_SYSROOT/etc" ! -type d -printf '%i %C@ %s %P\n' |
        LC_ALL=C sort
}

# What was asked of systemd and Apache, beside questions.
#
# Usage: changes_asked    Sets REPLY, one line
function changes_asked {
    local questions='^(apache2ctl|systemd-analyze|systemctl '
    questions+='(--quiet |)(is-|show|list-))'
    REPLY=$(grep -Ev "$questions" "$CALLS" | xargs -d '\n' printf '%s; ' ||
        true)  # nothing was asked
    REPLY=${REPLY%'; '}
}

# What is half there: a file below etc/ that is not in one of the snapshots, a
# link of Apache's that leads nowhere.
#
# Usage: problems_of_tree KNOWN    Sets REPLY
#   KNOWN  name of an associative array: the lines of the snapshots
function problems_of_tree {
    local now line
    local -n _known=$1
    snapshot
    now=$REPLY
    REPLY=$(find "$WSGI_SYSROOT"/etc/apache2/*-enabled -xtype l -printf \
        '%P leads nowhere; ')
    while IFS= read -r line; do
        case $line in
            *./etc/devstack-wsgi/.staged/*) ;;
            *'  ./etc/'*)
                [[ -n "${_known[$line]:-}" ]] || REPLY+="${line##* }; "
                ;;
        esac
    done <<< "$now"
}

@test "apply: what is done already is not done again" {
    deploy one
    deploy two --transport uwsgi --env A=1
    deploy three --listen 127.0.0.1:9001
    remember times
    : > "$CALLS"

    deploy one
    deploy two --transport uwsgi --env A=1
    wsgi apply
    run wsgi apply two

    assert_output 'wsgi: two: nothing to change'
    assert_unchanged
    changes_asked
    assert_that "what was asked of the daemons" "$REPLY" ''
    assert_calls 0 systemd-analyze
}

@test "apply: several services at once, with one reload of each daemon" {
    run wsgi deploy keystone nova-api placement-api glance-api \
        --user "$ACCOUNT"

    assert_success
    assert_calls 1 systemctl daemon-reload
    assert_calls 1 systemctl reload apache2.service
    assert_calls 1 systemd-analyze
    assert_calls 1 a2enmod
}

@test "apply: systemd reads its units again only if it holds a changed one" {
    # it has none of them yet
    HOLDS_NONE=yes run wsgi deploy one --app m:a --path /one --user "$ACCOUNT"

    assert_line --partial ' files written, Apache'
    assert_calls 0 systemctl daemon-reload
    run grep -c "^systemctl list-units .* devstack@one.service" "$CALLS"
    assert_output 1

    # it holds one whose drop-in changes
    run wsgi deploy one --hardening off --app m:a --path /one \
        --user "$ACCOUNT"

    assert_line --partial ', systemd reloaded'
    assert_calls 1 systemctl daemon-reload
}

@test "apply: a change writes the files that say it, and no other" {
    local row option files asked
    local -a options=() words=() bad=()
    local record=devstack-wsgi/services/one.conf
    local conf=devstack-wsgi/uwsgi/one.ini script=devstack-wsgi/uwsgi/one.py
    local service=systemd/system/devstack@one.service
    local dropin=$service.d/50-wsgi.conf
    local socket=systemd/system/devstack@one.socket
    local site=apache2/sites-available/one.conf
    local units='systemctl daemon-reload'
    local apache='systemctl reload apache2.service'
    # one option more at each step
    local -a rows=(
        "--threads 4 --set harakiri=5 --arg x|$record $conf|"
        "--env A=1 --group nogroup|$record $service|$units"
        "--hardening off|$record $dropin|$units"
        "--healthcheck /v3|$site $record $script $dropin|$units; $apache"
        "--path /other|$site $record $script $dropin|$units; $apache"
        "--on-demand|$record $conf $service $dropin $socket|$units"
    )

    deploy one
    for row in "${rows[@]}"; do
        IFS='|' read -r option files asked <<< "$row"
        read -r -a words <<< "$option"
        options+=("${words[@]}")
        : > "$CALLS"
        changed_by deploy one "${options[@]}"
        [[ "$REPLY" == "$files" ]] || bad+=("$option: $REPLY;")
        changes_asked
        [[ "$REPLY" == "$asked" ]] || bad+=("$option: $REPLY;")
    done

    assert_none "${bad[@]}"
}

@test "apply: declaring otherwise leaves nothing of what was before" {
    local row expected
    local base=$BATS_TEST_TMPDIR/base
    local -a words=() bad=() rows=(
        '--unit a --site a --key a|--unit b --site b --key b'
        '--path /a --conf /etc/a.ini|--listen 127.0.0.1:9001 --on-demand'
        '--listen 127.0.0.1:9001 --on-demand|--path /a --conf /etc/a.ini'
        '--transport uwsgi|--transport http'
    )
    # a module that is on stays on while there is a service
    a2enmod proxy proxy_http proxy_uwsgi headers
    cp -a "$WSGI_SYSROOT" "$base"

    for row in "${rows[@]}"; do
        read -r -a words <<< "${row#*|}"
        deploy one "${words[@]}" > /dev/null
        snapshot
        # what Apache was asked is every service's
        expected=$(grep -v apache-group <<< "$REPLY")
        rm -rf "$WSGI_SYSROOT"
        cp -a "$base" "$WSGI_SYSROOT"
        read -r -a words <<< "${row%|*}"
        deploy one "${words[@]}" > /dev/null
        read -r -a words <<< "${row#*|}"
        deploy one "${words[@]}" > /dev/null
        snapshot
        REPLY=$(grep -v apache-group <<< "$REPLY")
        [[ "$REPLY" == "$expected" ]] || {
            bad+=("$row;")
            diff <(printf '%s\n' "$expected") <(printf '%s\n' "$REPLY") || true
        }
        rm -rf "$WSGI_SYSROOT"
        cp -a "$base" "$WSGI_SYSROOT"
    done

    assert_none "${bad[@]}"
}

@test "apply: a service that runs and has another health check goes on" {
    export ACTIVE_STATE=active
    deploy one
    : > "$CALLS"

    deploy one --healthcheck /v3

    assert_calls 0 systemctl stop
    assert_calls 1 systemctl reload apache2.service
    run grep -c 'DEVSTACK_WSGI_UNIT=-' \
        "$WSGI_SYSROOT/etc/apache2/sites-available/one.conf"
    assert_output 1
}

@test "apply: a service that runs by another name is stopped first" {
    deploy one --unit a
    export ACTIVE_STATE=active
    : > "$CALLS"

    deploy one --unit b

    run grep -nE '^systemctl (stop|daemon-reload|start)' "$CALLS"
    assert_line --index 0 --regexp \
        '^[0-9]+:systemctl stop devstack@a.service'
    assert_line --index 1 --regexp '^[0-9]+:systemctl stop devstack@a.socket'
    assert_line --index 2 --regexp '^[0-9]+:systemctl daemon-reload'
    assert_line --index 3 --regexp '^[0-9]+:systemctl start devstack@b.service'
}

@test "apply: a service that runs and gets another address is restarted" {
    local row
    local -a words=() bad=()
    export ACTIVE_STATE=active
    for row in '--listen 127.0.0.1:9001' '--site other' '--path /other'; do
        deploy one > /dev/null
        : > "$CALLS"
        read -r -a words <<< "$row"
        REPLY=$(deploy one "${words[@]}")
        [[ "$REPLY" == *'restarted: one'* ]] || bad+=("$row: $REPLY;")
        calls systemctl start devstack@one.service
        [[ "$REPLY" == 1 ]] || bad+=("$row: not started;")
    done
    # what it will do at its next start is left to the next start
    deploy one > /dev/null
    : > "$CALLS"
    run deploy one --threads 4
    refute_output --partial restarted
    assert_output --partial "'wsgi restart one' brings it in"
    calls systemctl start
    [[ "$REPLY" == 0 ]] || bad+=('--threads: started')

    assert_none "${bad[@]}"
}

@test "apply: the tree is the same whatever the umask is" {
    umask 022
    deploy one
    remember
    wsgi remove one

    umask 077
    deploy one
    assert_unchanged

    wsgi remove one
    umask 000
    deploy one
    assert_unchanged
}

@test "apply: nobody but the owner writes, secrets are not for everybody" {
    deploy one --conf /etc/one.ini
    deploy two

    run find "$WSGI_SYSROOT" ! -type l -perm /022
    assert_output ''
    run find "$WSGI_SYSROOT/etc/devstack-wsgi" "$WSGI_SYSROOT/etc/one.ini" \
        -type f -printf '%m %P\n'
    assert_line '640 services/one.conf'
    assert_line '640 uwsgi/two.ini'
    assert_line '644 '
    # what is kept of them, too
    run stat -c %a "$WSGI_SYSROOT/var/lib/devstack-wsgi/applied"
    assert_output 700
    # 'systemctl cat' is for everybody
    run stat -c %a "$WSGI_SYSROOT"/etc/systemd/system/devstack@*.d
    assert_output $'755\n755'
}

@test "apply: a main unit that DevStack wrote anew gives way, and is kept" {
    local unit=$WSGI_SYSROOT/etc/systemd/system/devstack@one.service
    local kept=/var/lib/devstack-wsgi/removed/one/devstack@one.service
    deploy one
    printf '[Unit]\nDescription = Devstack devstack@one\n' > "$unit"

    deploy one --processes 7
    assert_equal "$(head -n 1 "$unit")" '[Unit]'
    run deploy one --env A=1

    assert_success
    assert_line --partial "@one.service had been edited; kept as $kept"
    run cat "$WSGI_SYSROOT$kept"
    assert_line 'Description = Devstack devstack@one'
    run cat "$unit"
    assert_line 'Environment="A=1"'
    run deploy one --env A=1
    assert_output 'wsgi: one: nothing to change'
}

@test "apply: sed -i on the link of a site is an edit of the site" {
    local site=$WSGI_SYSROOT/etc/apache2/sites-available/one.conf
    local link=$WSGI_SYSROOT/etc/apache2/sites-enabled/one.conf
    deploy one --path /one
    deploy two
    sed -i '$a # mine' "$link"
    assert_link_not_exists "$link"
    run wsgi status one --json
    assert_line --partial '"drift": "site:edited"'
    run wsgi show one --diff
    assert_line '+# mine'

    wrap ln
    assert_rolled_back 'ln * -f *' 'systemctl reload *' -- \
        deploy one --path /other
    run wsgi apply one

    assert_success
    assert_link_exists "$link"
    assert_equal "$(tail -n 1 "$site")" '# mine'
    run wsgi apply one
    assert_line 'wsgi: one: nothing to change'

    sed -i '$a # mine too' "$link"
    assert_rolled_back 'systemctl reload *' -- wsgi remove one
    wsgi remove one
    run cat "$WSGI_SYSROOT/var/lib/devstack-wsgi/removed/one/one.conf"
    assert_line '# mine too'
    assert_file_not_exists "$link"
}

@test "apply: one of the service and its socket is enabled" {
    local wants=$WSGI_SYSROOT/etc/systemd/system
    local service=$wants/multi-user.target.wants/devstack@one.service
    local socket=$wants/sockets.target.wants/devstack@one.socket
    deploy one
    mkdir -p "${service%/*}"
    ln -s /etc/systemd/system/devstack@one.service "$service"

    assert_rolled_back 'systemctl daemon-reload' -- deploy one --on-demand
    deploy one --on-demand
    assert_link_not_exists "$service"
    assert_symlink_to /etc/systemd/system/devstack@one.socket "$socket"

    wsgi remove one
    deploy one --on-demand
    deploy two
    # what is not enabled is not enabled by a change
    deploy two --on-demand
    assert_link_not_exists "${socket/one/two}"
}

@test "apply: a record changed by hand is brought in, and keeps its form" {
    local record=$WSGI_SYSROOT/etc/devstack-wsgi/services/one.conf
    local before
    deploy one
    sed -i 's/^threads=.*/threads=7/; 1a # mine' "$record"
    printf '%s\n' '' 'env=A=1' 'chdir=/tmp' >> "$record"
    before=$(< "$record")

    wsgi apply one

    run grep ^threads "$WSGI_SYSROOT/etc/devstack-wsgi/uwsgi/one.ini"
    assert_output 'threads = 7'
    run grep -c '"A=1"' "$WSGI_SYSROOT/etc/systemd/system/devstack@one.service"
    assert_output 1
    run wsgi apply one
    assert_output 'wsgi: one: nothing to change'
    assert_equal "$(< "$record")" "$before"
    wsgi check one
}

@test "apply: a record written by hand is deployed, and removed" {
    remember
    mkdir -p "$WSGI_SYSROOT/etc/devstack-wsgi/services"
    printf '%s\n' '# mine' name=one app=m:a path=/one "user=$ACCOUNT" \
        "group=$ACCOUNT" > "$WSGI_SYSROOT/etc/devstack-wsgi/services/one.conf"

    wsgi apply
    assert_file_exists "$WSGI_SYSROOT/etc/apache2/sites-enabled/one.conf"
    wsgi check

    wsgi remove one
    rm -rf "$WSGI_SYSROOT/var/lib/devstack-wsgi/removed"
    rmdir --ignore-fail-on-non-empty "$WSGI_SYSROOT/var/lib/devstack-wsgi" \
        2> /dev/null || true
    assert_unchanged
}

@test "apply: files that went away come back" {
    local file before
    local -a bad=()
    deploy one
    snapshot
    before=$REPLY

    for file in etc/systemd/system/devstack@one.service \
        etc/systemd/system/devstack@one.service.d/50-wsgi.conf \
        etc/devstack-wsgi/uwsgi/one.ini etc/apache2/sites-enabled/one.conf \
        etc/apache2/sites-available/one.conf \
        etc/apache2/mods-enabled/proxy_http.load \
        var/lib/devstack-wsgi/helpers/after-stop \
        var/lib/devstack-wsgi/applied; do
        rm -rf "${WSGI_SYSROOT:?}/$file"
        wsgi apply
        snapshot
        [[ "$REPLY" == "$before" ]] || bad+=("$file;")
    done

    assert_none "${bad[@]}"
}

@test "apply: what Apache or systemd refuse changes nothing" {
    local row before
    local -a bad=()
    deploy other
    deploy one
    # who changed it may have changed whom Apache runs as
    touch -d tomorrow "$WSGI_SYSROOT/etc/apache2/apache2.conf"
    snapshot
    before=$REPLY

    for row in 'apache2ctl -d*' 'systemd-analyze*' \
        'apache2ctl -t -D*'; do
        : > "$CALLS"
        export FAIL_AT=$row
        # a change, and a service that is new
        with_defaults one --path /two --env A=1
        capture wsgi deploy "${REPLY_WORDS[@]}"
        [[ "$STATUS" == 1 && "$ERR" == '[ERROR] wsgi: '* &&
            "$ERR" != *$'\n'* && -z "$OUT" ]] || bad+=("$row: $ERR;")
        with_defaults new
        capture wsgi deploy "${REPLY_WORDS[@]}"
        [[ "$STATUS" == 1 && "$ERR" == '[ERROR] wsgi: '* &&
            "$ERR" != *$'\n'* && -z "$OUT" ]] || bad+=("$row: $ERR;")
        unset FAIL_AT
        snapshot
        [[ "$REPLY" == "$before" ]] || bad+=("$row: changed;")
        changes_asked
        [[ -z "$REPLY" ]] || bad+=("$row: asked $REPLY;")
    done

    assert_none "${bad[@]}"
}

# Let one step of a run fail, and see everything as it was; then let it pass.
#
# Usage: assert_rolled_back PATTERN... -- COMMAND ARG...
function assert_rolled_back {
    local before after pattern
    local -a bad=() patterns=()
    while [[ "$1" != -- ]]; do
        patterns+=("$1")
        shift
    done
    shift
    snapshot
    before=$REPLY
    rm -rf "$BATS_TEST_TMPDIR/saved"
    cp -a "$WSGI_SYSROOT" "$BATS_TEST_TMPDIR/saved"
    "$@"
    snapshot
    after=$REPLY
    rm -rf "$WSGI_SYSROOT"
    cp -a "$BATS_TEST_TMPDIR/saved" "$WSGI_SYSROOT"
    for pattern in "${patterns[@]}"; do
        export FAIL_AT=$pattern
        : > "$CALLS"
        capture "$@"
        unset FAIL_AT
        # the daemons' own words come before ours
        [[ "$STATUS" == 1 && $'\n'$ERR == *$'\n[ERROR] wsgi: '* ]] ||
            bad+=("$pattern: status $STATUS, $ERR;")
        [[ ! "$ERR" =~ line\ [0-9]+: ]] || bad+=("$pattern: $ERR;")
        snapshot
        if [[ "$REPLY" != "$before" ]]; then
            bad+=("$pattern: not put back;")
            diff <(printf '%s\n' "$before") <(printf '%s\n' "$REPLY") || true
        fi
        "$@" > /dev/null || bad+=("$pattern: the next run fails;")
        snapshot
        if [[ "$REPLY" != "$after" ]]; then
            bad+=("$pattern: the next run makes something else;")
            diff <(printf '%s\n' "$after") <(printf '%s\n' "$REPLY") || true
        fi
        rm -rf "$WSGI_SYSROOT"
        cp -a "$BATS_TEST_TMPDIR/saved" "$WSGI_SYSROOT"
    done
    assert_none "${bad[@]}"
}

@test "rollback: the first service, whichever step of its coming fails" {
    wrap ln
    assert_rolled_back 'a2enmod *' 'ln * -f *' 'systemctl reload *' -- \
        deploy one
}

@test "rollback: a change, whichever step fails" {
    deploy one --path /one --site a --conf /etc/one.ini --transport uwsgi
    deploy two

    wrap cp rm
    assert_rolled_back 'cp *' 'rm */etc/one.ini*' 'systemctl reload *' -- \
        deploy one --path /other --site b --env A=1
}

@test "rollback: a removal, of the last service too" {
    deploy one
    deploy two
    assert_rolled_back 'systemctl reload *' -- wsgi remove two
    wsgi remove two
    assert_rolled_back 'systemctl daemon-reload' -- wsgi remove one
}

@test "remove: modules that Apache does not let go of are tried again" {
    deploy one

    FAIL_AT='a2dismod *' run wsgi remove one
    assert_failure 1
    assert_line --partial 'stay enabled'
    assert_file_not_exists "$WSGI_SYSROOT/etc/devstack-wsgi"

    run wsgi remove one
    assert_success
    assert_file_not_exists "$WSGI_SYSROOT/var/lib/devstack-wsgi"
    assert_link_not_exists \
        "$WSGI_SYSROOT/etc/apache2/mods-enabled/proxy_http.load"
}

@test "rollback: where the disk does not take it" {
    wrap mv mkdir
    assert_rolled_back 'mv -f -t */etc/systemd/system *' 'mkdir *' -- \
        deploy one
}

@test "rollback: edits by hand are still there" {
    deploy one
    echo 'harakiri = 9' >> "$WSGI_SYSROOT/etc/devstack-wsgi/uwsgi/one.ini"
    echo '# mine' >> "$WSGI_SYSROOT/etc/apache2/sites-available/one.conf"
    remember

    FAIL_AT='systemctl reload *' run deploy one --path /two --env A=1
    assert_failure 1
    assert_unchanged

    run wsgi show one --diff
    assert_line --partial 'harakiri = 9: added by hand'
    assert_line '+# mine'
}

# What each command does first: count, and kill the run at the step that is
# asked for.
# shellcheck disable=SC2016  # the stubs expand it
STEP='
if [[ -s "$COUNT.pid" ]]; then
    read -r number < "$COUNT"
    number=$(( number + 1 ))
    echo "$number" > "$COUNT"
    [[ -n "$KILL_BEFORE$KILL_AFTER" ]] || echo "${0##*/}" >> "$COUNT.names"
    if [[ "$number" == "$KILL_BEFORE" ]]; then
        kill -KILL "$(< "$COUNT.pid")"
        exit 1
    elif [[ "$number" == "$KILL_AFTER" ]]; then
        trap "kill -KILL $(< "$COUNT.pid")" EXIT
    fi
    # a whole run tells where it begins to change something
    [[ ! -f "$WSGI_SYSROOT/var/lib/devstack-wsgi/run/manifest" ]] ||
        [[ -s "$COUNT.first" ]] || echo "$number" > "$COUNT.first"
fi
'

# Run a verb that may be killed at one step.
#
# Usage: killed VERB ARG...    reads COUNT, KILL_BEFORE, KILL_AFTER
function killed {
    local status=0
    echo 0 > "$COUNT"
    (
        export COUNT KILL_BEFORE KILL_AFTER AT_EACH_CALL=$COUNT.step
        PATH=$COUNT.stubs:$PATH
        exec bash -c 'echo $$ > "$COUNT.pid"
            exec "$@"' killed "$REPO/tools/wsgi" "$@"
    ) > /dev/null 2>&1 3>&- || status=$?
    rm "$COUNT.pid"
    return "$status"
}

# Kill a run before each command that it starts from its first change on
# (after it, too, where it may have something to note down), see that Apache
# could start, and let the next run make of it what a whole one makes.
#
# Usage: assert_survives_kills VERB ARG...
function assert_survives_kills {
    local before after number how points=0
    local saved=$BATS_TEST_TMPDIR/saved COUNT=$BATS_TEST_TMPDIR/count
    local KILL_BEFORE='' KILL_AFTER=''
    local -a bad=() names=()
    local -A known=()
    # for the run that is killed; the next one has no need of them
    local _STUBS=$COUNT.stubs
    mkdir "$_STUBS"
    wrap mv rm ln cp mkdir rmdir
    printf '%s' "$STEP" > "$COUNT.step"
    snapshot
    before=$REPLY
    cp -a "$WSGI_SYSROOT" "$saved"
    killed "$@"
    snapshot
    after=$REPLY
    while IFS= read -r how; do
        known[$how]=1
    done <<< "$before"$'\n'"$after"
    mapfile -t -O 1 names < "$COUNT.names"
    for (( number = $(< "$COUNT.first"); number <= ${#names[@]}; number++ ))
    do
        for how in before after; do
            [[ "$how" == before || "${names[number]}" == a2* ]] || continue
            KILL_BEFORE='' KILL_AFTER=''
            if [[ "$how" == before ]]; then
                KILL_BEFORE=$number
            else
                KILL_AFTER=$number
            fi
            points=$(( points + 1 ))
            assert_converges "$how ${names[number]}, step $number" "$@"
        done
    done
    printf '# %s: %d kills\n' "$1" "$points" >&3
    assert_none "${bad[@]}"
}

# Usage: assert_converges WHERE VERB ARG...
#   Reads the locals of assert_survives_kills; adds to its bad
function assert_converges {
    local where=$1 status=0
    shift
    rm -rf "$WSGI_SYSROOT"
    cp -a "$saved" "$WSGI_SYSROOT"
    : > "$CALLS"
    killed "$@" || status=$?
    [[ "$status" == 137 ]] || bad+=("$where: status $status;")
    problems_of_tree known
    [[ -z "$REPLY" ]] || bad+=("$where: $REPLY")
    wsgi "$@" > /dev/null 2>&1 || bad+=("$where: next run fails;")
    snapshot
    if [[ "$REPLY" != "$after" ]]; then
        bad+=("$where: next run makes something else;")
        diff <(printf '%s\n' "$after") <(printf '%s\n' "$REPLY") || true
    fi
    # by one of the two
    calls systemctl daemon-reload
    [[ "$REPLY" -ge 1 ]] || bad+=("$where: no daemon-reload;")
    calls systemctl reload apache2.service
    [[ "$REPLY" -ge 1 ]] || bad+=("$where: no reload;")
}

@test "apply: a run that waits for another says so, and follows it" {
    local lock=$WSGI_SYSROOT/run/devstack-wsgi.lock other
    : > "$lock"
    flock "$lock" sleep 1 3>&- &
    other=$!
    until ! flock --nonblock "$lock" true; do
        :
    done

    run deploy one

    wait "$other"
    assert_success
    assert_line --index 0 'wsgi: waiting for another run to end'
    assert_line --index 1 --partial 'wsgi: one: '
}

@test "apply: runs at the same time do not get into each other's way" {
    local name
    local -a pids=()

    for name in one two three; do
        deploy "$name" 3>&- &
        pids+=("$!")
    done
    for name in "${pids[@]}"; do
        wait "$name"
    done

    run wsgi check
    assert_success
    assert_equal "$(grep -c ': well (drift: none)$' <<< "$output")" 3
}

@test "remove: nothing is left, whatever the service was like" {
    local before row script=$BATS_TEST_TMPDIR/thing.wsgi
    local -a bad=()
    : > "$script"
    snapshot
    before=$REPLY

    for row in '--path /thing-api --listen 127.0.0.1:9292' \
            "--script $script --transport uwsgi" --on-demand \
            '--conf /etc/thing-uwsgi.ini' \
            '--unit t-api --site thing-site --key thing --path /thing.v2/api'
    do
        # shellcheck disable=SC2086  # the row is several words
        deploy thing-api $row --group "$ACCOUNT"
        wsgi remove thing-api
        snapshot
        if [[ "$REPLY" != "$before" ]]; then
            bad+=("$row;")
            diff <(printf '%s\n' "$before") <(printf '%s\n' "$REPLY") || true
        fi
    done

    assert_none "${bad[@]}"
}

@test "remove: of several nothing but theirs goes" {
    deploy one
    deploy two --transport uwsgi
    remember
    deploy three --path /three --unit t-3 --site s-3 --conf /etc/three.ini
    deploy four --listen 127.0.0.1:9001

    wsgi remove t-3 four

    assert_unchanged
}

@test "remove: folders that were there before stay, though empty" {
    mkdir -p "$WSGI_SYSROOT/opt"
    remember

    deploy one --conf /opt/one.ini
    wsgi remove one

    assert_unchanged
}

@test "remove: a running service stops before its files go" {
    export ACTIVE_STATE=active
    local wants=$WSGI_SYSROOT/etc/systemd/system/multi-user.target.wants
    deploy one --unit n-one
    mkdir -p "$wants"
    ln -s ../devstack@n-one.service "$wants/"
    : > "$CALLS"

    wsgi remove one

    run grep -n -e '^systemctl stop devstack@n-one.service' \
        -e '^systemctl daemon-reload' "$CALLS"
    assert_line --index 0 --partial 'systemctl stop'
    assert_line --index 1 --partial 'systemctl daemon-reload'
    assert_link_not_exists "$wants/devstack@n-one.service"
}

@test "remove: what does not stop is not removed" {
    deploy one
    remember

    ACTIVE_STATE=active FAIL_AT='systemctl stop *' run wsgi remove one

    assert_failure 1
    assert_line --partial '[ERROR] wsgi: devstack@one.service'
    assert_line --partial ': did not stop'
    assert_unchanged
}

@test "remove: what is absent is no error" {
    remember

    run wsgi remove nope
    assert_success
    run wsgi remove --all
    assert_success

    assert_unchanged
    changes_asked
    assert_that "what was asked of the daemons" "$REPLY" ''
}

@test "remove: a file that somebody edited is kept, and said where" {
    local kept=$WSGI_SYSROOT/var/lib/devstack-wsgi/removed/one
    deploy one
    echo 'harakiri = 9' >> "$WSGI_SYSROOT/etc/devstack-wsgi/uwsgi/one.ini"

    run wsgi remove one

    assert_success
    assert_line --partial \
        '/etc/devstack-wsgi/uwsgi/one.ini had been edited; kept as'
    run tail -n 1 "$kept/one.ini"
    assert_output 'harakiri = 9'
    run ls "$kept"
    assert_output 'one.ini'
}

@test "remove: what was kept earlier is not overwritten" {
    local ini=$WSGI_SYSROOT/etc/devstack-wsgi/uwsgi/one.ini number
    local kept=$WSGI_SYSROOT/var/lib/devstack-wsgi/removed/one
    for number in 1 2 3; do
        deploy one
        echo "harakiri = $number" >> "$ini"
        wsgi remove one
    done

    run tail -q -n 1 "$kept/one.ini" "$kept/one.ini.2" "$kept/one.ini.3"

    assert_output $'harakiri = 1\nharakiri = 2\nharakiri = 3'
}

@test "remove: additions in files of their own are kept" {
    local mine=$WSGI_SYSROOT/etc/devstack-wsgi/site.d/one/mine.conf
    deploy one
    echo '# mine' > "$mine"

    wsgi remove one

    assert_file_exists "$mine"
}

@test "remove: modules that were on before stay on" {
    ln -s ../mods-available/proxy.load ../mods-available/proxy.conf \
        "$WSGI_SYSROOT/etc/apache2/mods-enabled/"
    deploy one

    wsgi remove one

    assert_file_exists "$WSGI_SYSROOT/etc/apache2/mods-enabled/proxy.load"
    assert_not_exists \
        "$WSGI_SYSROOT/etc/apache2/mods-enabled/proxy_http.load"
}

@test "remove: modules that somebody else has come to need stay on" {
    deploy one

    FAIL_AT='apache2ctl -t' wsgi remove one

    assert_file_exists "$WSGI_SYSROOT/etc/apache2/mods-enabled/proxy.load"
}

@test "remove: without a record, what was written last tells what to remove" {
    remember
    deploy one
    rm "$WSGI_SYSROOT/etc/devstack-wsgi/services/one.conf"

    wsgi remove one

    assert_unchanged
}

@test "show: what would be written, and nothing is" {
    deploy one
    remember times

    run wsgi show one

    assert_success
    assert_line '### /etc/devstack-wsgi/services/one.conf (0640 root:root)'
    assert_line '### /etc/systemd/system/devstack@one.service (0644 root:root)'
    assert_line "### /etc/devstack-wsgi/uwsgi/one.ini (0640 root:$ACCOUNT)"
    assert_line 'processes = 2'
    assert_unchanged
}

@test "show --diff: nothing where nothing differs" {
    deploy one

    run wsgi show one --diff

    assert_success
    assert_output ''
}

@test "check: well, edited, missing and stale, and nothing is written" {
    deploy one
    deploy two
    run wsgi check
    assert_success
    assert_line 'wsgi: one: well (drift: none)'

    echo 'harakiri = 9' >> "$WSGI_SYSROOT/etc/devstack-wsgi/uwsgi/one.ini"
    run wsgi check
    assert_success
    assert_line 'wsgi: one: well (drift: config:edited)'

    rm "$WSGI_SYSROOT/etc/systemd/system/devstack@two.service"
    remember times
    run wsgi check
    assert_failure 1
    assert_line --partial '[ERROR] wsgi: two: files differ from the record'
    assert_line --partial 'unit:missing'
    assert_unchanged
}

@test "killed: the first service, at each command" {
    with_defaults one

    untraced assert_survives_kills deploy "${REPLY_WORDS[@]}"
}

@test "killed: a run that had not begun changes nothing, and is forgotten" {
    local run=$WSGI_SYSROOT/var/lib/devstack-wsgi/run
    deploy one
    remember

    # nothing yet; a half-written manifest; a whole one of which no step is done
    mkdir -p "$run/new/1/etc"
    run deploy one
    assert_output 'wsgi: one: nothing to change'
    assert_unchanged

    mkdir -p "$run"
    echo 'remove /etc/apa' > "$run/manifest.new"
    run deploy one
    assert_output 'wsgi: one: nothing to change'
    assert_unchanged

    mkdir -p "$run"
    printf '%s\n' 'phase 1' 'remove /etc/apache2/apache2.conf' \
        > "$run/manifest"
    run deploy one
    assert_output 'wsgi: one: nothing to change'
    assert_unchanged
}

@test "killed: a change of everything, at each command" {
    deploy two
    deploy one --path /one --site a --conf /etc/one.ini --transport uwsgi

    with_defaults one --path /other --site b --env A=1
    untraced assert_survives_kills deploy "${REPLY_WORDS[@]}"
}

@test "killed: the removal of the last service, at each command" {
    deploy one

    untraced assert_survives_kills remove one
}

# Kill a run right before it lets Apache read its configuration.
#
# Usage: killed_before_reload VERB ARG...
function killed_before_reload {
    local COUNT=$BATS_TEST_TMPDIR/count KILL_BEFORE='' KILL_AFTER=''
    # shellcheck disable=SC2016  # the stub expands it
    echo '[[ "$*" != "reload "* ]] || { kill -KILL "$(< "$COUNT.pid")"; exit; }' \
        > "$COUNT.step"
    ! killed "$@"
}

@test "killed: what Apache has not read yet is read by the next run" {
    with_defaults one
    killed_before_reload deploy "${REPLY_WORDS[@]}"
    : > "$CALLS"

    run wsgi apply

    assert_success
    assert_line 'wsgi: finishing the run that was interrupted'
    assert_line 'wsgi: one: nothing to change'
    assert_calls 1 systemctl reload apache2.service
}

# What a run of a version before lib/run left that was killed: the new text of
# the record is in place, that of CONF is not yet.
#
# Usage: leave_old_run    reads VAR, ETC
function leave_old_run {
    local base=$VAR/pending/base/one final=$VAR/pending/final/one
    local record=%2Fetc%2Fdevstack-wsgi%2Fservices%2Fone.conf
    local conf=%2Fetc%2Fdevstack-wsgi%2Fuwsgi%2Fone.ini
    mkdir -p "$base" "$final" "$VAR/rollback/etc/devstack-wsgi/services" \
        "$ETC/.staged/new/etc/devstack-wsgi/uwsgi"
    cp "$ETC/services/one.conf" "$VAR/rollback/etc/devstack-wsgi/services/"
    sed -i s/threads=1/threads=5/ "$ETC/services/one.conf"
    cp "$ETC/services/one.conf" "$base/$record"
    cp "$ETC/services/one.conf" "$final/$record"
    sed 's/threads = 1/threads = 5/' "$ETC/uwsgi/one.ini" > "$base/$conf"
    cp "$base/$conf" "$final/$conf"
    cp "$base/$conf" "$ETC/.staged/new/etc/devstack-wsgi/uwsgi/one.ini"
    printf '%s\n' 'start devstack@one.service' 'start devstack@gone.service' \
        'turn one' > "$VAR/pending/resume"
    : > "$WSGI_SYSROOT/run/devstack-wsgi.queue"
}

@test "killed: a run of a version before lib/run is finished, and told" {
    local VAR=$WSGI_SYSROOT/var/lib/devstack-wsgi
    local ETC=$WSGI_SYSROOT/etc/devstack-wsgi
    deploy one
    leave_old_run
    : > "$CALLS"

    run wsgi apply

    assert_success
    assert_line "wsgi: a run of an earlier version was interrupted: its files \
are now taken over, what it replaced is in \
/var/lib/devstack-wsgi/removed/-"
    assert_file_contains "$ETC/uwsgi/one.ini" '^threads = 5$'
    assert_file_contains "$VAR/removed/-/"*services%2Fone.conf threads=1
    assert_not_exists "$ETC/.staged"
    assert_not_exists "$VAR/pending"
    assert_not_exists "$VAR/rollback"
    assert_not_exists "$WSGI_SYSROOT/run/devstack-wsgi.queue"
    assert_calls 1 systemctl daemon-reload
    run grep '^systemctl start' "$CALLS"
    assert_output 'systemctl start devstack@one.service'
    run wsgi show one --diff
    assert_output ''
    run wsgi apply
    assert_output 'wsgi: one: nothing to change'
}

@test "killed: what Apache refuses is put back by the next run" {
    deploy other
    remember
    with_defaults one
    killed_before_reload deploy "${REPLY_WORDS[@]}"

    # somebody else's site is broken
    FAIL_AT='systemctl reload *' run wsgi apply

    assert_line --partial 'apache2.service does not reload'
    assert_line --partial 'putting back what was there'
    assert_unchanged
    run wsgi apply
    assert_output 'wsgi: other: nothing to change'
}
