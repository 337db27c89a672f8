"""A worker's door: a unix socket in the service's runtime folder that says how the worker is.

Written from files/runtime/door.py by lib/devstack_wsgi; change it there.

A connection has one line of JSON each way: {"v": 1, "ask": "status"}, and the answer. A thread of
the worker's gives it, also while requests hang. It uses what it imports here, so that no
application puts the functions of eventlet or gevent in their place.
"""

import collections
import contextlib
import itertools
import json
import os
import signal
from _socket import AF_UNIX, MSG_DONTWAIT, socket
from _thread import start_new_thread
from select import POLLIN, poll
from time import monotonic, sleep

VERSION = 1
# bytes of a question, clients at a time, seconds that a client has for its question
QUESTION = 4096
CLIENTS = 16
PATIENCE = 5
# the requests whose times are kept, and the seconds that count of them
TIMES = 1000
WINDOW = 300


def percentile(times, share):
    """In milliseconds, of sorted seconds; None where there are none."""
    return round(times[int(share * (len(times) - 1))] * 1000, 1) if times else None


class Door:
    """The counts of a worker's requests, and who tells them. A request takes no lock: what it does
    here is one step of the interpreter each.

    mode:   the server's name
    status: what the application answered to its own health check; 0 before there is one
    """

    def __init__(self, mode):
        self.mode = mode
        self.status = 0
        # when each request in flight began
        self.flight = {}
        self.ended = itertools.count()
        # of what 'ended' has counted, the looks at it
        self.looks = 0
        self.times = collections.deque(maxlen=TIMES)

    def enter(self, request):
        self.flight[request] = monotonic()

    def leave(self, request):
        begun = self.flight.pop(request, None)
        if begun is not None:
            now = monotonic()
            self.times.append((now, now - begun))
            next(self.ended)

    def tell(self):
        """The answer to 'status'. Of the requests of the last minutes, at most TIMES."""
        now = monotonic()
        served = next(self.ended) - self.looks
        self.looks += 1
        begun = list(self.flight.values())
        times = sorted(took for end, took in list(self.times) if end > now - WINDOW)
        with open('/proc/self/statm') as pages:
            resident = int(pages.read().split()[1])
        return {
            'pid': os.getpid(), 'mode': self.mode, 'ready': 0 < self.status < 500,
            'healthcheck': self.status, 'in_flight': len(begun), 'served': served,
            'longest_s': round(now - min(begun), 3) if begun else 0,
            'p50_ms': percentile(times, 0.5), 'p99_ms': percentile(times, 0.99),
            'memory_kib': resident * os.sysconf('SC_PAGE_SIZE') // 1024}

    def answer(self, line):
        try:
            asked = json.loads(line)
            version, question = asked['v'], asked['ask']
        except (KeyError, RecursionError, TypeError, ValueError):
            said = {'error': 'no question: say {"v": 1, "ask": "status"} in one line'}
        else:
            if version != VERSION:
                said = {'error': f'version {version!r}: this worker knows {VERSION}'}
            elif question != 'status':
                said = {'error': f'question {question!r}: this worker knows "status"'}
            else:
                said = self.tell()
        return json.dumps({'v': VERSION, **said}).encode() + b'\n'

    def open(self, folder):
        """Listen at PID.door in a folder, root's and this user's alone, and answer for as long as
        the process lives.
        """
        path = os.path.join(folder, f'{os.getpid()}.door')
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        listener = socket(AF_UNIX)
        listener.setblocking(False)
        listener.bind(path)
        # before listen() nobody can connect
        os.chmod(path, 0o600)
        listener.listen(128)
        # signals are the server's, in its own thread
        former = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        try:
            start_new_thread(self.stay, (listener,))
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, former)

    def stay(self, listener):
        clients = {}
        poller = poll()
        poller.register(listener.fileno(), POLLIN)
        while True:
            try:
                self.attend(listener, poller, clients)
            except Exception:
                # a worker without a free descriptor, say: it has one later
                sleep(1)

    def attend(self, listener, poller, clients):
        """Do what there is to do.

        clients: by descriptor, the socket, its question so far, and when its time is over
        """
        for number, _ in poller.poll(1000 if clients else None):
            if number not in clients:
                number, _ = listener._accept()
                poller.register(number, POLLIN)
                clients[number] = socket(fileno=number), b'', monotonic() + PATIENCE
            elif self.hear(clients, number):
                self.leave_alone(poller, clients, number)
        late = [number for number, client in clients.items() if client[2] < monotonic()]
        for number in late or list(clients)[:-CLIENTS]:
            self.leave_alone(poller, clients, number)

    def hear(self, clients, number):
        """Read of a question, and answer it if that is all; returns whether the client is done."""
        client, line, limit = clients[number]
        try:
            data = client.recv(QUESTION, MSG_DONTWAIT)
            line += data
            if data and b'\n' not in data and len(line) < QUESTION:
                clients[number] = client, line, limit
                return False
            client.send(self.answer(line), MSG_DONTWAIT)
        except OSError:
            # whoever asked is gone, or does not read
            pass
        return True

    @staticmethod
    def leave_alone(poller, clients, number):
        poller.unregister(number)
        clients.pop(number)[0].close()
