"""What runs and how it is: status, check, show, and why something failed."""

from __future__ import annotations

import dataclasses
import json
import os
import socket
import subprocess
import sys
import tempfile
import time

import pytest
from conftest import calls, declared, put, stub

from devstack_wsgi import doors, paths, plan, status
from devstack_wsgi.registry import Registry


@pytest.fixture
def two(system):
    """A machine with two services that run."""
    registry = Registry()
    declared('one', registry=registry)
    declared('two', '--unit', 'n-two', registry=registry)
    stub(system, 'systemctl', 'printf "ActiveState=active\\nControlGroup=\\n\\n"\n' * 2)
    return registry


def test_the_state_of_all_services_is_one_question(two, system):
    assert [row.state for row in status.rows(two, ['one', 'two'])] == ['active', 'active']
    assert [call for call in calls(system) if call.startswith('systemctl')] == [
        'systemctl show -p ActiveState -p ControlGroup devstack@one.service'
        ' devstack@n-two.service']


def test_where_nothing_runs_nothing_is_counted(two):
    row = status.rows(two, ['one'])[0]

    assert (row.workers, row.requests, row.memory_mib, row.doors) == (None, None, None, [])
    assert (row.name, row.mode, row.address) == ('one', 'uwsgi', 'http://127.0.0.1/one')


def test_requests_that_were_refused_count_while_that_goes_on(two, system):
    note = put(system, paths.refused(two.records['two']), '7\n')

    assert [row.refused for row in status.rows(two, ['one', 'two'])] == [0, 7]
    os.utime(note, (1000, 1000))
    assert status.rows(two, ['two'])[0].refused == 0


def test_apaches_limits_are_told_where_a_service_is_behind_it(two):
    lines, faults = status.check(two, [])
    assert (lines, faults) == ([], [])

    assert any('ThreadsPerChild 1000' in line for line in status.check(two, ['one'])[0])


def row_of(**fields):
    return status.Row(**{
        'name': 'one', 'mode': 'uwsgi', 'state': 'active', 'workers': 2, 'requests': 42,
        'in_flight': 1, 'refused': 3, 'longest_s': 2.345, 'p50_ms': 1.2, 'p99_ms': 31.7,
        'memory_mib': None, 'address': '/', 'drift': 'none',
        'doors': [{'pid': 7, 'ready': True}], **fields})


def test_a_table_has_a_line_for_each_service_under_its_titles():
    lines = status.table([row_of(), row_of(name='two', longest_s=None)]).split('\n')

    assert [line.split() for line in lines] == [
        ['NAME', 'MODE', 'STATE', 'WORKERS', 'REQUESTS', 'IN-FLIGHT', 'REFUSED', 'LONGEST',
         'P50', 'P99', 'MEMORY', 'ADDRESS', 'DRIFT'],
        ['one', 'uwsgi', 'active', '2', '42', '1', '3', '2.3s', '1ms', '32ms', '-', '/', 'none'],
        ['two', 'uwsgi', 'active', '2', '42', '1', '3', '-', '1ms', '32ms', '-', '/', 'none']]


@pytest.mark.parametrize(
    'name', ['a"b', 'a\\', '\\n', 'a\tb', 'ü', '/', '</script>', '٣', '7', '-'])
def test_json_says_every_word_as_it_is(name):
    row = row_of(name=name)

    assert json.loads(status.as_json([row, row])) == 2 * [dataclasses.asdict(row)]
    assert json.loads(status.as_json([])) == []


# ---- what workers say of themselves

@pytest.fixture
def place():
    """A short folder: the path of a unix socket has at most 107 bytes."""
    with tempfile.TemporaryDirectory(dir='/tmp') as folder:
        yield folder


@pytest.fixture
def worker(place):
    """Start a process whose door says this, after a pause, in a folder; returns its PID. With no
    words it says nothing.
    """
    started = []

    def start(folder, said='', pause=0.0):
        program = (
            'import os, socket, sys, time\n'
            'door = socket.socket(socket.AF_UNIX)\n'
            f'door.bind({place!r} + "/{folder}/%d.door" % os.getpid())\n'
            'door.listen()\n'
            'print(flush=True)\n'
            'while True:\n'
            '    client, _ = door.accept()\n'
            '    client.recv(100)\n'
            f'    time.sleep({pause})\n'
            f'    client.sendall({said!r}.encode())\n'
            '    client.close()\n')
        os.makedirs(f'{place}/{folder}', exist_ok=True)
        one = subprocess.Popen([sys.executable, '-c', program], stdout=subprocess.PIPE)
        started.append(one)
        one.stdout.readline()
        return one.pid

    yield start
    for one in started:
        one.kill()
        one.communicate()


