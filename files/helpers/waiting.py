#!/usr/bin/python3
"""Answer the connections that wait in the sockets of a service that stops: 503, try again.

Written from files/helpers/waiting.py by lib/devstack_wsgi; change it there.

waiting.py ADDRESS...
    ADDRESS  where systemd listens for the service, as 'systemctl show -P Listen' has it

after-stop runs it as root, which may copy systemd's descriptors; mod_wsgi's programs import it.
"""

import ctypes
import os
import select
import socket
import struct
import sys
import threading
import time

RETRY_AFTER = 2
# plain HTTP: mod_proxy_uwsgi reads the same
ANSWER = (b'HTTP/1.1 503 Service Unavailable\r\nRetry-After: %d\r\nContent-Length: 0\r\n'
          b'Connection: close\r\n\r\n' % RETRY_AFTER)
# seconds for a client to send the rest of its request: one that is not read
# to its end would see a reset in place of the answer
READ_SECONDS = 3

# Python has no names for these
PIDFD_GETFD = 438
SO_ATTACH_FILTER = 26
# a filter of packets (BPF) that drops those that begin a connection; the
# kernel that sent one sends it again a second later, when the port is closed
NO_SYN = (
    (0x30, 0, 0, 13),           # the byte of TCP's flags
    (0x54, 0, 0, 0x12),         # SYN and ACK of them
    (0x15, 0, 1, 0x02),         # SYN alone:
    (0x06, 0, 0, 0),            # drop it
    (0x06, 0, 0, 0xffffffff),   # else let it in
)


def listeners(pid):
    """The stream sockets on which a process listens, as copies of ours: (address, socket)."""
    libc = ctypes.CDLL(None, use_errno=True)
    process = os.pidfd_open(pid)
    for name in os.listdir('/proc/%d/fd' % pid):
        try:
            if not os.readlink('/proc/%d/fd/%s' % (pid, name)).startswith('socket:'):
                continue
        except FileNotFoundError:
            continue
        copy = libc.syscall(PIDFD_GETFD, process, int(name), 0)
        if copy < 0:
            raise OSError(ctypes.get_errno(), 'pidfd_getfd')
        found = socket.socket(fileno=copy)
        if found.type == socket.SOCK_STREAM and found.getsockopt(
                socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            yield address(found), found
        else:
            found.close()
    os.close(process)


def address(sock):
    """A path, IPV4:PORT or [IPV6]:PORT, as systemd writes it."""
    name = sock.getsockname()
    if sock.family == socket.AF_UNIX:
        return name
    return ('[%s]:%d' if sock.family == socket.AF_INET6 else '%s:%d') % name[:2]


def close_door(sock):
    """Let nobody connect any more; those who have stay."""
    if sock.family == socket.AF_UNIX:
        try:
            os.unlink(sock.getsockname())
        except FileNotFoundError:
            pass
        return
    program = b''.join(struct.pack('HBBI', *step) for step in NO_SYN)
    memory = ctypes.create_string_buffer(program)
    sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER,
                    struct.pack('HP', len(NO_SYN), ctypes.addressof(memory)))


def refuse(sock, answer=ANSWER):
    """Accept one connection and answer it, in a thread, which is returned."""
    connection = sock.accept()[0]
    thread = threading.Thread(target=_answer, args=(connection, answer), daemon=True)
    thread.start()
    return thread


def _answer(connection, answer):
    with connection:
        connection.settimeout(READ_SECONDS)
        try:
            connection.sendall(answer)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass
        except OSError:
            pass  # the client has gone, or sends for too long


def main(addresses):
    answered = []
    for where, sock in listeners(1):
        if where not in addresses:
            continue
        close_door(sock)
        while select.select([sock], [], [], 0)[0]:
            answered.append(refuse(sock))
    limit = time.monotonic() + READ_SECONDS
    for thread in answered:
        thread.join(max(0, limit - time.monotonic()))
    if answered:
        print('devstack-wsgi: %d requests waited in the socket: 503' % len(answered))


if __name__ == '__main__':
    try:
        main(sys.argv[1:])
    except OSError as error:
        sys.exit('devstack-wsgi: cannot answer what waits in the socket: %s' % error)
