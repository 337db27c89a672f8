#!/usr/bin/env bats
#
# roles/: what a job does after its run, by the real Ansible

load ../helpers/functional

PASSWORD=open-sesame
OPENID=client-of-the-probe

# One run before anything is deployed, and one after.
function setup_file {
    requires ansible-playbook || return
    machine_up || return
    run post_run '{devstack_wsgi_expect_services: false}'
    printf '%s\n' "$status" "$output" > "$BATS_FILE_TMPDIR/bare"
    run post_run
    printf '%s\n' "$status" "$output" > "$BATS_FILE_TMPDIR/none"
    collected > "$BATS_FILE_TMPDIR/bare-files"
    deploy_both || return
    run post_run
    printf '%s\n' "$status" "$output" > "$BATS_FILE_TMPDIR/first"
}

# Run the jobs' post-run in the machine, as a job would that asked for the
# probe's two servers.
#
# Usage: post_run [VARIABLES...]
#   VARIABLES  as YAML
function post_run {
    local -a options=(--extra-vars '{devstack_localrc: {
        DEVSTACK_WSGI_MODE: mod_wsgi, WSGI_MODE_role_uwsgi: uwsgi}}')
    local word
    for word; do
        options+=(--extra-vars "$word")
    done
    in_machine env ANSIBLE_ROLES_PATH="$REPO/roles" ANSIBLE_NOCOLOR=1 \
        ANSIBLE_GATHER_SUBSET=min ansible-playbook \
        --inventory controller, --connection local "${options[@]}" \
        "$REPO/playbooks/post.yaml"
}

# All that was collected, each file by its path in the machine.
function collected {
    machine_sh 'cd /root/devstack-wsgi && find . -type f -printf "/%P\n" |
        sort'
}

