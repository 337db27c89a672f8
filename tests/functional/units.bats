#!/usr/bin/env bats
#
# units that others add to, or write anew

load ../helpers/functional

@test "units: a drop-in of a person has effect, and no deploy touches it" {
    local folder=/etc/systemd/system/devstack@mine.service.d
    # a setting of uWSGI, whose effect a client sees
    local text='[Service]
Environment="UWSGI_ADD_HEADER=X-Mine: yes"'
    serve http mine
    # as 'systemctl edit' writes it
    # shellcheck disable=SC2016  # expanded in the machine
    machine_sh 'echo "$1" > "$2/90-mine.conf"
        systemctl daemon-reload' "$text" "$folder"

    deploy_app mine --path /mine --env OURS=yes --on-demand
    wsgi restart mine

    run in_machine curl --silent --head "$URL/"
    assert_line 'X-Mine: yes'$'\r'
    run in_machine systemctl show -p Environment devstack@mine
    assert_output --partial ' OURS=yes '
    assert_status_has mine '"drift": "none"'

    wsgi remove mine

    run in_machine ls -A "$folder"
    assert_output 90-mine.conf
    run in_machine cat "$folder/90-mine.conf"
    assert_output "$text"
    # and the next service of this name has it
    serve http mine
    run in_machine curl --silent --head "$URL/"
    assert_line 'X-Mine: yes'$'\r'
}

# Write the main unit anew, as DevStack does at each start: the same command,
# and all else in its own way.
#
# Usage: rewrite_unit NAME
function rewrite_unit {
    # shellcheck disable=SC2016  # expanded in the machine
    machine_sh '
        unit=/etc/systemd/system/devstack@$1.service
        command=$(grep ^ExecStart= "$unit")
        printf "%s\n" "" "[Unit]" "Description = Devstack devstack@$1" "" \
            "[Service]" "RestartForceExitStatus = 100" \
            "NotifyAccess = all" "Restart = always" "KillMode = process" \
            "Type = notify" "ExecReload = /bin/kill -HUP \$MAINPID" \
            "ExecStart = ${command#*=}" "User = www-data" \
            "SyslogIdentifier = devstack@$1" \
            "Environment = \"PYTHONUNBUFFERED=1\"" "" \
            "[Install]" "WantedBy = multi-user.target" > "$unit"
        systemctl daemon-reload' "$1"
}

@test "units: one that was written anew is kept, and restarts lose nothing" {
    local transport name unit text i pid
    local -a bad=()
    for transport in "${TRANSPORTS[@]}"; do
        name=anew-$transport
        unit=/etc/systemd/system/devstack@$name.service
        serve "$transport" "$name"
        rewrite_unit "$name"
        text=$(in_machine cat "$unit")

        load_begin "$name" "$URL/" --rate 40
        main_pid "$name"
        pid=$REPLY
        in_machine systemctl restart "devstack@$name"
        local -a where
        where_of "$transport" "$name"
        run deploy_app "$name" "${where[@]}" --processes 3
        (( status == 0 )) || bad+=("$name: deploy: $output;")
        run wsgi apply "$name"
        [[ "$output" == *'nothing to change'* ]] ||
            bad+=("$name: apply: $output;")
        in_machine systemctl reload "devstack@$name"
        wsgi restart "$name"
        load_end "$name"

        figure "$name" "two restarts and a reload, ${LOAD[failed]} of" \
            "${LOAD[sent]} failed"
        assert_no_failure 40
        main_pid "$name"
        assert_not_equal "$REPLY" "$pid"
        run in_machine cat "$unit"
        [[ "$output" == "$text" ]] || bad+=("$name: $output;")
        run wsgi status "$name" --json
        [[ "$output" == *'"workers": 3,'*'"drift": "unit:edited"'* ]] ||
            bad+=("$name: $output;")
        run wsgi stop "$name"
        http_status "$URL/"
        [[ "$REPLY" == 503 || "$transport $REPLY" == *"direct 000" ]] ||
            bad+=("$name: stopped, and answers $REPLY;")
    done
    assert_none "${bad[@]}"
}
