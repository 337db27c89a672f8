"""A machine that is a folder, and golden texts."""

from __future__ import annotations

import difflib
import os
import pathlib
import sys

import pytest

REPO = pathlib.Path(__file__).resolve().parents[3]
GOLDEN = REPO / 'tests/fixtures/golden'
sys.path.insert(0, str(REPO / 'lib'))

# every Debian and Fedora has it, with a group of the same name
ACCOUNT = 'daemon'


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
        if name.startswith('WSGI_') or name in (
                'DEVSTACK_WSGI_MODE', 'API_WORKERS', 'STACK_USER', 'SUDO_USER'):
            monkeypatch.delenv(name)
    apache = root / 'etc/apache2'
    for folder in ('mods-available', 'mods-enabled', 'sites-available', 'sites-enabled'):
        (apache / folder).mkdir(parents=True)
    (apache / 'ports.conf').write_text('# ports\nListen 80\n')
    modules = root / 'usr/lib/apache2/modules'
    modules.mkdir(parents=True)
    (modules / 'mod_wsgi.so-3.11').write_text('')
    (modules / 'mod_wsgi.so').symlink_to('mod_wsgi.so-3.11')
    plugins = root / 'usr/lib/uwsgi/plugins'
    plugins.mkdir(parents=True)
    (plugins / 'python311_plugin.so').write_text('')
    script(root / 'usr/sbin/apache2', '')
    settings = ('post-buffering', 'procname-prefix', 'max-requests', 'harakiri', 'module')
    script(root / 'usr/bin/uwsgi', 'cat << END\n' + '\n'.join(
        f'    --{each}  sets it' for each in settings) + '\nEND')
    stubs = tmp_path / 'stubs'
    script(stubs / 'apache2ctl', 'echo \'Group: name="www-data" id=33\'')
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


def fake_venv(folder: pathlib.Path, version: str) -> str:
    """A virtual environment that is a folder with a pyvenv.cfg."""
    (folder / 'bin').mkdir(parents=True)
    (folder / 'pyvenv.cfg').write_text(
        f'home = /usr/bin\ninclude-system-site-packages = false\nversion = {version}\n')
    return str(folder)


def assert_golden(name: str, text: str) -> None:
    """A text equals its golden copy, else a diff and the way to accept it."""
    file = GOLDEN / name
    if os.environ.get('UPDATE_GOLDEN') == '1':
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return
    wanted = file.read_text() if file.exists() else ''
    if wanted != text:
        difference = ''.join(difflib.unified_diff(
            wanted.splitlines(True), text.splitlines(True), f'golden/{name}', 'actual'))
        pytest.fail(f'{difference}\naccept: UPDATE_GOLDEN=1 tox -e unit', pytrace=False)
