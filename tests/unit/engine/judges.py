"""The real systemd, asked how it reads units that are in no machine."""

from __future__ import annotations

import os
import pathlib
import pwd
import re
import shutil
import subprocess
import tempfile

from conftest import ACCOUNT

from devstack_wsgi import paths, servers, units
from devstack_wsgi.record import Record


class Units:
    """A folder of units that an account without rights may read, as systemd's own would be."""

    def __init__(self) -> None:
        self.top = pathlib.Path(tempfile.mkdtemp(prefix='wsgi-units-'))
        self.folder = self.top / 'etc/systemd/system'
        self.folder.mkdir(parents=True)
        (self.top / 'run').mkdir()

    def close(self) -> None:
        shutil.rmtree(self.top)

    def put(self, record: Record) -> None:
        """Write the units of a record."""
        places = {'unit': paths.unit, 'dropin': paths.dropin, 'socket-unit': paths.socket_unit,
                  'forward-unit': paths.forward_unit}
        facts = servers.get(record.mode).describe(record)
        for file in units.files(record, facts):
            if file.kind in places:
                self.write(os.path.relpath(places[file.kind](record), paths.UNITS), file.text)

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding='utf-8')

    def verify(self) -> str:
        """What systemd-analyze says against all of them."""
        files = [str(file) for file in self.folder.iterdir() if file.is_file()]
        return self._run({'SYSTEMD_UNIT_PATH': f'{self.folder}:'}, 'systemd-analyze', 'verify',
                         '--recursive-errors=no', '--man=no', *sorted(files))

    def exposures(self) -> dict[str, float]:
        """How exposed each service is, from 0 to 10."""
        names = sorted(file.name for file in self.folder.glob('*.service'))
        said = self._run({}, 'systemd-analyze', 'security', '--no-pager', '--offline=true',
                         f'--root={self.top}', *names)
        found = re.findall(r' for (\S+): ([0-9.]+) ', said)
        assert len(found) == len(names), said
        return {name: float(points) for name, points in found}

    def read(self, unit: str) -> list[str]:
        """How systemd itself reads a unit: a line 'Name: value' for each of its properties. It does
        so only for an ordinary user.
        """
        account = None
        if os.geteuid() == 0:
            account = pwd.getpwnam(ACCOUNT)
            for path in [self.top, *self.top.rglob('*')]:
                os.chown(path, account.pw_uid, account.pw_gid)
        said = self._run(
            {'SYSTEMD_UNIT_PATH': f'{self.folder}:', 'HOME': str(self.top),
             'XDG_RUNTIME_DIR': str(self.top / 'run')},
            '/lib/systemd/systemd', '--test', '--user', f'--unit={unit}',
            **({'user': account.pw_uid, 'group': account.pw_gid, 'extra_groups': []}
               if account else {}))
        lines, own = [], False
        for line in said.split('\n'):
            # Debian 13 has an arrow of one character
            begin = re.match('\t(?:->|→) Unit (.*):$', line)
            if begin:
                own = begin.group(1) == unit
            if own:
                lines.append(line.replace('\t', ''))
        assert lines, said[-400:]
        return lines

    @staticmethod
    def _run(environment: dict[str, str], *command: str, **how: object) -> str:
        return subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env={'PATH': '/usr/sbin:/usr/bin:/sbin:/bin', 'LANG': 'C.UTF-8', **environment},
            check=False, timeout=60, **how).stdout.decode()
