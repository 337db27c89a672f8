"""The engine, the system that it sees, and what has to hold of each of its answers."""

from __future__ import annotations

import collections
import contextlib
import io
import os
import re
import signal
from typing import Callable, Iterator, NamedTuple, Optional

from harness.fuzz.cases import FLAGS, FREE, FREE_FORM, MODES, NAME, TRANSPORTS, Case

from devstack_wsgi import declare, host, plan, refused, registry, verbs
from devstack_wsgi import fields as table
from devstack_wsgi import record as records

MODULES = '/usr/lib/apache2/modules'
# seconds; an answer takes some milliseconds
LIMIT = 10
# What a twin has in place of free values: digits, which mean nothing anywhere
TOKEN = b'70700%04d'
# values by field, and texts by kind of file
Fields = dict[str, list[bytes]]
Files = dict[str, bytes]
# A second statement of what the other fields may be.
NAME_FORM = rb'[a-z]([a-z0-9-]*[a-z0-9])?'
WORD = rb'[A-Za-z]([A-Za-z0-9_-]*[A-Za-z0-9_])?'
FOLDER_FORM = rb'/[A-Za-z0-9._/+@=,~-]*'
FORMS = {
    'name': NAME_FORM, 'unit': WORD, 'site': WORD, 'key': WORD,
    'app': rb'[A-Za-z0-9_.]+:[A-Za-z0-9_]+(\(\))?',
    'path': rb'(/[A-Za-z0-9._~-]+)+', 'healthcheck': rb'/[A-Za-z0-9._~/-]*',
    'script': FOLDER_FORM, 'venv': FOLDER_FORM, 'chdir': FOLDER_FORM,
    'variable': rb'[A-Za-z_][A-Za-z0-9_-]*[*]?', 'python-path': FOLDER_FORM, 'conf': FOLDER_FORM,
    'listen': rb'[0-9a-fA-F.:\[\]]+:[0-9]+', 'port': rb'[0-9]+',
    'processes': rb'[0-9]+', 'threads': rb'[0-9]+', 'in-flight': rb'[0-9]+|off',
    'secret': rb'[0-9a-f]{32}',
    'mode': b'|'.join(MODES), 'transport': b'|'.join(TRANSPORTS),
    'preload': rb'yes|no', 'on-demand': rb'yes|no', 'tls-proxy': rb'yes|no',
    'user': rb'[a-z_][a-z0-9_-]*', 'group': rb'[a-z_][a-z0-9_-]*',
    'hardening': rb'off|standard|strict', 'by': rb'devstack',
}


class Finding(AssertionError):
    """A case that is not as it should be."""


class Answer(NamedTuple):
    """What the engine made of a case; AGAIN is 'same' when its record reads as what it is of."""

    status: int
    errors: bytes
    fields: Fields
    files: Files
    again: str


class Accepted(NamedTuple):
    """A case that is left to the judges: its files, and those of its twin."""

    case: Case
    fields: Fields
    files: Files
    twin: Files
    tokens: dict[bytes, bytes]


def to_text(word: bytes) -> str:
    """Bytes as the engine gets them: what is no UTF-8 comes back as it is."""
    return word.decode(errors='surrogateescape')


def to_bytes(text: str) -> bytes:
    return text.encode(errors='surrogateescape')


