"""uWSGI: its configuration, and what the real uWSGI makes of it."""

from __future__ import annotations

import ast
import dataclasses
import os
import re
import shutil
import subprocess
import sys

import pytest
from conftest import (
    declared,
    fake_venv,
    loaded,
    make_fedora,
    put,
    requires,
    script,
    shaped,
)
from harness.workers import runtime
from shapes import SHAPES

from devstack_wsgi import paths, servers
from devstack_wsgi.refused import Refused

UWSGI = servers.get('uwsgi')


def file_of(record, kind):
    """One of the files that the server needs; None without it."""
    return next((file.text for file in UWSGI.describe(record).files if file.kind == kind), None)


def uwsgi_reads(folder, text, *words):
    """How the real uWSGI reads a configuration: a line for each setting."""
    (folder / 'conf.ini').write_text(text)
    # without a socket it ends when it has told
    said = subprocess.run(
        ['uwsgi', '--ini', str(folder / 'conf.ini'), '--show-config', *words], cwd=folder,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
        timeout=30).stdout.decode()
    return said.partition('\n[uwsgi]\n')[2].partition('\nshow-config')[0].split('\n')


def uwsgi_runs(folder, record):
    """What the real uWSGI prints with a record's files, until the application ends it."""
    for file in UWSGI.describe(record).files:
        name = 'script.py' if file.kind == 'script' else file.kind.partition(':')[2]
        if name:
            (folder / name).write_text(file.text.replace(paths.HELPERS, str(folder)))
    (folder / 'conf.ini').write_text(
        UWSGI.conf(record).replace(paths.script(record), str(folder / 'script.py')))
    return subprocess.run(
        ['uwsgi', '--ini', str(folder / 'conf.ini')], cwd=folder, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, timeout=30,
        env={'PATH': os.environ['PATH'], 'UWSGI_SOCKET': str(folder / 'socket')}).stdout.decode()


# ---- its configuration

# that of a venv is not the one at hand
@pytest.mark.parametrize('shape', [shape for shape in SHAPES if shape != 'venv-uwsgi'])
def test_the_real_uwsgi_knows_every_setting_of_a_shape(system, tmp_path, shape):
    requires('uwsgi')
    text = UWSGI.conf(shaped(shape, tmp_path / 'shape'))

    read = uwsgi_reads(tmp_path, text, '--strict')

    assert 'master = true' in read and 'strict-mode' not in '\n'.join(read)


@pytest.mark.parametrize('value', [
    '100%', '%d', '%%', '50% x', 'a;b', 'a # b', 'a\\', '\\n', 'a b  c', '$HOME', '=x', '"q"',
    "'q'", '[x]', '@x', 'a=b', '%s%n', '&', '{x}', '(x)', '%t2'])
def test_the_real_uwsgi_reads_a_value_as_it_was_given(system, tmp_path, value):
    requires('uwsgi')
    record = declared('thing-api', '--set', f'procname-prefix={value}')

    assert f'procname-prefix = {value}' in uwsgi_reads(tmp_path, UWSGI.conf(record))


def test_the_real_uwsgi_hands_the_arguments_over_as_given(system, tmp_path):
    requires('uwsgi')
    words = ['--config-file', '/etc/a.conf', '100%', '%d', 'a;b', 'a,b', '$HOME', '*', '[a]', '#a',
             '%%']
    (tmp_path / 'thing.py').write_text(
        'import os\nimport sys\n'
        "print('<%s>' % '|'.join(sys.argv[1:]), flush=True)\nos._exit(0)\n")
    record = declared('thing-api', '--app', 'thing:application', '--preload', '--python-path',
                      str(tmp_path), *(each for word in words for each in ('--arg', word)))

    assert f"<{'|'.join(words)}>" in uwsgi_runs(tmp_path, record)


def test_the_real_uwsgi_calls_a_factory_while_it_loads(system, tmp_path):
    requires('uwsgi')
    (tmp_path / 'thing.py').write_text(
        'import os\ndef made(*given):\n'
        "    print('<made %d>' % len(given), flush=True)\n    os._exit(0)\n")
    record = declared('thing-api', '--app', 'thing:made()', '--preload', '--python-path',
                      str(tmp_path))

    assert '<made 0>' in uwsgi_runs(tmp_path, record).split('\n')


def test_a_setting_of_the_record_stands_in_place_of_ours_once(system):
    lines = UWSGI.conf(declared('new', '--set', 'post-buffering=0', '--set', 'harakiri=60')
                       ).split('\n')

    assert [line for line in lines if line.startswith('post-buffering')] == ['post-buffering = 0']
    assert lines[lines.index('post-buffering = 0') + 1] == 'harakiri = 60'


