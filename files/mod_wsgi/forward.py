#!/usr/bin/python3
"""Take a systemd socket's connections to the httpd of one service.

Written from files/mod_wsgi/forward.py by lib/devstack_wsgi; change it
there.

forward.py FACTS [IDLE]
    FACTS  a file that says the httpd's port and the secret
    IDLE   seconds without a connection after which it ends (default: never)

While the httpd is away, because the service restarts, connections wait here.
A connection over the unix socket is Apache's and goes through as it is; to one
from an address the headers are added that Apache would add.
"""

import asyncio
import contextlib
import os
import re
import signal
import socket
import sys
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, HERE + '/../helpers', HERE + '/../../lib/devstack_wsgi']

import conf
import waiting

CHUNK = 65536
# how long a client may take for the head of its request, and how long that
# may be; the httpd, whose threads are few, hears of it when it is whole
HEAD_SECONDS = 60
HEAD_BYTES = 1024 * 1024
# how long the service may take to be back
PATIENCE = 300
RETRY = 0.05


class Forward:
    def __init__(self, path):
        facts = conf.read_facts(path)
        self.port = int(facts['port'])
        self.secret = facts['secret']
        self.open = set()
        self.ended = None
        self.last = time.monotonic()

    async def connect(self, reader):
        """To the httpd, as soon as there is one."""
        limit = time.monotonic() + PATIENCE
        while True:
            try:
                return await asyncio.open_connection('127.0.0.1', self.port)
            except OSError:
                if time.monotonic() > limit or self.ended.is_set() or reader.exception():
                    raise
            await asyncio.sleep(RETRY)

    async def refuse(self, reader, writer):
        """Answer a request that the httpd does not get, and read it to its end: a client whose
        request is not read sees a reset.
        """
        writer.write(waiting.ANSWER)
        writer.write_eof()
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self.rest(reader), waiting.READ_SECONDS)

    @staticmethod
    async def rest(reader):
        while await reader.read(CHUNK):
            pass

    async def head(self, reader, writer):
        """The request's first line, the headers that are ours, the rest."""
        line, *rest = await asyncio.wait_for(self.lines(reader), HEAD_SECONDS)
        rest = [each for each in rest if not each.lower().startswith(b'x-devstack-wsgi-')]
        peer = writer.get_extra_info('peername')[0]
        # an IPv4 client of an IPv6 socket
        peer = re.sub(r'^::ffff:(?=[\d.]+$)', '', peer)
        return line + (
            'X-Devstack-Wsgi-Peer: %s\r\n'
            'X-Devstack-Wsgi-Direct: yes\r\n'
            'X-Devstack-Wsgi-Secret: %s\r\n' % (peer, self.secret)
        ).encode() + b''.join(rest)

    async def lines(self, reader):
        """A request's head, to the empty line that ends it."""
        lines = []
        left = HEAD_BYTES
        while not lines or lines[-1].strip(b'\r\n'):
            line = await reader.readuntil(b'\n')
            left -= len(line)
            if left < 0:
                raise asyncio.LimitOverrunError('too long a head', 0)
            # empty lines before a request mean nothing
            if lines or line.strip(b'\r\n'):
                lines.append(line)
        return lines

    async def copy(self, reader, writer):
        """Until the reader ends; OSError where it fails. A writer that takes no more ends it, too:
        an httpd may have answered by then.
        """
        while True:
            data = await reader.read(CHUNK)
            try:
                if data:
                    writer.write(data)
                    await writer.drain()
                elif writer.can_write_eof():
                    writer.write_eof()
            except OSError:
                break
            if not data:
                break

    def listen(self, sock):
        if not self.ended.is_set():
            asyncio.get_running_loop().add_reader(sock, self.take, sock)

    @staticmethod
    def leave(sock):
        """What comes waits in the socket."""
        asyncio.get_running_loop().remove_reader(sock)

    def take(self, sock):
        """Accept what waits in a socket. Each connection is in self.open from here on, so that an
        end waits for it.
        """
        while True:
            try:
                connection = sock.accept()[0]
            except BlockingIOError:
                return
            except OSError:
                # no descriptor is left, or the client has gone
                self.leave(sock)
                asyncio.get_running_loop().call_later(RETRY, self.listen, sock)
                return
            task = asyncio.ensure_future(self.serve(connection))
            self.open.add(task)
            task.add_done_callback(self.open.discard)

    async def serve(self, connection):
        direct = connection.family != socket.AF_UNIX
        writer = behind = None
        try:
            reader, writer = await asyncio.open_connection(sock=connection, limit=CHUNK)
            head = await self.head(reader, writer) if direct else b''
            try:
                answer, behind = await self.connect(reader)
            except OSError:
                await self.refuse(reader, writer)
                return
            behind.write(head)
            up = asyncio.ensure_future(self.copy(reader, behind))
            down = asyncio.ensure_future(self.copy(answer, writer))
            try:
                await asyncio.wait((up, down), return_when=asyncio.FIRST_COMPLETED)
                if up.done():
                    # a client that has sent all waits for its answer; one that has gone does not
                    up.result()
                await down
            finally:
                up.cancel()
                down.cancel()
        except (OSError, EOFError, asyncio.TimeoutError,
                asyncio.LimitOverrunError):
            pass  # one of the two is gone
        finally:
            for end in (behind, writer):
                if end:
                    end.close()
            if writer:
                # until a slow client has what is still in the buffer
                with contextlib.suppress(OSError):
                    await writer.wait_closed()
            self.last = time.monotonic()

    async def run(self, sockets, idle):
        self.ended = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self.ended.set)
        for sock in sockets:
            sock.setblocking(False)
            self.listen(sock)
        while not self.ended.is_set():
            try:
                await asyncio.wait_for(self.ended.wait(), idle and idle / 10)
            except asyncio.TimeoutError:
                if not self.open and time.monotonic() - self.last > idle:
                    self.ended.set()
        # what was taken is brought to its end
        for sock in sockets:
            self.leave(sock)
        if self.open:
            await asyncio.wait(self.open, timeout=30)


def main():
    if not 2 <= len(sys.argv) <= 3:
        sys.exit(__doc__)
    sockets = [socket.socket(fileno=3 + number)
               for number in range(int(os.environ.get('LISTEN_FDS', '0')))]
    idle = float(sys.argv[2]) if len(sys.argv) == 3 else None
    asyncio.run(Forward(sys.argv[1]).run(sockets, idle))


if __name__ == '__main__':
    main()