class Library:
    """The engine, and the system that it sees."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.root = os.path.join(folder, 'root')
        self.cwd = os.path.join(folder, 'cwd')
        self.services = self.root + '/etc/devstack-wsgi/services'
        for path in (self.services, self.cwd, self.root + '/usr/bin',
                     self.root + '/usr/sbin', self.root + '/etc/apache2/mods-available',
                     self.root + '/var/lib/devstack-wsgi',
                     self.root + '/usr/lib/uwsgi',
                     self.root + '/usr/lib/apache2'):
            os.makedirs(path)
        for path in ('/usr/bin/uwsgi', '/usr/sbin/apache2',
                     '/usr/lib/uwsgi/plugins', MODULES):
            os.symlink(path, self.root + path)
        put(self.root + '/etc/apache2/mods-available/lua.load', b'')
        # asked of Apache otherwise
        put(self.root + '/var/lib/devstack-wsgi/apache-group', b'www-data 150 25 -')
        for name in ('venv', 'v+b=c,d@~-'):
            os.makedirs(os.path.join(folder, name))
            put(os.path.join(folder, name, 'pyvenv.cfg'), b'home = /usr/bin\n')
        for name in ('app.wsgi', 'a+b=c,d@~-.wsgi'):
            put(os.path.join(folder, name), b'')
        os.chmod(self.cwd, 0o777)
        signal.signal(signal.SIGALRM, never_ends)
        host.SYSROOT = self.root
        os.chdir(self.cwd)
        self.before = self.written()

    def declare(self, words: list[bytes]) -> Answer:
        """What 'wsgi deploy' makes of words; a Finding if it fails."""
        def make() -> registry.Registry:
            known = registry.Registry()
            declare.declare(known, to_text(words[0]),
                            [to_text(word) for word in words[1:]])
            return known
        return ask(make)

    def load(self, text: bytes, name: bytes = NAME) -> Answer:
        """What 'wsgi apply' makes of a record's file."""
        def make() -> registry.Registry:
            known = registry.load()
            for each in known.records.values():
                declare.check_system(each)
            return known
        path = os.path.join(self.services, name.decode() + '.conf')
        put(path, text)
        try:
            return ask(make)
        finally:
            os.unlink(path)

    def written(self) -> list[tuple[str, int]]:
        """All that is there, and when it was changed."""
        seen = []
        for top, _, files in os.walk(self.root):
            if top != self.services:
                seen.append((top, os.lstat(top).st_mtime_ns))
            for name in files:
                path = os.path.join(top, name)
                seen.append((path, os.lstat(path).st_mtime_ns))
        return sorted(seen)


def never_ends(*_: object) -> None:
    raise TimeoutError(f'no answer in {LIMIT} s')


def ask(make: Callable[[], registry.Registry]) -> Answer:
    """The engine's answer: the registry that MAKE returns, with a plan."""
    # of another round's system, or of too many cases
    plan.describe.cache_clear()
    said = io.StringIO()
    signal.alarm(LIMIT)
    with contextlib.redirect_stderr(said):
        try:
            known = make()
            record = next(iter(known.records.values()))
            files = plan.wanted(known, [record.name])
        except refused.Refused as refusal:
            verbs._complain(refusal)
            return Answer(refusal.status, to_bytes(said.getvalue()), {}, {}, '')
        except Exception as error:
            raise Finding(f'the engine failed: {error!r}') from None
        finally:
            signal.alarm(0)
        again = 'same'
        try:
            if records.parse('again', record.text()).record() != record:
                again = record.text()
        except refused.Refused as refusal:
            again = str(refusal)
    return Answer(
        0, to_bytes(said.getvalue()),
        {field.name: [to_bytes(value) for value in record.values(field)]
         for field in table.FIELDS if record.values(field)},
        # helpers are the same for all
        {file.kind: to_bytes(file.text) for file in files.values()
         if file.kind != 'helper'}, again)


def put(path: str, text: bytes) -> None:
    with open(path, 'wb') as target:
        target.write(text)


def check(condition: object, *words: object) -> None:
    if not condition:
        raise Finding(' '.join(
            word.decode(errors='backslashreplace')
            if isinstance(word, bytes) else str(word) for word in words))


def control(text: bytes) -> bool:
    """Whether text has what a terminal acts on."""
    try:
        decoded = text.decode()
    except UnicodeDecodeError:
        return True
    return any(ord(char) < 32 or 127 <= ord(char) < 160 for char in decoded)


def check_refused(kind: str, answer: Answer) -> None:
    errors = answer.errors
    # an option that is none is wrong usage
    good = (1, 2) if kind == 'declare' else (1,)
    check(answer.status in good, 'refused with status', answer.status, errors)
    check(errors.startswith(b'[ERROR] wsgi: ') and errors.endswith(b'\n') and
          errors.count(b'\n') == 1, 'refused with other than a line:', errors)
    check(not control(errors[:-1]), 'a control character in', repr(errors))


