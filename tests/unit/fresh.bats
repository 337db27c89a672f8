#!/usr/bin/env bats
#
# tests/bin/fresh: how it is called (what it does: tests/functional/fresh.bats)

load ../helpers/load

@test "fresh: wrong usage ends with 2 and one line" {
    assert_misuse "$REPO/tests/bin/fresh" '*' \
        '' 'true' '--pid1' '--pid1 init true' '--pid1 none' \
        '--pid1 none --nosuch true' '--pid1 none --suite 12 true' \
        '--pid1 systemd --'
}

@test "fresh: --help shows what it takes" {
    run "$REPO/tests/bin/fresh" --help

    assert_success
    assert_line --partial '--pid1 systemd|none'
}
