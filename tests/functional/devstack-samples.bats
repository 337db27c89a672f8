#!/usr/bin/env bats
#
# devstack/samples: each local.conf, as it is, in the stand-in of DevStack

load ../helpers/devstack

function setup_file {
    devstack_up || return
    # where DevStack looks for the plugin of the samples, before it clones it
    as_stack 'ln -s wsgi devstack-plugin-wsgi'
}

function tidy {
    # a test that passed has left a stack
    [[ -z "${BATS_TEST_COMPLETED:-}" ]] || devstack clean.sh
}

# Run stack.sh with a sample, after which every API answers.
#
# Usage: stack_with SAMPLE
function stack_with {
    # shellcheck disable=SC2016  # expanded in the machine
    as_stack 'printf "%s\n" "$1" > "$2/local.conf"' \
        "$(< "$REPO/devstack/samples/$1")" "$DEVSTACK"
    devstack stack.sh
    devstack_apis keystone g-api n-api n-api-meta placement-api c-api
    devstack_answers
}

# bats test_tags=full
@test "samples: local.conf.uwsgi has every API under uWSGI" {
    stack_with local.conf.uwsgi

    devstack_servers uwsgi
    run in_machine cat /etc/devstack-wsgi/services/nova-api.conf
    assert_success
}

# bats test_tags=full
@test "samples: local.conf.mod_wsgi has every API under mod_wsgi" {
    stack_with local.conf.mod_wsgi

    devstack_servers mod_wsgi
}

@test "samples: local.conf.mixed has what it says of each API" {
    local record=/etc/devstack-wsgi/services
    stack_with local.conf.mixed

    devstack_apis keystone placement-api
    devstack_servers mod_wsgi
    devstack_apis g-api n-api n-api-meta c-api
    devstack_servers uwsgi
    run in_machine grep -h '^\(transport\|processes\|hardening\)=' \
        "$record/glance-api.conf" "$record/nova-api.conf" \
        "$record/keystone.conf"
    assert_line transport=uwsgi
    assert_line processes=2
    assert_line processes=4
    assert_line hardening=strict
    run in_machine cat /etc/nova/nova-api-uwsgi.ini
    assert_line 'harakiri = 120'
}

# bats test_tags=full
@test "samples: local.conf.library-only leaves every API to DevStack" {
    stack_with local.conf.library-only

    run in_machine sh -c 'ls /etc/devstack-wsgi/services 2>/dev/null'
    assert_output ''
    run in_devstack 'declare -F wsgi_deploy write_uwsgi_config'
    assert_output $'wsgi_deploy\nwrite_uwsgi_config'
}
