"""uWSGI: its configuration, and what units and front must know of it.

What a person may tune is in CONF; what the library needs of the instance (its socket, the fifo, the
stats) is in the unit's environment, where uWSGI reads UWSGI_X as its setting x. So a CONF that
somebody else wrote serves too.
"""

from __future__ import annotations

import functools
import glob
import os
import re
from typing import Sequence

from devstack_wsgi import conf, host, paths, servers, template, text, venv
from devstack_wsgi.fronts import front
from devstack_wsgi.record import Record
from devstack_wsgi.refused import Refused
from devstack_wsgi.servers import (
    IDLE,
    MERCY,
    PYTHON,
    Facts,
    File,
    Server,
    Variable,
    health_checks,
)

# settings that an option of 'wsgi deploy' sets
BY_OPTION = {
    'module': '--app', 'wsgi': '--app', 'wsgi-file': '--script', 'file': '--script',
    'mount': '--path', 'processes': '--processes', 'workers': '--processes',
    'threads': '--threads', 'chdir': '--chdir', 'chdir2': '--chdir',
    'pythonpath': '--python-path', 'python-path': '--python-path', 'pp': '--python-path',
    'venv': '--venv', 'virtualenv': '--venv', 'home': '--venv', 'pyhome': '--venv',
    'pyargv': '--arg', 'env': '--env', 'uid': '--user', 'gid': '--group',
    'lazy-apps': '--preload', 'lazy': '--preload', 'die-on-idle': '--on-demand',
    'http-socket': '--listen',
}
# settings on which a promise rests: who may connect, how it stops, where it logs
RESERVED = re.compile(
    '.*socket|socket-protocol|protocol|https?2?|http-to|udp|chmod-.*|chown-.*|immediate-.*'
    '|daemonize.*|(safe-)?pidfile.*|master|master-fifo|need-app|stats|stats-server|die-on-term'
    '|exit-on-reload|plugins?|logto.*|log-syslog|ini|xml|yaml|yml|json|config|include|inherit'
    '|emperor.*|vassal.*')

class Uwsgi(Server):
    name = 'uwsgi'
    suffix = 'ini'
    reads_conf = True
    merge = 'keys'
    numbers_workers = True
    transports = ('http', 'uwsgi')
    packages = {'dpkg': ('uwsgi-core', 'uwsgi-plugin-python3'),
                'rpm': ('uwsgi', 'uwsgi-plugin-python3')}

    def check(self, record: Record) -> None:
        program = _program(record)
        inside = record.venv and program.startswith(f'{record.venv}/')
        if not inside and not host.is_program(program):
            raise Refused(record.name, 'uWSGI is not installed',
                          f"install {' '.join(self.packages[front().packaging])},"
                          ' or uwsgi from PyPI into the venv')
        if record.venv and _is_packaged(program):
            _check_python(record)
        if any(' ' in each for each in record.arg):
            raise Refused(record.name, f"--arg '{' '.join(record.arg)}'",
                          'uWSGI cuts arguments at spaces; give one for each word, or a file', ': ')
        for setting in record.set:
            _check_setting(record.name, setting.partition('=')[0], program)

    def settings(self) -> Sequence[str]:
        return sorted(_known(_system_program()))

    def describe(self, record: Record) -> Facts:
        files = [File('config', self.conf(record)),
                 File('helper:uwsgi-control', template.read('uwsgi/control.py')),
                 File('helper:service.py', template.read('helpers/service.py')),
                 *servers.runtime(self.name), File('script', _script(record))]
        # a front whose site DevStack's own functions wrote speaks the uwsgi protocol
        listens = ((record.listen,) if record.listen
                   else (paths.http_socket(record), paths.socket(record)))
        http, uwsgi = listens[0], listens[-1]
        # DevStack's, where it has said more than the program
        command = (text.unit_command(record.command) if ' ' in record.command
                   else f'{_program(record)} --ini {paths.config(record)}')
        helper = f"{PYTHON} {paths.helper('uwsgi-control')}"
        how = 'hup' if record.preload == 'yes' else 'chain'
        return Facts(
            files=tuple(files),
            command=command,
            variables=_variables(record),
            unset=_unset(record),
            ready=f'{helper} ready --address {http} \\\n'
                  f'    --prefix={record.path} --healthcheck {record.check}',
            stop=f'{helper} stop',
            reload=f'{helper} reload --how {how} \\\n'
                   f'    --conf {paths.config(record)} -- {command}',
            listens=listens,
            protocol=record.transport,
            address=http if record.transport == 'http' else uwsgi,
        )

    def conf(self, record: Record) -> str:
        chosen = [setting.partition('=')[::2] for setting in record.set]
        lines = _without(_settings(record).split('\n'), {key for key, _ in chosen})
        # the time of the start: the one magic that a setting may want
        lines += [f"{key} = {value if value == '%t' else text.ini_value(value)}"
                  for key, value in chosen]
        return '\n'.join(lines) + '\n'


def _system_program() -> str:
    return '/usr/sbin/uwsgi' if front().packaging == 'rpm' else '/usr/bin/uwsgi'


def _program(record: Record) -> str:
    """The program that DevStack names, the venv's own uWSGI, else the system's."""
    named = record.command.partition(' ')[0]
    if named:
        return named
    if record.venv and os.access(f'{record.venv}/bin/uwsgi', os.X_OK):
        return f'{record.venv}/bin/uwsgi'
    return _system_program()


