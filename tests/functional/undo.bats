#!/usr/bin/env bats
#
# runs that fail late, are killed or stand still: what is undone, what mended

load ../helpers/functional

# all that a run may touch
readonly TREE=(/etc /run/devstack-wsgi /var/lib/devstack-wsgi)

function setup_file {
    machine_up && serve http serving
}

function tidy {
    # shellcheck disable=SC2016  # expanded in the machine
    machine_sh 'rm -f /etc/apache2/sites-enabled/theirs.conf /tmp/theirs.conf
        pid=/run/theirs.pid
        [[ ! -e "$pid" ]] || kill "$(< "$pid")" || true  # it has ended
        rm -f "$pid"
        systemctl start apache2'
}

# Send requests to a service that serves all the time, until some came.
# Usage: load_serving [NAME]
function load_serving {
    local before=0 name=${1:-serving}
    ! requests_of "$name" || before=$REPLY
    load_begin all "http://127.0.0.1/$name/" --rate 40
    wait_for 10 requests_at_least $(( before + 10 )) "$name"
}

@test "undo: a reload that Apache's unit refuses, with site and module" {
    # a file that we see, and Apache's unit with a /tmp of its own does not
    in_machine bash -c 'echo "# theirs" > /tmp/theirs.conf
        echo "Include /tmp/theirs.conf" \
            > /etc/apache2/sites-enabled/theirs.conf'
    run in_machine systemctl reload apache2
    assert_failure
    # the new service needs a module that is not enabled, whoever wanted it
    in_machine a2dismod --quiet --force proxy_uwsgi
    refute in_machine test -e /etc/apache2/mods-enabled/proxy_uwsgi.load
    load_serving
    tree_of "${TREE[@]}" > "$BATS_TEST_TMPDIR/before"

    run deploy_app refused --path /refused --transport uwsgi

    assert_failure 1
    assert_line --partial 'apache2.service does not reload'
    # told once
    assert_equal "$(grep -c 'does not reload' <<< "$output")" 1
    assert_tree "$BATS_TEST_TMPDIR/before"
    load_end all
    figure "a reload that is refused" "${LOAD[failed]} of ${LOAD[sent]} failed"
    assert_no_failure 20
    in_machine rm /etc/apache2/sites-enabled/theirs.conf
    serve uwsgi refused
    assert_status 200 "$URL/"
}

@test "undo: an Apache that a reload ends is a failure, and named" {
    # an address that somebody else has: configtest does not see it
    in_machine bash -c 'python3 -m http.server --bind 127.0.0.1 8899 \
            < /dev/null > /dev/null 2>&1 &
        echo $! > /run/theirs.pid
        echo "Listen 127.0.0.1:8899" > /etc/apache2/sites-enabled/theirs.conf'
    wait_for 10 in_machine curl --silent --output /dev/null \
        http://127.0.0.1:8899/
    tree_of "${TREE[@]}" > "$BATS_TEST_TMPDIR/before"

    run deploy_app ended --path /ended

    assert_failure 1
    assert_line --partial apache2.service
    assert_tree "$BATS_TEST_TMPDIR/before"
    in_machine rm /etc/apache2/sites-enabled/theirs.conf
    serve http ended
    assert_status 200 http://127.0.0.1/serving/
}

