#!/usr/bin/env bats
#
# what is tried against a service from outside, and by others on the machine

load ../helpers/functional

function setup_file {
    machine_up &&
        in_machine useradd --system --no-create-home service &&
        serve_all tried --user service
}

function tidy {
    [[ -z "${HOLD:-}" ]] || release
}

# Where the services of a transport answer.
#
# Usage: at TRANSPORT    Sets URL, PORT and PREFIX
function at {
    local -a where
    where_of "$1" "tried-$1"
    PORT=80 PREFIX=/tried-$1
    [[ "$1" != *direct ]] || PORT=${URL##*:} PREFIX=''
}

# Send a request as it is.
#
# Usage: raw TEXT    REPLY = the statuses of all answers; ANSWER = the answers
#   TEXT  '@' stands for the service's prefix, '|' for a line's end
function raw {
    local text=${1//@/$PREFIX}
    text=${text//|/'\r\n'}
    ANSWER=$(printf '%s' "$text" | in_machine /usr/bin/python3 \
        "$REPO/tests/harness/raw.py" ask "$PORT" | tr -d '\0')
    REPLY=${ANSWER%%$'\n'*}
}

# Hold connections open, and go on sending a byte now and then.
#
# Usage: hold COUNT TEXT
#   Sets HOLD, the file descriptor that ends it, and HELD, that of its output
function hold {
    local text=${2//@/$PREFIX} said
    text=${text//|/'\r\n'}
    coproc HOLDER {
        in_machine /usr/bin/python3 "$REPO/tests/harness/raw.py" hold \
            "$PORT" "$1" "$text" 3>&-
    }
    HOLD=${HOLDER[1]}
    exec {HELD}<&"${HOLDER[0]}"
    read -r -t 120 said <&"$HELD"
    assert_equal "$said" ready
}

# Let go of them; so many were still held: an answer that came meanwhile did
# not wait for their end.
#
# Usage: release [NUMBER]
function release {
    local pid=$HOLDER_PID
    exec {HOLD}>&-
    HOLD=''
    read -r -t 60 REPLY <&"$HELD"
    exec {HELD}<&-
    wait "$pid" || true  # ended by its input
    [[ $# -eq 0 ]] ||
        assert_that "connections that are still held" "$REPLY" "$1"
}

# What others are answered meanwhile, five times.
#
# Usage: others URL    adds to the array bad of the caller
function others {
    local i
    for i in 1 2 3 4 5; do
        http_status "$1"
        [[ "$REPLY" == 200 ]] && continue
        bad+=("$1, $i: $REPLY;")
        return 0
    done
}

# The environ, as the probe says it, has these words and not those.
#
# Usage: environ_of HEADERS HAS HAS_NOT    adds to the array bad of the caller
function environ_of {
    raw "GET @/environ HTTP/1.1|Host: x|$1||"
    [[ "$REPLY" == 200 && "$ANSWER" == *"$2"* ]] ||
        bad+=("$PREFIX $1: $REPLY without $2: $ANSWER"$'\n')
    [[ -z "$3" || "$ANSWER" != *"$3"* ]] ||
        bad+=("$PREFIX $1: $3: $ANSWER"$'\n')
}

@test "attacks: what two servers could read differently is not read so" {
    local transport row plain hidden='GET @/print?hidden HTTP/1.1|Host: x||'
    local said
    local -a bad=()
    # what follows the first lines of a POST; each is refused
    local -a refused=(
        'Content-Length: 5|Content-Length: 0||hello'
        'Content-Length: 5, 0||hello'
        'Content-Length: +5||hello'
        'Content-Length: -5||hello'
        'Content-Length: 0x5||hello'
        'Content-Length: 5x||hello'
        'Content-Length : 5||hello'
        'Transfer-Encoding : chunked||5|hello|0||'
        'Transfer-Encoding: chuncked||5|hello|0||'
        'Transfer-Encoding: xchunked|Content-Length: 5||5|hello|0||'
        'Transfer-Encoding: identity|Content-Length: 5||hello'
        'Transfer-Encoding: gzip, chunked||5|hello|0||'
        'Transfer-Encoding: chunked, identity||5|hello|0||'
        'Transfer-Encoding: chunked|Transfer-Encoding: x||5|hello|0||'
        'X-A: b\nContent-Length: 5||hello'
        'X-A: b\nTransfer-Encoding: chunked||5|hello|0||'
        'X-A: b\rContent-Length: 5||hello'
        'X-A: b\0c||'
        'X Roles: admin||'
        'Transfer-Encoding: chunked||5;a\nhello|0||'
        'Transfer-Encoding: chunked||-5|hello|0||'
        'Transfer-Encoding: chunked||fffffffffffffffff5|hello|0||'
    )
    # each is one request at most; N is the length of the hidden one, X in hex
    local -a one=(
        "Content-Length: 5|Transfer-Encoding: chunked||0||$hidden"
        "Transfer-Encoding: chunked|Content-Length: 5||0||$hidden"
        "Content-Length: N||$hidden"
        "X-A: b| Content-Length: 0|Content-Length: N||$hidden"
        "Transfer-Encoding: chunked||X|$hidden|0||"
        "Transfer-Encoding: chunked||X;a=b|$hidden|0||"
    )
    journal_mark
    for transport in "${TRANSPORTS[@]}"; do
        at "$transport"
        for row in "${refused[@]}"; do
            raw "POST @/sum HTTP/1.1|Host: x|$row"

            # an end without an answer says no as well
            [[ "$REPLY" =~ ^([45][0-9][0-9]|none)$ ]] ||
                bad+=("$transport: $row: $REPLY"$'\n')
        done
        plain=${hidden//@/$PREFIX}
        plain=${plain//|/__}
        for row in "${one[@]}"; do
            row=${row//N|/${#plain}|}
            printf -v plain '%x' "${#plain}"
            row=${row//|X/|$plain}
            plain=${hidden//@/$PREFIX}
            plain=${plain//|/__}

            raw "POST @/refuse HTTP/1.1|Host: x|$row"

            [[ "$REPLY" =~ ^([0-9][0-9][0-9]|none)$ ]] ||
                bad+=("$transport: $row: $ANSWER"$'\n')
        done
    done
    assert_none "${bad[@]}"
    said=$(journal_since_mark)
    # the refused ones are there
    [[ "$said" == *'/refuse HTTP/1.1" 403'* ]]
    [[ "$said" != *'stderr hidden'* ]] || fail "$said"
}

@test "attacks: an empty header hides no other in underscore form" {
    local transport header
    local -a bad=()
    for transport in "${TRANSPORTS[@]}"; do
        at "$transport"
        for header in X_Forwarded_Proto X-Forwarded_Proto X_Forwarded-Proto; do
            environ_of "$header:" '"wsgi.url_scheme": "http"' https
            environ_of "$header: https|A_B:" '"wsgi.url_scheme": "http"' https
        done
        for header in X_Devstack_Wsgi_Peer X-Devstack_Wsgi-Peer \
                X-Devstack-Wsgi_Peer X_Devstack-Wsgi-Peer; do
            environ_of "$header: 6.6.6.6|A_B:" \
                '"REMOTE_ADDR": "127.0.0.1"' '"REMOTE_ADDR": "6.6.6.6'
        done
        # under uWSGI without a front these are what they look like
        [[ "$transport" != direct ]] || continue
        environ_of 'Content_Length: 3|A_B:' '"REMOTE_ADDR"' 'LENGTH": "3'
        environ_of 'Transfer_Encoding: chunked|A_B:' '"REMOTE_ADDR"' \
            TRANSFER_ENCODING
    done
    assert_none "${bad[@]}"
}

@test "attacks: nobody takes our headers out by naming them in Connection" {
    local transport row
    local -a bad=()
    local -a rows=(
        'Connection: X-Forwarded-Proto'
        'connection: close, x-forwarded-proto, x-devstack-wsgi-peer'
        'Connection: keep-alive|Connection: X-Devstack-Wsgi-Peer'
        'Connection: X-Devstack-Wsgi-Secret'
        'Connection: a,|X-B: c|Connection:\tX-Forwarded-Proto ,b'
    )
    for transport in "${TRANSPORTS[@]}"; do
        at "$transport"
        for row in "${rows[@]}"; do
            environ_of "$row" '"REMOTE_ADDR": "127.0.0.1"' ''
            # without a front it says nothing of the scheme
            [[ "$transport" == *direct ]] ||
                environ_of "$row" '"HTTP_X_FORWARDED_PROTO": "http"' ''
        done
    done
    assert_none "${bad[@]}"
}

# Whether the access line is there; said = what there is since the mark.
function has_asked_environ {
    said=$(journal_since_mark)
    [[ "$said" == *'GET '*'/environ HTTP/1.1" 200'* ]]
}

@test "attacks: a client's request id is not logged as the service's" {
    local transport said
    local -a bad=()
    for transport in "${TRANSPORTS[@]}"; do
        at "$transport"
        journal_mark

        environ_of 'X-Openstack-Request-Id: req-forged' req-forged ''

        wait_for 10 has_asked_environ
        [[ "$said" != *req-forged* ]] || bad+=("$transport: $said"$'\n')
    done
    assert_none "${bad[@]}"
}

@test "attacks: uWSGI's own variables run nothing as headers" {
    local transport name
    local -a bad=() headers=()
    in_machine bash -c 'echo "open(\"/tmp/ran-header\", \"w\")" \
        > /srv/header.py'
    for name in FILE SCRIPT MODULE APPID HOME SETENV; do
        headers+=(-H "UWSGI_$name: /srv/header.py"
            -H "Uwsgi-$name: /srv/header.py")
    done
    for transport in "${TRANSPORTS[@]}"; do
        at "$transport"
        http_status "${headers[@]}" "$URL/environ"
        [[ "$REPLY" == [24]* ]] || bad+=("$transport: $REPLY")
        # without the form that is refused as such
        http_status -H 'Uwsgi-File: /srv/header.py' -H 'Uwsgi-Appid: other' \
            "$URL/environ"
        [[ "$REPLY" == 200 ]] || bad+=("$transport: $REPLY")
    done
    assert_none "${bad[@]}"
    run in_machine test -e /tmp/ran-header
    assert_failure 1
}

@test "attacks: no URL leaves the prefix of a service" {
    local transport path info
    local -a bad=()
    local -a paths=(
        '@/../x' '@/..' '@/%2e%2e/x' '@/.%2e/x' '@/%2e%2e%2fx' '@/..%2fx'
        '@//../x' '@/x/../../etc' '@%2fenviron' '@;x/environ' '@x/environ'
        '//@/../x' '@/a\\..\\x' '@/;/../../x' '@/%252e%252e/x' '/@/%2e%2e/x'
        '@/..%5cx' '@/%00/../../x' '@/..;/x' '/%2e/@/..'
    )
    for transport in uwsgi http mod-wsgi; do
        at "$transport"
        # what the paths below would show is shown
        raw 'GET //x/..@//environ?environ HTTP/1.1|Host: x||'
        [[ "$ANSWER" == *"\"SCRIPT_NAME\": \"$PREFIX\""* ]] ||
            bad+=("$transport: $ANSWER"$'\n')
        for path in "${paths[@]}"; do
            raw "GET $path?environ HTTP/1.1|Host: x||"

            [[ "$ANSWER" == *'"PATH_INFO"'* ]] || continue
            info=${ANSWER#*'"PATH_INFO": "'}
            info=${info%%\"*}
            [[ "$ANSWER" == *"\"SCRIPT_NAME\": \"$PREFIX\""* &&
                "$info/" != */../* ]] ||
                bad+=("$transport: $path: $ANSWER"$'\n')
        done
    done
    assert_none "${bad[@]}"
}

@test "attacks: values are what they are, and nothing of them runs" {
    local mode value i
    local -a bad=() options=()
    # shellcheck disable=SC2016  # values, not expansions
    local -a values=(
        '100%done %n %h %i %t' '$(touch /tmp/ran-value)' '@(exec://id)'
        '`touch /tmp/ran-value`' '${HOME} $HOME $$' '%(path) %%d'
        '"; touch /tmp/ran-value; "' "' touch '" 'a\nExecStartPre=/bin/false'
        '#no comment' ';' '<a> & | > /tmp/ran-value'
    )
    for (( i = 0; i < ${#values[@]}; i++ )); do
        options+=(--env "VALUE_$i=${values[i]}")
    done
    for mode in uwsgi mod_wsgi; do
        wsgi deploy valued --mode "$mode" --path /valued --user service \
            --app probe:application --chdir /srv/tried-uwsgi "${options[@]}"
        start_app valued
        in_machine curl --silent --output /tmp/valued.json \
            http://127.0.0.1/valued/process
        for (( i = 0; i < ${#values[@]}; i++ )); do
            value=$(in_machine /usr/bin/python3 -c '
import json, sys
print(json.load(open("/tmp/valued.json"))["variables"].get(sys.argv[1]))
' "VALUE_$i")
            [[ "$value" == "${values[i]}" ]] ||
                bad+=("$mode: ${values[i]}: $value"$'\n')
        done
    done
    wsgi remove valued
    assert_none "${bad[@]}"
    run in_machine test -e /tmp/ran-value
    assert_failure 1
}

@test "attacks: no link that another user planted is followed" {
    local as=(setpriv --reuid=service --clear-groups)
    in_machine install -d -o service /srv/own /srv/own/folder
    machine_sh 'echo "secret=of another" > /etc/only-root
        chmod 0600 /etc/only-root'
    wsgi deploy linked --app probe:application --chdir /srv/tried-uwsgi \
        --user service --path /linked --conf /srv/own/folder/linked.ini

    # in the place of CONF, which root reads and writes
    in_machine "${as[@]}" ln -sf /etc/only-root /srv/own/folder/linked.ini
    run wsgi apply linked
    assert_failure 1
    assert_output --partial '/srv/own/folder/linked.ini on the way'
    run in_machine "${as[@]}" cat /srv/own/folder/linked.ini
    assert_output --partial 'Permission denied'

    # in the place of its folder
    in_machine "${as[@]}" rm -r /srv/own/folder
    in_machine "${as[@]}" ln -s /etc /srv/own/folder
    run wsgi apply linked
    assert_failure 1
    run in_machine test -e /etc/linked.ini
    assert_failure 1

    # DevStack gives /run/uwsgi to the stack user
    in_machine rm /srv/own/folder
    in_machine "${as[@]}" mkdir /srv/own/folder
    wsgi deploy linked --app probe:application --chdir /srv/tried-uwsgi \
        --user service --path /linked --conf /srv/own/folder/linked.ini
    in_machine chown service /run/uwsgi
    in_machine "${as[@]}" ln -sf /etc/only-root /run/uwsgi/linked.socket
    start_app linked
    wsgi stop linked
    run in_machine cat /etc/only-root
    assert_output 'secret=of another'
    in_machine chown root /run/uwsgi
    wsgi remove linked
}

@test "attacks: nobody else holds the lock, or has it written elsewhere" {
    local as=(setpriv --reuid=nobody --clear-groups)
    # everybody may write where it lay once
    in_machine "${as[@]}" ln -sf /etc/only-root /run/lock/devstack-wsgi
    machine_sh 'echo kept > /etc/only-root'

    run wsgi apply
    assert_success
    run in_machine cat /etc/only-root
    assert_output kept

    run in_machine "${as[@]}" flock --nonblock /run/devstack-wsgi.lock true
    assert_failure
    assert_output --partial 'Permission denied'
}

@test "attacks: a hundred clients with slow headers keep nobody waiting" {
    local transport
    local -a bad=()
    at uwsgi

    hold 100 'GET @/ HTTP/1.1|Host: x|X-A: '

    for transport in uwsgi http mod-wsgi; do
        at "$transport"
        others "$URL/"
    done
    release 100
    assert_none "${bad[@]}"
}

@test "attacks: slow headers without a front keep nobody waiting (mod_wsgi)" {
    local -a bad=()
    at mod-wsgi-direct

    # more than the httpd has threads
    hold 400 'GET @/ HTTP/1.1|Host: x|X-A: '

    others "$URL/"
    release 400
    assert_none "${bad[@]}"
}

@test "attacks: idle connections without a front do no harm (mod_wsgi)" {
    local connections
    local -a bad=()
    at mod-wsgi-direct
    # more than systemd lets a service have, if nobody says otherwise
    count 1100 10000
    connections=$REPLY

    hold "$connections" ''

    others "$URL/"
    release "$connections"
    assert_none "${bad[@]}"
    figure idle-connections "$connections held, 5 of 5 others answered"
}

@test "attacks: slow bodies keep nobody waiting" {
    local transport
    local -a bad=()
    for transport in http mod-wsgi; do
        at "$transport"
        hold 20 'POST @/sum HTTP/1.1|Host: x|Content-Length: 10000||a'

        others "$URL/"
        release 20
    done
    # a worker of the service waits there, but none of another one
    at uwsgi
    hold 20 'POST @/sum HTTP/1.1|Host: x|Content-Length: 10000||a'
    at http
    others "$URL/"
    release 20
    assert_none "${bad[@]}"
}
