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

# bats test_tags=full
@test "grenade: the files of devstack/samples go from uwsgi to mod_wsgi" {
    local pair text samples=$REPO/devstack/samples
    for pair in old:local.conf.grenade-base new:local.conf.grenade-target; do
        # what grenade's own local.conf adds
        text=DEST=/opt/stack/${pair%:*}$'\n'
        text+=ENABLED_SERVICES=key,g-api,n-api,n-api-meta,placement-api
        text=$(sed "/^\[\[local/ r /dev/stdin" "$samples/${pair#*:}" \
            <<< "$text")
        # shellcheck disable=SC2016  # expanded in the machine
        as_stack 'printf "%s\n" "$2" > "$1/devstack/local.conf"
            ln -sfn /opt/stack/wsgi "$1/devstack-plugin-wsgi"' \
            "${pair%:*}" "$text"
    done
    # the stand-in has a folder in the place of a URL
    # shellcheck disable=SC2016  # expanded in the machine
    as_stack 'printf "%s\n" "$1" > new/devstack/pluginrc' \
        "$(sed 's| https://.*| /opt/stack/wsgi|' "$samples/pluginrc.grenade")"

    devstack_apis keystone g-api n-api n-api-meta placement-api
    devstack_in new devstack grenade.sh base
    devstack_answers
    devstack_servers uwsgi
    devstack_in new devstack grenade.sh shutdown
    devstack_in new devstack grenade.sh upgrade

    devstack_answers
    devstack_servers mod_wsgi
}
