#!/usr/bin/python3
"""Tell systemd when a uWSGI instance serves: after a start, after a reload.

Written from files/uwsgi/control.py by lib/devstack_wsgi; change it there.

control.py ready  --address A --prefix /prefix --healthcheck /healthcheck
    waits until the application answers with a status below 500; fails when
    the instance ends, or when its workers die again and again at import
control.py reload --how chain|hup --conf CONF -- UWSGI ARGUMENT...
    brings new code in and waits until every worker has it; code that does
    not load is refused, and the old goes on serving
control.py stop
    ends the instance when the requests in flight are answered

Run by the unit (ExecStartPost=, ExecReload=, ExecStop=), which gives MAINPID and
RUNTIME_DIRECTORY.
"""

import argparse
import functools
import json
import os
import re
import signal
import socket
import sys
import time

sys.dont_write_bytecode = True
sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)),
                os.path.dirname(os.path.abspath(__file__)) + '/../helpers']

import service
from service import Broken, alive, main_pid, send

# a worker that ended this often before it served will not serve
DEATHS = 3
# Before this version a worker's SIGHUP handler joins the worker's threads. A
# main thread that is interrupted in Python holds the GIL meanwhile, and the
# threads wait for it (doc/source/design.rst).
JOINS_IN_HANDLER = (2, 0, 27)
MERCY = 30              # seconds, worker-reload-mercy in CONF
# The master looks after its workers once a second, and when something comes
# through the fifo. No command of uWSGI's has this letter: it only wakes.
WAKE = b'z'
LOADED = re.compile(r'^WSGI app \d+ .*ready in', re.MULTILINE)


def read_stats(path):
    """What uWSGI tells of its workers, or None while nobody answers."""
    chunks = []
    try:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(2)
            sock.connect(path)
            while True:
                chunk = sock.recv(65536)
                if not chunk:
                    break
                chunks.append(chunk)
        return json.loads(b''.join(chunks))
    except (OSError, ValueError):
        return None


def connect(address):
    if address.startswith('/'):
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(10)
        sock.connect(address)
        return sock
    host, port = address.rsplit(':', 1)
    host = {'0.0.0.0': '127.0.0.1', '::': '::1'}.get(
        host.strip('[]'), host.strip('[]'))
    return socket.create_connection((host, int(port)), timeout=10)


def ask(args):
    """The status and the start of the body of one answer."""
    with connect(args.address) as sock:
        sock.sendall((
            'GET %s HTTP/1.0\r\nHost: localhost\r\nUser-Agent: %s\r\n\r\n'
            % (args.prefix + args.healthcheck or '/', service.AGENT)).encode())
        answer = b''
        while len(answer) < 4096:
            chunk = sock.recv(4096)
            if not chunk:
                break
            answer += chunk
    head, _, body = answer.partition(b'\r\n\r\n')
    try:
        return int(head.split(b' ', 2)[1]), body[:200].decode(
            'utf-8', 'replace')
    except (IndexError, ValueError):
        return 0, 'no answer'


def proc(pid, key):
    """A value of /proc/PID/status; '' once the process has gone."""
    try:
        with open('/proc/%d/status' % pid) as status:
            return dict(line.split(':', 1) for line in status)[key].strip()
    except OSError:
        return ''


def soon(condition):
    """Whether condition() holds within a second."""
    limit = time.monotonic() + 1
    while not condition():
        if time.monotonic() > limit:
            return False
        time.sleep(0.002)
    return True


def workers(stats):
    return stats['workers'] if stats else []


def serving(worker):
    return worker['accepting'] and worker['apps'] and worker['pid']


def may_deadlock(stats):
    """Whether SIGHUP in the middle of a request may deadlock a worker."""
    version = tuple(int(part) for part in re.findall(
        r'\d+', (stats or {}).get('version', ''))[:3])
    return () < version < JOINS_IN_HANDLER and has_threads(stats)


def has_threads(stats):
    return any(len(worker.get('cores', ())) > 1 for worker in workers(stats))


def is_idle(stats, pids):
    """Whether no main thread of these workers, core 0, has a request."""
    return stats is not None and not any(
        worker['cores'][0]['in_request']
        for worker in workers(stats) if worker['pid'] in pids)


def hang_up_frozen(pids, hang_up, stats_path):
    """Call hang_up if no main thread of these workers has a request.

    The workers are stopped meanwhile, so that no request begins after the
    look at them: a process that continues handles its signals first.
    """
    send(signal.SIGSTOP, pids)
    try:
        if not soon(lambda: all(
                proc(pid, 'State')[:1] in ('T', 'Z', '') for pid in pids)):
            return False
        if not is_idle(read_stats(stats_path), pids):
            return False
        hang_up()
        pending = 1 << signal.SIGHUP - 1
        soon(lambda: all(
            int(proc(pid, 'ShdPnd') or 'f', 16) & pending for pid in pids))
        return True
    finally:
        send(signal.SIGCONT, pids)


