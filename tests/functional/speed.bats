#!/usr/bin/env bats
#
# tools/bench --short: none of the rows that hold is lost

# bats file_tags=speed

load ../helpers/functional

function setup_file {
    requires root systemd-nspawn apache2 uwsgi curl wrk || return
    export RESULTS=$BATS_FILE_TMPDIR/results.json
    export STATUS=0
    "$REPO/tools/bench" --short --json "$RESULTS" \
        > "$BATS_FILE_TMPDIR/log" 2>&1 3>&- || STATUS=$?
}

# The figures of the run, or its log when there are none.
function rows {
    run /usr/bin/python3 -c '
import json, sys
for row in json.load(open(sys.argv[1]))["targets"]:
    print(row["name"], row["verdict"], row.get("broken", True),
          row.get("value"))' "$RESULTS"
    [[ "$status" == 0 ]] || cat "$BATS_FILE_TMPDIR/log"
    assert_success
}

@test "bench: every row of a short run was measured" {
    rows

    printf '# %s\n' "${lines[@]}" >&3
    refute_line --partial 'not measured'
    assert_line --regexp '^cpu-guard '
    assert_line --regexp '^restart-failed '
}

@test "bench: no row is worse than its limit by more than the noise" {
    rows

    refute_line --regexp '^[a-z-]+ [a-z ]+ True '
    assert_equal "$STATUS" 0
}
