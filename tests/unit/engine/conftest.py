"""A machine that is a folder."""

from __future__ import annotations

import os
import pathlib
import shutil
import sys

import pytest

REPO = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(REPO / 'lib'))

# every Debian and Fedora has it, with a group of the same name
ACCOUNT = 'daemon'

# What the uWSGI of the system lists: some that a caller may want, then some that are the library's
# own.
SETTINGS = (
    'post-buffering', 'buffer-size', 'procname-prefix', 'max-requests', 'route-run', 'logger',
    'harakiri', 'module', 'wsgi-file', 'mount', 'socket', 'http-socket', 'processes', 'workers',
    'threads', 'env', 'pyargv', 'venv', 'chdir', 'uid', 'gid', 'plugins', 'ini', 'include',
    'inherit', 'lazy-apps', 'daemonize', 'stats', 'master-fifo', 'protocol', 'chmod-socket',
    'puwsgi-socket', 'suwsgi-socket', 'ssl-socket', 'fastcgi-socket', 'scgi-socket', 'raw-socket')


def script(path: pathlib.Path, body: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'#!/bin/bash\n{body}\n')
    path.chmod(0o755)


@pytest.fixture
def system(tmp_path, monkeypatch):
    """A machine as apt leaves it: Apache with its default site, uWSGI and mod_wsgi."""
    from devstack_wsgi import host
    root = tmp_path / 'root'
    for name in list(os.environ):
        if name.startswith('WSGI_') and name != 'WSGI_NO_SKIP' or name in (
                'DEVSTACK_WSGI_MODE', 'API_WORKERS', 'STACK_USER', 'SUDO_USER'):
            monkeypatch.delenv(name)
    apache = root / 'etc/apache2'
    for folder in ('mods-available', 'mods-enabled', 'sites-available', 'sites-enabled'):
        (apache / folder).mkdir(parents=True)
    (apache / 'ports.conf').write_text('# ports\nListen 80\n')
    for name in ('setenvif', 'authz_core'):
        (apache / f'mods-enabled/{name}.load').write_text('')
    (root / 'etc/systemd/system').mkdir(parents=True)
    modules = root / 'usr/lib/apache2/modules'
    modules.mkdir(parents=True)
    (modules / 'mod_wsgi.so-3.11').write_text('')
    (modules / 'mod_wsgi.so').symlink_to('mod_wsgi.so-3.11')
    plugins = root / 'usr/lib/uwsgi/plugins'
    plugins.mkdir(parents=True)
    (plugins / 'python311_plugin.so').write_text('')
    script(root / 'usr/sbin/apache2', '')
    script(root / 'usr/bin/uwsgi', 'cat << END\n' + '\n'.join(
        f'    --{each}  sets it' for each in SETTINGS) + '\nEND')
    stubs = tmp_path / 'stubs'
    script(stubs / 'apache2ctl',
           'echo "apache2ctl $*" >> "${0%/*}/calls"; echo \'Group: name="www-data" id=33\'\n'
           "printf '%s\\n' 'PidFile: \"/run/apache.pid\"'"
           " 'ThreadsPerChild 25' 'MaxRequestWorkers 150'")
    # nothing runs
    script(stubs / 'systemctl', 'echo "systemctl $*" >> "${0%/*}/calls"')
    monkeypatch.setenv('PATH', f'{stubs}:{os.environ["PATH"]}')
    monkeypatch.setattr(host, 'SYSROOT', str(root))
    forget()
    yield root
    forget()


def forget() -> None:
    """Let no answer of one test's machine be another's."""
    for module in [each for name, each in sys.modules.items() if name.startswith('devstack_wsgi')]:
        for value in vars(module).values():
            if hasattr(value, 'cache_clear'):
                value.cache_clear()


def stub(system: pathlib.Path, name: str, body: str) -> None:
    """Put another program in front of those of the system."""
    script(system.parent / 'stubs' / name, f'echo "{name} $*" >> "${{0%/*}}/calls"\n{body}')


def calls(system: pathlib.Path) -> list[str]:
    """The stubs that were called, with their arguments."""
    log = system.parent / 'stubs/calls'
    return log.read_text().splitlines() if log.exists() else []


def make_fedora(system: pathlib.Path) -> None:
    """Let the machine be laid out as Fedora is."""
    shutil.rmtree(system / 'etc/apache2')
    (system / 'etc/httpd').mkdir()
    (system / 'usr/sbin/uwsgi').symlink_to('../bin/uwsgi')
    forget()


def put(system: pathlib.Path, path: str, text: str) -> pathlib.Path:
    """Write a file of the machine."""
    file = system / path.lstrip('/')
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text.encode('utf-8', 'surrogateescape'))
    return file


def declared(name: str, *options: str, registry=None):
    """A declared record; what it needs and was not given is added."""
    from devstack_wsgi.declare import declare
    from devstack_wsgi.registry import Registry
    words = list(options)
    if not {'--app', '--script'} & set(words):
        words += ['--app', 'thing.wsgi:application']
    if not {'--path', '--listen'} & set(words):
        words += ['--path', f'/{name}']
    if '--user' not in words:
        words += ['--user', ACCOUNT]
    return declare(Registry() if registry is None else registry, name, words)


def shaped(shape: str, folder: pathlib.Path, *more: str):
    """A record of one of the shapes."""
    from shapes import options

    from devstack_wsgi.declare import declare
    from devstack_wsgi.registry import Registry
    folder.mkdir(exist_ok=True)
    return declare(Registry(), 'thing-api', [*options(shape, folder), *more])


def loaded(system: pathlib.Path, *lines: str, name: str = 'new'):
    """The registry of a machine with a record of these lines, besides what each record says."""
    from devstack_wsgi import registry
    text = '\n'.join((f'name={name}', f'user={ACCOUNT}', f'group={ACCOUNT}', *lines))
    put(system, f'/etc/devstack-wsgi/services/{name}.conf', text + '\n')
    return registry.load()


def requires(*programs: str) -> None:
    """Skip a test where a program is missing; fail where no test may be skipped."""
    missing = [each for each in programs if not shutil.which(each)]
    if missing and os.environ.get('WSGI_NO_SKIP') == '1':
        pytest.fail(f"needed here: {' '.join(missing)} (WSGI_NO_SKIP=1 allows no skip)")
    if missing:
        pytest.skip(f"needs {' '.join(missing)}")


def fake_venv(folder: pathlib.Path, version: str) -> str:
    """A virtual environment that is a folder with a pyvenv.cfg."""
    (folder / 'bin').mkdir(parents=True)
    (folder / 'pyvenv.cfg').write_text(
        f'home = /usr/bin\ninclude-system-site-packages = false\nversion = {version}\n')
    return str(folder)
