"""The text of units and sockets, and how the real systemd reads it."""

from __future__ import annotations

import dataclasses

import pytest
from conftest import ACCOUNT, declared, requires, shaped
from judges import Units
from shapes import OF_MOD_WSGI, SHAPES

from devstack_wsgi import paths, servers, template, units
from devstack_wsgi.declare import declare
from devstack_wsgi.fronts import front
from devstack_wsgi.registry import Registry

MODES = servers.known()


@pytest.fixture
def judged(system):
    """A folder of units for systemd."""
    requires('systemd-analyze')
    folder = Units()
    yield folder
    folder.close()


def test_systemd_finds_nothing_wrong_with_any_shape(judged, system, tmp_path, monkeypatch):
    requires('uwsgi', 'apache2')
    monkeypatch.setattr(type(front()), 'group', lambda _: ACCOUNT)
    for mode, shapes in (('uwsgi', SHAPES), ('mod_wsgi', OF_MOD_WSGI)):
        for shape in shapes:
            record = shaped(shape, tmp_path / f'{mode}-{shape}', '--mode', mode)
            judged.put(dataclasses.replace(record, unit=f"{shape}-{mode.replace('_', '-')}"))

    assert judged.verify() == ''


def test_systemd_refuses_a_unit_that_is_none(judged):
    judged.write('a.service', '[Service]\nExecStart=relative\n')

    assert 'relative' in judged.verify()


# ---- sandboxes

@pytest.mark.parametrize(('level', 'limit'), [('standard', 5.0), ('strict', 2.0)])
def test_the_exposure_in_a_sandbox_is_at_most_its_promise(judged, level, limit):
    """Of services with a path, with a port and with a script: mode and sandbox alone make it."""
    for mode in MODES:
        for name in ('nova-api', 'nova-metadata', 'swift-proxy'):
            record = declare(Registry(), name, ['--user', ACCOUNT, '--hardening', level,
                                                '--mode', mode])
            judged.put(dataclasses.replace(record, unit=f"{name}-{mode.replace('_', '-')}"))

    found = judged.exposures()

    assert {unit: points for unit, points in found.items() if points > limit} == {}
    # and of three that pass connections on
    assert len(found) == 9


def test_the_exposure_of_roots_service_and_without_a_sandbox(judged):
    judged.put(declared('root-standard', '--user', 'root'))
    judged.put(declared('root-strict', '--user', 'root', '--hardening', 'strict'))
    judged.put(declared('none', '--hardening', 'off'))

    found = judged.exposures()

    assert found['devstack@root-standard.service'] <= 5.0
    assert found['devstack@root-strict.service'] <= 2.5
    # what the others are measured against
    assert found['devstack@none.service'] >= 9.0


# ---- how systemd reads them

VALUES = [
    'A1=', 'A2= b ', 'A3=a b  c', 'A4="q"', "A5='q'", "A6=it's", 'A7=\\', r'A8=a\n\x41\.',
    'A9=100%', 'B1=%h%t%%', 'B2=$HOME', 'B3=${HOME}', 'B4=$(id)', 'B5=`id`', 'B6=@(exec://id)',
    'B7=%(x)', 'B8=a;b # c', 'B9=a=b', 'C1=ünï', 'C2=&<>|', 'C3=*?[a]', 'C4=@NAME@', r'C5=a\ b',
    r'C6=\"', 'C7=-', 'C8=!~^', 'C9={a,b}', 'D1=[Service]', r'D2=\\server\share']


def test_systemd_reads_each_variable_as_it_was_declared(judged):
    judged.put(declared('thing-api', *(word for value in VALUES for word in ('--env', value))))

    read = judged.read('devstack@thing-api.service')

    assert [value for value in VALUES if f'Environment: {value}' not in read] == []


def test_systemd_reads_what_the_drop_in_is_for(judged, tmp_path):
    judged.put(shaped('path', tmp_path / 'shape'))

    read = judged.read('devstack@thing-api.service')

    wanted = {'Type: exec', 'Restart: always', 'KillMode: mixed', 'TimeoutStopSec: 45s',
              'NotifyAccess: none', 'RuntimeDirectory: devstack-wsgi/thing-api',
              'ProtectSystem: yes', 'Requires: devstack@thing-api.socket (origin-file)',
              f'User: {ACCOUNT}', f'Group: {ACCOUNT}', 'Environment: UWSGI_HTTP_SOCKET=fd://3',
              'UnsetEnvironment: LISTEN_FDS',
              'Command Line: /usr/bin/uwsgi --ini /etc/devstack-wsgi/uwsgi/thing-api.ini'}
    assert wanted - set(read) == set()


