#!/usr/bin/env bats
#
# devstack/: a DevStack whose APIs all run under one server, in the stand-in
#
# devstack-mod-wsgi.bats is a link to this file.

load ../helpers/devstack

MODE=uwsgi OTHER=mod_wsgi
if [[ "$BATS_TEST_FILENAME" == */devstack-mod-wsgi.bats ]]; then
    MODE=mod_wsgi OTHER=uwsgi
fi

# every caller; watcher's call has a module and no name
readonly ALL=aodh,cloudkitty,designate,federation,heat,ironic,mistral,monasca\
,octavia,printer,stranger,trove,watcher,zaqar

# what a second stack.sh need not touch
readonly TREE=(/etc/apache2 /etc/devstack-wsgi /etc/systemd/system
    /etc/tmpfiles.d /etc/keystone /etc/glance /etc/nova /etc/placement
    /etc/cinder /etc/neutron /etc/heat /etc/octavia /etc/stranger /etc/watcher)

function setup_file {
    devstack_up || return
    system_files > "$BATS_FILE_TMPDIR/before"
    # shellcheck disable=SC2016  # expanded by stack.sh
    devstack_conf --callers "$ALL" "DEVSTACK_WSGI_MODE=$MODE" \
        '[[post-config|$CINDER_UWSGI_CONF]]' '[uwsgi]' 'threads = 3'
}

function setup {
    devstack_apis
}

@test "devstack, $MODE: the first stack.sh: every API answers at its URL" {
    devstack stack.sh

    figure "stack.sh" "$TOOK ms"
    devstack_answers
    devstack_units enabled active
    devstack_servers "$MODE"
    proxied_once
}

@test "devstack, $MODE: a shell with the plugin is the shell without it" {
    shell_unchanged
}

@test "devstack, $MODE: a plugin may print and export all of the shell" {
    local phase
    local -a bad=()

    for phase in pre-install install post-config extra test-config; do
        grep -q "^printer: stack $phase\$" "$BATS_FILE_TMPDIR/stack.sh.log" ||
            bad+=("$phase")
    done

    assert_none "${bad[@]}"
    run grep -c '^printer: a child$' "$BATS_FILE_TMPDIR/stack.sh.log"
    assert_output 5
    run grep -c '^_WSGI_DIR=' "$BATS_FILE_TMPDIR/stack.sh.log"
    # in the dump of variables, and as a child has it
    assert_output 10
}

@test "devstack, $MODE: five functions are taken over and no other" {
    local phase
    local -a bad=() five=(remove_uwsgi_config write_local_proxy_http_config
        write_local_uwsgi_http_config write_uwsgi_config
        write_uwsgi_user_unit_file)

    # zaqar's plugin sources lib/apache anew in the install phase
    for phase in 1-source 3-configured 5-post-config 8-test-config; do
        functions_changed "$phase"
        [[ "$REPLY" == "${five[*]}" ]] || bad+=("$phase: $REPLY;")
    done

    assert_none "${bad[@]}"
}

@test "devstack, $MODE: what callers do after a write call is in force" {
    callers_in_force
    run process_of http://127.0.0.1/load-balancer
    assert_output --partial '"OCTAVIA_A": "1"'
}

@test "devstack, $MODE: Glance's CONF has one http-socket, HOST:PORT" {
    # shellcheck disable=SC2016  # expanded in the machine
    run in_devstack 'grep -c "^http-socket" "$GLANCE_UWSGI_CONF"
        glance_address "$GLANCE_UWSGI_CONF"'

    assert_line --index 0 1
    assert_line --index 1 --regexp '^http://127\.0\.0\.1:[0-9]+$'
}

@test "devstack, $MODE: Glance's clone gets a plain unit and answers" {
    clone_answers
    run in_machine find /etc/systemd/system -path '*devstack@g-api-r*.d/*'
    assert_output ''
}

@test "devstack, $MODE: the link at DevStack's socket is there" {
    run in_machine find /var/run/uwsgi/ -name '*.socket'

    assert_line --partial keystone-api.socket
    assert_line --partial octavia-wsgi.socket
    run in_machine find /run/devstack-wsgi -type s -perm -0002
    assert_output ''
}

