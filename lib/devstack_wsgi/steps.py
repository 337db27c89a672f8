"""The order of the steps: from what has to change on the disk to a manifest."""

from __future__ import annotations

import dataclasses
import os
from typing import Callable, Iterable, Optional, Sequence

from devstack_wsgi import host, paths, plan, units
from devstack_wsgi.declare import canary
from devstack_wsgi.fronts import front
from devstack_wsgi.manifest import Manifest, Staged
from devstack_wsgi.plan import Files, Fresh
from devstack_wsgi.record import Record
from devstack_wsgi.refused import Refused
from devstack_wsgi.registry import Registry

# The part of the memory left that services which have two servers at a time may take. An import
# takes more than what it leaves, and the rest of the machine goes on.
SHARE = 0.5
# one that is on its way up or down counts as running
_RUNNING = ('active', 'activating', 'reloading', 'deactivating')


@dataclasses.dataclass
class Change:
    """What one phase of a run brings.

    names:   the services whose files are planned
    files:   what they want
    gone:    files that go, with their owners
    backends: the records that the front passes requests to, where they are not those of names
    beside:  services whose requests go to another meanwhile, so they may stop and start
    halts:   services that are stopped and not started: DevStack starts them
    passing: it holds within this run only, and is not noted as written
    later:   the front's reload can wait for another run
    proxies: there are sites that only pass requests on
    """

    registry: Registry
    names: Sequence[str]
    files: Files
    gone: dict[str, str] = dataclasses.field(default_factory=dict)
    backends: Sequence[Record] = ()
    beside: Sequence[str] = ()
    halts: Sequence[str] = ()
    passing: bool = False
    later: bool = False
    proxies: bool = False

    def record(self, name: str) -> Record:
        return self.registry.records[name]