def test_in_devstacks_own_unit_the_drop_in_leaves_what_is_the_callers(judged, tmp_path):
    judged.put(shaped('path', tmp_path / 'shape'))
    command = '/usr/bin/uwsgi --procname-prefix n --ini /etc/n.ini'
    # as functions-common of DevStack writes it
    judged.write('devstack@thing-api.service', '\n'.join((
        '[Unit]', 'Description = Devstack devstack@n-api.service', '[Service]',
        'RestartForceExitStatus = 100', 'NotifyAccess = all', 'Restart = always',
        'KillMode = process', 'Type = notify', 'ExecReload = /usr/bin/kill -HUP $MAINPID',
        f'ExecStart = {command}', 'User = nobody',
        'SyslogIdentifier = devstack@n-api.service', 'TimeoutStopSec = 300',
        'Environment = "A=b c"', '[Install]', 'WantedBy = multi-user.target', '')))

    read = judged.read('devstack@thing-api.service')

    wanted = {'User: nobody', 'Environment: A=b c', 'Type: exec', f'Command Line: {command}',
              'KillMode: mixed', 'NotifyAccess: none', 'TimeoutStopSec: 45s',
              'Environment: UWSGI_HTTP_SOCKET=fd://3'}
    assert wanted - set(read) == set()
    assert not any('/usr/bin/kill' in line for line in read)
    # systemd does not tell which it has; an empty one takes the unit's away
    dropin = judged.folder / 'devstack@thing-api.service.d/50-wsgi.conf'
    assert '\nRestartForceExitStatus=\n' in dropin.read_text()


def test_only_the_services_user_and_the_fronts_group_can_use_the_socket(judged, tmp_path):
    judged.put(shaped('path', tmp_path / 'shape'))

    read = judged.read('devstack@thing-api.socket')

    assert {'SocketMode: 0660', 'DirectoryMode: 0755', 'RemoveOnStop: yes', 'Backlog: 1024',
            'ListenStream: /run/devstack-wsgi/thing-api.http',
            'ListenStream: /run/devstack-wsgi/thing-api.socket', f'SocketUser: {ACCOUNT}',
            'SocketGroup: www-data'} - set(read) == set()


# ---- names

def test_a_service_on_demand_is_started_by_its_socket(system, tmp_path):
    record = shaped('on-demand', tmp_path / 'shape')

    assert units.started(record) == 'devstack@thing-api.socket'
    assert units.main_units(record) == ('devstack@thing-api.service', 'devstack@thing-api.socket')
    assert units.links(record)[0] == f'{paths.UNITS}/sockets.target.wants/devstack@thing-api.socket'


def test_another_service_is_started_itself(system, tmp_path):
    record = shaped('names', tmp_path / 'shape')

    assert units.started(record) == 'devstack@t-api.service'
    assert units.links(record)[0] == f'{paths.UNITS}/multi-user.target.wants/devstack@t-api.service'


@pytest.mark.parametrize(('path', 'wanted'), [
    ('/etc/systemd/system/a.service', 'a.service'),
    ('/etc/systemd/system/a.service.d/50-wsgi.conf', 'a.service'),
    ('/etc/systemd/system/multi-user.target.wants/a.service', 'a.service'),
    ('/etc/nova/a.service', '')])
def test_a_file_belongs_to_the_unit_that_systemd_reads_it_for(path, wanted):
    assert units.of_path(path) == wanted


@pytest.mark.parametrize('shape', OF_MOD_WSGI)
def test_the_forwarder_is_always_in_the_strict_sandbox(system, tmp_path, shape):
    record = shaped(shape, tmp_path / 'shape', '--mode', 'mod_wsgi', '--hardening', 'off')

    texts = {file.kind: file.text
             for file in units.files(record, servers.get('mod_wsgi').describe(record))}

    strict = template.read('unit/hardening-strict.conf').rstrip('\n')
    assert 'ProtectHome=' in strict and strict in texts['forward-unit']
    assert 'ProtectHome=' not in texts['dropin']
