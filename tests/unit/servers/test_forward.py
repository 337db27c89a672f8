"""files/mod_wsgi/forward.py: it ends without losing a connection that it took."""

from __future__ import annotations

import os
import pathlib
import signal
import socket
import subprocess
import threading
import time

import pytest

FILE = pathlib.Path(__file__).parents[3] / 'files/mod_wsgi/forward.py'
HEAD = b'HTTP/1.0 200 OK\r\n\r\n'
# bytes that the kernel holds for a client that does not read
BUFFER = 65536


@pytest.fixture
def forwarding(tmp_path):
    """The address of a socket, and a function that starts a forwarder for it."""
    listening = socket.create_server(('127.0.0.1', 0), backlog=512)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
    behind = socket.create_server(('127.0.0.1', 0), backlog=512)
    threading.Thread(target=serve, args=(behind,), daemon=True).start()
    facts = tmp_path / 'facts'
    facts.write_text(f'port={behind.getsockname()[1]}\nsecret=x\n')
    forwarders = []

    def start():
        # systemd hands over descriptor 3
        number = listening.fileno()
        forwarders.append(subprocess.Popen(
            ['bash', '-c', f'exec /usr/bin/python3 -IS "$0" "$1" 3<&{number}', FILE, facts],
            pass_fds=[number], env={**os.environ, 'LISTEN_FDS': '1'}))
        return forwarders[-1]

    yield listening.getsockname(), start
    for forwarder in forwarders:
        forwarder.kill()
        forwarder.wait()
    listening.close()
    behind.close()


def serve(server):
    """Answer GET /N with N bytes, each client in a thread."""
    while True:
        try:
            client = server.accept()[0]
        except OSError:
            return  # the test is over
        threading.Thread(target=answer, args=(client,), daemon=True).start()


def answer(client):
    with client, client.makefile('rb') as request:
        size = int(request.readline().split()[1][1:])
        while request.readline().strip():
            pass
        client.sendall(HEAD + b'x' * size)


def ask(address, size):
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
    client.settimeout(20)
    client.connect(address)
    client.sendall(b'GET /%d HTTP/1.0\r\n\r\n' % size)
    return client


def read(client):
    """How many bytes of a body a client is sent before the end or a failure."""
    got = 0
    with client:
        try:
            while part := client.recv(65536):
                got += len(part)
        except OSError:
            pass
    return max(0, got - len(HEAD))


def test_what_it_accepts_as_it_ends_is_answered(forwarding):
    address, start = forwarding
    forwarder = start()
    answered = []
    for _ in range(5):
        assert read(ask(address, 3)) == 3
        # it finds the connections and the signal in one look
        forwarder.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, forwarder.pid, os.WSTOPPED)
        clients = [ask(address, 3) for _ in range(40)]
        forwarder.terminate()
        forwarder.send_signal(signal.SIGCONT)
        assert forwarder.wait(40) == 0
        forwarder = start()
        answered += map(read, clients)
    assert answered == [3] * 200


# of some, the last bytes are in the forwarder when it has read all
@pytest.mark.parametrize('size', range(3 * BUFFER, 6 * BUFFER, BUFFER // 2))
def test_a_slow_client_gets_all_before_it_ends(forwarding, size):
    address, start = forwarding
    forwarder = start()
    client = ask(address, size)
    client.recv(1, socket.MSG_PEEK)
    forwarder.terminate()
    time.sleep(0.3)
    assert read(client) == size
    assert forwarder.wait(40) == 0
