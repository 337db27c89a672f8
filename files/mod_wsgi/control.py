#!/usr/bin/python3
"""Tell systemd when an httpd with mod_wsgi serves: after a start, a reload.

Written from files/mod_wsgi/control.py by lib/devstack_wsgi; change it
there.

control.py settle --ini CONF --defaults FILE --facts FACTS
    before a start: takes over what the caller's CONF, which is uWSGI's, says
    otherwise than when it was written (FILE); the rest is a line of warning
control.py ready  --facts FACTS --path /prefix/healthcheck
    waits until the application answers with a status below 500; fails when
    the httpd ends, or when the application does not load
control.py reload --python PYTHON --script SCRIPT [--path DIR] [--cwd DIR]
    brings new code in, one process after the other; code that does not load
    is refused, and the old goes on serving
control.py stop --facts FACTS
    ends the httpd when the requests in flight are answered; those that wait
    get 503, but at a restart

Run by the unit (ExecStartPost=, ExecReload=, ExecStop=), which gives MAINPID
and RUNTIME_DIRECTORY.
"""

import argparse
import http.client
import json
import os
import re
import signal
import socket
import struct
import sys
import threading
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, HERE + '/../helpers', HERE + '/../../lib/devstack_wsgi']

import conf
import service
import waiting
from service import POLL, Broken, alive, main_pid

# seconds that the requests in flight get at a stop; then those that hang go,
# before the unit's own limit (TimeoutStopSec=)
MERCY = 30
# at a restart those that wait in the httpd get as long as the unit lets them
RESTART_MERCY = 42
# as many processes beyond the first ones that ended before they loaded will not do it
DEATHS = 3

FOLDERS = ('home', 'python-home', 'python-path')
# what DevStack's own functions write, and means nothing here
STOCK = frozenset((
    'add-header', 'chmod-socket', 'exit-on-reload', 'hook-master-start',
    'http-auto-chunked', 'http-chunked-input', 'http-keepalive',
    'http-raw-body', 'plugins', 'socket', 'socket-timeout',
    'worker-reload-mercy'))

# one whose handshake is not over waits nowhere yet: so many looks in a row find nobody
LOOKS = 5


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
    noted = service.noted(run)
    return [worker for worker in workers(pid) if noted.get(worker, (0,))[0]]


def httpds(pid):
    """The children that pass requests on."""
    return [child for child in children(pid) if command(child).endswith(('apache2', 'httpd'))]


def read_ini(path):
    """The settings of an ini of uWSGI, each with all its values."""
    with open(path) as text:
        return {key: [value.replace('%%', '%') for value in values]
                for key, values in conf.parse(text.read()).items()}


def pairs(text):
    return dict(each.split('=', 1) for each in text.split())


def settle(args, run):
    facts = conf.read_facts(args.facts)
    options = pairs(facts['daemon'])
    words = pairs(facts['words'])
    written = read_ini(args.defaults)
    settings: dict = {'env': {}, 'argv': None}
    for key, values in read_ini(args.ini).items():
        if values == written.get(key):
            continue
        if key in words:
            option = words[key]
            form = r'/[\w./+@,~-]*' if option in FOLDERS else r'\d+'
            for value in values:
                if not re.fullmatch(form, value):
                    raise Broken('%s: %s = %s: mod_wsgi takes no such value'
                                 % (args.ini, key, value))
            options[option] = ':'.join(values)
        elif key == 'env':
            settings['env'] = dict(value.partition('=')[::2]
                                   for value in values)
        elif key == 'pyargv':
            settings['argv'] = ' '.join(values).split()
        elif key == 'http-socket':
            print('devstack-wsgi: %s: %s = %s: "wsgi apply" brings it in' % (
                args.ini, key, ', '.join(values)), flush=True)
        elif key not in STOCK:
            print('devstack-wsgi: %s: %s means nothing to mod_wsgi' % (
                args.ini, key), flush=True)
    # as lib/servers/mod_wsgi has it
    hang = int(options.get('request-timeout', 0))
    if hang:
        options['shutdown-timeout'] = str(min(hang, MERCY))
    with open(os.path.join(run, 'daemon.conf'), 'w') as text:
        text.write('Define DEVSTACK_WSGI_DAEMON "%s"\n' % ' '.join(
            '%s=%s' % option for option in options.items()))
    with open(os.path.join(run, 'settings.json'), 'w') as text:
        json.dump(settings, text)


def ask(args):
    """The status and the start of the body of one answer."""
    facts = conf.read_facts(args.facts)
    connection = http.client.HTTPConnection(
        '127.0.0.1', int(facts['port']), timeout=10)
    try:
        connection.request('GET', args.path, headers={
            'Host': 'localhost', 'User-Agent': service.AGENT,
            'X-Devstack-Wsgi-Peer': '127.0.0.1',
            'X-Devstack-Wsgi-Secret': facts['secret']})
        answer = connection.getresponse()
        return answer.status, answer.read(200).decode('utf-8', 'replace')
    except http.client.HTTPException as error:
        return 0, str(error)
    finally:
        connection.close()


