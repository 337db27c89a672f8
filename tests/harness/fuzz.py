#!/usr/bin/env python3
"""Hostile values, into records and out of the files that are made of them.

    fuzz.py [--cases N] [--seed N] [--jobs N]

Each case is a declaration, or a record's file, made by hypothesis. What the
library refuses, it refuses with status 1 and one line of plain text. What it
accepts is read by systemd, uWSGI, Apache and Python themselves, beside a
twin: the same record with plain numbers in place of its free values. They
have to see the same in both, but for the values, and those as they went in.
Nothing is written, and no value is run: that would leave a file 'canary'.

The parsers read many files at once. If they complain, the same seed runs
again with a judgement of its own for each case, and hypothesis shrinks the
first that fails. One line of JSON on standard output says what was done.

Depends on: hypothesis, systemd-analyze, uwsgi, apache2, mod_wsgi, mod_info
Exit:       0 nothing found; 1 a case failed, printed so that it can be pasted
"""

import argparse
import ast
import collections
import contextlib
import ctypes
import io
import json
import os
import re
import resource
import shlex
import shutil
import subprocess
import sys
import tempfile

import hypothesis
from hypothesis import strategies

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '../../lib'))

from devstack_wsgi import (  # noqa: E402  # the folder is known now
    declare, fields as table, host, plan, record as records, refused,
    registry, servers, verbs)

MODES = [name.encode() for name in servers.known()]
TRANSPORTS = [name.encode() for name in servers.transports()]
MODULES = '/usr/lib/apache2/modules'
NOBODY = 65534
CLONE_NEWNET = 0x40000000
# cases of one seed, and how many are judged together
ROUND = 1000
BATCH = 120

NAME = b'fzname'
# What a twin has in place of free values: digits, which mean nothing anywhere
TOKEN = b'70700%04d'

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
    b'..', b'/../', b'--', b'--exec-asap', b'//', b'\xc3\xa9',
    b'\xe6\x97\xa5', b'\xf0\x9f\x98\x80', b'\xe2\x80\xa8', b'\xef\xbb\xbf',
    # not for a line of text
    b'\n', b'\r', b'\t', b'\x01', b'\x1b[31m', b'\x7f', b'\xc2\x85',
    b'\xc2\x9b', b'\nexec-asap = touch canary', b'\n[Service]\n',
    b'\nExecStartPre=/bin/touch canary', b'\n\nuser=root\n',
    # no UTF-8, or no character
    b'\xff', b'\xc3', b'\x9b', b'\xc0\x80', b'\xed\xa0\x80', b'\xef\xbf\xbe',
    b'\xef\xb7\x90', b'\xf4\x90\x80\x80',
]

