"""Every path that the library owns but the front's (fronts/), from a kind and a record.

They are the running system's, wherever they are written: host.py puts WSGI_SYSROOT before them.
"""

from __future__ import annotations

from typing import Callable

from devstack_wsgi import servers
from devstack_wsgi.record import Record

ETC = '/etc/devstack-wsgi'
VAR = '/var/lib/devstack-wsgi'
RUN = '/run/devstack-wsgi'
HELPERS = f'{VAR}/helpers'
UNITS = '/etc/systemd/system'
# where DevStack's callers look for sockets, and what makes it at a boot: DevStack's own functions,
# or the distribution's uWSGI
LINKS = '/run/uwsgi'
LINKS_MADE_BY = ('/etc/tmpfiles.d/uwsgi.conf', '/usr/lib/tmpfiles.d/uwsgi.conf')
SERVICES = f'{ETC}/services'
APPLIED = f'{VAR}/applied'
REMOVED = f'{VAR}/removed'
# a reload of the front that waits for another run
LATER = f'{VAR}/reload'
# the modules of the front that the library enabled
MODULES = f'{VAR}/modules'


def record(name: str) -> str:
    return f'{SERVICES}/{name}.conf'


def config(of: Record) -> str:
    """The configuration that the service's server reads."""
    server = servers.get(of.mode)
    if of.conf and server.reads_conf:
        return of.conf
    return f'{ETC}/{of.mode}/{of.name}.{server.suffix}'


def script(of: Record) -> str:
    """The module or script that makes the application what it is elsewhere."""
    return f'{ETC}/{of.mode}/{of.name}.{servers.get(of.mode).script_suffix}'


def _of(form: str) -> Callable[[Record], str]:
    """What makes a path of a record's fields."""
    return lambda record: form.format_map(vars(record))


# CONF as it was written, under a server that does not read it
defaults = _of(f'{ETC}/{{mode}}/{{name}}.defaults')
# what the helpers of the service's server have to know of it
facts = _of(f'{ETC}/{{mode}}/{{name}}.facts')
# how many requests the front has refused a moment ago (files/helpers/access.py)
refused = _of(f'{RUN}/devstack@{{unit}}.service.refused')
unit = _of(f'{UNITS}/devstack@{{unit}}.service')
dropin = _of(f'{UNITS}/devstack@{{unit}}.service.d/50-wsgi.conf')
socket_unit = _of(f'{UNITS}/devstack@{{unit}}.socket')
forward_unit = _of(f'{UNITS}/devstack@{{unit}}.forward.service')
# what a person or another plugin adds to the site
site_dir = _of(f'{ETC}/site.d/{{site}}')
socket = _of(f'{RUN}/{{site}}.socket')
# the same in HTTP, where the server has one for each protocol
http_socket = _of(f'{RUN}/{{site}}.http')
socket_link = _of(f'{LINKS}/{{site}}.socket')
# the service's runtime folder; beside it lie RUN.crashes and RUN.told
run = _of(f'{RUN}/{{unit}}')
# where its workers have their doors (files/runtime/door.py)
doors = _of(f'{RUN}/{{unit}}/alive')


def helper(name: str) -> str:
    """A program that units call."""
    return f'{HELPERS}/{name}'


def applied(owner: str, path: str) -> str:
    """What was written to a path last."""
    return f'{APPLIED}/{owner}/' + path.replace('/', '%2F')


def of_applied(name: str) -> str:
    """The path that a file of applied/OWNER/ tells of."""
    return name.replace('%2F', '/')
