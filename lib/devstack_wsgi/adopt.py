"""Services that DevStack's own functions declare.

A service comes in two calls that know each other by CONF alone:

    write_uwsgi_config CONF ...                   record, CONF and site
    write_uwsgi_user_unit_file ... --ini CONF     its units

In between the caller may edit CONF and add to the site. What our formats cannot carry, and
DevStack's own function can, is left to that function (LeftToStock), and the second call for the
same CONF as well.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
from typing import Iterable, Iterator, Optional

from devstack_wsgi import catalogue, conf, declare, fields, host, paths, plan, servers, text, units
from devstack_wsgi.fronts import front
from devstack_wsgi.plan import Fresh
from devstack_wsgi.record import Draft, Record
from devstack_wsgi.refused import LeftToStock, Refused
from devstack_wsgi.registry import Registry

# the keys of CONF that DevStack's own functions write
_STOCK = re.compile(
    'module|wsgi-file|processes|master|die-on-term|plugins|exit-on-reload|worker-reload-mercy'
    '|enable-threads|thunder-lock|hook-master-start|buffer-size|add-header|lazy-apps|start-time'
    '|socket|chmod-socket|socket-timeout|http|http-.*')
_URL = re.compile(r'https?://[A-Za-z0-9._:/[-]+\]?[A-Za-z0-9._:/-]*')
# the CONFs that are left to DevStack, one a line, until the next boot
NOTE = f'{paths.RUN}/.left'
# what makes the folder of DevStack's sockets, at a boot as well
TMPFILES = paths.LINKS_MADE_BY[0]
# what the calls say themselves; the catalogue's is another's
_SAID = ('app', 'script', 'path', 'listen', 'env', 'arg', 'venv', 'chdir', 'user', 'group')


@dataclasses.dataclass(frozen=True)
class Config:
    """The first call.

    application: MODULE:CALLABLE, or the path of a script
    url:     behind the front; '' for one that has only an address
    site:    the front's site, or ''
    program: uWSGI's
    address: HOST:PORT that it has itself; 'at HOST:PORT': where the front speaks to it in HTTP;
             'local HOST': there, on some port; '': a unix socket
    tls:     yes: the front itself is the client of a request that came in TLS
    """

    conf: str
    application: str
    url: str
    site: str
    program: str
    address: str
    tls: str = 'no'

    @property
    def path(self) -> str:
        return re.sub('/$', '', self.url)


    @property
    def who(self) -> str:
        """The function that was called."""
        local = 'local_' if self.address.startswith('local ') else ''
        return f"write_{local}uwsgi_{'http_' if local else ''}config {self.conf}"


def config(registry: Registry, call: Config) -> tuple[Record, Fresh]:
    """Declare what the first call says. Raises Refused, or LeftToStock."""
    with _left_if_refused(call.who):
        fields.refuse('', 'CONF', 'conf', call.conf)
        if call.site:
            fields.refuse('', 'site', 'site', call.site)
    name, site = _names(registry, call)
    present = registry.records.get(name)
    if present and not present.adopted:
        raise Refused('', f"{name} is deployed already, and not by DevStack's functions",
                      f"'wsgi remove {name}' first, or WSGI_TAKE_OVER=False in local.conf")
    draft = _known(name)
    if present:
        _keep(draft, present)
    draft.default('command', call.program)
    draft.default('user', os.environ.get('STACK_USER', ''))
    draft['conf'] = call.conf
    draft['site'] = site
    draft['script' if call.application.startswith('/') else 'app'] = call.application
    draft['path'] = call.path
    with _left_if_refused(call.who):
        draft['listen'] = _address(registry, call.address, name, present)
    if draft['listen']:
        # an address speaks HTTP, whatever the catalogue says
        draft.drop('transport')
    draft['tls-proxy'] = call.tls or (present.tls_proxy if present else '') or 'no'
    for field in ('unit', 'key'):
        draft.default(field, name)
    draft.origin.update(conf='CONF', path='URL', listen='HTTP')
    return _admit(registry, draft, call.who), Fresh(call.url or '-')


@contextlib.contextmanager
def _left_if_refused(who: str) -> Iterator[None]:
    """Do what may refuse a value that DevStack's own function takes."""
    try:
        yield
    except Refused as refusal:
        raise LeftToStock(f"{who}: {refusal}: left to DevStack's own function") from None