def test_all_workers_of_all_services_are_asked(place, worker):
    one, other = sorted([worker('a', '{"v": 1, "served": 3}'), worker('a', '{"served": 4}')])
    third = worker('b', '{"served": 5, "mode": "x"}')

    said = doors.ask([f'{place}/a', f'{place}/none', f'{place}/b'])

    assert [answer['pid'] for answer in said[0]] == [one, other]
    assert {answer['served'] for answer in said[0]} == {3, 4}
    # words are for nobody
    assert said[1:] == [[], [{'pid': third, 'served': 5}]]


def test_a_worker_that_hangs_is_named_and_keeps_no_other_waiting(place, worker, monkeypatch):
    monkeypatch.setattr(doors, 'PATIENCE', 0.5)
    hung, well = worker('a', 'late', pause=60), worker('a', '{"served": 4}')
    begin = time.monotonic()

    said = doors.ask([f'{place}/a'])

    assert time.monotonic() - begin < 5
    assert sorted(said[0], key=len) == [{'pid': hung}, {'pid': well, 'served': 4}]


@pytest.mark.parametrize('words', [
    'x', '[1]', '{"served": NaN, "in_flight": 1e999}', '{"served": "3"}', '[' * 9999,
    '{"served": 1' + '0' * 5000 + '}'], ids=['word', 'list', 'nan', 'text', 'deep', 'huge'])
def test_what_is_no_answer_counts_as_none(place, worker, words):
    pid = worker('a', words)

    assert doors.ask([f'{place}/a']) == [[{'pid': pid}]]


def test_what_a_worker_left_and_what_is_no_door_is_not_asked(place):
    os.mkdir(f'{place}/a')
    with socket.socket(socket.AF_UNIX) as other, socket.socket(socket.AF_UNIX) as child:
        other.bind(f'{place}/other')
        other.listen()
        # a child of a worker that is no more has it still
        child.bind(f'{place}/a/{2 ** 22 + 1}.door')
        child.listen()
        # a process lives, and the service made a link to a place of root's
        os.symlink('../other', f'{place}/a/1.door')
        with socket.socket(socket.AF_UNIX) as left:
            left.bind(f'{place}/a/{os.getpid()}.door')
        for name in ('1', 'x.door', '٣.door'):
            open(f'{place}/a/{name}', 'w').close()

        assert doors.ask([f'{place}/a']) == [[]]
        other.setblocking(False)
        with pytest.raises(BlockingIOError):
            other.accept()


def answers(monkeypatch, *said):
    """Let doors.ask give these answers of one service, one after the other; returns them."""
    rest = list(said)
    monkeypatch.setattr(doors, 'ask', lambda _: [rest.pop(0)])
    monkeypatch.setattr(doors, 'PAUSE', 0)
    return rest


def test_a_queue_is_answered_when_nothing_runs_and_nothing_more_is_served(monkeypatch):
    rest = answers(
        monkeypatch, [{'pid': 7, 'served': 3, 'in_flight': 1}], [{'pid': 7, 'served': 4}],
        [{'pid': 7, 'served': 5}], [{'pid': 7, 'served': 5, 'in_flight': 1}],
        [{'pid': 7, 'served': 6, 'in_flight': 0}, {'pid': 8}],
        [{'pid': 7, 'served': 6, 'in_flight': 0}, {'pid': 8}], ['never asked'])

    doors.drain(['x'])

    assert rest == [['never asked']]


def test_a_request_that_hangs_does_not_hold_up_a_queue_for_ever(monkeypatch):
    monkeypatch.setattr(doors, 'QUEUE', 0.05)
    answers(monkeypatch, *1000000 * [[{'pid': 7, 'served': 3, 'in_flight': 1}]])

    doors.drain(['x'])


def test_a_row_has_the_sum_of_its_workers_and_the_worst(two, monkeypatch):
    said = [{'pid': 7, 'served': 3, 'in_flight': 1, 'longest_s': 0.5, 'p50_ms': None},
            {'pid': 8, 'served': 4, 'in_flight': 2, 'longest_s': 7.5, 'p50_ms': 9.5}, {'pid': 9}]
    monkeypatch.setattr(doors, 'ask', lambda _: [said, []])

    row = status.rows(two, ['one', 'two'])[0]

    assert (row.workers, row.requests, row.in_flight, row.longest_s, row.p50_ms, row.p99_ms) == (
        3, 7, 3, 7.5, 9.5, None)
    assert row.doors == said


# ---- drift

@pytest.fixture
def applied(system):
    from test_plan import write
    registry = Registry()
    declared('one', registry=registry)
    write(system, plan.wanted(registry, ['one']))
    return registry


