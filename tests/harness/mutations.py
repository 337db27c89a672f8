"""tests/mutations, and the tables of the documents that name its rows."""

from __future__ import annotations

import dataclasses
import pathlib
import re

from harness import hunks

TOP = pathlib.Path(__file__).resolve().parents[2]
TABLE = TOP / 'tests/mutations'


class Malformed(Exception):
    """A line that is none of the table."""


@dataclasses.dataclass(frozen=True)
class Mutation:
    """A guard, and the test that fails without it.

    document, test, file:  paths in the tree
    title:                 a regular expression
    change:                the lines of its hunks
    """

    name: str
    document: str
    test: str
    title: str
    file: str
    change: list[str]

    def mutated(self, text: str) -> str:
        """The text of its file without the guard. Raises hunks.NotApplied."""
        return '\n'.join(hunks.applied(self.change, text.split('\n'), once=True))


def parse(text: str) -> dict[str, Mutation]:
    """The mutations of a table, by name. Raises Malformed."""
    found: dict[str, Mutation] = {}
    document = test = ''
    change: list[str] | None = None
    for number, line in enumerate(text.split('\n'), 1):
        head = re.fullmatch(r'\[(\S+)\] (\S+)', line)
        row = re.fullmatch(r'([a-z][a-z0-9-]*) \| (.+) \| (\S+)', line)
        if not line or line.startswith('#'):
            change = None
        elif head:
            document, test = head.groups()
            change = None
        elif row and test and row[1] not in found:
            change = []
            found[row[1]] = Mutation(row[1], document, test, row[2], row[3], change)
        elif change is not None and (line[0] in hunks.MARKS or line == hunks.SEPARATOR):
            change.append(line)
        else:
            raise Malformed(f'line {number}: {line}')
    return found


def read() -> dict[str, Mutation]:
    return parse(TABLE.read_text(encoding='utf-8'))


def titles(test: pathlib.Path) -> list[str]:
    """The titles of a file of tests, as tests/bin/run-bats --filter sees them."""
    text = test.read_text(encoding='utf-8')
    if test.suffix == '.py':
        return [name.replace('_', ' ') for name in re.findall(r'^def test_(\w+)\(', text, re.M)]
    return [re.sub(r'\\(.)', r'\1', title)
            for title in re.findall(r'^@test "(.*)" \{$', text, re.M)]


def promises(document: str) -> list[list[str]]:
    """The rows of the table of promises in a document, a cell each, as lines of text."""
    table = document.partition('   * - Promise\n')[2]
    table = re.split(r'^\S', table, maxsplit=1, flags=re.M)[0]
    return [[' '.join(cell.split()) for cell in re.split(r'^     - ', row, flags=re.M)]
            for row in table.split('   * - ')[1:]]
