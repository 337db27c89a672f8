"""Every field of a record: its form, its meaning, its default.

Parser, options, --help, completion, documents and fuzzing are made of this one table.
"""

from __future__ import annotations

import dataclasses
import re
from typing import Callable

from devstack_wsgi import text
from devstack_wsgi.refused import Refused

# what to write instead of a value, '' for a good one
Check = Callable[[str], str]

WORKERS_MAX = 512
# as many as a socket lets wait
IN_FLIGHT_MAX = 1024
# each stricter than the one before it
SANDBOXES = ('off', 'standard', 'strict')


@dataclasses.dataclass(frozen=True)
class Field:
    """One field.

    name:    as in a record; its option is --NAME
    check:   what to write instead of a value, '' for a good one
    value:   what --help calls the value; '' for a flag
    meaning: its lines in --help
    many:    it may be repeated
    own:     no option sets it: the library chooses it once, or DevStack's functions say it
    entry:   only the catalogue says it; no option and no record does
    """

    name: str
    check: Check
    value: str = ''
    meaning: tuple[str, ...] = ()
    many: bool = False
    own: bool = False
    entry: bool = False

    @property
    def flag(self) -> bool:
        return not (self.value or self.own or self.entry)

    @property
    def attribute(self) -> str:
        """Its name as an attribute of a Record."""
        return self.name.replace('-', '_')


def advice(field: str, value: str) -> str:
    """What to write instead of a value of a field; '' for a good one."""
    if not value:
        return 'give it a value or leave it out'
    if text.CONTROL.search(value):
        return 'leave out control characters and newlines'
    if not text.is_text(value):
        return 'write it in UTF-8, without control characters'
    return BY_NAME[field].check(value)


def refuse(who: str, what: str, field: str, value: str) -> None:
    """Raise Refused for a value of a field that is not good; what: how the message names it."""
    said = advice(field, value)
    if said:
        raise Refused(who, f"{what} '{value}'", said, ': ')


def as_name(word: str) -> str:
    """A word as a record's name: Foo_HTTP is foo-http."""
    return re.sub('^[^a-z]+', '', re.sub('[^a-z0-9-]', '-', word.lower()))[:48].rstrip('-') or 'api'


def as_toggle(name: str) -> str:
    """A name as toggles have it: what a variable cannot have is '_'."""
    return re.sub('[^A-Za-z0-9_]', '_', name)


def _form(expression: str, instead: str) -> Check:
    compiled = re.compile(expression, re.ASCII)
    return lambda value: '' if compiled.fullmatch(value) else instead


def _one_of(*known: str) -> Check:
    return lambda value: '' if value in known else f"known are: {', '.join(known)}"


def _prose(_: str) -> str:
    return ''


# words of fields that only others know: servers/__init__.py says them
CHOICES: dict[str, Callable[[], tuple[str, ...]]] = {}


def _chosen(field: str) -> Check:
    return lambda value: _one_of(*CHOICES[field]())(value)


def _path(value: str) -> str:
    if value == '/':
        return "give a prefix (/compute): the root is the front's own"
    good = re.fullmatch(r'(/[A-Za-z0-9._~-]+)+', value)
    return '' if good and not {'.', '..'} & set(value.split('/')) else (
        'write a plain URL path such as /compute')


def _healthcheck(value: str) -> str:
    good = re.fullmatch(r'/[A-Za-z0-9._~/-]*', value)
    return '' if good and '..' not in value.split('/') else (
        "write a path below the service's own (/healthcheck)")


def _file(value: str) -> str:
    good = re.fullmatch(r'/[A-Za-z0-9._/+@=,~-]*', value)
    return '' if good and '..' not in value.split('/') else (
        'give an absolute path of letters, digits and ._/+@=,~-')


def _listen(value: str) -> str:
    import ipaddress
    host, _, port = value.rpartition(':')
    bracketed = re.fullmatch(r'\[([0-9a-fA-F:]+)\]', host)
    try:
        if bracketed:
            ipaddress.IPv6Address(bracketed.group(1))
        else:
            ipaddress.IPv4Address(host)
        good = re.fullmatch(r'[1-9][0-9]{0,4}', port) and int(port) <= 65535
    except ValueError:
        good = None
    return '' if good else 'write an address and a port (127.0.0.1:8775, [::1]:8775)'


def _port(value: str) -> str:
    good = re.fullmatch(r'[1-9][0-9]{3,4}', value) and 1024 <= int(value) <= 65535
    return '' if good else 'give a port from 1024 to 65535, or leave the line out'


