"""mod_wsgi: its httpd's configuration, and what the real httpd makes of it."""

from __future__ import annotations

import ast
import re
import subprocess

import pytest
from conftest import declared, fake_venv, make_fedora, put, requires, shaped
from shapes import OF_MOD_WSGI

from devstack_wsgi import plan, servers
from devstack_wsgi.record import Record
from devstack_wsgi.refused import Refused
from devstack_wsgi.registry import Registry

MOD_WSGI = servers.get('mod_wsgi')


def deployed(*options):
    return declared('one', '--mode', 'mod_wsgi', *options)


def file_of(record, kind):
    return next(file.text for file in MOD_WSGI.describe(record).files if file.kind == kind)


def daemon(record):
    """The options of its WSGIDaemonProcess."""
    said = re.search('^Define DEVSTACK_WSGI_DAEMON "(.*)"$', file_of(record, 'config'),
                     re.MULTILINE)
    return dict(each.split('=', 1) for each in said.group(1).split(' '))


# ---- its files

def arguments(record):
    """The words that its script puts behind sys.argv[0]."""
    return next(ast.literal_eval(each.value) for each in ast.walk(ast.parse(
        file_of(record, 'script'))) if isinstance(each, ast.keyword) and each.arg == 'argv')


@pytest.mark.parametrize('shape', OF_MOD_WSGI)
def test_a_script_is_python_with_no_argument_where_none_is_given(system, tmp_path, shape):
    assert arguments(shaped(shape, tmp_path / 'shape', '--mode', 'mod_wsgi')) == []


def test_a_script_has_the_arguments_as_they_were_given(system):
    words = ['--config-file', 'a b', '100%{x}', '$HOME', '#', '@NAME@', "é"]

    assert arguments(deployed(*(each for word in words for each in ('--arg', word)))) == words


@pytest.mark.parametrize('shape', OF_MOD_WSGI)
def test_the_real_httpd_reads_every_shape(system, tmp_path, shape):
    requires('/usr/sbin/apache2')
    text = file_of(shaped(shape, tmp_path / 'shape', '--mode', 'mod_wsgi'), 'config')
    (tmp_path / 'run').mkdir()
    (tmp_path / 'conf').write_text(re.sub('/run/devstack-wsgi/[a-z-]*', f'{tmp_path}/run', text))

    said = subprocess.run(
        ['/usr/sbin/apache2', '-t', '-f', str(tmp_path / 'conf')], stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, timeout=60).stdout.decode()

    assert said == 'Syntax OK\n'


def test_what_conf_says_otherwise_is_included_where_there_is_one(system, tmp_path):
    config = file_of(shaped('conf', tmp_path / 'one', '--mode', 'mod_wsgi'), 'config')

    assert 'IncludeOptional "/run/devstack-wsgi/thing-api/daemon.conf"' in config
    assert 'IncludeOptional' not in file_of(deployed(), 'config')


# ---- what it needs of the system

def test_without_the_module_it_is_named_with_what_to_install(system):
    for file in (system / 'usr/lib/apache2/modules').iterdir():
        file.unlink()

    with pytest.raises(Refused, match='mod_wsgi is not installed; install apache2'
                                      ' libapache2-mod-wsgi-py3'):
        deployed()


def test_without_the_httpd_it_is_named_with_what_to_install(system):
    (system / 'usr/sbin/apache2').unlink()

    with pytest.raises(Refused, match='mod_wsgi is not installed'):
        deployed()


def test_root_is_refused_since_mod_wsgi_never_serves_it(system):
    with pytest.raises(Refused, match='^one: mod_wsgi runs no application as root; give --user'):
        deployed('--user', 'root')


def test_a_venv_of_another_python_is_refused_and_both_are_named(system, tmp_path):
    with pytest.raises(Refused, match=r'the venv has Python 3\.12,'
                                      r' /usr/lib/apache2/modules/mod_wsgi\.so is for 3\.11'):
        deployed('--venv', fake_venv(tmp_path / 'venv', '3.12.1'))


@pytest.mark.parametrize('version', ['312', '313'])
def test_a_venvs_own_module_is_loaded_if_it_is_built_for_it(system, tmp_path, version):
    venv = fake_venv(tmp_path / 'venv', '3.12.1')
    module = tmp_path / (f'venv/lib/python3.12/site-packages/mod_wsgi/server/'
                         f'mod_wsgi-py{version}.cpython-{version}-x86_64-linux-gnu.so')
    module.parent.mkdir(parents=True)
    module.write_text('')

    if version == '312':
        assert f'LoadModule wsgi_module "{module}"' in file_of(deployed('--venv', venv), 'config')
    else:
        with pytest.raises(Refused, match=r'the venv has Python 3\.12, .* is for 3\.13'):
            deployed('--venv', venv)