class Steps:
    """The manifest of one run, and what it did, in words for a person."""

    def __init__(self) -> None:
        self.manifest = Manifest()
        self.written = 0
        self.removed = 0
        self.systemd = False
        self.front = ''
        self.restarted: list[str] = []
        # of the front, that earlier phases enable
        self._modules: set[str] = set()

    def done(self) -> str:
        words = []
        if self.written or self.removed or self.front or self.systemd:
            words.append(f'{self.written} files written')
        if self.removed:
            words.append(f'{self.removed} removed')
        if self.systemd:
            words.append('systemd reloaded')
        if self.front:
            words.append(front().title + self.front)
        if self.restarted:
            words.append('restarted: ' + ' '.join(self.restarted))
        return ', '.join(words) or 'nothing to change'

    def bring(self, change: Change) -> None:
        """Add a phase that brings a change."""
        writes = [file for file in change.files.values() if file.changed]
        changed = [file.path for file in writes] + list(change.gone)
        links = [link for file in change.files.values() if front().site_of(file.path)
                 and not front().is_enabled(file.path)
                 for link in [front().link(file.path)] if link]
        backends = change.backends or [change.record(name) for name in change.names]
        modules = [each for each in front().modules(
            [plan.describe(each) for each in backends if each.path
             and (change.backends or not each.stands_in)], change.proxies)
            if each not in self._modules]
        self._modules.update(modules)
        sites = any(front().site_of(path) for path in changed) or bool(links or modules)
        relinked = [(new, old) for name in change.names
                    for new, old in [units.links(change.record(name))] if host.is_link(old)]
        stopped, started, kept = _moves(change)
        if not change.passing:
            self.written += len(writes)
            self.removed += len(change.gone)

        step = self.manifest
        step.phase()
        if any(units.of_path(file.path) for file in writes):
            step.step('verify', 'systemd')
        if sites:
            step.step('verify', 'front')
        self._folders(change, writes)
        _saves(step, change, writes)
        if modules:
            # noted first: a run that is interrupted here must not forget them
            noted = (host.read(paths.MODULES) or '').split()
            step.write(Staged(paths.MODULES, ''.join(
                f'{each}\n' for each in dict.fromkeys([*noted, *sorted(self._modules)])), 0o644))
            step.step('module', *modules)
        step.each('stop', stopped)
        step.each('forget', _units_gone(change))
        for file in writes:
            step.write(Staged(file.path, file.final, file.mode, f'{file.user}:{file.group}'))
        if not change.passing:
            _remember(step, change.files)
        for link, target in links:
            step.step('link', link, target)
        old = [path for path in change.gone if path.startswith(f'{paths.ETC}/')
               and change.gone[path] in kept]
        step.each('remove', _with_links(path for path in change.gone if path not in old))
        for new, other in relinked:
            step.step('remove', other)
            step.folder(os.path.dirname(new))
            step.step('link', new, f'{paths.UNITS}/{os.path.basename(new)}')
        self._reload_systemd(changed)
        self._restart(change, started, kept)
        # a service that kept running read its old files until it was restarted
        step.each('remove', old)
        self._reload_front(sites, change.later)
        _forget(step, change.gone)

    def _folders(self, change: Change, writes: Sequence[plan.Planned]) -> None:
        step = self.manifest
        for file in writes:
            step.folder(os.path.dirname(file.path))
        for name in change.names:
            record = change.record(name)
            if record.path and not record.stands_in:
                step.folder(paths.site_dir(record))
        for file in change.files.values():
            folder = f'{paths.APPLIED}/{file.owner}'
            if not change.passing and not host.is_dir(folder):
                step.folder(paths.VAR)
                step.folder(paths.APPLIED, 0o700)
                step.folder(folder, 0o700)

    def _reload_systemd(self, changed: Sequence[str]) -> None:
        """systemd reads a unit that it does not hold when somebody asks for it."""
        named = sorted({units.of_path(path) for path in changed} - {''})
        if not named:
            return
        status, said = host.ask('systemctl', 'list-units', '--all', '--full', '--plain',
                                '--no-legend', *named)
        # a mark stands before one that failed
        held = {word for line in said.splitlines() for word in line.split()[:2]}
        if status or held & set(named):
            self.manifest.step('systemd', 'reload')
            self.systemd = True

    def _restart(self, change: Change, started: Sequence[str], kept: Sequence[str]) -> None:
        records = [change.record(name) for name in started]
        wanted = [units.started(record) for record in records]
        self.manifest.each('enable', [units.started(record) for record in records
                                      if not host.is_link(units.links(record)[0])])
        self.manifest.each('forget', [unit for name in started
                                      for unit in units.main_units(change.record(name))])
        self.manifest.few('start', wanted)
        most = host.processors()
        for few in (kept[at:at + most] for at in range(0, len(kept), most)):
            forwards = [paths.forward_unit(change.record(name)) for name in few]
            # the forwarder, if there will be one, is there before the service is; one that goes
            # ends its requests first
            for verb, wants in (('start', (True, False)), ('restart', (True, True)),
                                ('stop', (False, True))):
                # one that is there knows the old port and secret
                self.manifest.each(verb, [
                    os.path.basename(path) for path in forwards
                    if (path in change.files, host.exists(path)) == wants])
            self.manifest.few('restart', [units.main_units(change.record(name))[0]
                                          for name in few])
        self.restarted += [*started, *kept]

    def _reload_front(self, sites: bool, later: bool) -> None:
        waits = host.exists(paths.LATER)
        if later and (sites or waits):
            if not waits:
                self.manifest.write(Staged(paths.LATER, ''))
            if sites:
                self.front = "'s reload waits"
        elif sites or waits:
            state = host.units([front().unit], 'ActiveState')[front().unit].get('ActiveState')
            up = state in ('active', 'reloading')
            if up:
                self.manifest.step('front', 'reload')
            if waits:
                self.manifest.step('remove', paths.LATER)
            self.front = ' reloaded' if up else ' does not run'


def running(names: Iterable[str]) -> set[str]:
    """The units of these that run."""
    return {unit for unit, said in host.units(names, 'ActiveState').items()
            if said.get('ActiveState') in _RUNNING}


def serving(registry: Registry, names: Sequence[str]) -> list[str]:
    """Those of services that run."""
    services = {name: units.main_units(registry.records[name])[0] for name in names}
    active = running(services.values())
    return [name for name, service in services.items() if service in active]


def batches(registry: Registry, names: Sequence[str]) -> list[list[str]]:
    """Services that run, in groups: as many as there is memory for a second server of each."""
    services = {name: units.main_units(registry.records[name])[0] for name in names}
    groups = host.units(services.values(), 'ControlGroup')
    room = host.memory_left() * SHARE
    found: list[list[str]] = []
    left = 0.0
    for name, service in services.items():
        size = host.memory_of(groups.get(service, {}).get('ControlGroup', ''))
        if not found or size > left:
            found.append([])
            left = room
        found[-1].append(name)
        left -= size
    return found


