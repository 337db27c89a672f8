"""Templates: files of files/ with @MARKS@ in them."""

from __future__ import annotations

import functools
import pathlib
import re

FILES = pathlib.Path(__file__).resolve().parents[2] / 'files'

_MARK = re.compile(r'@([A-Z][A-Z_]*)@')
_CONDITION = re.compile(r'@([A-Z][A-Z_]*)\?@')


@functools.lru_cache(None)
def read(name: str) -> str:
    """A file of files/ as it is."""
    return (FILES / name).read_text(encoding='utf-8')


def module(name: str) -> str:
    """A module of the engine that helpers import, too."""
    return (pathlib.Path(__file__).parent / f'{name}.py').read_text(encoding='utf-8')


def fill(name: str, /, **marks: str) -> str:
    """A template with its marks filled; a line with one mark is left out if that is empty.

    @MARK?@ before a line is a mark of it that says no more than whether the line is there.

    A mark that nothing fills is an error of ours.
    """
    lines = []
    for line in read(name).split('\n'):
        condition = _CONDITION.match(line)
        if condition:
            line = line[condition.end():]
        found = _MARK.findall(line)
        needed = found if len(found) == 1 else []
        if condition:
            needed = [*needed, condition.group(1)]
        if all(_value(name, mark, marks) for mark in needed):
            lines.append(_MARK.sub(lambda mark: _value(name, mark.group(1), marks), line))
    return '\n'.join(lines)


def _value(name: str, mark: str, marks: dict[str, str]) -> str:
    try:
        return marks[mark.lower()]
    except KeyError:
        raise KeyError(f'{name}: nothing fills @{mark}@') from None
