#!/usr/bin/env bats
#
# lib/servers/mod_wsgi: its configuration, and what it answers about itself

load ../../helpers/load
load ../../helpers/unit

# what differs here: the others are rendered by the same lines
readonly SHAPES_HERE=(path listen path-listen on-demand script venv words
    names healthcheck)

function setup {
    fake_system
    untraced load_lib lib/verbs
    export DEVSTACK_WSGI_MODE=mod_wsgi GOLDEN_SERVER=mod_wsgi
}

# Usage: all_files NAME    adds every file of a record to _WSGI_FILES
function all_files {
    wsgi_mod_wsgi_files "$1" && _wsgi_unit_files "$1" && _wsgi_site_files "$1"
}

@test "mod_wsgi: every kind of file, in its shapes, is its golden copy" {
    local row
    local -a rows=(
        'config .conf' 'script .wsgi' 'unit .service'
        'dropin .service.d.conf' 'socket-unit .socket'
        'forward-unit .forward.service' 'site .site.conf'
    )
    local -a shapes=()
    for row in "${SHAPES_HERE[@]}"; do
        [[ "$row" == words ]] || shapes+=("$row")
    done

    for row in "${rows[@]}"; do
        assert_golden_shapes "${row% *}" "${row#* }" all_files "${shapes[@]}"
    done
}

@test "mod_wsgi script: what is made of the template is Python" {
    local name
    local -a _WSGI_FILES=() texts=()
    requires python3
    for name in path script; do
        shape "$name"
        _WSGI_FILES=()
        wsgi_mod_wsgi_files thing-api
        texts+=("${_WSGI_FILES[3]}")
    done
    deploy other --arg --config-file --arg 'a b' --arg '100%{x}'
    _wsgi_record_load_all
    _WSGI_FILES=()
    wsgi_mod_wsgi_files other
    texts+=("${_WSGI_FILES[3]}")

    run python3 -c '
import ast
import sys

for text in sys.argv[1:]:
    for node in ast.parse(text).body:
        if isinstance(node, ast.Assign) and isinstance(
                node.targets[0], ast.Attribute):
            print(ast.literal_eval(node.value.right))
' "${texts[@]}"

    assert_success
    assert_line --index 0 '[]'
    assert_line --index 2 "['--config-file', 'a b', '100%{x}']"
}

@test "mod_wsgi config: the real httpd reads every shape" {
    local name run=$BATS_TEST_TMPDIR/run
    local -a _WSGI_FILES=() bad=()
    requires /usr/sbin/apache2 || return
    mkdir -p "$run"
    for name in "${SHAPES_HERE[@]}"; do
        [[ "$name" != words ]] || continue
        untraced shape "$name"
        _WSGI_FILES=()
        wsgi_mod_wsgi_files thing-api
        printf '%s' "${_WSGI_FILES[1]}" |
            sed "s#/run/devstack-wsgi/[a-z-]*#$run#" \
                > "$BATS_TEST_TMPDIR/conf"

        run /usr/sbin/apache2 -t -f "$BATS_TEST_TMPDIR/conf"

        [[ "$output" == 'Syntax OK' ]] || bad+=("$name: $output;")
    done
    assert_equal "${bad[*]}" ''
}

@test "mod_wsgi check: absent, it is named with what to install" {
    rm "$WSGI_SYSROOT"/usr/lib/apache2/modules/mod_wsgi.so*

    run deploy one

    assert_failure 1
    assert_output --partial 'mod_wsgi is not installed; install apache2'
    assert_output --partial libapache2-mod-wsgi-py3
    assert_file_not_exists "$WSGI_SYSROOT/etc/devstack-wsgi"
}