# Deploy a service and kill the run: all of it, or its shell alone.
#
# Usage: cut_off BEGIN MILLISECONDS WHAT NAME OPTION...
#   BEGIN  start: so long after the start; swap: so long after what is there
#          was copied, when files get to their places
#   WHAT   shell: the processes that it has started end by themselves; all
#   REPLY  its status; 137: it was killed
function cut_off {
    # shellcheck disable=SC2016  # expanded in the machine
    REPLY=$(machine_sh '
        begin=$1 delay=$(printf %d.%03d $(( $2 / 1000 )) $(( $2 % 1000 )))
        what=$3
        shift 3
        touch /run/cut-off
        setsid "$@" > /dev/null 2>&1 &
        pid=$!
        if [[ "$begin" == swap ]]; then
            until [[ /var/lib/devstack-wsgi/run/old -nt /run/cut-off ]]; do
                kill -0 "$pid" || break
            done
        fi
        sleep "$delay"
        [[ "$what" == shell ]] || pid=-$pid
        kill -KILL -- "$pid"
        wait "${pid#-}"
        echo "$?"' "$1" "$2" "$3" "$REPO/tools/wsgi" deploy "${@:4}" \
        2> /dev/null)
}

# Usage: cut_off_again SERVER KEEP
#   KEEP  a service that serves under SERVER; another, fresh-KEEP, is deployed
function cut_off_again {
    local fresh=fresh-$2 keep=$2
    local i name begin time delay what said cut=0
    local -a bad=() options now
    local -A last=()
    count 6 60
    local number=$REPLY
    options=(--app probe:application --chdir "/srv/$keep" --user www-data
        --mode "$1")
    load_serving "$keep"
    # what they are in the end, if nobody disturbs it
    last[$keep]="--path /$keep --env ROUND=last --processes 3"
    last[$fresh]="--path /$fresh --transport uwsgi --env ROUND=last"
    wsgi deploy "$fresh" "${options[@]}" --path "/$fresh" --transport uwsgi \
        --env ROUND=last
    begin=$(date +%s%3N)
    wsgi deploy "$keep" "${options[@]}" --path "/$keep" --env ROUND=last \
        --processes 3
    time=$(( $(date +%s%3N) - begin ))
    tree_of "${TREE[@]}" > "$BATS_TEST_TMPDIR/whole"
    # a new one under mod_wsgi has another secret
    [[ "$1" == mod_wsgi ]] || wsgi remove "$fresh"

    for (( i = 0; i < number; i++ )); do
        what=shell
        (( i % 4 < 2 )) || what=all
        name=$keep
        (( i % 2 )) || name=$fresh
        begin=swap
        case $(( i % 3 )) in
            0) begin=start delay=$(( RANDOM % time )) ;;
            1) delay=$(( RANDOM % (time / 2) )) ;;
            # the renames are over soon
            2) delay=$(( RANDOM % (time / 10) )) ;;
        esac
        # another text for every file but the site; that too for a fresh one
        now=(--path "/$name" --env "ROUND=$i")
        (( i % 4 )) || now+=(--transport uwsgi)
        cut_off "$begin" "$delay" "$what" "$name" "${options[@]}" "${now[@]}"
        [[ "$REPLY" != 137 ]] || cut=$(( cut + 1 ))

        said=$(in_machine apache2ctl configtest 2>&1) ||
            bad+=("$i: $delay ms after $begin: Apache: $said;")
        http_status "http://127.0.0.1/$keep/"
        [[ "$REPLY" == 200 ]] ||
            bad+=("$i: $delay ms after $begin: answers $REPLY;")
    done
    load_end all

    figure "cut off, $1" "$cut of $number runs, ${LOAD[failed]} of" \
        "${LOAD[sent]} failed"
    assert_none "${bad[@]}"
    assert_no_failure 40
    for name in "$fresh" "$keep"; do
        read -ra now <<< "${last[$name]}"
        wsgi deploy "$name" "${options[@]}" "${now[@]}"
    done
    assert_tree "$BATS_TEST_TMPDIR/whole"
    refute in_machine test -e /var/lib/devstack-wsgi/run
    wsgi check
    run wsgi status --json
    refute_line --regexp '"drift": "([^n]|n[^o])'
    in_machine flock --nonblock /run/devstack-wsgi.lock true
    wsgi restart "$keep"
    wsgi start "$fresh"
    assert_status 200 "http://127.0.0.1/$fresh/"
}

@test "undo: what is cut off goes on serving, then is whole (uwsgi)" {
    cut_off_again uwsgi serving
}

@test "undo: what is cut off goes on serving, then is whole (mod_wsgi)" {
    serve mod-wsgi other
    cut_off_again mod_wsgi other
}

