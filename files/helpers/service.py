"""What the helpers of every server share: proof of life, a trial of new code, failing in one line.

Written from files/helpers/service.py by lib/devstack_wsgi; change it there.
"""

import os
import signal
import sys
import time

POLL = 0.05
# how long an application may answer 5xx (its database is late, say)
PATIENCE = 30
AGENT = 'devstack-wsgi-ready'


class Broken(Exception):
    """The service will not come up by waiting."""


def main_pid():
    # systemd gives no MAINPID once the server has ended by itself
    return int(os.environ.get('MAINPID', '0'))


def alive(pid):
    try:
        # gone, or a zombie that its parent has not looked at yet
        with open('/proc/%d/stat' % pid) as stat:
            return stat.read().rpartition(')')[2].split()[0] != 'Z'
    except OSError:
        return False


def send(signum, pids):
    for pid in pids:
        try:
            os.kill(pid, signum)
        except ProcessLookupError:
            pass


def end_at_signal():
    """End the server at once when a signal comes while it stops ('systemctl kill')."""
    signal.signal(signal.SIGTERM, lambda *_: send(signal.SIGKILL, [main_pid()]))


def pauses():
    """Pause between two looks; the longer it takes, the less often: many at boot wait long."""
    begin = time.monotonic()
    while True:
        yield
        time.sleep(max(POLL, (time.monotonic() - begin) / 20))


def noted(run):
    """What the application answered to its own health check in each worker that lives, as the
    runtime noted it: by PID the status, 0 where it has not answered yet, and when that was.
    """
    found = {}
    folder = os.path.join(run, 'alive')
    for name in os.listdir(folder) if os.path.isdir(folder) else ():
        if not name.isdigit() or not alive(int(name)):
            continue
        try:
            with open(os.path.join(folder, name)) as text:
                found[int(name)] = int(text.read()), os.fstat(text.fileno()).st_mtime
        except (OSError, ValueError):
            continue
    return found


def proofs(run, what):
    """The statuses that are noted. Broken if no worker has one in time."""
    found = noted(run).values()
    statuses = [status for status, _ in found]
    if found and not any(statuses) and (
            time.time() - max(since for _, since in found) > PATIENCE):
        raise Broken('%s: the worker itself has had no answer for %d s' % (what, PATIENCE))
    return statuses


def wait_answer(ask, what, run):
    """Wait until the application serves: until it has answered its health check in a worker, with
    a status below 500.

    ask() gives (status, body) of one more client's; it is called where a worker had a 5xx or no
    runtime asks.
    """
    limit = time.monotonic() + PATIENCE
    while True:
        said = proofs(run, what)
        if any(0 < status < 500 for status in said):
            return
        try:
            status, body = (0, 'in its worker') if 0 in said else ask()
        except OSError as error:
            status, body = 0, str(error)
        if 0 < status < 500:
            return
        if not alive(main_pid()):
            raise Broken('the server ended before it answered')
        if time.monotonic() > limit:
            raise Broken('%s answered %s for %d s: %s' % (
                what, status or 'nothing', PATIENCE, ' '.join(body.split())))
        time.sleep(POLL * 4)


def try_load(command, loaded, **how):
    """Load new code in a process of its own, which ends then.

    loaded: whether (exit status, output) say that it loaded; how: for subprocess.run
    """
    # a restart waits for what is imported, and has no use for this
    import subprocess
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, errors='replace', **how)
    if not loaded(done.returncode, done.stdout):
        sys.stderr.write(done.stdout)
        raise Broken('the new code does not load (see above); the old goes on serving')


def run(verbs, args, **more):
    """Do the verb of parsed arguments; returns the exit status."""
    try:
        verbs[args.verb](args, **more)
    except Broken as problem:
        print('devstack-wsgi: %s' % problem, file=sys.stderr)
        return 1
    return 0
