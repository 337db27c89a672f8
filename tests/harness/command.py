"""Programs that a tool starts, how they fail, and how a tool reads its arguments."""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import signal
import subprocess
import sys
from typing import Any, Callable, NoReturn, Union

Path = Union[str, pathlib.Path]


class Failed(Exception):
    """What was seen is not what should be.

    output: what to show beside the reason, or nothing
    """

    def __init__(self, reason: str, output: str = '') -> None:
        super().__init__(reason)
        self.output = output


def run(*command: Path, limit: float = 600, check: bool = True, **options: Any) -> str:
    """Run a command without input; its standard output, or Failed with all its output.

    limit:   seconds
    check:   False where its status says nothing
    options: of subprocess.run
    """
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              errors='replace', timeout=limit, **options)
    except subprocess.TimeoutExpired:
        raise Failed(f'{command[0]}: not done after {limit} s') from None
    if check and done.returncode:
        words = ' '.join(os.path.basename(word) for word in command[:8])
        raise Failed(f'{words}: status {done.returncode}', done.stdout + done.stderr)
    return str(done.stdout)


def last_line(text: str) -> str:
    return (text.strip().splitlines() or [''])[-1]


def read_lines(path: Path) -> list[str]:
    """The lines of a file; none where there is no file."""
    try:
        return pathlib.Path(path).read_text(encoding='utf-8').splitlines()
    except FileNotFoundError:
        return []


def write_json(path: Path, value: Any) -> None:
    """Write a value for a person too: what has no list or object in it is one line."""
    pathlib.Path(f'{path}.new').write_text(_json(value, '\n') + '\n', encoding='utf-8')
    os.replace(f'{path}.new', path)


def _json(value: Any, line: str) -> str:
    """line: a newline with the indentation that the value has."""
    parts = list(value.values()) if isinstance(value, dict) else value
    if not isinstance(parts, list) or not any(isinstance(part, (dict, list)) for part in parts):
        return json.dumps(value, sort_keys=True)
    inner = f'{line}  '
    if isinstance(value, dict):
        texts = [f'{json.dumps(key)}: {_json(value[key], inner)}' for key in sorted(value)]
        return f"{{{inner}{f',{inner}'.join(texts)}{line}}}"
    return f"[{inner}{f',{inner}'.join(_json(part, inner) for part in value)}{line}]"


class Parser(argparse.ArgumentParser):
    """Arguments of a tool, whose docstring is its help; wrong usage is one line."""

    def __init__(self, prog: str, doc: str) -> None:
        about, _, rest = doc.partition('\n\n')
        super().__init__(prog=prog, description=about, epilog=rest,
                         formatter_class=argparse.RawDescriptionHelpFormatter)

    def error(self, message: str) -> NoReturn:
        self.exit(2, f'[ERROR] {self.prog}: {message}; see --help\n')


def work(prog: str, steps: Callable[[], int]) -> int:
    """Run the steps of a tool that needs root; its status.

    An end by a signal passes through the steps' own 'finally'.
    """
    if os.geteuid():
        as_root = pathlib.Path(__file__).resolve().parents[1] / 'bin/as-root'
        os.execv(as_root, [str(as_root), sys.executable, os.path.realpath(sys.argv[0]),
                           *sys.argv[1:]])
    # the services' user reads what is made
    os.umask(0o022)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    try:
        return steps()
    except Failed as error:
        print(f'[ERROR] {prog}: {error}\n{error.output.rstrip()}', file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
