"""What lib/devstack and devstack/ ask: DevStack's calls as plans, and what they need to know."""

from __future__ import annotations

import os
from typing import Callable, Iterable, Sequence

from devstack_wsgi import adopt, declare, host, paths, plan, servers, steps, units
from devstack_wsgi.fronts import front
from devstack_wsgi.manifest import Manifest, Staged
from devstack_wsgi.plan import Files, Fresh, Planned
from devstack_wsgi.record import Record
from devstack_wsgi.refused import LeftToStock, Refused
from devstack_wsgi.registry import Registry, load

Words = Sequence[str]


def adopt_config(words: Words) -> Manifest:
    call = adopt.Config(*words)
    registry = load()
    try:
        record, fresh = adopt.config(registry, call)
    except LeftToStock as left:
        raise LeftToStock(str(left), _drop(registry, call.conf)) from None
    done, _ = steps.apply(registry, [record.name], fresh=fresh, later=True,
                          halting=_with_changed_units)
    _note(done.manifest, call.conf, False)
    done.manifest.step('say', f'wsgi: {record.name}: {done.done()}')
    return done.manifest


def _with_changed_units(files: Files) -> list[str]:
    """The services whose units change: DevStack starts them again."""
    return [file.owner for file in files.values() if file.changed and units.of_path(file.path)]


def _note(manifest: Manifest, conf: str, is_left: bool) -> None:
    """Note that a CONF is left to DevStack, or that it is not."""
    line, noted = adopt.note_path(conf), adopt.left()
    if (line in noted) == is_left:
        return
    kept = [each for each in noted if each != line] + [line] * is_left
    manifest.folder(paths.RUN)
    if kept:
        manifest.write(Staged(adopt.NOTE, ''.join(f'{each}\n' for each in kept)))
    else:
        manifest.step('remove', adopt.NOTE)


def _drop(registry: Registry, conf: str) -> Manifest:
    """Forget a service whose CONF is left to DevStack. What DevStack's own function has written
    over ours stays.
    """
    name = registry.name_of_conf(conf)
    if name and registry.records[name].adopted:
        stock = adopt.whose(registry, conf) == 'stock'
        stay = (conf, front().site_path(registry.records[name].site)) if stock else ()
        manifest = steps.removal(registry, [name], stay=stay)
    else:
        manifest = Manifest()
        manifest.phase()
    _note(manifest, conf, True)
    return manifest


def adopt_unit(words: Words) -> Manifest:
    registry = load()
    manifest, name, message = _unit(registry, adopt.Unit(*words))
    # DevStack's own functions restart the front, so it runs afterwards
    steps.start_front(manifest, [registry.records[name]])
    manifest.step('say', message)
    return manifest


def _unit(registry: Registry, call: adopt.Unit) -> tuple[Manifest, str, str]:
    """The steps of the second call, the service, and what was done in words."""
    conf = adopt.options_of(call.command)['conf']
    owner = adopt.whose(registry, conf)
    if owner == 'no' or adopt.note_path(conf) in adopt.left():
        raise LeftToStock()
    adopt.refuse_second_unit(registry, call)
    before = registry.copy()
    try:
        record, fresh = adopt.unit(registry, call)
    except LeftToStock as left:
        if owner == 'ours':
            # CONF and the site have to be DevStack's own, too
            raise LeftToStock(str(left), status=4) from None
        raise LeftToStock(str(left), _drop(before, conf)) from None
    told = f'{paths.run(record)}.told'

    def differing(files: Files) -> list[str]:
        """Stop a service whose files changed since DevStack's previous call: the start that follows
        would not restart it. One without a unit never ran.
        """
        same = host.read(told) == _told(files)
        return [] if same or not host.exists(paths.unit(record)) else [record.name]

    done, files = steps.apply(registry, [record.name], fresh=fresh, halting=differing)
    if host.read(told) != _told(files):
        # it may hold a secret of the service's server
        done.manifest.folder(os.path.dirname(told))
        done.manifest.write(Staged(told, _told(files)))
    return done.manifest, record.name, (
        f'wsgi: {record.name}: devstack@{record.unit}.service: {done.done()}')


def _told(files: Files) -> str:
    return ''.join(f'{file.path}\n{file.final}' for file in files.values()
                   if file.kind not in ('record', 'site', 'helper'))


def adopt_remove(words: Words) -> Manifest:
    conf, = words
    registry = load()
    name = registry.name_of_conf(conf)
    if name and registry.records[name].adopted:
        manifest = steps.removal(registry, [name], also=[conf])
        _note(manifest, conf, False)
        return manifest
    manifest = Manifest()
    manifest.phase()
    _note(manifest, conf, False)
    raise LeftToStock('', manifest)


def adopt_drop(words: Words) -> Manifest:
    """Forget the service of a command, which adopt_lines has given back.

    words: the command that names its CONF
    """
    return _drop(load(), adopt.options_of(words[0])['conf'])


def adopt_proxy(words: Words) -> Manifest:
    name, url, path = words
    registry = load()
    where = front().site_path(name)
    try:
        text = adopt.proxy_text(name, url, path)
    except LeftToStock as left:
        # what we had written there is no longer ours
        manifest = Manifest()
        manifest.phase()
        note = paths.applied(plan.PROXIES, where)
        manifest.each('remove', [note] if host.exists(note) else [])
        raise LeftToStock(str(left), manifest) from None
    files = {paths.of_applied(each): each for each in host.listdir(
        f'{paths.APPLIED}/{plan.PROXIES}')}
    planned = {path: Planned(path, plan.PROXIES, 'site',
                             host.read(f'{paths.APPLIED}/{plan.PROXIES}/{each}') or '')
               for path, each in files.items()}
    planned[where] = Planned(where, plan.PROXIES, 'site', text)
    for file in planned.values():
        plan.compare(file, registry, Fresh(path))
    done = steps.Steps()
    done.bring(steps.Change(registry, [], planned, later=True, proxies=True))
    done.manifest.step('say', f'wsgi: {name}: {done.done()}')
    return done.manifest


