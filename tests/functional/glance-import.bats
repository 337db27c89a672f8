#!/usr/bin/env bats
#
# doc/source/glance.rst: imports of Glance with two workers, under both servers

# bats file_tags=full

load ../helpers/functional

readonly PLACE=http://127.0.0.1/image
VENVS=/opt/stack/data/venvs

function setup_file {
    requires root systemd-nspawn apache2 uwsgi curl || return
    local cache=${XDG_CACHE_HOME:-/var/cache}/devstack-wsgi/venvs
    # its venv, and whether Glance works at all
    [[ -e "$cache/glance/.complete" ]] ||
        "$REPO/tools/conformance" --mode uwsgi glance-api || return
    M=glance-import-$$
    export M
    "$REPO/tests/bin/machine" start "$M" --bind-ro "$cache:$VENVS" || return
    prepare_glance || return
    deploy_glance uwsgi --processes 2
}

# Configure Glance; it may fetch images from this machine.
function prepare_glance {
    local verb
    for verb in configure setup; do
        in_machine "$REPO/tests/conformance/prepare" "$verb" \
            --venv "$VENVS/glance" glance || return
    done
    # it refuses the loopback otherwise
    machine_sh 'printf "%s\n" "[import_filtering_opts]" \
            "allowed_hosts = [127.0.0.1]" |
            install -m 0640 -g stack /dev/stdin \
                /etc/glance/glance-image-import.conf
        head -c 4M /dev/urandom > /var/www/html/source.raw'
}

# Usage: deploy_glance MODE [OPTION...]
function deploy_glance {
    wsgi deploy glance-api --mode "$1" --venv "$VENVS/glance" --user stack \
        --python-path /opt/stack/data/lib "${@:2}" || return
    start_app glance-api
}

# Import so many images one after the other, and read them back.
# Usage: import_images METHOD NUMBER
function import_images {
    run in_machine /usr/bin/python3 "$REPO/tests/harness/imports.py" "$PLACE" \
        --method "$1" --number "$2" \
        --source http://127.0.0.1/source.raw --file /var/www/html/source.raw
    figure glance-import "${lines[0]}"
    assert_success
    assert_output --partial "$1: $2 of $2 read back equal"
}

# The same, staged in chunks under a server; both workers have a part in it.
# Usage: import_staged MODE NUMBER
function import_staged {
    run wsgi status --json glance-api
    assert_output --partial "\"mode\": \"$1\""
    journal_mark

    import_images glance-direct "$2"

    journal_since_mark --unit=devstack@g-api > "$BATS_TEST_TMPDIR/journal"
    # the third word of Glance's lines is the process
    run awk '/status changing from pending/ { worker[$3] }
        END { print length(worker) }' "$BATS_TEST_TMPDIR/journal"
    assert_output 2
}

# An image that is queued; REPLY = its path below PLACE
function make_image {
    local made
    made=$(in_machine curl --silent --fail --max-time 30 \
        -H 'X-Auth-Token: admin' -H 'Content-Type: application/json' \
        --data '{"disk_format": "raw", "container_format": "bare"}' \
        "$PLACE/v2/images")
    [[ "$made" =~ \"id\":\ \"([0-9a-f-]{36})\" ]] || fail "no image: $made"
    REPLY=/v2/images/${BASH_REMATCH[1]}
}

@test "glance: 20 staged in chunks are imported under uWSGI" {
    import_staged uwsgi 20
}

@test "glance: 5 are fetched under uWSGI" {
    import_images web-download 5
}

@test "glance: 20 staged in chunks are imported under mod_wsgi" {
    wsgi switch mod_wsgi glance-api

    import_staged mod_wsgi 20
}

@test "glance: 5 are fetched under mod_wsgi" {
    import_images web-download 5
}

@test "glance: the uwsgi protocol takes no image in chunks, and says 411" {
    deploy_glance uwsgi --transport uwsgi
    make_image

    assert_status 411 -X PUT -H 'X-Auth-Token: admin' -H 'Expect:' \
        -H 'Content-Type: application/octet-stream' \
        -H 'Transfer-Encoding: chunked' --data-binary abc \
        "$PLACE$REPLY/stage"
}
