#!/usr/bin/env bats
#
# apply as a transaction: nothing twice, all or nothing, one at a time

load ../helpers/functional

# all that a deployment may touch
readonly TREE=(/etc/apache2 /etc/devstack-wsgi /etc/systemd/system
    /run/devstack-wsgi /run/uwsgi /var/lib/apache2 /var/lib/devstack-wsgi)

function tidy {
    in_machine rm -f /etc/apache2/conf-enabled/zz-theirs.conf
    # shellcheck disable=SC2016  # expanded in the machine
    machine_sh 'for folder; do
        while mountpoint --quiet "$folder"; do umount "$folder"; done
    done' "${TREE[@]}" /etc/apache2/sites-{available,enabled}
}

# What runs of uWSGI and Apache, threads left out.
function processes {
    # shellcheck disable=SC2016  # awk's
    machine_sh 'ps -eo pid,lstart,args | grep -E "[u]WSGI|[a]pache2"'
}

# Whether Apache's last reload is over, with new children in the place of old.
function apache_settled {
    local said
    said=$(processes)
    [[ "$said" == *apache2*apache2* && "$said" != *defunct* ]]
}

@test "apply: deployed again, nothing is written, reloaded or restarted" {
    local transport before
    local -a where
    serve_all twice
    deploy_app twice-demand --path /twice-demand --on-demand --preload \
        --env A=b --threads 2 --set harakiri=60
    tree_of --times "${TREE[@]}" > "$BATS_TEST_TMPDIR/before"
    wait_for 10 apache_settled
    before=$(processes)
    journal_mark

    for transport in "${TRANSPORTS[@]}"; do
        where_of "$transport" "twice-$transport"
        run deploy_app "twice-$transport" "${where[@]}"
        assert_success
        assert_output "wsgi: twice-$transport: nothing to change"
    done
    run deploy_app twice-demand --path /twice-demand --on-demand --preload \
        --env A=b --threads 2 --set harakiri=60
    assert_output 'wsgi: twice-demand: nothing to change'
    run wsgi apply
    assert_line --partial 'nothing to change'

    assert_same "$BATS_TEST_TMPDIR/before" <(tree_of --times "${TREE[@]}")
    assert_same <(printf '%s\n' "$before") <(processes)
    assert_reloads 0 0
}

@test "apply: a deployment is one reload of Apache, and systemd's if needed" {
    journal_mark

    deploy_app once --path /once

    # systemd had none of its units
    assert_reloads 0 1
    wsgi start once
    journal_mark
    deploy_app once --path /once --hardening off
    assert_reloads 1 0
    run in_machine systemctl show -P NeedDaemonReload devstack@once.service
    assert_output no
    journal_mark
    deploy_app once --path /once --hardening off --processes 3
    # a change of CONF needs neither
    assert_reloads 0 0
}

@test "apply: somebody else's broken site is named, and nothing is changed" {
    serve http beside
    load_begin beside "$URL/" --rate 40
    in_machine bash -c 'echo "NoSuchDirective on" \
        > /etc/apache2/conf-enabled/zz-theirs.conf'
    tree_of "${TREE[@]}" > "$BATS_TEST_TMPDIR/before"

    run deploy_app refused --path /refused

    assert_failure 1
    assert_output --partial zz-theirs.conf
    assert_output --partial NoSuchDirective
    assert_tree "$BATS_TEST_TMPDIR/before"
    load_end beside
    figure broken-site "beside the run ${LOAD[said]}"
    assert_no_failure 5
    in_machine rm /etc/apache2/conf-enabled/zz-theirs.conf
    serve http refused
}

@test "apply: what Apache would refuse is refused before anything changes" {
    local folder=/etc/devstack-wsgi/site.d/early
    # nobody includes it yet; the site of 'early' would
    in_machine mkdir -p "$folder"
    in_machine bash -c "echo 'NoSuchDirective on' > $folder/extra.conf"
    tree_of "${TREE[@]}" > "$BATS_TEST_TMPDIR/before"
    journal_mark

    run deploy_app early --path /early

    assert_failure 1
    assert_output --partial "$folder/extra.conf"
    assert_tree "$BATS_TEST_TMPDIR/before"
    assert_reloads 0 0
    in_machine rm -r "$folder"
    serve http early
}

# Deploy what fails after the check, when files are in their place already.
#
# Usage: rolls_back COMMAND...
#   COMMAND  makes it fail
function rolls_back {
    serve http stays --processes 1
    load_begin stays "$URL/" --rate 40
    serve http beside
    load_begin beside "$URL/" --rate 40
    "$@"
    tree_of "${TREE[@]}" > "$BATS_TEST_TMPDIR/before"

    # another site, so the old one's has to go; another number of processes
    run deploy_app stays --path /stays --processes 2 --site moved

    assert_failure 1
    assert_tree "$BATS_TEST_TMPDIR/before"
    run in_machine apache2ctl configtest
    assert_success
    in_machine systemctl --quiet is-active apache2
    assert_status 200 http://127.0.0.1/stays/
    # it also can be restarted as it was
    in_machine systemctl restart devstack@stays
    assert_status 200 http://127.0.0.1/stays/
    assert_status_has stays '"workers": 1,'
    # it itself may stand still meanwhile, nobody else
    load_end stays
    figure "the one that was put back" "${LOAD[text]}"
    load_end beside
    assert_no_failure 20
}

