"""A change of a text, as a person writes it: lines to find, and lines to put in their place.

A hunk has kept lines with ' ' before them, removed ones with '-' and added ones with '+'. It has
no line numbers: it applies where its kept and removed lines are found one after the other, so it
stays valid when other lines of the text change. A line '@@' separates two hunks.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence

SEPARATOR = '@@'
MARKS = ' -+'


class NotApplied(Exception):
    """A hunk whose lines are not in the text, or not once."""


def difference(old: Sequence[str], new: Sequence[str]) -> list[str]:
    """The hunks that make the lines old into the lines new; [] where they are equal."""
    hunks: list[str] = []
    begin = 0
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    for kind, first, last, new_first, new_last in matcher.get_opcodes():
        if kind == 'equal':
            continue
        # as many lines before it as it takes to find it again
        anchor = first
        while anchor > begin and _find(old, old[anchor:last], begin)[:1] != [anchor]:
            anchor -= 1
        hunks += [SEPARATOR] if hunks else []
        hunks += [f' {line}' for line in old[anchor:first]]
        hunks += [f'-{line}' for line in old[first:last]]
        hunks += [f'+{line}' for line in new[new_first:new_last]]
        begin = last
    return hunks


def applied(hunks: Sequence[str], old: Sequence[str], once: bool = False) -> list[str]:
    """The lines that hunks make of the lines old.

    once:    the lines that a hunk looks for have to be there exactly once; without it the first
             ones after those of the previous hunk count
    Raises NotApplied.
    """
    new: list[str] = []
    begin = 0
    for hunk in _split(hunks):
        wanted = [line[1:] for line in hunk if line[0] != '+']
        places = _find(old, wanted, 0 if once else begin)
        if not places:
            raise NotApplied('not there: ' + ' / '.join(wanted))
        if once and (len(places) > 1 or places[0] < begin):
            raise NotApplied(f'there {len(places)} times, or not in order: ' + ' / '.join(wanted))
        new += old[begin:places[0]]
        new += [line[1:] for line in hunk if line[0] != '-']
        begin = places[0] + len(wanted)
    return new + list(old[begin:])


def _find(lines: Sequence[str], wanted: Sequence[str], begin: int) -> list[int]:
    """Where the wanted lines are, in a row; no lines are where the search begins."""
    if not wanted:
        return [begin]
    return [at for at in range(begin, len(lines) - len(wanted) + 1)
            if lines[at] == wanted[0] and list(lines[at:at + len(wanted)]) == list(wanted)]


def _split(hunks: Sequence[str]) -> list[list[str]]:
    found: list[list[str]] = [[]]
    for line in hunks:
        if line == SEPARATOR:
            found.append([])
        elif line[:1] in MARKS:
            # some editors remove the blank before an empty line
            found[-1].append(line or ' ')
        else:
            raise NotApplied(f'no line of a hunk: {line}')
    return [hunk for hunk in found if hunk]