@functools.lru_cache(None)
def _is_packaged(program: str) -> bool:
    """Whether a program is the distribution's, whose Python is a plugin; a venv may link to it."""
    path = os.path.realpath(host.real(program))
    if host.SYSROOT and path.startswith(os.path.realpath(host.SYSROOT) + '/'):
        path = path[len(os.path.realpath(host.SYSROOT)):]
    return path.startswith(('/usr/bin/', '/usr/sbin/'))


def _check_python(record: Record) -> None:
    """Refuse a venv whose Python the distribution's uWSGI has no plugin for."""
    plugins = (re.search(r'/python(3)([0-9]+)_plugin\.so$', path) for path in sorted(
        glob.glob(glob.escape(host.SYSROOT) + '/usr/lib*/uwsgi/plugins/*')))
    pythons = [f'{each.group(1)}.{each.group(2)}' for each in plugins if each]
    venv.refuse_other_python(
        record, pythons, f"the system's uWSGI loads {' '.join(pythons) or 'no Python'}", 'uwsgi')


def _check_setting(name: str, key: str, program: str) -> None:
    if key in BY_OPTION:
        raise Refused(name, f"--set {key}: the library's own", f'use {BY_OPTION[key]}')
    if RESERVED.fullmatch(key):
        raise Refused(name, f"--set {key}: the library's own", 'leave it out')
    if key not in _known(program):
        raise Refused(name, f'--set {key}: uWSGI has no such setting'
                      f" ('{program} --help' lists them)")


@functools.lru_cache(None)
def _known(program: str) -> frozenset[str]:
    """The settings that a program lists in its --help."""
    plugin = ('--plugin', 'python3') if _is_packaged(program) else ()
    status, said = host.ask(host.real(program), *plugin, '--help')
    if status and host.SYSROOT:
        status, said = host.ask(program, *plugin, '--help')
    if status:
        raise Refused('', f"'{program} --help' fails", 'is the installation complete?')
    return frozenset(re.findall(r'^ +(?:-.\|)?--([a-z0-9_-]+)', said, re.MULTILINE))


def _settings(record: Record) -> str:
    """The library's own settings, each with its reason in the template.

    What each costs a request is in doc/source/performance.rst: none is worth its absence.
    """
    packaged = _is_packaged(_program(record))
    script = paths.script(record) if record.mode == Uwsgi.name else record.script
    # DevStack's command says the venv and the arguments itself, but not to one that stands in
    ours = record.stands_in or not record.command
    # nobody looks for an address that the front does not speak to; and uWSGI does not find
    # 0.0.0.0:8775 among what systemd hands over, which it calls :8775
    spoken_to = record.adopted and record.path
    direct = record.listen or not record.path
    return template.fill(
        'uwsgi/conf.ini.in', name=record.name, processes=record.processes,
        threads=record.threads, lazy='false' if record.preload == 'yes' else 'true',
        mercy=str(MERCY),
        # uWSGI from PyPI has Python built in
        plugins='python3' if packaged else '',
        script=script, module='' if script else record.app,
        venv=record.venv if ours else '',
        python_path='\n'.join(f'pythonpath = {folder}' for folder in record.python_path),
        chdir=record.chdir,
        # uWSGI cuts it at spaces, whatever the quotes: none has one (check)
        arguments=text.ini_value(' '.join(record.arg)) if ours else '',
        # a plugin that writes its own site for our CONF relies on it, too
        front='yes' if record.path else '',
        idle=str(IDLE) if record.demanded else '',
        # the record's own path is logged for nobody; of the front page, which is everybody's, only
        # our own probe is left out
        checks=health_checks(record) if direct else '',
        root='yes' if direct and record.check == '/' else '',
        adopted='yes' if record.adopted else '',
        http_socket=record.listen if spoken_to else '').rstrip('\n')


def _without(lines: list[str], chosen: set[str]) -> list[str]:
    """The lines without the settings whose keys are chosen, nor the comments on them."""
    kept: list[str] = []
    comment: list[str] = []
    for number, line in enumerate(lines):
        comment.append(line)
        # the first two are about the file
        if number < 3 or not line.startswith('#'):
            if line.partition(' = ')[0] not in chosen:
                kept += comment
            comment = []
    return kept


def _script(record: Record) -> str:
    """The file that loads the application in the runtime."""
    return servers.script(
        Uwsgi.name, 'uwsgi/application.py.in', record, paths.HELPERS,
        front=str(bool(record.path)))


def _variables(record: Record) -> tuple[Variable, ...]:
    run = paths.run(record)
    return (
        Variable('UWSGI_HTTP_SOCKET', 'fd://3', (
            'uWSGI takes UWSGI_X for its setting x. The sockets are named here, not in',
            'CONF: so they survive SIGHUP, and every CONF serves')),
        *([] if record.listen else [Variable('UWSGI_SOCKET', 'fd://4')]),
        Variable('UWSGI_MASTER_FIFO', f'{run}/fifo'),
        Variable('UWSGI_STATS', f'{run}/stats'),
        Variable('UWSGI_IGNORE_SIGPIPE', 'true', (
            'a journal that has gone away ends no worker: uWSGI would log each SIGPIPE,',
            'into the same pipe')),
        Variable('UWSGI_HOOK_MASTER_START', 'unix_signal:15 gracefully_kill_them_all', (
            'on SIGTERM the requests in flight end first',)),
    )


def _unset(record: Record) -> tuple[str, ...]:
    """The descriptor has come already, and a second look for it would fail; but an address in CONF
    is found among what systemd hands over.
    """
    said = (host.read(record.conf) or '') if record.conf else ''
    if 'http-socket' in conf.parse(said):
        return ()
    return ('LISTEN_FDS', 'LISTEN_PID', 'LISTEN_FDNAMES')
