#!/usr/bin/env bats
#
# a switch of the server

load ../helpers/functional

function setup_file {
    machine_up && serve http switched
}

# All files that a switch could change, and when they were.
function files {
    tree_of --times /etc /var/lib/devstack-wsgi /run/devstack-wsgi
}

@test "switch: to a server that is unknown is refused, with those that are" {
    local before
    before=$(files)

    run wsgi switch nosuch

    assert_failure 1
    assert_output --regexp \
        "^\[ERROR\] wsgi: switch: mode 'nosuch': known are: .*uwsgi"
    assert_equal "$(files)" "$before"
}

@test "switch: of a service that is unknown is refused, with those that are" {
    local before
    before=$(files)

    run wsgi switch uwsgi switched nosuch

    assert_failure 1
    assert_output --partial "no service 'nosuch'; deployed are: switched"
    assert_equal "$(files)" "$before"
}

@test "switch: to the server that runs changes nothing, its PID stays" {
    local before pid
    before=$(files)
    main_pid switched
    pid=$REPLY
    journal_mark

    run wsgi switch uwsgi

    assert_success
    assert_output 'wsgi: switched: nothing to change'
    run wsgi switch uwsgi switched
    assert_output 'wsgi: switched: nothing to change'
    assert_equal "$(files)" "$before"
    assert_pid switched "$pid"
    assert_reloads 0 0
}

# All files that services have, without when they were.
function services_files {
    tree_of /etc/devstack-wsgi /etc/systemd/system /etc/apache2 \
        /var/lib/devstack-wsgi /run/uwsgi
    in_machine find /run/devstack-wsgi -maxdepth 1 -printf '%p %y %m %u:%g\n' |
        sort
}

@test "switch: there and back under load, none is lost or waits for it" {
    local transport i name
    local -a bad=()
    count 2 10
    local times=$REPLY
    for transport in uwsgi http; do
        serve "$transport" "turn-$transport" --env IMPORT_SECONDS=3
    done
    # once there and back: what the library chooses once is in the record then
    wsgi switch mod_wsgi
    wsgi switch uwsgi
    services_files > "$BATS_TEST_TMPDIR/before"

    for transport in uwsgi http; do
        load_begin "$transport" "http://127.0.0.1/turn-$transport/" --rate 20
    done
    for (( i = 0; i < times; i++ )); do
        wsgi switch mod_wsgi
        run wsgi status --json
        (( $(grep -c '"mode": "mod_wsgi"' <<< "$output") == 3 )) ||
            bad+=("$output")
        run in_machine find /etc/devstack-wsgi/uwsgi
        assert_failure
        wsgi switch uwsgi
    done

    for transport in uwsgi http; do
        load_end "$transport"
        figure "turn-$transport" "$times times there and back," \
            "${LOAD[said]} of an import of 3 s"
        assert_no_failure 100
        # Apache's own: at a reload with requests in flight its new children
        # may come a second later
        assert [ "${LOAD[longest_pause_ms]}" -lt 2500 ]
    done
    assert_none "${bad[@]}"
    assert_same "$BATS_TEST_TMPDIR/before" <(services_files)
    # one listener, one handler
    run in_machine bash -c 'apache2ctl -t -D DUMP_VHOSTS &> /dev/null &&
        grep -lR "^ *ProxyPass .*turn-http" /etc/apache2/sites-enabled/'
    assert_output /etc/apache2/sites-enabled/turn-http.conf
}

@test "switch: a server that does not come up leaves the old one serving" {
    serve http stays
    local pid
    # an application that is particular about its server
    in_machine sed -i '/^import time/a import uwsgi' /srv/stays/probe.py
    wsgi restart stays
    main_pid stays
    pid=$REPLY
    services_files > "$BATS_TEST_TMPDIR/before"
    load_begin all "$URL/" --rate 40

    run wsgi switch mod_wsgi stays

    assert_failure 1
    assert_output --partial "No module named 'uwsgi'"
    load_end all
    assert_no_failure 20
    assert_pid stays "$pid"
    # the port stays chosen, and the modules noted: nothing else
    run diff <(grep -v -e /devstack-wsgi/modules "$BATS_TEST_TMPDIR/before") \
        <(services_files | grep -v -e /devstack-wsgi/modules)
    assert_success
    assert_status_has stays '"mode": "uwsgi", "state": "active"' \
        '"drift": "none"'
}