def _moves(change: Change) -> tuple[list[str], list[str], list[str]]:
    """Services that run and cannot go on as they are: their address, or what the front speaks to
    them, is another from now on. systemd closes a socket whose address changes at its reload.

    Returns the units to stop first, the services to start again, and those that are restarted with
    their socket kept, since their addresses stay.
    """
    moved = [name for name in change.names if name in change.beside or name in change.halts
             or _is_moved(change.record(name), change.files)]
    owners = {unit: name for name in moved for unit in units.main_units(change.record(name))}
    owners.update((os.path.basename(path), name) for path, name in change.gone.items()
                  if os.path.dirname(path) == paths.UNITS)
    active = running(sorted(owners))
    kept = [name for name in moved if name not in change.halts
            and units.main_units(change.record(name))[0] in active
            and _keeps_addresses(change.record(name), change.files)]
    stopped = sorted(unit for unit in active if owners[unit] not in kept)
    started = [name for name in change.names if name not in change.halts
               and any(owners[unit] == name for unit in stopped)]
    return stopped, started, kept


def _units_gone(change: Change) -> list[str]:
    return sorted(os.path.basename(path) for path in change.gone
                  if os.path.dirname(path) == paths.UNITS)


def _is_moved(record: Record, files: Files) -> bool:
    def text_of(path: str) -> bool:
        return path in files and files[path].changed == 'text'

    site = front().site_path(record.site)
    return text_of(paths.socket_unit(record)) or (
        text_of(site) and text_of(paths.dropin(record))
        and front().unlogged(host.read(front().effective(site)) or '')
        != front().unlogged(files[site].final))


def _keeps_addresses(record: Record, files: Files) -> bool:
    """Whether a service whose requests cannot go elsewhere meanwhile keeps its addresses: its
    socket stays, requests wait in it, and only what takes the connections changes.
    """
    path = paths.socket_unit(record)
    if record.path and not record.bypassed or path not in files:
        return False

    def listens(text: str) -> list[str]:
        return [line for line in text.split('\n') if line.startswith('ListenStream=')]

    return listens(host.read(path) or '') == listens(files[path].final)


def _with_links(gone: Iterable[str]) -> list[str]:
    """Files to remove, with the links to them first: the front fails at one that leads nowhere."""
    links, files = [], []
    for path in gone:
        link = front().link(path) if front().site_of(path) else None
        if link and host.exists(link[0]):
            links.append(link[0])
        if os.path.dirname(path) == paths.UNITS:
            links += [f'{paths.UNITS}/{folder}/{os.path.basename(path)}'
                      for folder in host.listdir(paths.UNITS) if folder.endswith('.wants')
                      and host.is_link(f'{paths.UNITS}/{folder}/{os.path.basename(path)}')]
        files.append(path)
    return links + files


def _saves(step: Manifest, change: Change, writes: Sequence[plan.Planned]) -> None:
    """Keep what somebody edited in files that go, or that are written anew."""
    going = {file.path: file.owner for file in writes if file.replaced}
    going.update(change.gone)
    for path, owner in going.items():
        base = host.read(paths.applied(owner, path))
        where = front().effective(path)
        text = host.read(where)
        if base is None or text in (None, base) or _was_adopted(owner):
            continue
        kept = _spare(f'{paths.REMOVED}/{owner}/{os.path.basename(path)}')
        step.folder(os.path.dirname(kept))
        step.step('save', where, kept)
        step.step('say', f'wsgi: {owner}: {path} had been edited; kept as {kept}')


def _was_adopted(owner: str) -> bool:
    """Whether the last applied record came from DevStack, which writes anew, and removes, whatever
    became of its files.
    """
    said = host.read(paths.applied(owner, paths.record(owner))) or ''
    return 'by=devstack' in said.split('\n')


def _spare(path: str) -> str:
    """A name beside those that were kept earlier: PATH, PATH.2 and so on."""
    number, free = 1, path
    while host.exists(free):
        number += 1
        free = f'{path}.{number}'
    return free


def _remember(step: Manifest, files: Files) -> None:
    """Note what is written, as the next run's base, and what the front had to be asked."""
    for file in files.values():
        if plan.base_of(file) != file.text:
            step.write(Staged(paths.applied(file.owner, file.path), file.text))
    asked = front().asked()
    if asked:
        step.folder(paths.VAR)
        step.write(Staged(*asked, mode=0o644))


