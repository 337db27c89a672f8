#!/usr/bin/env bats
#
# a switch of the server

load ../helpers/functional

function setup_file {
    machine_up && serve uwsgi switched
}

function teardown_file {
    machine_down
}

function teardown {
    explain_failure switched
}

# All files that a switch could change, and when they were.
function files {
    tree_of --times /etc /var/lib/devstack-wsgi /run/devstack-wsgi
}

@test "switch: to a server that is unknown is refused, with those that are" {
    local before
    before=$(files)

    run wsgi switch nosuch

    assert_failure 1
    assert_output --regexp \
        "^\[ERROR\] wsgi: switch: mode 'nosuch': known are: .*uwsgi"
    assert_equal "$(files)" "$before"
}

@test "switch: of a service that is unknown is refused, with those that are" {
    local before
    before=$(files)

    run wsgi switch uwsgi switched nosuch

    assert_failure 1
    assert_output --partial "no service 'nosuch'; deployed are: switched"
    assert_equal "$(files)" "$before"
}

@test "switch: to the server that runs changes nothing, its PID stays" {
    local before pid mark
    before=$(files)
    main_pid switched
    pid=$REPLY
    journal_mark
    mark=$REPLY

    run wsgi switch uwsgi

    assert_success
    assert_output 'wsgi: switched: nothing to change'
    run wsgi switch uwsgi switched
    assert_output 'wsgi: switched: nothing to change'
    assert_equal "$(files)" "$before"
    main_pid switched
    assert_equal "$REPLY" "$pid"
    reloads_since "$mark"
    assert_equal "$DAEMON_RELOADS $APACHE_RELOADS" '0 0'
}
