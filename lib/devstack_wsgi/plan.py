"""What a run has to do: records against the disk, and the order of the steps."""

from __future__ import annotations

import dataclasses
import functools
import os
from typing import Iterable, Optional, Sequence

from devstack_wsgi import conf, host, paths, servers, units
from devstack_wsgi.fronts import front
from devstack_wsgi.record import Record
from devstack_wsgi.refused import Refused
from devstack_wsgi.registry import Registry
from devstack_wsgi.servers import Facts, File

# owners of what is no service's: helpers that all share, sites that only pass requests on
SHARED = '-'
PROXIES = '-proxy'


@dataclasses.dataclass
class Planned:
    """A file that records want, and how the disk differs.

    owner:    the service, SHARED or PROXIES
    wanted:   the services that have it
    merge:    how an edit by hand is kept: 'keys' of an ini, or appended 'lines'
    final:    the text with the edits that are kept
    edits:    a line for each edit
    changed:  '' as it should be, 'missing', 'text' or 'access'
    replaced: what is there goes to removed/
    kept:     what is there stays, whatever is wanted
    """

    path: str
    owner: str
    kind: str
    text: str
    mode: int = 0o644
    user: str = 'root'
    group: str = 'root'
    merge: str = 'lines'
    wanted: list[str] = dataclasses.field(default_factory=list)
    final: str = ''
    edits: list[str] = dataclasses.field(default_factory=list)
    changed: str = ''
    replaced: bool = False
    kept: bool = False


@dataclasses.dataclass(frozen=True)
class Fresh:
    """What DevStack writes anew at each call: CONF, and the site of a URL.

    conf, site: text that is appended: what a caller had added to what stock wrote
    """

    url: str
    conf: str = ''
    site: str = ''


Files = dict[str, Planned]


def wanted(registry: Registry, names: Iterable[str], fresh: Optional[Fresh] = None) -> Files:
    """All files of records, compared with the disk. Nothing is changed.

    Raises Refused for a file that is somebody else's, or an edit that cannot be kept.
    """
    files: Files = {}
    for name in names:
        record = registry.records[name]
        if fresh:
            # the site that is there gives way to ours
            record = dataclasses.replace(record, bypassed=False)
        facts = describe(record)
        add(files, record, facts, registry.text(name))
        if record.path:
            add_site(files, record, record, facts)
    for file in files.values():
        compare(file, registry, fresh)
    return files


@functools.lru_cache(None)
def describe(record: Record) -> Facts:
    """How a record runs under its server."""
    return servers.get(record.mode).describe(record)


def add(files: Files, record: Record, facts: Facts, text: str) -> None:
    """Plan what a service has besides its site.

    text: of its record's file; '' for a service that stands in for another
    """
    server = servers.get(record.mode)
    kinds = [File('record', text)] if text else []
    kinds += facts.files
    if record.conf and not server.reads_conf:
        # its caller edits it all the same; the server learns what was edited
        kinds += [File('conf', servers.conf_text(record)),
                  File('defaults', servers.conf_text(record))]
    for each in kinds + units.files(record, facts):
        path, planned = _place(record, each)
        files.setdefault(path, planned).wanted.append(record.name)


_PATHS = {
    'config': paths.config, 'script': paths.script, 'defaults': paths.defaults,
    'facts': paths.facts, 'unit': paths.unit, 'dropin': paths.dropin,
    'socket-unit': paths.socket_unit, 'forward-unit': paths.forward_unit,
}


def _place(record: Record, file: File) -> tuple[str, Planned]:
    """Where a file goes, and whose it is."""
    kind, _, helper = file.kind.partition(':')
    if helper:
        path = helper if helper.startswith('/') else paths.helper(helper)
        return path, Planned(path, SHARED, kind, file.text)
    path = {'record': paths.record(record.name), 'conf': record.conf}.get(kind) \
        or _PATHS[kind](record)
    planned = Planned(path, record.name, kind, file.text)
    if kind == 'record':
        planned.mode = 0o640
    elif kind in ('config', 'script', 'defaults', 'facts'):
        planned.mode, planned.group = 0o640, record.group
    if path == record.conf:
        # DevStack edits it without sudo
        planned.mode, planned.user, planned.group = 0o644, record.user, record.group
    if kind == 'config':
        planned.merge = servers.get(record.mode).merge
    elif kind == 'conf':
        planned.merge = 'keys'
    return path, planned


def add_site(files: Files, record: Record, backend: Record, facts: Facts) -> None:
    """Plan a service's site, which passes requests to a backend's server."""
    path = front().site_path(record.site)
    files[path] = Planned(path, record.name, 'site', front().site(record, backend, facts),
                          # the front reads it as root
                          0o640 if facts.secret else 0o644, wanted=[record.name])
    for each in front().helpers():
        helper, planned = _place(record, each)
        files.setdefault(helper, planned).wanted.append(record.name)


def base_of(file: Planned) -> Optional[str]:
    """What was written there last."""
    return host.read(paths.applied(file.owner, file.path))