def is_paused(stats):
    return any(worker['status'] == 'pause' for worker in workers(stats))


@functools.lru_cache(None)
def guard_pause(stats_path):
    """Let a process of its own end a pause that this one leaves, however it
    ends: a paused instance answers nobody."""
    end, ours = os.pipe()
    if os.fork():
        return
    os.close(ours)
    os.setsid()
    # returns when the process with the other end is no more
    os.read(end, 1)
    while alive(main_pid()):
        stats = read_stats(stats_path)
        if is_paused(stats):
            send(signal.SIGTSTP, [main_pid()])
            break
        # one in a request does not say whether there is a pause
        if not all(worker['status'] == 'busy' for worker in workers(stats)):
            break
        time.sleep(service.POLL)
    os._exit(0)


def pause(stats_path):
    """Let the workers, which have one thread each, accept nothing.

    SIGHUP ends a worker that is in no request. Between accept() and its note
    that it is in one, that loses the connection; nobody is there on return.
    """
    guard_pause(stats_path)
    stats = read_stats(stats_path)
    if not is_paused(stats):
        send(signal.SIGTSTP, [main_pid()])
    for _ in workers(stats):
        # who had to wait for the lock accepts once more: wake it there
        soon(lambda: is_settled(read_stats(stats_path)))
        send(signal.SIGTSTP, [w['pid'] for w in workers(stats) if w['pid']])
    soon(lambda: is_settled(read_stats(stats_path)))


def is_settled(stats):
    """Whether each worker is in a request, or sleeps."""
    return all(proc(worker['pid'], 'State')[:1] != 'R'
               or worker['cores'][0]['in_request']
               for worker in workers(stats) if worker['pid'])


def hang_up_safely(hang_up, stats_path, chosen=None, patience=0):
    """Call hang_up, which sends SIGHUP to workers, between their requests.

    chosen:    the PID of the one worker; None: all workers
    patience:  seconds until the instance is paused. A paused instance
               accepts no request; requests wait in the socket. After a pause
               uWSGI's main threads go on at once, the others within 10 s.
    Returns whether the instance is paused.
    """
    begin = time.monotonic()
    paused = False
    while alive(main_pid()):
        stats = read_stats(stats_path)
        waited = time.monotonic() - begin
        pids = [chosen] if chosen else [
            worker['pid'] for worker in workers(stats) if worker['pid']]
        paused = paused or is_paused(stats)
        if is_idle(stats, pids) and hang_up_frozen(pids, hang_up, stats_path):
            break
        if waited > MERCY:
            print('devstack-wsgi: a request has not ended within %d s' % MERCY,
                  file=sys.stderr)
            send(signal.SIGKILL,
                 [pid for pid in pids if not is_idle(stats, [pid])])
            hang_up()
            break
        if not paused and waited >= patience:
            guard_pause(stats_path)
            # the master pauses the instance, or ends the pause
            send(signal.SIGTSTP, [main_pid()])
            paused = True
        time.sleep(service.POLL / 5)
    return paused


def hang_up(action, stats_path, chosen=None, patience=0):
    """Call action, which sends SIGHUP to workers, so that none loses a request.

    Returns whether the instance is paused; the rest is hang_up_safely()'s.
    """
    stats = read_stats(stats_path)
    if may_deadlock(stats):
        return hang_up_safely(action, stats_path, chosen, patience)
    paused = bool(workers(stats)) and not has_threads(stats)
    if paused:
        pause(stats_path)
    action()
    return paused


def tell(stats_path, command):
    """Write a command into the fifo; nobody there to read it is no error."""
    try:
        fifo = os.open(os.path.join(os.path.dirname(stats_path), 'fifo'),
                       os.O_WRONLY | os.O_NONBLOCK)
    except OSError:
        return
    try:
        os.write(fifo, command)
    except OSError:
        pass
    finally:
        os.close(fifo)


def wait_workers(stats_path, enough):
    """Wait until enough(the workers that serve, all workers)."""
    for _ in service.pauses():
        tell(stats_path, WAKE)
        if not alive(main_pid()):
            raise Broken('the server ended while it loaded the application')
        every = workers(read_stats(stats_path))
        if enough([w for w in every if serving(w)], every):
            return
        yield every


