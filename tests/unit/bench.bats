#!/usr/bin/env bats
#
# tools/bench: how it is called (the rest: tests/unit/harness/test_bench.py)

load ../helpers/load

@test "bench: --help tells what it does and its options" {
    run "$REPO/tools/bench" --help

    assert_success
    assert_output --partial "--rounds"
    assert_output --partial "--update"
    assert_output --partial "The status"
}

@test "bench: wrong usage ends with 2 and one line" {
    assert_misuse "$REPO/tools/bench" '\[ERROR] bench: *see --help' \
        --nonsense nonsense "--rounds x" "--json" "--short --update"
}
