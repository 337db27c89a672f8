"""All records of a machine: loading them, finding one, and what no two may share."""

from __future__ import annotations

import dataclasses
from typing import Iterable, Optional

from devstack_wsgi import conf, fields, host, paths, servers
from devstack_wsgi.fronts import front
from devstack_wsgi.record import Draft, Record, parse
from devstack_wsgi.refused import Refused

# Range of the ports that a server has behind the service's address: below the kernel's ephemeral
# range, clear of OpenStack's own.
PORTS = range(23000, 25000)


# kind and word of what a service holds
Claim = tuple[str, str]
_NAMES = ('name', 'unit', 'site', 'key')
_ALONE = (*_NAMES, 'path', 'listen', 'conf')


class Registry:
    """The records, by name. One that is loaded keeps the text of its file, comments and all."""

    def __init__(self) -> None:
        self.records: dict[str, Record] = {}
        self._texts: dict[str, str] = {}
        # what a record holds (_claims) -> the names of those that do
        self._holders: dict[Claim, set[str]] = {}

    def __contains__(self, name: str) -> bool:
        return name in self.records

    def copy(self) -> Registry:
        other = Registry()
        other.records = dict(self.records)
        other._texts = dict(self._texts)
        other._holders = {claim: set(names) for claim, names in self._holders.items()}
        return other

    def text(self, name: str) -> str:
        """The file of a record."""
        return self._texts.get(name) or self.records[name].text()

    def put(self, record: Record, text: str = '') -> None:
        """Add a record, in place of the one of its name. Raises Refused for what another holds."""
        self.refuse_shared(record)
        self.drop(record.name)
        for claim in _claims(record):
            self._holders.setdefault(claim, set()).add(record.name)
        self.records[record.name] = dataclasses.replace(record, bypassed=_is_bypassed(record))
        if text:
            self._texts[record.name] = text

    def stand_in(self, record: Record) -> None:
        """Add a record that has another's URL for a while (declare.canary)."""
        self.records[record.name] = record
        if record.port:
            self._holders.setdefault(('port', record.port), set()).add(record.name)

    def drop(self, name: str) -> None:
        record = self.records.pop(name, None)
        self._texts.pop(name, None)
        for claim in _claims(record) if record else ():
            self._holders.get(claim, set()).discard(name)

    def name_of(self, word: str) -> str:
        """The record that has a name among its four; '' without one."""
        return next(filter(None, (self._holder(kind, word) for kind in _NAMES)), '')

    def name_of_conf(self, path: str) -> str:
        """The record whose CONF a file is; '' without one."""
        return self._holder('conf', path)

    def find(self, words: Iterable[str]) -> list[str]:
        """The names of records, each once, from any of their names; all without a word."""
        names = []
        for word in words:
            name = self.name_of(word)
            if not name:
                known = ' '.join(self.records) or 'none'
                raise Refused('', f"no service '{word}'", f'deployed are: {known}')
            names.append(name)
        return list(dict.fromkeys(names)) or list(self.records)

    def adopted(self) -> list[str]:
        """The names of those that DevStack's own functions declare."""
        return [name for name, record in self.records.items() if record.adopted]

    def free_port(self, name: str, taken: str = '') -> str:
        """A port of PORTS that no service has and nobody listens on; the same name gets the same
        port wherever that is free.

        taken: a port that the service has already
        """
        begin = 0
        for letter in name.encode():
            begin = (begin * 31 + letter) % 65521
        for step in range(len(PORTS)):
            port = str(PORTS[(begin + step) % len(PORTS)])
            if port != taken and not self._holder('port', port) and not host.listens(int(port)):
                return port
        raise Refused(name, f'no port from {PORTS[0]} to {PORTS[-1]} is free')

    def refuse_shared(self, record: Record) -> None:
        """Refuse what another service holds already."""
        name = record.name
        for kind, word in _claims(record):
            owner = self._other_owner(kind, word, record) if kind in _ALONE else ''
            if owner:
                raise Refused(name, f"{'name' if kind in _NAMES else kind} {word} is {owner}'s"
                              ' already', f'choose another or remove {owner} first')
        above = (self._holder('path', each, name) for each in _parents(record.path))
        other = next(filter(None, above), '') or self._holder('below', record.path, name)
        if other:
            raise Refused(name, f"path {record.path} and {other}'s {self.records[other].path} lie"
                          ' one below the other', 'choose another')
        if record.listen:
            # an address for all covers every other, and is covered by each
            kind = 'port' if _is_for_all(record.listen) else 'every'
            other = self._holder(kind, record.listen.rpartition(':')[2], name)
            if other:
                raise Refused(name, f'listen {record.listen}: {other} has'
                              f' {self.records[other].listen}', 'choose another port')

    def _other_owner(self, kind: str, word: str, record: Record) -> str:
        """Another service that has what a record wants; '' without one."""
        # a name is one's own whatever it names; but DevStack's callers do not know what others call
        # their sites
        for each in dict.fromkeys((kind, *(_NAMES if kind in _NAMES else ()))):
            owner = self._holder(each, word, record.name)
            if owner and (each == kind or not (record.by or self.records[owner].by)):
                return owner
        return ''

    def _holder(self, kind: str, word: str, but: str = '') -> str:
        """A service that holds something, another than one; '' without one."""
        return min(self._holders.get((kind, word), set()) - {but}, default='')


