#!/usr/bin/env bats
#
# devstack/: settings of DevStack's that change how services are deployed, and
# settings that are refused

load ../helpers/devstack

readonly LEFT=(keystone g-api n-api n-api-meta placement-api c-api
    neutron-api)

function tidy {
    # a test that passed may have left a stack
    [[ -z "${BATS_TEST_COMPLETED:-}" ]] || devstack clean.sh
}

# The run ends before any service is configured, and says a word.
#
# Usage: assert_refused WORD
function assert_refused {
    run devstack stack.sh
    assert_failure
    assert_output --partial "$1"
    run in_machine ls -d /etc/keystone
    assert_failure
}

@test "options: IPv6, a TLS proxy and no venv, under both servers" {
    local mode
    for mode in uwsgi mod_wsgi; do
        devstack_conf --callers '' "DEVSTACK_WSGI_MODE=$mode" \
            SERVICE_IP_VERSION=6 GLOBAL_VENV=False 'enable_service tls-proxy'

        devstack stack.sh

        devstack_apis --ipv6 --tls "${LEFT[@]}"
        devstack_answers
        devstack_servers "$mode"
        run process_of 'https://[::1]/compute'
        assert_output --partial '"prefix": "/usr"'
        run in_machine curl -gks 'https://[::1]/identity/environ'
        assert_output --partial '"HTTP_X_FORWARDED_PROTO": "https"'
        assert_output --partial '"wsgi.url_scheme": "https"'
        devstack unstack.sh
        devstack_stopped
    done
}

@test "options: a client's X-Forwarded-Proto counts only through the proxy" {
    devstack_conf --callers '' DEVSTACK_WSGI_MODE=uwsgi

    devstack stack.sh

    run in_machine curl -gks -H 'X-Forwarded-Proto: https' \
        'http://127.0.0.1/identity/environ'
    assert_output --partial '"wsgi.url_scheme": "http"'
}

@test "options: the modes of single services, by any of their names" {
    devstack_conf --callers '' DEVSTACK_WSGI_MODE=mod_wsgi \
        WSGI_MODE_n_api_meta=uwsgi WSGI_MODE_keystone=uwsgi \
        WSGI_MODE_glance_api=uwsgi

    devstack stack.sh

    devstack_apis "${LEFT[@]}"
    devstack_answers
    devstack_apis n-api-meta keystone g-api
    devstack_servers uwsgi
    devstack_apis n-api placement-api c-api neutron-api
    devstack_servers mod_wsgi
}

# Whether a process of Apache's has the threads of our limits.
function has_limits {
    # shellcheck disable=SC2016  # expanded in the machine
    machine_sh 'pids=($(pgrep -u www-data -x apache2))
        tasks=(/proc/"${pids[0]}"/task/*)
        (( ${#tasks[@]} > 1000 ))'
}

@test "options: the limits of Apache are set, or left alone" {
    devstack_conf --callers ''
    devstack stack.sh
    wait_for 10 has_limits

    devstack_conf --callers '' WSGI_FRONT_LIMITS=False
    devstack stack.sh

    run has_limits
    assert_failure
    run in_machine ls /etc/apache2/conf-enabled
    refute_output --partial devstack-wsgi
}

@test "options: a mode that does not exist is refused, with those that do" {
    devstack_conf --callers '' DEVSTACK_WSGI_MODE=apache

    assert_refused DEVSTACK_WSGI_MODE
    assert_refused mod_wsgi
}

@test "options: USER_UNITS=True is refused" {
    devstack_conf --callers '' USER_UNITS=True

    assert_refused USER_UNITS
}

@test "options: a toggle for a service that does not exist is refused" {
    devstack_conf --callers '' WSGI_MODE_n_apy=mod_wsgi

    run devstack stack.sh

    assert_failure
    assert_output --partial WSGI_MODE_n_apy
}

@test "options: a server that is not installed is refused" {
    in_machine mv /usr/lib/apache2/modules/mod_wsgi.so /root/
    devstack_conf --callers '' DEVSTACK_WSGI_MODE=mod_wsgi

    assert_refused mod_wsgi

    in_machine mv /root/mod_wsgi.so /usr/lib/apache2/modules/
}

@test "options: a site that somebody else wrote under our name is refused" {
    machine_sh 'echo "Redirect /theirs /" \
        > /etc/apache2/sites-available/placement-api.conf
        a2ensite -q placement-api'
    devstack_conf --callers ''

    run devstack stack.sh

    assert_failure
    assert_output --partial placement-api
    run in_machine cat /etc/apache2/sites-available/placement-api.conf
    assert_output 'Redirect /theirs /'
    machine_sh 'a2dissite -q placement-api
        rm /etc/apache2/sites-available/placement-api.conf'
}