def refuse_home(args, run):
    """Fail where the service's user cannot enter its folder: a process of mod_wsgi would say so
    and try again for ever.
    """
    home = pairs(conf.read_facts(args.facts)['daemon'])['home']
    # CONF may name another
    if not os.path.exists(os.path.join(run, 'daemon.conf')):
        try:
            os.chdir(home)
        except OSError as error:
            raise Broken('--chdir %s: %s' % (home, error.strerror)) from None


def ready(args, run):
    refuse_home(args, run)
    seen = set()
    for _ in service.pauses():
        if loaded(run, main_pid()):
            break
        now = workers(main_pid())
        seen.update(now)
        if len(seen) - len(now) >= DEATHS + len(now):
            raise Broken('the processes of the application end before they load it,'
                         ' %d by now: see above' % (len(seen) - len(now)))
        if not alive(main_pid()):
            raise Broken('the httpd ended while the application loaded')
        if os.path.exists(os.path.join(run, 'broken')):
            raise Broken('the application does not load: see above')
        service.proofs(run, args.path)
    service.wait_answer(lambda: ask(args), args.path, run)


def reload(args, run):
    httpd = main_pid()
    old = workers(httpd)
    if not old:
        raise Broken('no process of the application runs')
    service.try_load(
        [args.python, args.script], lambda status, _: not status, cwd=args.cwd,
        env=dict(os.environ, PYTHONPATH=':'.join([args.cwd] + args.python_path)))
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


def sockets(httpd, run, port):
    """The socket of the httpd's port, and that on which the processes of the application wait;
    None for one that cannot be looked at."""
    found = {}
    try:
        found = dict(waiting.listeners(httpd))
    except OSError as error:
        print('devstack-wsgi: cannot look at the sockets, so a request may be'
              ' lost: %s' % error, flush=True)
    return found.get('127.0.0.1:%d' % port), next(
        (sock for where, sock in found.items() if where.startswith(run + '/wsgi.')), None)


def unaccepted(door):
    """How many connections wait at a port: tcpi_unacked is those that nobody has accepted."""
    info = door.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
    return struct.unpack_from('I', info, 24)[0]


def is_stop(run):
    """Whether systemd stops the service: at a restart what waits is answered."""
    import subprocess
    said = subprocess.run(
        ['systemctl', 'list-jobs', '--plain', '--no-legend',
         'devstack@%s.service' % os.path.basename(run)],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        check=False).stdout
    return b'stop' in said.split()


def refuse_all(queue, answer):
    while True:
        waiting.refuse(queue, answer)


def answer(facts):
    """503 as a process of mod_wsgi says it to the httpd; with a queue-timeout that waits for a
    word before it sends the body."""
    go_on = 'queue-timeout' in pairs(facts['daemon'])
    return (b'Status: 200 Continue\r\n\r\n' if go_on else b'') + (
        b'Status: 503 Service Unavailable\r\nRetry-After: %d\r\n'
        b'Content-Length: 0\r\n\r\n' % waiting.RETRY_AFTER)


def stop(args, run):
    httpd = main_pid()
    if not alive(httpd):
        return
    service.end_at_signal()
    stopping = is_stop(run)
    limit = time.monotonic() + (MERCY if stopping else RESTART_MERCY)
    facts = conf.read_facts(args.facts)
    door, queue = sockets(httpd, run, int(facts['port']))
    if door:
        # the kernel resets the connections that wait at a port which closes
        waiting.close_door(door)
    if queue and stopping:
        threading.Thread(target=refuse_all, args=(queue, answer(facts)), daemon=True).start()
    free = 0
    while door and free < LOOKS and time.monotonic() < limit:
        free = 0 if unaccepted(door) else free + 1
        time.sleep(POLL / 10)
    if door:
        door.close()
    # it closes its port, and its children end their requests
    service.send(signal.SIGWINCH, [httpd])
    while alive(httpd) and time.monotonic() < limit and httpds(httpd):
        time.sleep(POLL / 2)
    if time.monotonic() > limit:
        # it would wait for them once more
        service.send(signal.SIGKILL, workers(httpd) + httpds(httpd))
    # it looks itself only once a second
    service.send(signal.SIGTERM, [httpd])
    while alive(httpd):
        time.sleep(POLL / 2)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest='verb', required=True)
    verb = verbs.add_parser('settle')
    verb.add_argument('--ini', required=True)
    verb.add_argument('--defaults', required=True)
    verb.add_argument('--facts', required=True)
    verb = verbs.add_parser('ready')
    verb.add_argument('--facts', required=True)
    verb.add_argument('--path', default='/')
    verb = verbs.add_parser('reload')
    verb.add_argument('--python', required=True)
    verb.add_argument('--script', required=True)
    verb.add_argument('--python-path', action='append', default=[])
    verb.add_argument('--cwd', default='/')
    verb = verbs.add_parser('stop')
    verb.add_argument('--facts', required=True)
    args = parser.parse_args()
    return service.run({'settle': settle, 'ready': ready, 'reload': reload, 'stop': stop}, args,
                       run=os.environ['RUNTIME_DIRECTORY'])


if __name__ == '__main__':
    sys.exit(main())
