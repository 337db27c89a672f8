#!/usr/bin/python3
"""Tell systemd when an httpd with mod_wsgi serves: after a start, a reload.

Written from files/mod_wsgi/control.py by lib/servers/mod_wsgi; change it
there.

control.py ready  --conf CONF --path /prefix/healthcheck
    waits until the application answers with a status below 500; fails when
    the httpd ends, or when the application does not load
control.py reload --python PYTHON --script SCRIPT [--path DIR] [--cwd DIR]
    brings new code in, one process after the other; code that does not load
    is refused, and the old goes on serving
control.py stop
    ends the httpd when the requests in flight are answered
control.py stats RUN...
    one line for each service: processes, requests; '- -' if it does not run

Run by the unit (ExecStartPost=, ExecReload=, ExecStop=), which gives MAINPID
and RUNTIME_DIRECTORY.
"""

import argparse
import glob
import http.client
import os
import re
import signal
import struct
import subprocess
import sys
import time

POLL = 0.05
# how long an application may answer 5xx (its database is late, say)
PATIENCE = 30
AGENT = 'devstack-wsgi-ready'


class Broken(Exception):
    """The service will not come up by waiting."""


def main_pid():
    # systemd gives no MAINPID once the httpd has ended by itself
    return int(os.environ.get('MAINPID', '0'))


def alive(pid):
    try:
        # gone, or a zombie that its parent has not looked at yet
        with open('/proc/%d/stat' % pid) as stat:
            return stat.read().rpartition(')')[2].split()[0] != 'Z'
    except OSError:
        return False


def children(pid):
    try:
        with open('/proc/%d/task/%d/children' % (pid, pid)) as names:
            return [int(name) for name in names.read().split()]
    except OSError:
        return []


def command(pid):
    try:
        with open('/proc/%d/cmdline' % pid, 'rb') as line:
            return line.read().split(b'\0')[0].decode('utf-8', 'replace')
    except OSError:
        return ''


def workers(pid):
    """The processes that run the application."""
    return [child for child in children(pid)
            if command(child).startswith('(wsgi:') and alive(child)]


def loaded(run, pid):
    """Those that have loaded it."""
    return [worker for worker in workers(pid)
            if os.path.exists(os.path.join(run, 'requests', str(worker)))]


def ask(args):
    """The status and the start of the body of one answer."""
    with open(args.conf) as text:
        said = text.read()
    port = re.search(r'^Listen 127\.0\.0\.1:(\d+)$', said, re.MULTILINE)
    secret = re.search(r'^Define DEVSTACK_WSGI_SECRET (\w+)$', said,
                       re.MULTILINE)
    connection = http.client.HTTPConnection(
        '127.0.0.1', int(port.group(1)), timeout=10)
    try:
        connection.request('GET', args.path, headers={
            'Host': 'localhost', 'User-Agent': AGENT,
            'X-Devstack-Wsgi-Peer': '127.0.0.1',
            'X-Devstack-Wsgi-Secret': secret.group(1)})
        answer = connection.getresponse()
        return answer.status, answer.read(200).decode('utf-8', 'replace')
    finally:
        connection.close()


def ready(args, run):
    while not loaded(run, main_pid()):
        if not alive(main_pid()):
            raise Broken('the httpd ended while the application loaded')
        if os.path.exists(os.path.join(run, 'broken')):
            raise Broken('the application does not load: see above')
        time.sleep(POLL)
    limit = time.monotonic() + PATIENCE
    while True:
        try:
            status, body = ask(args)
        except (OSError, http.client.HTTPException) as error:
            status, body = 0, str(error)
        if 0 < status < 500:
            return
        if not alive(main_pid()):
            raise Broken('the httpd ended before it answered')
        if time.monotonic() > limit:
            raise Broken('%s answered %s for %d s: %s' % (
                args.path, status or 'nothing', PATIENCE,
                ' '.join(body.split())))
        time.sleep(POLL * 4)


def try_load(args):
    """Load the application in a process of its own, which ends then."""
    environment = dict(os.environ, PYTHONPATH=':'.join(
        [args.cwd] + args.python_path))
    done = subprocess.run(
        [args.python, args.script], env=environment, cwd=args.cwd,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, errors='replace')
    if done.returncode:
        sys.stderr.write(done.stdout)
        raise Broken('the new code does not load (see above);'
                     ' the old goes on serving')


def reload(args, run):
    httpd = main_pid()
    old = workers(httpd)
    if not old:
        raise Broken('no process of the application runs')
    try_load(args)
    broken = os.path.join(run, 'broken')
    if os.path.exists(broken):
        os.unlink(broken)
    for worker in old:
        # it ends its requests and takes no other; the rest serve meanwhile
        try:
            os.kill(worker, signal.SIGTERM)
        except ProcessLookupError:
            continue
        while alive(worker) or len(loaded(run, httpd)) < len(old):
            if not alive(httpd):
                raise Broken('the httpd ended')
            if os.path.exists(broken):
                raise Broken('the new code does not load: see above')
            time.sleep(POLL)


def stop(_, run):
    httpd = main_pid()
    if not alive(httpd):
        return
    # it closes its port, and its children end their requests
    os.kill(httpd, signal.SIGWINCH)
    while alive(httpd) and [
            child for child in children(httpd)
            if command(child).endswith(('apache2', 'httpd'))]:
        time.sleep(POLL / 2)
    if alive(httpd):
        # it looks itself only once a second
        os.kill(httpd, signal.SIGTERM)
    while alive(httpd):
        time.sleep(POLL / 2)


def stats(args):
    for run in args.runs:
        requests = 0
        for path in glob.glob(os.path.join(run, 'requests', '*')):
            with open(path, 'rb') as shared:
                requests += struct.unpack('Q', shared.read(8))[0]
        try:
            with open(os.path.join(run, 'httpd.pid')) as pid:
                print(len(workers(int(pid.read()))), requests)
        except (OSError, ValueError):
            print('- -')


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest='verb', required=True)
    verb = verbs.add_parser('ready')
    verb.add_argument('--conf', required=True)
    verb.add_argument('--path', default='/')
    verb = verbs.add_parser('reload')
    verb.add_argument('--python', required=True)
    verb.add_argument('--script', required=True)
    verb.add_argument('--python-path', action='append', default=[])
    verb.add_argument('--cwd', default='/')
    verbs.add_parser('stop')
    verb = verbs.add_parser('stats')
    verb.add_argument('runs', nargs='*')
    args = parser.parse_args()
    try:
        if args.verb == 'stats':
            stats(args)
        else:
            {'ready': ready, 'reload': reload, 'stop': stop}[args.verb](
                args, os.environ['RUNTIME_DIRECTORY'])
    except Broken as problem:
        print('devstack-wsgi: %s' % problem, file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
