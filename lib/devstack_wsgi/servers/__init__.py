"""WSGI servers: one file here for each, which states facts; units and front are made of those.

A further server is a module here with one class derived from Server, its templates in files/ and
its golden files.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib
import os
from typing import Protocol, Sequence

from devstack_wsgi import fields, template
from devstack_wsgi.record import Record

DEFAULT = 'uwsgi'
PYTHON = '/usr/bin/python3 -IS'
# Seconds that a request in flight gets when its process has to go. The unit gives more
# (files/unit/wsgi.conf), so that systemd never cuts it short.
MERCY = 30
# seconds without a request after which a service on demand ends
IDLE = 300


@dataclasses.dataclass(frozen=True)
class File:
    """A file that the server or its units read.

    kind: config, script, facts, conf, defaults, or helper:NAME for a program of files/, or its path
    """

    kind: str
    text: str


@dataclasses.dataclass(frozen=True)
class Variable:
    """A variable of the unit's environment that the server needs.

    why: lines of comment above it
    """

    name: str
    value: str
    why: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Facts:
    """How one service runs under a server. Commands are as ExecStart= of systemd.service(5) has
    them, with '%' and '$' doubled.

    command:     what the main unit starts
    replaces:    the command also takes the place of one that DevStack wrote into the main unit
    variables:   what it is told by its environment
    unset:       variables of systemd's that it must not see
    prepare:     what runs before each start; '' for nothing
    ready:       returns when the application serves, fails when it will not
    stop:        ends it when the requests in flight are answered
    stop_as_root: it looks at what only root may see
    reload:      brings new code in without losing a request
    listens:     what the socket unit listens on, one or two: a path, HOST:PORT; a path first
    forwarder:   the command that takes the socket's connections; '' where the server does
    idles:       the last connection of the forwarder ends the service too
    protocol:    what the front speaks to it: uwsgi or http
    address:     where: a path, or HOST:PORT
    standby:     a socket that holds what comes while the address is away; '' without one
    secret:      a word that only the front and the server know; '' without one
    """

    files: tuple[File, ...]
    command: str
    ready: str
    stop: str
    reload: str
    listens: tuple[str, ...]
    protocol: str
    address: str
    replaces: bool = False
    variables: tuple[Variable, ...] = ()
    unset: tuple[str, ...] = ()
    prepare: str = ''
    stop_as_root: bool = False
    forwarder: str = ''
    idles: bool = False
    standby: str = ''
    secret: str = ''


class Server(Protocol):
    """What every server answers. `name` is the mode, and the module's name.

    suffix, script_suffix: how the names of its configuration and of its script end
    reads_conf: its configuration is what --conf names, in uWSGI's ini
    merge:      how edits of its configuration by hand are kept: 'keys' of an ini, or the 'lines'
                that somebody appended
    own_port:   it listens on a port of its own, behind the service's address
    numbers_workers: an application can ask it which of its workers it is in
    transports: what the front may speak to it, its default first
    packages:   the distribution's, for dpkg and for rpm
    """

    name: str = ''
    suffix: str = 'conf'
    script_suffix: str = 'py'
    reads_conf: bool = False
    merge: str = 'lines'
    own_port: bool = False
    numbers_workers: bool = False
    transports: tuple[str, ...] = ('http',)
    packages: dict[str, tuple[str, ...]] = {}

    def check(self, record: Record) -> None:
        """Whether this system can run a record. Raises Refused."""

    def settings(self) -> Sequence[str]:
        """The settings that --set may name."""

    def describe(self, record: Record) -> Facts:
        """How a record runs under this server."""

    def conf(self, record: Record) -> str:
        """The text of CONF; asked of the one server that reads it."""


@functools.lru_cache(None)
def known() -> tuple[str, ...]:
    """The names of all servers."""
    names = sorted(name[:-3] for name in os.listdir(os.path.dirname(__file__))
                   if name.endswith('.py') and not name.startswith('_'))
    return tuple(names)


def modes() -> tuple[str, ...]:
    """The same, the default first."""
    return tuple(dict.fromkeys((DEFAULT, *known())))


@functools.lru_cache(None)
def transports() -> tuple[str, ...]:
    """What a front may speak to some server, the default server's first."""
    return tuple(dict.fromkeys(each for name in modes() for each in get(name).transports))


@functools.lru_cache(None)
def get(name: str) -> Server:
    """The server of a mode that is known."""
    module = importlib.import_module(f'devstack_wsgi.servers.{name}')
    found: type[Server] = next(each for each in vars(module).values() if isinstance(each, type)
                               and vars(each).get('name') == name)
    return found()


def health_checks(record: Record) -> str:
    """The URL paths of a record's health checks, with its own path and without, as a regular
    expression.
    """
    prefix = record.path.replace('.', '\\.')
    check = '/?' if record.check == '/' else record.check.replace('.', '\\.')
    return f'^({prefix})?{check}$'


def runtime(name: str) -> tuple[File, ...]:
    """What a server's script loads the application with: what all share, and the server's part."""
    return (File('helper:devstack_wsgi_runtime.py', template.read('runtime/runtime.py')),
            File('helper:devstack_wsgi_door.py', template.read('runtime/door.py')),
            File(f'helper:devstack_wsgi_{name}.py', template.read(f'{name}/runtime.py')))


def script(name: str, form: str, record: Record, helpers: str, **own: str) -> str:
    """The file that loads a record's application in a server's runtime.

    form: the server's template; helpers: the folder of the runtime; own: marks that the server has
    besides
    """
    # fields.py lets no quote and no backslash through
    return template.fill(
        form, name=record.name, app=f"'{record.app}'", script=f"'{record.script}'",
        prefix=f"'{record.path}'", check=f"'{record.check}'", variables=repr(record.named),
        **{'import': template.fill('runtime/import.py.in', helpers=helpers,
                                   server=name).rstrip('\n')}, **own)


def conf_text(record: Record) -> str:
    """The text of CONF, by the server in whose language it is."""
    return next(get(name) for name in known() if get(name).reads_conf).conf(record)


fields.CHOICES.update(mode=lambda: known(), transport=lambda: transports())
