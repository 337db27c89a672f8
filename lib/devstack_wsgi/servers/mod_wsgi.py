"""mod_wsgi: an httpd for each service.

The httpd runs as the service's user on a port of its own, and asks for a secret that only the front
and forward.py know. It takes no descriptor of systemd's, so the socket's connections come through
forward.py: those of --listen, and those that the front sends there while the httpd restarts.
"""

from __future__ import annotations

import functools
import glob
import re
from typing import Sequence

from devstack_wsgi import fields, host, paths, servers, template, text, venv
from devstack_wsgi.fronts import front, share
from devstack_wsgi.record import Record
from devstack_wsgi.refused import Refused
from devstack_wsgi.servers import IDLE, MERCY, PYTHON, Facts, File, Server

# Options of WSGIDaemonProcess that --set may name; the others are set by options of 'wsgi deploy',
# or a promise of the library rests on them.
# https://modwsgi.readthedocs.io/en/4.9.4/configuration-directives/WSGIDaemonProcess.html
SETTINGS = (
    'umask', 'lang', 'locale', 'stack-size', 'maximum-requests', 'inactivity-timeout',
    'request-timeout', 'deadlock-timeout', 'startup-timeout', 'restart-interval',
    'graceful-timeout', 'eviction-timeout', 'connect-timeout', 'socket-timeout',
    'queue-timeout', 'listen-backlog', 'send-buffer-size', 'receive-buffer-size',
    'header-buffer-size', 'response-buffer-size', 'response-socket-timeout',
    'cpu-time-limit', 'cpu-priority', 'memory-limit', 'virtual-memory-limit',
)
# What uWSGI calls otherwise, and what it has to be told and this has not: a body is never read
# ahead of the application here.
OF_UWSGI = {'harakiri': 'request-timeout', 'max-requests': 'maximum-requests',
            'listen': 'listen-backlog', 'post-buffering': '', 'buffer-size': '',
            'thunder-lock': ''}
# what an edit of CONF may say besides; 'wsgi deploy' has options for these
OF_CONF = {'processes': 'processes', 'workers': 'processes', 'threads': 'threads',
           'chdir': 'home', 'chdir2': 'home', 'venv': 'python-home', 'virtualenv': 'python-home',
           'home': 'python-home', 'pythonpath': 'python-path'}
_FORMS = {'lang': ('[A-Za-z0-9._-]+', 'a locale'), 'locale': ('[A-Za-z0-9._-]+', 'a locale'),
          'umask': ('[0-7]{1,4}', 'an octal number (022)')}
# what DevStack's command says to uWSGI and adopt.py has put into the record
_SAID = ('--ini', '--venv', '--virtualenv', '--home', '-H', '--pyargv', '--procname-prefix',
         '--procname-prefix-spaced')