def _workers(value: str) -> str:
    good = re.fullmatch(r'[1-9][0-9]{0,2}', value) and int(value) <= WORKERS_MAX
    return '' if good else f'give a number from 1 to {WORKERS_MAX}'


def _in_flight(value: str) -> str:
    good = value == 'off' or (
        re.fullmatch(r'[1-9][0-9]{0,3}', value) and int(value) <= IN_FLIGHT_MAX)
    return '' if good else f'give a number from 1 to {IN_FLIGHT_MAX}, or off'


def _plain(value: str) -> str:
    """Values that end up in a server's own file are not to mean anything there."""
    if any(each in value for each in ('$(', '@(', '%(', '${')):
        return 'leave out $( ${ @( and %(: servers expand them'
    if value != value.strip(' '):
        return 'leave out spaces at the ends'
    return ''


def _arg(value: str) -> str:
    if re.search(r'["\'\\]', value):
        return 'leave out quotes and backslashes'
    return _plain(value)


def _set(value: str) -> str:
    if not re.fullmatch(r'[a-z][a-z0-9_-]*=.+', value):
        return 'write KEY=VALUE (harakiri=60)'
    return _plain(value.partition('=')[2])


def _env(value: str) -> str:
    name = re.match(r'([A-Za-z_][A-Za-z0-9_]*)=', value)
    if not name:
        return 'write NAME=VALUE (OS_NOVA_CONFIG_DIR=/etc/nova)'
    # uWSGI takes UWSGI_X for its setting x, exec-asap among them; the others are what systemd
    # says to a service and its helpers
    if re.match('UWSGI_|LISTEN_|LD_', name.group(1)) or name.group(1) in (
            'NOTIFY_SOCKET', 'MAINPID', 'RUNTIME_DIRECTORY', 'SERVICE_RESULT', 'INVOCATION_ID'):
        return f'{name.group(1)} steers the server or systemd; use --set'
    return ''


def _command(value: str) -> str:
    if not re.match(r'/\S', value):
        return 'begin with the path of a program (/usr/bin/uwsgi)'
    # a trailing backslash would continue the next line of the unit
    if value.endswith('\\') or text.words(value) is None:
        return 'close its quotes, and end it without a backslash'
    return ''


# what every environ has, of the request; what sites say to the front itself
_OF_REQUESTS = ('HTTP_', 'SERVER_', 'CONTENT_', 'REQUEST_', 'DEVSTACK_WSGI_')
_OF_ENVIRONS = ('SCRIPT_NAME', 'PATH_INFO', 'QUERY_STRING', 'REMOTE_ADDR', 'REMOTE_PORT',
                'REMOTE_USER', 'AUTH_TYPE')


def _variable(value: str) -> str:
    if not re.fullmatch('[A-Za-z_][A-Za-z0-9_-]*[*]?', value):
        return 'write the name of a variable (OIDC_CLAIM_sub), or a beginning (MELLON_*)'
    name = value.rstrip('*')
    if name.startswith(_OF_REQUESTS) or name in _OF_ENVIRONS or name != value and any(
            each.startswith(name) for each in (*_OF_REQUESTS, *_OF_ENVIRONS)):
        return f'{value} is in every environ, or a header'
    return ''


_VERSION = r'[0-9]+(\.[0-9]+)*'
_name = _form(r'(?=.{1,48}$)[a-z]([a-z0-9-]*[a-z0-9])?',
              "use a-z, 0-9 and '-', at most 48 (keystone-api)")
# DevStack's callers write what systemd and the front take
_other_name = _form(r'(?=.{1,48}$)[A-Za-z]([A-Za-z0-9_-]*[A-Za-z0-9_])?',
                    "use A-Z, a-z, 0-9, '-' and '_', at most 48 (Key_stone)")
_app = _form(r'[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\(\))?',
             'write MODULE:CALLABLE (nova.wsgi.api:application) or MODULE:FACTORY()')
_account = _form(r'(?=.{1,32}$)[a-z_][a-z0-9_-]*', 'give the name of an account of this system')
_yes_or_no = _form('yes|no', 'write yes or no')

