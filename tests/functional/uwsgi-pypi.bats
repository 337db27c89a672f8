#!/usr/bin/env bats
#
# uWSGI from PyPI, which has Python built in, beside the distribution's

# bats file_tags=full

load ../helpers/functional

function setup_file {
    requires gcc || return
    build_venv uwsgi || return
    machine_up
}

# The program of a service's master process.
# Usage: program_of NAME    prints its path
function program_of {
    main_pid "$1"
    in_machine readlink "/proc/$REPLY/exe"
}

@test "uwsgi from PyPI: the venv's own program serves, in every transport" {
    local transport
    for transport in uwsgi http direct; do
        serve "$transport" "own-$transport" --venv "$VENV"

        assert_status 200 "$URL/"
        run program_of "own-$transport"
        assert_output "$VENV/bin/uwsgi"
        run in_machine grep plugin \
            "/etc/devstack-wsgi/uwsgi/own-$transport.ini"
        assert_failure
    done
}

@test "uwsgi from PyPI: its settings are what --set may name" {
    deploy_app own-uwsgi --path /own-uwsgi --venv "$VENV" --set harakiri=9
    run deploy_app own-uwsgi --path /own-uwsgi --venv "$VENV" --set nosuch=9
    assert_failure 1
    assert_output --partial "$VENV/bin/uwsgi --help"
}

@test "uwsgi from PyPI: restarts and reloads lose no request" {
    local verb
    load_begin own "http://127.0.0.1/own-uwsgi/" --rate 40
    for verb in restart reload restart; do
        in_machine systemctl "$verb" devstack@own-uwsgi
    done
    load_end own

    assert_no_failure 40
}

@test "uwsgi from PyPI: without it in the venv the distribution's serves" {
    serve http theirs

    assert_status 200 "$URL/"
    run program_of theirs
    assert_output --regexp '^/usr/bin/uwsgi'
    run in_machine grep plugin /etc/devstack-wsgi/uwsgi/theirs.ini
    assert_output 'plugins = python3'
}
