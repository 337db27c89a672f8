#!/usr/bin/env bats
#
# why mod_wsgi was given up once, and what it promises beside the others: what
# every server does is in the other files, which go through TRANSPORTS

load ../helpers/functional

readonly SERVICES=(one two three four)

function setup_file {
    local name
    # a module of its own
    build_venv mod_wsgi || return
    machine_up || return
    # as Debian's package leaves it, then as nobody asked for it
    in_machine a2dismod --quiet wsgi
    in_machine apache2ctl -M | sort > "$BATS_FILE_TMPDIR/modules"
    for name in "${SERVICES[@]}"; do
        serve mod-wsgi "$name" || return
    done
    serve http other
}

# The processes of the services, their PIDs in order.
#
# Usage: service_pids NAME...    REPLY = in one line
function service_pids {
    local name
    REPLY=''
    for name; do
        # shellcheck disable=SC2016  # expanded in the machine
        REPLY+=$(machine_sh 'cat "/sys/fs/cgroup$(systemctl show -P \
            ControlGroup "devstack@$1")/cgroup.procs" 2>/dev/null ||
            cat "/sys/fs/cgroup/systemd$(systemctl show -P ControlGroup \
            "devstack@$1")/cgroup.procs"' "$name" | sort -n | xargs)';'
    done
}

# Usage: has_line NAME TEXT    as run_log
function has_line {
    run_log "$1"
    [[ "$output" == *"$2"* ]]
}

@test "mod_wsgi: 1, its log is where uWSGI's is, and has the same shape" {
    local name line
    local -a lines_of=()
    for name in one other; do
        http_status "http://127.0.0.1/$name/request-id?id-$name"
        wait_for 10 has_line "$name" "id-$name"
        line=$(grep "id-$name" <<< "$output")
        # 127.0.0.1 "GET /one/request-id?id-one HTTP/1.1" 200 4 1ms id-one
        assert_regex "$line" '^127\.0\.0\.1 "GET /[a-z]+/[^ ]* HTTP/1\.1"'\
' 200 [0-9]+ [0-9]+ms id-[a-z]+$'
        lines_of+=("$(tr -d 0-9 <<< "${line//"$name"/X}")")
    done
    assert_equal "${lines_of[0]}" "${lines_of[1]}"
    run in_machine grep -rl id-one /var/log --include='*.log'
    # the front's own access log has every request
    refute_line --partial error
}

@test "mod_wsgi: 2, start, stop and status are the same" {
    local name shapes=''
    for name in one other; do
        wsgi stop "$name"
        assert_status 503 "http://127.0.0.1/$name/"
        assert_status_has "$name" '"state": "inactive", "workers": null,'
        run wsgi start "$name"
        assert_success
        assert_output --partial "wsgi: $name answers at"
        run in_machine systemctl is-active "devstack@$name" \
            "devstack@$name.socket"
        assert_output $'active\nactive'
        run wsgi status "$name"
        # workers, requests, those in flight and memory are numbers
        assert_line --index 1 --regexp \
            "^$name +(mod_wsgi|uwsgi) +active +2 +[0-9]+ +0 .* +[1-9][0-9]* +http"
        # which of the workers has answered is chance
        shapes+=$(wsgi status "$name" --json |
            sed 's/, "doors": .*//' | tr -d 0-9)$'\n'
    done
    shapes=${shapes//\"one\"/X} shapes=${shapes//\"other\"/X}
    shapes=${shapes//mod_wsgi/uwsgi}
    shapes=${shapes//\/one/\/X} shapes=${shapes//\/other/\/X}
    assert_equal "$(sort -u <<< "${shapes%$'\n'}" | wc -l)" 3
}

@test "mod_wsgi: 3, the front reloads and restarts, the services stay" {
    local before name
    service_pids "${SERVICES[@]}"
    before=$REPLY
    for name in "${SERVICES[@]}"; do
        load_begin "$name" "http://127.0.0.1/$name/" --rate 10
    done

    count 2 10
    local reloads=$REPLY i
    for (( i = 0; i < reloads; i++ )); do
        in_machine systemctl reload apache2
        sleep 0.5
    done

    for name in "${SERVICES[@]}"; do
        load_end "$name"
        figure "$name" "$reloads reloads of the front, ${LOAD[said]}"
        assert_no_failure 10
    done
    service_pids "${SERVICES[@]}"
    assert_that "processes of the services" "$REPLY" "$before"
    in_machine systemctl restart apache2
    service_pids "${SERVICES[@]}"
    assert_that "processes of the services" "$REPLY" "$before"
    assert_status 200 http://127.0.0.1/one/
}

@test "mod_wsgi: 4, nobody has to know a port" {
    local port
    port=$(in_machine sed -n 's/^port=//p' \
        /etc/devstack-wsgi/services/one.conf)
    run wsgi status one
    refute_output --partial "$port"
    run in_machine cat /etc/systemd/system/devstack@one.service
    refute_output --partial "$port"
    # a deployment does not ask for one, and another leaves it
    run deploy_app one --path /one --mode mod_wsgi
    assert_output 'wsgi: one: nothing to change'
    wsgi restart one
    assert_status 200 http://127.0.0.1/one/
}

@test "mod_wsgi: the front loads no mod_wsgi, before and after" {
    # what the sites need goes with the last of them (tests/functional/many)
    run comm -3 "$BATS_FILE_TMPDIR/modules" \
        <(in_machine apache2ctl -M | sort)
    refute_output --partial wsgi_module$'\n'
    run in_machine apache2ctl -M
    refute_line --regexp ' wsgi_module '
    assert_line --partial proxy_balancer_module
}

@test "mod_wsgi: an address in CONF is the service's under both servers" {
    local mode
    local -a bad=()
    deploy_app conf --path /conf --conf /etc/conf-uwsgi.ini
    in_machine sed -i '/^\[uwsgi\]/a http-socket = 127.0.0.1:60999' \
        /etc/conf-uwsgi.ini
    wsgi apply conf
    start_app conf

    for mode in uwsgi mod_wsgi uwsgi; do
        wsgi switch "$mode" conf
        http_status http://127.0.0.1:60999/conf/
        [[ "$REPLY" == 200 ]] || bad+=("$mode: $REPLY on the address;")
        http_status http://127.0.0.1/conf/
        [[ "$REPLY" == 200 ]] || bad+=("$mode: $REPLY behind Apache;")
        in_machine systemctl restart devstack@conf
        http_status http://127.0.0.1:60999/conf/
        [[ "$REPLY" == 200 ]] || bad+=("$mode: $REPLY after a restart;")
    done

    assert_none "${bad[@]}"
    run in_machine grep -c http-socket /etc/conf-uwsgi.ini
    assert_output 1
}

@test "mod_wsgi: a venv's own module, from PyPI, serves; the other does not" {
    local module
    serve mod-wsgi own --venv "$VENV"

    assert_status 200 "$URL/"
    main_pid own
    run in_machine grep -o '/[^ ]*mod_wsgi[^ ]*\.so.*' "/proc/$REPLY/maps"
    assert_line --partial "$VENV/lib/"
    refute_line --partial /usr/lib/apache2

    # built for another Python than the venv's
    module=$(in_machine find "$VENV" -name 'mod_wsgi-py3*.so')
    # shellcheck disable=SC2016  # expanded in the machine
    machine_sh 'mv "$1" "${1%/*}/mod_wsgi-py39.cpython-39.so"' "$module"
    run deploy_app own --path /own --mode mod_wsgi --venv "$VENV" --threads 2
    assert_failure 1
    assert_output --partial 'the venv has Python 3.11'
    assert_output --partial 'is for 3.9'
    assert_status 200 "$URL/"
}

@test "mod_wsgi: arguments and environment are there at import" {
    in_machine bash -c 'mkdir -p /srv/early; cat > /srv/early/early.py << END
import os, sys
SEEN = repr((sys.argv, os.environ["EARLY"], os.getcwd())).encode()
def application(environ, start_response):
    start_response("200 OK", [])
    return [SEEN]
END'
    wsgi deploy early --app early:application --chdir /srv/early \
        --path /early --user www-data --mode mod_wsgi --env 'EARLY=a "b" %' \
        --arg --config-file --arg 'a b'
    start_app early

    run in_machine curl --silent http://127.0.0.1/early

    local seen="(['mod_wsgi', '--config-file', 'a b'], 'a \"b\" %',"
    assert_output "$seen '/srv/early')"
}

@test "mod_wsgi: requests in flight are answered at a stop and a restart" {
    local verb
    local -a pids=() bad=()
    for verb in restart reload stop; do
        in_machine curl --silent --output /dev/null --write-out '%{http_code}' \
            http://127.0.0.1/two/sleep?4 > "$BATS_TEST_TMPDIR/$verb" 3>&- &
        pids+=("$!")
        wait_for 5 machine_sh 'pgrep -f "sleep[?]4"'
        sleep 0.5
        in_machine systemctl "$verb" devstack@two
        wait "${pids[-1]}" || true  # its status is what it wrote
        [[ $(< "$BATS_TEST_TMPDIR/$verb") == 200 ]] ||
            bad+=("$verb: $(< "$BATS_TEST_TMPDIR/$verb")")
    done
    wsgi start two
    assert_none "${bad[@]}"
}

@test "mod_wsgi: a stop sees whether somebody waits at the port" {
    wsgi restart one

    run_log one
    refute_line --partial 'cannot look at the port'
}

@test "mod_wsgi: on demand, started by a request, ended when idle" {
    serve mod-wsgi demand --on-demand
    run in_machine systemctl is-enabled devstack@demand.socket devstack@demand
    assert_output $'enabled\nstatic'
    in_machine systemctl stop devstack@demand.forward
    wait_for 10 refute in_machine systemctl --quiet is-active devstack@demand
    run in_machine systemctl is-active devstack@demand.socket
    assert_output active

    assert_status 200 "$URL/"
    # it has answered; now it is seen to
    wait_for 10 in_machine systemctl --quiet is-active devstack@demand

    in_machine systemctl stop devstack@demand
    assert_status 503 "$URL/"
    run in_machine systemctl is-active devstack@demand.socket
    assert_output inactive
}

@test "mod_wsgi: after a reboot every service is where it was" {
    local before name
    before=$(in_machine grep -h '^port=' -r /etc/devstack-wsgi/services)

    "$REPO/tests/bin/machine" reboot "$M"

    for name in "${SERVICES[@]}"; do
        wait_for 30 in_machine systemctl --quiet is-active "devstack@$name"
        assert_status 200 "http://127.0.0.1/$name/"
    done
    run in_machine grep -h '^port=' -r /etc/devstack-wsgi/services
    assert_output "$before"
}