class ModWsgi(Server):
    name = 'mod_wsgi'
    script_suffix = 'wsgi'
    own_port = True
    packages = {'dpkg': ('apache2', 'libapache2-mod-wsgi-py3'),
                'rpm': ('httpd', 'python3-mod_wsgi')}

    def check(self, record: Record) -> None:
        module, pythons = _module(record.venv)
        if not module or not host.is_program(_httpd()[0]):
            raise Refused(record.name, 'mod_wsgi is not installed',
                          f"install {' '.join(self.packages[front().packaging])},"
                          ' or mod_wsgi from PyPI into the venv')
        venv.refuse_other_python(
            record, pythons, f"{module} is for {' '.join(pythons) or 'none'}", 'mod_wsgi')
        if record.user == 'root':
            raise Refused(record.name, 'mod_wsgi runs no application as root',
                          f'give --user USER, or --mode {servers.DEFAULT}')
        _check_command(record)
        for setting in record.set:
            _check_setting(record.name, *setting.partition('=')[::2])

    def settings(self) -> Sequence[str]:
        return SETTINGS

    def describe(self, record: Record) -> Facts:
        conf, facts = paths.config(record), paths.facts(record)
        helper = f"{PYTHON} {paths.helper('mod_wsgi-control')}"
        idle = f' {IDLE}' if record.demanded else ''
        # a socket for what comes through the front while the httpd restarts
        waits = record.path and not record.bypassed
        unix = (paths.socket(record),) if waits else ()
        return Facts(
            files=(File('config', _config(record)), File('script', _script(record)),
                   File('facts', _facts(record)),
                   File('helper:mod_wsgi-control', template.read('mod_wsgi/control.py')),
                   File('helper:service.py', template.read('helpers/service.py')),
                   *servers.runtime(self.name),
                   File('helper:conf.py', template.module('conf')),
                   File('helper:mod_wsgi-forward', template.read('mod_wsgi/forward.py'))),
            command=f'{_httpd()[0]} -f {conf} -DFOREGROUND',
            replaces=True,
            prepare=f'{helper} settle --ini {record.conf} --defaults {paths.defaults(record)}'
                    f' --facts {facts}' if record.conf else '',
            ready=f'{helper} ready --facts {facts} \\\n    --path {record.path}{record.check}',
            stop=f'{helper} stop --facts {facts}',
            stop_as_root=True,
            reload=_reload(record, helper),
            listens=unix + ((record.listen,) if record.listen else ()),
            forwarder=f"{PYTHON} {paths.helper('mod_wsgi-forward')} {facts}{idle}",
            idles=record.demanded,
            protocol='http',
            # on demand every request passes the forwarder, which notices when none comes
            address=paths.socket(record) if record.demanded else f'127.0.0.1:{record.port}',
            standby='' if record.demanded or not waits else paths.socket(record),
            secret=record.secret,
        )


def _httpd() -> tuple[str, str]:
    """The httpd, and the folder of its modules."""
    if front().packaging == 'rpm':
        return '/usr/sbin/httpd', '/usr/lib64/httpd/modules'
    return '/usr/sbin/apache2', '/usr/lib/apache2/modules'


@functools.lru_cache(None)
def _module(folder: str) -> tuple[str, tuple[str, ...]]:
    """The module, and the Pythons that it is built for: the one from PyPI that the venv has, else
    the distribution's; '' without one.
    """
    if folder:
        for file in sorted(glob.glob(
                f'{glob.escape(folder)}/lib*/python3*/site-packages/mod_wsgi/server/*.so')):
            built = re.search(r'/mod_wsgi-py(3)([0-9]+)\.[^/]*$', file)
            if built:
                return file, (f'{built.group(1)}.{built.group(2)}',)
    modules = _httpd()[1]
    for name in ('mod_wsgi.so', 'mod_wsgi_python3.so'):
        if not host.exists(f'{modules}/{name}'):
            continue
        # Debian has one file for each Python, and a link to the default
        pythons = [each.partition('.so-')[2] for each in host.listdir(modules)
                   if each.startswith(f'{name}-3')]
        if not pythons:
            _, said = host.ask('/usr/bin/python3', '-c',
                               'import sys; print("%d.%d" % sys.version_info[:2])')
            pythons = said.split()
        return f'{modules}/{name}', tuple(pythons)
    return '', ()


def _check_command(record: Record) -> None:
    """Refuse what DevStack's command says to uWSGI and mod_wsgi cannot be told."""
    said = iter((text.words(record.command) or [])[1:])
    for word in said:
        if word in _SAID:
            next(said, '')
        elif word.partition('=')[0] not in _SAID or '=' not in word:
            key = record.key or record.name
            raise Refused(key, f"DevStack starts it with '{word}', which {record.mode} cannot be"
                          ' told', f'put it under {servers.DEFAULT}, with'
                          f' WSGI_MODE_{fields.as_toggle(key)}={servers.DEFAULT}')


def _check_setting(name: str, key: str, value: str) -> None:
    if key not in OF_UWSGI and key not in SETTINGS:
        raise Refused(name, f'--set {key}: under mod_wsgi it sets options of WSGIDaemonProcess:'
                      f" {' '.join(SETTINGS)}", f"of uWSGI's are known {' '.join(OF_UWSGI)}")
    form, what = _FORMS.get(key, ('[0-9]+', 'a number'))
    if not re.fullmatch(form, value):
        raise Refused(name, f'--set {key}={value}', f'write {what}', ': ')


