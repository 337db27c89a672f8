#!/usr/bin/env bats
#
# files/uwsgi/control.py: what it leaves of an instance when it is killed

load ../../helpers/load

function setup {
    sandbox
}

@test "uwsgi reload: killed while it pauses the instance, the pause ends" {
    # a master of uWSGI 2.0.21 with one worker, whose main thread has a request
    # all the time; SIGTSTP begins a pause and ends it
    cat > "$BATS_TEST_TMPDIR/master" <<'END'
import json, os, signal, socket, sys
paused = False
def turn(*_):
    global paused
    paused = not paused
    print('paused' if paused else 'goes on', flush=True)
signal.signal(signal.SIGTSTP, turn)
with socket.socket(socket.AF_UNIX) as stats:
    stats.bind(sys.argv[1])
    stats.listen(16)
    print('up', flush=True)
    while True:
        client, _ = stats.accept()
        client.sendall(json.dumps({'version': '2.0.21', 'workers': [{
            'id': 1, 'pid': os.getpid(), 'accepting': 1, 'apps': [{}],
            'status': 'pause' if paused else 'busy', 'respawn_count': 1,
            'cores': [{'in_request': 1}, {'in_request': 0}]}]}).encode())
        client.close()
END
    : > "$BATS_TEST_TMPDIR/ini"

    run timeout 60 /usr/bin/python3 -c '
import os, subprocess, sys
folder, control = sys.argv[1:]
master = subprocess.Popen(
    [sys.executable, folder + "/master", folder + "/stats"],
    stdout=subprocess.PIPE, text=True)
try:
    print(master.stdout.readline(), end="")
    reload = subprocess.Popen(
        [sys.executable, "-I", control, "reload", "--how", "chain",
         "--conf", folder + "/ini", "--", "printf", "WSGI app 0 is ready in 1"],
        env=dict(os.environ, MAINPID=str(master.pid), RUNTIME_DIRECTORY=folder))
    print(master.stdout.readline(), end="")
    reload.kill()
    reload.wait()
    print(master.stdout.readline(), end="")
finally:
    master.kill()
' "$BATS_TEST_TMPDIR" "$REPO/files/uwsgi/control.py"

    assert_success
    assert_output $'up\npaused\ngoes on'
}
