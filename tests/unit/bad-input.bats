#!/usr/bin/env bats
#
# bad input, by the command: what the shell adds to the engine's refusals.
# tests/unit/engine/test_bad_input.py has what is refused.

load ../helpers/load
load ../helpers/unit

# A system on which 'first' is deployed.
function setup {
    fake_system
    deploy first > /dev/null
    BAD=()
    remember times
}

# Run something that has to be refused, and note in BAD what is wrong with
# the refusal.
#
# Usage: refused STATUS SEEN INSTEAD COMMAND ARG...
function refused {
    local wrong=''
    capture "${@:4}"
    [[ "$STATUS" == "$1" ]] || wrong+=" status $STATUS;"
    [[ -z "$OUT" ]] || wrong+=' output;'
    [[ "$ERR" == '[ERROR] wsgi: '* ]] || wrong+=' no [ERROR];'
    [[ "$ERR" != *$'\n'* ]] || wrong+=' more than one line;'
    [[ ! "${ERR//$'\n'}" =~ [[:cntrl:]] ]] || wrong+=' control characters;'
    [[ ! "$ERR" =~ line\ [0-9]+: ]] || wrong+=" bash's own words;"
    [[ "$ERR" == *"$2"* ]] || wrong+=" not told what was seen ($2);"
    [[ "$ERR" == *"$3"* ]] || wrong+=" not told '$3';"
    [[ -z "$wrong" ]] || BAD+=("${*:4}:$wrong said: $ERR")
}

# Usage: assert_none_bad
function assert_none_bad {
    assert_none "${BAD[@]@Q}"
    assert_unchanged
}

@test "bad input: each verb is refused in one line, and nothing is written" {
    local verb
    with_defaults new --path $'/a\nProxyPass /b http://c/'
    refused 1 /a 'control characters' wsgi deploy "${REPLY_WORDS[@]}"
    with_defaults new --env $'A=\xff'
    refused 1 'A=?' 'in UTF-8' wsgi deploy "${REPLY_WORDS[@]}"
    # shellcheck disable=SC2016  # a name, not an expansion
    for verb in apply start stop restart reload wait status check show; do
        refused 1 "'\$(id)'" 'deployed are: first' wsgi "$verb" '$(id)'
    done
    refused 1 "'gunicorn'" 'known are: ' wsgi switch gunicorn
    refused 2 "'--bogus'" '--help' wsgi remove --bogus

    assert_none_bad
}

@test "bad input: a record changed by hand stops each verb" {
    local verb
    local -a words=()
    echo 'colour=red' >> "$WSGI_SYSROOT/etc/devstack-wsgi/services/first.conf"
    remember times

    for verb in apply status 'check first' 'show first' 'start first' \
        'remove first' 'switch uwsgi' 'reload --all' 'stop first'; do
        read -r -a words <<< "$verb"
        refused 1 colour 'known are: ' wsgi "${words[@]}"
    done

    assert_none_bad
}

@test "bad input: a service would run as root without anybody saying so" {
    local -a as_root=()
    [[ "$EUID" -eq 0 ]] || as_root=(unshare --map-root-user)

    refused 1 'say whom it runs as' '--user USER' \
        "${as_root[@]}" "$REPO/tools/wsgi" deploy new --app m:a --path /new

    assert_none_bad
}

@test "bad input: unknown verbs and options are wrong usage" {
    local row
    for row in frobnicate --bogus Deploy ../lib/wsgi; do
        refused 2 "'$row'" '--help' "$REPO/tools/wsgi" "$row" new
    done
    refused 2 "'--bogus'" '--help' "$REPO/tools/wsgi" deploy new --bogus

    assert_none_bad
}

@test "bad input: nothing at all is wrong usage, with the list of verbs" {
    capture "$REPO/tools/wsgi"

    assert_equal "$STATUS" 2
    assert_equal "$OUT" ''
    assert_regex "$ERR" $'^Usage: wsgi VERB.*\n  deploy '
}

@test "bad input: a run that another one keeps waiting gives up" {
    local fd lock=$WSGI_SYSROOT/run/devstack-wsgi.lock
    wrap flock
    exec {fd}> "$lock"
    flock "$fd"

    with_defaults new
    # after 300 s
    FAIL_AT='flock --timeout 300 *' capture wsgi deploy "${REPLY_WORDS[@]}"
    exec {fd}>&-

    assert_equal "$STATUS" 1
    assert_equal "$ERR" "wsgi: waiting for another run to end
flock: told to fail
[ERROR] wsgi: another run has held $lock for 300 s; 'fuser $lock' shows it"
    assert_none_bad
}

@test "bad input: a place for the lock that nobody can write" {
    rm -f "$WSGI_SYSROOT/run/devstack-wsgi.lock"
    mkdir "$WSGI_SYSROOT/run/devstack-wsgi.lock"
    remember times

    with_defaults new
    refused 1 "run/devstack-wsgi.lock" 'root' wsgi deploy "${REPLY_WORDS[@]}"

    assert_none_bad
}
