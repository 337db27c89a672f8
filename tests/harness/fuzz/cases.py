"""Hostile declarations and records: strategies of hypothesis over the engine's own fields.

The simplest example of each strategy is the plainest case, so that what hypothesis shrinks a
finding to reads as a service that could be, but for one value.
"""

from __future__ import annotations

import re
import shlex
from typing import Any, Callable, NamedTuple

from hypothesis import strategies as st

from devstack_wsgi import fields as table
from devstack_wsgi import servers

NAME = b'fzname'
MODES = [name.encode() for name in servers.known()]
TRANSPORTS = [name.encode() for name in servers.transports()]

# What means something to a shell, to systemd, uWSGI, Apache, Python or a
# terminal; b'' and plain ones between, so that values come through as well.
FRAGMENTS = [
    b'', b'a', b'x y', b' ', b'  ', b'0', b'100', b'=', b',', b':', b'-', b'.',
    b'%', b'%%', b'%d', b'%t', b'%i', b'%n', b'%(x)', b'%(addr)', b'%s%n',
    b'$', b'$$', b'$HOME', b'${HOME}', b'$(', b'(HOME)', b'{HOME}',
    b'$(touch canary)', b'`touch canary`', b'@(exec://touch canary)',
    b'@', b'(exec://touch canary)', b'@(file:///etc/passwd)', b'@NAME@',
    b'x[$(touch canary)]', b'a[`touch canary`]', b']', b']]', b'[', b'[0]',
    b'{record.name}', b'{0}', b'%(name)s', b'\\g<0>', b'${DEVSTACK}',
    b'"', b"'", b'"""', b"'''", b'\\', b'\\\\', b'\\"', b"\\'", b'\\n',
    b'\\x41', b'\\101', b';', b' ; ', b'#', b' # ', b'&', b'&&', b'|', b'||',
    b'<', b'>', b'</Location>', b'*', b'?', b'~', b'{a,b}', b'!', b'(', b')',
    b'^', b'/',
    b'..', b'/../', b'--', b'--exec-asap', b'//', b'"x y"',
    # letters and digits, but not of ASCII
    b'\xc3\xa9', b'\xe6\x97\xa5', b'\xd0\xb6', b'\xc2\xb2', b'\xd9\xa3', b'\xef\xbc\xa1',
    b'\xf0\x9f\x98\x80', b'\xe2\x80\xa8', b'\xef\xbb\xbf',
    # not for a line of text
    b'\n', b'\r', b'\t', b'\x01', b'\x1b[31m', b'\x7f', b'\xc2\x85',
    b'\xc2\x9b', b'\nexec-asap = touch canary', b'\n[Service]\n',
    b'\nExecStartPre=/bin/touch canary', b'\n\nuser=root\n',
    # no UTF-8, or no character
    b'\xff', b'\xc3', b'\x9b', b'\xc0\x80', b'\xed\xa0\x80', b'\xef\xbf\xbe',
    b'\xef\xb7\x90', b'\xf4\x90\x80\x80',
]

# what some parser reads otherwise wherever it stands
MARKS = [b'%', b'$', b'"', b"'", b'\\']

# Good values of each field; '@' stands for the folder of the round.
GOOD = {
    'app': [b'thing.wsgi:application', b'a:b', b'a_1.b:C()'],
    'script': [b'@/app.wsgi', b'@/a+b=c,d@~-.wsgi'],
    'path': [b'/x', b'/x.y/z~-_', b'/a'],
    'listen': [b'127.0.0.1:8775', b'[::1]:9292', b'0.0.0.0:80', b'[::]:81'],
    'mode': MODES,
    'transport': TRANSPORTS,
    'processes': [b'1', b'512'],
    'threads': [b'1', b'8'],
    'in-flight': [b'1', b'off', b'1024'],
    'preload': [b'yes', b'no'],
    'on-demand': [b'yes', b'no'],
    'user': [b'daemon', b'root'],
    'group': [b'daemon', b'nogroup'],
    'venv': [b'@/venv', b'@/v+b=c,d@~-'],
    'chdir': [b'/', b'@/v+b=c,d@~-'],
    'python-path': [b'/usr', b'@/v+b=c,d@~-'],
    'healthcheck': [b'/', b'/health.check', b'/a//b'],
    'variable': [b'OIDC_CLAIM_sub', b'A', b'_x-1', b'MELLON_*'],
    'conf': [b'@/conf.ini', b'@/a+b=c,d@~-.ini'],
    'unit': [b'fzunit', b'a', b'Fz_Unit'],
    'site': [b'fzsite', b'b', b'B_'],
    'key': [b'fzkey', b'c-1', b'C_1-d'],
    'hardening': [b'off', b'standard', b'strict'],
    'env': [b'A=', b'A=b', b'OS_X=/etc/x', b'PATH=/a:/b', b'_=1'],
    'arg': [b'--config-file', b'/etc/x.conf', b'a', b'100'],
    'set': [b'harakiri=60', b'procname-prefix=x', b'max-requests=9',
            b'procname-prefix=', b'post-buffering=0', b'umask=022',
            b'lang=C.UTF-8', b'listen=100'],
    # these come with no option
    'name': [NAME],
    'port': [b'23000', b'1024'],
    'secret': [b'0123456789abcdef' * 2],
    'by': [b'devstack'],
    'command': [b'/usr/bin/uwsgi --ini /x', b'/usr/bin/uwsgi --pyargv "a b"'],
    'tls-proxy': [b'yes', b'no'],
}
# what is written for itself, in any words: env, arg, set
FREE = [field.name for field in table.FIELDS
        if field.many and field.name not in ('python-path', 'variable')]
