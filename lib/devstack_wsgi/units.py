"""The text of units and sockets, from a record and what its server states."""

from __future__ import annotations

import os

from devstack_wsgi import paths, template, text
from devstack_wsgi.fronts import front
from devstack_wsgi.record import Record
from devstack_wsgi.servers import Facts, File


def files(record: Record, facts: Facts) -> list[File]:
    """The main unit, its drop-in, the sockets and the helper that they call.

    None while DevStack has not said what the unit is called (adopt.py).
    """
    if record.adopted and ' ' not in record.command:
        return []
    found = [File('unit', _service(record, facts))]
    if facts.listens:
        found.append(File('socket-unit', _socket(record, facts)))
    if facts.forwarder:
        found.append(File('forward-unit', _forward(record, facts)))
    found += [File('dropin', _dropin(record, facts)),
              File('helper:after-stop', template.read('unit/after-stop')),
              File('helper:waiting.py', template.read('helpers/waiting.py'))]
    return found


def main_units(record: Record) -> tuple[str, str]:
    """The service and its socket."""
    return f'devstack@{record.unit}.service', f'devstack@{record.unit}.socket'


def beside(record: Record) -> str:
    """The service that stands in for it while it goes over to another server."""
    return f'devstack@{record.unit}.switch.service'


def started(record: Record) -> str:
    """The unit that a person starts: the socket of a service on demand."""
    return main_units(record)[record.demanded]


def links(record: Record) -> tuple[str, str]:
    """The link that 'systemctl enable' makes of the unit that is started, and the one that the
    service has when it is (or is not) on demand.
    """
    service = f'{paths.UNITS}/multi-user.target.wants/devstack@{record.unit}.service'
    socket = f'{paths.UNITS}/sockets.target.wants/devstack@{record.unit}.socket'
    return (socket, service) if record.demanded else (service, socket)


def of_path(path: str) -> str:
    """The unit that a file below /etc/systemd/system belongs to; '' for another file."""
    if not path.startswith(f'{paths.UNITS}/'):
        return ''
    first = path[len(paths.UNITS) + 1:].split('/')[0]
    if first.endswith('.wants'):
        return os.path.basename(path)
    return first[:-2] if first.endswith('.d') else first


def _service(record: Record, facts: Facts) -> str:
    return template.fill(
        'unit/service.conf', name=record.name, unit=record.unit, user=record.user,
        group=record.group, boot='' if record.demanded else 'yes',
        # DevStack's, which a drop-in replaces where the server is another than it says
        command=text.unit_command(record.command) if ' ' in record.command else facts.command,
        environment='\n'.join(f'Environment={text.unit_word(each)}'
                              # the machine's may have no character beyond ASCII
                              for each in ('LANG=C.UTF-8', *record.env)))


def _dropin(record: Record, facts: Facts) -> str:
    restart = 'on-failure' if record.demanded else 'always'
    run = paths.run(record)
    variables = []
    for each in facts.variables:
        variables += [f'# {line}' for line in each.why]
        word = f'{each.name}={each.value}'
        variables.append(f"Environment={text.unit_word(word) if ' ' in word else word}")
    return template.fill(
        'unit/wsgi.conf', name=record.name, unit=record.unit,
        socket_unit=main_units(record)[1] if facts.listens else '',
        idles='yes' if facts.idles else '',
        runtime=run[len('/run/'):], variables='\n'.join(variables),
        unset=' '.join(facts.unset), command=facts.command if facts.replaces else '',
        prepare=facts.prepare, ready=facts.ready,
        stop=('+' if facts.stop_as_root else '') + facts.stop, reload=facts.reload,
        restart=restart, helper=paths.helper('after-stop'), hardening=_sandbox(record.hardening))


def _sandbox(level: str) -> str:
    """The lines of a sandbox, none for 'off'."""
    return '' if level == 'off' else template.read(f'unit/hardening-{level}.conf').rstrip('\n')


def _socket(record: Record, facts: Facts) -> str:
    address, *also = facts.listens
    marks = {'name': record.name, 'address': address, 'demand': 'yes' if record.demanded else '',
             'forward': os.path.basename(paths.forward_unit(record)) if facts.forwarder else ''}
    if not address.startswith('/'):
        return template.fill('unit/socket-tcp.conf', **marks)
    link = paths.socket_link(record)
    return template.fill('unit/socket-unix.conf', **marks, also=''.join(also),
                         tcp='yes' if also and not also[0].startswith('/') else '',
                         user=record.user, group=front().group(), socket=paths.socket(record),
                         link=link, links=os.path.dirname(link))


def _forward(record: Record, facts: Facts) -> str:
    """The unit that takes the socket's connections where the server cannot. It runs code of the
    library alone, so it is always in the strict sandbox.
    """
    service, socket = main_units(record)
    return template.fill(
        'unit/forward.service', name=record.name, socket_unit=socket, command=facts.forwarder,
        demand=service if record.demanded else '', user=record.user,
        group=record.group, hardening=_sandbox('strict'))