# Good values of each field; those of ONLY_LOADED come with no option.
GOOD = {
    'app': [b'thing.wsgi:application', b'a:b', b'a_1.b:C()'],
    'script': [b'@/app.wsgi', b'@/a+b=c,d@~-.wsgi'],
    'path': [b'/x', b'/x.y/z~-_', b'/a'],
    'listen': [b'127.0.0.1:8775', b'[::1]:9292', b'0.0.0.0:80', b'[::]:81'],
    'mode': MODES,
    'transport': TRANSPORTS,
    'processes': [b'1', b'512'],
    'threads': [b'1', b'8'],
    'preload': [b'yes', b'no'],
    'on-demand': [b'yes', b'no'],
    'user': [b'daemon', b'root'],
    'group': [b'daemon', b'nogroup'],
    'venv': [b'@/venv', b'@/v+b=c,d@~-'],
    'chdir': [b'/', b'@/v+b=c,d@~-'],
    'python-path': [b'/usr', b'@/v+b=c,d@~-'],
    'healthcheck': [b'/', b'/health.check', b'/a//b'],
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
}
ONLY_LOADED = {
    'port': [b'23000', b'1024'],
    'secret': [b'0123456789abcdef' * 2],
    'by': [b'devstack'],
    'command': [b'/usr/bin/uwsgi --ini /x', b'/usr/bin/uwsgi --pyargv "a b"'],
    'tls-proxy': [b'yes', b'no'],
}
FREE = ('env', 'arg', 'set')
FLAGS = ('preload', 'on-demand')
FIELDS = [*GOOD]
LOADED_FIELDS = [*GOOD, *ONLY_LOADED, 'name']
# A second statement of what the other fields may be.
NAME_FORM = rb'[a-z]([a-z0-9-]*[a-z0-9])?'
WORD = rb'[A-Za-z]([A-Za-z0-9_-]*[A-Za-z0-9_])?'
FOLDER_FORM = rb'/[A-Za-z0-9._/+@=,~-]*'
FORMS = {
    'name': NAME_FORM, 'unit': WORD, 'site': WORD, 'key': WORD,
    'app': rb'[A-Za-z0-9_.]+:[A-Za-z0-9_]+(\(\))?',
    'path': rb'(/[A-Za-z0-9._~-]+)+', 'healthcheck': rb'/[A-Za-z0-9._~/-]*',
    'script': FOLDER_FORM, 'venv': FOLDER_FORM, 'chdir': FOLDER_FORM,
    'python-path': FOLDER_FORM, 'conf': FOLDER_FORM,
    'listen': rb'[0-9a-fA-F.:\[\]]+:[0-9]+', 'port': rb'[0-9]+',
    'processes': rb'[0-9]+', 'threads': rb'[0-9]+', 'secret': rb'[0-9a-f]{32}',
    'mode': b'|'.join(MODES), 'transport': b'|'.join(TRANSPORTS),
    'preload': rb'yes|no', 'on-demand': rb'yes|no', 'tls-proxy': rb'yes|no',
    'user': rb'[a-z_][a-z0-9_-]*', 'group': rb'[a-z_][a-z0-9_-]*',
    'hardening': rb'off|standard|strict', 'by': rb'devstack',
}
# uWSGI acts on other settings while it reads: what has one is judged alone.
QUIET_SETTINGS = {
    b'harakiri', b'procname-prefix', b'max-requests', b'post-buffering',
    b'listen',
}

Case = collections.namedtuple('Case', 'told fields files twin tokens')


class Finding(AssertionError):
    """A case that is not as it should be."""


# Making cases of bytes. A zero is always the plainest choice, so that a
# smaller example is a plainer case.

class Choices:
    """Bytes, as a row of choices; zeros after their end."""

    def __init__(self, data):
        self.rest = iter(data)

    def of(self, options):
        return options[next(self.rest, 0) % len(options)]

    def number(self, end):
        return next(self.rest, 0) % end


def free_text(choices):
    """Fragments and single bytes, one after the other."""
    text = b''
    for _ in range(choices.number(5)):
        which = choices.number(len(FRAGMENTS) + 16)
        if which < len(FRAGMENTS):
            text += FRAGMENTS[which]
        else:
            text += bytes([choices.number(256)])
    return text


def a_value(choices, field, folder):
    """A value of a field: a good one, often with something at its end."""
    good = GOOD.get(field) or ONLY_LOADED.get(field) or [NAME]
    value = choices.of(good).replace(b'@/', folder.encode() + b'/')
    odds = 2 if field in FREE or field == 'command' else 12
    if choices.number(odds) == odds - 1:
        where = choices.number(8)
        text = free_text(choices)
        if where == 7:
            value = text
        elif where == 6:
            value = text + value
        elif where == 5:
            value = value[:1] + text + value[1:]
        else:
            value += text
    return value


def pairs_of(choices, names, folder):
    """Fields and values, most of them of a record that can be."""
    pairs = [('app', a_value(choices, 'app', folder)),
             ('path', a_value(choices, 'path', folder)),
             ('user', a_value(choices, 'user', folder))]
    for _ in range(choices.number(8)):
        # three of four are free text
        field = choices.of(FREE if choices.number(4) else names)
        value = a_value(choices, field, folder)
        old = [at for at, pair in enumerate(pairs) if pair[0] == field]
        if field in FREE or field == 'python-path' or not old:
            pairs.append((field, value))
        elif choices.number(16) != 15:
            pairs[old[0]] = (field, value)
        else:
            pairs.append((field, value))
        if field == 'script' and choices.number(16) != 15:
            pairs = [pair for pair in pairs if pair[0] != 'app']
    return pairs


