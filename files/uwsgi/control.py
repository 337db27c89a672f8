#!/usr/bin/python3
"""Tell systemd when a uWSGI instance serves: after a start, after a reload.

Written from files/uwsgi/control.py by lib/devstack_wsgi; change it there.

control.py ready  --address A --protocol P --path /prefix/healthcheck
    waits until the application answers with a status below 500; fails when
    the instance ends, or when its workers die again and again at import
control.py reload --how chain|hup --conf CONF -- UWSGI ARGUMENT...
    brings new code in and waits until every worker has it; code that does
    not load is refused, and the old goes on serving
control.py stop
    ends the instance when the requests in flight are answered
control.py stats  SOCKET...
    one line for each socket: workers, requests; '- -' if nobody answers

Run by the unit (ExecStartPost=, ExecReload=, ExecStop=), which gives MAINPID and
RUNTIME_DIRECTORY.
"""

import argparse
import json
import os
import re
import signal
import socket
import struct
import sys
import time

sys.dont_write_bytecode = True
sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)),
                os.path.dirname(os.path.abspath(__file__)) + '/../helpers']

import service
from service import Broken, alive, main_pid

# a worker that ended this often before it served will not serve
DEATHS = 3
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


def request(protocol, prefix, path):
    """The bytes of one GET in either protocol."""
    if protocol == 'http':
        return ('GET %s HTTP/1.0\r\nHost: localhost\r\nUser-Agent: %s\r\n\r\n'
                % (prefix + path or '/', service.AGENT)).encode()
    variables = {
        'REQUEST_METHOD': 'GET', 'SCRIPT_NAME': prefix, 'PATH_INFO': path,
        'REQUEST_URI': prefix + path, 'QUERY_STRING': '',
        'SERVER_PROTOCOL': 'HTTP/1.1', 'SERVER_NAME': 'localhost',
        'SERVER_PORT': '80', 'REMOTE_ADDR': '127.0.0.1',
        'HTTP_HOST': 'localhost', 'HTTP_USER_AGENT': service.AGENT,
    }
    packet = b''
    for key, value in variables.items():
        for text in (key.encode(), value.encode()):
            packet += struct.pack('<H', len(text)) + text
    return struct.pack('<BHB', 0, len(packet), 0) + packet


def ask(args):
    """The status and the start of the body of one answer."""
    with connect(args.address) as sock:
        sock.sendall(request(args.protocol, args.prefix, args.healthcheck))
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


def end(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def workers(stats):
    return stats['workers'] if stats else []


def serving(worker):
    return worker['accepting'] and worker['apps'] and worker['pid']


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
    for every in wait_workers(stats_path, lambda good, _: good):
        if sum(max(0, w['respawn_count'] - 1) for w in every) >= DEATHS:
            raise Broken('the application ends its process at import,'
                         ' %d times now: its own output is above' % DEATHS)
    service.wait_answer(lambda: ask(args), args.prefix + args.healthcheck)


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


def reload(args, stats_path):
    before = workers(read_stats(stats_path))
    if not before:
        raise Broken('no answer on %s' % stats_path)
    try_load(args, os.path.dirname(stats_path))
    old = {w['pid'] for w in before}
    if args.how == 'hup':
        os.kill(main_pid(), signal.SIGHUP)
    else:
        tell(stats_path, b'c')
    deaths = sum(w['respawn_count'] for w in before)

    def renewed(good, every):
        return good and len(good) == len(every) and not old & {
            w['pid'] for w in every}

    for every in wait_workers(stats_path, renewed):
        now = sum(w['respawn_count'] for w in every)
        if now - deaths >= len(every) + DEATHS:
            raise Broken('the new code does not load: see above')


def stop(_, stats_path):
    if alive(main_pid()):
        os.kill(main_pid(), signal.SIGTERM)
    while alive(main_pid()):
        # one that still loads passes over the signal, and has no request
        for worker in workers(read_stats(stats_path)):
            if worker['pid'] and not worker['apps']:
                end(worker['pid'])
        tell(stats_path, WAKE)
        time.sleep(service.POLL / 2)


def stats(args):
    for path in args.sockets:
        every = workers(read_stats(path))
        if every:
            print(sum(1 for w in every if w['pid']),
                  sum(w['requests'] for w in every))
        else:
            print('- -')


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest='verb', required=True)
    verb = verbs.add_parser('ready')
    verb.add_argument('--address', required=True)
    verb.add_argument('--protocol', choices=('uwsgi', 'http'), required=True)
    verb.add_argument('--prefix', default='')
    verb.add_argument('--healthcheck', default='/')
    verb = verbs.add_parser('reload')
    verb.add_argument('--how', choices=('chain', 'hup'), required=True)
    verb.add_argument('--conf', required=True)
    verb.add_argument('command', nargs='+')
    verbs.add_parser('stop')
    verb = verbs.add_parser('stats')
    verb.add_argument('sockets', nargs='*')
    args = parser.parse_args()
    if args.verb == 'stats':
        return service.run({'stats': stats}, args)
    return service.run({'ready': ready, 'reload': reload, 'stop': stop}, args,
                       stats_path=os.path.join(os.environ['RUNTIME_DIRECTORY'], 'stats'))


if __name__ == '__main__':
    sys.exit(main())
