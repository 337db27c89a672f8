#!/usr/bin/env bats
#
# files/mod_wsgi: what passes connections on, and how an httpd is stopped

load ../../helpers/load
load ../../helpers/unit

function setup {
    sandbox
}

# Run forward.py on a socket, with no httpd behind it until one is asked for.
#
# Usage: forward TEXT [IDLE]
#   TEXT  Python; sees 'ask', the address; 'httpd(answer)', which starts one
#         that answers so and gives what it was asked; 'process'
function forward {
    cat > "$BATS_TEST_TMPDIR/conf" <<'END'
port=@PORT@
secret=0123456789abcdef0123456789abcdef
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
    # a client says none of them
    assert_line --index 2 --partial 'X-Devstack-Wsgi-Peer: 127.0.0.1'
    assert_line --index 3 --partial 'X-Devstack-Wsgi-Direct: yes'
    assert_line --index 4 --partial \
        'X-Devstack-Wsgi-Secret: 0123456789abcdef0123456789abcdef'
    refute_output --partial 6.6.6.6
}

@test "mod_wsgi forward: told to end, what waits for the httpd gets 503" {
    forward '
client = socket.create_connection(ask, 10)
client.sendall(b"GET /a HTTP/1.1\r\n\r\n")
# of a socket that listens, tcpi_unacked is what nobody has taken yet
while struct.unpack_from("I", front.getsockopt(
        socket.IPPROTO_TCP, socket.TCP_INFO, 104), 24)[0]:
    time.sleep(0.01)
process.terminate()
print(*client.recv(65536).decode().splitlines()[:2], sep="\n")
client.close()
print(process.wait(10))
'
    assert_success
    assert_line --index 0 'HTTP/1.1 503 Service Unavailable'
    assert_line --index 1 'Retry-After: 2'
    assert_line --index 2 0
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
    text.write("port=%d\nsecret=x\n" % port)
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
            ["/usr/bin/python3", "-I", sys.argv[2], "stop", "--facts", conf],
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

@test "mod_wsgi settle: each setting of uWSGI that --set takes, CONF may say" {
    local words
    fake_system
    "$REPO/tools/wsgi" deploy one --app m:a --path /one --user "$ACCOUNT" \
        --mode mod_wsgi
    printf 'threads = 1\n' > "$BATS_TEST_TMPDIR/defaults"
    printf '%s\n' 'threads = 3' 'harakiri = 9' 'max-requests = 7' \
        'listen = 5' 'chdir = /srv' 'odd = 1' > "$BATS_TEST_TMPDIR/ini"

    run env RUNTIME_DIRECTORY="$BATS_TEST_TMPDIR" /usr/bin/python3 -I \
        "$REPO/files/mod_wsgi/control.py" settle \
        --ini "$BATS_TEST_TMPDIR/ini" --defaults "$BATS_TEST_TMPDIR/defaults" \
        --facts "$WSGI_SYSROOT/etc/devstack-wsgi/mod_wsgi/one.facts"

    assert_success
    assert_output \
        "devstack-wsgi: $BATS_TEST_TMPDIR/ini: odd means nothing to mod_wsgi"
    words=$(< "$BATS_TEST_TMPDIR/daemon.conf")
    assert_equal "$words" 'Define DEVSTACK_WSGI_DAEMON "processes=2 threads=3 '\
'home=/srv shutdown-timeout=9 listen-backlog=5 connect-timeout=0 '\
'socket-timeout=600 header-buffer-size=65535 lang=C.UTF-8 locale=C.UTF-8 request-timeout=9 maximum-requests=7"'
}
