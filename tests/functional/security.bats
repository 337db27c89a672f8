#!/usr/bin/env bats
#
# what other users of the machine and clients must not be able to do

load ../helpers/functional

function setup_file {
    # an account that is neither root's nor Apache's
    machine_up &&
        in_machine useradd --system --no-create-home service &&
        serve_all safe --user service
}

# Connect to a socket as a user; the text is 'connected' or the reason.
#
# Usage: connect_as USER SOCKET
function connect_as {
    "$REPO/tests/bin/machine" run "$M" --user "$1" --cwd / -- python3 -c '
import socket, sys
try:
    socket.socket(socket.AF_UNIX).connect(sys.argv[1])
    print("connected")
except OSError as error:
    print(error.strerror)
' "$2"
}

@test "security: the socket is the service's and Apache's, and 0660" {
    local name
    for name in safe-uwsgi safe-http safe-mod-wsgi; do
        run in_machine stat -c '%a %U:%G' "/run/devstack-wsgi/$name.socket"
        assert_output '660 service:www-data'
        [[ "$name" == safe-mod-wsgi ]] || {
            run in_machine stat -c '%a %U:%G' "/run/devstack-wsgi/$name.http"
            assert_output '660 service:www-data'
        }
        run in_machine stat -c '%a %U:%G' /run/devstack-wsgi
        assert_output '755 root:root'
        run in_machine readlink "/run/uwsgi/$name.socket"
        assert_output "/run/devstack-wsgi/$name.socket"
    done
}

@test "security: another user connects to no socket of a service" {
    local socket
    local -a bad=()
    local -a sockets
    mapfile -t sockets < <(in_machine find /run/devstack-wsgi /run/uwsgi/ \
        -type s -o -type l -o -type p)
    # of three services the socket and its link; of uWSGI's the one for HTTP,
    # stats and fifo; of the others what mod_wsgi listens on; of all two doors
    assert_equal "${#sockets[@]}" 26

    for socket in "${sockets[@]}"; do
        run connect_as nobody "$socket"
        [[ "$output" == 'Permission denied' ]] ||
            bad+=("$socket: $output;")
    done

    assert_none "${bad[@]}"
    run connect_as www-data /run/devstack-wsgi/safe-uwsgi.socket
    assert_output connected
    # Apache has no business at a worker's door
    for socket in "${sockets[@]}"; do
        [[ "$socket" != *.door ]] || break
    done
    run connect_as www-data "$socket"
    assert_output 'Permission denied'
    run connect_as service "$socket"
    assert_output connected
}

