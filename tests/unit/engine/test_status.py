"""What runs and how it is: status, check, show, and why something failed."""

from __future__ import annotations

import json

import pytest
from conftest import calls, declared, put, stub

from devstack_wsgi import plan, status
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

    assert (row.workers, row.requests, row.memory_mib) == ('-', '-', '-')
    assert (row.name, row.mode, row.address) == ('one', 'uwsgi', 'http://127.0.0.1/one')


def test_a_table_has_a_line_for_each_service_under_its_titles(two):
    lines = status.table(status.rows(two, ['one', 'two'])).split('\n')

    assert lines[0].split() == ['NAME', 'MODE', 'STATE', 'WORKERS', 'REQUESTS', 'MEMORY', 'ADDRESS',
                                'DRIFT']
    assert [line.split()[0] for line in lines[1:]] == ['one', 'two']


def test_in_json_what_is_not_known_is_null_and_numbers_are_numbers():
    row = status.Row('ü"\\', 'uwsgi', 'active', '2', '42', '-', '/', 'none')

    assert json.loads(status.as_json([row, row])) == 2 * [{
        'name': 'ü"\\', 'mode': 'uwsgi', 'state': 'active', 'workers': 2, 'requests': 42,
        'memory_mib': None, 'address': '/', 'drift': 'none'}]
    assert json.loads(status.as_json([])) == []


@pytest.mark.parametrize('value', ['a"b', 'a\\', '\\n', 'a\tb', 'ü', '/', '</script>', '٣'])
def test_json_says_every_word_as_it_is(value):
    row = status.Row(value, *'1234567')

    assert json.loads(status.as_json([row]))[0]['name'] == value


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

def test_each_service_that_failed_is_named_with_the_end_of_its_log(two, system):
    stub(system, 'journalctl', 'echo "the last line of its log"')

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
    stub(system, 'journalctl', 'echo said')

    assert status.failures(registry, ['devstack@one.socket'], 'did not start')[0].startswith(
        '[ERROR] wsgi: one: did not start')


def test_the_reason_is_shown_and_not_where_other_workers_were_ended():
    log = ['Traceback (most recent call last):', '  File "app.py"', 'KeyError', 'no app loaded',
           'Traceback (most recent call last):']
    log += 90 * ['  File "argparse.py"', '    def f():'] + ['KeyboardInterrupt', 'the server ended']

    assert status.excerpt(log) == [*log[:4], 'the server ended']


def test_the_last_exception_comes_first():
    early = ['Traceback (most recent call last):', '  File "a.py"', 'KeyError: 1']
    reason = ['Traceback (most recent call last):', '  File "b.py"', 'ImportError: no b']
    log = ['*** Starting', *early, *reason, *('*** backtrace of 1 ***', '  python(x)') * 80]

    assert status.excerpt(log) == reason + log[-60:]


def test_of_a_long_log_the_last_sixty_lines_are_shown():
    log = [str(number) for number in range(100)]

    assert status.excerpt(log) == log[40:]


def test_an_empty_log_has_no_lines():
    assert status.excerpt(['']) == []