def adopt_settle(_: Words) -> Manifest:
    """The front reads what earlier calls have written."""
    if not host.exists(paths.LATER):
        return Manifest()
    registry = load()
    done = steps.Steps()
    done.bring(steps.Change(registry, [], {}))
    steps.start_front(done.manifest, list(registry.records.values()))
    done.manifest.step('say', f'wsgi: {front().title} has read what was written')
    return done.manifest


def adopt_stop(_: Words) -> Manifest:
    """Stop every service until it is started by its name: a boot does not."""
    records = list(load().records.values())
    manifest = steps.direct()
    steps.stop(manifest, records)
    manifest.each('disable', [units.started(record) for record in records
                              if host.exists(f'{paths.UNITS}/{units.started(record)}')])
    return manifest


def adopt_release(_: Words) -> Manifest:
    """Give back what was taken over from DevStack."""
    registry = load()
    manifest = Manifest()
    if registry.adopted():
        manifest = steps.removal(registry, registry.adopted())
    manifest.each('remove', [path for path in (adopt.NOTE, *_limits()) if host.exists(path)])
    return manifest


def adopt_clean(_: Words) -> Manifest:
    """Remove everything."""
    registry = load()
    manifest = steps.removal(registry, list(registry.records))
    manifest.each('remove', [path for path in (adopt.NOTE, adopt.TMPFILES, *_limits())
                             if host.exists(path)])
    return manifest


def adopt_begin(_: Words) -> Manifest:
    """Check that the servers that local.conf asks for are installed, and make the folder in which
    DevStack's own function lets services make their sockets: nobody may call that function, and
    plugins rely on the folder. The front is DevStack's, so its limits are set here.
    """
    for mode in adopt.wanted_modes():
        servers.get(mode).check(Record('local.conf'))
    line = f"d /var/run/uwsgi 0755 {os.environ.get('STACK_USER', '')} root\n"
    manifest = Manifest()
    if host.read(adopt.TMPFILES) != line:
        manifest.phase()
        manifest.folder(os.path.dirname(adopt.TMPFILES))
        manifest.write(Staged(adopt.TMPFILES, line, 0o644))
        manifest.step('tmpfiles', adopt.TMPFILES)
    path, text = front().limits()
    wanted = os.environ.get('WSGI_FRONT_LIMITS', 'True') == 'True'
    if wanted and host.read(path) != text or not wanted and _limits():
        manifest.phase()
        if wanted:
            manifest.write(Staged(path, text, 0o644))
        else:
            manifest.step('remove', path)
        # a reload would not do for the number of threads
        manifest.step('front', 'restart')
    return manifest


def _limits() -> list[str]:
    """The file of the front's limits, where it is ours."""
    path, text = front().limits()
    said = host.read(path) or ''
    return [path] if said.split('\n')[0] == text.split('\n')[0] else []


def adopt_next(words: Words) -> Manifest:
    """Adopt one unit that DevStack's own functions wrote, and start it.

    words: the number of the unit on the disk, from adopt_units
    """
    registry = load()
    manifest, name, message = _unit(registry, adopt.stock_units()[int(words[0])])
    unit = units.main_units(registry.records[name])[0]
    manifest.step('enable', unit)
    manifest.step('start', unit)
    manifest.step('say', message)
    return manifest


def adopt_units(_: Words) -> Iterable[str]:
    return map(str, range(len(adopt.stock_units())))


def adopt_list(_: Words) -> Iterable[str]:
    registry = load()
    return adopt.calls(registry, registry.adopted())


def adopt_lines(words: Words) -> Iterable[str]:
    """The same for the one service whose CONF a command names."""
    registry = load()
    name = registry.name_of_conf(adopt.options_of(words[0])['conf'])
    if not name or not registry.records[name].adopted:
        raise Refused('', f"no service of DevStack's is started by: {words[0]}")
    return adopt.calls(registry, [name])


def adopt_prepare(words: Words) -> Iterable[str]:
    """Check what local.conf says; the packages of the servers that it asks for.

    words: ENABLED_SERVICES; 'ovn' where Neutron is to use it, else ''
    """
    adopt.check_local_conf(words[0])
    if words[1:] == ['ovn']:
        mode, variable = declare.toggle(('neutron-api', 'q-svc'), 'WSGI_MODE',
                                        ('DEVSTACK_WSGI_MODE',))
        able = [each for each in servers.known() if servers.get(each).numbers_workers]
        if mode and mode not in able:
            raise Refused('local.conf', f'{variable}={mode}: Neutron with OVN hears of its ports'
                          f" under {' and '.join(able)} alone",
                          f'add WSGI_MODE_q_svc={able[0]}, or set Q_AGENT=openvswitch')
    return [package for mode in adopt.wanted_modes()
            for package in servers.get(mode).packages[front().packaging]]


PLANS: dict[str, Callable[[Words], Manifest]] = {
    each.__name__: each for each in (
        adopt_config, adopt_unit, adopt_remove, adopt_drop, adopt_proxy, adopt_settle,
        adopt_stop, adopt_release, adopt_clean, adopt_begin, adopt_next)}
LINES: dict[str, Callable[[Words], Iterable[str]]] = {
    each.__name__: each for each in (adopt_units, adopt_list, adopt_lines, adopt_prepare)}