@test "switch: one of three does not come up, the others are switched" {
    local name
    local -a bad=()
    for name in three-one three-two three-six; do
        serve http "$name"
    done
    in_machine sed -i '/^import time/a import uwsgi' /srv/three-two/probe.py
    wsgi restart three-two
    for name in three-one three-two three-six; do
        load_begin "$name" "http://127.0.0.1/$name/" --rate 20
    done

    run wsgi switch mod_wsgi three-one three-two three-six

    assert_failure 1
    assert_output --partial "No module named 'uwsgi'"
    assert_line "[ERROR] wsgi: switch: not under mod_wsgi: three-two; 'wsgi\
 status' shows what they are under"
    for name in three-one:mod_wsgi three-two:uwsgi three-six:mod_wsgi; do
        load_end "${name%:*}"
        figure switch-others "${name/:/ under }, ${LOAD[said]}"
        assert_no_failure 20
        run wsgi status "${name%:*}" --json
        [[ "$output" == *"\"mode\": \"${name#*:}\", \"state\": \"active\""* &&
            "$output" == *'"drift": "none"'* ]] || bad+=("$name: $output;")
    done
    assert_none "${bad[@]}"
    run in_machine find /etc /var/lib/devstack-wsgi /run/devstack-wsgi \
        -name '*.switch*'
    assert_output ''
}

# As DevStack's Glance: the front speaks to it in HTTP at an address in CONF,
# and DevStack's own command is what starts it.
#
# Usage: adopt_image [ENVIRONMENT]
function adopt_image {
    in_machine install -D -m 0644 -t /srv/image "$REPO/tests/fixtures/apps/probe.py"
    in_machine env STACK_USER=www-data "$REPO/tools/wsgi" adopt_config \
        /etc/image.ini /srv/image/probe.py /image image /usr/bin/uwsgi \
        'local 127.0.0.1' no
    wsgi adopt_unit devstack@g-api.service \
        '/usr/bin/uwsgi --procname-prefix image --ini /etc/image.ini' '' \
        www-data "${1:-}" /usr/bin:/bin
}

@test "switch: a CONF with an address of its own goes there and back" {
    local i address
    count 2 10
    local times=$REPLY
    adopt_image IMPORT_SECONDS=1
    wsgi start image
    run in_machine grep -c '^http-socket = 127.0.0.1:' /etc/image.ini
    assert_output 1
    address=$(in_machine sed -n 's/^http-socket = //p' /etc/image.ini)
    wsgi switch mod_wsgi image
    wsgi switch uwsgi image
    services_files > "$BATS_TEST_TMPDIR/before"
    load_begin all http://127.0.0.1/image/ --rate 20

    for (( i = 0; i < times; i++ )); do
        wsgi switch mod_wsgi image
        assert_status 200 "http://$address/image/"
        wsgi switch uwsgi image
        assert_status 200 "http://$address/image/"
    done

    load_end all
    figure "image" "$times times there and back, ${LOAD[said]}"
    assert_no_failure 40
    assert_same "$BATS_TEST_TMPDIR/before" <(services_files)
}

# As DevStack's Designate: its plugin writes another site over ours, which
# sends to an address that the plugin puts into CONF.
#
# Usage: adopt_names ADDRESS [ENVIRONMENT]
function adopt_names {
    in_machine install -D -m 0644 -t /srv/names "$REPO/tests/fixtures/apps/probe.py"
    in_machine env STACK_USER=www-data "$REPO/tools/wsgi" adopt_config \
        /etc/names.ini /srv/names/probe.py /names names /usr/bin/uwsgi '' no
    in_machine sed -i "/^\[uwsgi\]/a http-socket = $1" /etc/names.ini
    in_machine a2enmod --quiet proxy_http
    machine_sh "echo 'ProxyPass \"/names\" \"http://$1\" retry=0' \
        > /etc/apache2/sites-available/names.conf"
    in_machine systemctl reload apache2
    wsgi adopt_unit devstack@names-api.service \
        '/usr/bin/uwsgi --procname-prefix names --ini /etc/names.ini' '' \
        www-data "${2:-}" /usr/bin:/bin
}

