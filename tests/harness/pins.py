"""The releases that the venv of each project has: tests/conformance/pins.txt.

    PYTHONPATH=tests python3 -m harness.pins PROJECT              its pins, as pip takes them
    PYTHONPATH=tests python3 -m harness.pins --forget PROJECT     take them out

A line of the table is 'PIN: PROJECT...', where a pin is 'package==version', with pip's marker
behind it if need be; or 'DATE, Python VERSION: PROJECT...', when those were written.
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
    return [pin for pin, projects in _rows(table) if '==' in pin and project in projects]


def write(project: str, pins: list[str], table: pathlib.Path = TABLE) -> None:
    """Let these be the pins of a project, of today and this Python; [] takes them out."""
    today = f'{datetime.date.today()}, Python 3.{sys.version_info.minor}'
    with open(table, 'a') as lock:
        # projects are installed at the same time
        fcntl.flock(lock, fcntl.LOCK_EX)
        about = [line for line in table.read_text().splitlines() if line.startswith('#')]
        rows = {pin: set(others) - {project} for pin, others in _rows(table)}
        for pin in [today, *pins] if pins else []:
            rows.setdefault(pin, set()).add(project)
        told = [f"{pin}: {' '.join(sorted(rows[pin]))}"
                for pin in sorted(rows, key=_place) if rows[pin]]
        table.write_text('\n'.join([*about, *told, '']))


def projects(table: pathlib.Path = TABLE) -> list[str]:
    return sorted({project for _, projects in _rows(table) for project in projects})


def _rows(table: pathlib.Path) -> list[tuple[str, list[str]]]:
    lines = table.read_text().splitlines() if table.exists() else []
    rows = (line.rpartition(': ') for line in lines if not line.startswith('#'))
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
