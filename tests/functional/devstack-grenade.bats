#!/usr/bin/env bats
#
# devstack/upgrade: grenade's steps from one way of serving to another

load ../helpers/grenade

@test "stand-in: its grenade goes from stock to stock" {
    upgrade_from stock stock
}

@test "grenade: from uwsgi to mod_wsgi" {
    upgrade_from uwsgi mod_wsgi
    assert_nothing_of uwsgi
}

@test "grenade: from what DevStack wrote to mod_wsgi" {
    upgrade_from untouched mod_wsgi
}

@test "grenade: from mod_wsgi to what DevStack writes" {
    upgrade_from mod_wsgi untouched
    run in_machine find /etc/systemd/system -path '*/devstack@*.d/*'
    assert_output ''
}

# bats test_tags=full
@test "grenade: the same server on both sides: uwsgi" {
    upgrade_from uwsgi uwsgi
}

# bats test_tags=full
@test "grenade: the same server on both sides: mod_wsgi" {
    upgrade_from mod_wsgi mod_wsgi
}

# bats test_tags=full
@test "grenade: from mod_wsgi to uwsgi" {
    upgrade_from mod_wsgi uwsgi
    assert_nothing_of mod_wsgi
}

# bats test_tags=full
@test "grenade: from what DevStack wrote to uwsgi" {
    upgrade_from untouched uwsgi
}

# bats test_tags=full
@test "grenade: from uwsgi to what DevStack writes" {
    upgrade_from uwsgi untouched
    run in_machine find /etc/systemd/system -path '*/devstack@*.d/*'
    assert_output ''
}
