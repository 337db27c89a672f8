#!/usr/bin/env bats
#
# tools/demo: with a real service, and what it leaves behind

load ../helpers/load

function setup {
    requires root systemd-nspawn
}

# The demo's machine is gone.
function assert_no_machine {
    run "$REPO/tests/bin/machine" list
    refute_output --partial "demo-$1"
}

@test "demo: placement-api with Keystone passes all its proofs" {
    run "$REPO/tools/demo" --services placement-api

    assert_success
    assert_line --regexp 'keystone: .* ok: token: 201 from Keystone'
    assert_line --regexp 'placement-api: .* ok: resource provider: demo-'
    assert_line --regexp 'restart of keystone under load: .*, 0 failed,'
    assert_line --regexp 'keystone while others hang: .*, 0 failed,'
    refute_output --partial FAILED
    refute_output --partial ERROR
    [[ "$output" =~ 'throwaway machine: '.*' ok: demo-'([0-9]+) ]]
    assert_no_machine "${BASH_REMATCH[1]}"
}

@test "demo: Ctrl-C ends the machine too" {
    local pid log=$BATS_TEST_TMPDIR/log tries
    # a job of a script ignores SIGINT, as would all that it starts
    ( trap - INT; exec setsid env --default-signal=INT \
        "$REPO/tools/demo" --services nova-metadata ) > "$log" 2>&1 3>&- &
    pid=$!
    for (( tries = 0; tries < 600; tries++ )); do
        ! grep -q 'databases: $' "$log" || break
        sleep 0.2
    done

    kill -INT -- "-$pid"
    wait "$pid" || true  # the signal is its status

    assert_file_contains "$log" "ok: demo-$pid"
    assert_no_machine "$pid"
}
