#!/usr/bin/env bats
#
# what fails beneath a run of apply: its own process, the disk, the power; and
# twenty runs at once. doc/source/reliability.rst has the figures

load ../helpers/functional

# all that a run may touch
readonly TREE=(/etc/apache2 /etc/devstack-wsgi /etc/systemd/system
    /var/lib/apache2 /var/lib/devstack-wsgi)

# One service, declared in two ways that differ in every file; it runs.
readonly ONE=(--path /changes --site one --env ROUND=one)
readonly TWO=(--path /changes --site two --env ROUND=two --transport http
    --processes 3)

# What bash reads at its start (BASH_ENV) to end in the middle of apply: before
# the command of $FAIL_AT, FUNCTION:LINE, or, with FAIL_HOW=wait, to stand
# still there. Without FAIL_AT it notes the steps in /run/steps.
# shellcheck disable=SC2016  # expanded in the machine
readonly FAILPOINT='
set -o functrace
trap '\''_AT=${FUNCNAME[0]:-}:$LINENO
    if [[ "$_AT" == _wsgi_apply_@(run|swap|remember):* &&
            ! "$BASH_COMMAND" =~ ^(\[\[|\(\(|local|for|case|:|continue|set) &&
            ! "$BASH_COMMAND" =~ ^[A-Za-z_]+(\[.*\])?[+]?= ]]; then
        if [[ -z "${FAIL_AT:-}" ]]; then
            echo "$_AT ${BASH_COMMAND%%[[:blank:]]*}" >> /run/steps
        elif [[ "$_AT" == "$FAIL_AT" ]]; then
            : > /run/failed
            [[ "${FAIL_HOW:-}" != wait ]] || sleep 60
            kill -KILL "$$"
        fi
    fi'\'' DEBUG
'

function setup_file {
    local round
    machine_up && serve uwsgi beside && deploy_app changes "${ONE[@]}" &&
        start_app changes || return
    # what each declaration leaves when nobody disturbs it
    deploy_app changes "${TWO[@]}" || return
    tree_of "${TREE[@]}" > "$BATS_FILE_TMPDIR/two"
    put_failpoint
    in_machine env BASH_ENV=/run/failpoint "$REPO/tools/wsgi" deploy \
        changes --app probe:application --chdir /srv/changes \
        --user www-data "${ONE[@]}" || return
    tree_of "${TREE[@]}" > "$BATS_FILE_TMPDIR/one"
    # each once, in their order
    in_machine cat /run/steps | cat -n | sort -u -k 2,2 | sort -n |
        while read -r _ round; do
            printf '%s\n' "$round"
        done > "$BATS_FILE_TMPDIR/steps"
}

# Usage: put_failpoint
function put_failpoint {
    # shellcheck disable=SC2016  # expanded in the machine
    machine_sh 'printf %s "$1" > /run/failpoint' "$FAILPOINT"
}

function setup {
    change one
}

function teardown_file {
    machine_down
}

function teardown {
    local folder
    in_machine touch /run/watch.end
    # what a test that failed may have left
    for folder in "${TREE[@]}" /etc/apache2/sites-available /etc; do
        ! in_machine mountpoint --quiet "$folder" ||
            in_machine umount "$folder"
    done
    explain_failure beside changes
}

# Deploy the service that changes; the steps are those of setup_file.
#
# Usage: change ROUND [VARIABLE=VALUE...]
#   ROUND  one or two
function change {
    local -n words=${1^^}
    in_machine env "${@:2}" "$REPO/tools/wsgi" deploy changes \
        --app probe:application --chdir /srv/changes --user www-data \
        "${words[@]}"
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
    [[ "$(wsgi status beside --json)" =~ \"requests\":\ ([0-9]+) ]]
    before=${BASH_REMATCH[1]}
    load_begin beside http://127.0.0.1/beside/ --rate 40
    wait_for 20 requests_at_least $(( before + 20 )) beside
}

# End them, and print the figure.
#
# Usage: load_beside_end NAME TEXT...
function load_beside_end {
    load_end beside
    figure "$1" "${*:2}; beside it ${LOAD[failed]} of ${LOAD[sent]}" \
        "requests failed, longest pause ${LOAD[longest_pause_ms]} ms"
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

# Usage: assert_tree FILE    as tree_of wrote it
function assert_tree {
    run diff -u "$1" <(tree_of "${TREE[@]}")
    assert_success
}

@test "apply: killed at each of its steps, the next run converges" {
    local i at round=one said every
    local -a bad=() steps
    mapfile -t steps < "$BATS_FILE_TMPDIR/steps"
    # twelve of them and a few more, or all
    count $(( ${#steps[@]} / 12 )) 1
    every=$REPLY
    watch_begin
    load_beside

    for (( i = 0; i < ${#steps[@]}; i += every )); do
        other "$round"
        round=$REPLY
        at=${steps[i]}
        in_machine rm -f /run/failed
        run change "$round" BASH_ENV=/run/failpoint FAIL_AT="${at% *}"
        [[ "$status" == 137 ]] || bad+=("$at: status $status, $output;")
        said=$(change "$round" 2>&1) || bad+=("$at: next run: $said;")
        said=$(diff -U 0 "$BATS_FILE_TMPDIR/$round" \
            <(tree_of "${TREE[@]}")) || bad+=("$at: $said;")
    done

    watch_end
    load_beside_end apply-killed "at $(( i / every )) of" \
        "${#steps[@]} steps, Apache's files valid $WATCHED of as many"
    assert_equal "${bad[*]}" ''
    assert [ $(( i / every )) -ge 12 ]
    wsgi restart changes
    http_status http://127.0.0.1/changes/
    assert_equal "$REPLY" 200
}

# Usage: step_before WORD FUNCTION    REPLY = the step, FUNCTION:LINE
function step_before {
    local line
    while read -r line; do
        REPLY=${line% *}
        [[ "$line" != "$2:"*" $1" ]] || return 0
    done < "$BATS_FILE_TMPDIR/steps"
    return 1
}

# Usage: serves NAME
function serves {
    http_status "http://127.0.0.1/$1/"
    [[ "$REPLY" == 200 ]]
}

@test "apply: the power fails within a run, all is up after the boot" {
    local word
    local -a words=(_wsgi_apply_link systemctl mv rm _wsgi_site_reload)
    # all five, or the first two
    count 2 5

    for word in "${words[@]:0:REPLY}"; do
        change one
        step_before "$word" _wsgi_apply_swap
        in_machine rm -f /run/failed
        change two BASH_ENV=/run/failpoint FAIL_AT="$REPLY" FAIL_HOW=wait \
            > /dev/null 2>&1 3>&- &
        wait_for 20 in_machine test -e /run/failed

        "$REPO/tests/machine" kill "$M"
        wait "$!" || true  # it ended with the machine
        "$REPO/tests/machine" boot "$M"

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
    assert_equal "${bad[*]}" ''
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

@test "apply: twenty runs at once share Apache's reload" {
    local mark i
    local -a names=()
    for i in {1..20}; do
        names+=("at-once-$i")
    done
    load_beside
    journal_mark
    mark=$REPLY

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
    reloads_since "$mark"
    load_beside_end applies-at-once "${#names[@]} runs at once made" \
        "$APACHE_RELOADS reload(s) of Apache"
    [[ "$APACHE_RELOADS" == [12] ]] ||
        fail "$APACHE_RELOADS reloads: $(journal_since "$mark" _PID=1)"
    # Apache knows all of them: they are not started, which is a 503
    for i in "${names[@]}"; do
        http_status "http://127.0.0.1/$i/"
        assert_equal "$REPLY" 503
    done
    run wsgi apply
    assert_line --partial 'nothing to change'
    wsgi start at-once-1 at-once-20
    serves at-once-1
    serves at-once-20
    wsgi remove "${names[@]}"
}