# Usage: refuse_reload    Apache's configuration has a mistake as soon as the
#                         new site is in its place
function refuse_reload {
    in_machine bash -c 'printf "%s\n" \
        "<IfFile /etc/apache2/sites-enabled/moved.conf>" \
        "NoSuchDirective on" "</IfFile>" \
        > /etc/apache2/conf-enabled/zz-theirs.conf'
}

@test "apply: Apache refuses to reload, all is put back, the old serves" {
    rolls_back refuse_reload

    in_machine rm /etc/apache2/conf-enabled/zz-theirs.conf
    deploy_app stays --path /stays --processes 2 --site moved
    wsgi restart stays
    assert_status_has stays '"workers": 2,'
    wsgi remove stays beside
}

# Usage: refuse_writing FOLDER
function refuse_writing {
    in_machine mount --bind "$1" "$1"
    in_machine mount -o remount,bind,ro "$1"
}

@test "apply: a folder cannot be written, all is put back, the old serves" {
    local folder
    # one of the first steps, and one of the last
    for folder in /etc/systemd/system /etc/apache2/sites-enabled; do
        rolls_back refuse_writing "$folder"
        in_machine umount "$folder"
    done
}

# Run a command in the machine and kill it, with all that it has started,
# after some milliseconds.
#
# Usage: killed_after MILLISECONDS COMMAND...
function killed_after {
    # shellcheck disable=SC2016  # expanded in the machine
    machine_sh '
        after=$(printf "%d.%03d" $(( $1 / 1000 )) $(( $1 % 1000 )))
        shift
        setsid "$@" &
        sleep "$after"
        kill -KILL -- "-$!"
        wait "$!"' "$@" > /dev/null 2>&1 || true  # it was killed
}

# After a run that was killed: Apache must be able to read its files, and the
# same command again leaves what it leaves when nobody kills it.
#
# Usage: mended_by TREE COMMAND...
#   TREE  a file of tree_of
function mended_by {
    local tree=$1 said
    shift
    said=$(in_machine apache2ctl configtest 2>&1) || {
        printf 'Apache: %s\n' "$said"
        return 1
    }
    said=$("$@" 2>&1) || {
        printf 'the next run: %s\n' "$said"
        return 1
    }
    tree_of "${TREE[@]}" > "$BATS_TEST_TMPDIR/now"
    diff --unified=0 "$tree" "$BATS_TEST_TMPDIR/now"
}

@test "apply: killed at any moment, Apache's files are valid, a run mends it" {
    local begin i deploy_time remove_time delay said
    local -a bad=() deploy
    count 5 50
    local number=$REPLY
    serve http bystander
    load_begin bystander "$URL/" --rate 20
    deploy=(in_machine "$REPO/tools/wsgi" deploy killed --path /killed
        --app probe:application --chdir /srv/bystander --user www-data
        --transport uwsgi)
    # how long each takes, and what it leaves when nobody kills it
    "${deploy[@]}"
    wsgi remove killed
    tree_of "${TREE[@]}" > "$BATS_TEST_TMPDIR/without"
    begin=$(date +%s%3N)
    "${deploy[@]}"
    deploy_time=$(( $(date +%s%3N) - begin ))
    tree_of "${TREE[@]}" > "$BATS_TEST_TMPDIR/with"
    begin=$(date +%s%3N)
    wsgi remove killed
    remove_time=$(( $(date +%s%3N) - begin ))

    for (( i = 0; i < number; i++ )); do
        # somewhere in the i-th part of it
        delay=$(( (i * 100 + RANDOM % 100) * deploy_time / number / 100 ))
        killed_after "$delay" "${deploy[@]:1}"
        said=$(mended_by "$BATS_TEST_TMPDIR/with" "${deploy[@]}") ||
            bad+=("deploy killed after $delay ms: $said"$'\n')

        delay=$(( (i * 100 + RANDOM % 100) * remove_time / number / 100 ))
        killed_after "$delay" "$REPO/tools/wsgi" remove killed
        said=$(mended_by "$BATS_TEST_TMPDIR/without" wsgi remove killed) ||
            bad+=("remove killed after $delay ms: $said"$'\n')
    done
    load_end bystander

    figure "killed at any moment" "$number times within the $deploy_time ms" \
        "of a deploy and the $remove_time ms of a remove; beside it" \
        "${LOAD[said]}"
    assert_none "${bad[@]}"
    assert_no_failure 20
}

@test "apply: deployments at the same time wait for each other, and succeed" {
    local i
    local -a bad=() pids=()
    for i in 1 2 3; do
        deploy_app "parallel-$i" --path "/parallel-$i" \
            > "$BATS_TEST_TMPDIR/$i" 2>&1 3>&- &
        pids+=("$!")
    done
    for i in 1 2 3; do
        wait "${pids[i - 1]}" || bad+=("$(< "$BATS_TEST_TMPDIR/$i")")
    done
    assert_none "${bad[@]}"
    run cat "$BATS_TEST_TMPDIR"/{1,2,3}
    assert_line 'wsgi: waiting for another run to end'

    wsgi start parallel-1 parallel-2 parallel-3

    for i in 1 2 3; do
        assert_status 200 "http://127.0.0.1/parallel-$i/"
    done
    run wsgi apply
    assert_line --partial 'nothing to change'
}
