#!/usr/bin/env bats
#
# lib/wsgi and tools/wsgi: what a shell that sources the library has of it

load ../helpers/load
load ../helpers/unit

function setup {
    fake_system
}

# Run a script, from standard input, in a bash of its own. Its $1 is the
# library; sourcing its $2 runs a verb of each kind: one that succeeds, one
# that is refused, wrong usage.
#
# Usage: in_a_shell [OPTION]... << 'END'
function in_a_shell {
    local verbs=$BATS_TEST_TMPDIR/verbs
    cat > "$BATS_TEST_TMPDIR/script"
    printf '%s || exit\n' \
        'wsgi_deploy one --app m:a --path /one --user daemon --env A=1' \
        'wsgi_show one > /dev/null' 'wsgi_status > /dev/null' \
        'wsgi_check' '! wsgi_deploy Bad 2> /dev/null' \
        '! wsgi_start 2> /dev/null' 'wsgi_remove one' > "$verbs"
    run bash "$@" "$BATS_TEST_TMPDIR/script" "$REPO/lib/wsgi" "$verbs"
}

@test "wsgi: sourced twice, it works" {
    in_a_shell << 'END'
source "$1" && source "$1" && wsgi_status
END

    assert_success
    assert_output --partial NAME
}

@test "wsgi: sourced from anywhere, by any path" {
    local row
    local -a bad=()
    for row in "/|$REPO/lib/wsgi" "$REPO|lib/wsgi" "$REPO|./lib/wsgi" \
        "$REPO/lib|wsgi" "$REPO/lib|./wsgi" "$REPO/lib/fronts|../wsgi" \
        "$REPO/tools|../lib/wsgi"; do
        row=${row/|/ }
        FOLDER=${row% *} FILE=${row#* } in_a_shell << 'END'
cd "$FOLDER" || exit
CDPATH=/:$FOLDER/..
PATH=$PATH:.
source "$FILE" && [[ "$_WSGI_DIR/lib/wsgi" == "$1" ]]
END
        [[ "$status$output" == 0 ]] || bad+=("$row: $output $status;")
    done

    assert_none "${bad[@]}"
}

@test "wsgi: tools/wsgi by any path and through links" {
    local row
    local -a bad=()
    ln -s "$REPO/tools/wsgi" "$BATS_TEST_TMPDIR/wsgi"
    ln -s wsgi "$BATS_TEST_TMPDIR/again"
    for row in "/ $REPO/tools/wsgi" "$REPO tools/wsgi" "$REPO/tools ./wsgi" \
        "/ $BATS_TEST_TMPDIR/wsgi" "$BATS_TEST_TMPDIR ./again"; do
        cd "${row% *}"
        run "${row#* }" catalog
        [[ "$status" == 0 && "$output" == *keystone* ]] || bad+=("$row;")
    done

    assert_none "${bad[@]}"
}

@test "wsgi: it works in a shell of any temper" {
    local options
    local -a words=() bad=()

    for options in '-o errexit' '-o errexit -o pipefail' \
        '-o errexit -o errtrace -o functrace -o pipefail -o nounset' \
        '-o posix'; do
        read -r -a words <<< "$options"
        in_a_shell "${words[@]}" << 'END'
source "$1" && source "$2" && echo the end
END
        [[ "$status" == 0 && "$output" == *'the end' &&
            "$output" != *'line '* ]] || bad+=("$options: $output;")
    done

    assert_none "${bad[@]}"
}

@test "wsgi: verbs work where the shell writes and expands otherwise" {
    deploy one --env 'A=1 2' --arg x
    remember

    in_a_shell << 'END'
source "$1" || exit
set -o noclobber -o noglob
IFS=,/.-_
CDPATH=/:/usr
LC_ALL=C
wsgi_deploy one --app thing.wsgi:application --path /one --user daemon \
    --env "A=1 2" --arg x && wsgi_apply && source "$2"
END

    assert_success
    deploy one --env 'A=1 2' --arg x
    assert_unchanged
}

@test "wsgi: options, traps, folder, umask and IFS are the shell's own" {
    in_a_shell << 'END'
set -o errexit -o pipefail -o nounset
shopt -s nocasematch extglob
shopt -u checkwinsize
trap "echo bye" EXIT
trap : ERR USR1
umask 027
IFS=" :"
cd /usr
function state {
    set +o; shopt -p; trap -p; umask; pwd; printf "%q\n" "$IFS"
    ulimit -a
}
# outside of a substitution, which has descriptors of its own
files=(/proc/$$/fd/*)
before=$(state)
source "$1"
source "$2"
after=$(state)
[[ "$after" == "$before" ]] || diff <(echo "$before") <(echo "$after")
before=${files[*]}
files=(/proc/$$/fd/*)
[[ "${files[*]}" == "$before" ]] || echo "< $before > ${files[*]}"
END

    assert_success
    assert_line --index -1 bye
    refute_line --regexp '^[<>]'
}

@test "wsgi: a shell gets the verbs, what runs them, and one variable" {
    local -a names=()
    in_a_shell << 'END'
function state {
    compgen -v
    compgen -A function
}
state | LC_ALL=C sort > "$HOME/before"
source "$1" && source "$2" || exit
state | LC_ALL=C sort > "$HOME/after"
END
    assert_success
    mapfile -t names < <(sed -n 's/^function \(wsgi_[a-z]*\) {.*/\1/p' \
        "$REPO/lib/wsgi" | LC_ALL=C sort)

    run comm -13 "$HOME/before" "$HOME/after"
    # PIPESTATUS: what bash sets of itself
    assert_output "$(printf '%s\n' PIPESTATUS _WSGI_DIR _wsgi_verb \
        "${names[@]}")"
}

@test "wsgi: nothing that a caller exports changes what a verb does" {
    local before caller
    local -a bad=() callers=(
        'export SHELLOPTS; set -o noglob -o xtrace'
        'export SHELLOPTS; set -o noclobber -o nounset -o errexit'
        'export BASHOPTS; shopt -s nullglob nocasematch failglob'
        'set -o allexport; IFS=,/.-_; CDPATH=/:/usr; GLOBIGNORE=*'
        'export POSIXLY_CORRECT=1'
        'export BASH_ENV=/no/such ENV=/no/such'
        'function printf { echo mine; }; export -f printf'
        'function _wsgi_path { REPLY=/mine; }; export -f _wsgi_path'
        'function local_helper { :; }; export -f local_helper'
        'function command_not_found_handle { :; }
            function mapfile { :; }; export -f mapfile'
        'function env { :; }; function cd { echo mine; }'
        'export _WSGI_LIB_RECORD=1 _WSGI_DIR=/mine _WSGI_LOCKED=1'
        'export LC_ALL=C; umask 077; ulimit -n 64'
    )
    cp -a "$WSGI_SYSROOT" "$BATS_TEST_TMPDIR/empty"
    deploy one --env 'A=1 2' --arg x
    snapshot
    before=$REPLY

    for caller in "${callers[@]}"; do
        rm -r "$WSGI_SYSROOT"
        cp -a "$BATS_TEST_TMPDIR/empty" "$WSGI_SYSROOT"
        printf '%s\n' "$caller" > "$BATS_TEST_TMPDIR/caller"
        in_a_shell << 'END'
source "$BATS_TEST_TMPDIR/caller"
source "$1" && wsgi_deploy one --app thing.wsgi:application --path /one \
    --user daemon --env "A=1 2" --arg x
END
        snapshot
        [[ "$status" == 0 && "$REPLY" == "$before" && \
            "$output" != *mine* && "$output" != *'line '* ]] ||
            bad+=("$caller: $status ${output:0:200} $(diff \
                <(echo "$before") <(echo "$REPLY") | head -n 3);")
    done

    assert_none "${bad[@]}"
}

@test "wsgi: toggles reach a verb, exported or not; arrays are none" {
    in_a_shell << 'END'
WSGI_THREADS=3
export WSGI_PROCESSES=5
WSGI_TRANSPORT_one=uwsgi
WSGI_HARDENING=(off standard)
declare -A WSGI_MODE_one=([0]=mod_wsgi)
declare -a WSGI_MODE
set -o nounset
IFS=$'\n'
source "$1"
wsgi_deploy one --app m:a --path /one --user daemon > /dev/null
wsgi_show one | grep -E '^(threads|processes|transport|hardening|mode)='
END

    assert_success
    assert_output "$(printf '%s\n' mode=uwsgi transport=uwsgi processes=5 \
        threads=3 hardening=standard)"
}

@test "wsgi: under xtrace it is quiet, and the trace goes on afterwards" {
    local word
    in_a_shell << 'END'
set -o xtrace
source "$1"
: sourced
wsgi_deploy one --app m:a --path /one --user daemon
: deployed
wsgi_status
: told
wsgi_deploy Bad
: refused
wsgi_remove one
[[ $- == *x* ]]
END

    assert_success
    for word in sourced deployed told refused; do
        assert_line "+ : $word"
    done
    # each call, and how it turns the trace off
    refute_line --regexp '^\++ (local [^-]|env |command |mapfile)'
    run grep -c '^+' <<< "$output"
    [[ "$output" -lt 30 ]] || fail "$output lines of trace"
}

@test "wsgi: without xtrace there is none afterwards" {
    in_a_shell << 'END'
source "$1"
wsgi_status > /dev/null
[[ $- != *x* ]]
END

    assert_success
    assert_output ''
}

@test "wsgi: an ordinary user's call goes through sudo, toggles with it" {
    local -a as=()
    stub sudo
    if [[ "$EUID" -eq 0 ]]; then
        as=(setpriv "--reuid=$ACCOUNT" "--regid=$ACCOUNT" --clear-groups)
        chmod 0755 "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR"/*/
        chmod 0666 "$CALLS"
    fi
    # the checkout itself may lie where that user cannot look
    mkdir "$BATS_TEST_TMPDIR/checkout"
    cp -a "$REPO"/{lib,files,tools} "$BATS_TEST_TMPDIR/checkout/"
    chmod -R a+rX "$BATS_TEST_TMPDIR/checkout"
    cat > "$BATS_TEST_TMPDIR/script" << 'END'
source "$1" && wsgi_deploy keystone --env "A=b c"
END

    run "${as[@]}" env -u WSGI_SYSROOT WSGI_THREADS=3 API_WORKERS=7 \
        bash "$BATS_TEST_TMPDIR/script" "$BATS_TEST_TMPDIR/checkout/lib/wsgi"

    assert_success
    run cat "$CALLS"
    assert_output --partial "sudo env "
    assert_output --partial "checkout/tools/wsgi deploy keystone --env A=b\\ c"
    assert_output --partial ' WSGI_THREADS=3 '
    assert_output --partial ' API_WORKERS=7 '
}

@test "wsgi: with a sysroot an ordinary user needs no sudo" {
    stub sudo

    wsgi status

    assert_calls 0 sudo
}

@test "tools/wsgi: --help tells every verb and nothing is done" {
    local verb
    local -a bad=()
    run "$REPO/tools/wsgi" --help
    assert_success
    assert_line 'Usage: wsgi VERB [ARGUMENT...]'

    for verb in deploy apply start stop restart reload wait switch remove \
        status check show; do
        [[ "$output" == *$'\n'"  $verb "* ]] || bad+=("$verb;")
    done
    assert_none "${bad[@]}"
    run cat "$CALLS"
    assert_output ''
}

@test "tools/wsgi: every public function is a verb, and the reverse" {
    local -a functions=() verbs=()
    mapfile -t functions < <(sed -n \
        's/^function wsgi_\([a-z]*\) {.*/\1/p' "$REPO/lib/wsgi" | sort)

    mapfile -t verbs < <("$REPO/tools/wsgi" --help | sed -n \
        's/^  \([a-z][a-z]*\) .*/\1/p' | grep -vxE 'catalog|completion' | sort)

    assert_equal "${verbs[*]}" "${functions[*]}"
}

@test "tools/wsgi: VERB --help is the manual of the verb" {
    local verb
    local -a bad=()

    # what they say: tests/unit/engine/test_manual.py
    for verb in deploy completion; do
        run "$REPO/tools/wsgi" "$verb" --help
        [[ "$status" == 0 && "$output" == *"Usage:   wsgi $verb"* ]] ||
            bad+=("$verb: $status $output;")
    done

    assert_none "${bad[@]}"
}

@test "tools/wsgi: exit status is the verb's" {
    run "$REPO/tools/wsgi" status
    assert_equal "$status" 0

    run "$REPO/tools/wsgi" show nope
    assert_equal "$status" 1

    run "$REPO/tools/wsgi" show
    assert_equal "$status" 2
}

@test "tools/wsgi: without a Python that can run it, it says so in a line" {
    run bash -c 'source "$1/lib/verbs"; _WSGI_PYTHON=$2
        _wsgi_verbs_run status' - "$REPO" "$BATS_TEST_TMPDIR/python3"

    assert_failure 1
    assert_output "[ERROR] wsgi: no $BATS_TEST_TMPDIR/python3; install \
Python 3.9 or later there"

    run /usr/bin/python3 -c 'import runpy, sys
sys.version_info = (3, 8, 20, "final", 0)
runpy.run_path(sys.argv.pop(1), run_name="__main__")' \
        "$REPO/lib/devstack_wsgi" status

    assert_failure 1
    assert_output "[ERROR] wsgi: /usr/bin/python3 is Python 3.8; install \
Python 3.9 or later there"
}

# Complete a command line in a bash that has sourced the completion.
#
# Usage: complete_line WORD...    the last one is completed; sets lines
function complete_line {
    cat > "$BATS_TEST_TMPDIR/script" << 'END'
source <("$1" completion) || exit
shift
COMP_WORDS=(wsgi "$@")
COMP_CWORD=$#
_wsgi_complete
[[ ${#COMPREPLY[@]} -eq 0 ]] || printf '%s\n' "${COMPREPLY[@]}"
END
    run bash --norc "$BATS_TEST_TMPDIR/script" "$REPO/tools/wsgi" "$@"
}

@test "tools/wsgi: the completion is bash and is for the command" {
    cat > "$BATS_TEST_TMPDIR/script" << 'END'
source <("$1" completion) && complete -p wsgi
END
    run bash --norc "$BATS_TEST_TMPDIR/script" "$REPO/tools/wsgi"

    assert_success
    assert_output --partial '-F _wsgi_complete wsgi'
}

@test "tools/wsgi: verbs, options and catalogue are completed" {
    complete_line ''
    assert_line deploy
    assert_line show
    assert_line catalog

    complete_line re
    assert_output $'restart\nreload\nremove'

    complete_line deploy key
    assert_output keystone

    complete_line deploy keystone --pr
    assert_output $'--processes\n--preload'

    complete_line deploy keystone --
    assert_line -- --on-demand
    assert_line -- --help

    complete_line deploy keystone --mode ''
    assert_line mod_wsgi
    assert_line uwsgi
    complete_line switch m
    assert_output mod_wsgi
    # what the library chooses is no option
    complete_line deploy keystone --sec
    assert_output ''

    complete_line zz
    assert_output ''
}

@test "tools/wsgi: a verb is completed with its own options" {
    complete_line status --
    assert_output $'--json\n--help'
    complete_line switch --
    assert_output $'--dry-run\n--help'
}

@test "wsgi wait: until the application answers, whatever it says" {
    deploy one --healthcheck /health
    # twice nobody, once an error, then a refusal
    # shellcheck disable=SC2016  # the stub expands it
    stub curl 'n=$(( $(grep -c ^curl "$CALLS") ))
        case $n in
            1|2) printf 000; exit 7 ;;
            3)   printf 503 ;;
            *)   printf 403 ;;
        esac'

    run wsgi wait one --timeout 20

    assert_success
    assert_line 'wsgi: one: waiting for http://127.0.0.1/one/health'
    assert_line 'wsgi: one answers at http://127.0.0.1/one/health'
    assert_calls 4 curl
}

@test "wsgi wait: not for ever, and then with the end of the log" {
    deploy one
    stub curl 'printf 500'

    run wsgi wait one --timeout 1

    assert_failure 1
    assert_line --partial '[ERROR] wsgi: one: http://127.0.0.1/one/ answers 5'
    assert_line '    the last line of its log'
}

# A worker of the service "one" whose door says what the application answered
# to its health check; it ends with the test.
#
# Usage: worker_with STATUS    WORKER = its PID
function worker_with {
    local folder=$WSGI_SYSROOT/run/devstack-wsgi/one/alive
    mkdir -p "$folder"
    python3 -c '
import sys, time
sys.path.append(sys.argv[1])
from door import Door
door = Door("uwsgi")
door.status = int(sys.argv[2])
door.open(sys.argv[3])
time.sleep(60)' "$REPO/files/runtime" "$1" "$folder" 3>&- &
    WORKER=$!
    until [[ -S "$folder/$WORKER.door" ]]; do sleep 0.05; done
}

@test "wsgi wait: a ready worker is enough where the front only takes long" {
    local row words
    local -a bad=() rows=(
        # health check of the worker, what curl prints, its status; success
        '200 000_127.0.0.1 28 0'
        '503 000_127.0.0.1 28 1'    # no worker is ready
        '200 000_ 28 1'             # the front was not reached
        '200 000_127.0.0.1 52 1'    # it closed the connection
        '200 503_127.0.0.1 0 1'
    )
    deploy one
    for row in "${rows[@]}"; do
        read -r -a words <<< "$row"
        worker_with "${words[0]}"
        stub curl "printf '%s' '${words[1]/_/ }'; exit ${words[2]}"

        run wsgi wait one --timeout 1

        kill "$WORKER"
        [[ "$status" -eq "${words[3]}" ]] || bad+=("$row: $status: $output;")
        [[ "$status" -ne 0 || "$output" == *$'\n'"wsgi: one is ready, and\
 busy: http://127.0.0.1/one/ waits" ]] || bad+=("$row: $output;")
    done
    assert_none "${bad[@]}"
}

@test "wsgi start: Apache first, then the service, then its answer" {
    deploy one
    stub curl 'printf 200'
    : > "$CALLS"

    run wsgi start one

    assert_success
    run grep -vE '^systemctl (is-|show|reset)' "$CALLS"
    assert_line --index 0 'systemctl start apache2.service'
    assert_line --index 1 'systemctl enable --quiet devstack@one.service'
    assert_line --index 2 'systemctl start devstack@one.service'
    assert_line --index 3 --partial curl
}

@test "wsgi: verbs without a service do nothing where none is deployed" {
    local verb
    local -a bad=()

    for verb in apply status check 'start --all' 'stop --all' 'reload --all' \
        'restart --all' 'switch uwsgi' 'remove --all'; do
        # shellcheck disable=SC2086  # words
        run wsgi $verb
        [[ "$status" == 0 ]] || bad+=("$verb: $output;")
    done

    assert_none "${bad[@]}"
    run grep -E '^systemctl' "$CALLS"
    assert_output ''
}
