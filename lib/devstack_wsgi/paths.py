"""Every path that the library owns but the front's (fronts/), from a kind and a record.

They are the running system's, wherever they are written: host.py puts WSGI_SYSROOT before them.
"""

from __future__ import annotations

from devstack_wsgi import servers
from devstack_wsgi.record import Record

ETC = '/etc/devstack-wsgi'
VAR = '/var/lib/devstack-wsgi'
RUN = '/run/devstack-wsgi'
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


def defaults(of: Record) -> str:
    """CONF as it was written, under a server that does not read it."""
    return f'{ETC}/{of.mode}/{of.name}.defaults'


def unit(of: Record) -> str:
    return f'{UNITS}/devstack@{of.unit}.service'


def dropin(of: Record) -> str:
    return f'{UNITS}/devstack@{of.unit}.service.d/50-wsgi.conf'


def socket_unit(of: Record) -> str:
    return f'{UNITS}/devstack@{of.unit}.socket'


def forward_unit(of: Record) -> str:
    return f'{UNITS}/devstack@{of.unit}.forward.service'


def site_dir(of: Record) -> str:
    """What a person or another plugin adds to the site."""
    return f'{ETC}/site.d/{of.site}'


def socket(of: Record) -> str:
    return f'{RUN}/{of.site}.socket'


def socket_link(of: Record) -> str:
    return f'{LINKS}/{of.site}.socket'


def run(of: Record) -> str:
    """The service's runtime folder; beside it lie RUN.crashes and RUN.told."""
    return f'{RUN}/{of.unit}'


def stats(of: Record) -> str:
    return f'{run(of)}/stats'


def helper(name: str) -> str:
    """A program that units call."""
    return f'{VAR}/helpers/{name}'


def applied(owner: str, path: str) -> str:
    """What was written to a path last."""
    return f'{APPLIED}/{owner}/' + path.replace('/', '%2F')


def of_applied(name: str) -> str:
    """The path that a file of applied/OWNER/ tells of."""
    return name.replace('%2F', '/')