@test "switch: a site that its plugin wrote over is asked all the while" {
    local i
    count 2 10
    local times=$REPLY
    adopt_names 127.0.0.1:60053 IMPORT_SECONDS=1
    wsgi start names
    wsgi switch mod_wsgi names
    wsgi switch uwsgi names
    services_files > "$BATS_TEST_TMPDIR/before"
    load_begin all http://127.0.0.1/names/ --rate 20

    for (( i = 0; i < times; i++ )); do
        wsgi switch mod_wsgi names
        wsgi switch uwsgi names
    done

    load_end all
    figure "names" "$times times there and back, ${LOAD[said]}"
    assert_no_failure 40
    assert_same "$BATS_TEST_TMPDIR/before" <(services_files)
    run in_machine cat /etc/apache2/sites-available/names.conf
    assert_output 'ProxyPass "/names" "http://127.0.0.1:60053" retry=0'
}

@test "switch: a site that would ask nobody is refused, and goes on" {
    adopt_image
    wsgi start image
    wsgi switch mod_wsgi image
    # as a person does it who wants another timeout
    in_machine sed -i 's/ProxyPass .*/& timeout=20/' \
        /etc/apache2/sites-available/image.conf
    in_machine systemctl reload apache2
    load_begin all http://127.0.0.1/image/ --rate 20

    run wsgi switch uwsgi image

    assert_failure 1
    assert_output --partial \
        'sites-available/image.conf was edited and would ask nobody under uwsgi'
    load_end all
    # it is refused at once
    assert_no_failure 1
    run wsgi status image --json
    assert_output --partial '"mode": "mod_wsgi", "state": "active"'
    wsgi remove image
}

@test "switch: with an address of its own, what comes waits for the import" {
    local i
    count 2 10
    local times=$REPLY
    serve direct address --env IMPORT_SECONDS=2

    load_begin all "$URL/" --rate 40
    for (( i = 0; i < times; i++ )); do
        wsgi switch mod_wsgi address
        wsgi switch uwsgi address
    done
    load_end all

    figure "address" "$times times there and back, ${LOAD[said]} of an" \
        "import of 2 s"
    assert_no_failure 100
    run in_machine systemctl is-active devstack@address.forward
    assert_output inactive
}

@test "switch: one that fails with an address of its own goes on as it was" {
    serve direct address-stays
    in_machine sed -i '/^import time/a import uwsgi' \
        /srv/address-stays/probe.py
    wsgi restart address-stays
    load_begin all "$URL/" --rate 40

    run wsgi switch mod_wsgi address-stays

    assert_failure 1
    assert_output --partial "No module named 'uwsgi'"
    load_end all
    assert_no_failure 20
    assert_status_has address-stays '"mode": "uwsgi", "state": "active"' \
        '"drift": "none"'
}

@test "switch: cut off wherever it is, the next apply makes it whole" {
    local tenths state signal name
    local -a bad=()
    serve http cut --env IMPORT_SECONDS=1
    serve http cut-too --env IMPORT_SECONDS=1
    count 4 24
    local cuts=$REPLY i

    for (( i = 1; i <= cuts; i++ )); do
        # over the four seconds or so that it takes
        tenths=$(( 3 + 42 * i / (cuts + 1) ))
        signal=KILL
        # as by Ctrl-C
        (( i % 2 )) || signal=INT
        in_machine env --default-signal=INT timeout -s "$signal" \
            "$(( tenths / 10 )).$(( tenths % 10 ))" \
            "$REPO/tools/wsgi" switch mod_wsgi cut cut-too &> /dev/null ||
            true  # it was killed
        run wsgi apply
        (( status == 0 )) || bad+=("$tenths: $output;")
        for name in cut cut-too; do
            http_status "http://127.0.0.1/$name/"
            state=$REPLY
            run wsgi status "$name" --json
            [[ "$state" == 200 && "$output" == *'"state": "active"'* && \
                "$output" == *'"drift": "none"'* ]] ||
                bad+=("$tenths: $state $output;")
        done
        run in_machine find /etc /var/lib/devstack-wsgi -name '*.switch*'
        [[ -z "$output" ]] || bad+=("$tenths: $output;")
        run in_machine systemctl list-units --plain --no-legend --all \
            'devstack@cut*.switch*'
        [[ -z "$output" ]] || bad+=("$tenths: $output;")
        wsgi switch uwsgi cut cut-too > /dev/null
    done

    assert_none "${bad[@]}"
}

