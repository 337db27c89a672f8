#!/usr/bin/env bats
#
# applications that do not load: they fail soon, and say why

load ../helpers/functional

# Services that end their process at import; it takes a while until systemd
# gives up, so all do it at once, before the tests.
readonly EXITING=(exits-uwsgi exits-http exits-direct exits-mended
    exits-demand exits-mod-wsgi exits-mod-wsgi-direct)

function setup_file {
    local name
    local -a where
    machine_up || return
    serve http neighbour || return
    for name in "${EXITING[@]}"; do
        where_of "${name#exits-}" "$name"
        case $name in
            *-mended) where=(--path "/$name") ;;
            *-demand) where=(--path "/$name" --on-demand) ;;
        esac
        deploy_app "$name" "${where[@]}" --env IMPORT_ENDS=exit || return
    done
    BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR load_begin neighbour \
        http://127.0.0.1/neighbour/ --rate 40
    for name in "${EXITING[@]}"; do
        start_and_give_up "$name" 3>&- &
    done
    for name in "${EXITING[@]}"; do
        wait -n
    done
    in_machine touch /run/load-neighbour.end
    wait
}

# Start a service, and wait until it has failed for good.
#
# Usage: start_and_give_up NAME
# Writes: $BATS_FILE_TMPDIR/NAME: what the start said; NAME.told: its status
#         and the milliseconds that it took, and those until the end
function start_and_give_up {
    local begin status=0 limit=$(( SECONDS + 90 )) took
    begin=$(date +%s%3N)
    if [[ "$1" == *-demand ]]; then
        in_machine systemctl start "devstack@$1.socket" || status=$?
    else
        wsgi start "$1" || status=$?
    fi > "$BATS_FILE_TMPDIR/$1" 2>&1
    took=$(( $(date +%s%3N) - begin ))
    until is_failed "$1" || (( SECONDS > limit )); do
        # on demand, this is what starts it
        http_status --max-time 10 "http://127.0.0.1/$1/"
        sleep 0.2
    done
    printf '%s\n' "$status $took $(( $(date +%s%3N) - begin ))" \
        > "$BATS_FILE_TMPDIR/$1.told"
}

# Usage: is_failed NAME
function is_failed {
    in_machine systemctl --quiet is-failed "devstack@$1"
}

# Start a service that cannot start, and take the time.
#
# Usage: start_fails NAME
# Sets:  output, of the start; TOOK, in ms
function start_fails {
    local begin
    begin=$(date +%s%3N)
    run wsgi start "$1"
    TOOK=$(( $(date +%s%3N) - begin ))
    assert_failure 1
}

# Start a service that was mended, which must not take long.
#
# Usage: starts_at_once NAME
function starts_at_once {
    local begin
    begin=$(date +%s%3N)
    wsgi start "$1"
    TOOK=$(( $(date +%s%3N) - begin ))
    figure "$1" "mended, up after $TOOK ms"
    assert [ "$TOOK" -lt 15000 ]
    assert_status 200 "http://127.0.0.1/$1/"
}

@test "broken: a module that raises fails the start soon, with traceback" {
    local transport name
    local -a where=()
    for transport in "${TRANSPORTS[@]}"; do
        name=raises-$transport
        where_of "$transport" "$name"
        deploy_app "$name" "${where[@]}" --env IMPORT_ENDS=raise

        start_fails "$name"

        figure "$transport" "the start failed after $TOOK ms"
        assert [ "$TOOK" -lt 15000 ]
        assert_line --partial 'Traceback (most recent call last)'
        assert_line --partial 'RuntimeError: the probe was told to fail'
        run "$REPO/tests/bin/machine" journal "$M" --unit="devstack@$name"
        assert_line --partial 'RuntimeError: the probe was told to fail'
    done
}

@test "broken: a module with a mistake starts at once when it is mended" {
    deploy_app mistake --path /mistake
    in_machine sed -i '1i this is no Python' /srv/mistake/probe.py
    start_fails mistake
    assert_line --partial SyntaxError
    wait_for 60 is_failed mistake

    in_machine sed -i 1d /srv/mistake/probe.py

    starts_at_once mistake
}