def _admit(registry: Registry, draft: Draft, who: str) -> Record:
    """Check what a caller says, as a whole, and keep it. What the user's toggles ask for and cannot
    have, and a server that is not there, ends the run.
    """
    declare.take_toggles(draft, set())
    declare.limit(draft)
    mode = draft['mode'] or servers.DEFAULT
    if mode in servers.known():
        venv = draft['venv'] if os.path.isfile(f"{draft['venv']}/pyvenv.cfg") else ''
        servers.get(mode).check(Record(draft['name'], mode=mode, venv=venv,
                                       command=draft['command'].partition(' ')[0]))
    with _left_if_refused(who):
        plan.refuse_foreign_links(draft['name'], draft['conf'])
        return declare.admit(registry, draft)


def _names(registry: Registry, call: Config) -> tuple[str, str]:
    """The record's name, and the front's site, of what the caller names by its CONF, and perhaps
    by the site.
    """
    known = registry.name_of_conf(call.conf)
    word = call.site or catalogue.find_application(call.application) or ''
    if not word:
        # neutron.wsgi.api:application, /usr/bin/ironic-inspector-api-wsgi
        word = os.path.basename(call.application)
        if not call.application.startswith('/'):
            word = re.split('[.:]', word)[0] + '-api'
        word = fields.as_name(word)
    if known:
        return known, call.site or registry.records[known].site
    return _free_name(registry, word), call.site or word


def _free_name(registry: Registry, site: str) -> str:
    """The name of the record of a site: the catalogue's, else made of the site's. Another caller's
    may have come first.
    """
    entry = catalogue.find(site)
    name = entry or fields.as_name(site)
    # Foo_HTTP is not the foo-http that somebody deployed, nor what the catalogue knows by that name
    other = not entry and name != site
    number = 2 if other and catalogue.find(name) else 1
    while True:
        candidate = name if number == 1 else f'{name[:45]}-{number}'
        taken = registry.records.get(candidate)
        if not taken or taken.site == site or not (other or taken.by):
            return candidate
        number += 1


def _known(name: str) -> Draft:
    """What the catalogue knows of a service, but for what DevStack says itself."""
    draft = catalogue.entry(name) if name in catalogue.names() else Draft()
    draft.drop(*_SAID)
    draft['name'] = name
    draft['by'] = 'devstack'
    return draft


def _keep(draft: Draft, present: Record) -> None:
    """Take over what the second call has said."""
    kept = Draft(present)
    for field in ('unit', 'key', 'command', 'user', 'group', 'venv', 'port', 'secret'):
        if field in kept:
            draft[field] = kept[field]
    for field in ('env', 'arg'):
        for value in kept.all(field):
            draft.append(field, value)


def _address(registry: Registry, said: str, name: str, present: Optional[Record]) -> str:
    """HOST:PORT, in brackets where it is IPv6; '' for a unix socket."""
    kind, _, where = said.rpartition(' ')
    if kind == 'local':
        if present and present.listen.startswith(f'{where}:'):
            return present.listen
        return f'{where}:{registry.free_port(name)}'
    hostname, colon, port = where.rpartition(':')
    if ':' in hostname and not hostname.startswith('['):
        hostname = f'[{hostname}]'
    return hostname + colon + port


@dataclasses.dataclass(frozen=True)
class Unit:
    """The second call.

    unit:        devstack@KEY.service
    environment: as Environment= of a unit has it; path is another variable
    """

    unit: str
    command: str
    group: str
    user: str
    environment: str
    path: str

    @property
    def key(self) -> str:
        return re.sub(r'^devstack@|\.service$', '', self.unit)

    @property
    def who(self) -> str:
        """The function that was called."""
        return f'write_uwsgi_user_unit_file {self.unit}'


def unit(registry: Registry, call: Unit) -> tuple[Record, Optional[Fresh]]:
    """Declare how a service is started, and what its unit is called.

    Also declares one that DevStack's own functions wrote, since or before there was a plugin; then
    Fresh says what else of CONF and the site is to stay. Raises LeftToStock.
    """
    with _left_if_refused(call.who):
        environment = _environment(call)
    options = options_of(call.command)
    fresh = None
    if whose(registry, options['conf']) == 'stock':
        fresh = _written(registry, options['conf'], options['program'])
    name = registry.name_of_conf(options['conf'])
    draft = Draft(registry.records[name])
    draft.drop('venv', 'arg', 'env', 'group', 'hardening')
    draft['venv'] = options['venv']
    # uWSGI cuts them at spaces
    for argument in options['arguments'].split():
        draft.append('arg', argument)
    for variable in environment:
        draft.add('env', variable)
    draft['command'] = text.CONTROL.sub(' ', call.command).rstrip()
    draft['user'] = call.user or os.environ.get('STACK_USER', '')
    draft['group'] = call.group
    draft['unit'] = call.key
    known = catalogue.entry(name) if name in catalogue.names() else Draft()
    # the catalogue's is another for Keystone alone
    draft['key'] = known['key'] and draft['key'] or call.key
    for field in ('no-threads', 'hardening'):
        if field in known:
            draft[field] = known[field]
    return _admit(registry, draft, call.who), fresh