def declaration(choices, folder):
    """The words of a declaration; no word can have a NUL."""
    words = [NAME]
    if choices.number(24) == 23:
        words = [a_value(choices, 'name', folder) + free_text(choices)]
    for field, value in pairs_of(choices, FIELDS, folder):
        words.append(b'--' + field.encode())
        if field not in FLAGS:
            words.append(value)
    if choices.number(24) == 23:
        words.insert(choices.number(len(words)) + 1,
                     b'--' + free_text(choices))
    return [word.replace(b'\0', b'') for word in words]


def record(choices, folder):
    """A record's file, most lines of it as they should be."""
    pairs = [('name', NAME), ('group', b'daemon')]
    pairs += pairs_of(choices, LOADED_FIELDS, folder)
    lines = []
    for field, value in pairs:
        key = field.encode()
        broken = choices.number(48)
        if broken == 47:
            key += free_text(choices)
        elif broken == 46:
            key = free_text(choices) + key
        elif broken == 45:
            value = b''
        elif broken == 44:
            lines.append(b'#' + free_text(choices))
        elif broken == 43:
            lines.append(free_text(choices))
        lines.append(key + b'=' + value)
    end = [b'\n', b'', b'\r\n', b'\n\n', b'\n\0'][
        max(0, choices.number(64) - 59)]
    return b'\n'.join(lines) + end


def a_case(data, folder):
    """('declare', words) or ('load', text)."""
    choices = Choices(data)
    kind = choices.number(8)
    if kind < 4:
        return 'declare', declaration(choices, folder)
    if kind < 6:
        return 'load', record(choices, folder)
    if kind == 6:
        text = b'name=%s\napp=a:b\npath=/x\nuser=daemon\ngroup=daemon\n' % NAME
        return 'load', text + bytes(choices.rest)
    return 'load', bytes(choices.rest)


def told(case):
    """A case, so that a shell can run it."""
    kind, what = case
    if kind == 'declare':
        return 'wsgi_deploy ' + ' '.join(quoted(word) for word in what)
    return 'printf %b {} > /etc/devstack-wsgi/services/{}.conf'.format(
        shlex.quote(''.join(escaped(byte) for byte in what)), NAME.decode())


def escaped(byte):
    if 32 <= byte < 127 and byte != 92:
        return chr(byte)
    return '\\%04o' % byte


def quoted(word):
    if word and re.fullmatch(rb'[ -~]+', word):
        return shlex.quote(word.decode())
    return "$'" + ''.join(
        chr(byte) if 32 <= byte < 127 and byte not in b"\\'"
        else '\\x%02x' % byte for byte in word) + "'"


# The engine

Answer = collections.namedtuple('Answer', 'status errors fields files again')


def to_text(word):
    """Bytes as the engine gets them: what is no UTF-8 comes back as it is."""
    return word.decode(errors='surrogateescape')


def to_bytes(text):
    return text.encode(errors='surrogateescape')


class Library:
    """The engine, and the system that it sees."""

    def __init__(self, folder):
        self.folder = folder
        self.root = os.path.join(folder, 'root')
        self.cwd = os.path.join(folder, 'cwd')
        self.services = self.root + '/etc/devstack-wsgi/services'
        for path in (self.services, self.cwd, self.root + '/usr/bin',
                     self.root + '/usr/sbin', self.root + '/etc/apache2',
                     self.root + '/var/lib/devstack-wsgi',
                     self.root + '/usr/lib/uwsgi',
                     self.root + '/usr/lib/apache2'):
            os.makedirs(path)
        for path in ('/usr/bin/uwsgi', '/usr/sbin/apache2',
                     '/usr/lib/uwsgi/plugins', MODULES):
            os.symlink(path, self.root + path)
        # asked of Apache otherwise
        put(self.root + '/var/lib/devstack-wsgi/apache-group', b'www-data')
        for name in ('venv', 'v+b=c,d@~-'):
            os.makedirs(os.path.join(folder, name))
            put(os.path.join(folder, name, 'pyvenv.cfg'), b'home = /usr/bin\n')
        for name in ('app.wsgi', 'a+b=c,d@~-.wsgi'):
            put(os.path.join(folder, name), b'')
        host.SYSROOT = self.root
        os.chdir(self.cwd)
        self.before = self.written()

    def declare(self, words):
        """What 'wsgi deploy' makes of words; a Finding if it fails."""
        def make():
            known = registry.Registry()
            declare.declare(known, to_text(words[0]),
                            [to_text(word) for word in words[1:]])
            return known
        return ask(make)

    def load(self, text, name=NAME):
        """What 'wsgi apply' makes of a record's file."""
        def make():
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

    def written(self):
        """All that is there, and when it was changed."""
        seen = []
        for top, _, files in os.walk(self.root):
            if top != self.services:
                seen.append((top, os.lstat(top).st_mtime_ns))
            for name in files:
                path = os.path.join(top, name)
                seen.append((path, os.lstat(path).st_mtime_ns))
        return sorted(seen)


