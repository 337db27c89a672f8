"""A throwaway machine with the cache's venvs in it: tests/bin/machine from Python."""

from __future__ import annotations

import os
import shutil
import tempfile

from harness import TOP, venvs
from harness.command import run

PROGRAM = str(TOP / 'tests/bin/machine')
# in the machine (see tests/conformance/prepare); the checkout is where the services' user can
# read it
INSIDE = '/opt/stack/devstack-plugin-wsgi'
PREPARE = f'{INSIDE}/tests/conformance/prepare'
WSGI = f'{INSIDE}/tools/wsgi'
VENVS = '/opt/stack/data/venvs'
DISK = '/opt/stack/disk'
USER = 'stack'


class Machine:
    def __init__(self, kind: str) -> None:
        self.name = f'{kind}-{os.getpid()}'
        self.disk = ''
        self.prepared: set[str] = set()

    def start(self) -> None:
        venvs.CACHE.mkdir(parents=True, exist_ok=True)
        self.disk = tempfile.mkdtemp(prefix='disk-', dir=venvs.CACHE)
        os.chmod(self.disk, 0o755)
        run(PROGRAM, 'start', self.name, '--network', 'private',
            '--bind-ro', f'{venvs.CACHE}:{VENVS}', '--bind-ro', f'{TOP}:{INSIDE}',
            '--bind', f'{self.disk}:{DISK}')

    def stop(self) -> None:
        """End it; that it was never started is fine too."""
        run(PROGRAM, 'stop', self.name)
        if self.disk:
            shutil.rmtree(self.disk, ignore_errors=True)

    def inside(self, *command: str, limit: float = 600) -> str:
        return run(PROGRAM, 'run', self.name, '--', *command, limit=limit)

    def wsgi(self, *words: str) -> str:
        return self.inside(WSGI, *words)

    def prepare(self, project: str) -> str:
        """Configuration and databases, once for all APIs of a project; a word about it."""
        if project in self.prepared:
            return 'is there'
        for verb in ('configure', 'setup'):
            self.inside(PREPARE, verb, '--venv', f'{VENVS}/{project}', project, limit=1200)
        self.prepared.add(project)
        return 'written'

    def journal(self, unit: str, lines: int) -> str:
        return run(PROGRAM, 'journal', self.name, '-n', str(lines), '-o', 'cat',
                   '-u', f'devstack@{unit}').rstrip()

    def commands(self) -> list[str]:
        """How a person enters it, and ends it."""
        return [f'A shell in it:  {PROGRAM} run {self.name} -- bash -l',
                f'its end:        {PROGRAM} stop {self.name}']
