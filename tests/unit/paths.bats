#!/usr/bin/env bats
#
# lib/paths: where each file of a service lies

load ../helpers/load
load ../helpers/unit

function setup {
    fake_system
    untraced load_lib lib/verbs
}

# Hold a table of kinds and paths against _wsgi_path.
#
# Usage: assert_paths NAME KIND PATH [KIND PATH]...
function assert_paths {
    local name=$1
    local -a bad=()
    shift
    while (( $# )); do
        REPLY='unset'
        _wsgi_path "$1" "$name"
        [[ "$REPLY" == "$2" ]] || bad+=("$1: $REPLY;")
        shift 2
    done
    assert_equal "${bad[*]}" ''
}

@test "paths: of a service whose names are all one" {
    untraced shape path

    assert_paths thing-api \
        record /etc/devstack-wsgi/services/thing-api.conf \
        config /etc/devstack-wsgi/uwsgi/thing-api.ini \
        script /etc/devstack-wsgi/uwsgi/thing-api.py \
        unit /etc/systemd/system/devstack@thing-api.service \
        dropin \
        /etc/systemd/system/devstack@thing-api.service.d/50-wsgi.conf \
        socket-unit /etc/systemd/system/devstack@thing-api.socket \
        site /etc/apache2/sites-available/thing-api.conf \
        site-dir /etc/devstack-wsgi/site.d/thing-api \
        socket /run/devstack-wsgi/thing-api.socket \
        socket-link /run/uwsgi/thing-api.socket \
        run /run/devstack-wsgi/thing-api \
        stats /run/devstack-wsgi/thing-api/stats \
        fifo /run/devstack-wsgi/thing-api/fifo
}

@test "paths: units go by the unit's name, the front by the site's" {
    untraced shape names

    assert_paths thing-api \
        record /etc/devstack-wsgi/services/thing-api.conf \
        config /etc/devstack-wsgi/uwsgi/thing-api.ini \
        unit /etc/systemd/system/devstack@t-api.service \
        dropin /etc/systemd/system/devstack@t-api.service.d/50-wsgi.conf \
        socket-unit /etc/systemd/system/devstack@t-api.socket \
        site /etc/apache2/sites-available/thing-site.conf \
        site-dir /etc/devstack-wsgi/site.d/thing-site \
        socket /run/devstack-wsgi/thing-site.socket \
        socket-link /run/uwsgi/thing-site.socket \
        run /run/devstack-wsgi/t-api
}

@test "paths: Fedora's Apache has one folder of sites and no links" {
    rm -r "$WSGI_SYSROOT/etc/apache2"
    mkdir "$WSGI_SYSROOT/etc/httpd"
    untraced shape path

    assert_paths thing-api \
        site /etc/httpd/conf.d/thing-api.conf \
        record /etc/devstack-wsgi/services/thing-api.conf
}

@test "paths: a server's configuration is where --conf says" {
    untraced shape conf

    assert_paths thing-api config /etc/thing-uwsgi.ini
}

@test "paths: a server's files lie in a folder of its name" {
    untraced shape path
    _WSGI_RECORD[thing-api,mode]=toy

    assert_paths thing-api config /etc/devstack-wsgi/toy/thing-api.conf \
        script /etc/devstack-wsgi/toy/thing-api.py
    _WSGI_SERVER[toy,config]=ini
    _WSGI_SERVER[toy,script]=wsgi
    assert_paths thing-api config /etc/devstack-wsgi/toy/thing-api.ini \
        script /etc/devstack-wsgi/toy/thing-api.wsgi
}

@test "paths: what all services share goes by its own name" {
    assert_paths after-stop helper /var/lib/devstack-wsgi/helpers/after-stop
}

@test "paths: they are the running system's, wherever they are written" {
    local kind
    local -a bad=()
    untraced shape path

    for kind in record config unit dropin socket-unit site socket run helper
    do
        _wsgi_path "$kind" thing-api
        [[ "$REPLY" != *"$WSGI_SYSROOT"* ]] || bad+=("$kind")
    done

    assert_equal "${bad[*]}" ''
}

@test "paths: no kind lies where another does" {
    local kind
    local -A seen=()
    local -a bad=()
    untraced shape path

    for kind in record config script unit dropin socket-unit site \
        site-dir socket socket-link run stats fifo helper; do
        _wsgi_path "$kind" thing-api
        [[ -z "${seen[$REPLY]:-}" ]] || bad+=("$kind and ${seen[$REPLY]}")
        seen[$REPLY]=$kind
    done

    assert_equal "${bad[*]}" ''
}

@test "paths: an unknown kind is a bug, and said to be" {
    run _wsgi_path nosuch thing-api

    assert_failure 1
    assert_output --partial "no kind 'nosuch'"
}
