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

@test "fresh: without systemd, the demo proves the main job" {
    run "$FRESH" --worktree --pid1 none -- tools/demo

    assert_success
}