def ask(make):
    """The engine's answer: the registry that MAKE returns, with a plan."""
    # of another round's system, or of too many cases
    plan.describe.cache_clear()
    said = io.StringIO()
    with contextlib.redirect_stderr(said):
        try:
            known = make()
            record = next(iter(known.records.values()))
            files = plan.wanted(known, [record.name])
        except refused.Refused as refusal:
            verbs._complain(refusal)
            return Answer(refusal.status, to_bytes(said.getvalue()), {}, {}, '')
        except Exception as error:
            raise Finding('the engine failed: {!r}'.format(error))
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


def put(path, text):
    with open(path, 'wb') as target:
        target.write(text)


def check(condition, *words):
    if not condition:
        raise Finding(' '.join(
            word.decode(errors='backslashreplace')
            if isinstance(word, bytes) else str(word) for word in words))


def control(text):
    """Whether text has what a terminal acts on."""
    try:
        decoded = text.decode()
    except UnicodeDecodeError:
        return True
    return any(ord(char) < 32 or 127 <= ord(char) < 160 for char in decoded)


def check_refused(kind, answer):
    status, errors = answer.status, answer.errors
    # an option that is none is wrong usage
    good = (1, 2) if kind == 'declare' else (1,)
    check(status in good, 'refused with status', status, errors)
    check(errors.startswith(b'[ERROR] wsgi: ') and errors.endswith(b'\n') and
          errors.count(b'\n') == 1, 'refused with other than a line:', errors)
    check(not control(errors[:-1]), 'a control character in', repr(errors))


# A line of a record that says what is wrong with a line names it.
NUMBERED = re.compile(rb'/fzname\.conf:[1-9][0-9]*: ')
WHOLE = re.compile(
    rb'/fzname\.conf: says name=|wsgi: fzname: |/fzname\.conf: a record says')


def wanted(case):
    """What a case says, field by field, as it should be kept."""
    kind, what = case
    said = collections.defaultdict(list)
    if kind == 'declare':
        words = iter(what[1:])
        pairs = []
        for word in words:
            field = word[2:].decode()
            pairs.append(
                (field, b'yes' if field in FLAGS else next(words)))
    else:
        pairs = []
        for line in what.split(b'\n'):
            if line and not line.startswith(b'#'):
                check(b'=' in line and b'\0' not in line, 'accepted', line)
                field, value = line.split(b'=', 1)
                pairs.append((field.decode(), value))
    for field, value in pairs:
        if kind == 'declare' and field in ('env', 'set'):
            # the last one counts
            name = value.split(b'=', 1)[0]
            said[field] = [old for old in said[field]
                           if old.split(b'=', 1)[0] != name]
        said[field].append(value)
    return said


def twin_of(fields):
    """The text of the same record with numbers for its free values, and what
    each number stands for."""
    lines, tokens = [], {}
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
                value = b'/usr/bin/uwsgi --ini /x'
            lines.append(field.encode() + b'=' + value)
    return b'\n'.join(lines) + b'\n', tokens


def run_case(library, case):
    """Ask the library. What is left to the judges, None where it refused."""
    kind, what = case
    answer = (library.declare if kind == 'declare' else library.load)(what)
    check(not os.listdir(library.cwd), 'something ran: the canary is there')
    if answer.status != 0:
        check_refused(kind, answer)
        if kind == 'load':
            check(NUMBERED.search(answer.errors) or WHOLE.search(answer.errors),
                  'no file and line in', answer.errors)
        return None
    check(answer.errors == b'', 'accepted with a message:', answer.errors)
    fields, files = answer.fields, answer.files
    check(answer.again == 'same', 'its text says otherwise:', answer.again)
    for field, values in wanted(case).items():
        check(fields.get(field) == values, field, repr(fields.get(field)),
              'instead of', repr(values))
    for field, form in FORMS.items():
        for value in fields.get(field, []):
            check(re.fullmatch(form, value), field, 'accepted:', repr(value))
    for field in (*FREE, 'command'):
        for value in fields.get(field, []):
            check(not control(value), 'accepted:', field, repr(value))
    text, tokens = twin_of(fields)
    twin = library.load(text, fields['name'][0])
    check(twin.status == 0 and twin.errors == b'', 'its twin is refused:',
          twin.errors, text)
    check(files.keys() == twin.files.keys(), 'other files than',
          sorted(twin.files))
    return Case(told(case), fields, files, twin.files, tokens)


