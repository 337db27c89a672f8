"""files/runtime/door.py: what a worker says of itself, whoever asks, whatever runs."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import sys
import threading
import time

import pytest
from harness import workers
from harness.workers import door

STATUS = b'{"v": 1, "ask": "status"}\n'


@pytest.fixture
def opened(tmp_path):
    """A door, and its path; what else it needs ends with this process."""
    one = door.Door('uwsgi')
    one.open(str(tmp_path))
    return one, str(tmp_path / f'{os.getpid()}.door')


def connected(path):
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(20)
    client.connect(path)
    return client


def asked(path, *parts):
    """The answer to a question, which is sent in parts."""
    with connected(path) as client:
        for part in parts:
            client.sendall(part)
        with client.makefile('rb') as answer:
            said = answer.read()
    assert said.endswith(b'\n') and said.count(b'\n') == 1
    return json.loads(said)


def test_a_worker_says_what_it_does(opened):
    one, path = opened
    one.status = 200
    one.enter('done')
    one.leave('done')
    one.enter('hangs')
    time.sleep(0.02)

    said = asked(path, STATUS)

    assert said.pop('longest_s') >= 0.02
    assert 1000 < said.pop('memory_kib') < 10 ** 7
    assert said.pop('p50_ms') <= said.pop('p99_ms') < 1000
    assert said == {'v': 1, 'pid': os.getpid(), 'mode': 'uwsgi', 'ready': True, 'healthcheck': 200,
                    'in_flight': 1, 'served': 1}


def test_one_that_has_served_nothing_has_no_times(opened):
    said = asked(opened[1], STATUS)

    assert (said['ready'], said['longest_s'], said['p50_ms'], said['p99_ms']) == (
        False, 0, None, None)


def test_times_are_of_the_last_minutes(monkeypatch):
    one = door.Door('x')
    one.times.append((time.monotonic() - door.WINDOW - 1, 9.0))
    one.times.extend((time.monotonic(), took / 1000) for took in range(1, 101))

    said = one.tell()

    assert (said['p50_ms'], said['p99_ms']) == (50, 99)


def test_looking_changes_no_count(opened):
    one, path = opened
    for number in range(3):
        one.enter(number)
        one.leave(number)

    assert [asked(path, STATUS)['served'] for _ in range(3)] == [3, 3, 3]


def test_threads_lose_no_count(opened):
    one, path = opened

    def serve(thread):
        for number in range(5000):
            one.enter((thread, number))
            one.leave((thread, number))

    threads = [threading.Thread(target=serve, args=(thread,)) for thread in range(8)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        asked(path, STATUS)
    for thread in threads:
        thread.join()

    said = asked(path, STATUS)
    assert (said['served'], said['in_flight']) == (40000, 0)


@pytest.mark.parametrize(('line', 'wanted'), [
    (b'\n', 'no question: '), (b'status\n', 'no question: '), (b'\xff\n', 'no question: '),
    (b'[1, "status"]\n', 'no question: '), (b'{"v": 1}\n', 'no question: '),
    (b'[' * door.QUESTION, 'no question: '), (b'{"v": 2, "ask": "status"}\n', 'version 2: '),
    (b'{"v": 1, "ask": "stacks"}\n', "question 'stacks': "),
    (b'{"v": 1, "ask": ["status"]}\n', "question ['status']: ")],
    ids=['empty', 'word', 'bytes', 'list', 'nothing', 'long', 'version', 'question', 'odd'])
def test_what_is_not_known_has_one_line_that_says_so(opened, line, wanted):
    said = asked(opened[1], line)

    assert said['v'] == 1 and said['error'].startswith(wanted)


def test_a_question_may_come_in_pieces(opened):
    assert asked(opened[1], STATUS[:5], STATUS[5:9], STATUS[9:])['served'] == 0


def test_clients_that_say_nothing_keep_no_other_waiting_and_are_sent_away(opened, monkeypatch):
    monkeypatch.setattr(door, 'PATIENCE', 0.3)
    silent = [connected(opened[1]) for _ in range(door.CLIENTS + 9)]
    begin = time.monotonic()

    for _ in range(20):
        asked(opened[1], STATUS)

    assert time.monotonic() - begin < 5
    for client in silent:
        assert client.recv(1) == b''
        client.close()


def test_of_many_that_say_nothing_the_first_are_sent_away_at_once(opened):
    silent = [connected(opened[1]) for _ in range(door.CLIENTS + 1)]

    asked(opened[1], STATUS)

    assert silent[0].recv(1) == b''
    for client in silent:
        client.close()


def test_one_that_is_gone_before_the_answer_hurts_nobody(opened):
    for _ in range(50):
        with connected(opened[1]) as client:
            client.sendall(STATUS)

    assert asked(opened[1], STATUS)['v'] == 1


def test_it_is_root_s_and_the_worker_s_alone(opened):
    assert stat.S_IMODE(os.stat(opened[1]).st_mode) == 0o600


def test_what_was_left_at_its_place_is_replaced(opened, tmp_path):
    again = door.Door('mod_wsgi')

    again.open(str(tmp_path))

    assert asked(opened[1], STATUS)['mode'] == 'mod_wsgi'


# what eventlet and gevent do to modules, and worse: what is taken from there later does not work
PATCHED = '''
import os, sys
sys.path.insert(0, sys.argv[1])
from harness.workers import door
import _thread, select, socket, threading, time

def patched(*_, **__):
    os.write(2, b'called what an application has put there\\n')
    os._exit(9)

for module, names in ((_thread, 'start_new_thread allocate_lock'),
                      (threading, 'Thread Lock current_thread'),
                      (select, 'poll select'), (socket, 'socket socketpair'), (time, 'sleep')):
    for name in names.split():
        setattr(module, name, patched)
if hasattr(select, 'epoll'):
    del select.epoll
one = door.Door('x')
one.open(sys.argv[2])
print(os.getpid(), flush=True)
sys.stdin.readline()
'''


def test_it_stays_what_it_is_where_modules_are_patched_and_keeps_no_process(tmp_path):
    worker = subprocess.Popen(
        [sys.executable, '-c', PATCHED, str(workers.FOLDER.parents[1] / 'tests'), str(tmp_path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    pid = int(worker.stdout.readline())

    assert asked(str(tmp_path / f'{pid}.door'), STATUS)['pid'] == pid
    silent = connected(str(tmp_path / f'{pid}.door'))
    worker.stdin.close()
    # the thread still waits for that client
    assert worker.wait(20) == 0
    silent.close()


def test_its_thread_takes_no_signal(opened):
    name = f'/proc/{os.getpid()}/task'
    blocked = []
    for task in os.listdir(name):
        with open(f'{name}/{task}/status') as text:
            blocked += [int(line.split()[1], 16) for line in text if line.startswith('SigBlk')]

    # SIGHUP and SIGTERM
    assert [mask for mask in blocked if mask & 1 and mask & 1 << 14]
