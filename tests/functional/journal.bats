#!/usr/bin/env bats
#
# what a service says, in the journal under its unit

load ../helpers/functional

function setup_file {
    machine_up && serve_all log
}

# The lines of a service's journal that match, up to now: those of a request
# after all others are waited for, and left out.
#
# Usage: lines_of NAME REGEX    the service answers at URL
function lines_of {
    # shellcheck disable=SC2016  # expanded in the machine
    machine_sh 'curl --silent --output /dev/null "$3/request-id?$4"
        for try in {1..100}; do
            journalctl --sync
            said=$(journalctl --no-pager --output=cat --unit="devstack@$1")
            [[ "$said" != *"$4"* ]] || break
            sleep 0.1
        done
        grep -v "last-line-[0-9]" <<< "$said" | grep -E -e "$2"' \
        "$1" "$2" "$URL" "last-line-$RANDOM$RANDOM" || true  # 1: none
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

@test "journal: wsgi log shows the services that it names, and follows" {
    local -a where
    where_of uwsgi log-uwsgi
    http_status "$URL/print?shown-uwsgi"
    where_of mod-wsgi log-mod-wsgi
    http_status "$URL/print?shown-mod-wsgi"
    where_of http log-http
    http_status "$URL/print?shown-http"

    run wsgi log log-uwsgi log-mod-wsgi

    assert_success
    assert_line --regexp 'access.*: .*"GET .*/print[?]shown-uwsgi HTTP'
    assert_line --regexp 'access.*: .*"GET .*/print[?]shown-mod-wsgi HTTP'
    refute_output --partial shown-http

    # shellcheck disable=SC2016  # expanded in the machine
    run machine_sh 'timeout 60 "$1" log log-http --lines 1 -f > /tmp/followed &
        for try in {1..100}; do
            curl --silent --output /dev/null "$2/print?followed"
            ! grep -q "print[?]followed HTTP" /tmp/followed || break
            sleep 0.1
        done
        kill $!
        grep -c "print[?]followed HTTP" /tmp/followed' \
        "$REPO/tools/wsgi" "$URL"
    assert_output --regexp '^[1-9]'
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

@test "journal: a service with both has one line for each way to it" {
    local mode name
    for mode in uwsgi mod_wsgi; do
        name=both-${mode/_/-}
        deploy_app "$name" --mode "$mode" --path "/$name" \
            --listen 127.0.0.1:8901
        start_app "$name"

        http_status "http://127.0.0.1/$name/request-id?way-front"
        URL=http://127.0.0.1:8901/$name
        http_status --interface 127.0.0.9 "$URL/request-id?way-direct"

        # Apache's logger is the one that may be a tenth of a second late
        URL=http://127.0.0.1/$name
        run lines_of "$name" 'way-'
        assert_equal "${#lines[@]}" 2
        assert_line --regexp '^127[.]0[.]0[.]1 "GET .*[?]way-front HTTP'
        assert_line --regexp '^127[.]0[.]0[.]9 "GET .*[?]way-direct HTTP'
        wsgi remove "$name"
    done
}

@test "journal: what Apache answers without the service is a line, too" {
    local transport
    local -a bad=() where
    for transport in "${TRANSPORTS[@]}"; do
        [[ "$transport" != *direct ]] || continue
        where_of "$transport" "log-$transport"
        wsgi stop "log-$transport"
        http_status "$URL/stopped"
        run lines_of "log-$transport" "/stopped HTTP/1[.]1\" 503 "
        (( ${#lines[@]} == 1 )) || bad+=("$transport: $output;")
        wsgi start "log-$transport"
    done
    assert_none "${bad[@]}"
}

@test "journal: a site that is not the library's leaves the lines to uWSGI" {
    local site=/etc/apache2/sites-available/log-uwsgi.conf
    where_of uwsgi log-uwsgi
    # as DevStack's own functions write it
    # shellcheck disable=SC2016  # expanded in the machine
    machine_sh 'cp "$1" /srv/site && printf "ProxyPass %s %s retry=0\n" \
        /log-uwsgi "\"unix:/run/uwsgi/log-uwsgi.socket|uwsgi://x\"" > "$1"
        systemctl reload apache2' "$site"

    http_status "$URL/stock-site"
    run lines_of log-uwsgi 'stock-site'

    # shellcheck disable=SC2016  # expanded in the machine
    machine_sh 'cp /srv/site "$1"; systemctl reload apache2' "$site"
    assert_equal "${#lines[@]}" 1
    assert_output --partial 'GET /log-uwsgi/stock-site HTTP/1.1" '
}

# What a client may send to have a line taken for another one.
HOSTILE='
import base64, socket, sys
port, path = int(sys.argv[1]), sys.argv[2].encode()
forged = b"devstack@victim.service 10.0.0.1 GET"
user = base64.b64encode(b"\t%b\n:x" % forged)
for target in (b"%%0A%%09%b" % forged.replace(b" ", b"%20"), b"\t%b" % forged,
               b"\v\t%b" % forged, b"\r\t%b" % forged, b"\"\\\\\"",
               (forged + b"\t").replace(b" ", b"+") * 190):
    with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
        client.sendall(
            b"GET %b/x?hostile%b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
            b"User-Agent: \t%b\r\nAuthorization: Basic %b\r\n"
            b"X-Openstack-Request-Id: \t%b\r\nDEVSTACK_WSGI_UNIT: victim\r\n"
            b"DEVSTACK-WSGI-UNIT: victim\r\n\r\n"
            % (path, target, forged, user, forged))
        while client.recv(65536):
            pass
'

@test "journal: no client forges a line, nor another service's" {
    local transport line port
    local -a bad=() where
    for transport in "${TRANSPORTS[@]}"; do
        where_of "$transport" "log-$transport"
        port=${URL#http://127.0.0.1} port=${port%%/*} port=${port#:}
        in_machine /usr/bin/python3 -c "$HOSTILE" "${port:-80}" \
            "/${URL#http://*/}"

        run lines_of "log-$transport" 'hostile|victim'
        (( ${#lines[@]} > 0 )) || bad+=("$transport: none;")
        for line in "${lines[@]}"; do
            [[ "$line" == '127.0.0.1 "GET '* ]] ||
                bad+=("$transport: $line;")
        done
    done
    assert_none "${bad[@]}"
    run machine_sh 'journalctl --quiet --no-pager --output=cat \
        --unit=devstack@victim.service --unit=victim'
    assert_output ''
}

# Usage: has_loggers NUMBER    so many processes write the front's lines
function has_loggers {
    run in_machine pgrep -fc '^/usr/bin/python3 -IS [^ ]*/access-lines$'
    [[ "$output" == "$1" ]]
}

@test "journal: reloads and restarts of Apache lose no line, nor a logger" {
    local verb
    local -a bad=() where
    where_of uwsgi log-uwsgi
    for verb in reload restart; do
        load_begin "$verb" "$URL/request-id?at-$verb" --rate 200
        for _ in 1 2 3; do
            in_machine systemctl reset-failed apache2
            in_machine systemctl "$verb" apache2
        done
        load_end "$verb"
        run lines_of log-uwsgi "[?]at-$verb HTTP/1[.][01]\" 200"
        (( LOAD[ok] > 20 && ${#lines[@]} == LOAD[ok] )) ||
            bad+=("$verb: ${#lines[@]} lines of ${LOAD[ok]} answers;")
    done
    assert_none "${bad[@]}"

    wait_for 10 has_loggers 1
    in_machine systemctl stop apache2
    wait_for 10 has_loggers 0
    in_machine systemctl start apache2
}

@test "journal: a logger that is killed is started again, and loses no line" {
    local -a where
    where_of uwsgi log-uwsgi
    load_begin killed "$URL/request-id?at-kill" --rate 200
    wait_for 10 has_loggers 1
    in_machine pkill -9 -fx '/usr/bin/python3 -IS [^ ]*/access-lines'
    wait_for 10 has_loggers 1
    load_end killed

    assert_no_failure 20
    run lines_of log-uwsgi '[?]at-kill HTTP'
    assert_equal "${#lines[@]}" "${LOAD[sent]}"
}

# systemd looks for the one process that has no parent in the unit.
@test "journal: systemd knows Apache's main process beside its logger" {
    # shellcheck disable=SC2016  # expanded in the machine
    run machine_sh 'for try in {1..5}; do
            systemctl reset-failed apache2
            systemctl restart apache2
            sleep 0.3
            [[ "$(systemctl show --value -p MainPID apache2)" == \
                "$(< /run/apache2/apache2.pid)" ]] || echo "restart $try"
        done'
    assert_success
    assert_output ''
}

@test "journal: Apache answers while it is away, and its lines come later" {
    local -a where
    where_of uwsgi log-uwsgi
    in_machine systemctl stop systemd-journald.socket \
        systemd-journald-dev-log.socket systemd-journald

    load_begin away "$URL/request-id?at-away" --duration 3 --rate 400
    load_wait away
    in_machine systemctl start systemd-journald.socket \
        systemd-journald-dev-log.socket systemd-journald

    assert_no_failure 200
    # what waited for it is sent before what comes now
    run lines_of log-uwsgi '[?]at-away HTTP'
    assert_equal "${#lines[@]}" "${LOAD[sent]}"
}

@test "journal: an application's lines arrive beside a load of requests" {
    local transport requests
    local -a bad=() where
    # a hundredth of the default; journald allows up to six times as much
    machine_sh 'printf "[Journal]\nRateLimitBurst=100\n" \
            > /run/systemd/journald.conf.d/limit.conf
        systemctl restart systemd-journald'
    for transport in "${TRANSPORTS[@]}"; do
        # without Apache each request is an entry of the service's own
        [[ "$transport" != *direct ]] || continue
        where_of "$transport" "log-$transport"
        wsgi restart "log-$transport"
        load_begin beside "$URL/request-id?beside" --rate 800 \
            --connections 8 --duration 3
        load_wait beside
        assert_no_failure 700
        in_machine curl --silent --output /dev/null \
            "$URL/print?beside-[1-30]"

        run lines_of "log-$transport" '^(stderr|errors) beside-'
        (( ${#lines[@]} == 60 )) ||
            bad+=("$transport: ${#lines[@]} of 60 lines;")
        run lines_of "log-$transport" '[?]beside HTTP'
        (( ${#lines[@]} == LOAD[sent] )) ||
            bad+=("$transport: ${#lines[@]} of ${LOAD[sent]} requests;")
    done
    machine_sh 'rm /run/systemd/journald.conf.d/limit.conf
        systemctl restart systemd-journald'
    assert_none "${bad[@]}"
}

@test "journal: with the last site the logger goes" {
    wsgi remove --all

    wait_for 10 has_loggers 0
    run in_machine test -e /var/lib/devstack-wsgi/helpers/access-lines
    assert_failure 1
}