def _is_bypassed(record: Record) -> bool:
    """Whether the front's site is another than what was written last, and asks the service at its
    address. Only DevStack's callers keep one.
    """
    if not (record.adopted and record.path and record.listen):
        return False
    path = front().site_path(record.site)
    ours = host.read(paths.applied(record.name, path))
    text = host.read(front().effective(path))
    return ours is not None and text is not None and not text.startswith(ours) \
        and front().asks(text, record.path, record.listen)


def _parents(path: str) -> list[str]:
    """/a and /a/b of /a/b/c."""
    parts = path.split('/')
    return ['/'.join(parts[:end]) for end in range(2, len(parts))]


def _is_for_all(address: str) -> bool:
    """Whether an address may cover others: one of IPv4 never does."""
    return address.startswith(('[', '0.0.0.0:'))


def _claims(record: Record) -> list[Claim]:
    """What a record holds: what no two services may share (_ALONE), and what tells whether two URLs
    are one below the other, or two addresses cover each other.
    """
    claims = [('name', record.name), ('site', record.site)]
    # DevStack says the others in its second call (adopt.py)
    if not record.adopted or ' ' in record.command:
        claims += [('unit', record.unit), ('key', record.key)]
    claims += [(field, value) for field, value in (
        ('path', record.path), ('listen', record.listen), ('conf', record.conf)) if value]
    claims += [('below', each) for each in _parents(record.path)]
    if record.port:
        claims += [('listen', f'127.0.0.1:{record.port}'), ('port', record.port)]
    if record.listen:
        port = record.listen.rpartition(':')[2]
        claims += [('port', port)] + [('every', port)] * _is_for_all(record.listen)
    return claims


def normalize(draft: Draft) -> None:
    """The rules that hold between fields, and the defaults that follow from them."""
    name = draft['name']
    for field in ('unit', 'site', 'key'):
        draft.default(field, name)
    draft.default('transport', servers.transports()[0])
    for field, value in (('mode', servers.DEFAULT), ('processes', '2'), ('threads', '1'),
                         ('hardening', 'standard')):
        draft.default(field, value)
    if 'app' in draft and 'script' in draft:
        raise Refused(name, '--app and --script are two ways to say one thing', 'give one')
    if 'app' not in draft and 'script' not in draft:
        raise Refused(name, 'not in the catalogue, so say what to run',
                      '--app MODULE:CALLABLE or --script FILE', ': ')
    if 'path' not in draft and 'listen' not in draft:
        raise Refused(name, 'say where it answers',
                      f'--path /URL (behind {front().title}), --listen HOST:PORT (directly) or'
                      ' both', ': ')
    if 'listen' in draft and draft['transport'] != 'http':
        raise Refused(name, f"transport '{draft['transport']}' with --listen",
                      'only http; the uwsgi protocol on TCP lets anybody run code', ': ')


def choose_port(draft: Draft, registry: Registry) -> None:
    """The port and the secret of a service whose server has an address of its own, once: they stay
    in the record.
    """
    if not servers.get(draft['mode']).own_port:
        return
    if 'secret' not in draft:
        import secrets
        draft['secret'] = secrets.token_hex(16)
    if 'port' not in draft:
        draft['port'] = registry.free_port(draft['name'], draft['listen'].rpartition(':')[2])


def load() -> Registry:
    """The records that are on the disk. Raises Refused for a file that cannot be read as one."""
    registry = Registry()
    files = [name for name in host.listdir(paths.SERVICES) if name.endswith('.conf')]
    for file in files:
        path = f'{paths.SERVICES}/{file}'
        text = host.read(path)
        if text is not None:
            draft = parse(host.real(path), text)
            _check_whole(draft, host.real(path), file[:-len('.conf')])
            registry.put(draft.record(), text)
    for name in list(registry.records):
        _complete(registry, name)
    return registry


def _check_whole(draft: Draft, path: str, name: str) -> None:
    if draft['name'] != name:
        raise Refused(path, f"says name={draft['name']}", "a record's file is called after its"
                      ' name')
    normalize(draft)
    if 'user' not in draft or 'group' not in draft:
        raise Refused(path, 'a record says user= and group=')


def address_in_conf(record_conf: str) -> Optional[str]:
    """The address that CONF names: who edited its line 'http-socket = HOST:PORT' said where the
    service is to answer, whichever server it is under.
    """
    said = conf.first(host.read(record_conf) or '', 'http-socket') if record_conf else ''
    return said if said and not fields.advice('listen', said) else None


def _complete(registry: Registry, name: str) -> None:
    """Add what a record does not say: what CONF does, and what is chosen once."""
    record = registry.records[name]
    if not record.conf and not servers.get(record.mode).own_port:
        return
    draft = Draft(record)
    before = draft.record()
    listen = address_in_conf(record.conf)
    if listen:
        draft['listen'] = listen
        draft['transport'] = 'http'
    choose_port(draft, registry)
    if draft.record() == before:
        return
    lines = registry.text(name).rstrip('\n').split('\n')
    for field in ('listen', 'transport', 'port', 'secret'):
        value = draft[field]
        # 'http' follows from the address, if it was not said
        said = [line for line in lines if line.startswith(f'{field}=')]
        if said:
            lines[lines.index(said[0])] = f'{field}={value}'
        elif value and field != 'transport':
            lines.append(f'{field}={value}')
    registry.put(draft.record(), '\n'.join(lines) + '\n')
