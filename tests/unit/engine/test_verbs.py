"""The verbs: the steps that a run takes, and what is printed where there are none."""

from __future__ import annotations

import pytest
from conftest import calls, declared, put, stub

from devstack_wsgi import host, paths, verbs
from devstack_wsgi.registry import Registry

ONE = 'devstack@one.service devstack@one.socket'


@pytest.fixture
def deployed(system, monkeypatch):
    """Bring a record to the disk, as a deploy leaves it; its units are known to systemd."""
    registry = Registry()
    monkeypatch.setattr(host, 'processors', lambda: 2)

    def deploy(name, *options):
        record = declared(name, *options, registry=registry)
        put(system, paths.record(name), record.text())
        return record

    # what nothing has edited since it was loaded
    stub(system, 'systemctl', '''
for word in "$@"; do
    [[ "$word" != devstack@* ]] ||
        printf "LoadState=%s\\nNeedDaemonReload=%s\\n\\n" "${LOADED:-loaded}" "${STALE:-no}"
done''')
    return deploy


def steps(manifest):
    return [line for line in manifest.lines if not line.startswith(('say ', 'phase '))]


def test_a_start_enables_forgets_failures_and_starts_in_one_go(deployed):
    deployed('one', '--unit', 'n-one')
    deployed('two')

    manifest = verbs.start(['one', 'two'])

    assert steps(manifest) == [
        'front start',
        'enable devstack@n-one.service devstack@two.service',
        'forget devstack@n-one.service devstack@n-one.socket devstack@two.service'
        ' devstack@two.socket',
        'start 2 devstack@n-one.service devstack@two.service',
        'wait / 60 one', 'wait / 60 two']
    # what was started stays so, whatever the others do
    assert manifest.lines[0] == 'phase 0'


def test_on_demand_the_socket_is_what_starts(deployed):
    deployed('one', '--on-demand', '--listen', '127.0.0.1:9001')

    assert 'start devstack@one.socket' in steps(verbs.start(['one']))


def test_a_service_without_a_front_starts_none(deployed):
    deployed('one', '--listen', '127.0.0.1:9001')

    assert 'front start' not in steps(verbs.start(['one']))


@pytest.mark.parametrize('verb', ['restart', 'reload'])
def test_restart_and_reload_are_one_step_for_all_services(deployed, system, verb):
    deployed('one', '--listen', '127.0.0.1:9001')
    deployed('two', '--unit', 'n-two', '--listen', '127.0.0.1:9002')

    lines = steps(verbs.PLANS[verb](['one', 'two']))

    assert lines[0] == f'{verb} 2 devstack@one.service devstack@n-two.service'
    assert calls(system) == [
        'systemctl show -p NeedDaemonReload devstack@one.service devstack@n-two.service']


@pytest.mark.parametrize('verb', ['restart', 'reload'])
def test_systemd_reads_a_unit_that_somebody_edited_first(deployed, monkeypatch, verb):
    deployed('one', '--listen', '127.0.0.1:9001')
    monkeypatch.setenv('STALE', 'yes')

    assert steps(verbs.PLANS[verb](['one']))[:2] == [
        'systemd reload', f'{verb} devstack@one.service']


def test_a_stop_names_the_units_that_systemd_knows(deployed, system):
    deployed('one')
    deployed('two')
    stub(system, 'systemctl', '''
for word in "$@"; do
    case $word in
        devstack@two.socket) printf "LoadState=not-found\\n\\n" ;;
        devstack@*)          printf "LoadState=loaded\\n\\n" ;;
    esac
done''')

    assert steps(verbs.stop(['one', 'two'])) == [
        f'stop {ONE} devstack@two.service', f'forget {ONE} devstack@two.service']


def test_a_stop_at_once_is_a_step_of_its_own(deployed):
    deployed('one')

    assert steps(verbs.stop(['--now', 'one'])) == [f'stop_now {ONE}', f'forget {ONE}']


def test_where_no_unit_is_known_nothing_is_stopped(deployed, monkeypatch):
    deployed('one')
    monkeypatch.setenv('LOADED', 'not-found')

    assert steps(verbs.stop(['one'])) == []


@pytest.mark.parametrize('words', [['start'], ['wait', '--timeout', '0'], ['start', '--nosuch'],
                                   ['show'], ['nosuch'], ['status', '--nosuch'], ['log'],
                                   ['log', 'one', '--lines', '0'], ['log', '--nosuch']],
                         ids=' '.join)
def test_wrong_usage_is_one_line_and_status_2(deployed, capsys, words):
    plan = ['plan', '-'] if words[0] in verbs.PLANS else []

    assert verbs.main([*plan, *words]) == 2

    said = capsys.readouterr()
    assert said.out == '' and said.err.startswith('[ERROR] wsgi: ') and said.err.count('\n') == 1


def test_a_refusal_is_one_line_and_status_1(deployed, capsys):
    assert verbs.main(['plan', '-', 'start', 'no\x1bsuch']) == 1

    said = capsys.readouterr()
    assert said.out == '' and said.err == (
        "[ERROR] wsgi: no service 'no?such'; deployed are: none\n")


@pytest.fixture
def memory(deployed, system, monkeypatch):
    """Services of 100 MiB each that run; left(N) says how much memory there is for others."""
    stub(system, 'systemctl', '''
for word in "$@"; do
    [[ "$word" != devstack@* ]] || printf "ActiveState=active\\nControlGroup=/a\\n\\n"
done''')
    monkeypatch.setattr(host, 'memory_of', lambda cgroup: 100 if cgroup == '/a' else 0)
    for name in ('one', 'two', 'three', 'four', 'five'):
        deployed(name)
    return lambda number: monkeypatch.setattr(host, 'memory_left', lambda: number)


@pytest.mark.parametrize(('left', 'groups'), [
    (1000, ['five four one three two']), (999, ['five four one three', 'two']),
    (400, ['five four', 'one three', 'two']), (0, ['five', 'four', 'one', 'three', 'two']),
])
def test_a_switch_takes_as_many_at_once_as_half_the_memory_left_holds(memory, left, groups):
    memory(left)

    assert list(verbs.batches(['mod_wsgi'])) == groups
    say = [line for line in verbs.switch(['mod_wsgi']).lines if line.endswith(' mod_wsgi beside')]
    assert say == [f'say wsgi: {group}: starting mod_wsgi beside' for group in groups]


def test_a_switch_starts_as_many_at_a_time_as_there_are_processors(memory):
    memory(1000)

    lines = steps(verbs.switch(['mod_wsgi', 'one', 'two', 'three']))

    assert [line for line in lines if line.startswith('start ')] == [
        'start 2 devstack@one.switch.service devstack@two.switch.service'
        ' devstack@three.switch.service',
        'start 2 devstack@one.service devstack@two.service devstack@three.service']


@pytest.mark.parametrize(('names', 'failed', 'runs'), [
    ('one two three', 'devstack@two.switch.service', ['two', 'one three']),
    ('one two three', 'devstack@two.service devstack@one.switch.service', ['one two', 'three']),
    ('one two three', '', ['', 'one', 'two', 'three']),
    ('one two', 'devstack@one.service devstack@two.service', ['one two']),
    ('one', '', ['one']),
    ('one', 'devstack@one.service', ['one']),
])
def test_where_a_switch_fails_the_others_are_tried_again(memory, names, failed, runs):
    assert list(verbs.again([names, *failed.split()])) == runs
