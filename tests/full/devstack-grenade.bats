#!/usr/bin/env bats
#
# devstack/upgrade: grenade's steps from one way of serving to another; the
# pairs that tests/functional has not

load ../helpers/grenade

@test "grenade: the same server on both sides: uwsgi" {
    upgrade_from uwsgi uwsgi
}

@test "grenade: the same server on both sides: mod_wsgi" {
    upgrade_from mod_wsgi mod_wsgi
}

@test "grenade: from mod_wsgi to uwsgi" {
    upgrade_from mod_wsgi uwsgi
    assert_nothing_of mod_wsgi
}

@test "grenade: from what DevStack wrote to uwsgi" {
    upgrade_from untouched uwsgi
}

@test "grenade: from uwsgi to what DevStack writes" {
    upgrade_from uwsgi untouched
    run in_machine find /etc/systemd/system -path '*/devstack@*.d/*'
    assert_output ''
}
