"""An entry of the catalogue, and the folder of tests/conformance that its project has."""

from __future__ import annotations

import re

from harness import TOP, pins, venvs
from harness.command import Failed, read_lines

from devstack_wsgi import record

CATALOGUE = TOP / 'files/catalog'
PROJECTS = TOP / 'tests/conformance'


class Entry:
    def __init__(self, name: str) -> None:
        self.name = name
        self.fields = record.parse(name, (CATALOGUE / name).read_text(encoding='utf-8'), str(TOP))
        self.packages = list(self.fields.all('package'))
        self.removed = self.get('removed')
        self.unit = self.get('unit', name)

    def get(self, field: str, default: str = '') -> str:
        return self.fields[field] or default

    @property
    def project(self) -> str:
        """The folder of PROJECTS: as in /etc, else the most of the name; '' without one."""
        for value in self.fields.all('arg') + self.fields.all('env'):
            match = re.search(r'/etc/([^/]+)', value)
            if match and (PROJECTS / match[1]).is_dir():
                return match[1]
        words = self.name.split('-')
        candidates = ('-'.join(words[:end]) for end in range(len(words), 0, -1))
        return next((name for name in candidates if (PROJECTS / name).is_dir()), '')

    @property
    def url(self) -> str:
        path = self.get('path')
        return f"http://127.0.0.1{path.rstrip('/')}" if path else f"http://{self.get('listen')}"

    # -- the releases: tests/conformance/pins.txt --

    def pins(self) -> list[str]:
        return pins.read(self.project, PROJECTS / 'pins.txt')

    def version(self) -> str:
        """The release of the entry's first package; '' while none is written."""
        wanted = [canonical(re.split(r'[^\w.-]', package)[0]) for package in self.packages[:1]]
        for line in self.pins():
            name, _, version = line.partition('==')
            if version and canonical(name) in wanted:
                return version
        return ''

    def make_venv(self, write: bool) -> str:
        """The venv of the entry's project; a word about it.

        write: where no releases are written yet, write those that pip took
        """
        pinned = self.pins()
        requirements = pinned or self.packages + [
            line for line in read_lines(PROJECTS / self.project / 'requirements.txt')
            if not line.startswith('#')]
        if not requirements:
            raise Failed(f'no package= in files/catalog/{self.name}')
        word = venvs.make(self.project, requirements, whole=bool(pinned))
        if write and not pinned and word == 'installed':
            pins.write(self.project, venvs.freeze(self.project), PROJECTS / 'pins.txt')
            venvs.stamp(self.project, self.pins())
        return word


def canonical(package: str) -> str:
    return re.sub(r'[-_.]+', '-', package).lower()
