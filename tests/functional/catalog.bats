#!/usr/bin/env bats
#
# tools/conformance: every service of the catalogue, under both servers

# bats file_tags=full

load ../helpers/load

@test "conformance: no service is without a verdict, and each is as said" {
    requires root systemd-nspawn
    local results=$BATS_TEST_TMPDIR/results.json

    run "$REPO/tools/conformance" --json "$results"

    assert_success
    run /usr/bin/python3 - "$results" "$REPO/files/catalog" <<'END'
import json, os, sys
rows = json.load(open(sys.argv[1]))
for name in sorted(os.listdir(sys.argv[2])):
    modes = rows.get(name, {}).get('modes', {})
    for mode in ('uwsgi', 'mod_wsgi'):
        if not modes.get(mode, {}).get('verdict'):
            print(name, mode)
END
    assert_output ''
}