# As in faults-apply.bats, for what undoes a run.
# shellcheck disable=SC2016  # expanded in the machine
readonly FAILPOINT='
source "$1/lib/verbs"
shift
declare -A TIMES=()
set -o functrace -o pipefail
trap '\''_AT=${number:-x}:${FUNCNAME[0]:-}:$LINENO
    if [[ "${FUNCNAME[*]}" == *__wsgi_run_undo* && "$BASH_COMMAND" == \
            @(_wsgi_systemd_|_wsgi_front_|a2|cp|exec|mv|printf|rm|syst)* ]]
    then
        TIMES[$_AT]=$(( ${TIMES[$_AT]:-0} + 1 ))
        _AT+=:${TIMES[$_AT]}
        if [[ -z "${FAIL_AT:-}" ]]; then
            echo "$_AT" >> /run/steps
        elif [[ "$_AT" == "$FAIL_AT" ]]; then
            kill -KILL "$$" "$BASHPID"
        fi
    fi'\'' DEBUG
_wsgi_verbs_run "$@"
'

# Deploy a service with an application that does not load.
# Usage: deploy_broken WORD...    how to call lib/verbs
function deploy_broken {
    in_machine "$@" deploy other-server --path /other-server --mode uwsgi \
        --app probe:application --chdir /srv/other-server --user www-data \
        --processes 3
}

@test "undo: killed while it is undone, the next run goes on with it" {
    local i every at
    local -a bad=() steps
    serve mod-wsgi other-server
    in_machine sed -i '/^import time/a import mod_wsgi' \
        /srv/other-server/probe.py
    # shellcheck disable=SC2016  # expanded in the machine
    machine_sh 'printf %s "$1" > /run/failpoint' "$FAILPOINT"
    in_machine rm -f /run/steps
    tree_of "${TREE[@]}" > "$BATS_TEST_TMPDIR/before"
    run deploy_broken bash /run/failpoint "$REPO"
    assert_failure 1
    assert_output --partial "No module named 'mod_wsgi'"
    tree_of "${TREE[@]}" > "$BATS_TEST_TMPDIR/after"
    assert_same "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
    mapfile -t steps <<< "$(in_machine cat /run/steps)"
    count $(( ${#steps[@]} / 4 | 1 )) 1
    every=$REPLY
    load_serving other-server

    for (( i = 0; i < ${#steps[@]}; i += every )); do
        at=${steps[i]}
        run deploy_broken env FAIL_AT="$at" bash /run/failpoint "$REPO"
        [[ "$status" == 137 ]] || bad+=("$at: status $status, $output;")
        run wsgi apply
        [[ "$status" == 0 ]] || bad+=("$at: $output;")
        run diff -U 0 "$BATS_TEST_TMPDIR/before" \
            <(tree_of "${TREE[@]}")
        [[ "$status" == 0 ]] || bad+=("$at: $output;")
        run in_machine systemctl list-units --all --plain --no-legend \
            'devstack@other-server.switch*'
        [[ -z "$output" ]] || bad+=("$at: $output;")
    done

    load_end all
    figure "killed while undone" "at $i of ${#steps[@]} steps," \
        "${LOAD[failed]} of ${LOAD[sent]} failed"
    assert_none "${bad[@]}"
    assert_no_failure 20
}

@test "undo: a run waits for one that stands still, and both are done" {
    # shellcheck disable=SC2016  # expanded in the machine
    run machine_sh '
        tool=$1
        shift
        "$tool" deploy first --path /first "$@" > /run/first 2>&1 &
        first=$!
        until [[ -e /var/lib/devstack-wsgi/run ]]; do
            kill -0 "$first" || exit
        done
        kill -STOP "$first"
        "$tool" deploy second --path /second "$@" > /run/second 2>&1 &
        second=$!
        for _ in {1..100}; do
            ! grep -q "waiting for another run" /run/second || break
            sleep 0.1
        done
        # while the first stands still, the second is not done
        kill -0 "$second" || echo "the second did not wait"
        kill -CONT "$first"
        wait "$first"
        echo "first: $?, $(< /run/first)"
        wait "$second"
        echo "second: $?, $(< /run/second)"' "$REPO/tools/wsgi" \
        --app probe:application --chdir /srv/serving --user www-data

    refute_line 'the second did not wait'
    assert_line --regexp '^first: 0, wsgi: first: [0-9]+ files written'
    assert_line 'second: 0, wsgi: waiting for another run to end'
    assert_line --regexp '^wsgi: second: [0-9]+ files written'
    wsgi start first second
    wsgi check
}
