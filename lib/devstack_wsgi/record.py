"""A record: all that is known of one service, and the file that holds it."""

from __future__ import annotations

import dataclasses
from typing import Iterable, Optional

from devstack_wsgi import fields
from devstack_wsgi.refused import Refused


@dataclasses.dataclass(frozen=True)
class Record:
    """One service. Values are as in its file: '' is a field that is not there.

    Not in the file:
    stands_in: the name of the service whose place this one takes for a while
    bypassed:  the front's site is its caller's own and asks the service at its address, so what
               the front is told has no part in it
    """

    name: str
    unit: str = ''
    site: str = ''
    key: str = ''
    app: str = ''
    script: str = ''
    path: str = ''
    listen: str = ''
    mode: str = ''
    transport: str = ''
    processes: str = ''
    threads: str = ''
    in_flight: str = ''
    preload: str = ''
    user: str = ''
    group: str = ''
    venv: str = ''
    env: tuple[str, ...] = ()
    arg: tuple[str, ...] = ()
    chdir: str = ''
    python_path: tuple[str, ...] = ()
    healthcheck: str = ''
    variable: tuple[str, ...] = ()
    on_demand: str = ''
    conf: str = ''
    set: tuple[str, ...] = ()
    hardening: str = ''
    port: str = ''
    secret: str = ''
    by: str = ''
    command: str = ''
    tls_proxy: str = ''
    stands_in: str = ''
    bypassed: bool = False

    @property
    def adopted(self) -> bool:
        """Whether DevStack's own functions declare it (adopt.py)."""
        return self.by == 'devstack'

    @property
    def demanded(self) -> bool:
        """Whether the first request starts it."""
        return self.on_demand == 'yes'

    @property
    def check(self) -> str:
        """The path of its health check, below its own."""
        return self.healthcheck or '/'

    @property
    def named(self) -> tuple[str, ...]:
        """The variables of the front's that it sees by their names."""
        return tuple(each for each in self.variable if not each.endswith('*'))

    @property
    def prefixes(self) -> tuple[str, ...]:
        """How the names of others that it sees begin."""
        return tuple(each[:-1] for each in self.variable if each.endswith('*'))

    def values(self, field: fields.Field) -> tuple[str, ...]:
        """The values of a field, none where it is not there."""
        value = getattr(self, field.attribute)
        if isinstance(value, tuple):
            return value
        return (value,) if value else ()

    def text(self) -> str:
        """Its file."""
        lines = [f"# written by lib/devstack_wsgi for {self.name};"
                 f" change it with 'wsgi deploy {self.name} ...'"]
        for field in fields.FIELDS:
            lines += [f'{field.name}={value}' for value in self.values(field)]
        return '\n'.join(lines) + '\n'


class Draft:
    """A record in the making: field -> values, and who said each."""

    def __init__(self, record: Optional[Record] = None) -> None:
        self._values: dict[str, tuple[str, ...]] = {}
        self.origin: dict[str, str] = {}
        if record:
            for field in fields.FIELDS:
                if record.values(field):
                    self._values[field.name] = record.values(field)

    def __contains__(self, field: str) -> bool:
        return bool(self._values.get(field))

    def __getitem__(self, field: str) -> str:
        """The one value of a field, '' where it is not there."""
        return (self._values.get(field) or ('',))[0]

    def __setitem__(self, field: str, value: str) -> None:
        self._values[field] = (value,) if value else ()

    def all(self, field: str) -> tuple[str, ...]:
        return self._values.get(field, ())

    def drop(self, *names: str) -> None:
        for name in names:
            self._values.pop(name, None)

    def default(self, field: str, value: str) -> None:
        if field not in self:
            self[field] = value

    def append(self, field: str, value: str) -> None:
        self._values[field] = (*self.all(field), value)

    def add(self, field: str, value: str) -> None:
        """One more value; one that is K=V takes the place of its key's earlier value."""
        kept = self.all(field)
        if field in ('env', 'set'):
            key = value.partition('=')[0]
            kept = tuple(each for each in kept if each.partition('=')[0] != key)
        self._values[field] = (*kept, value)

    def given(self) -> Iterable[tuple[fields.Field, str]]:
        """Each field and value, in the order of a record."""
        for field in fields.FIELDS:
            for value in self.all(field.name):
                yield field, value

    def record(self) -> Record:
        """What it has become; what only the catalogue says is left out."""
        values = {field.attribute: self.all(field.name) if field.many else self[field.name]
                  for field in fields.FIELDS}
        return Record(**values)  # type: ignore[arg-type]  # by the table


def parse(source: str, text: str, entry_folder: Optional[str] = None) -> Draft:
    """Read the file of a record, or of a catalogue entry.

    source:       how messages name the file
    entry_folder: the library's folder, for an entry: relative scripts are below it
    Each value is checked. Raises Refused with FILE:LINE.
    """
    known = fields.FIELDS + (fields.ENTRY_FIELDS if entry_folder else ())
    names = [field.name for field in known]
    draft = Draft()
    for number, line in enumerate(text.split('\n'), 1):
        where = f'{source}:{number}'
        if '\0' in line:
            raise Refused(where, 'it has a NUL', 'write text', ': ')
        if not line or line.startswith('#'):
            continue
        key, equals, value = line.partition('=')
        if not equals:
            raise Refused(where, f"'{line}'", 'write key=value', ': ')
        if key not in names:
            raise Refused(where, f"no key '{key}'", f"known are: {' '.join(names)}")
        if entry_folder and key == 'script' and not value.startswith('/'):
            value = f'{entry_folder}/{value}'
        advice = fields.advice(key, value)
        if advice:
            raise Refused(where, f"{key} '{value}'", advice, ': ')
        if fields.BY_NAME[key].many:
            draft.append(key, value)
        elif key in draft:
            raise Refused(where, f'{key} is there twice')
        else:
            draft[key] = value
        draft.origin[key] = where
    return draft
