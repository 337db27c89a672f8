#!/bin/bash
#
# tests/helpers/fuzz.bash - run tests/harness/fuzz
#
# Depends on: tests/helpers/load.bash, hypothesis (tox.ini, else a venv)
# Reads:      nothing
# Writes:     a temporary folder
# Public:     fuzz

# What a run needs: the parsers that judge, and hypothesis, which PyPI has.
# The python of tox has it; else it is brought into a venv.
#
# Usage:   fuzz OPTION...
# Sets:    status, output
# Returns: 0; 1 hypothesis cannot be had
# Example: fuzz --cases 2000; assert_success
function fuzz {
    local python=python3 VENV=$BATS_TEST_TMPDIR/venv
    requires python3 systemd-analyze uwsgi apache2 || return
    if ! "$python" -c 'import hypothesis' 2> /dev/null; then
        build_venv 'hypothesis>=6,<7' || return
        python=$VENV/bin/python
    fi
    run "$python" "$REPO/tests/harness/fuzz" "$@"
    # what was done, and the seed that does it again
    # shellcheck disable=SC2154  # run sets it
    printf '# %s\n' "${lines[-1]}" >&3
}