@test "devstack, $MODE: a second stack.sh changes nothing that it need not" {
    local key
    local -a keep=(keystone placement-api n-api neutron-api)
    local -A pids=()
    for key in "${keep[@]}"; do
        main_pid "$key"
        pids[$key]=$REPLY
    done
    tree_of "${TREE[@]}" | grep -v -e g-api-r -e odd \
        > "$BATS_TEST_TMPDIR/first"

    devstack stack.sh

    figure "a second stack.sh" "$TOOK ms"
    devstack_answers
    devstack_units enabled active
    proxied_once
    tree_of "${TREE[@]}" | grep -v -e g-api-r -e odd \
        > "$BATS_TEST_TMPDIR/second"
    assert_same "$BATS_TEST_TMPDIR/first" "$BATS_TEST_TMPDIR/second"
    for key in "${keep[@]}"; do
        main_pid "$key"
        assert_equal "$key ${pids[$key]}" "$key $REPLY"
    done
}

@test "devstack, $MODE: what is left to DevStack has nothing of ours" {
    local key
    local -a bad=() sites=()
    run grep -c "left to DevStack's own function\$" \
        "$BATS_FILE_TMPDIR/stack.sh.log"
    # a site and a variable, once each
    assert_output 2

    for key in $THEIRS; do
        # shellcheck disable=SC2016  # expanded in the machine
        run machine_sh 'ls -d "/etc/systemd/system/devstack@$1".s*' "$key"
        [[ "$output" == "/etc/systemd/system/devstack@$key.service" ]] ||
            bad+=("$key: $output;")
    done
    assert_none "${bad[@]}"
    run in_machine grep -l -r -e odd -e ir-http /etc/devstack-wsgi \
        /var/lib/devstack-wsgi/applied
    # Ironic's proxy is a site of ours, and no service
    refute_output --partial odd
    # what its caller had said in CONF, and in the unit's environment
    run process_of http://127.0.0.1/odd-env
    assert_output --partial '"multithread": true'
    assert_output --partial '"LD_LIBRARY_PATH": "/opt/stack"'
}

@test "devstack, $MODE: a plugin that asks for nothing of ours goes on" {
    run in_machine curl -s http://127.0.0.1/odd-unit/
    assert_output odd-unit
    run in_machine cat /etc/apache2/sites-available/odd-own.conf
    assert_output --partial 'AddDefaultCharset'
    run in_machine grep -c . /etc/stranger/odd-own.ini
    assert_output 7
}

@test "devstack, $MODE: names that differ in what is no letter are two" {
    run in_machine grep -h '^key=' /etc/devstack-wsgi/services/foo-http.conf \
        /etc/devstack-wsgi/services/foo-http-2.conf
    assert_output $'key=Foo_HTTP\nkey=foo-http'
    run in_machine /opt/stack/wsgi/tools/wsgi status Foo_HTTP
    assert_output --regexp "foo-http +$MODE +active"
}

@test "devstack, $MODE: on return of a write call CONF and site are there" {
    # shellcheck disable=SC2016  # expanded in the machine
    run in_devstack '
        sudo install -d -o stack /etc/late
        install_application late late.wsgi.api:application
        enable_service late-api
        write_uwsgi_config /etc/late/late.ini late.wsgi.api:application \
            /late "" late || exit
        test -w /etc/late/late.ini && echo "CONF is there"
        iniset /etc/late/late.ini uwsgi threads 5
        site=$(apache_site_config_for late)
        sudo sh -c "echo RedirectMatch 308 ^/later\\$ /late >> $site"
        test -e /etc/apache2/sites-enabled/late.conf && echo "site is there"
        restart_apache_server
        run_process late-api "$(type -P uwsgi) --ini /etc/late/late.ini"
        curl -s http://127.0.0.1/late/process' 2> /dev/null

    assert_line 'CONF is there'
    assert_line 'site is there'
    assert_output --partial '"multithread": true'
    assert_status 308 http://127.0.0.1/later
}

