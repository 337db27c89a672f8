#!/usr/bin/env bats
#
# what status says of many services

load ../helpers/functional

@test "status: forty services are forty rows of JSON, each with its state" {
    local begin
    serve uwsgi runs
    serve mod-wsgi runs-too
    # as a person would write them, under both servers
    # shellcheck disable=SC2016  # expanded in the machine
    machine_sh 'for i in {10..47}; do
        mode=uwsgi
        (( i % 2 )) || mode=mod_wsgi
        printf "%s\n" "name=many-$i" "path=/many-$i" app=probe:application \
            "mode=$mode" \
            chdir=/srv/runs user=www-data group=www-data \
            > "/etc/devstack-wsgi/services/many-$i.conf"
        done'
    wsgi apply
    in_machine rm /etc/devstack-wsgi/uwsgi/many-11.ini

    begin=$(date +%s%3N)
    wsgi status --json > "$BATS_TEST_TMPDIR/json"
    figure "status of forty" "$(( $(date +%s%3N) - begin )) ms"

    run python3 -c '
import collections, json, sys
rows = json.load(sys.stdin)
print(len(rows), "rows,", len({row["name"] for row in rows}), "names")
for words, number in sorted(collections.Counter(
        "%(state)s %(workers)s %(drift)s" % row for row in rows).items()):
    print(number, words)
' < "$BATS_TEST_TMPDIR/json"
    assert_output '40 rows, 40 names
2 active 2 none
1 inactive None config:missing
37 inactive None none'
}
