"""What the workers of services say at their doors (files/runtime/door.py)."""

from __future__ import annotations

import json
import os
import select
import socket
import stat
import time
from typing import Sequence, Union

from devstack_wsgi import host

# a worker that has not answered by then is one that hangs: seconds, for all together
PATIENCE = 1.0
QUESTION = b'{"v": 1, "ask": "status"}\n'
# bytes of an answer
MOST = 65536
# how long what waits in a socket may take to be answered, and how long nothing comes then: seconds
QUEUE = 30
PAUSE = 0.1

Number = Union[int, float, None]
Answer = dict[str, Number]


def ask(folders: Sequence[str]) -> list[list[Answer]]:
    """For the folder of each service, what its workers answered: numbers, with 'pid' in each, and
    nothing else of a worker that did not answer.
    """
    found: dict[tuple[int, int], Answer] = {}
    waiting: dict[int, tuple[tuple[int, int], socket.socket, bytes]] = {}
    poller = select.poll()
    for number, folder in enumerate(folders):
        for pid in _workers(folder):
            try:
                connection = _connect(host.real(f'{folder}/{pid}.door'))
            except BlockingIOError:
                # so many have asked already, for nothing
                found[number, pid] = {'pid': pid}
                continue
            except OSError:
                # it ended meanwhile
                continue
            found[number, pid] = {'pid': pid}
            waiting[connection.fileno()] = (number, pid), connection, b''
            poller.register(connection, select.POLLIN)
    limit = time.monotonic() + PATIENCE
    while waiting and time.monotonic() < limit:
        for descriptor, _ in poller.poll(max(0, limit - time.monotonic()) * 1000):
            key, connection, said = waiting[descriptor]
            more = _receive(connection)
            waiting[descriptor] = key, connection, said + more
            if not more or len(said) > MOST:
                found[key] = {**_numbers(said), 'pid': key[1]}
                poller.unregister(descriptor)
                connection.close()
                del waiting[descriptor]
    for _, connection, _ in waiting.values():
        connection.close()
    return [[answer for (of, _), answer in sorted(found.items()) if of == number]
            for number in range(len(folders))]


def drain(folders: Sequence[str]) -> None:
    """Wait until workers that get no more requests have answered those that wait in the socket,
    which is lost with it.
    """
    limit = time.monotonic() + QUEUE
    before: Number = None
    while time.monotonic() < limit:
        said = [answer for answers in ask(folders) for answer in answers]
        served = sum(answer.get('served') or 0 for answer in said)
        # between two requests a worker has none for a moment
        if served == before and not any(answer.get('in_flight') for answer in said):
            return
        before = served
        time.sleep(PAUSE)


def _workers(folder: str) -> list[int]:
    """The PIDs of a folder's doors, but of those whose process is no more."""
    pids = []
    for name in host.listdir(folder):
        pid, _, kind = name.partition('.')
        if kind == 'door' and pid.isascii() and pid.isdigit() and os.path.exists(f'/proc/{pid}'):
            pids.append(int(pid))
    return pids


def _connect(path: str) -> socket.socket:
    # the folder is the service's: no link of its leads root elsewhere
    if not stat.S_ISSOCK(os.lstat(path).st_mode):
        raise FileNotFoundError(path)
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.setblocking(False)
        connection.connect(path)
        connection.send(QUESTION)
    except OSError:
        connection.close()
        raise
    return connection


def _receive(connection: socket.socket) -> bytes:
    try:
        return connection.recv(MOST)
    except OSError:
        return b''


def _numbers(said: bytes) -> Answer:
    """The numbers of an answer; none where it is not one."""
    try:
        answer = json.loads(said)
    except (RecursionError, ValueError):
        return {}
    if not isinstance(answer, dict):
        return {}
    # neither NaN nor a number that JSON has no words for
    return {key: value for key, value in answer.items() if value is None
            or isinstance(value, (bool, int, float)) and abs(value) < 2 ** 63}