# A line of a record that says what is wrong with a line names it.
NUMBERED = re.compile(rb'/fzname\.conf:[1-9][0-9]*: ')
WHOLE = re.compile(
    rb'/fzname\.conf: says name=|wsgi: fzname: |/fzname\.conf: a record says|'
    rb'wsgi: [\w-]+: DevStack starts it with')


def wanted(case: Case) -> Fields:
    """What a case says, field by field, as it should be kept."""
    kept: Fields = collections.defaultdict(list)
    for field, value in said(case):
        if case.kind == 'declare' and field in ('env', 'set'):
            # the last one counts
            name = value.split(b'=', 1)[0]
            kept[field] = [old for old in kept[field] if old.split(b'=', 1)[0] != name]
        kept[field].append(value)
    return kept


def said(case: Case) -> Iterator[tuple[str, bytes]]:
    words = iter(case.words[1:])
    for word in words:
        field = word[2:].decode()
        yield field, b'yes' if field in FLAGS else next(words)
    for line in case.text.split(b'\n'):
        if line and not line.startswith(b'#'):
            check(b'=' in line and b'\0' not in line, 'accepted', line)
            name, value = line.split(b'=', 1)
            yield name.decode(), value


def twin_of(fields: Fields) -> tuple[bytes, dict[bytes, bytes]]:
    """The same record with numbers for its free values, and what each number stands for."""
    lines: list[bytes] = []
    tokens: dict[bytes, bytes] = {}
    for field, values in fields.items():
        for value in values:
            if field in FREE:
                token = TOKEN % len(tokens)
                name = b''
                if field != 'arg':
                    name, value = value.split(b'=', 1)
                    name += b'='
                # the one that uWSGI may replace, by the time of its start
                # and the one that has to be octal
                if (field, value) != ('set', b'%t') and name != b'umask=':
                    tokens[token] = value
                    value = token
                value = name + value
            elif field == 'command':
                # its words are systemd's; a '$' that stands for itself is shown as two
                for mark in (b'%', b'$'):
                    token = TOKEN % len(tokens)
                    tokens[token] = mark.replace(b'$', b'$$')
                    value = value.replace(mark, token)
            lines.append(field.encode() + b'=' + value)
    return b'\n'.join(lines) + b'\n', tokens


def run_case(library: Library, case: Case) -> Optional[Accepted]:
    """Ask the library; None where it refused, as it should."""
    answer = library.declare(case.words) if case.kind == 'declare' else library.load(case.text)
    check(not os.listdir(library.cwd), 'something ran: the canary is there')
    if answer.status != 0:
        check_refused(case.kind, answer)
        if case.kind == 'load':
            check(NUMBERED.search(answer.errors) or WHOLE.search(answer.errors),
                  'no file and line in', answer.errors)
        return None
    check(answer.errors == b'', 'accepted with a message:', answer.errors)
    fields = answer.fields
    check(answer.again == 'same', 'its text says otherwise:', answer.again)
    for field, values in wanted(case).items():
        check(fields.get(field) == values, field, repr(fields.get(field)), 'instead of',
              repr(values))
    for field, values in fields.items():
        for value in values:
            check(field in FREE_FORM or re.fullmatch(FORMS[field], value), field, 'accepted:',
                  repr(value))
            check(not control(value), 'accepted:', field, repr(value))
    text, tokens = twin_of(fields)
    twin = library.load(text, fields['name'][0])
    check(twin.status == 0 and twin.errors == b'', 'its twin is refused:', twin.errors, text)
    check(answer.files.keys() == twin.files.keys(), 'other files than', sorted(twin.files))
    return Accepted(case, fields, answer.files, twin.files, tokens)


def put_back(text: bytes, tokens: dict[bytes, bytes]) -> bytes:
    """The twin's text with the real values."""
    if b'70700' not in text:
        return text
    return re.sub(rb'70700\d{4}', lambda found: tokens[found[0]], text)