# any text without control characters
FREE_FORM = [*FREE, 'command']
REPEATED = [field.name for field in table.FIELDS if field.many]
FLAGS = [field.name for field in table.FIELDS if field.flag]
OPTIONS = [field.name for field in table.OPTIONS.values()]
FIELDS = [field.name for field in table.FIELDS]
# without them it is no record
BASE = ['app', 'path', 'user']
# what a server refuses of a field, beyond the field's own form
REFUSED = {('uwsgi', 'arg'): rb'.* ', ('mod_wsgi', 'user'): rb'root$',
           ('mod_wsgi', 'set'): rb'p|.*=.*[^0-9]'}
# where hostile text is put into a good value: mostly at its end
PLACES: list[Callable[[bytes, bytes], bytes]] = [
    *[lambda value, text: value + text] * 5,
    lambda value, text: value.replace(b'=', b'=' + text, 1),
    lambda value, text: value[:1] + text + value[1:],
    lambda value, text: text + value,
    lambda value, text: text or value,
]
Pair = tuple[str, bytes]


class Case(NamedTuple):
    """kind: 'declare', of WORDS, or 'load', of a record's TEXT."""

    kind: str
    words: list[bytes]
    text: bytes = b''

    def __str__(self) -> str:
        """As a command, so that a shell can run it."""
        if self.kind == 'declare':
            return 'wsgi_deploy ' + ' '.join(quoted(word) for word in self.words)
        escaped = ''.join(chr(byte) if 32 <= byte < 127 and byte != 92 else f'\\{byte:04o}'
                          for byte in self.text)
        path = f'/etc/devstack-wsgi/services/{NAME.decode()}.conf'
        return f'printf %b {shlex.quote(escaped)} > {path}'


def quoted(word: bytes) -> str:
    if word and re.fullmatch(rb'[ -~]+', word):
        return shlex.quote(word.decode())
    return "$'" + ''.join(chr(byte) if 32 <= byte < 127 and byte not in b"\\'"
                          else f'\\x{byte:02x}' for byte in word) + "'"


def allowed(mode: str, field: str, value: bytes) -> bool:
    """Whether a field may have a value under a server, by the engine's own table."""
    text = value.decode(errors='surrogateescape')
    return not table.advice(field, text) and not re.match(
        REFUSED.get((mode, field), b'$^'), value)


# a strategy that is made at each draw costs as much as several draws; zero is the plain choice
ODDS = st.integers(0, 23)
# fragments, and now and then a single byte
HOSTILE = FRAGMENTS * 16 + [bytes([byte]) for byte in range(256)]
ANY = st.sampled_from([b'', *HOSTILE])


def text_of(pieces: list[bytes]) -> st.SearchStrategy[bytes]:
    """Nothing, or up to three pieces."""
    piece = st.sampled_from([b''] * len(pieces) + pieces)
    return st.tuples(piece, piece, piece).map(b''.join)


TEXT = text_of(HOSTILE)
MODE = st.sampled_from([b'', *MODES])
# a record's line that is none: what becomes of its key and value
BROKEN: list[Callable[[bytes, bytes, bytes], bytes]] = [
    *[lambda key, value, text: key + b'=' + value] * 2,
    lambda key, value, text: text + b'\n' + key + b'=' + value,
    lambda key, value, text: b'#' + text + b'\n' + key + b'=' + value,
    lambda key, value, text: key + b'=',
    lambda key, value, text: text + key + b'=' + value,
    lambda key, value, text: key + text + b'=' + value,
]
LINES = st.tuples(st.integers(0, 11), st.sampled_from(BROKEN), TEXT)
END = st.sampled_from([b'\n'] * 60 + [b'', b'\r\n', b'\n\n', b'\n\0'])


def one_of(pairs: dict[str, st.SearchStrategy[Pair]], names: list[str]) -> st.SearchStrategy[Pair]:
    return st.sampled_from(names).flatmap(lambda name: pairs[name])