def compare(file: Planned, registry: Registry, fresh: Optional[Fresh]) -> None:
    """Compare a planned file with the disk."""
    record = registry.records.get(file.owner)
    where = front().effective(file.path)
    is_conf = record is not None and file.path == record.conf
    file.final = file.text
    if fresh:
        file.final += fresh.conf if is_conf else fresh.site if file.kind == 'site' else ''
    if is_conf:
        refuse_foreign_links(file.owner, file.path)
    disk = host.read(where)
    if disk is None:
        file.changed = 'missing'
        return
    if disk != file.text and not _gives_way(file, disk, record, fresh):
        base = base_of(file)
        if base is not None:
            _merge(file, base, disk, record)
        elif not (_is_ours(disk) or file.text.startswith(disk) or file.kind == 'helper'):
            raise Refused(file.owner, f'{file.path} is there already and not ours',
                          'move it away, or deploy under another name')
    if file.final != disk or where != file.path:
        file.changed = 'text'
    elif not host.SYSROOT and host.access(file.path) != (file.mode, file.user, file.group):
        file.changed = 'access'


def _is_ours(text: str) -> bool:
    first, _, rest = text.partition('\n')
    return first.startswith('# written by lib/') or (
        rest.startswith('#') and ' by lib/' in rest.partition('ritten ')[2])


def _gives_way(file: Planned, disk: str, record: Optional[Record], fresh: Optional[Fresh]) -> bool:
    """Whether the file on disk may be overwritten without a merge. DevStack writes the main unit
    anew at every call, and CONF and the site of one URL during a call that says so.
    """
    if file.kind == 'unit':
        return record is not None and record.adopted
    if not fresh:
        return False
    if file.kind in ('conf', 'config'):
        return record is not None and file.path == record.conf
    return file.kind == 'site' and (base_of(file) is not None or front().serves(disk, fresh.url))


def _merge(file: Planned, base: str, disk: str, record: Optional[Record]) -> None:
    """What to write where somebody edited what we wrote."""
    if disk == base:
        return
    if file.merge == 'keys':
        file.final, file.edits = conf.merge(base, file.text, disk)
        # comments and order are no settings; they are the editor's as well
        if base == file.text:
            file.final = disk
        return
    file.edits = ['edited by hand']
    if base == file.text:
        file.final = disk
    elif disk.startswith(base):
        file.final = file.text + disk[len(base):]
    elif file.kind == 'unit':
        # DevStack writes it anew, whatever it said
        file.edits, file.replaced = [], True
    elif file.kind == 'site' and record is not None and record.adopted:
        # its caller wrote another
        file.final, file.kept = disk, True
    else:
        raise Refused(file.owner, f'{file.path} was edited by hand and has to change',
                      f"move it away and apply again ('wsgi show {file.owner} --diff')")


def refuse_foreign_links(name: str, path: str) -> None:
    """CONF is where its owner may write, and root reads and writes it: refuse a link on the way to
    it that is neither root's nor the caller's.
    """
    mine = {0, os.geteuid(), int(os.environ.get('SUDO_UID') or 0)}
    # dirname leaves two slashes at the start as they are
    while path.strip('/'):
        owner = host.owner_of_link(path)
        if owner is not None and owner not in mine:
            raise Refused(name, f"{path} on the way to --conf is a link of another user's",
                          'put the file itself there')
        path = os.path.dirname(path)


def gone(registry: Registry, files: Files, owners: Iterable[str]) -> dict[str, str]:
    """Files that were written for owners and that no record wants any more: path -> owner."""
    found = {}
    for owner in owners:
        record = registry.records.get(owner)
        for name in host.listdir(f'{paths.APPLIED}/{owner}'):
            path = paths.of_applied(name)
            # CONF is the caller's own, whether this server reads it or not
            if path not in files and not (record and path == record.conf):
                found[path] = owner
        # a record that was written by hand and never applied
        path = paths.record(owner)
        if not record and owner not in (SHARED, PROXIES) and host.is_file(path):
            found[path] = owner
    return found


def orphans(registry: Registry, names: Sequence[str]) -> list[str]:
    """Services that were written and have no record any more, beside those of this run."""
    return [name for name in host.listdir(paths.APPLIED)
            if not name.startswith('-') and name not in registry and name not in names]


def shared_gone(registry: Registry) -> dict[str, str]:
    """Helpers that no service's server, and no site, calls any more."""
    files: Files = {}
    first = {record.mode: record for record in registry.records.values()}
    for record in first.values():
        add(files, record, describe(record), '')
    if first:
        # of units that DevStack may not have named yet
        for name in ('after-stop', 'waiting.py'):
            path = paths.helper(name)
            files.setdefault(path, Planned(path, SHARED, 'helper', ''))
    behind = next((each for each in registry.records.values() if each.path), None)
    if behind:
        add_site(files, behind, behind, describe(behind))
    return gone(registry, files, [SHARED])
