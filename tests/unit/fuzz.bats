#!/usr/bin/env bats
#
# the engine: hostile values, with systemd, uWSGI, Apache and
# Python as judges (tests/harness/fuzz)

load ../helpers/load

@test "fuzz: what goes into a record comes out of its files, or is refused" {
    local python=python3 VENV=$BATS_TEST_TMPDIR/venv
    local -a long=()
    requires python3 systemd-analyze uwsgi apache2
    [[ "${WSGI_FULL:-}" != 1 ]] || long=(--cases 100000 --seed 1000)
    # the python of tox has it
    if ! "$python" -c 'import hypothesis' 2> /dev/null; then
        build_venv 'hypothesis>=6,<7'
        python=$VENV/bin/python
    fi

    run "$python" "$REPO/tests/harness/fuzz" --cases 2000 --jobs 2 "${long[@]}"

    # what was done, and the seed that does it again
    printf '# %s\n' "${lines[-1]}" >&3
    assert_success
}