class Cases:
    """The strategies of one round, whose files are in FOLDER."""

    def __init__(self, folder: str) -> None:
        self.good = {name: [value.replace(b'@/', folder.encode() + b'/') for value in GOOD[name]]
                     for name in FIELDS}
        self.wild = {name: self.wild_of(name) for name in FIELDS}
        self.refused, self.drawn = {}, {}
        for kind, known, free in ('declare', OPTIONS, FREE), ('load', FIELDS, FREE_FORM):
            self.refused[kind] = one_of(self.wild, BASE + known)
            for mode in servers.known():
                tame = {name: self.tame_of(mode, name) for name in FIELDS}
                # three of four are free text
                self.drawn[kind, mode.encode()] = st.tuples(one_of(tame, BASE), st.lists(
                    one_of(tame, free * len(known) + known), max_size=7))

    def wild_of(self, field: str) -> st.SearchStrategy[Pair]:
        """A field with hostile text in a good value, most of which the engine refuses."""
        placed = st.sampled_from([(place, value) for place in PLACES for value in self.good[field]])
        return st.tuples(placed, TEXT if field in FREE else ANY).map(
            lambda drawn: (field, drawn[0][0](drawn[0][1], drawn[1])))

    def tame_of(self, mode: str, field: str) -> st.SearchStrategy[Pair]:
        """A field with a value that it may have: as hostile as that can be."""
        values = [value for value in self.good[field] if allowed(mode, field, value)]
        if field not in FREE_FORM:
            some = [place(value, text) for text in FRAGMENTS for place in PLACES[-4:]
                    for value in values]
            values += [value for value in some if allowed(mode, field, value)]
            return st.sampled_from(values).map(lambda value: (field, value))
        placed = [(place, value) for place in PLACES for value in values
                  if allowed(mode, field, place(value, b'0'))]
        text = text_of([text for text in FRAGMENTS + MARKS * 4
                        if allowed(mode, field, values[0] + text)])
        return st.tuples(st.sampled_from(placed), text).map(
            lambda drawn: (field, drawn[0][0](drawn[0][1], drawn[1])))

    def pairs(self, draw: Any, kind: str) -> list[Pair]:
        """Fields and values, most of them of a record that can be."""
        pairs = [(name, GOOD[name][0]) for name in BASE]
        # each server has its own way with a value
        mode = draw(MODE)
        pairs += [('mode', mode)] * bool(mode)
        base, others = draw(self.drawn[kind, mode or servers.DEFAULT.encode()])
        # one of them at most, so that it is refused for nothing else
        more = [draw(self.refused[kind])] if draw(ODDS) > 11 else []
        for field, value in [base, *others, *more]:
            old = [at for at, pair in enumerate(pairs) if pair[0] == field]
            if field in REPEATED or not old or field not in BASE and draw(ODDS) == 23:
                pairs.append((field, value))
            else:
                pairs[old[0]] = (field, value)
            if field == 'script' and not draw(ODDS) == 23:
                pairs = [pair for pair in pairs if pair[0] != 'app']
        return pairs

    def declaration(self, draw: Any) -> Case:
        """The words of a declaration; no word can have a NUL."""
        words = [draw(self.wild['name'])[1] if draw(ODDS) == 23 else NAME]
        for field, value in self.pairs(draw, 'declare'):
            words.append(b'--' + field.encode())
            if field not in FLAGS:
                words.append(value)
        if draw(ODDS) == 23:
            words.insert(draw(st.integers(1, len(words))), b'--' + draw(TEXT))
        return Case('declare', [word.replace(b'\0', b'') for word in words])

    def record(self, draw: Any) -> Case:
        """A record's file, most lines of it as they should be."""
        lines = []
        pairs = [('name', NAME), ('group', b'daemon'), *self.pairs(draw, 'load')]
        broken, place, text = draw(LINES)
        for at, (field, value) in enumerate(pairs):
            line = place if at == broken else BROKEN[0]
            lines.append(line(field.encode(), value, text))
        return Case('load', [], b'\n'.join(lines) + draw(END))

    def any(self) -> st.SearchStrategy[Case]:
        """Half declarations, a quarter records, and a quarter bytes where a record should be."""
        head = b'name=%s\napp=a:b\npath=/x\nuser=daemon\ngroup=daemon\n' % NAME
        raw = st.binary(max_size=128)
        declaration, record = (
            st.composite(lambda draw, make=make: make(draw))() for make in (
                self.declaration, self.record))
        kinds = [declaration] * 4 + [record] * 2 + [
            raw.map(lambda text: Case('load', [], head + text)),
            raw.map(lambda text: Case('load', [], text))]
        return st.integers(0, 7).flatmap(lambda kind: kinds[kind])