def put_back(text, tokens):
    """The twin's text with the real values."""
    return re.sub(rb'70700\d{4}', lambda found: tokens[found[0]], text)


# The judges

def sandboxed():
    """What a judge may do: read files. No net, no other user's files; uWSGI
    cannot start a process."""
    if os.geteuid() == 0:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.unshare(CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), 'unshare')
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)


def without_children():
    sandboxed()
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))


def judge(library, command, limit=sandboxed, **environment):
    """Standard output and standard error of a parser."""
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, cwd=library.cwd, preexec_fn=limit,
        env={'PATH': '/usr/sbin:/usr/bin:/sbin:/bin', 'LC_ALL': 'C.UTF-8',
             'HOME': library.cwd, **environment}, timeout=600)
    return done


UNIT_FILES = {
    'unit': '{}.service', 'socket-unit': '{}.socket',
    'forward-unit': '{}.forward.service',
    'dropin': '{}.service.d/50-wsgi.conf',
}


def systemd_reads(library, folder, batch):
    """What systemd makes of the units: name -> its lines."""
    names = []
    for target in ('sysinit', 'basic', 'shutdown', 'sockets', 'multi-user',
                   'network-online'):
        put(os.path.join(folder, target + '.target'),
            b'[Unit]\nDescription=t\n')
    for at, case in enumerate(batch):
        for mark, files in (('c', case.files), ('t', case.twin)):
            label = 'devstack@{}{}'.format(mark, at)
            unit = b'devstack@' + case.fields['unit'][0] + b'.'
            for kind, form in UNIT_FILES.items():
                if kind in files:
                    path = os.path.join(folder, form.format(label))
                    os.makedirs(os.path.dirname(path), exist_ok=True)
                    put(path, files[kind].replace(unit, label.encode() + b'.'))
                    if kind != 'dropin':
                        names.append(path)
    if not names:
        return {}, b''
    if os.geteuid() == 0:
        # where systemd never ran; the judge cannot make it
        os.makedirs('/run/systemd', exist_ok=True)
    done = judge(library, ['systemd-analyze', 'verify', '--man=no',
                           '--recursive-errors=no', *names],
                 SYSTEMD_UNIT_PATH=folder, SYSTEMD_LOG_LEVEL='debug')
    seen, lines = {}, None
    for line in done.stdout.split(b'\n'):
        # Debian 13's has an arrow of one character, where there is UTF-8
        unit = re.match(rb'\t(?:->|\xe2\x86\x92) Unit (.*):$', line)
        if unit:
            lines = seen.setdefault(unit[1], [])
        elif lines is not None and line and \
                not line.startswith(b'\t\tInstance: '):
            if line.startswith(b'\t\tSystemCallFilter: '):
                # a set, told in any order
                line = b' '.join(sorted(line.split()))
            lines.append(line)
    return seen, done.stderr


def complaints(said, mark, at):
    """What systemd says against a unit, in words that fit its twin too."""
    name = b'devstack@%c%d.' % (mark, at)
    return [line.replace(name, b'devstack@t%d.' % at)
            for line in said.split(b'\n')
            if b'/' + name in line and re.search(rb'\.\w+:\d+: ', line) or
            line.startswith(name) and b'to load' in line]


def judge_units(library, folder, batch):
    seen, said = systemd_reads(library, folder, batch)
    for at, case in enumerate(batch):
        mine, other = (b'devstack@%c%d.' % (mark, at) for mark in b'ct')
        problems = [complaints(said, mark, at) for mark in b'ct']
        for line in problems[0]:
            if line not in problems[1]:
                yield case, b'systemd: ' + line
        for kind, form in UNIT_FILES.items():
            if kind == 'dropin' or kind not in case.files:
                continue
            name = form.format('').encode()[1:]
            lines = sorted(line.replace(mine, other)
                           for line in seen.get(mine + name, [b'nothing']))
            twins = sorted(put_back(line, case.tokens)
                           for line in seen.get(other + name, [b'no twin']))
            if 'command' in case.fields:
                lines, twins = (
                    [line for line in some if b'Command Line: ' not in line]
                    for some in (lines, twins))
            if lines != twins:
                yield case, difference(b'systemd', twins, lines)


