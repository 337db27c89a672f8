#!/usr/bin/env bats
#
# tests/helpers/load.bash: the helpers that every test relies on

load ../helpers/load

function setup {
    sandbox
}

# Run a helper as if the test's own folder were the checkout.
function elsewhere {
    local REPO=$BATS_TEST_TMPDIR
    "$@"
}

@test "sandbox: the root, the home and the log are empty and the test's own" {
    assert_equal "$WSGI_SYSROOT" "$BATS_TEST_TMPDIR/root"
    assert_dir_exists "$WSGI_SYSROOT"
    assert_file_empty "$CALLS"
    assert_equal "$HOME" "$BATS_TEST_TMPDIR/home"
}

@test "stub: it is found first and its arguments are logged one by one" {
    stub systemctl

    systemctl restart "a b" '' "it's"
    systemctl

    run cat "$CALLS"
    assert_line --index 0 "systemctl restart a\\ b '' it\\'s"
    assert_line --index 1 "systemctl"
}

@test "stub: a body decides output and status" {
    # shellcheck disable=SC2016  # the stub expands it
    stub apachectl 'echo "Syntax $1"; exit 3'

    run apachectl OK

    assert_failure 3
    assert_output "Syntax OK"
}

@test "calls: counts the lines that begin with whole words" {
    stub systemctl
    systemctl daemon-reload
    systemctl daemon-reload now
    systemctl daemon-reloaded

    assert_calls 2 systemctl daemon-reload
    run assert_calls 1 systemctl daemon-reload

    assert_failure 1
    assert_line -- '-- calls of systemctl daemon-reload: not as expected --'
    assert_line 'expected : 1'
    assert_line 'systemctl daemon-reload now'
}

@test "assert_that: a failure says what the value is" {
    assert_that "the workers of x" 2 2
    run assert_that "the workers of x" 3 2

    assert_failure 1
    assert_line -- '-- the workers of x: not as expected --'
    assert_line 'expected : 2'
    assert_line 'actual   : 3'
}

@test "assert_none: a failure has a line for each row that is wrong" {
    assert_none
    run assert_none 'a: 503' 'b: 500'

    assert_failure 1
    assert_line '-- 2 wrong of what the test goes through --'
    assert_line 'a: 503'
    assert_line 'b: 500'
}

@test "assert_misuse: a failure has each call that is no wrong usage" {
    local tool=$BATS_TEST_TMPDIR/tool
    # shellcheck disable=SC2016  # text of a script
    printf '%s\n' '#!/bin/bash' '[[ "$1" == good ]] || echo "no $1"' \
        '[[ "$1" != two ]] || echo more' '[[ "$1" != ok ]] || exit 0' \
        'exit 2' > "$tool"
    chmod +x "$tool"

    assert_misuse "$tool" 'no *' 'bad word' ''
    run assert_misuse "$tool" 'no b*' bad good two ok other

    assert_failure 1
    assert_line -- '-- 4 wrong of what the test goes through --'
    assert_line "'ok': status 0, no ok"
}

@test "assert_same: a failure is the difference" {
    assert_same <(echo one) <(echo one)
    run assert_same <(echo one) <(echo two)

    assert_failure 1
    assert_line -- -one
    assert_line -- +two
}

@test "load_lib: sources by the path in the checkout" {
    mkdir "$BATS_TEST_TMPDIR/lib"
    echo 'seen=yes' > "$BATS_TEST_TMPDIR/lib/x"

    elsewhere load_lib lib/x

    assert_equal "$seen" yes
}

@test "requires: what is there is no reason to skip" {
    run requires bash sh

    assert_success
    assert_output ''
}

@test "requires: something missing skips and names it" {
    local file=$BATS_TEST_TMPDIR/one.bats
    printf '%s\n' "load $REPO/tests/helpers/load" '@test "one" {' \
        'requires bash no-such-command' '}' > "$file"

    WSGI_NO_SKIP='' run bats --tap "$file"

    assert_success
    assert_line 'ok 1 one # skip needs no-such-command'
}

@test "requires: something missing fails where nothing may be skipped" {
    WSGI_NO_SKIP=1 run requires no-such-command

    assert_failure 1
    assert_output --partial 'needed here: no-such-command'
}