def _forget(step: Manifest, gone: dict[str, str]) -> None:
    """Remove the notes of files that went, and the folders that may be empty now. The notes are
    last: they say what is left to remove.
    """
    folders: dict[str, None] = {}
    for path in gone:
        site = front().site_of(path)
        if site:
            folders[f'{paths.ETC}/site.d/{site}'] = None
        elif path.startswith(f'{paths.ETC}/') or os.path.dirname(path).endswith('.service.d'):
            # /etc/nova is not ours, even with nothing else in it
            folders[os.path.dirname(path)] = None
    notes = [paths.applied(owner, path) for path, owner in gone.items()]
    step.each('remove', [note for note in notes if host.exists(note)])
    if any(front().site_of(path) for path in gone):
        folders[f'{paths.ETC}/site.d'] = None
    step.each('rmdir', [*folders, *sorted({f'{paths.APPLIED}/{owner}'
                                           for owner in gone.values()})])


def apply(registry: Registry, names: Sequence[str], old: Optional[Registry] = None,
          fresh: Optional[Fresh] = None, later: bool = False,
          halting: Callable[[Files], Sequence[str]] = lambda _: ()) -> tuple[Steps, Files]:
    """Bring services to the disk.

    old:     the records as they were; a service that runs goes over while it serves if it is under
             another server there, or if the front and it cannot change one after the other
    fresh:   what one of DevStack's calls writes anew
    later:   the front's reload can wait for another run
    halting: which services are to stop, by what changes: DevStack starts them
    """
    steps = Steps()
    moving = [name for name in names if old and name in old
              and old.records[name].mode != registry.records[name].mode]
    if old:
        moving += [name for name in names if name not in moving and _parts(registry.records[name])]
    over = serving(registry, moving)
    others = [name for name in names if name not in over]
    left = plan.orphans(registry, names)
    for name in left:
        steps.manifest.step(
            'say', f'wsgi: {name} has no record any more: removing the rest')
    files = plan.wanted(registry, others, fresh)
    gone = plan.gone(registry, files, [*others, *left])
    if moving and not over or any(map(front().site_of, gone)):
        gone.update(plan.shared_gone(registry))
    steps.bring(Change(registry, others, files, gone, halts=halting(files), later=later))
    for batch in batches(registry, over):
        files.update(_go_over(steps, registry, batch))
    if over:
        steps.bring(Change(registry, [], {}, plan.shared_gone(registry)))
    return steps, files


def _parts(record: Record) -> bool:
    """Whether what a service and the front say to each other is another than it was written last:
    where the one has changed and the other not, nothing is answered.
    """
    said = host.read(paths.applied(record.name, paths.record(record.name))) or ''
    was = dict(line.partition('=')[::2] for line in said.split('\n'))
    return any(was.get(field) and was[field] != getattr(record, field)
               for field in ('path', 'port', 'secret')) and was.get('site') == record.site


def _go_over(steps: Steps, registry: Registry, names: Sequence[str]) -> Files:
    """Bring services that run to another server. The new one is started beside the old, under a
    name of its own; when it answers, the front goes over to it, the service itself is changed with
    nobody asking it, and the front goes back. Without a front, or where its site is the caller's
    own, the other only shows that it comes up; what comes while the service is changed waits in its
    socket.
    """
    work = registry.copy()
    seconds = []
    for name in names:
        seconds.append(canary(registry.records[name], work))
        work.stand_in(seconds[-1])
    own = plan.wanted(registry, names)
    files: Files = {}
    via: Files = {}
    sites: Files = {}
    for second in seconds:
        record = registry.records[second.stands_in]
        facts = plan.describe(second)
        plan.add(files, second, facts, '')
        path = front().site_path(record.site)
        if path in own and not record.bypassed:
            sites[path] = own.pop(path)
            plan.add_site(via, record, second, facts)
    for file in [*files.values(), *via.values()]:
        plan.compare(file, work, None)
        if file.kept:
            raise Refused(file.owner, f'{file.path} was edited and would ask nobody under'
                          f' {registry.records[file.owner].mode}',
                          "move it away and apply, or send requests to an 'http-socket' of CONF")
    return _phases(steps, work, seconds, files, via, own, sites)


