#!/usr/bin/env bats
#
# tests/harness/load.py: it counts what really came back

load ../helpers/load

# Answers GET with 200, a PUT of a body of 100000 bytes with 201, else 400;
# closes every third connection without an answer when asked for /closes.
SERVER='
import http.server, itertools, socketserver
count = itertools.count(1)

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def body(self):
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers["Content-Length"]))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def do_GET(self):
        if self.path == "/closes" and next(count) % 3 == 0:
            self.close_connection = True
            return
        self.answer(200)

    def do_PUT(self):
        self.answer(201 if len(self.body()) == 100000 else 400)

    def answer(self, status):
        self.send_response(status)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *args):
        pass

class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 100

server = Server(("127.0.0.1", 0), Handler)
print("http://127.0.0.1:%d" % server.server_address[1], flush=True)
server.serve_forever()
'

function setup {
    local tries
    : > "$BATS_TEST_TMPDIR/url"
    /usr/bin/python3 -c "$SERVER" > "$BATS_TEST_TMPDIR/url" 2>&1 3>&- &
    SERVER_PID=$!
    for (( tries = 0; tries < 100; tries++ )); do
        URL=$(<"$BATS_TEST_TMPDIR/url")
        [[ "$URL" != http://*:* ]] || return 0
        sleep 0.1
    done
    fail "the server did not start: $URL"
}

function teardown {
    kill -CONT "$SERVER_PID" 2>/dev/null || true  # it may have ended
    kill "$SERVER_PID" 2>/dev/null || true        # the same
}

# Runs it; figure NAME is then one value of its answer.
function load_py {
    run "$REPO/tests/harness/load.py" --json "$@"
    JSON=$output
}

function figure {
    /usr/bin/python3 -c 'import json, sys
print(json.loads(sys.argv[1])[sys.argv[2]])' "$JSON" "$1"
}

@test "load: every request of the schedule is sent and counted" {
    load_py --url "$URL/" --rate 50 --duration 1

    assert_success
    assert_equal "$(figure sent) $(figure ok) $(figure failed)" "50 50 0"
    assert_equal "$(figure statuses)" "{'200': 50}"
}

@test "load: another status than expected is a failure" {
    load_py --url "$URL/" --rate 20 --duration 0.5 --expect 204,404

    assert_failure 1
    assert_equal "$(figure failed) $(figure statuses)" "10 {'200': 10}"
}

@test "load: a connection that ends without an answer is a failure" {
    load_py --url "$URL/closes" --rate 30 --duration 1

    assert_failure 1
    assert_equal "$(figure ok) $(figure errors)" \
        "20 {'connection closed early': 10}"
}

@test "load: nobody listens: all fail, and no good answer means a long pause" {
    kill "$SERVER_PID"
    wait "$SERVER_PID" || true  # the signal is its status

    load_py --url "$URL/" --rate 20 --duration 1

    assert_failure 1
    assert_equal "$(figure ok) $(figure failed)" "0 20"
    assert_regex "$(figure longest_pause_ms)" '^9[0-9]{2}\.|^[1-9][0-9]{3}\.'
}

@test "load: a body is sent whole, with its length or in chunks" {
    load_py --url "$URL/" --rate 10 --duration 0.5 --method PUT \
        --body-bytes 100000 --expect 201
    assert_success
    load_py --url "$URL/" --rate 10 --duration 0.5 --method PUT \
        --body-bytes 100000 --expect 201 --chunked

    assert_success
    assert_equal "$(figure ok)" 5
}

@test "load: the schedule does not wait for a server that pauses" {
    (
        sleep 0.5
        kill -STOP "$SERVER_PID"
        sleep 1
        kill -CONT "$SERVER_PID"
    ) 3>&- &

    load_py --url "$URL/" --rate 50 --duration 2

    assert_success
    assert_equal "$(figure ok)" 100
    assert_regex "$(figure longest_pause_ms)" '^(9[0-9]|1[0-9]{2})[0-9]\.'
}

@test "load: no answer in time is a failure" {
    kill -STOP "$SERVER_PID"

    load_py --url "$URL/" --rate 10 --duration 0.5 --timeout 0.3

    assert_failure 1
    assert_equal "$(figure errors)" "{'timeout': 5}"
}

@test "load: it ends when the file is there" {
    touch "$BATS_TEST_TMPDIR/end"

    load_py --url "$URL/" --rate 10 --duration 60 \
        --until-file "$BATS_TEST_TMPDIR/end"

    assert_failure 1
    assert_equal "$(figure sent)" 0
}

@test "load: idle connections are used again when asked" {
    load_py --url "$URL/" --rate 50 --duration 1 --connections 4

    assert_success
    assert_equal "$(figure ok) $(figure resent)" "50 0"
}

@test "load: a URL that is none is refused as wrong usage" {
    load_py --url localhost/x

    assert_failure 2
    assert_output --partial "write http://HOST:PORT/PATH"
}
