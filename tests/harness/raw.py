#!/usr/bin/python3
"""Send bytes as they are, and say what was answered.

raw.py ask PORT
    sends its standard input, says that nothing follows, and reads to the end;
    prints the statuses of all answers in one line ('none' without one), then
    the answers
raw.py hold PORT COUNT TEXT
    opens COUNT connections, sends TEXT on each, prints 'ready', and then one
    byte more on each from time to time, until its standard input ends; then
    prints how many of them the server had not ended or answered

TEXT and the standard input may have \\r, \\n, \\t, \\0 and \\\\.

Standard library only; from Python 3.9 on.
"""

import re
import resource
import select
import socket
import sys

ESCAPES = {'r': '\r', 'n': '\n', 't': '\t', '0': '\0', '\\': '\\'}
LIMIT = 30
PAUSE = 1
HOST = '127.0.0.1'


def unescaped(text):
    return re.sub(r'\\([rnt0\\])', lambda found: ESCAPES[found.group(1)],
                  text).encode('latin-1')


def ask(port):
    answer = b''
    with socket.create_connection((HOST, port), LIMIT) as sock:
        try:
            sock.sendall(unescaped(sys.stdin.read()))
            sock.shutdown(socket.SHUT_WR)
            while True:
                data = sock.recv(65536)
                if not data:
                    break
                answer += data
        except OSError as error:
            print(error, file=sys.stderr)
    statuses = re.findall(rb'HTTP/1\.[01] ([0-9]{3}) ', answer)
    print(b' '.join(statuses).decode() or 'none')
    sys.stdout.flush()
    sys.stdout.buffer.write(answer)


def hold(port, count, text):
    resource.setrlimit(resource.RLIMIT_NOFILE, (count + 100, count + 100))
    held = []
    for _ in range(count):
        held.append(socket.create_connection((HOST, port), LIMIT))
        held[-1].sendall(unescaped(text))
    print('ready', flush=True)
    # the end of the input is the end of the waiting
    while not select.select([sys.stdin], [], [], PAUSE)[0]:
        for sock in held if text else ():
            try:
                sock.send(b'a')
            except OSError:
                pass  # it was ended, which is what a server may do
    print(sum(waits(sock) for sock in held), flush=True)


def waits(sock):
    """Whether neither an answer nor an end has come."""
    sock.setblocking(False)
    try:
        sock.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return True
    except OSError:
        pass  # ended
    return False


def main():
    if sys.argv[1:2] == ['ask'] and len(sys.argv) == 3:
        ask(int(sys.argv[2]))
    elif sys.argv[1:2] == ['hold'] and len(sys.argv) == 5:
        hold(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
    else:
        sys.exit(__doc__)


if __name__ == '__main__':
    main()
