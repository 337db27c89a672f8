"""Virtual environments: which Python they have, and which modules."""

from __future__ import annotations

import glob
import os
import re
from typing import Sequence

from devstack_wsgi import host
from devstack_wsgi.record import Record
from devstack_wsgi.refused import Refused


def python_version(venv: str) -> str:
    """MAJOR.MINOR of a venv's Python, by its pyvenv.cfg; '' where that does not say it."""
    found = ''
    for line in (host.read_own(f'{venv}/pyvenv.cfg') or '').split('\n'):
        said = re.match(r'version(?:_info)? *= *([0-9]+\.[0-9]+)', line)
        if said:
            found = said.group(1)
    return found


def refuse_other_python(record: Record, pythons: Sequence[str], seen: str, package: str) -> None:
    """Refuse a venv whose Python is none of those that are served.

    seen: what serves which; package: what the venv may have of its own instead
    """
    theirs = python_version(record.venv) if record.venv else ''
    if theirs and theirs not in pythons:
        raise Refused(record.name, f'the venv has Python {theirs}, {seen}',
                      f'make the venv with /usr/bin/python3, or install {package} into it')


def has_module(venv: str, module: str) -> bool:
    """Whether a venv has a module, installed or in a tree that it is told of (pip install -e)."""
    path = module.replace('.', '/')
    return any(os.path.isfile(f'{folder}/{path}.py')
               or os.path.isfile(f'{folder}/{path}/__init__.py')
               for folder in _folders(venv, module.partition('.')[0]))


def _folders(venv: str, top: str) -> list[str]:
    """The folders in which a top-level module may be."""
    folders = []
    # as setuptools writes it, with one name or more
    told = re.compile(f"'{re.escape(top)}': '([^']+)'")
    for site in glob.glob(f'{glob.escape(venv)}/lib/python3*/site-packages'):
        folders.append(site)
        for name in os.listdir(site):
            said = ''
            if name.endswith('.pth') or re.fullmatch('__editable___.*_finder.py', name):
                said = host.read_own(f'{site}/{name}') or ''
            if name.endswith('.pth'):
                folders += [line for line in said.split('\n') if line.startswith('/')]
            elif told.search(said):
                folders.append(re.sub(f'/{re.escape(top)}$', '', told.findall(said)[0]))
    return folders
