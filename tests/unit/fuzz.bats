#!/usr/bin/env bats
#
# the engine: hostile values, with systemd, uWSGI, Apache and
# Python as judges (tests/harness/fuzz)

load ../helpers/load
load ../helpers/fuzz

@test "fuzz: what goes into a record comes out of its files, or is refused" {
    local -a long=()
    [[ "${WSGI_FULL:-}" != 1 ]] || long=(--cases 100000 --seed 1000)

    fuzz --cases 2000 --jobs 2 "${long[@]}"

    assert_success
}
