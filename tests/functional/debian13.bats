#!/usr/bin/env bats
#
# Debian 13: the unit tests, and the services that every change must leave
# working, on a machine that never saw the project

# bats file_tags=full

load ../helpers/load

# The venvs are kept, of this Python; all else is new each time.
function setup_file {
    requires root mmdebstrap systemd-nspawn || return
    local cache=${XDG_CACHE_HOME:-/var/cache}/devstack-wsgi/trixie
    mkdir -p "$cache" || return
    export LOG=$BATS_FILE_TMPDIR/log
    "$REPO/tests/bin/fresh" --worktree --suite trixie --pid1 systemd \
        --bind "$cache:/var/cache/devstack-wsgi" -- bash -c '
            grep VERSION_ID= /etc/os-release
            ./run_tests.sh unit
            WSGI_NO_SKIP=1 tests/bin/run-bats tests/functional/conformance.bats' \
        > "$LOG" 2>&1 || echo "status $?" >> "$LOG"
}

function setup {
    requires root mmdebstrap systemd-nspawn
}

# All tests of a folder or a file passed there.
# Usage: assert_passed NAME
function assert_passed {
    local regex="-- $1: ([0-9]+) of ([0-9]+) tests passed --"
    if [[ ! "$(< "$LOG")" =~ $regex ||
            "${BASH_REMATCH[1]}" != "${BASH_REMATCH[2]}" ]]; then
        fail "$1: not all tests passed"$'\n'"$(< "$LOG")"
    fi
}

@test "debian 13: it is one" {
    run cat "$LOG"

    assert_line 'VERSION_ID="13"'
}

@test "debian 13: run_tests.sh sets itself up, and the unit tests pass" {
    assert_passed tests/unit
}

@test "debian 13: the services of CI work under both servers" {
    assert_passed tests/functional/conformance.bats
}
