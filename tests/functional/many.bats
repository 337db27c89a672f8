#!/usr/bin/env bats
#
# forty services at once, and what is left when all are removed

load ../helpers/functional

# All files of the system's own places, but systemd's clocks, and the folders
# in which Debian's a2enmod keeps its notes (the notes themselves count).
#
# Usage: system_tree
function system_tree {
    tree_of /etc /var/lib /run/devstack-wsgi |
        grep -v -e ' */var/lib/systemd/' \
            -e '^/var/lib/apache2/module/[a-z]*_by_admin d'
}

function setup_file {
    machine_up || return
    # as on a machine where nobody has asked for them yet
    # shellcheck disable=SC2016  # expanded in the machine
    machine_sh '
        modules=(proxy_uwsgi proxy_http proxy_balancer lbmethod_byrequests
            slotmem_shm proxy headers)
        a2dismod --quiet --force "${modules[@]}"
        rm -f "${modules[@]/#//var/lib/apache2/module/disabled_by_admin/}"
        systemctl restart apache2
        install -D -m 0644 -t /srv/many "$1"' \
        "$REPO/tests/fixtures/apps/probe.py" > /dev/null 2>&1
    system_tree > "$BATS_FILE_TMPDIR/before"
}

# How many services status says the same of: state, workers, drift.
function state_counts {
    wsgi status --json | python3 -c '
import collections, json, sys
rows = json.load(sys.stdin)
print(len(rows), "rows,", len({row["name"] for row in rows}), "names")
for words, number in sorted(collections.Counter(
        "%(state)s %(workers)s %(drift)s" % row for row in rows).items()):
    print(number, words)'
}

@test "many: forty records, one apply, at most one reload each" {
    local begin
    # a third of each kind; as a person would write them
    # shellcheck disable=SC2016  # expanded in the machine
    machine_sh '
        mkdir -p /etc/devstack-wsgi/services
        for i in {10..49}; do
            where=("path=/many-$i")
            (( i % 3 != 1 )) || where=("path=/many-$i" transport=uwsgi)
            (( i % 3 != 2 )) || where=("listen=127.0.0.1:91$i")
            printf "%s\n" "name=many-$i" "${where[@]}" \
                app=probe:application chdir=/srv/many user=www-data \
                group=www-data env=A=b healthcheck=/healthcheck \
                > "/etc/devstack-wsgi/services/many-$i.conf"
        done'
    journal_mark

    begin=$(date +%s%3N)
    wsgi apply
    begin=$(( $(date +%s%3N) - begin ))

    reloads_since_mark
    figure "forty services" "$begin ms, $DAEMON_RELOADS daemon-reload," \
        "$APACHE_RELOADS reload of Apache"
    # systemd had none of their units, but Apache's: the first site changes it
    assert_equal "$DAEMON_RELOADS $APACHE_RELOADS" '1 1'
    run wsgi apply
    assert_line --partial 'nothing to change'
}

@test "many: some of the forty serve, and each has its state" {
    local name begin
    local -a bad=()

    wsgi start many-10 many-11 many-12

    for name in 127.0.0.1/many-10 127.0.0.1:9111 127.0.0.1/many-12; do
        http_status "http://$name/"
        [[ "$REPLY" == 200 ]] || bad+=("$name: $REPLY")
    done
    assert_none "${bad[@]}"
    wsgi check
    run wsgi status
    assert_equal "${#lines[@]}" 41
    in_machine rm /etc/devstack-wsgi/uwsgi/many-13.ini
    begin=$(date +%s%3N)
    run state_counts
    figure "status of forty" "$(( $(date +%s%3N) - begin )) ms"
    assert_output '40 rows, 40 names
3 active 2 none
1 inactive None config:missing
36 inactive None none'
    wsgi apply many-13
}

@test "many: all forty go to the other server and back, three serve on" {
    local mode name begin
    local -a bad=() addresses=(
        127.0.0.1/many-10 127.0.0.1:9111 127.0.0.1/many-12
    )
    for name in "${addresses[@]}"; do
        load_begin "${name##*[:/]}" "http://$name/" --rate 10
    done

    for mode in mod_wsgi uwsgi; do
        begin=$(date +%s%3N)
        wsgi switch "$mode"
        figure "forty services to $mode" "$(( $(date +%s%3N) - begin )) ms"
        run wsgi status --json
        [[ $(grep -c "\"mode\": \"$mode\"" <<< "$output") == 40 ]] ||
            bad+=("$mode: $output;")
        run state_counts
        [[ "$output" == '40 rows, 40 names
3 active 2 none
37 inactive None none' ]] || bad+=("$mode: $output;")
        run in_machine find /etc/devstack-wsgi /etc/systemd/system \
            /var/lib/devstack-wsgi -name '*.switch*'
        [[ -z "$output" ]] || bad+=("$mode: $output;")
    done

    assert_none "${bad[@]}"
    for name in "${addresses[@]}"; do
        load_end "${name##*[:/]}"
        assert_no_failure 20
    done
    run in_machine find /etc/devstack-wsgi/mod_wsgi
    assert_failure
    wsgi check
}

@test "many: remove --all leaves the machine as it was before the first" {
    wsgi remove --all

    system_tree > "$BATS_TEST_TMPDIR/after"
    assert_same "$BATS_FILE_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
    run in_machine systemctl list-units --all --plain --no-legend 'devstack@*'
    assert_output ''
    run in_machine apache2ctl -M
    refute_line --partial proxy
    run in_machine pgrep uwsgi
    assert_failure 1
    # and again, there is nothing to do
    wsgi remove --all
    wsgi remove many-10
}