@test "mod_wsgi check: a venv of another Python is refused, both are named" {
    local module
    fake_venv other 3.12.1

    run deploy one --venv "$REPLY"

    assert_failure 1
    assert_output --partial 'the venv has Python 3.12'
    assert_output --partial '/usr/lib/apache2/modules/mod_wsgi.so is for 3.11'
    assert_file_not_exists "$WSGI_SYSROOT/etc/devstack-wsgi"

    # the module of the venv itself, built for it; then for another
    module=$REPLY/lib/python3.12/site-packages/mod_wsgi/server
    fake_venv other 3.12.1
    module=$REPLY/lib/python3.12/site-packages/mod_wsgi/server
    mkdir -p "$module"
    : > "$module/mod_wsgi-py312.cpython-312-x86_64-linux-gnu.so"
    deploy one --venv "$REPLY"
    run grep LoadModule\ wsgi "$WSGI_SYSROOT/etc/devstack-wsgi/mod_wsgi/one.conf"
    assert_output --partial "\"$module/mod_wsgi-py312.cpython-312"
    mv "$module/mod_wsgi-py312.cpython-312-x86_64-linux-gnu.so" \
        "$module/mod_wsgi-py313.cpython-313-x86_64-linux-gnu.so"
    run deploy one --venv "$REPLY"
    assert_failure 1
    assert_output --partial 'the venv has Python 3.12'
    assert_output --partial 'is for 3.13'
}

@test "mod_wsgi settings: options of its own, and what uWSGI calls otherwise" {
    local conf=$WSGI_SYSROOT/etc/devstack-wsgi/mod_wsgi/one.conf

    deploy one --set maximum-requests=9 --set harakiri=60 \
        --set post-buffering=0 --set listen-backlog=7

    run grep "^Define DEVSTACK_WSGI_DAEMON" "$conf"
    assert_output --partial ' maximum-requests=9'
    assert_output --partial ' request-timeout=60'
    assert_output --partial ' listen-backlog=7'
    refute_output --partial 'listen-backlog=1024'
    refute_output --partial buffering
}

@test "mod_wsgi settings: what hangs gets no more mercy than time" {
    local seconds wanted conf
    local -a bad=()
    conf=$WSGI_SYSROOT/etc/devstack-wsgi/mod_wsgi/one.conf
    for seconds in 1 30 60; do
        wanted=30
        (( seconds > wanted )) || wanted=$seconds

        deploy one --set "harakiri=$seconds"

        REPLY=$(grep "^Define DEVSTACK_WSGI_DAEMON" "$conf")
        [[ "$REPLY" == *" shutdown-timeout=$wanted "* ]] ||
            bad+=("$seconds: $REPLY")
    done
    assert_equal "${bad[*]}" ''
}

@test "mod_wsgi settings: others are refused, with those that are known" {
    local setting
    local -a bad=()
    for setting in nonsense=1 user=root processes=3 home=/ script-user=x \
            'request-timeout=1 user=root' 'request-timeout="1"' \
            harakiri=abc umask=18 umask=00022; do
        run deploy one --set "$setting"
        [[ $status -eq 1 && "$output" == '[ERROR] wsgi: one: --set '* ]] ||
            bad+=("$setting: $output;")
    done
    assert_equal "${bad[*]}" ''
    assert_file_not_exists "$WSGI_SYSROOT/etc/devstack-wsgi"
}

# Usage: own NAME    Sets PORT and SECRET, of its record
function own {
    local file=$WSGI_SYSROOT/etc/devstack-wsgi/services/$1.conf
    PORT=$(sed -n 's/^port=//p' "$file")
    SECRET=$(sed -n 's/^secret=//p' "$file")
}

@test "mod_wsgi port: chosen once, whatever becomes of the service" {
    local port secret
    deploy one
    own one
    port=$PORT secret=$SECRET
    assert_regex "$port" '^2[34][0-9]{3}$'
    assert_regex "$secret" '^[0-9a-f]{32}$'

    deploy one --threads 3
    wsgi switch uwsgi one
    wsgi switch mod_wsgi one
    deploy one --mode uwsgi
    deploy one
    own one

    assert_equal "$PORT $SECRET" "$port $secret"
    # two services have two secrets
    deploy two
    own two
    assert_not_equal "$SECRET" "$secret"
    run stat -c %a "$WSGI_SYSROOT/etc/apache2/sites-available/two.conf"
    assert_output 640
}