@test "devstack, $MODE: remove goes by CONF, whatever the second word" {
    local word
    local -a bad=()

    for word in late another.wsgi.api:application /usr/bin/script ''; do
        # shellcheck disable=SC2016  # expanded in the machine
        in_devstack '
            enable_service late-api
            sudo install -d -o stack /etc/late
            write_uwsgi_config /etc/late/late.ini \
                late.wsgi.api:application /late "" late || exit
            run_process late-api "$(type -P uwsgi) --ini /etc/late/late.ini"
            wait_for_service 30 http://127.0.0.1/late
            stop_process late-api
            remove_uwsgi_config /etc/late/late.ini $1' "$word" \
            > "$BATS_TEST_TMPDIR/said" 2>&1 ||
            bad+=("$word: $(< "$BATS_TEST_TMPDIR/said");")
        run in_machine find /etc/late /etc/apache2/sites-available \
            /etc/apache2/sites-enabled /etc/devstack-wsgi -name '*late*'
        [[ "$output" == /etc/late ]] || bad+=("$word leaves $output;")
    done

    assert_none "${bad[@]}"
    # what was never written is removed without a word of complaint
    in_devstack 'remove_uwsgi_config /etc/late/never.ini never'
    in_machine rm -rf /etc/late
}

@test "devstack, $MODE: a reboot brings every API back" {
    "$REPO/tests/bin/machine" reboot "$M"

    lift_start_limit
    wait_for 60 devstack_answers
}

@test "devstack, $MODE: unstack.sh stops and disables every service" {
    devstack unstack.sh

    devstack_stopped
    run in_machine pgrep -u stack -f -- '--ini /etc/(key|nov|pla|cin|neu|hea)'
    assert_failure 1
    # none answers, and nobody else answers for it
    run devstack_answers
    assert_failure
    for REPLY in "${APIS[@]%%=*}"; do
        assert_output --partial "$REPLY at "
    done
}

@test "devstack, $MODE: stack.sh after unstack.sh, and n-api in the other" {
    devstack_conf --callers "$ALL" "DEVSTACK_WSGI_MODE=$MODE" \
        "WSGI_MODE_n_api=$OTHER" "WSGI_MODE_placement_api=$OTHER"

    devstack stack.sh

    devstack_answers
    devstack_units enabled active
    proxied_once
    devstack_apis n-api placement-api
    devstack_servers "$OTHER"
    devstack_apis keystone
    devstack_servers "$MODE"
}

@test "devstack, $MODE: WSGI_TAKE_OVER=False gives it all back to DevStack" {
    devstack_conf "DEVSTACK_WSGI_MODE=$MODE" WSGI_TAKE_OVER=False

    devstack unstack.sh
    devstack stack.sh

    devstack_answers
    devstack_servers uwsgi
    functions_changed 8-test-config
    assert_that "functions that the plugin changed" "$REPLY" ''
    run in_devstack 'declare -F wsgi_deploy'
    assert_output wsgi_deploy
    run in_machine find /etc/systemd/system -path '*/devstack@*.d/*'
    assert_output ''
}

@test "devstack, $MODE: stack.sh over what DevStack's own functions left" {
    devstack_conf --callers "$ALL" "DEVSTACK_WSGI_MODE=$MODE"

    devstack stack.sh

    devstack_answers
    devstack_units enabled active
    devstack_servers "$MODE"
    proxied_once
}

@test "devstack, $MODE: clean.sh leaves the files of before the first run" {
    devstack clean.sh

    # what stock functions wrote meanwhile is not the plugin's
    in_machine rm -rf /run/uwsgi
    system_files > "$BATS_TEST_TMPDIR/after"
    assert_same "$BATS_FILE_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
    in_machine apache2ctl -t
    run in_machine systemctl list-units --all --plain --no-legend \
        'devstack@*'
    refute_output --regexp 'devstack@(key|n-|pla|c-|neu|h-)'
}
