#!/usr/bin/env bats
#
# what fails beneath a run of apply: its own process, the disk, the power; and
# twenty runs at once. doc/source/reliability.rst has the figures

load ../helpers/functional

# all that a run may touch
readonly TREE=(/etc/apache2 /etc/devstack-wsgi /etc/systemd/system
    /var/lib/apache2 /var/lib/devstack-wsgi)

# One service, declared in two ways that differ in every file; it runs.
# shellcheck disable=SC2034  # named by its capitals
readonly ONE=(--path /changes --site one --env ROUND=one)
# shellcheck disable=SC2034
readonly TWO=(--path /changes --site two --env ROUND=two --transport uwsgi
    --processes 3)

# A run that ends in the middle: before the step, or the command of a step,
# $FAIL_AT, MANIFEST'S LINE:FUNCTION:LINE:TIME; with FAIL_HOW=wait it stands
# still there. Without FAIL_AT it notes them in /run/steps, each with the verb
# of its line.
# shellcheck disable=SC2016  # expanded in the machine
readonly FAILPOINT='
source "$1/lib/verbs"
shift
declare -A TIMES=()
set -o functrace -o pipefail
WHERE="*:*(_)wsgi_@(run|step|verbs_plan|front|systemd)_*:*"
COMMANDS="__wsgi_run_do _wsgi_engine _wsgi_run_all a2 \"\$ctl cp exec ln
    mkdir mv printf rm stat systemctl"
COMMANDS="@($(printf "%s*|" $COMMANDS)-)"
trap '\''_AT=$_WSGI_LAST:${FUNCNAME[0]:-}:$LINENO
    if [[ "$_AT" == $WHERE && "$BASH_COMMAND" == $COMMANDS ]]; then
        TIMES[$_AT]=$(( ${TIMES[$_AT]:-0} + 1 ))
        _AT+=:${TIMES[$_AT]}
        if [[ -z "${FAIL_AT:-}" ]]; then
            echo "$_AT ${_WSGI_STEPS[_WSGI_LAST]%% *}" >> /run/steps
        elif [[ "$_AT" == "$FAIL_AT" ]]; then
            : > /run/failed
            [[ "${FAIL_HOW:-}" != wait ]] || sleep 60
            kill -KILL "$$" "$BASHPID"
        fi
    fi'\'' DEBUG
_wsgi_verbs_run "$@"
'

function setup_file {
    machine_up && serve http beside && deploy_app changes "${ONE[@]}" &&
        start_app changes || return
    put_failpoint
    # the modules of the front are enabled once for all
    change two && change one || return
    # what each declaration leaves when nobody disturbs it, and its steps
    note_steps "$BATS_FILE_TMPDIR"
}

# Usage: note_steps FOLDER
#   FOLDER  where to write the trees one and two, and the steps that lead to
#           them, steps-one and steps-two
function note_steps {
    local round
    for round in two one; do
        in_machine rm -f /run/steps
        change "$round" FAIL_AT= || return
        in_machine cat /run/steps > "$1/steps-$round"
        tree_of "${TREE[@]}" > "$1/$round"
    done
}

# Usage: put_failpoint
function put_failpoint {
    # shellcheck disable=SC2016  # expanded in the machine
    machine_sh 'printf %s "$1" > /run/failpoint' "$FAILPOINT"
}

function setup {
    change one
}

function tidy {
    local folder
    in_machine touch /run/watch.end
    for folder in "${TREE[@]}" /etc/apache2/sites-available /etc; do
        ! in_machine mountpoint --quiet "$folder" ||
            in_machine umount "$folder"
    done
}