@test "mod_wsgi port: of no other service, and of no program that listens" {
    local port listener
    deploy one
    own one
    port=$PORT
    wsgi remove one

    # another service's address
    deploy direct --listen "127.0.0.1:$port" --mode uwsgi
    deploy one
    own one
    assert_equal "$PORT" "$(( port + 1 ))"
    wsgi remove one direct
    # a program; who only speaks from a port is none
    /usr/bin/python3 -c 'import socket, sys, time
port = int(sys.argv[1])
with socket.create_server(("0.0.0.0", port)), socket.create_connection(
        ("127.0.0.1", port), source_address=("127.0.0.1", port + 1)):
    print("listens", flush=True)
    time.sleep(60)' "$port" > "$BATS_TEST_TMPDIR/listens" 3>&- &
    listener=$!
    until [[ -s "$BATS_TEST_TMPDIR/listens" ]]; do
        kill -0 "$listener" || return
    done
    # shellcheck disable=SC2016  # expanded by that shell
    run env -u WSGI_SYSROOT bash -c 'source "$1/lib/verbs"
        _wsgi_record_free_port one && echo "$REPLY"' - "$REPO"
    kill "$listener"
    assert_output "$(( port + 1 ))"
    deploy one
    own one
    assert_equal "$PORT" "$port"
    # and an address that is its port already is refused to others
    run deploy direct --listen "0.0.0.0:$PORT"
    assert_failure 1
    run deploy direct --listen "127.0.0.1:$PORT"
    assert_failure 1
}

@test "mod_wsgi port: a record that was written by hand gets one, and keeps" {
    local port file=$WSGI_SYSROOT/etc/devstack-wsgi/services/one.conf
    mkdir -p "${file%/*}"
    printf '%s\n' '# mine' name=one app=m:a path=/one mode=mod_wsgi \
        "user=$ACCOUNT" "group=$ACCOUNT" > "$file"

    wsgi apply
    own one
    port=$PORT
    wsgi apply

    own one
    assert_equal "$PORT" "$port"
    assert_regex "$port" '^2[34][0-9]{3}$'
    assert_equal "$(head -n 1 "$file")" '# mine'
}

@test "mod_wsgi port: no option sets it" {
    local option
    for option in --port --secret; do
        run deploy one "$option" 23456
        assert_failure 2
        assert_output --partial "unknown option '$option'"
    done
}

@test "mod_wsgi packages: by the distribution's names" {
    wsgi_mod_wsgi_packages
    assert_equal "$REPLY" 'apache2 libapache2-mod-wsgi-py3'
    mv "$WSGI_SYSROOT/etc/apache2" "$WSGI_SYSROOT/etc/httpd"
    wsgi_mod_wsgi_packages
    assert_equal "$REPLY" 'httpd python3-mod_wsgi'
}

@test "mod_wsgi stats: a service that does not run has none" {
    local -A _WSGI_STATS=()
    shape path

    wsgi_mod_wsgi_stats thing-api

    assert_equal "${_WSGI_STATS[thing-api]}" '- -'
}

# Run forward.py on a socket, with no httpd behind it until one is asked for.
#
# Usage: forward TEXT [IDLE]
#   TEXT  Python; sees 'ask', the address; 'httpd(answer)', which starts one
#         that answers so and gives what it was asked; 'process'
function forward {
    cat > "$BATS_TEST_TMPDIR/conf" <<'END'
Listen 127.0.0.1:@PORT@
Define DEVSTACK_WSGI_SECRET 0123456789abcdef0123456789abcdef
END
    run /usr/bin/python3 -c '
import os, socket, struct, subprocess, sys, threading, time

def listener():
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("127.0.0.1", 0))
    return sock

front = listener()
front.listen(16)
ask = front.getsockname()
behind = listener()
port = behind.getsockname()[1]
conf = sys.argv[1]
text = open(conf).read().replace("@PORT@", str(port))
open(conf, "w").write(text)
os.dup2(front.fileno(), 3)
process = subprocess.Popen(
    ["/usr/bin/python3", "-I", sys.argv[2], conf] + sys.argv[4:],
    pass_fds=[3], env=dict(os.environ, LISTEN_FDS="1"))

def httpd(answer):
    behind.listen(16)
    seen = []
    def serve():
        sock, _ = behind.accept()
        got = b""
        while b"\r\n\r\n" not in got:
            got += sock.recv(65536)
        seen.append(got.decode())
        sock.sendall(answer)
        sock.close()
    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    return thread, seen

try:
    exec(sys.argv[3])
finally:
    process.kill()
' "$BATS_TEST_TMPDIR/conf" "$REPO/files/mod_wsgi/forward.py" "$@"
}