# REPLY = now, as 'journalctl --since' takes it; what is in the journal is
# older.
function now {
    # shellcheck disable=SC2016  # expanded in the machine
    REPLY=$(machine_sh 'journalctl --sync; begin=$(date +%s)
        while [[ $(date +%s) == "$begin" ]]; do sleep 0.05; done
        date "+%F %T"')
}

# Whether the journal has a line.
#
# Usage: journal_has REGEX [OPTION...]
#   OPTION  of journalctl
function journal_has {
    # shellcheck disable=SC2016  # expanded in the machine
    machine_sh 'journalctl --sync
        grep -qE -e "$1" <<< "$(journalctl --no-pager "${@:2}")"' "$@"
}

# Deploy the probe under both servers, with something to hide.
function deploy_both {
    serve uwsgi role-uwsgi --conf /etc/probe-uwsgi.ini \
        --env "OS_PROBE_PASSWORD=$PASSWORD" || return
    serve mod-wsgi role-mod --env "OS_PROBE_PASSWORD=$PASSWORD" || return
    # shellcheck disable=SC2016  # expanded in the machine
    machine_sh 'mkdir -p /etc/devstack-wsgi/site.d/role-uwsgi
        printf "%s\n" "<IfModule auth_openidc>" "  OIDCClientSecret \"$1\"" \
            "</IfModule>" > /etc/devstack-wsgi/site.d/role-uwsgi/openid.conf' \
        "$OPENID"
    # others may say it where nobody looks for it
    http_status "$URL/print?$PASSWORD"
}

@test "roles: a node on which nothing was deployed passes" {
    run cat "$BATS_FILE_TMPDIR/bare"

    assert_line --index 0 0
    assert_output --partial 'failed=0'
    run cat "$BATS_FILE_TMPDIR/bare-files"
    refute_output --partial devstack@
}

@test "roles: records, units, configs, sites and journals are collected" {
    local name
    local -a missing=() names=(
        /etc/devstack-wsgi/services/role-{uwsgi,mod}.conf
        /etc/systemd/system/devstack@role-{uwsgi,mod}.{service,socket}
        /etc/systemd/system/devstack@role-{uwsgi,mod}.service.d/50-wsgi.conf
        /etc/probe-uwsgi.ini
        /etc/devstack-wsgi/mod_wsgi/role-mod.{conf,wsgi}
        /etc/devstack-wsgi/site.d/role-uwsgi/openid.conf
        /etc/apache2/sites-available/{role-uwsgi,role-mod,000-default}.conf
        /etc/apache2/sites-enabled
        /journal/devstack@role-{uwsgi,mod}.service
    )

    run collected

    for name in "${names[@]}"; do
        [[ $'\n'"$output"$'\n' == *$'\n'"$name.txt"$'\n'* ]] ||
            missing+=("$name")
    done
    assert_none "${missing[@]}"
    run in_machine grep -c 'GET /role-mod/print' \
        "/root/devstack-wsgi/journal/devstack@role-mod.service.txt"
    assert_output 1
    run in_machine cat /root/devstack-wsgi/etc/apache2/sites-enabled.txt
    assert_line role-uwsgi.conf
}

@test "roles: services that work well pass" {
    run cat "$BATS_FILE_TMPDIR/first"

    assert_line --index 0 0
    assert_output --partial 'changed=1'
    assert_output --partial 'failed=0'
}

@test "roles: a job in which nothing was deployed fails" {
    run cat "$BATS_FILE_TMPDIR/none"

    assert_line --index 0 2
    assert_output --partial 'there is no service'
}

@test "roles: others may read what was collected" {
    # shellcheck disable=SC2016  # expanded in the machine
    run machine_sh 'cd /root/devstack-wsgi
        find . -type f ! -perm 0644 -o -type d ! -perm 0755'

    assert_success
    assert_output ''
}

@test "roles: no secret is in what was collected" {
    local secret
    secret=$(in_machine sed -n 's/^secret=//p' \
        /etc/devstack-wsgi/services/role-mod.conf)
    assert_regex "$secret" '^[0-9a-f]{32}$'

    run in_machine grep -rlF -e "$secret" -e "$PASSWORD" -e "$OPENID" \
        /root/devstack-wsgi

    assert_output ''
    run in_machine grep -rlF '<secret>' /root/devstack-wsgi
    assert_line --partial services/role-mod.conf
    assert_line --partial mod_wsgi/role-mod.conf
    assert_line --partial sites-available/role-mod.conf
    assert_line --partial system/devstack@role-uwsgi.service
    assert_line --partial openid.conf
    assert_line --partial journal/devstack@role-mod.service
}

@test "roles: what stands beside a secret is kept" {
    run in_machine diff /etc/devstack-wsgi/services/role-mod.conf \
        /root/devstack-wsgi/etc/devstack-wsgi/services/role-mod.conf.txt

    assert_equal "$(grep -c '^>' <<< "$output")" 2
    assert_line '> secret=<secret>'
    assert_line '> env=OS_PROBE_PASSWORD=<secret>'
}

@test "roles: a second run changes nothing" {
    run post_run

    assert_success
    assert_output --partial 'changed=0'
    assert_output --partial 'failed=0'
}

@test "roles: a worker that crashed fails the job, under both servers" {
    local transport name regex since
    for transport in uwsgi mod-wsgi; do
        name=role-${transport%-wsgi}
        where_of "$transport" "$name"
        regex='uwsgi.*uWSGI process [0-9]+ got Segmentation Fault'
        [[ "$transport" == uwsgi ]] ||
            regex='apache2.*AH00052: child pid [0-9]+ exit signal Segmentation'
        now
        since=$REPLY
        http_status "$URL/segfault"
        wait_for 10 journal_has "$regex" --since="$since"

        run post_run "{devstack_wsgi_segfault_since: '$since'}"

        assert_failure
        assert_output --partial 'failed=1'
        assert_output --regexp "$regex"
    done
}

@test "roles: a crash that is known of is passed over" {
    where_of uwsgi role-uwsgi
    http_status "$URL/segfault"
    wait_for 10 journal_has 'got Segmentation Fault'

    run post_run '{devstack_wsgi_segfault_ignore: [uWSGI process, AH00052]}'

    assert_success
    refute_output --partial 'got Segmentation Fault'
}

@test "roles: a crash is only shown where it is not to fail the job" {
    where_of uwsgi role-uwsgi
    http_status "$URL/segfault"
    wait_for 10 journal_has 'got Segmentation Fault'

    run post_run '{devstack_wsgi_segfault_fatal: false}'

    assert_success
    assert_output --partial 'got Segmentation Fault'
}

@test "roles: the kernel's word of a server's process fails the job" {
    local since
    # a machine has no kernel of its own; its journal reads this for it
    in_machine mkfifo /dev/kmsg
    in_machine systemd-run --quiet bash -c 'exec sleep infinity <> /dev/kmsg'
    machine_sh 'mkdir -p /run/systemd/journald.conf.d
        printf "%s\n" "[Journal]" ReadKMsg=yes \
            > /run/systemd/journald.conf.d/kernel.conf
        systemctl restart systemd-journald'
    now
    since=$REPLY
    machine_sh 'printf "%s\n" \
        "6,7,1,-;nova-compute[98]: segfault at 0 ip 1 sp 2 error 4 in b.so" \
        > /dev/kmsg'
    wait_for 10 journal_has 'nova-compute.98.: segfault' --dmesg
    run post_run "{devstack_wsgi_segfault_since: '$since'}"
    assert_success
    machine_sh 'printf "%s\n" \
        "6,8,1,-;traps: uwsgi[99] general protection fault ip:1 sp:2 in b.so" \
        > /dev/kmsg'
    wait_for 10 journal_has 'uwsgi.99. general' --dmesg

    run post_run "{devstack_wsgi_segfault_since: '$since'}"

    assert_failure
    assert_output --partial 'uwsgi[99] general protection fault'
    refute_output --partial nova-compute
}

@test "roles: a service that crashed as a whole fails the job" {
    local since pid
    now
    since=$REPLY
    main_pid role-mod
    pid=$REPLY
    in_machine kill -SEGV "$pid"
    wait_for 10 journal_has 'status=11/SEGV' --since="$since"

    run post_run "{devstack_wsgi_segfault_since: '$since'}"

    assert_failure
    assert_output --partial 'role-mod.service: Main process exited'
}

@test "roles: a service under another server than asked for fails the job" {
    local rc="{devstack_wsgi_segfault_fatal: false,
        devstack_localrc: {DEVSTACK_WSGI_MODE: mod_wsgi}}"

    run post_run "$rc"

    assert_failure
    assert_output --partial 'role-uwsgi is under uwsgi, not mod_wsgi"'
}

@test "roles: of an upgrade, the new side's toggles count" {
    run post_run '{devstack_wsgi_segfault_fatal: false,
        grenade_devstack_localrc: {shared: {WSGI_MODE_role_mod: mod_wsgi},
            old: {DEVSTACK_WSGI_MODE: mod_wsgi},
            new: {DEVSTACK_WSGI_MODE: uwsgi}}}'
    assert_success

    run post_run '{devstack_wsgi_segfault_fatal: false,
        grenade_devstack_localrc: {shared: {}, old: {},
            new: {WSGI_TAKE_OVER: "False"}}}'

    assert_failure
    assert_output --partial 'WSGI_TAKE_OVER is off, and there are services'
}
