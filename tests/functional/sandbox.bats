#!/usr/bin/env bats
#
# what a service can still do in its sandbox, under each server

load ../helpers/functional

# server, sandbox and user of each service; it is called by all three
readonly SERVICES=(
    'uwsgi off api' 'uwsgi standard api' 'uwsgi strict api'
    'mod_wsgi off api' 'mod_wsgi standard api' 'mod_wsgi strict api'
    'uwsgi off root' 'uwsgi standard root' 'uwsgi strict root'
)

function setup_file {
    local service mode level user
    # so that root may do in it what root may do
    machine_up --capability all || return
    # shellcheck disable=SC2016  # expanded in the machine
    machine_sh '
        useradd --system --no-create-home api &&
            echo "api ALL=(ALL) NOPASSWD: ALL" > /etc/sudoers.d/api &&
            install -d -o api /usr/local/deeds /etc/deeds \
                /run/user/deeds /var/lib/deeds &&
            mkdir -p /usr/lib/modules && touch /tmp/deeds &&
            install -D -m 0644 -t /srv/deeds "$1"' \
        "$REPO/tests/fixtures/apps/deeds.py" || return
    for service in "${SERVICES[@]}"; do
        read -r mode level user <<< "$service"
        deploy_deeds "${service//[_ ]/-}" --mode "$mode" --user "$user" \
            --hardening "$level" --path "/${service//[_ ]/-}" || return
    done
}

# Usage: deploy_deeds NAME OPTION...
function deploy_deeds {
    wsgi deploy "$@" --app deeds:application --chdir /srv/deeds &&
        start_app "$1"
}

# What the services of a user and a sandbox can do, each under its server.
#
# Usage: assert_deeds USER LEVEL OUTCOME...
#   OUTCOME  'DEED: done' or 'DEED: ERROR' (a pattern), of each that counts
function assert_deeds {
    local user=$1 level=$2 service said row
    local -a bad=()
    shift 2
    for service in "${SERVICES[@]}"; do
        [[ "$service" == *" $level $user" ]] || continue
        said=$(in_machine curl --silent --max-time 60 \
            "http://127.0.0.1/${service//[_ ]/-}/deeds")
        for row; do
            [[ $'\n'$said$'\n' == *$'\n'$row$'\n'* ]] ||
                bad+=("$service: not '$row';")
        done
        [[ ${#bad[@]} -eq 0 ]] || printf '%s:\n%s\n' "$service" "$said"
    done
    assert_none "${bad[@]}"
}

@test "sandbox: without one a service can do what its user can" {
    assert_deeds api off 'usr: done' 'etc: done' 'home: done' 'var: done' \
        'tmp: done' 'setgid: done' 'sudo: done' 'process: done' \
        'modules: done' 'namespace: done' 'code: done' 'netlink: done'
    assert_deeds root off 'raw: done' 'packet: done' \
        'module: @(No such file or directory|Function not implemented)'
}

@test "sandbox: standard leaves a service its files, but not the system's" {
    assert_deeds api standard 'usr: Read-only file system' 'etc: done' \
        'home: done' 'var: done' 'tmp: done' 'setgid: done'
}

@test "sandbox: strict leaves a service its data, and nothing else to write" {
    assert_deeds api strict 'usr: Read-only file system' \
        'etc: Read-only file system' 'home: Read-only file system' \
        'var: done' 'tmp: No such file or directory' \
        'setgid: Operation not permitted' 'code: Operation not permitted'
}

@test "sandbox: a service in one gains no rights by sudo" {
    assert_deeds api standard 'sudo: refused'
    assert_deeds api strict 'sudo: refused'
}

@test "sandbox: a service in one sees no process of others" {
    assert_deeds api standard 'process: No such file or directory'
    assert_deeds api strict 'process: No such file or directory'
}

@test "sandbox: a service in one makes no namespace and sees no modules" {
    assert_deeds api standard 'namespace: refused' \
        'modules: Permission denied'
    assert_deeds api strict 'namespace: refused' 'modules: Permission denied'
}

@test "sandbox: a service in one opens the sockets that it needs, no others" {
    assert_deeds api standard 'netlink: done' \
        'packet: Address family not supported by protocol'
    assert_deeds api strict 'netlink: done' \
        'packet: Address family not supported by protocol'
}

@test "sandbox: root in one loads no module and opens no raw socket" {
    assert_deeds root standard 'module: Operation not permitted' \
        'raw: Operation not permitted' 'usr: Read-only file system' \
        'etc: done'
    assert_deeds root strict 'module: Operation not permitted' \
        'raw: Operation not permitted' 'etc: Read-only file system'
}

@test "sandbox: what the catalogue excepts has sudo under the toggle for all" {
    in_machine env WSGI_HARDENING=strict "$REPO/tools/wsgi" deploy \
        kuryr-libnetwork --app deeds:application --chdir /srv/deeds \
        --user api
    start_app kuryr-libnetwork

    run in_machine curl --silent http://127.0.0.1/kuryr-libnetwork/deeds

    assert_line 'sudo: done'
}

@test "sandbox: who passes connections on under mod_wsgi is in the strict" {
    local unit=devstack@mod-wsgi-off-api.forward.service

    run in_machine systemctl show "$unit" -p NoNewPrivileges \
        -p CapabilityBoundingSet -p ProtectSystem -p PrivateDevices

    assert_line 'CapabilityBoundingSet='
    assert_line 'NoNewPrivileges=yes'
    assert_line 'PrivateDevices=yes'
    assert_line 'ProtectSystem=full'
}