def test_a_comment_goes_with_the_setting_that_it_is_about(system):
    assert 'read a body before' in UWSGI.conf(declared('new'))
    assert 'read a body before' not in UWSGI.conf(declared('new', '--set', 'post-buffering=0'))


def test_the_one_magic_that_a_setting_may_have_is_the_time_of_the_start(system):
    assert '\nprocname-prefix = %t\n' in UWSGI.conf(declared('new', '--set', 'procname-prefix=%t'))


# ---- the script that loads its application

@pytest.mark.parametrize('shape', ['uwsgi', 'script', 'listen', 'path-listen', 'path'])
def test_the_script_is_python_that_knows_the_prefix_and_no_protocol(system, tmp_path, shape):
    tree = ast.parse(file_of(shaped(shape, tmp_path / 'shape'), 'script'))

    said = {each.arg: ast.literal_eval(each.value) for each in ast.walk(tree)
            if isinstance(each, ast.keyword) and each.arg not in ('app', 'check', 'variables')}
    prefix = {'listen': ''}.get(shape, '/thing-api')
    assert said == {'prefix': prefix, 'front': bool(prefix), 'script': said['script']}


@pytest.mark.parametrize(('application', 'wanted'), [('thing:made()', 1), ('thing:made', None)])
def test_a_factory_is_called_once_and_a_callable_is_not(tmp_path, monkeypatch, application, wanted):
    (tmp_path / 'thing.py').write_text(
        'calls = []\ndef made():\n    calls.append(1)\n    return len(calls)\n')
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, 'thing', raising=False)

    made = runtime.load(application, '')

    assert made == wanted if wanted else callable(made)


# ---- its program

def program(record):
    return UWSGI.describe(record).command.split(' ')[0]


def test_the_program_is_the_venvs_own_else_the_systems(system, tmp_path):
    assert program(declared('new')) == '/usr/bin/uwsgi'
    venv = fake_venv(tmp_path / 'venv', '3.11')
    assert program(declared('new', '--venv', venv)) == '/usr/bin/uwsgi'

    script(tmp_path / 'venv/bin/uwsgi', '')

    assert program(declared('new', '--venv', venv)) == f'{venv}/bin/uwsgi'


def test_fedora_has_the_program_elsewhere(system):
    make_fedora(system)

    assert program(declared('new')) == '/usr/sbin/uwsgi'


def test_python_is_a_plugin_of_the_systems_and_not_of_a_venvs(system, tmp_path):
    assert '\nplugins = python3\n' in UWSGI.conf(shaped('venv', tmp_path / 'one'))
    assert '\nplugins' not in UWSGI.conf(shaped('venv-uwsgi', tmp_path / 'two'))


def test_a_venv_that_links_to_the_systems_program_needs_the_plugin_too(system, tmp_path):
    venv = fake_venv(tmp_path / 'venv', '3.11')
    for top in (tmp_path / 'venv', system / venv.lstrip('/')):
        (top / 'bin').mkdir(parents=True, exist_ok=True)
        (top / 'bin/uwsgi').symlink_to(system / 'usr/bin/uwsgi')

    assert '\nplugins = python3\n' in UWSGI.conf(declared('new', '--venv', venv))


def test_packages_go_by_the_distributions_names():
    assert UWSGI.packages == {'dpkg': ('uwsgi-core', 'uwsgi-plugin-python3'),
                              'rpm': ('uwsgi', 'uwsgi-plugin-python3')}


@pytest.mark.parametrize('version', ['3.11', '3.11.9'])
def test_a_venv_of_the_same_python_is_taken(system, tmp_path, version):
    assert declared('new', '--venv', fake_venv(tmp_path / 'venv', version))


def test_a_venv_with_its_own_uwsgi_may_have_any_python(system, tmp_path):
    assert shaped('venv-uwsgi', tmp_path / 'shape')


# ---- the settings that --set may name

def test_settings_are_what_the_program_lists(system):
    assert {'post-buffering', 'harakiri'} <= set(UWSGI.settings())


def test_a_program_is_asked_for_its_settings_once(system, tmp_path):
    program = system / 'usr/bin/uwsgi'
    program.write_text(program.read_text().replace(
        'cat', f'echo asked >> {tmp_path}/asked\ncat', 1))

    for value in '12':
        declared('new', '--set', f'harakiri={value}')

    assert (tmp_path / 'asked').read_text() == 'asked\n'