def refuse_second_unit(registry: Registry, call: Unit) -> None:
    """Raise LeftToStock for a unit whose CONF another one has, which a boot starts. DevStack
    disables a unit that another takes the place of.
    """
    name = registry.name_of_conf(options_of(call.command)['conf'])
    record = registry.records.get(name)
    if record and ' ' in record.command and record.unit != call.key \
            and host.is_link(units.links(record)[0]):
        raise LeftToStock(f"{call.who}: {record.conf} is devstack@{record.unit}.service's already:"
                          " left to DevStack's own function")


def options_of(command: str) -> dict[str, str]:
    """The program, CONF, the venv and the arguments that a command of uWSGI's names."""
    words, _ = text.split(command)
    found = {'program': words[0] if words else '', 'conf': '', 'venv': '', 'arguments': ''}
    names = {'--ini': 'conf', '--venv': 'venv', '--virtualenv': 'venv', '--home': 'venv',
             '-H': 'venv', '--pyargv': 'arguments'}
    for number, word in enumerate(words[1:], 2):
        option, equals, value = word.partition('=')
        if word in names:
            found[names[word]] = words[number] if number < len(words) else ''
        elif equals and option in names and option not in ('-H', '--pyargv'):
            found[names[option]] = value
    return found


def _environment(call: Unit) -> list[str]:
    """The variables of the second call, each checked, as is all else that it says in words."""
    if not re.fullmatch(r'devstack@.*\.service', call.unit) or fields.advice('unit', call.key):
        raise Refused('', f"unit '{call.unit}'", 'write devstack@KEY.service', ': ')
    if text.words(call.command) is None:
        raise Refused('', f'a quote is open in: {call.command}')
    said = text.words(call.environment)
    if said is None:
        raise Refused('', f'a quote is open in the environment: {call.environment}')
    # a variable of its own first, so that it is kept beside the others
    variables = [f'PATH={call.path}', *said]
    for variable in variables:
        fields.refuse('', 'environment', 'env', variable)
    return variables


def whose(registry: Registry, path: str) -> str:
    """Who wrote a CONF: 'ours' for a service that DevStack declared, 'stock' for DevStack's own
    functions, 'no' for somebody else, in which case nobody declared it.
    """
    said = (host.read(path) or '') if path else ''
    if not said.startswith('# written by lib/') \
            and {'exit-on-reload', 'hook-master-start'} <= set(conf.parse(said)):
        return 'stock'
    # the copy of one of ours is not ours
    name = registry.name_of_conf(path)
    return 'ours' if name and registry.records[name].adopted else 'no'


def _written(registry: Registry, path: str, program: str) -> Fresh:
    """Declare a service from the CONF and the site that DevStack's own functions wrote. What a
    caller added to them stays. Raises LeftToStock where no site goes with CONF.
    """
    first = {key: values[0] for key, values in conf.parse(host.read(path) or '').items()}
    site = url = added = ''
    address = first.get('http-socket', '')
    if 'http' in first:
        address = first['http']
    else:
        site, url, added = front().find(
            f'http://{address}' if address else first.get('socket', ''))
        if not url:
            raise LeftToStock()
        address = f'at {address}' if address else ''
    _, fresh = config(registry, Config(
        path, first.get('module') or first.get('wsgi-file', ''), url, site, program, address, ''))
    kept = ''.join(f'{key} = {value}\n' for key, value in first.items()
                   if not _STOCK.fullmatch(key))
    return dataclasses.replace(fresh, conf=kept, site=_not_ours(registry, site, added))


def _not_ours(registry: Registry, site: str, lines: str) -> str:
    """Lines of a site but for those that we wrote: DevStack's own functions append to ours."""
    owner = next((name for name, record in registry.records.items() if record.site == site), '')
    ours = host.read(paths.applied(owner, front().site_path(site))) if owner else ''
    wrote = set((ours or '').split('\n')) - {''}
    return ''.join(line for line in lines.splitlines(keepends=True)
                   if line.rstrip('\n') not in wrote)


