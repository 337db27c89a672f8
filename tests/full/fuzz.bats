#!/usr/bin/env bats
#
# tests/unit/fuzz.bats at full length, from another beginning

load ../helpers/load
load ../helpers/fuzz

@test "fuzz: a hundred thousand cases" {
    fuzz --cases 100000 --seed 1000 --jobs 2

    assert_success
}
