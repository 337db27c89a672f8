"""files/helpers/access.py: Apache's lines, each in the journal of its unit."""

from __future__ import annotations

import importlib.util
import os
import pathlib
import select
import signal
import socket
import struct
import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

FILE = pathlib.Path(__file__).parents[3] / 'files/helpers/access.py'
_spec = importlib.util.spec_from_file_location('devstack_wsgi_access', FILE)
access = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(access)

# what Apache writes of a client: printable, the rest escaped
SAID = st.text(st.characters(min_codepoint=32, max_codepoint=126)).map(str.encode)


def fields(data):
    """The fields of one entry, as journald reads them."""
    found = {}
    while data:
        name, data = data.split(b'\n', 1)
        if b'=' in name:
            name, value = name.split(b'=', 1)
        else:
            size, = struct.unpack('<Q', data[:8])
            value, data = data[8:8 + size], data[8 + size + 1:]
        found[name.decode()] = value
    return found


class Journal:
    """Takes entries; while it is away, none."""

    def __init__(self):
        self.away = False
        self.entries = []

    def __call__(self, data):
        if self.away:
            raise BlockingIOError
        self.entries.append(fields(data))

    def said(self):
        return [(each.get('OBJECT_SYSTEMD_UNIT'), each['MESSAGE']) for each in self.entries]


@pytest.fixture(name='journal')
def _journal():
    return Journal()


def test_a_line_is_an_entry_of_the_unit_that_it_names(journal):
    lines = access.Lines(journal)
    lines.take(b'\ta.service 127.0.0.1 "GET / HTTP/1.1" 200 4 1ms -\n')

    assert lines.flush() == 1
    assert journal.entries == [{
        'PRIORITY': b'6', 'SYSLOG_IDENTIFIER': b'access', 'OBJECT_SYSTEMD_UNIT': b'a.service',
        'MESSAGE': b'127.0.0.1 "GET / HTTP/1.1" 200 4 1ms -'}]


def test_lines_that_wait_are_one_entry_for_each_unit_in_order(journal):
    lines = access.Lines(journal)
    lines.take(b'\ta 1\n\tb 2\n\ta 3\n')

    assert lines.flush() == 2
    assert journal.said() == [(b'a', b'1\n3'), (b'b', b'2')]


def test_a_health_check_is_no_line(journal):
    lines = access.Lines(journal)
    lines.take(b'\t- 127.0.0.1 "GET / HTTP/1.1"\n')

    assert lines.flush() == 0 and not lines.waiting


@given(st.lists(st.tuples(st.sampled_from([b'a', b'b']), SAID)), st.integers(1, 9))
def test_lines_arrive_whole_however_they_are_read(said, size):
    journal = Journal()
    lines = access.Lines(journal)
    data = b''.join(b'\t%b - %b\n' % each for each in said)
    for start in range(0, len(data), size):
        lines.take(data[start:start + size])
        lines.flush()

    for unit in (b'a', b'b'):
        assert b'\n'.join(text for whose, text in journal.said() if whose == unit) == (
            b'\n'.join(text for whose, text in said if whose == unit))


@given(SAID, st.integers(0, 60))
def test_a_line_that_another_cuts_names_no_unit_of_its_own(said, at):
    """Above PIPE_BUF and in a full pipe; what a client says has no tab and no newline."""
    journal = Journal()
    lines = access.Lines(journal)
    cut = b'\ta - ' + said + b'b forged'
    lines.take(cut[:at] + b'\tc whole\n' + cut[at:] + b'\n')
    lines.flush()

    whole = [each for each in journal.said() if each[0] is not None]
    assert (b'c', b'whole') in whole and {unit for unit, _ in whole} <= {b'a', b'c'}
    if at >= 2:
        assert journal.said()[-1] == (None, b'1 access lines were dropped: they were cut')


def test_a_long_line_is_cut_and_the_next_one_is_whole(journal):
    lines = access.Lines(journal)
    for _ in range(5):
        lines.take(b'\ta ' if not lines.rest else b'x' * access.LINE)
        assert len(lines.rest) <= access.LINE
    lines.take(b'\n\tb next\n')
    lines.flush()

    assert [(unit, len(text) <= access.LINE) for unit, text in journal.said()] == [
        (b'a', True), (b'b', True)]
    assert journal.said()[1] == (b'b', b'next')


def test_no_entry_is_larger_than_a_datagram_may_be(journal):
    lines = access.Lines(journal)
    for _ in range(100):
        lines.take(b'\ta %b\n' % (b'x' * 10000))
    lines.flush()

    assert sum(text.count(b'\n') + 1 for _, text in journal.said()) == 100
    assert max(len(text) for _, text in journal.said()) <= access.ENTRY


def test_a_journal_that_comes_back_gets_what_waited(journal):
    lines = access.Lines(journal)
    journal.away = True
    lines.take(b'\ta 1\n')
    assert lines.flush() == 0 and lines.waiting
    lines.take(b'\ta 2\n\tb 3\n')
    journal.away = False

    assert lines.flush() == 2 and not lines.waiting
    assert journal.said() == [(b'a', b'1\n2'), (b'b', b'3')]


