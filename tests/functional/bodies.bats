#!/usr/bin/env bats
#
# bodies of requests: those that nobody reads, and uploads

load ../helpers/functional

function setup_file {
    machine_up || return
    count 32 256
    export MIB=$REPLY
    # shellcheck disable=SC2016  # expanded in the machine
    machine_sh 'python3 -c "
import random
source = random.Random(1)
for _ in range($1):
    print(end=\"\", flush=True)
    import sys
    sys.stdout.buffer.write(source.randbytes(1 << 20))
" > /srv/upload' "$MIB" || return
    SUM=$(in_machine sha256sum /srv/upload)
    export SUM=${SUM%% *}
}

# Send bodies of every size that the application answers with 403 and does
# not read.
#
# Usage: refuse_bodies TRANSPORT [OPTION of deploy...]
function refuse_bodies {
    local size rate words=() bad=() name=refuse-$BATS_TEST_NUMBER
    count 80 800
    local number=$REPLY
    serve "$1" "$name" "${@:2}"
    for size in 2 1000 60000 300000 2000000; do
        rate=100
        (( size < 1000000 )) || rate=25
        load_begin "$size" "$URL/refuse" --method PATCH --expect 403 \
            --body-bytes "$size" --rate "$rate" \
            --duration "$(( number / rate )).$(( number % rate * 100 / rate ))"
        load_wait "$size"
        words+=("$size bytes: ${LOAD[ok]} of ${LOAD[sent]};")
        (( LOAD[ok] == number )) || bad+=("$size bytes: ${LOAD[text]}")
    done

    figure "$*" "403 to ${words[*]}"
    assert_none "${bad[@]}"
}

@test "bodies: the answer comes where nobody reads the body (uwsgi)" {
    refuse_bodies uwsgi
}

@test "bodies: the answer comes where nobody reads the body (http)" {
    refuse_bodies http
}

@test "bodies: the answer comes where nobody reads the body (direct)" {
    refuse_bodies direct
}

@test "bodies: the answer comes where nobody reads the body (mod-wsgi)" {
    refuse_bodies mod-wsgi
}

@test "bodies: the answer comes where nobody reads the body (mod-wsgi-direct)" {
    refuse_bodies mod-wsgi-direct
}

@test "bodies: the same without post-buffering (http)" {
    refuse_bodies http --set post-buffering=0
}

@test "bodies: the same without post-buffering (direct)" {
    refuse_bodies direct --set post-buffering=0
}

@test "bodies: the same where it is chunked" {
    local transport size
    local -a bad=()
    count 80 800
    local number=$REPLY
    for transport in http direct mod-wsgi mod-wsgi-direct; do
        serve "$transport" "refuse-chunked-$transport"
        for size in 2 300000; do
            load_begin "$size" "$URL/refuse" --method PATCH --expect 403 \
                --body-bytes "$size" --chunked --rate 80 \
                --duration "$(( number / 80 ))"
            load_wait "$size"
            (( LOAD[ok] == number )) ||
                bad+=("$transport, $size bytes: ${LOAD[text]}")
        done
    done
    assert_none "${bad[@]}"
}

# Upload slowly, and watch whether Apache or the service spools it.
#
# Usage: upload NAME URL [OPTION of curl...]
# Sets:  LENGTH, DIGEST (what the application saw), LARGEST, GROWN
function upload {
    local name=$1 url=$2 said watched watcher
    shift 2
    in_machine rm -f /run/watch.end
    in_machine /usr/bin/python3 "$REPO/tests/harness/spool.py" \
        --until-file /run/watch.end "devstack@$name.service" apache2.service \
        > "$BATS_TEST_TMPDIR/watched" 2>&1 3>&- &
    watcher=$!
    # some three seconds, to have something to look at
    said=$(in_machine curl --silent --show-error --max-time 120 \
        --limit-rate "$(( MIB * 350 ))K" --upload-file /srv/upload \
        "$@" "$url")
    in_machine touch /run/watch.end
    wait "$watcher"
    watched=$(<"$BATS_TEST_TMPDIR/watched")
    figure "$MIB MiB to $url" "$said, $watched"
    [[ "$said" =~ \"length\":\ ([0-9]+),\ \"sha256\":\ \"([0-9a-f]+)\" ]]
    LENGTH=${BASH_REMATCH[1]} DIGEST=${BASH_REMATCH[2]}
    [[ "$watched" =~ \"looks\":\ ([0-9]+),\ \"largest\":\ ([0-9]+), ]]
    LARGEST=${BASH_REMATCH[2]}
    assert [ "${BASH_REMATCH[1]}" -gt 20 ]
    [[ "$watched" =~ \"grown\":\ ([0-9]+) ]]
    GROWN=${BASH_REMATCH[1]}
}

# What a buffer may hold, but no file of the upload.
readonly LITTLE=1048576

# Usage: upload_chunked TRANSPORT PATH
function upload_chunked {
    local name=chunked-$BATS_TEST_NUMBER
    serve "$1" "$name"

    upload "$name" "$URL$2" -H 'Transfer-Encoding: chunked'

    assert_that "length and sum in wsgi.input" "$LENGTH $DIGEST" \
        "$(( MIB << 20 )) $SUM"
    assert [ "$LARGEST" -lt "$LITTLE" ]
    assert [ "$GROWN" -lt "$LITTLE" ]
}

@test "bodies: a chunked upload is whole in wsgi.input, no file (http)" {
    upload_chunked http /sum
}

@test "bodies: a chunked upload is whole in wsgi.input, no file (direct)" {
    upload_chunked direct /sum
}

@test "bodies: a chunked upload is whole in wsgi.input, no file (mod-wsgi)" {
    upload_chunked mod-wsgi /sum
}

@test "bodies: a chunked upload is whole in wsgi.input (mod-wsgi-direct)" {
    upload_chunked mod-wsgi-direct /sum
}

@test "bodies: a chunked upload is whole by chunked_read(), no file (http)" {
    upload_chunked http /sum-chunked
}

@test "bodies: a chunked upload is whole by chunked_read(), no file (direct)" {
    upload_chunked direct /sum-chunked
}

@test "bodies: a plain upload without post-buffering needs no file either" {
    serve http plain --set post-buffering=0

    upload plain "$URL/sum"

    assert_that "length and sum in wsgi.input" "$LENGTH $DIGEST" \
        "$(( MIB << 20 )) $SUM"
    assert [ "$LARGEST" -lt "$LITTLE" ]
}

@test "bodies: a plain upload with post-buffering is spooled, and is whole" {
    serve uwsgi spooled

    upload spooled "$URL/sum"

    # so the tests above do look at the right place
    assert_that "length and sum in wsgi.input" "$LENGTH $DIGEST" \
        "$(( MIB << 20 )) $SUM"
    assert [ "$LARGEST" -gt "$LITTLE" ]
    assert [ "$GROWN" -gt "$LITTLE" ]
}

@test "bodies: a plain upload under mod_wsgi needs no file" {
    serve mod-wsgi plain-mod-wsgi

    upload plain-mod-wsgi "$URL/sum"

    assert_that "length and sum in wsgi.input" "$LENGTH $DIGEST" \
        "$(( MIB << 20 )) $SUM"
    assert [ "$LARGEST" -lt "$LITTLE" ]
}

@test "bodies: one of more than 1 GiB is taken" {
    local transport
    local -a bad=()
    for transport in http mod-wsgi; do
        serve "$transport" "large-$transport" --set post-buffering=0

        # shellcheck disable=SC2016  # expanded in the machine
        run machine_sh 'head -c 1100M /dev/zero | curl --silent \
            --upload-file - --max-time 300 "$1/sum"' "$URL"

        [[ "$output" == '{"length": 1153433600, '* ]] ||
            bad+=("$transport: $output;")
    done
    assert_none "${bad[@]}"
}

@test "bodies: the uwsgi transport refuses a chunked body with 411" {
    serve uwsgi no-chunks

    # it says so (Length Required), rather than pass on an empty body
    assert_status 411 --data-binary abc -H 'Transfer-Encoding: chunked' \
        "$URL/sum"
}

@test "bodies: clients that reset their uploads hold no process" {
    local transport
    local -a bad=() where
    for transport in "${TRANSPORTS[@]}"; do
        serve "$transport" "reset-$transport"
        # one for each process
        in_machine python3 -c 'import socket, struct, sys, time, urllib.parse
url = urllib.parse.urlsplit(sys.argv[1])
for _ in range(2):
    with socket.create_connection((url.hostname, url.port or 80)) as sock:
        sock.sendall(b"PUT %s/sum HTTP/1.1\r\nHost: x\r\nContent-Length: "
                     b"1000000\r\n\r\n" % url.path.encode() + bytes(400000))
        time.sleep(1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                        struct.pack("ii", 1, 0))' "$URL"
        http_status --max-time 20 "$URL/"
        [[ "$REPLY" == 200 ]] || bad+=("$transport: $REPLY")
    done

    assert_none "${bad[@]}"
}
