#!/usr/bin/env bats
#
# what a service says, in the journal under its unit

load ../helpers/functional

function setup_file {
    machine_up && serve_all log
}

# The lines of a service's journal that match.
#
# Usage: lines_of NAME REGEX
function lines_of {
    # shellcheck disable=SC2016  # expanded in the machine
    machine_sh 'journalctl --sync
        journalctl --no-pager --output=cat --unit="devstack@$1" |
        grep -E -e "$2"' "$@" || true  # 1: none
}

@test "journal: a request is one line, with its id and no time of its own" {
    local transport regex
    local -a bad=() where

    for transport in "${TRANSPORTS[@]}"; do
        where_of "$transport" "log-$transport"
        http_status --interface 127.0.0.9 "$URL/request-id?req-$transport-1"
        http_status --interface 127.0.0.9 "$URL/other?$transport-2"

        regex="^127[.]0[.]0[.]9 \"GET (/log-$transport)?/request-id"
        regex+="[?]req-$transport-1 HTTP/1[.]1\" 200 [0-9]+ [0-9]+ms"
        regex+=" req-$transport-1$"
        run lines_of "log-$transport" "req-$transport-1"
        assert_equal "${#lines[@]}" 1
        [[ "$output" =~ $regex ]] ||
            bad+=("$transport: $output;")
        run lines_of "log-$transport" "other.$transport-2"
        assert_equal "${#lines[@]}" 1
        [[ "$output" == *'ms -' ]] || bad+=("$transport: $output;")
    done

    assert_none "${bad[@]}"
}

@test "journal: what an application prints is there once, as it is" {
    local transport
    local -a bad=() where

    for transport in "${TRANSPORTS[@]}"; do
        where_of "$transport" "log-$transport"
        http_status "$URL/print?printed-$transport"

        run lines_of "log-$transport" "printed-$transport"
        # beside the two, the access line
        assert_equal "${#lines[@]}" 3
        [[ $'\n'"$output"$'\n' == *$'\n'"stderr printed-$transport"$'\n'* ]] ||
            bad+=("$transport: stderr: $output;")
        [[ $'\n'"$output"$'\n' == *$'\n'"errors printed-$transport"$'\n'* ]] ||
            bad+=("$transport: wsgi.errors: $output;")
    done

    assert_none "${bad[@]}"
}

@test "journal: the traceback of a request is there, and once" {
    local transport
    local -a bad=() where

    for transport in "${TRANSPORTS[@]}"; do
        where_of "$transport" "log-$transport"
        http_status "$URL/raise?raised-$transport"
        [[ "$REPLY" == 500 ]] || bad+=("$transport: answers $REPLY;")

        run lines_of "log-$transport" "^RuntimeError: .*raised-$transport"
        (( ${#lines[@]} == 1 )) || bad+=("$transport: $output;")
        run lines_of "log-$transport" "^Traceback"
        (( ${#lines[@]} == 1 )) || bad+=("$transport: $output;")
    done

    assert_none "${bad[@]}"
}

@test "journal: the library's probe of the front page is not in it" {
    local transport
    local -a where
    for transport in "${TRANSPORTS[@]}"; do
        where_of "$transport" "log-$transport"
        # the start has asked already; so does this
        wsgi wait "log-$transport"
        http_status -A somebody "$URL/?by-$transport"

        run lines_of "log-$transport" '"GET (/log-[a-z-]*)?/?(\?[^ ]*)? HTTP'

        assert_equal "${#lines[@]}" 1
        assert_output --partial "by-$transport"
    done
}

@test "journal: a health check of the record is not in it, whoever asks" {
    local transport
    local -a where
    for transport in "${TRANSPORTS[@]}"; do
        serve "$transport" "health-$transport" --healthcheck /healthcheck
        where_of "$transport" "health-$transport"

        http_status "$URL/healthcheck"
        http_status "$URL/healthcheck/other"
        http_status "$URL/"

        run lines_of "health-$transport" '"GET '
        assert_equal "${#lines[@]}" 2
        assert_line --index 0 --partial '/healthcheck/other HTTP'
    done
}

@test "journal: systemctl status shows the workers by name, and the log" {
    local transport
    for transport in "${TRANSPORTS[@]}"; do
        run in_machine systemctl status --no-pager "devstack@log-$transport"

        assert_success
        if [[ "$transport" == mod-wsgi* ]]; then
            # as much of the name as the command was long
            assert_equal "$(grep -c '"(wsgi:log-mod-wsg' <<< "$output")" 2
            assert_line --regexp 'apache2\[[0-9]+\]: '
            continue
        fi
        assert_line --partial "\"log-$transport uWSGI master\""
        assert_line --partial "\"log-$transport uWSGI worker 1\""
        assert_line --partial "\"log-$transport uWSGI worker 2\""
        assert_line --regexp 'uwsgi\[[0-9]+\]: '
    done
}

@test "journal: nothing of a service is logged elsewhere" {
    where_of uwsgi log-uwsgi
    http_status "$URL/print?only-here"

    run in_machine grep -rlE 'stderr only-here' /var/log --include='*.log'

    assert_output ''
    run machine_sh 'journalctl --no-pager --output=cat |
        grep -c "^stderr only-here"'
    assert_output 1
}
