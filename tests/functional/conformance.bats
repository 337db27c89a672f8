#!/usr/bin/env bats
#
# tools/conformance: the services that every change must leave working, under
# both servers, in one machine

load ../helpers/load

NAMES=(keystone glance-api placement-api nova-api nova-metadata swift-proxy)

function setup_file {
    requires root systemd-nspawn
    export RESULTS=$BATS_FILE_TMPDIR/results.json
    "$REPO/tools/conformance" --json "$RESULTS" "${NAMES[@]}" \
        > "$BATS_FILE_TMPDIR/log" 2>&1 ||
        echo "status $?" >> "$BATS_FILE_TMPDIR/log"
}

function setup {
    requires root systemd-nspawn
}

# What one service did under each server; the run's log if that is not it.
# Usage: assert_works NAME STATUS OPERATION
function assert_works {
    local said
    said=$(/usr/bin/python3 - "$RESULTS" "$1" <<'END'
import json, sys
rows = json.load(open(sys.argv[1]))
for mode, result in sorted(rows[sys.argv[2]]['modes'].items()):
    print(mode, result['verdict'], result.get('status'),
          result.get('operation'), sep=', ')
END
    ) || said='no result'
    if [[ "$said" != "mod_wsgi, works, $2, $3"$'\n'"uwsgi, works, $2, $3" ]]
    then
        fail "$1: $said"$'\n'"$(< "$BATS_FILE_TMPDIR/log")"
    fi
}

@test "conformance: Keystone gives a token under both servers" {
    assert_works keystone 200 token
}

@test "conformance: Glance takes an image in chunks under both servers" {
    assert_works glance-api 200 image
}

@test "conformance: Placement keeps a provider under both servers" {
    assert_works placement-api 200 "resource provider"
}

@test "conformance: Nova lists servers under both servers" {
    assert_works nova-api 200 servers
}

@test "conformance: Nova's metadata answers under both servers" {
    assert_works nova-metadata 200 metadata
}

@test "conformance: Swift keeps an object in chunks under both servers" {
    assert_works swift-proxy 200 object
}

@test "conformance: each service has a progress line, and leaves nothing" {
    local name problems=()
    for name in "${NAMES[@]}"; do
        grep -qE "^\[[0-9]/6\] $name: removed$" "$BATS_FILE_TMPDIR/log" ||
            problems+=("$name")
    done

    assert_none "${problems[@]}"
    run grep FAILED "$BATS_FILE_TMPDIR/log"
    assert_output ''
}

@test "conformance: its machine does not stay" {
    local machine
    machine=$(sed -n 's/^machine: //p' "$BATS_FILE_TMPDIR/log")
    assert_not_equal "$machine" ""

    run "$REPO/tests/bin/machine" list

    refute_output --partial "$machine"
}
