"""Golden files: one shape of a service complete, of each other one only its difference.

A golden file is MODE/SHAPE.KIND, 'uwsgi/path.service'. A shape with a file MODE/SHAPE.diff has the
files of its base, changed as that file says:

    base path                 the other shape
    diff ini                  hunks (hunks.py) for the file of this kind
    -lazy-apps = true
    +lazy-apps = false
    without site.conf         there is no file of this kind

A kind that the base does not have is a file of its own. With UPDATE_GOLDEN=1 the golden files are
written instead of compared.
"""

from __future__ import annotations

import difflib
import os
import pathlib
from collections.abc import Mapping

from harness import hunks

GOLDEN = pathlib.Path(__file__).resolve().parents[1] / 'fixtures/golden'


def read(shape: pathlib.Path) -> dict[str, str]:
    """The files of a shape, by kind. Raises hunks.NotApplied."""
    files: dict[str, str] = {}
    base, changes = _read_difference(shape)
    if base:
        files = read(shape.with_name(base))
    for kind, change in changes.items():
        old = files.pop(kind, '')
        if change is None:
            continue
        try:
            files[kind] = '\n'.join(hunks.applied(change, old.split('\n')))
        except hunks.NotApplied as error:
            raise hunks.NotApplied(f'{kind}: {error}') from None
    for file in shape.parent.glob(f'{shape.name}.*'):
        if file.suffix != '.diff':
            files[file.name.partition('.')[2]] = file.read_text()
    return files


def write(shape: pathlib.Path, files: Mapping[str, str], base: str = '') -> None:
    """Write the files of a shape: complete, or as the difference to a base."""
    shape.parent.mkdir(parents=True, exist_ok=True)
    for file in shape.parent.glob(f'{shape.name}.*'):
        file.unlink()
    lines = [f'base {base}']
    old = read(shape.with_name(base)) if base else {}
    for kind, text in files.items():
        if kind not in old:
            shape.with_name(f'{shape.name}.{kind}').write_text(text)
        elif old[kind] != text:
            lines += [f'diff {kind}', *hunks.difference(old[kind].split('\n'), text.split('\n'))]
    lines += [f'without {kind}' for kind in old if kind not in files]
    if base:
        shape.with_name(f'{shape.name}.diff').write_text('\n'.join(lines) + '\n')


def check(shape: pathlib.Path, files: Mapping[str, str], base: str = '') -> str:
    """How the files of a shape differ from its golden ones, '' where they do not.

    With UPDATE_GOLDEN=1 they are written, as the difference to base where that is not ''.
    """
    if os.environ.get('UPDATE_GOLDEN') == '1':
        write(shape, files, base)
        return ''
    name = f'golden/{shape.parent.name}/{shape.name}'
    try:
        wanted = read(shape)
    except hunks.NotApplied as error:
        return f'{name}.diff: {error}\n'
    return ''.join(_compared(f'{name}.{kind}', wanted.get(kind, ''), files.get(kind, ''))
                   for kind in sorted({*wanted, *files}))


def _read_difference(shape: pathlib.Path) -> tuple[str, dict[str, list[str] | None]]:
    """The base of a shape, and the hunks by kind; None for a kind that it does not have."""
    base = ''
    changes: dict[str, list[str] | None] = {}
    hunk: list[str] = []
    file = shape.with_name(f'{shape.name}.diff')
    for line in file.read_text().split('\n')[:-1] if file.exists() else ():
        word, _, rest = line.partition(' ')
        if word == 'base':
            base = rest
        elif word == 'without':
            changes[rest] = None
        elif word == 'diff':
            changes[rest] = hunk = []
        else:
            hunk.append(line)
    return base, changes


def _compared(name: str, wanted: str, text: str) -> str:
    return ''.join(line if line.endswith('\n') else line + '\n\\ no line break\n'
                   for line in difflib.unified_diff(
                       wanted.splitlines(True), text.splitlines(True), name, 'actual'))