def left() -> list[str]:
    """The CONFs that are left to DevStack."""
    return [line for line in (host.read(NOTE) or '').split('\n') if line]


def note_path(path: str) -> str:
    """A CONF as a line of the note, whatever it holds."""
    return repr(path)


def stock_units() -> list[Unit]:
    """The units on the disk that start uWSGI with a CONF, as calls."""
    found = []
    for name in host.listdir(paths.UNITS):
        if not (name.startswith('devstack@') and name.endswith('.service')):
            continue
        said: dict[str, list[str]] = {}
        for line in (host.read(f'{paths.UNITS}/{name}') or '').split('\n'):
            setting = re.match(r'([A-Za-z]+) *= *(.*)', line)
            if setting:
                said.setdefault(setting.group(1), []).append(setting.group(2).replace('%%', '%'))
        last = {key: values[-1] for key, values in said.items()}
        command = last.get('ExecStart', '').replace('$$', '$')
        if re.search('uwsgi .*--ini', command):
            found.append(Unit(name, command, last.get('Group', ''), last.get('User', ''),
                              ' '.join(said.get('Environment', [])), os.environ.get('PATH', '')))
    return found


def proxy_text(name: str, url: str, path: str) -> str:
    """The site of a call of write_local_proxy_http_config."""
    with _left_if_refused(f'write_local_proxy_http_config {name}'):
        fields.refuse('', 'site', 'site', name)
        fields.refuse('', 'path', 'path', path)
        if not _URL.fullmatch(url):
            raise Refused('', f"'{url}'", 'write a URL (http://127.0.0.1:8080)', ': ')
    return front().proxy(name, url, path)


def calls(registry: Registry, names: Iterable[str]) -> Iterator[str]:
    """What DevStack's own functions need to have services as they are, the words of a line with the
    character US between them:

        service CONF APPLICATION URL HTTP SITE UNIT COMMAND GROUP USER ENVIRONMENT
        set     CONF KEY VALUE    for each key that a caller edited

    HTTP is HOST:PORT; with a URL as well, the front speaks to it there.
    """
    for name in names:
        record = registry.records[name]
        environment = ' '.join(text.unit_word(each) for each in record.env)
        yield '\x1f'.join(('service', record.conf, record.app or record.script, record.path,
                           record.listen, record.site, record.unit, record.command, record.group,
                           record.user, environment))
        base, now = host.read(paths.applied(name, record.conf)), host.read(record.conf)
        if base is None or now is None:
            continue
        before, after = conf.parse(base), conf.parse(now)
        for key in conf.changed(before, after):
            if key in after and not _STOCK.fullmatch(key):
                yield '\x1f'.join(('set', record.conf, key, after[key][0]))


def check_local_conf(enabled: str) -> None:
    """Raises Refused for what is wrong among the toggles of local.conf.

    enabled: ENABLED_SERVICES
    """
    words = {*re.split('[, ]+', enabled), *catalogue.all_words()} - {''}
    known = {fields.as_toggle(each) for word in words for each in (word, fields.as_name(word))}
    for variable, field, service, value in _toggles():
        advice = fields.advice(field, value)
        if advice:
            raise Refused('local.conf', f'{variable}={value}', advice, ': ')
        if service and service not in known:
            raise Refused('local.conf', f'{variable}: no such service',
                          f"known are {' '.join(sorted(known))}")


def wanted_modes() -> list[str]:
    """The servers that local.conf asks for."""
    return list(dict.fromkeys(value for _, field, _, value in _toggles() if field == 'mode'))


def _toggles() -> Iterable[tuple[str, str, str, str]]:
    """The toggles that are set: variable, field, service ('' for all), value. WSGI_MODE itself is
    DevStack's, and there is no WSGI_TRANSPORT.
    """
    for variable, value in os.environ.items():
        found = re.fullmatch(
            'WSGI_(?:(MODE|TRANSPORT)_(.+)|(PROCESSES|THREADS|HARDENING|IN_FLIGHT)(?:_(.+))?)',
            variable)
        if value and variable == 'DEVSTACK_WSGI_MODE':
            yield variable, 'mode', '', value
        elif value and found:
            field, service = found.group(1) or found.group(3), found.group(2) or found.group(4)
            yield variable, field.lower().replace('_', '-'), service or '', value
