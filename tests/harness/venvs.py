"""Venvs in a cache, each of exactly its requirements.

A venv cannot be moved (its scripts hold its path), so it is made in place, and it is complete
when its stamp says of what: the requirements, and the Python.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import pathlib
import shutil

from harness import PYTHON
from harness.command import read_lines, run

CACHE = pathlib.Path(os.environ.get('XDG_CACHE_HOME') or '/var/cache', 'devstack-wsgi/venvs')


def make(name: str, requirements: list[str], whole: bool = True) -> str:
    """Make the venv NAME unless it is there; a word about it.

    whole: the requirements are all that is in it, so that pip looks for no dependency
    """
    folder = CACHE / name
    CACHE.mkdir(parents=True, exist_ok=True)
    with open(CACHE / f'{name}.lock', 'w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if read_lines(folder / '.complete') == [_key(requirements)]:
            return 'from the cache'
        shutil.rmtree(folder, ignore_errors=True)
        run(PYTHON, '-m', 'venv', folder)
        run(folder / 'bin/pip', 'install', '--no-compile', '--disable-pip-version-check',
            '--progress-bar', 'off', *['--no-deps'] * whole, *requirements, limit=3600)
        # what is no source of this Python's fails, and does no harm
        run(folder / 'bin/python3', '-m', 'compileall', '-q', '-j', '0', folder / 'lib',
            limit=3600, check=False)
        stamp(name, requirements)
        return 'installed'


def freeze(name: str) -> list[str]:
    """The releases that are in a venv."""
    return run(CACHE / name / 'bin/pip', 'freeze').splitlines()


def stamp(name: str, requirements: list[str]) -> None:
    """Take the venv NAME for one of these requirements."""
    (CACHE / name / '.complete').write_text(_key(requirements) + '\n')


def _key(requirements: list[str]) -> str:
    return hashlib.sha256((run(PYTHON, '-VV') + '\n'.join(requirements)).encode()).hexdigest()
