#!/usr/bin/env bats
#
# tests/harness/operate.py: the proofs of tests/conformance, asked of no service

load ../helpers/load

# Run a proof against an API that knows two answers in JSON: one for who has a
# token, and one for who has none.
#
# Usage: operate PROJECT NAME STATUS TEXT [STATUS]
#   STATUS  with a token; without one (401)
function operate {
    run env PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 -c '
import http.server, subprocess, sys, threading

tool, project, name, status, text, other = sys.argv[1:]

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        known = self.headers.get("X-Auth-Token")
        self.send_response(int(status if known else other))
        self.end_headers()
        self.wfile.write(text.encode())

    do_POST = do_GET

    def log_message(self, *args):
        pass

with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
    threading.Thread(target=server.serve_forever, daemon=True).start()
    done = subprocess.run([sys.executable, tool, project, name,
                           "http://127.0.0.1:%d" % server.server_port])
    server.shutdown()
sys.exit(done.returncode)' \
        "$REPO/tests/harness/operate.py" "$1" "$2" "$3" "$4" "${5:-401}"
}

@test "operate: a proof tells in one line what it saw" {
    operate zun zun-api 200 '{"containers": [1, 2]}'

    assert_success
    assert_output "containers: 401 without a token, 2 with"
}

@test "operate: a list that needs no token is no proof" {
    operate zun zun-api 200 '{"containers": []}' 200

    assert_failure 1
    assert_output 'GET /v1/containers: 200 instead of 401: {"containers": []}'
}

@test "operate: what is refused, and what is not as it should be, is a line" {
    operate zun zun-api 500 'the reason'
    assert_failure 1
    assert_output 'GET /v1/containers: 500 instead of 200: the reason'

    operate kuryr kuryr-libnetwork 200 '{}' 200
    assert_failure 1
    assert_output 'answered {}'

    operate zun zun-api 200 '{}'
    assert_failure 1
    assert_output "KeyError('containers')"
}

@test "operate: a name that the project does not prove is wrong usage" {
    operate zun nova-api 200 '{}'

    assert_failure 2
    assert_line --partial 'nova-api: choose from zun-api'
}