def difference(who, expected, lines):
    more = [line for line in lines if line not in expected]
    less = [line for line in expected if line not in lines]
    return b'%s sees %r, not %r' % (who, more[:3], less[:3])


def ini_of(files):
    """The text that is uWSGI's, whatever server reads it."""
    for kind in ('config', 'conf'):
        if files.get(kind, b'').find(b'\n[uwsgi]\n') >= 0:
            return files[kind]
    return None


def judge_inis(library, folder, batch):
    groups = [[]]
    for at, case in enumerate(batch):
        if ini_of(case.files) is None:
            continue
        keys = {value.split(b'=', 1)[0]
                for value in case.fields.get('set', [])}
        (groups[0] if keys <= QUIET_SETTINGS else
         groups.append([]) or groups[-1]).append((at, case))
    for group in groups:
        command = ['uwsgi', '--show-config']
        for at, case in group:
            for mark, files in (('c', case.files), ('t', case.twin)):
                path = os.path.join(folder, '{}{}.ini'.format(mark, at))
                put(path, ini_of(files))
                command += ['--ini', path]
        if not group:
            continue
        done = judge(library, command, without_children)
        text = done.stdout + done.stderr
        text = text.partition(b'\n[uwsgi]\n')[2]
        text = text.partition(b'\n;end of configuration\n')[0]
        seen, lines = {}, None
        for line in text.split(b'\n'):
            if line.startswith(b'ini = ' + folder.encode()):
                lines = seen.setdefault(os.path.basename(line), [])
            elif lines is not None:
                lines.append(line)
        for at, case in group:
            lines = seen.get(b'c%d.ini' % at, [b'nothing'])
            twins = [put_back(line, case.tokens)
                     for line in seen.get(b't%d.ini' % at, [b'no twin'])]
            if any(value.endswith(b'=%t')
                   for value in case.fields.get('set', [])):
                # the time of the start
                lines, twins = (
                    [re.sub(rb' = \d{10}$', b' = %t', line) for line in some]
                    for some in (lines, twins))
            if lines != twins or len(lines) < 10:
                yield case, difference(b'uWSGI', twins, lines)


def httpd_lines(text):
    """The directives of a text that has no more than plain lines."""
    lines = []
    for line in text.split(b'\n'):
        line = line.strip()
        if line and not line.startswith((b'#', b'IncludeOptional ')):
            lines.append(b' '.join(line.split()))
    return lines


