#!/usr/bin/env bats
#
# a record through the verbs; the rest is tests/unit/engine/

load ../helpers/load
load ../helpers/unit

function setup {
    fake_system
}

@test "record: an address in CONF is the service's, under any server" {
    local conf=$WSGI_SYSROOT/etc/one.ini
    local record=$WSGI_SYSROOT/etc/devstack-wsgi/services/one.conf
    deploy one --path /one --conf /etc/one.ini
    sed -i 's/^\[uwsgi\]/&\nhttp-socket = 127.0.0.1:60999/' "$conf"

    wsgi apply

    run cat "$record"
    assert_line listen=127.0.0.1:60999
    assert_line transport=http
    run cat "$WSGI_SYSROOT/etc/systemd/system/devstack@one.socket"
    assert_line ListenStream=127.0.0.1:60999
    run cat "$WSGI_SYSROOT/etc/systemd/system/devstack@one.service.d/"*
    refute_line --partial 'UnsetEnvironment=LISTEN_FDS'
    run wsgi apply
    assert_output --partial 'nothing to change'

    wsgi switch mod_wsgi
    run cat "$WSGI_SYSROOT/etc/systemd/system/devstack@one.socket"
    assert_line ListenStream=127.0.0.1:60999
    assert_file_contains "$conf" '^http-socket = 127.0.0.1:60999$'
    sed -i 's/60999/60998/' "$conf"
    wsgi apply
    run cat "$record"
    assert_line listen=127.0.0.1:60998
    wsgi switch uwsgi
    run cat "$WSGI_SYSROOT/etc/systemd/system/devstack@one.socket"
    assert_line ListenStream=127.0.0.1:60998
    # another's address is refused, and nothing is changed
    deploy two --listen 127.0.0.1:60997
    sed -i 's/60998/60997/' "$conf"
    run wsgi apply
    assert_failure 1
    assert_output --partial 127.0.0.1:60997
}
