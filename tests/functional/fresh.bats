#!/usr/bin/env bats
#
# tests/bin/fresh: the commands of README.rst on machines that never saw the
# project, once with systemd and once without

# bats file_tags=full

load ../helpers/load

function setup {
    requires root mmdebstrap systemd-nspawn
    FRESH=$REPO/tests/bin/fresh
}

# The two commands of README.rst, a line each.
function commands {
    sed -n '/^The two commands$/,/^Deploying a service$/ s/^    //p' \
        "$REPO/README.rst"
}

# Run commands in a fresh machine, in a checkout that a user owns.
#
# Usage: by_user SUDO PID1 TEXT
#   SUDO  yes: the user may use sudo, which is installed; no: there is none
function by_user {
    # shellcheck disable=SC2016  # expanded in the machine
    run "$FRESH" --worktree --pid1 "$2" -- bash -c '
        useradd --create-home --shell /bin/bash me && chown -R me: . || exit 9
        if [[ "$1" == yes ]]; then
            apt-get -qq update && apt-get -qq install --yes sudo &&
                echo "me ALL=(ALL) NOPASSWD: ALL" > /etc/sudoers.d/me ||
                exit 9
        fi > /dev/null 2>&1
        runuser --user me -- bash -c "$2"' by_user "$1" "$3"
}

@test "fresh: the command's status is passed, with either PID 1" {
    run "$FRESH" --worktree --pid1 systemd -- bash -c 'exit 7'
    assert_failure 7
    run "$FRESH" --worktree --pid1 none -- bash -c 'exit 8'
    assert_failure 8
}

@test "fresh: PID 1 is as told, and the checkout is the current folder" {
    run "$FRESH" --worktree --pid1 systemd -- bash -c 'cat /proc/1/comm; ls'
    assert_line --index 0 systemd
    assert_line run_tests.sh
    run "$FRESH" --worktree --pid1 none -- bash -c 'cat /proc/1/comm; ls'
    assert_line --index 0 bash
    assert_line run_tests.sh
}

@test "fresh: nothing of it stays" {
    local before
    before=$(cat /proc/self/mountinfo; find /sys/fs/cgroup -type d)

    run "$FRESH" --worktree --pid1 none -- touch /kept
    run "$FRESH" --worktree --pid1 systemd -- touch /kept

    assert_equal "$(cat /proc/self/mountinfo; find /sys/fs/cgroup -type d)" \
        "$before"
    assert_file_not_exists /kept
}

@test "fresh: with systemd, run_tests.sh sets itself up and starts no daemon" {
    run "$FRESH" --worktree --pid1 systemd -- bash -c './run_tests.sh unit &&
        ! systemctl --quiet is-active apache2 &&
        test ! -e /etc/apache2/mods-enabled/wsgi.load'

    assert_success
    assert_line --regexp '^-- tests/unit: [0-9]+ of [0-9]+ tests passed --$'
}

@test "fresh: without systemd, run_tests.sh sets itself up" {
    run "$FRESH" --worktree --pid1 none -- ./run_tests.sh unit

    assert_success
    assert_line --regexp '^-- tests/unit: [0-9]+ of [0-9]+ tests passed --$'
}

@test "fresh: with systemd, the demo proves the main job" {
    run "$FRESH" --worktree --pid1 systemd -- tools/demo --mode both

    assert_success
}

@test "fresh: root without sudo types what README.rst has" {
    run "$FRESH" --worktree --pid1 none -- bash -c "! type -P sudo || exit 9
        $(commands | head -n 1)"

    assert_success
    assert_line --regexp 'restart of keystone under load: .*, 0 failed,'
}

@test "fresh: a user with sudo types what README.rst has" {
    by_user yes systemd "$(commands | head -n 1)"
    assert_success
    assert_line --regexp 'restart of keystone under load: .*, 0 failed,'

    by_user yes none "$(commands | tail -n 1) unit && stat -c %U .tox .venv"
    assert_success
    assert_line --regexp '^-- tests/unit: [0-9]+ of [0-9]+ tests passed --$'
    assert_output --regexp $'\nme\nme$'
}

@test "fresh: a user without sudo gets one line for each of them" {
    by_user no none "$(commands | sed 's/$/ || true/')"

    assert_success
    assert_equal "${#lines[@]}" 2
    assert_line --regexp '/tools/demo: needs root, and there is no sudo; '
    assert_line --regexp '/run_tests.sh: needs root, and there is no sudo; '
}
