#!/usr/bin/env bats
#
# tests/standin: DevStack's stand-in does by itself what DevStack does

load ../helpers/devstack

function setup {
    devstack_apis
}

@test "stand-in: with stock functions every API of every caller answers" {
    # shellcheck disable=SC2016  # expanded by stack.sh
    devstack_conf --stock '[[post-config|$CINDER_UWSGI_CONF]]' '[uwsgi]' \
        'threads = 3'

    devstack stack.sh

    figure "stack.sh with stock functions" "$TOOK ms"
    devstack_answers
    devstack_units enabled active
    devstack_servers uwsgi
    shell_unchanged
    functions_changed 8-test-config
    assert_that "functions that the plugins changed" "$REPLY" ''
}

@test "stand-in: what callers do after a write call is in force" {
    callers_in_force
}

@test "stand-in: the clone of Glance has an address and a unit of its own" {
    clone_answers
    # shellcheck disable=SC2016  # expanded in the machine
    run in_devstack 'glance_address "$GLANCE_UWSGI_CONF"'
    refute_output "$REPLY"
}

@test "stand-in: a second stack.sh duplicates lines, as DevStack does" {
    devstack stack.sh

    devstack_apis keystone n-api placement-api c-api neutron-api h-api o-api
    devstack_answers
    # what runs is not started anew, so the port in CONF is not the one that
    # the server has
    devstack_apis mistral-api
    run devstack_answers
    assert_failure
    run proxied_once
    assert_failure
    assert_output --partial '/identity'
}

@test "stand-in: unstack.sh leaves units, sites and the clone, as DevStack" {
    devstack unstack.sh

    devstack_apis keystone g-api placement-api n-api n-api-meta c-api o-api
    devstack_units disabled inactive
    run in_machine systemctl is-active devstack@g-api-r
    assert_output active
    # Nova's site goes, and nobody tells Apache
    for REPLY in placement compute; do
        assert_status 503 "http://127.0.0.1/$REPLY"
    done
    run machine_sh 'cd /etc/apache2/sites-enabled && echo *-api.conf'
    assert_output --partial placement-api.conf
    refute_output --partial nova-api.conf
}

@test "stand-in: clean.sh leaves sites under other names, as DevStack does" {
    devstack clean.sh

    run machine_sh 'cd /etc/apache2/sites-enabled && echo *-api.conf'
    assert_output --partial 'cinder-api.conf'
    assert_output --partial 'keystone-api.conf'
    run in_machine find /etc/systemd/system -type f -name 'devstack@*'
    assert_output ''
}

@test "stand-in: stackrc ends the run for another WSGI_MODE" {
    devstack_conf --stock --callers '' WSGI_MODE=mod_wsgi

    run devstack stack.sh

    assert_failure
    assert_output --partial 'only uwsgi is supported'
}

@test "stand-in: stock functions serve in IPv6, with TLS, without a venv" {
    local -a left=(keystone g-api n-api n-api-meta placement-api c-api
        neutron-api)
    devstack_conf --stock --callers '' SERVICE_IP_VERSION=6 \
        GLOBAL_VENV=False 'enable_service tls-proxy'

    devstack stack.sh

    devstack_apis --ipv6 --tls "${left[@]}"
    devstack_answers
    run process_of 'https://[::1]/compute'
    assert_output --partial '"prefix": "/usr"'
    run in_machine curl -gks 'https://[::1]/identity/environ'
    assert_output --partial '"HTTP_X_FORWARDED_PROTO": "https"'
    devstack clean.sh
}