@test "security: nothing that deploy made is writable for others" {
    local -a places
    mapfile -t places < <(machine_sh '
        printf "%s\n" /etc/devstack-wsgi /var/lib/devstack-wsgi \
            /run/devstack-wsgi /run/uwsgi
        find /etc/systemd/system -name "devstack@*"
        find /etc/apache2/sites-* -name "safe-*"')
    assert [ "${#places[@]}" -gt 10 ]

    run in_machine find "${places[@]}" ! -type l -perm /o+w

    assert_output ''
    # nor for the service itself
    run in_machine find "${places[@]}" ! -path '/run/*' ! -user root
    assert_output ''
}

@test "security: the settings of a service are not for everybody's eyes" {
    local file

    for file in uwsgi/safe-http.ini uwsgi/safe-http.py \
            services/safe-http.conf services/safe-mod-wsgi.conf \
            mod_wsgi/safe-mod-wsgi.conf mod_wsgi/safe-mod-wsgi.wsgi; do
        run "$REPO/tests/bin/machine" run "$M" --user nobody -- \
            cat "/etc/devstack-wsgi/$file"
        assert_failure
        assert_output --partial 'Permission denied'
    done
}

@test "security: a service's own port answers 403 to all but the front" {
    local transport port row
    local -a bad=() rows=(
        'X-Devstack-Wsgi-Secret: 0123456789abcdef0123456789abcdef'
        'X-Devstack-Wsgi-Secret:'
        'X-Devstack-Wsgi-Peer: 127.0.0.1'
        'X_Devstack_Wsgi_Secret: x'
    )
    for transport in mod-wsgi mod-wsgi-direct; do
        port=$(in_machine sed -n 's/^port=//p' \
            "/etc/devstack-wsgi/services/safe-$transport.conf")
        # and it is not there for others at all
        run in_machine ss --no-header --tcp --listening --numeric \
            "sport = :$port"
        [[ "$output" == *" 127.0.0.1:$port "* && "$output" != *$'\n'* ]] ||
            bad+=("$transport: $output;")
        for row in 'Accept: */*' "${rows[@]}"; do
            http_status -H "$row" "http://127.0.0.1:$port/safe-$transport/"
            [[ "$REPLY" == 403 ]] || bad+=("$transport: $row: $REPLY;")
        done
    done
    # where the address is public, none of these headers is the client's
    where_of mod-wsgi-direct safe-mod-wsgi-direct
    for row in "${rows[@]}"; do
        http_status -H "$row" "$URL/environ"
        [[ "$REPLY" == [24]* ]] || bad+=("direct: $row: $REPLY;")
        run in_machine curl --silent -H "$row" "$URL/environ"
        [[ "$output" != *SECRET* ]] || bad+=("direct: $row: $output;")
    done
    assert_none "${bad[@]}"
}

@test "security: a client's header counts for nothing that is ours" {
    local transport row header word said
    local -a bad=() where these
    # a header, and what must not be in the environ then
    local -a rows=(
        'X-Forwarded-Proto: https|"wsgi.url_scheme": "https"'
        'X-Forwarded-Proto: https|"HTTP_X_FORWARDED_PROTO": "https"'
        'x-forwarded-proto: https|"https"'
        'X_Forwarded_Proto: https|"https"'
        'X-Forwarded_Proto: https|"https"'
        'X-Forwarded-Ssl: on|"wsgi.url_scheme": "https"'
        'Https: on|"wsgi.url_scheme": "https"'
        'HTTPS: on|"HTTPS"'
        'Proxy: http://evil|evil'
        'Remote-User: admin|"REMOTE_USER"'
        'REMOTE_USER: admin|"REMOTE_USER"'
        'X-Devstack-Wsgi-Peer: 6.6.6.6|"REMOTE_ADDR": "6.6.6.6"'
        'X-Forwarded-For: 6.6.6.6|"REMOTE_ADDR": "6.6.6.6"'
    )
    # behind Apache; directly, X_Roles is as much the client's as X-Roles
    local -a front=(
        'X_Roles: admin|admin'
        'X_ROLES: admin|admin'
        'X-Project_Id: admin|admin'
        'X_Auth_Token: secret|secret'
        'X_Identity_Status: Confirmed|Confirmed'
        'REMOTE_USER: admin|admin'
        'Content_Length: 4|"CONTENT_LENGTH": "4"'
        'X_Devstack_Wsgi_Peer: 6.6.6.6|6.6.6.6'
    )
    for transport in "${TRANSPORTS[@]}"; do
        where_of "$transport" "safe-$transport"
        these=("${rows[@]}")
        [[ "$transport" == *direct ]] || these+=("${front[@]}")
        for row in "${these[@]}"; do
            header=${row%%|*}
            word=${row#*|}

            said=$(in_machine curl --silent --max-time 10 -H "$header" \
                --write-out ' %{http_code}' "$URL/environ") || true

            [[ "$said" == *' '[24]?? ]] && [[ "$said" != *"$word"* ]] ||
                bad+=("$transport: $header: $said"$'\n')
            # the request is answered without it
            [[ "$said" == *'"wsgi.url_scheme"'*' 200' ]] ||
                bad+=("$transport: $header: $said"$'\n')
        done
    done
    assert_none "${bad[@]}"
}

@test "security: without mod_lua a header in underscore form is refused" {
    local -a where
    where_of http safe-http
    http_status -H 'X_Roles: admin' "$URL/environ"
    assert_equal "with mod_lua: $REPLY" 'with mod_lua: 200'
    in_machine a2dismod --quiet lua
    in_machine systemctl restart apache2

    http_status -H 'X_Roles: admin' "$URL/environ"
    assert_equal "without: $REPLY" 'without: 403'
    http_status -H 'X-Roles: admin' "$URL/environ"
    assert_equal "without, with hyphens: $REPLY" 'without, with hyphens: 200'

    in_machine a2enmod --quiet lua
    in_machine systemctl restart apache2
}

@test "security: no spelling of the path gets past the header rules" {
    local name path said
    local -a bad=()
    for name in safe-uwsgi safe-http safe-mod-wsgi; do
        for path in "//$name" "/%73${name#s}" "/x/../$name" "/./$name" \
                "/$name/." "/$name/x/.." "/x/%2e%2e/$name"; do
            said=$(in_machine curl --silent --max-time 10 --path-as-is \
                -H 'X-Forwarded-Proto: https' -H 'Proxy: evil' \
                -H 'X_Roles: admin' -H 'X-Underscore: no' \
                "http://127.0.0.1$path/environ")

            [[ "$said" != *admin* && "$said" != *evil* &&
                "$said" != *'"https"'* ]] || bad+=("$path: $said"$'\n')
        done
    done
    assert_none "${bad[@]}"
}

@test "security: a TCP listener does not speak the uwsgi protocol" {
    local -a where
    in_machine bash -c 'echo "open(\"/tmp/ran\", \"w\")" > /srv/evil.py'
    where_of direct safe-direct

    # a packet that would run a file of the sender's choice
    run in_machine python3 -c '
import socket, struct, sys
packet = b""
for key, value in ((b"REQUEST_METHOD", b"GET"), (b"PATH_INFO", b"/"),
                   (b"SCRIPT_NAME", b""), (b"REQUEST_URI", b"/"),
                   (b"SERVER_PROTOCOL", b"HTTP/1.1"),
                   (b"UWSGI_FILE", b"/srv/evil.py"),
                   (b"UWSGI_APPID", b"evil")):
    for text in (key, value):
        packet += struct.pack("<H", len(text)) + text
sock = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 5)
sock.sendall(struct.pack("<BHB", 0, len(packet), 0) + packet + b"\r\n\r\n")
sock.shutdown(socket.SHUT_WR)
sock.settimeout(5)
try:
    print(sock.recv(4096))
except OSError as error:
    print(error)
' "${URL##*:}"

    refute_output --partial '200 OK'
    run in_machine test -e /tmp/ran
    assert_failure 1
}
