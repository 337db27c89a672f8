#!/usr/bin/env bats
#
# what a record says is changed while the service is asked 20 times a second

load ../helpers/functional

function setup_file {
    machine_up || return
    in_machine python3 -m venv --without-pip --system-site-packages \
        /srv/venv || return
    serve_all change --env IMPORT_SECONDS=1
}

# Deploy a service with other options, and restart it where deploy says so.
#
# Usage: changed NAME OPTION...
function changed {
    deploy_app "$1" "${where[@]}" --env IMPORT_SECONDS=1 "${@:2}" \
        > /dev/null || return
    wsgi restart "$1" > /dev/null
}

# Change a line of a service's record by hand, and apply it.
#
# Usage: edited NAME KEY VALUE
function edited {
    in_machine sed -i "s/^$2=.*/$2=$3/" \
        "/etc/devstack-wsgi/services/$1.conf"
    wsgi apply "$1" > /dev/null
}

# Do it while the service is asked.
#
# Usage: while_asked TRANSPORT WHAT COMMAND...
# Adds to bad, an array of the caller's
function while_asked {
    load_begin "$1" "$URL/" --rate 20
    wait_for 20 requests_at_least 5 "change-$1"
    "${@:3}" || bad+=("$1 $2: it fails")
    load_end "$1"
    figure "change-$2" "$1: ${LOAD[said]}"
    (( LOAD[failed] == 0 && LOAD[sent] >= 20 )) ||
        bad+=("$1 $2: ${LOAD[text]}")
}

@test "changes: processes, threads, venv, environment: no request fails" {
    local transport name
    local -a bad=() where
    for transport in "${TRANSPORTS[@]}"; do
        name=change-$transport
        where_of "$transport" "$name"
        while_asked "$transport" processes changed "$name" --processes 3
        while_asked "$transport" threads changed "$name" --threads 3
        while_asked "$transport" venv changed "$name" --venv /srv/venv
        while_asked "$transport" environment changed "$name" --env A=b
    done
    assert_none "${bad[@]}"
}

@test "changes: port and secret of the service's httpd: no request fails" {
    local transport name digits
    local -a bad=() where
    printf -v digits '%032x' "$RANDOM"
    for transport in mod-wsgi mod-wsgi-direct; do
        name=change-$transport
        where_of "$transport" "$name"
        while_asked "$transport" secret edited "$name" secret "$digits"
        while_asked "$transport" port edited "$name" port \
            "$(( 12000 + ${#name} ))"
    done
    assert_none "${bad[@]}"
}

# Ask two URLs until a file is there; what neither answers is printed.
#
# Usage: ask_either OLD NEW
function ask_either {
    # shellcheck disable=SC2016  # expanded in the machine
    machine_sh 'while [[ ! -e /run/either.end ]]; do
            for url; do
                said=$(curl --silent --output /dev/null --max-time 30 \
                    --write-out "%{http_code}" "$url")
                [[ "$said" != 200 ]] || break
            done
            echo "$said"
            sleep 0.03
        done' "$@"
}

@test "changes: a path answers at the old URL until the new one does" {
    local transport name log total
    local -a bad=() where
    for transport in "${TRANSPORTS[@]}"; do
        [[ "$transport" != *direct ]] || continue
        name=change-$transport log=$BATS_TEST_TMPDIR/either-$transport
        where_of "$transport" "$name"
        in_machine rm -f /run/either.end
        ask_either "$URL/" "$URL-new/" > "$log" 3>&- &
        wait_for 20 grep -q 200 "$log"

        # the last of these options is the path
        where[-1]=/$name-new
        changed "$name"

        in_machine touch /run/either.end
        wait "$!"
        total=$(wc -l < "$log")
        figure change-path "$transport: $(grep -vc 200 "$log") of $total" \
            "times neither URL answered"
        ! grep -qv 200 "$log" || bad+=("$transport: $(sort "$log" | uniq -c)")
        assert_status 404 "$URL/"
        assert_status 200 "$URL-new/"
    done
    assert_none "${bad[@]}"
}
