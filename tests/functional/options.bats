#!/usr/bin/env bats
#
# doc/source/catalog.rst: a service that the catalogue does not have, deployed
# by the commands that stand there, under both servers

# bats file_tags=full

load ../helpers/functional

readonly PAGE=$REPO/doc/source/catalog.rst
readonly FIXTURES=$REPO/tests/fixtures/blazar

function setup_file {
    requires root systemd-nspawn || return
    local -a pins
    mapfile -t pins < <(PYTHONPATH=$REPO/tests python3 -m harness.pins blazar)
    build_venv --no-deps "${pins[@]}" || return
    machine_up --bind-ro "$VENV:/opt/stack/data/venv" || return
    # shellcheck disable=SC2016  # expanded in the machine
    machine_sh 'useradd --system --user-group --home-dir /opt/stack stack &&
        install -D -m 0640 -g stack "$1/blazar.conf" /etc/blazar/blazar.conf' \
        "$FIXTURES"
}

# The commands of the page: the block that deploys blazar.
function commands {
    sed -n '/^    .*wsgi deploy blazar /,/^[^ ]/ s/^    //p' "$PAGE"
}

# Run commands as somebody does who stands in the checkout.
# Usage: in_checkout TEXT
function in_checkout {
    run machine_sh "cd -- ${REPO@Q} && set -e"$'\n'"$1"
}

# It was loaded, found its configuration, and asks for a token of Keystone's.
# Usage: assert_blazar MODE
function assert_blazar {
    assert_success
    assert_line --regexp '^HTTP/1.1 401 '
    assert_line --partial 'Keystone uri="http://127.0.0.1/identity"'
    run wsgi status --json blazar
    assert_output --partial "\"mode\": \"$1\""
}

@test "options: the catalogue does not have blazar" {
    run wsgi catalog

    assert_success
    assert_line --partial keystone
    refute_line --partial blazar
}

@test "options: the page's commands deploy blazar under uWSGI" {
    in_checkout "$(commands)"

    assert_blazar uwsgi
}

@test "options: the page's commands deploy blazar under mod_wsgi" {
    local text
    text=$(commands)
    wsgi remove blazar

    in_checkout "${text/deploy blazar/deploy blazar --mode mod_wsgi}"

    assert_blazar mod_wsgi
}