def _phases(steps: Steps, work: Registry, seconds: Sequence[Record], files: Files, via: Files,
            own: Files, sites: Files) -> Files:
    """The phases of going over.

    files: of those that stand in; via: the sites that lead to them; own: of the services, but for
    their sites
    """
    step = steps.manifest
    names = [second.stands_in for second in seconds]
    modes = ' '.join(dict.fromkeys(second.mode for second in seconds))
    step.step('say', f"wsgi: {' '.join(names)}: starting {modes} beside")
    steps.bring(Change(work, [second.name for second in seconds], files, passing=True))
    counts = [f'{paths.run(second)}.crashes' for second in seconds]
    # one that fails is counted; undone, that goes as well
    step.step('remove', *counts)
    step.few('start', (units.main_units(second)[0] for second in seconds))
    for file in [*via.values(), *sites.values()]:
        file.changed = 'text'
    if via:
        steps.bring(Change(work, [], via, backends=seconds, passing=True))
        _drain(step, [work.records[name] for name in names])
    step.step('say', f"wsgi: {' '.join(names)}: starting {modes} in place")
    steps.bring(Change(work, names, own, plan.gone(work, {**own, **sites}, names), beside=names))
    if sites:
        steps.bring(Change(work, [], sites, backends=[work.records[name] for name in names]))
        _drain(step, seconds)
    step.phase()
    theirs = [path for path, file in files.items() if file.owner != plan.SHARED]
    step.step('stop', *(os.path.basename(path) for path in theirs
                        if os.path.dirname(path) == paths.UNITS))
    step.step('remove', *theirs, *counts)
    step.step('systemd', 'reload')
    step.each('rmdir', sorted({os.path.dirname(path) for path in theirs
                               if path.startswith((f'{paths.ETC}/', f'{paths.UNITS}/devstack@'))
                               and os.path.dirname(path) != paths.UNITS}))
    return {**own, **sites}


def _drain(step: Manifest, records: Sequence[Record]) -> None:
    """The front asks these services no more. One with an address of its own has other clients."""
    step.each('drain', [paths.doors(record) for record in records
                        if record.path and not record.bypassed and not record.listen])


def removal(registry: Registry, names: Sequence[str], also: Sequence[str] = (),
            stay: Sequence[str] = ()) -> Manifest:
    """Stop services and remove all that was written for them.

    also: further files that go; stay: files that are no longer ours
    """
    steps = Steps()
    work = registry.copy()
    runs = [paths.run(registry.records[name]) for name in names if name in registry]
    refused = [paths.refused(registry.records[name]) for name in names if name in registry]
    for name in names:
        work.drop(name)
    owners = [*names, *plan.orphans(work, names)]
    if not work.records:
        owners += [plan.SHARED, plan.PROXIES]
    gone = plan.gone(work, {}, owners)
    if work.records:
        gone.update(plan.shared_gone(work))
    notes = [paths.applied(gone.pop(path), path) for path in stay if path in gone]
    steps.bring(Change(work, [], {}, gone))
    marks = [f'{run}.{what}' for run in runs for what in ('crashes', 'told')]
    steps.manifest.each('remove', [path for path in (*notes, *marks, *refused, *also)
                                   if host.exists(path)])
    steps.manifest.step('say', f"wsgi: removed {' '.join(names) or 'nothing'}: {steps.done()}")
    return steps.manifest


def direct() -> Manifest:
    """A manifest whose steps are not undone."""
    manifest = Manifest()
    manifest.phase_kept()
    return manifest


def start_front(manifest: Manifest, records: Sequence[Record]) -> None:
    """Start the front, if one of the services is behind it."""
    if any(record.path for record in records) and not front().is_up():
        manifest.step('front', 'start')


def stop(manifest: Manifest, records: Sequence[Record], verb: str = 'stop') -> None:
    """Stop the units that systemd knows: it has no unit by a name that was never loaded.

    verb: stop or stop_now
    """
    both = [unit for record in records for unit in units.main_units(record)]
    known = [unit for unit, said in host.units(both, 'LoadState').items()
             if said.get('LoadState') != 'not-found']
    manifest.each(verb, known)
    manifest.each('forget', known)


def release() -> Manifest:
    """Give back what is left when no service is: the modules of the front that only the library
    wanted, and its own empty folders. What fails here is not undone.
    """
    step = Manifest()
    modules = (host.read(paths.MODULES) or '').split()
    if modules:
        step.step('unload', *modules)
        step.step('remove', paths.MODULES)
    kept = front().kept()
    step.each('remove', [kept] if host.exists(kept) else [])
    ours = [f'{folder}/{name}' for folder in (f'{paths.ETC}/site.d', paths.ETC, paths.APPLIED)
            for name in host.listdir(folder)]
    ours += [f'{paths.UNITS}/{name}' for name in host.listdir(paths.UNITS)
             if name.startswith('devstack@') and name.endswith('.service.d')]
    ours += [paths.ETC, paths.APPLIED, paths.HELPERS, paths.VAR, paths.RUN]
    # systemd makes it for the first link, and leaves it
    if not any(host.exists(each) for each in paths.LINKS_MADE_BY):
        ours.append(paths.LINKS)
    step.each('rmdir', [path for path in ours if host.is_dir(path)])
    return step
