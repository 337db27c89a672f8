#!/usr/bin/env bats
#
# the engine: hostile values, with systemd, uWSGI, Apache and
# Python as judges (tests/tools/fuzz.py)

load ../helpers/load
load ../helpers/fuzz

@test "fuzz: what goes into a record comes out of its files, or is refused" {
    fuzz --cases 2000

    assert_success
}