def test_a_program_that_is_not_the_distributions_has_no_plugin(system, tmp_path):
    venv = fake_venv(tmp_path / 'venv', '3.12')
    # what uWSGI does where there is no such plugin
    script(tmp_path / 'venv/bin/uwsgi',
           '[ "$1" = --help ] || exit 1\necho "    --logger    set it"')

    assert declared('new', '--venv', venv, '--set', 'logger=x')
    with pytest.raises(Refused, match='--set harakiri: uWSGI has no such setting'):
        declared('new', '--venv', venv, '--set', 'harakiri=60')


def test_settings_of_the_real_uwsgi_include_its_plugins(system):
    requires('uwsgi')
    (system / 'usr/bin/uwsgi').unlink()
    (system / 'usr/bin/uwsgi').symlink_to(shutil.which('uwsgi'))

    assert {'harakiri', 'post-buffering', 'buffer-size', 'http-socket', 'pyargv', 'touch-reload',
            'py-autoreload'} <= set(UWSGI.settings())


def test_no_setting_of_the_real_uwsgi_that_opens_another_door_is_left_to_set(system):
    requires('uwsgi')
    (system / 'usr/bin/uwsgi').unlink()
    (system / 'usr/bin/uwsgi').symlink_to(shutil.which('uwsgi'))
    doors = [name for name in UWSGI.settings()
             if re.fullmatch('socket|.*-socket|http|https|http-to', name)
             # not an address to listen on
             and not re.match('.*-to-socket|wait-for-socket|close-|freebind|emperor-', name)]

    taken = []
    for name in doors:
        try:
            taken.append(declared('new', '--set', f'{name}=x').set)
        except Refused as refusal:
            assert "the library's own" in str(refusal)
    assert len(doors) > 10 and taken == []


# ---- what units and front must know

def test_it_listens_on_the_address_that_was_asked_for_else_on_two_unix_sockets(system, tmp_path):
    assert UWSGI.describe(shaped('path', tmp_path / 'one')).listens == (
        '/run/devstack-wsgi/thing-api.http', '/run/devstack-wsgi/thing-api.socket')
    facts = UWSGI.describe(shaped('path-listen', tmp_path / 'two'))
    assert facts.listens == ('127.0.0.1:9292',) and facts.address == '127.0.0.1:9292'


def test_its_command_is_the_program_and_its_configuration(system, tmp_path):
    assert UWSGI.describe(shaped('conf', tmp_path / 'shape')).command == (
        '/usr/bin/uwsgi --ini /etc/thing-uwsgi.ini')


@pytest.mark.parametrize(('shape', 'sockets'), [
    ('path', {'UWSGI_HTTP_SOCKET': 'fd://3', 'UWSGI_SOCKET': 'fd://4'}),
    ('path-listen', {'UWSGI_HTTP_SOCKET': 'fd://3'}),
    ('listen', {'UWSGI_HTTP_SOCKET': 'fd://3'})])
def test_each_socket_comes_by_the_variable_of_its_protocol(system, tmp_path, shape, sockets):
    facts = UWSGI.describe(shaped(shape, tmp_path / 'shape'))

    assert {each.name: each.value for each in facts.variables
            if each.name.endswith('SOCKET')} == sockets


def test_the_transport_says_no_more_than_where_the_front_asks(system, tmp_path):
    http = UWSGI.describe(shaped('path', tmp_path / 'one'))
    uwsgi = UWSGI.describe(shaped('uwsgi', tmp_path / 'two'))

    assert (http.protocol, http.address) == ('http', '/run/devstack-wsgi/thing-api.http')
    assert (uwsgi.protocol, uwsgi.address) == ('uwsgi', '/run/devstack-wsgi/thing-api.socket')
    # so the units of a service that runs stay as they are
    assert dataclasses.replace(uwsgi, files=http.files, protocol=http.protocol,
                               address=http.address) == http


@pytest.mark.parametrize(('shape', 'how'), [('path', 'chain'), ('preload', 'hup')])
def test_with_preload_a_reload_starts_the_instance_again(system, tmp_path, shape, how):
    assert f'reload --how {how} ' in UWSGI.describe(shaped(shape, tmp_path / 'shape')).reload


@pytest.mark.parametrize(('line', 'unset'), [
    ('', True), ('http-socket = 127.0.0.1:60999', False), ('  http-socket=127.0.0.1:60999', False)])
def test_an_address_in_conf_is_found_among_what_systemd_hands_over(system, line, unset):
    put(system, '/etc/new.ini', f'[uwsgi]\n{line}\n')
    record = loaded(system, 'app=m:a', 'path=/new', 'conf=/etc/new.ini').records['new']

    assert ('LISTEN_FDS' in UWSGI.describe(record).unset) is unset