@test "broken: SystemExit at import fails the start, with what it said" {
    local name status took until_end
    for name in exits-{uwsgi,http,direct,mod-wsgi,mod-wsgi-direct}; do
        read -r status took until_end < "$BATS_FILE_TMPDIR/$name.told"
        figure "$name" "the start failed after $took ms," \
            "for good after $until_end ms"

        assert_equal "$status" 1
        run cat "$BATS_FILE_TMPDIR/$name"
        assert_line --partial 'the probe was told to exit'
        run "$REPO/tests/bin/machine" journal "$M" --unit="devstack@$name"
        assert_line --partial 'the probe was told to exit'
    done
}

@test "broken: SystemExit ends as failed; no worker and no socket goes on" {
    local name i
    local -a bad=() where
    for name in exits-{uwsgi,http,direct,demand,mod-wsgi,mod-wsgi-direct}
    do
        where_of "${name#exits-}" "$name"
        # for some seconds, requests
        for i in {1..25}; do
            http_status --max-time 3 "$URL/"
            [[ "$REPLY" == 503 || "$name $REPLY" == *'direct 000' ]] || {
                bad+=("$name: answers $REPLY")
                break
            }
        done
        is_failed "$name" || bad+=("$name: not failed")
        run in_machine systemctl is-active "devstack@$name.socket"
        [[ "$output" != active ]] || bad+=("$name: socket $output")
        run in_machine pgrep --full "$name( uWSGI|\.conf)"
        (( status == 1 )) || bad+=("$name: processes $output")
    done
    assert_none "${bad[@]}"
}

@test "broken: SystemExit, then mended: it starts at once" {
    deploy_app exits-mended --path /exits-mended

    starts_at_once exits-mended
}

@test "broken: a service beside it does not notice" {
    load_read "$BATS_FILE_TMPDIR/load-neighbour"

    figure "beside those that fail" "${LOAD[text]}"
    assert_no_failure 200
}

@test "broken: a setting that uWSGI refuses fails the start, and says so" {
    serve http refused
    # more than the kernel's somaxconn
    deploy_app refused --path /refused --set listen=100000

    run wsgi restart refused

    assert_failure 1
    assert_line --partial somaxconn
    deploy_app refused --path /refused
    starts_at_once refused
}

@test "broken: a health check that hangs fails the start, and says so" {
    local transport
    local -a bad=() where
    for transport in uwsgi direct mod-wsgi; do
        where_of "$transport" "hangs-$transport"
        deploy_app "hangs-$transport" --app contract:application \
            --healthcheck /waits/3000 "${where[@]}"
        wsgi start "hangs-$transport" \
            > "$BATS_TEST_TMPDIR/$transport" 2>&1 3>&- || true &
    done
    wait

    for transport in uwsgi direct mod-wsgi; do
        [[ "$(< "$BATS_TEST_TMPDIR/$transport")" == \
            *'/waits/3000: the worker itself has had no answer for 30 s'* ]] ||
            bad+=("$transport: $(< "$BATS_TEST_TMPDIR/$transport")")
    done
    assert_none "${bad[@]}"
    wsgi stop hangs-{uwsgi,direct,mod-wsgi}
}

@test "broken: a folder that the user may not enter fails the start soon" {
    local transport
    local -a where
    in_machine install -d -m 0700 /srv/private
    for transport in uwsgi mod-wsgi; do
        where_of "$transport" "outside-$transport"
        deploy_app "outside-$transport" "${where[@]}"
        wsgi deploy "outside-$transport" --app probe:application \
            --user www-data --python-path "/srv/outside-$transport" \
            --chdir /srv/private "${where[@]}"

        # the unit gives it 300 s
        run in_machine timeout 60 "$REPO/tools/wsgi" start \
            "outside-$transport"

        assert_failure 1
        assert_output --partial /srv/private
        wsgi stop "outside-$transport"
    done
}
