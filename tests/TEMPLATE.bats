#!/usr/bin/env bats
#
# lib/PART: what this file is about, in one sentence
#
# Copy this file to tests/unit/PART.bats (no root, no daemon) or to
# tests/functional/PART.bats (in a machine of tests/bin/machine), and rewrite it.
# A title is "<subject>: <behaviour in words>", true when the test passes; one
# behaviour each, in three blocks: arrange, act, assert.

load helpers/load               # from a subfolder: load ../helpers/load

function setup {
    sandbox                     # WSGI_SYSROOT, stubs first in PATH, $CALLS
    stub systemctl              # logs how it was called, does nothing
}

@test "template: what must succeed is called directly, so that REPLY is kept" {
    systemctl daemon-reload

    assert_calls 1 systemctl daemon-reload
}

@test "template: run is for status and output" {
    stub apachectl 'echo "Syntax error on line 3" >&2; exit 1'

    run apachectl configtest

    assert_failure 1
    assert_output --partial "line 3"
}

@test "template: a table collects its bad rows and names them all" {
    local row
    local -a bad=()

    for row in a-b a1 b; do
        [[ "$row" =~ ^[a-z][a-z0-9-]*$ ]] || bad+=("$row")
    done

    assert_none "${bad[@]}"
}