def ready(args, stats_path):
    run, what = os.path.dirname(stats_path), args.prefix + args.healthcheck
    for every in wait_workers(stats_path, lambda good, _: good):
        if sum(max(0, w['respawn_count'] - 1) for w in every) >= DEATHS:
            raise Broken('the application ends its process at import,'
                         ' %d times now: its own output is above' % DEATHS)
        service.proofs(run, what)
    service.wait_answer(lambda: ask(args), what, run)


def try_load(args, folder):
    """Load the application in a process of its own, which ends then."""
    trial = os.path.join(folder, 'trial.ini')
    with open(args.conf) as conf, open(trial, 'w') as copy:
        copy.writelines(line for line in conf
                        if line.split('=')[0].strip() not in (
                            'lazy', 'lazy-apps', 'socket', 'http-socket',
                            'http'))
    command = [trial if word == args.conf else word for word in args.command]
    environment = {key: value for key, value in os.environ.items()
                   if not key.startswith('UWSGI_')}
    try:
        # its exit status says nothing of the application
        service.try_load(command + ['--no-server'],
                         lambda _, output: LOADED.search(output),
                         env=environment)
    finally:
        os.unlink(trial)


def hup(stats_path):
    """Replace all workers and the master, and the pause with it."""
    hang_up(lambda: send(signal.SIGHUP, [main_pid()]), stats_path)


def chain(stats_path):
    """Replace one worker after the other, as uWSGI's own chain does."""
    for worker in workers(read_stats(stats_path)):
        pid, begin = worker['pid'], time.monotonic()
        if not pid:
            continue
        paused = hang_up(lambda pid=pid: send(signal.SIGHUP, [pid]),
                         stats_path, pid, patience=0.5)
        if paused:
            send(signal.SIGTSTP, [main_pid()])

        def renewed(good, _, wid=worker['id'], pid=pid):
            return any(w['id'] == wid and w['pid'] != pid for w in good)

        deaths = worker['respawn_count']
        for every in wait_workers(stats_path, renewed):
            # the master gives mercy only to its own signals
            if time.monotonic() - begin > MERCY and any(
                    w['pid'] == pid for w in every):
                send(signal.SIGKILL, [pid])
            if sum(w['respawn_count'] for w in every
                   if w['id'] == worker['id']) - deaths > DEATHS:
                raise Broken('the new code does not load: see above')


def reload(args, stats_path):
    stats = read_stats(stats_path)
    before = workers(stats)
    if not before:
        raise Broken('no answer on %s' % stats_path)
    try_load(args, os.path.dirname(stats_path))
    old = {w['pid'] for w in before}
    renew = hup if args.how == 'hup' else chain
    renew(stats_path)
    deaths = sum(w['respawn_count'] for w in before)

    def renewed(good, every):
        return good and len(good) == len(every) and not old & {
            w['pid'] for w in every}

    for every in wait_workers(stats_path, renewed):
        now = sum(w['respawn_count'] for w in every)
        if now - deaths >= len(every) + DEATHS:
            raise Broken('the new code does not load: see above')


def terminate():
    send(signal.SIGTERM, [main_pid()])


def stop(_, stats_path):
    if not alive(main_pid()):
        return
    service.end_at_signal()
    limit = time.monotonic() + MERCY
    pids = [w['pid'] for w in workers(read_stats(stats_path)) if w['pid']]
    hang_up(terminate, stats_path)
    while alive(main_pid()):
        every = workers(read_stats(stats_path))
        # one that still loads passes over the signal, and has no request
        send(signal.SIGKILL, [
            w['pid'] for w in every if w['pid'] and not w['apps']])
        if time.monotonic() > limit:
            # newer masters (2.0.31) wait without mercy and without stats
            send(signal.SIGKILL, [pid for pid in pids
                                  if proc(pid, 'PPid') == str(main_pid())])
        tell(stats_path, WAKE)
        time.sleep(service.POLL / 2)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest='verb', required=True)
    verb = verbs.add_parser('ready')
    verb.add_argument('--address', required=True)
    verb.add_argument('--prefix', default='')
    verb.add_argument('--healthcheck', default='/')
    verb = verbs.add_parser('reload')
    verb.add_argument('--how', choices=('chain', 'hup'), required=True)
    verb.add_argument('--conf', required=True)
    verb.add_argument('command', nargs='+')
    verbs.add_parser('stop')
    args = parser.parse_args()
    return service.run({'ready': ready, 'reload': reload, 'stop': stop}, args,
                       stats_path=os.path.join(os.environ['RUNTIME_DIRECTORY'], 'stats'))


if __name__ == '__main__':
    sys.exit(main())