def _daemon(record: Record) -> str:
    """The options of WSGIDaemonProcess."""
    options: dict[str, str] = {
        'processes': record.processes, 'threads': record.threads,
        'home': record.chdir or '/', 'python-home': record.venv,
        'python-path': ':'.join(record.python_path), 'shutdown-timeout': str(MERCY),
        **_bound(record), 'socket-timeout': '600',
        # as much of a head as the front passes on
        'header-buffer-size': '65535', 'lang': 'C.UTF-8',
        'locale': 'C.UTF-8'}
    for setting in record.set:
        key, _, value = setting.partition('=')
        if OF_UWSGI.get(key, key):
            options[OF_UWSGI.get(key, key)] = value
    # what has hung gets no mercy beyond the time that it has anyway
    hang = int(options.get('request-timeout', 0))
    if 0 < hang <= MERCY:
        options['shutdown-timeout'] = str(hang)
    return ' '.join(f'{key}={value}' for key, value in options.items() if value)


def _quiet(record: Record) -> str:
    """Which requests get an access line here, as the httpd's expression: those that forward.py
    takes, but for health checks, of the record's own path by whoever, and the library's probe.
    """
    direct = "req_novary('X-Devstack-Wsgi-Direct') == 'yes'"
    others = f'%{{REQUEST_URI}} !~ m#{servers.health_checks(record)}#'
    # the front page is everybody's: only our own probe is left out
    return (f"{direct} && (req_novary('User-Agent') != 'devstack-wsgi-ready' || {others})"
            if record.check == '/' else f'{direct} && {others}')


def _config(record: Record) -> str:
    run = paths.run(record)
    return template.fill(
        'mod_wsgi/httpd.conf.in', name=record.name, run=run, modules=_httpd()[1],
        module=_module(record.venv)[0], port=record.port, secret=record.secret,
        quiet=_quiet(record), threads=str(_threads(record)), listen=record.listen,
        daemon=_daemon(record),
        script=paths.script(record),
        # what CONF says otherwise than when it was written
        caller=run if record.conf else '')


def _threads(record: Record) -> int:
    """Of the httpd: one for each request that it may hold, and some to refuse others; each needs
    two of the 1024 files that systemd lets it open.
    """
    most = share(record)[0] + int(record.processes) * int(record.threads)
    return min(max(192, most + 32), 480)


def _bound(record: Record) -> dict[str, str]:
    """How many requests wait for the daemon processes; another one gets 503 at once, since each
    that the httpd lets wait has a thread of the front too.
    """
    most = share(record)[0]
    if not most:
        return {'listen-backlog': '1024', 'connect-timeout': '300'}
    return {'listen-backlog': str(most), 'connect-timeout': '0'}


def _facts(record: Record) -> str:
    """What the helpers have to know of the service, for conf.py to read."""
    words = {key: option for key, option in {**OF_CONF, **OF_UWSGI}.items() if option}
    return (f"# written by lib/devstack_wsgi for {record.name}; change it with 'wsgi deploy"
            f" {record.name} ...'\nport={record.port}\nsecret={record.secret}\n"
            f"daemon={_daemon(record)}\n"
            f"words={' '.join(f'{key}={option}' for key, option in words.items())}\n")


def _script(record: Record) -> str:
    return servers.script(
        ModWsgi.name, 'mod_wsgi/application.wsgi.in', record, paths.HELPERS,
        run=paths.run(record), argv='\n'.join(f"        '{each}'," for each in record.arg))


def _reload(record: Record, helper: str) -> str:
    python = f'{record.venv}/bin/python3' if record.venv else '/usr/bin/python3'
    where = ''.join(f'--python-path {folder} ' for folder in record.python_path)
    return (f'{helper} reload --python {python} \\\n    --script {paths.script(record)}'
            f" {where}--cwd {record.chdir or '/'}")
