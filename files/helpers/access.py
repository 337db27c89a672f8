#!/usr/bin/python3
"""Write the front's access lines into the journal, each for the unit that it names.

Written from files/helpers/access.py by lib/devstack_wsgi; change it there.

Apache starts this with a pipe as its input, and writes '\\tUNIT REFUSED TEXT\\n' there for each
request; tabs and newlines of a client's it escapes. REFUSED is '-', unless the answer was a 503
that the application did not give. It closes the pipe when it ends or reads its
configuration again, and so this ends. While lines are few each is an entry by itself; while they
are many, those that have come meanwhile are one. Only root may speak for another unit
(OBJECT_SYSTEMD_UNIT).
"""

import collections
import contextlib
import fcntl
import os
import select
import signal
import socket
import struct
import time

JOURNAL = '/run/systemd/journal/socket'
# Seconds between two rounds, and for each entry: journald takes 10,000 of one service in 30 s
PERIOD = 0.1
SPACING = 0.004
# bytes: of the pipe, so that Apache does not wait within a round; of a line, and of an entry; of
# what waits for a journal that is away
PIPE = 1024 * 1024
LINE = 16 * 1024
ENTRY = 48 * 1024
HELD = 4 * 1024 * 1024
# rounds that a journal gets at the end
LAST = 20
# what the site says of an answer, and of one that refuses a request
MARKS = b'-', b'2'
# how often the journal of a unit says that requests were refused: seconds; and where it is kept for
# 'wsgi status' how many they were
REFUSED_PERIOD = 10
REFUSED = '/run/devstack-wsgi/%s.refused'
# systemd's note that a unit runs
RUNS = '/run/systemd/units/invocation:%s'


def split(data):
    """The lines in data as (unit, refused, text), and the rest of it.

    A line longer than PIPE_BUF may be cut by others where the pipe is full: what begins with no tab
    is the end of one, and belongs to nobody (b'', False).
    """
    *whole, rest = data.split(b'\n')
    lines = []
    for each in whole:
        _, tab, line = each.rpartition(b'\t')
        unit, _, text = line.partition(b' ')
        mark, blank, said = text.partition(b' ')
        # a site of a version before has no mark
        if blank and mark in MARKS:
            text = said
        lines.append((unit if tab else b'', bool(tab and blank) and mark == MARKS[1], text[:LINE]))
    return lines, rest[:LINE]


def entry(unit, text, priority=6):
    """What journald's socket takes: https://systemd.io/JOURNAL_NATIVE_PROTOCOL/."""
    whose = b'OBJECT_SYSTEMD_UNIT=%b\n' % unit if unit else b''
    return b'PRIORITY=%d\nSYSLOG_IDENTIFIER=access\n%bMESSAGE\n%b%b\n' % (
        priority, whose, struct.pack('<Q', len(text)), text)


class Lines:
    """What was read and not sent yet."""

    def __init__(self, send):
        """send: takes an entry, or raises OSError"""
        self.send = send
        self.rest = b''
        self.size = 0
        self.held = collections.defaultdict(collections.deque)
        self.dropped = collections.Counter()
        self.refused = collections.Counter()
        # when the journal of a unit said that last
        self.said = {}

    def take(self, data):
        lines, self.rest = split(self.rest + data)
        for unit, refused, text in lines:
            # one that is stopped refuses all
            if refused and os.path.lexists(RUNS % os.fsdecode(unit)):
                self.refused[unit] += 1
            # '-': not worth a line, as the site says
            if unit == b'-':
                continue
            if not unit or self.size + len(text) > HELD:
                self.dropped[unit] += 1
                continue
            self.held[unit].append(text)
            self.size += len(text) + 1

    def flush(self, end=False):
        """Send what there is; returns how many entries that were. A journal that is away, or
        full, gets the rest later.
        """
        sent = 0
        with contextlib.suppress(OSError):
            for unit, lines in self.held.items():
                while lines:
                    number, size = 0, 0
                    for text in lines:
                        size += len(text) + 1
                        if number and size > ENTRY:
                            break
                        number += 1
                    some = [lines[index] for index in range(number)]
                    self.send(entry(unit, b'\n'.join(some)))
                    sent += 1
                    for text in some:
                        lines.popleft()
                        self.size -= len(text) + 1
            self.held.clear()
            for unit, number in list(self.dropped.items()):
                self.send(entry(unit, b'%d access lines were dropped: %b' % (
                    number, b'the journal took none' if unit else b'they were cut'), 4))
                sent += 1
                del self.dropped[unit]
            sent += self.complain(0 if end else REFUSED_PERIOD)
        return sent

    def complain(self, period):
        """Say for which units requests were refused; returns how many units those are."""
        now = time.monotonic()
        due = [unit for unit in self.refused if now - self.said.get(unit, -period) >= period]
        for unit in due:
            self.send(entry(unit, b'%d requests got 503: as many as it may hold in Apache'
                            b' (in-flight) were in work or waited' % self.refused[unit], 4))
            self.said[unit] = now
            with contextlib.suppress(OSError):
                with open(REFUSED % os.fsdecode(unit), 'w') as note:
                    note.write('%d\n' % self.refused[unit])
            del self.refused[unit]
        return len(due)

    @property
    def waiting(self):
        return bool(self.held or self.dropped or self.refused)


def serve(source, lines, ending):
    """Read to the end of the input.

    ending: a descriptor that can be read when Apache is about to end: then nothing waits for more
    """
    hurry = False
    while True:
        data = b''
        if select.select([source], [], [], PERIOD if lines.waiting else None)[0]:
            data = os.read(source, PIPE)
            if not data:
                break
            lines.take(data)
        sent = lines.flush()
        # Apache would wait for a pipe that is full
        if not hurry and len(data) < PIPE // 2:
            hurry = bool(select.select([ending], [], [], max(PERIOD, SPACING * sent))[0])
    for _ in range(LAST):
        lines.flush(end=True)
        if not lines.waiting:
            break
        time.sleep(PERIOD)


def leave():
    """Have a scope of our own, as systemd-run --scope makes it: where Apache's main process has
    ended, systemd kills all else that is of its unit, with the lines of the last round. Without
    one they are lost.
    """
    # nobody waits for it
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    nothing = [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_RDWR, 0) for fd in range(3)]
    with contextlib.suppress(OSError):
        os.posix_spawnp('busctl', [
            'busctl', 'call', 'org.freedesktop.systemd1', '/org/freedesktop/systemd1',
            'org.freedesktop.systemd1.Manager', 'StartTransientUnit', 'ssa(sv)a(sa(sv))',
            f'devstack-wsgi-access-{os.getpid()}.scope', 'fail',
            '1', 'PIDs', 'au', '1', str(os.getpid()), '0'], os.environ, file_actions=nothing)


def main():
    ending, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    # at each reload Apache sends one, while requests of before it are still being answered
    signal.signal(signal.SIGTERM, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    leave()
    with contextlib.suppress(OSError):
        # F_SETPIPE_SZ, which Python 3.9 has no name for
        fcntl.fcntl(0, 1031, PIPE)
    journal = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    journal.setblocking(False)
    serve(0, Lines(lambda data: journal.sendto(data, JOURNAL)), ending)


if __name__ == '__main__':
    main()
