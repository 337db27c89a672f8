"""What has passed for this very tree: a long run that was stopped goes on with the rest.

A result is a file of RESULTS/passed/KEY with the text that the run keeps. KEY is a hash of path,
mode and content of each file that git does not ignore, and of the variables WSGI_*, which tests
read. What the distribution has installed is not in it: --again is for that.
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import os
import pathlib
import shutil
import subprocess
import urllib.parse

TOP = pathlib.Path(__file__).resolve().parents[2]
RESULTS = pathlib.Path(os.environ.get('WSGI_TEST_RESULTS') or TOP / '.results')


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--resume', action='store_true', help='leave out what a run with --resume '
                        'has seen pass for this very tree, and keep what passes now')
    parser.add_argument('--again', action='store_true',
                        help='with --resume: forget that, and run all')


class Passed:
    """The results of this tree; with again, none yet."""

    def __init__(self, again: bool) -> None:
        self.key = _key()
        self.folder = RESULTS / 'passed' / self.key
        if again:
            shutil.rmtree(self.folder, ignore_errors=True)

    def left(self, names: list[str]) -> list[str]:
        """The names that have not passed; it prints the others, and why they are left out."""
        done = [name for name in names if self._file(name).exists()]
        if done:
            print(f'-- passed for this very tree ({self.folder}), so not run; --again runs all --')
        for name in done:
            when = datetime.datetime.fromtimestamp(self._file(name).stat().st_mtime)
            print(f'--   {when:%Y-%m-%d %H:%M}  {name}', flush=True)
        return [name for name in names if name not in done]

    def text(self, name: str) -> str:
        """What was kept of a name that has passed."""
        return self._file(name).read_text(encoding='utf-8')

    def keep(self, name: str, text: str) -> None:
        """A name has passed."""
        if _key() != self.key:
            print(f'-- the tree has changed meanwhile: that {name} passed is not kept --')
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self._file(name)
        new = file.with_name(f'{file.name}.{os.getpid()}')
        with open(new, 'w', encoding='utf-8') as target:
            target.write(text)
            target.flush()
            # a reboot leaves all of it, or nothing
            os.fsync(target.fileno())
        new.replace(file)

    def _file(self, name: str) -> pathlib.Path:
        return self.folder / urllib.parse.quote(name, safe=' ')


def _key() -> str:
    names = subprocess.run([TOP / 'tests/bin/shell-files', '--all'], check=True,
                           stdout=subprocess.PIPE, text=True).stdout.splitlines()
    found = hashlib.sha256()
    for name in names:
        text = (TOP / name).read_bytes()
        found.update(f'{name}\n{(TOP / name).stat().st_mode}\n{len(text)}\n'.encode() + text)
    for name, value in sorted(os.environ.items()):
        if name.startswith('WSGI_') and name != 'WSGI_TEST_RESULTS':
            found.update(f'{name}={value}\0'.encode(errors='surrogateescape'))
    return found.hexdigest()[:16]
