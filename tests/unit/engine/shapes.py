"""The shapes that a service can have, each with a golden copy of its files."""

from __future__ import annotations

import pathlib

from conftest import ACCOUNT, fake_venv, script

SHAPES = (
    'path', 'uwsgi', 'listen', 'path-listen', 'any-address', 'preload', 'preload-uwsgi',
    'on-demand', 'script', 'script-uwsgi', 'venv', 'venv-uwsgi', 'words', 'threads', 'conf',
    'names', 'hardening-off', 'hardening-strict', 'healthcheck', 'healthcheck-root',
)
OF_MOD_WSGI = ('path', 'listen', 'path-listen', 'on-demand', 'script', 'venv', 'names',
               'healthcheck')
# golden files: those of 'path' are complete, of the others there is the difference to a base
_OVER_UWSGI = ('preload-uwsgi', 'script-uwsgi')

_OPTIONS = {
    'uwsgi': '--transport uwsgi',
    'listen': '--listen 127.0.0.1:8775',
    'path-listen': '--path /thing-api --listen 127.0.0.1:9292',
    'any-address': '--path /thing-api --listen [::]:9292',
    'preload': '--preload',
    'preload-uwsgi': '--preload --transport uwsgi',
    'on-demand': '--on-demand',
    'threads': '--processes 4 --threads 8',
    'conf': '--conf /etc/thing-uwsgi.ini',
    'names': '--unit t-api --site thing-site --key thing --path /thing.v2/api',
    'hardening-off': '--hardening off',
    'hardening-strict': '--hardening strict',
    'healthcheck': '--healthcheck /health.check',
    'healthcheck-root': '--path /thing --healthcheck /',
}


def base(shape: str) -> str:
    """The base of a shape's golden files; '' where they are complete."""
    if shape == 'path':
        return ''
    return 'uwsgi' if shape in _OVER_UWSGI else 'path'


def options(shape: str, folder: pathlib.Path) -> list[str]:
    """What 'wsgi deploy thing-api' is given for a shape; folder is empty, for what it needs."""
    words = _OPTIONS.get(shape, '').split()
    if shape.startswith('script'):
        (folder / 'thing.wsgi').write_text('')
        words = ['--script', f'{folder}/thing.wsgi']
        if shape == 'script-uwsgi':
            words += ['--transport', 'uwsgi']
    elif shape == 'venv':
        venv = fake_venv(folder / 'venv', '3.11.2')
        words = ['--venv', venv, '--python-path', f'{venv}/bin', '--python-path', '/usr',
                 '--chdir', str(folder)]
    elif shape == 'venv-uwsgi':
        venv = fake_venv(folder / 'venv', '3.12.1')
        script(folder / 'venv/bin/uwsgi', '')
        words = ['--venv', venv]
    elif shape == 'words':
        words = ['--env', 'OS_THING_CONFIG_DIR=/etc/thing', '--env', 'ODD=100% "$HOME" \\ ;',
                 '--arg', '--config-file', '--arg', '/etc/thing.conf', '--arg', '100%',
                 '--set', 'harakiri=60', '--set', 'procname-prefix=50% x',
                 '--set', 'post-buffering=0']
    if not {'--app', '--script'} & set(words):
        words += ['--app', 'thing.wsgi:application']
    if not {'--path', '--listen'} & set(words):
        words += ['--path', '/thing-api']
    return [*words, '--user', ACCOUNT, '--group', ACCOUNT]