@test "mod_wsgi forward: a request waits for the httpd, headers are added" {
    forward '
client = socket.create_connection(ask, 10)
client.sendall(b"GET /a HTTP/1.1\r\nX-Devstack-Wsgi-Peer: 6.6.6.6\r\n\r\n")
time.sleep(0.5)
thread, seen = httpd(b"HTTP/1.1 200 OK\r\n\r\nbody")
answer = b""
while True:
    part = client.recv(65536)
    if not part:
        break
    answer += part
thread.join()
print(answer.decode().splitlines()[-1])
print(seen[0])
'
    assert_success
    assert_line --index 0 body
    assert_line --index 1 --partial 'GET /a HTTP/1.1'
    # before all that the client says
    assert_line --index 2 --partial 'X-Devstack-Wsgi-Peer: 127.0.0.1'
    assert_line --index 3 --partial 'X-Devstack-Wsgi-Direct: yes'
    assert_line --index 4 --partial \
        'X-Devstack-Wsgi-Secret: 0123456789abcdef0123456789abcdef'
    assert_line --index 5 --partial 'X-Devstack-Wsgi-Peer: 6.6.6.6'
}

@test "mod_wsgi forward: told to end, it takes no more and ends what it has" {
    forward '
client = socket.create_connection(ask, 10)
client.sendall(b"GET /a HTTP/1.1\r\n\r\n")
# of a socket that listens, tcpi_unacked is what nobody has taken yet
while struct.unpack_from("I", front.getsockopt(
        socket.IPPROTO_TCP, socket.TCP_INFO, 104), 24)[0]:
    time.sleep(0.01)
process.terminate()
time.sleep(0.5)
print(process.poll())
thread, seen = httpd(b"HTTP/1.1 200 OK\r\n\r\nbody")
print(client.recv(65536).decode().splitlines()[-1])
print(process.wait(10))
'
    assert_success
    assert_output $'None\nbody\n0'
}

@test "mod_wsgi forward: on demand, it ends when nobody has come for long" {
    forward '
client = socket.create_connection(ask, 10)
time.sleep(1.5)
# one that is open counts
print(process.poll())
client.close()
print(process.wait(10))
' 0.5
    assert_success
    assert_output $'None\n0'
}

@test "mod_wsgi stop: no connection that waits at the port is reset" {
    # an httpd that is slow to accept, and closes its port when it is told to
    cat > "$BATS_TEST_TMPDIR/httpd" <<'END'
import signal, socket, sys, time
port = socket.create_server(('127.0.0.1', 0), backlog=256)
print(port.getsockname()[1], flush=True)
signal.signal(signal.SIGWINCH, lambda *_: port.close() or sys.exit())
while True:
    client, _ = port.accept()
    client.sendall(b'ok')
    client.close()
    time.sleep(0.02)
END
    run /usr/bin/python3 -c '
import collections, os, socket, subprocess, sys, threading, time
httpd = subprocess.Popen([sys.executable, sys.argv[1]], stdout=subprocess.PIPE)
port = int(httpd.stdout.readline())
conf = sys.argv[1] + ".conf"
with open(conf, "w") as text:
    text.write("Listen 127.0.0.1:%d\nDefine DEVSTACK_WSGI_SECRET x\n" % port)
said = collections.Counter()
def ask():
    try:
        with socket.create_connection(("127.0.0.1", port), 10) as client:
            said[client.recv(9).decode() or "nothing"] += 1
    except OSError as error:
        said[type(error).__name__] += 1
clients = []
stop = None
while stop is None or stop.poll() is None:
    clients.append(threading.Thread(target=ask))
    clients[-1].start()
    if len(clients) == 40:
        threading.Thread(target=httpd.wait).start()
        stop = subprocess.Popen(
            ["/usr/bin/python3", "-I", sys.argv[2], "stop", "--conf", conf],
            env={"MAINPID": str(httpd.pid), "RUNTIME_DIRECTORY": "/nowhere"})
    time.sleep(0.01)
clients.append(threading.Thread(target=ask))
clients[-1].start()
for client in clients:
    client.join()
print(stop.wait(), *sorted(said))
' "$BATS_TEST_TMPDIR/httpd" "$REPO/files/mod_wsgi/control.py"

    assert_success
    assert_output '0 ConnectionRefusedError ok'
}