def test_files_as_they_were_applied_have_no_drift(applied):
    assert status.drift(applied, ['one']) == {'one': 'none'}


@pytest.mark.parametrize(('edit', 'word'), [
    (lambda text: text.replace('thunder-lock = true', 'thunder-lock = no'), 'config:edited'),
    (lambda text: None, 'config:missing')], ids=['edited', 'missing'])
def test_a_file_that_differs_is_named_by_its_kind(applied, system, edit, word):
    file = system / 'etc/devstack-wsgi/uwsgi/one.ini'
    text = edit(file.read_text())
    file.unlink()
    if text:
        file.write_text(text)

    assert status.drift(applied, ['one']) == {'one': word}


def test_a_service_that_cannot_be_planned_is_in_conflict_alone(applied, system):
    declared('two', registry=applied)
    put(system, '/etc/systemd/system/devstack@two.service', '# theirs\n')

    found = status.drift(applied, ['one', 'two'])

    assert found['one'] == 'none' and found['two'] == 'conflict'


# ---- why something failed

LAST = r"""echo '{"_PID": "7", "MESSAGE": "the last line of its log"}'"""


def test_each_service_that_failed_is_named_with_the_end_of_its_log(two, system):
    stub(system, 'journalctl', LAST)

    lines = status.failures(two, ['devstack@one.service', 'devstack@n-two.service'],
                            'did not start')

    assert lines == [
        "[ERROR] wsgi: one: did not start; the last lines of 'journalctl -u devstack@one':",
        '    the last line of its log',
        "[ERROR] wsgi: two: did not start; the last lines of 'journalctl -u devstack@n-two':",
        '    the last line of its log']
    assert calls(system)[-1].endswith('--unit=devstack@n-two.service --unit=devstack@n-two.socket')


def test_of_a_service_on_demand_both_units_logs_are_read(system):
    registry = Registry()
    declared('one', '--on-demand', registry=registry)
    stub(system, 'journalctl', LAST)

    assert status.failures(registry, ['devstack@one.socket'], 'did not start')[0].startswith(
        '[ERROR] wsgi: one: did not start')


def test_a_journal_is_read_as_it_was_written(two, system):
    stub(system, 'journalctl', """cat << 'END'
{"_PID": "7", "MESSAGE": "one\\n  two"}
{"_PID": "7", "MESSAGE": [27, 91, 255, 195, 169]}
{"MESSAGE": null}
END""")

    assert status.failures(two, ['one'], 'x')[1:] == [
        '    one', '      two', '    \x1b[\udcff\xe9', '    ']


def of_one(*lines):
    """Lines of one process."""
    return [('7', line) for line in lines]


TRACE = ('Traceback (most recent call last):', '  File "app.py"')


def test_the_reason_is_shown_and_not_where_other_workers_were_ended():
    log = [*TRACE, 'KeyError', 'no app loaded', 'Traceback (most recent call last):']
    log += 90 * ['  File "argparse.py"', '    def f():'] + ['KeyboardInterrupt', 'the server ended']

    assert status.excerpt(of_one(*log)) == [*log[:4], 'the server ended']


def test_the_last_exception_comes_first():
    early = [*TRACE, 'KeyError: 1']
    reason = [*TRACE, '  File "b.py"', 'ImportError: no b']
    log = ['*** Starting', *early, *reason, *('*** backtrace of 1 ***', '  python(x)') * 80]

    assert status.excerpt(of_one(*log)) == reason + log[-60:]


def test_an_exception_that_python_ignores_at_its_end_is_no_reason():
    reason = [*TRACE, 'KeyError: 1']
    end = ["Exception ignored in: <module 'threading'>", *TRACE, 'SystemError: getcurrent']

    assert status.excerpt(of_one(*reason, *end)) == reason + end


def test_workers_that_fail_together_are_told_apart():
    mixed = [('1', TRACE[0]), ('2', '*** backtrace of 2 ***'), ('1', TRACE[1]), ('2', TRACE[0]),
             ('2', '  File "other.py"'), ('1', 'KeyError: 1'), ('2', 'KeyboardInterrupt')]

    assert status.excerpt(mixed) == [*TRACE, 'KeyError: 1', '*** backtrace of 2 ***']


def test_of_a_long_log_the_last_sixty_lines_are_shown():
    log = [str(number) for number in range(100)]

    assert status.excerpt(of_one(*log)) == log[40:]


def test_an_empty_log_has_no_lines(two, system):
    stub(system, 'journalctl', '')

    assert len(status.failures(two, ['one'], 'x')) == 1