# in the order in which a record is written
FIELDS = (
    Field('name', _name, own=True),
    Field('unit', _other_name, 'UNIT', (
        'devstack@UNIT.service (default: NAME); of this and the',
        "next two A-Z, a-z, 0-9, '-' and '_'")),
    Field('site', _other_name, 'SITE', ("the front's site and the socket (default: NAME)",)),
    Field('key', _other_name, 'KEY', ("DevStack's name for it (default: NAME)",)),
    Field('app', _app, 'M:C', (
        'the application, MODULE:CALLABLE; with () at its end, a',
        'factory that is called once without arguments; or')),
    Field('script', _file, 'FILE', ("a file that defines 'application'",)),
    Field('path', _path, 'URL', ('its URL behind the front (/compute); and/or',)),
    Field('listen', _listen, 'H:P', ('an address of its own, for HTTP',)),
    Field('mode', _chosen('mode'), 'M', (
        'the server (default: WSGI_MODE, else its present one, else', 'uwsgi)')),
    Field('transport', _chosen('transport'), 'T', (
        'between the front and it: http (default), or uwsgi',)),
    Field('processes', _workers, 'N', ('1 to 512 (default: API_WORKERS, else 2)',)),
    Field('threads', _workers, 'N', ('in each process, 1 to 512 (default 1)',)),
    Field('in-flight', _in_flight, 'N', (
        'requests that it may hold in the front, 1 to 1024, or off;',
        "others get 503 (default: 2/5 of the front's threads)")),
    Field('preload', _yes_or_no, '', ('load once, then fork (default: each process loads)',)),
    Field('user', _account, 'U', ('the user that it runs as (default: the caller of sudo)',)),
    Field('group', _account, 'G', ("(default: the user's own)",)),
    Field('venv', _file, 'DIR', (
        'its virtual environment; an old release in it is run by the',
        'console script that the catalogue names')),
    Field('env', _env, 'K=V', ('a variable of its environment; may be repeated',), many=True),
    Field('arg', _arg, 'A', ('an argument, sys.argv[1] on; may be repeated',), many=True),
    Field('chdir', _file, 'DIR', ('its working directory',)),
    Field('python-path', _file, 'D', ('a folder for sys.path; may be repeated',), many=True),
    Field('healthcheck', _healthcheck, 'P', (
        'a path under its URL that answers below 400 when it is well',)),
    Field('variable', _variable, 'V', (
        "a variable of the front's that it sees (OIDC_CLAIM_sub),",
        "or with '*' all whose names begin so (MELLON_*); may be", 'repeated'), many=True),
    Field('on-demand', _yes_or_no, '', (
        'started by the first request, ended when idle for 300 s',)),
    Field('conf', _file, 'FILE', ("where the server's configuration is, if elsewhere",)),
    Field('set', _set, 'K=V', ("a setting of the server's own; may be repeated",), many=True),
    Field('hardening', _one_of(*SANDBOXES), 'H', (
        'off, standard or strict (default: WSGI_HARDENING, but no',
        "further than the catalogue's)")),
    Field('port', _port, own=True),
    Field('secret', _form('[0-9a-f]{32}', '32 hexadecimal digits, or leave the line out'),
          own=True),
    Field('by', _form('devstack', 'write devstack, or leave the line out'), own=True),
    Field('command', _command, own=True),
    Field('tls-proxy', _yes_or_no, own=True),
)

# what an entry of the catalogue says besides (doc/source/catalog.rst)
ENTRY_FIELDS = (
    Field('package', _form(
        r'[A-Za-z0-9][A-Za-z0-9._-]*(\[[a-z0-9,_-]+\])?([<>=!~]=?' + _VERSION + ')?',
        "write a requirement of pip's (gnocchi[file], oslo.db<15)"), many=True, entry=True),
    Field('type', _form('[a-z][a-z0-9_-]*', 'write a service type (block-storage)'), entry=True),
    Field('expect', _form('[1-5][0-9][0-9]', 'give a status of HTTP (200)'), entry=True),
    Field('config', _prose, many=True, entry=True),
    Field('needs', _prose, many=True, entry=True),
    Field('legacy', _form(f'[A-Za-z0-9._-]+ {_VERSION} {_VERSION}',
                          'write SCRIPT FIRST LAST (nova-api-wsgi 16.0.0 32.2.1)'), entry=True),
    Field('since', _form(_VERSION, 'write a release (30.0.0)'), entry=True),
    Field('no-preload', _prose, entry=True),
    Field('no-threads', _prose, entry=True),
    Field('retired', _prose, entry=True),
    Field('removed', _prose, entry=True),
)

BY_NAME = {field.name: field for field in FIELDS + ENTRY_FIELDS}
OPTIONS = {f'--{field.name}': field for field in FIELDS if not field.own}