def judge_httpd(library, folder, batch):
    modules = ['mpm_event', 'info', 'authz_core', 'log_config', 'unixd',
               'headers', 'setenvif', 'slotmem_shm', 'proxy', 'proxy_uwsgi',
               'proxy_http', 'proxy_balancer', 'lbmethod_byrequests']
    main = ['ServerRoot "{}"'.format(folder), 'ServerName localhost',
            'ErrorLog /dev/stderr']
    # some may be built in
    main += ['<IfModule !{0}_module>\nLoadModule {0}_module {1}/mod_{0}.so\n'
             '</IfModule>'.format(name, MODULES) for name in modules]
    main.append('LoadModule wsgi_module {}/mod_wsgi.so'.format(MODULES))
    sites, configs = [], []
    for at, case in enumerate(batch):
        name, unit = case.fields['name'][0], case.fields['unit'][0]
        if 'site' in case.files:
            path = os.path.join(folder, 'c{}.site'.format(at))
            put(path, case.files['site'])
            main.append('Include ' + path)
            sites.append((at, case))
        if b'\nWSGIDaemonProcess ' not in case.files['config']:
            continue
        configs.append((at, case))
        for mark, files in (('c', case.files), ('t', case.twin)):
            label = '{}{}'.format(mark, at)
            run = os.path.join(folder, 'run' + label)
            os.mkdir(run)
            text = files['config'].replace(
                b'/run/devstack-wsgi/' + unit, run.encode())
            # no two may have one name or one port
            text = re.sub(rb'(\nWSGI(?:DaemonProcess|ProcessGroup) '
                          rb'| process-group=)' + name + rb'\b',
                          rb'\1' + label.encode(), text)
            text = re.sub(rb'(\nListen 127\.0\.0\.1:)\d+',
                          rb'\g<1>%d' % (10000 * (1 + (mark == 't')) + at),
                          text)
            put(os.path.join(folder, label + '.conf'), text)
            main.append('Include {}/{}.conf'.format(folder, label))
    if not sites and not configs:
        return
    path = os.path.join(folder, 'main')
    put(path, '\n'.join(main).encode() + b'\n')
    done = judge(library,
                 ['apache2', '-t', '-DDUMP_CONFIG', '-f', path])
    seen, lines = {}, None
    for line in done.stdout.split(b'\n'):
        if line.startswith(b'# In file: '):
            lines = seen.setdefault(os.path.basename(line), [])
        elif lines is not None and line.strip() and \
                not re.fullmatch(rb' *#  *\d+:', line):
            lines.append(b' '.join(line.split()).replace(b' >', b'>'))
    if done.returncode:
        # it stops at the first that it does not like
        said = done.stderr.replace(folder.encode(), b'')
        wrong = re.search(rb'/([ct])(\d+)\.\w+:', said)
        yield (batch[int(wrong[2])] if wrong else batch[0],
               b'Apache: ' + said[-300:])
        return
    for at, case in sites:
        expected = httpd_lines(case.files['site'])
        lines = seen.get(b'c%d.site' % at, [b'nothing'])
        if lines != expected:
            yield case, difference(b'Apache', expected, lines)
    for at, case in configs:
        lines = [line.replace(b'runc%d' % at, b'runt%d' % at)
                 .replace(b' c%d' % at, b' t%d' % at)
                 .replace(b'=c%d' % at, b'=t%d' % at)
                 .replace(b':%d' % (10000 + at), b':%d' % (20000 + at))
                 for line in seen.get(b'c%d.conf' % at, [b'nothing'])]
        twins = [put_back(line, case.tokens)
                 for line in seen.get(b't%d.conf' % at, [b'no twin'])]
        if lines != twins or len(lines) < 10:
            yield case, difference(b'httpd', twins, lines)


def python_says(text):
    """What a script begins with, up to its first function: names and their
    values; and the text after it, which is the same for all."""
    head, middle, rest = text.partition(b'\ndef ')
    said = []
    for node in ast.parse(head).body:
        value = getattr(node, 'value', None)
        if isinstance(value, ast.BinOp):
            value = value.right
        # what is called is the script's own; of a value it would be another
        # call than the twin's
        if isinstance(node, ast.Assign) and not isinstance(value, ast.Call):
            said.append((ast.dump(node.targets[0]), ast.literal_eval(value)))
        else:
            said.append(ast.dump(node))
    return said, middle + rest


def with_values(said, tokens):
    if isinstance(said, (list, tuple)):
        return type(said)(with_values(each, tokens) for each in said)
    if isinstance(said, str):
        return put_back(said.encode(), tokens).decode()
    return said


def judge_scripts(library, folder, batch):
    for case in batch:
        if 'script' not in case.files:
            continue
        try:
            mine = python_says(case.files['script'])
        except (SyntaxError, ValueError) as error:
            yield case, b'Python: ' + str(error).encode()
            continue
        said, rest = python_says(case.twin['script'])
        if mine != (with_values(said, case.tokens), rest):
            yield case, b'Python sees %r, not %r' % (mine[0], said)


JUDGES = (judge_units, judge_inis, judge_httpd, judge_scripts)


def judge_all(library, batch):
    """A Finding for the first case that a parser reads otherwise."""
    folder = os.path.join(library.folder, 'judged')
    for each in JUDGES if batch else ():
        os.mkdir(folder)
        os.chmod(folder, 0o777)
        try:
            for case, problem in each(library, folder, batch):
                raise Finding('{}\n    {}'.format(
                    problem.decode(errors='backslashreplace'), case.told))
        finally:
            shutil.rmtree(folder)
    check(not os.listdir(library.cwd), 'something ran: the canary is there')
    check(library.written() == library.before, 'something was written')


# Rounds