@test "switch: a deployment under the other server loses nothing either" {
    serve http redeployed --env IMPORT_SECONDS=1
    load_begin all "$URL/" --rate 40

    deploy_app redeployed --path /redeployed --mode mod_wsgi \
        --env IMPORT_SECONDS=1
    # which server it is under is not forgotten
    run deploy_app redeployed --path /redeployed --env IMPORT_SECONDS=1
    assert_output 'wsgi: redeployed: nothing to change'
    in_machine sed -i '/^import time/a import mod_wsgi' \
        /srv/redeployed/probe.py
    # as deploy_app does it, but with the application as it is now
    run wsgi deploy redeployed --path /redeployed --mode uwsgi \
        --app probe:application --chdir /srv/redeployed --user www-data
    assert_failure 1
    assert_output --partial "No module named 'mod_wsgi'"
    load_end all

    assert_no_failure 60
    assert_status_has redeployed '"mode": "mod_wsgi", "state": "active"'
}

@test "switch: a toggle deploys under the other server" {
    in_machine install -D -m 0644 -t /srv/toggled "$REPO/tests/fixtures/apps/probe.py"

    in_machine env WSGI_MODE=mod_wsgi "$REPO/tools/wsgi" deploy toggled \
        --app probe:application --chdir /srv/toggled --user www-data \
        --path /toggled
    assert_status_has toggled '"mode": "mod_wsgi"'
    in_machine env WSGI_MODE=mod_wsgi WSGI_MODE_toggled=uwsgi \
        "$REPO/tools/wsgi" deploy toggled --app probe:application \
        --chdir /srv/toggled --user www-data --path /toggled

    assert_status_has toggled '"mode": "uwsgi"'
    run in_machine ls /etc/devstack-wsgi/mod_wsgi/toggled.conf
    assert_failure
}

# How many units systemd had on their way up at the same time since the mark.
# Usage: most_at_a_time PREFIX    REPLY = the number
function most_at_a_time {
    local line now=0
    REPLY=0
    while IFS= read -r line; do
        case $line in
            "Starting devstack@$1"*.service*) now=$(( now + 1 )) ;;
            "Started devstack@$1"*.service*)  now=$(( now - 1 )) ;;
        esac
        (( now <= REPLY )) || REPLY=$now
    done < <(journal_since_mark _PID=1)
}

@test "switch: many go side by side, few of them start at a time" {
    local mode i said
    local -a bad=()
    for i in 1 2 3 4 5; do
        deploy_app "side-$i" --path "/side-$i" --processes 1 \
            --env IMPORT_SECONDS=0.5
    done
    wsgi start side-{1..5}
    for i in 1 2 3 4 5; do
        load_begin "$i" "http://127.0.0.1/side-$i/" --rate 20
    done

    for mode in mod_wsgi uwsgi; do
        journal_mark
        # two processors, however many there are
        run in_machine taskset -c 0,1 "$REPO/tools/wsgi" switch "$mode" \
            side-{1..5}
        assert_success
        # one to go over, one to go back
        reloads_since_mark
        [[ "$APACHE_RELOADS" == 2 ]] ||
            bad+=("$mode: $APACHE_RELOADS reloads of Apache;")
        most_at_a_time side-
        (( REPLY >= 1 && REPLY <= 2 )) || bad+=("$mode: $REPLY at a time;")
        for i in 1 2 3 4 5; do
            said=$(grep -cE "^wsgi: devstack@side-[1-5](\.switch)?: started,\
 $i of 5, after [0-9]+ s$" <<< "$output")
            [[ "$said" == 2 ]] || bad+=("$mode: $i of 5: $output;")
        done
    done

    for i in 1 2 3 4 5; do
        load_end "$i"
        [[ "${LOAD[failed]}" == 0 && "${LOAD[sent]}" -gt 100 ]] ||
            bad+=("side-$i: ${LOAD[text]};")
    done
    figure switch-many "5 services there and back, ${LOAD[said]} of the last"
    assert_none "${bad[@]}"
    wsgi remove side-{1..5}
}