# Deploy the service that changes.
#
# Usage: change ROUND [VARIABLE=VALUE...]
#   ROUND     one or two
#   VARIABLE  of FAILPOINT
function change {
    local -n words=${1^^}
    local -a command=("$REPO/tools/wsgi")
    [[ $# -eq 1 ]] || command=(env "${@:2}" bash /run/failpoint "$REPO")
    in_machine "${command[@]}" deploy changes --app probe:application \
        --chdir /srv/changes --user www-data "${words[@]}"
}

# REPLY = the other one of one and two.
#
# Usage: other ROUND
function other {
    REPLY=one
    [[ "$1" == two ]] || REPLY=two
}

# Send requests to the service beside, until some of them came.
function load_beside {
    local before
    requests_of beside
    before=$REPLY
    load_begin beside http://127.0.0.1/beside/ --rate 40
    wait_for 20 requests_at_least $(( before + 20 )) beside
}

# End them, and print the figure.
#
# Usage: load_beside_end NAME TEXT...
function load_beside_end {
    load_end beside
    figure "$1" "${*:2}; beside it ${LOAD[said]}"
    assert_no_failure 20
}

# Ask Apache over and over whether its configuration is valid.
function watch_begin {
    in_machine rm -f /run/watch.end
    # shellcheck disable=SC2016  # expanded in the machine
    machine_sh 'number=0
        until [[ -e /run/watch.end ]]; do
            said=$(apache2ctl -t 2>&1) || echo "$said"
            number=$(( number + 1 ))
        done
        echo "$number times"' > "$BATS_TEST_TMPDIR/watch" 2>&1 3>&- &
    WATCH=$!
}

# WATCHED = how often Apache was asked; it has always said yes.
function watch_end {
    in_machine touch /run/watch.end
    wait "$WATCH"
    WATCHED=$(< "$BATS_TEST_TMPDIR/watch")
    assert_regex "$WATCHED" '^[0-9]+ times$'
}

# REPLY = the files that are neither the old nor the new ones.
#
# Usage: torn FOLDER    as note_steps wrote it
function torn {
    REPLY=$(tree_of "${TREE[@]}" | grep -E '^[0-9a-f]{64} ' |
        grep -v -e ' /var/lib/devstack-wsgi/run/' -e '/\.[^/]*\.new$' |
        grep -vFxf "$1/one" -f "$1/two") || true  # 1: there is none
}

# Kill runs at one step after the other; the next run has to make it whole.
#
# Usage: kill_at_steps FIGURE FOLDER
#   FOLDER  as note_steps wrote it
function kill_at_steps {
    local i at round=one said every number=0
    local -a bad=() ones twos steps=()
    mapfile -t ones < "$2/steps-one"
    mapfile -t twos < "$2/steps-two"
    # there and back by turns
    for (( i = 0; i < ${#ones[@]} || i < ${#twos[@]}; i++ )); do
        [[ -z "${twos[i]:-}" ]] || steps+=("two ${twos[i]}")
        [[ -z "${ones[i]:-}" ]] || steps+=("one ${ones[i]}")
    done
    # twelve of them and a few more, or all
    count $(( ${#steps[@]} / 12 | 1 )) 1
    every=$REPLY
    watch_begin
    load_beside

    for (( i = 0; i < ${#steps[@]}; i += every )); do
        at=${steps[i]}
        [[ "$round" != "${at%% *}" ]] || change "${at%% *}"
        round=${at%% *}
        other "$round"
        change "$REPLY" > /dev/null
        in_machine rm -f /run/failed
        read -r _ said _ <<< "$at"
        run change "$round" FAIL_AT="$said"
        [[ "$status" == 137 ]] || bad+=("$at: status $status, $output;")
        torn "$2"
        [[ -z "$REPLY" ]] || bad+=("$at: neither old nor new: $REPLY;")
        said=$(change "$round" 2>&1) || bad+=("$at: next run: $said;")
        said=$(diff -U 0 "$2/$round" <(tree_of "${TREE[@]}")) ||
            bad+=("$at: $said;")
        http_status http://127.0.0.1/changes/
        [[ "$REPLY" == 200 ]] || bad+=("$at: answers $REPLY;")
        number=$(( number + 1 ))
    done

    watch_end
    load_beside_end "$1" "at $number of ${#steps[@]} steps, Apache's files" \
        "valid $WATCHED of as many"
    assert_none "${bad[@]}"
    assert [ "$number" -ge 12 ]
    wsgi restart changes
    assert_status 200 http://127.0.0.1/changes/
}

@test "apply: killed at each of its steps, the next run converges" {
    kill_at_steps apply-killed "$BATS_FILE_TMPDIR"
}

@test "apply: killed with its folder on another disk than /etc, it converges" {
    # shellcheck disable=SC2016  # expanded in the machine
    machine_sh 'rm -rf /run/copy && cp -a "$1" /run/copy &&
        mount -t tmpfs -o size=9m,mode=0755 none "$1" &&
        cp -a /run/copy/. "$1"' /var/lib/devstack-wsgi
    note_steps "$BATS_TEST_TMPDIR"

    kill_at_steps apply-two-disks "$BATS_TEST_TMPDIR"

    change one
    # shellcheck disable=SC2016  # expanded in the machine
    machine_sh 'rm -rf /run/copy && cp -a "$1" /run/copy && umount "$1" &&
        rm -rf "$1" && cp -a /run/copy "$1"' /var/lib/devstack-wsgi
    assert_tree "$BATS_FILE_TMPDIR/one"
}

# Usage: step_before VERB ROUND    REPLY = the first step of such a line
function step_before {
    local line
    while read -r line; do
        REPLY=${line% *}
        [[ "$line" != *" $1" ]] || return 0
    done < "$BATS_FILE_TMPDIR/steps-$2"
    return 1
}

# Usage: serves NAME
function serves {
    http_status "http://127.0.0.1/$1/"
    [[ "$REPLY" == 200 ]]
}

@test "apply: the power fails within a run, all is up after the boot" {
    local word
    local -a words=(link systemd write remove front)
    # all five, or the first two
    count 2 5

    for word in "${words[@]:0:REPLY}"; do
        change one
        step_before "$word" two
        in_machine rm -f /run/failed
        change two FAIL_AT="$REPLY" FAIL_HOW=wait \
            > /dev/null 2>&1 3>&- &
        wait_for 20 in_machine test -e /run/failed

        "$REPO/tests/bin/machine" kill "$M"
        wait "$!" || true  # it ended with the machine
        "$REPO/tests/bin/machine" boot "$M"

        put_failpoint
        in_machine systemctl --quiet is-active apache2
        in_machine apache2ctl configtest
        wait_for 30 serves beside
        change two
        assert_tree "$BATS_FILE_TMPDIR/two"
        wsgi start changes
        serves changes
        load_beside
        load_beside_end power-lost "before $word, booted"
    done
}

# Give a folder a disk of its own that is full.
#
# Usage: fill FOLDER
function fill {
    # shellcheck disable=SC2016  # expanded in the machine
    machine_sh 'rm -rf /run/copy && cp -a "$1" /run/copy &&
        mount -t tmpfs -o size=1m,mode=0755 none "$1" &&
        cp -a /run/copy/. "$1" || exit
        cat /dev/zero > "$1/zz-full" 2> /dev/null || true' "$1"
}

@test "apply: the disk is full, nothing is changed, the old serves" {
    local folder
    local -a bad=()
    # where it stages, where it notes what it does, and one of the last
    local -a folders=(
        /etc/devstack-wsgi /var/lib/devstack-wsgi
        /etc/apache2/sites-available
    )
    load_beside

    for folder in "${folders[@]}"; do
        fill "$folder"
        tree_of "${TREE[@]}" > "$BATS_TEST_TMPDIR/before"
        run change two
        [[ "$status" == 1 ]] || bad+=("$folder: status $status, $output;")
        diff -U 0 "$BATS_TEST_TMPDIR/before" <(tree_of "${TREE[@]}") ||
            bad+=("$folder: changed;")
        in_machine apache2ctl configtest || bad+=("$folder: Apache;")
        serves changes || bad+=("$folder: answers $REPLY;")
        in_machine umount "$folder"
    done

    load_beside_end disk-full "${#folders[@]} folders"
    assert_none "${bad[@]}"
    change two
    assert_tree "$BATS_FILE_TMPDIR/two"
}

@test "apply: /etc is read-only, nothing is changed, the old serves" {
    tree_of "${TREE[@]}" > "$BATS_TEST_TMPDIR/before"
    load_beside
    in_machine mount --bind /etc /etc
    in_machine mount -o remount,bind,ro /etc

    run change two

    assert_failure 1
    assert_output --partial 'nothing was changed'
    in_machine umount /etc
    assert_tree "$BATS_TEST_TMPDIR/before"
    in_machine apache2ctl configtest
    serves changes
    load_beside_end etc-read-only "one run"
    change two
    assert_tree "$BATS_FILE_TMPDIR/two"
}

@test "apply: twenty runs at once are all done, a reload each at most" {
    local i
    local -a names=()
    for i in {1..20}; do
        names+=("at-once-$i")
    done
    load_beside
    journal_mark

    # shellcheck disable=SC2016  # expanded in the machine
    run machine_sh '
        tool=$1 status=0 pids=()
        shift
        for name; do
            "$tool" deploy "$name" --path "/$name" --app probe:application \
                --chdir /srv/beside --user www-data > "/run/$name" 2>&1 &
            pids+=("$!")
        done
        for name in "${pids[@]}"; do
            wait "$name" || status=1
        done
        cd /run && cat "$@"
        exit "$status"' "$REPO/tools/wsgi" "${names[@]}"

    assert_success
    reloads_since_mark
    load_beside_end applies-at-once "${#names[@]} runs at once made" \
        "$APACHE_RELOADS reload(s) of Apache"
    [[ "$APACHE_RELOADS" -le "${#names[@]}" ]] ||
        fail "$APACHE_RELOADS reloads: $(journal_since_mark _PID=1)"
    # Apache knows all of them: they are not started, which is a 503
    for i in "${names[@]}"; do
        assert_status 503 "http://127.0.0.1/$i/"
    done
    run wsgi apply
    assert_line --partial 'nothing to change'
    wsgi start at-once-1 at-once-20
    serves at-once-1
    serves at-once-20
    wsgi remove "${names[@]}"
}