def test_packages_and_places_go_by_the_distribution(system):
    assert MOD_WSGI.packages == {'dpkg': ('apache2', 'libapache2-mod-wsgi-py3'),
                                 'rpm': ('httpd', 'python3-mod_wsgi')}
    assert MOD_WSGI.describe(deployed()).command.startswith('/usr/sbin/apache2 -f ')

    make_fedora(system)
    put(system, '/usr/sbin/httpd', '').chmod(0o755)
    put(system, '/usr/lib64/httpd/modules/mod_wsgi_python3.so', '')

    assert MOD_WSGI.describe(deployed()).command.startswith('/usr/sbin/httpd -f ')


@pytest.mark.parametrize(('command', 'said'), [
    ('/usr/bin/uwsgi --ini /x --pyargv "a b" --venv /v', ''),
    ('/usr/bin/uwsgi --procname-prefix n --ini=/x', ''),
    ('/usr/bin/uwsgi --ini /x --harakiri 5', "starts it with '--harakiri'"),
    ('/usr/bin/uwsgi /x', "starts it with '/x'")])
def test_what_devstacks_command_says_and_it_cannot_be_told_is_refused(system, command, said):
    record = Record('one', command=command)

    if said:
        with pytest.raises(Refused, match=f'{said}.*WSGI_MODE_one=uwsgi'):
            MOD_WSGI.check(record)
    else:
        MOD_WSGI.check(record)


# ---- the settings that --set may name

def test_settings_are_options_of_its_own_and_what_uwsgi_calls_otherwise(system):
    options = daemon(deployed('--set', 'maximum-requests=9', '--set', 'harakiri=60',
                              '--set', 'post-buffering=0', '--set', 'listen-backlog=7'))

    assert options['maximum-requests'] == '9' and options['request-timeout'] == '60'
    assert options['listen-backlog'] == '7'
    assert not any('buffering' in key for key in options)


@pytest.mark.parametrize(('seconds', 'wanted'), [(1, 1), (30, 30), (60, 30)])
def test_what_hangs_gets_no_more_mercy_than_time(system, seconds, wanted):
    assert daemon(deployed('--set', f'harakiri={seconds}'))['shutdown-timeout'] == str(wanted)


@pytest.mark.parametrize('setting', [
    'nonsense=1', 'user=root', 'processes=3', 'home=/', 'script-user=x',
    'request-timeout=1 user=root', 'request-timeout="1"', 'harakiri=abc', 'umask=18',
    'umask=00022', 'lang=a b', 'harakiri=٣'])
def test_other_settings_are_refused(system, setting):
    with pytest.raises(Refused, match='^one: --set '):
        deployed('--set', setting)


def test_an_unknown_setting_is_refused_with_those_that_are_known(system):
    with pytest.raises(Refused, match='options of WSGIDaemonProcess: umask .*harakiri'):
        deployed('--set', 'nonsense=1')


# ---- what units and front must know

def test_its_port_and_its_secret_are_its_own(system):
    record = deployed()
    facts = MOD_WSGI.describe(record)

    assert re.fullmatch('2[34][0-9]{3}', record.port)
    assert re.fullmatch('[0-9a-f]{32}', record.secret)
    assert facts.address == f'127.0.0.1:{record.port}' and facts.secret == record.secret
    assert facts.standby == '/run/devstack-wsgi/one.socket'


def test_on_demand_every_request_passes_the_forwarder(system):
    facts = MOD_WSGI.describe(deployed('--on-demand'))

    assert facts.address == '/run/devstack-wsgi/one.socket' and facts.standby == ''
    assert facts.idles and facts.forwarder.endswith(' 300')


def test_only_roots_and_the_fronts_eyes_see_the_secret(system):
    registry = Registry()
    registry.put(deployed())
    secret = registry.records['one'].secret

    files = [file for file in plan.wanted(registry, ['one']).values() if secret in file.text]

    assert {file.kind: f'{file.mode:o}' for file in files} == {
        'record': '640', 'config': '640', 'facts': '640', 'site': '640'}