class Round:
    """The cases of one seed."""

    def __init__(self, folder, seed, cases, alone=None):
        self.folder = folder
        self.seed = seed
        self.cases = cases
        # from which case on each is judged by itself
        self.alone = alone
        self.batch = []
        self.first = 0
        self.done = 0
        self.judged = 0
        self.library = None
        # what the parsers said of a batch; the rest of the round is for a
        # round that judges each case alone
        self.found = None

    def renew(self):
        """A library whose system is as it was."""
        if self.library is not None:
            os.chdir('/')
            shutil.rmtree(self.folder)
            os.mkdir(self.folder)
        os.chmod(self.folder, 0o755)
        self.library = Library(self.folder)
        os.chmod(self.library.cwd, 0o777)

    def one(self, data):
        if self.found is not None:
            return
        case = a_case(data, self.folder)
        self.done += 1
        try:
            left = run_case(self.library, case)
            if left is None:
                return
            if self.alone is None:
                self.batch.append(left)
                if len(self.batch) == BATCH:
                    self.judge()
            elif self.done >= self.alone:
                judge_all(self.library, [left])
        except Finding as found:
            self.renew()
            text = told(case)
            said = str(found)
            raise Finding(said if text in said else
                          '{}\n    {}'.format(said, text)) from None

    def judge(self):
        batch, self.batch = self.batch, []
        self.judged += len(batch)
        try:
            judge_all(self.library, batch)
            self.first = self.done
        except Finding as found:
            self.found = str(found)

    def run(self):
        """None, or what was found."""
        self.renew()
        check_one = hypothesis.seed(self.seed)(hypothesis.settings(
            max_examples=self.cases, database=None, deadline=None,
            report_multiple_bugs=False,
            phases=(hypothesis.Phase.generate, hypothesis.Phase.shrink),
            suppress_health_check=list(hypothesis.HealthCheck),
        )(hypothesis.given(
            strategies.binary(min_size=32, max_size=128))(self.one)))
        try:
            check_one()
            if self.found is None:
                self.judge()
        except Finding as found:
            return str(found)
        finally:
            os.chdir('/')
        return self.found


def rounds(cases, seed):
    """Run so many cases; what was done, and what was found."""
    done = judged = 0
    while done < cases:
        with tempfile.TemporaryDirectory(prefix='fuzz-') as folder:
            this = Round(folder, seed, min(ROUND, cases - done))
            found = this.run()
            first = this.first
        if found is not None:
            with tempfile.TemporaryDirectory(prefix='fuzz-') as folder:
                alone = Round(folder, seed, ROUND, first)
                found = alone.run() or found
            return done, judged, 'seed {}: {}'.format(seed, found)
        done += this.done
        judged += this.judged
        seed += 1
    return done, judged, None


def main():
    parser = argparse.ArgumentParser(
        description=__doc__.partition('\n')[0])
    parser.add_argument('--cases', type=int, default=2000)
    parser.add_argument('--seed', type=int, default=1,
                        help='of the first %d cases; the next have the next'
                        % ROUND)
    parser.add_argument('--jobs', type=int, default=1)
    wanted_of = parser.parse_args()
    # nothing that the caller's shell says counts
    os.environ.clear()
    os.environ.update({'PATH': '/usr/sbin:/usr/bin:/sbin:/bin',
                       'LC_ALL': 'C.UTF-8'})
    share = -(-wanted_of.cases // wanted_of.jobs)
    children = []
    for at in range(1, wanted_of.jobs):
        children.append(subprocess.Popen(
            [sys.executable, os.path.abspath(__file__), '--cases', str(share), '--seed',
             str(wanted_of.seed + at * -(-share // ROUND))],
            stdout=subprocess.PIPE))
    done, judged, found = rounds(share, wanted_of.seed)
    status = 0
    if found is not None:
        print(found, file=sys.stderr)
        status = 1
    for child in children:
        said = json.loads(child.communicate()[0])
        done += said['cases']
        judged += said['accepted']
        status = max(status, child.returncode)
    used = [resource.getrusage(who) for who in (
        resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    print(json.dumps({
        'cases': done, 'accepted': judged, 'seed': wanted_of.seed,
        'cpu': round(sum(one.ru_utime + one.ru_stime for one in used)),
    }))
    return status


if __name__ == '__main__':
    sys.exit(main())
