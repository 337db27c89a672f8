"""The releases that the venv of each project has: tests/conformance/pins.txt.

    PYTHONPATH=tests python3 -m harness.pins PROJECT              its pins, as pip takes them
    PYTHONPATH=tests python3 -m harness.pins --forget PROJECT     remove them

A line of the table is 'PIN: PROJECT...', where a pin is 'package==version', with or without one of
pip's markers; or 'DATE, Python VERSION: PROJECT...', when the pins of those projects were written.
"""

from __future__ import annotations

import datetime
import fcntl
import pathlib
import sys

TABLE = pathlib.Path(__file__).resolve().parents[1] / 'conformance/pins.txt'


def read(project: str, table: pathlib.Path = TABLE) -> list[str]:
    """The pins of a project, in the order of their packages' names; [] where there are none.

    They are all that is to be installed, for 'pip install --no-deps'.
    """
    return [pin for pin, projects in _rows(_text(table)) if '==' in pin and project in projects]


def write(project: str, pins: list[str], table: pathlib.Path = TABLE) -> None:
    """Replace the pins of a project, as of today and this Python; [] removes them."""
    today = f'{datetime.date.today()}, Python 3.{sys.version_info.minor}'
    with open(table, 'a+') as file:
        # projects are installed at the same time
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        text = file.read()
        about = [line for line in text.splitlines() if line.startswith('#')]
        rows = {pin: {*projects} - {project} for pin, projects in _rows(text)}
        for pin in [today, *pins] if pins else []:
            rows.setdefault(pin, set()).add(project)
        lines = [f"{pin}: {' '.join(sorted(rows[pin]))}"
                 for pin in sorted(rows, key=_place) if rows[pin]]
        file.truncate(0)
        file.write('\n'.join([*about, *lines, '']))


def projects(table: pathlib.Path = TABLE) -> list[str]:
    return sorted({project for _, projects in _rows(_text(table)) for project in projects})


def _text(table: pathlib.Path) -> str:
    if not table.exists():
        return ''
    with open(table) as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        return file.read()


def _rows(text: str) -> list[tuple[str, list[str]]]:
    rows = (line.rpartition(': ') for line in text.splitlines() if not line.startswith('#'))
    return [(pin, projects.split()) for pin, _, projects in rows]


def _place(pin: str) -> tuple[bool, str, str]:
    """The dates first, then as 'pip freeze' has it."""
    return '==' in pin, pin.partition('==')[0].lower(), pin


def main() -> int:
    forget, project = sys.argv[1:2] == ['--forget'], sys.argv[-1]
    if project not in projects():
        print(f"pins: '{project}' has none in {TABLE}", file=sys.stderr)
        return 2
    if forget:
        write(project, [])
    else:
        print('\n'.join(read(project)))
    return 0


if __name__ == '__main__':
    sys.exit(main())