def test_what_waits_is_bounded_and_what_is_dropped_is_counted_by_unit(journal):
    lines = access.Lines(journal)
    journal.away = True
    line = b'\ta %b\n' % (b'x' * 1000)
    for _ in range(50):
        lines.take(line * 100)
        lines.flush()
    assert 0 < lines.size <= access.HELD
    lines.take(line * 7 + b'\tb %b\n' % (b'x' * 5000))
    dropped = lines.dropped[b'a']
    journal.away = False
    lines.flush()

    assert journal.said()[-2:] == [
        (b'a', b'%d access lines were dropped: the journal took none' % dropped),
        (b'b', b'1 access lines were dropped: the journal took none')]
    assert not lines.waiting and lines.size == 0


# ---- requests that were refused

@pytest.fixture(name='units')
def _units(tmp_path, monkeypatch):
    """A folder for systemd's notes of units that run, where 'a' does, and for ours."""
    (tmp_path / 'runs:a').touch()
    monkeypatch.setattr(access, 'RUNS', str(tmp_path / 'runs:%s'))
    monkeypatch.setattr(access, 'REFUSED', str(tmp_path / '%s.refused'))
    return tmp_path


def test_refused_requests_are_counted_once_in_a_while_beside_their_lines(journal, units):
    lines = access.Lines(journal)
    lines.take(b'\ta 2 x 503\n\ta - y 503\n')
    lines.flush()
    lines.take(b'\ta 2 x 503\n\ta 2 z 503\n')
    lines.flush()

    said = [text for _, text in journal.said()]
    assert said[0] == b'x 503\ny 503' and said[2] == b'x 503\nz 503'
    assert said[1].startswith(b'1 requests got 503') and len(said) == 3
    assert (units / 'a.refused').read_text() == '1\n'
    lines.flush(end=True)
    assert journal.said()[3][1].startswith(b'2 requests got 503')
    assert (units / 'a.refused').read_text() == '2\n' and not lines.waiting


def test_a_unit_that_does_not_run_refuses_nothing(journal, units):
    lines = access.Lines(journal)
    lines.take(b'\tb 2 x 503\n')
    lines.flush(end=True)

    assert journal.said() == [(b'b', b'x 503')] and list(units.glob('*.refused')) == []


def test_a_line_of_a_site_of_before_is_whole(journal):
    lines = access.Lines(journal)
    lines.take(b'\ta 127.0.0.1 "GET / HTTP/1.1" 503 4 1ms -\n')
    lines.flush()

    assert journal.said() == [(b'a', b'127.0.0.1 "GET / HTTP/1.1" 503 4 1ms -')]


# ---- the program

@pytest.fixture(name='logger')
def _logger(tmp_path):
    """The program with a journal of its own: a process, and the socket that gets its entries."""
    path = str(tmp_path / 'journal')
    text = FILE.read_text().replace("'/run/systemd/journal/socket'", repr(path))
    program = tmp_path / 'access.py'
    program.write_text(text)
    busctl = tmp_path / 'busctl'
    busctl.write_text('#!/bin/sh\necho "$@" > "$0.new" && mv "$0.new" "$0.called"\n')
    busctl.chmod(0o755)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journal:
        journal.bind(path)
        journal.settimeout(30)
        process = subprocess.Popen([sys.executable, '-IS', str(program)], stdin=subprocess.PIPE,
                                   bufsize=0, env={'PATH': f'{tmp_path}:/usr/bin:/bin'})
        with process:
            yield process, journal
            process.kill()


def said(journal):
    found = fields(journal.recv(1 << 20))
    return found['OBJECT_SYSTEMD_UNIT'], found['MESSAGE']


def test_the_first_line_does_not_wait_and_those_after_it_share_an_entry(logger):
    process, journal = logger
    process.stdin.write(b'\ta 1\n')
    assert said(journal) == (b'a', b'1')
    for number in range(2, 52):
        process.stdin.write(b'\ta %d\n' % number)
        time.sleep(0.002)

    got = []
    while sum(text.count(b'\n') + 1 for text in got) < 50:
        got.append(said(journal)[1])
    assert b'\n'.join(got) == b'\n'.join(b'%d' % number for number in range(2, 52))
    assert len(got) < 25


def test_it_reads_on_after_sigterm_and_ends_where_its_input_does(logger):
    """Apache sends one at each reload, while requests of before it are being answered."""
    process, journal = logger
    process.stdin.write(b'\ta 1\n')
    assert said(journal) == (b'a', b'1')
    process.send_signal(signal.SIGTERM)
    process.stdin.write(b'\ta 2\n')
    assert said(journal) == (b'a', b'2')
    process.stdin.write(b'\ta 3\n')
    process.stdin.close()

    assert said(journal) == (b'a', b'3')
    assert process.wait(30) == 0


def test_it_asks_systemd_for_a_scope_of_its_own(logger, tmp_path):
    process, journal = logger
    process.stdin.write(b'\ta 1\n')
    assert said(journal) == (b'a', b'1')

    called = tmp_path / 'busctl.called'
    for _ in range(300):
        if called.exists():
            break
        time.sleep(0.1)
    assert called.read_text().endswith(
        f'devstack-wsgi-access-{process.pid}.scope fail 1 PIDs au 1 {process.pid} 0\n')


def test_it_reads_on_while_nobody_takes_its_entries(logger):
    process, journal = logger
    line = b'\ta %b\n' % (b'x' * 1000)
    # the socket's queue is full soon; a pipe that nobody reads would block for ever
    for _ in range(8000):
        assert select.select([], [process.stdin], [], 30)[1]
        os.write(process.stdin.fileno(), line)

    text = b''
    while b'dropped' not in text:
        text = said(journal)[1]
    process.stdin.close()
    assert process.wait(30) == 0
