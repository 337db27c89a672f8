"""The verbs: what lib/verbs asks the engine, and what it gets.

    plan FOLDER VERB ARGUMENT...    a manifest, written below FOLDER; its steps are printed where
                                    that is '-', or where they change no file
    VERB ARGUMENT...                text for a person

Exit status: 0; 1 refused, 2 wrong usage, with one line on standard error; 3 DevStack's own function
has to answer the call.
"""

from __future__ import annotations

import os
import re
import sys
from typing import Callable, Optional, Sequence

from devstack_wsgi import (
    adopt,
    catalogue,
    declare,
    fields,
    host,
    manual,
    paths,
    plan,
    servers,
    status,
    steps,
    text,
    units,
)
from devstack_wsgi.fronts import front
from devstack_wsgi.manifest import Manifest, Staged
from devstack_wsgi.plan import Files, Fresh, Planned
from devstack_wsgi.record import Record
from devstack_wsgi.refused import LeftToStock, Misuse, Refused
from devstack_wsgi.registry import Registry, load

Words = Sequence[str]


def main(words: Words) -> int:
    """Answer one call; returns the exit status."""
    try:
        if words[0] == 'plan' and words[2:] and words[2] in PLANS:
            _plan(words[1], PLANS[words[2]](words[3:]))
            return 0
        if words[0] not in ANSWERS:
            known = ' '.join(manual.verbs())
            raise Misuse('', f"no verb '{words[0]}'; known are: {known}")
        return ANSWERS[words[0]](words[1:])
    except LeftToStock as left:
        if str(left):
            print(f'[WARNING] wsgi: {text.printable(str(left))}', file=sys.stderr)
        return left.status
    except Refused as refusal:
        _complain(refusal)
        return refusal.status


def _plan(folder: str, manifest: Manifest) -> None:
    if folder == '-':
        sys.stdout.write(''.join(f'{line}\n' for line in manifest.lines))
    elif manifest:
        manifest.save(folder)
    else:
        for line in manifest.lines:
            if not line.startswith(('phase ', 'verify ')):
                print(line)


def _complain(refusal: Refused) -> None:
    print(f'[ERROR] wsgi: {text.printable(str(refusal))}', file=sys.stderr)


def _some(verb: str, words: Words, registry: Registry) -> list[str]:
    """The services that a verb is for, where it wants at least one word."""
    if not words:
        raise Misuse(verb, 'name a service, or --all', verb)
    return _named(verb, [] if list(words) == ['--all'] else words, registry)


def _named(verb: str, words: Words, registry: Registry) -> list[str]:
    _no_options(verb, words)
    return registry.find(words)


def _no_options(verb: str, words: Words) -> None:
    for word in words:
        if word.startswith('-'):
            raise Misuse('', f"unknown option '{word}'", verb)


# ---- plans

def deploy(words: Words) -> Manifest:
    number = next((at for at, word in enumerate(words) if word.startswith('-')), len(words))
    names, options = words[:number], words[number:]
    if not names:
        raise Misuse('deploy', 'name a service', 'deploy')
    old = load()
    registry = old.copy()
    declared = [declare.declare(registry, name, options).name for name in names]
    return _bring(registry, declared, old)


def apply(words: Words) -> Manifest:
    registry = load()
    names = _named('apply', words, registry)
    for name in names:
        # of records that were written or edited by hand
        if host.read(paths.applied(name, paths.record(name))) != registry.text(name):
            declare.check_system(registry.records[name])
    return _bring(registry, names)


def _bring(registry: Registry, names: Sequence[str], old: Optional[Registry] = None) -> Manifest:
    done, files = steps.apply(registry, names, old)
    say = done.manifest
    moved = [name for name in names if old and name in old
             and old.records[name].mode != registry.records[name].mode]
    for name in moved:
        say.step('say', f'wsgi: {name}: under {registry.records[name].mode} now')
    say.step('say', f"wsgi: {' '.join(names) or 'no service'}: {done.done()}")
    for file in files.values():
        if file.edits:
            say.step('say', f'wsgi: {file.owner}: edits by hand in {file.path} are kept')
    touched = {file.owner for file in files.values()
               if file.changed and file.kind not in ('record', 'site')}
    waiting = [name for name in names if name in touched and name not in done.restarted]
    active = steps.running(units.main_units(registry.records[name])[0] for name in waiting)
    for name in waiting:
        if units.main_units(registry.records[name])[0] in active:
            say.step('say', f"wsgi: {name} runs; 'wsgi restart {name}' brings it in")
    return say


def _switching(words: Words) -> tuple[Registry, str, list[str], list[str]]:
    """The records, the mode, the services that a switch is for, and those that it changes."""
    if not words or words[0].startswith('-'):
        raise Misuse('switch', 'name a server', 'switch')
    mode = words[0]
    advice = fields.advice('mode', mode)
    if advice:
        raise Refused('', f"switch: mode '{mode}'", advice, ': ')
    registry = load()
    names = _named('switch', words[1:], registry)
    changing = [name for name in names if registry.records[name].mode != mode]
    for name in changing:
        servers.get(mode).check(_under(registry, name, mode))
    return registry, mode, names, changing


def _under(registry: Registry, name: str, mode: str) -> Record:
    from devstack_wsgi.record import Draft
    from devstack_wsgi.registry import choose_port, normalize
    draft = Draft(registry.records[name])
    draft['mode'] = mode
    normalize(draft)
    choose_port(draft, registry)
    return draft.record()


def batches(words: Words) -> int:
    """Print the services that a switch changes, as many in a line as change in one run."""
    registry, _, names, changing = _switching(words)
    active = steps.running(units.main_units(registry.records[name])[0] for name in changing)
    over = [name for name in changing if units.main_units(registry.records[name])[0] in active]
    rest = [name for name in changing if name not in over]
    for batch in [rest] + [over[at:at + steps.BATCH] for at in range(0, len(over), steps.BATCH)]:
        if batch:
            print(*batch)
    if names and not changing:
        print(f"wsgi: {' '.join(names)}: nothing to change", file=sys.stderr)
    return 0


def switch(words: Words) -> Manifest:
    old, mode, _, changing = _switching(words)
    registry = old.copy()
    for name in changing:
        registry.put(_under(old, name, mode))
    done, _ = steps.apply(registry, changing, old)
    say = done.manifest
    say.step('say', f"wsgi: {' '.join(changing)}: under {mode} now")
    say.phase_kept()
    for name in done.restarted:
        say.step('wait', front().address(registry.records[name])
                 + registry.records[name].check, '60', name)
    return say


def remove(words: Words) -> Manifest:
    if not words:
        raise Misuse('remove', 'name a service, or --all', 'remove')
    registry = load()
    names = list(registry.records)
    if list(words) != ['--all']:
        for word in words:
            if word.startswith('-'):
                raise Misuse('remove', f"unknown option '{word}'", 'remove')
        named = [registry.name_of(word) for word in words]
        names = [name for name in dict.fromkeys(named) if name]
    return _remove(registry, names)


def _remove(registry: Registry, names: Sequence[str], conf: str = '') -> Manifest:
    done = steps.remove(registry, names, conf)
    done.manifest.step('say', f"wsgi: removed {' '.join(names) or 'nothing'}: {done.done()}")
    return done.manifest


def release(_: Words) -> Manifest:
    """What is left to remove where no service is."""
    return Manifest() if load().records else steps.release()


def _direct() -> Manifest:
    manifest = Manifest()
    manifest.phase_kept()
    return manifest


def _front_start(manifest: Manifest, records: Sequence[Record]) -> None:
    if any(record.path for record in records) and not front().is_up():
        manifest.step('front', 'start')


def _waits(manifest: Manifest, records: Sequence[Record], seconds: str) -> None:
    for record in records:
        manifest.step('wait', front().address(record) + record.check, seconds, record.name)


def start(words: Words) -> Manifest:
    registry = load()
    records = [registry.records[name] for name in _some('start', words, registry)]
    manifest = _direct()
    if records:
        manifest.step('say', f"wsgi: starting {' '.join(record.name for record in records)}")
        _front_start(manifest, records)
        wanted = [units.started(record) for record in records]
        manifest.step('enable', *wanted)
        # a socket that gave up takes no start without it
        manifest.step('forget', *(unit for each in records for unit in units.main_units(each)))
        manifest.step('start', *wanted)
        _waits(manifest, records, '60')
    return manifest


def stop(words: Words) -> Manifest:
    registry = load()
    manifest = _direct()
    _stop(manifest, [registry.records[name] for name in _some('stop', words, registry)])
    return manifest


def _stop(manifest: Manifest, records: Sequence[Record]) -> None:
    """Stop the units that systemd knows: it has no unit by a name that was never loaded."""
    both = [unit for record in records for unit in units.main_units(record)]
    known = [unit for unit, said in host.units(both, 'LoadState').items()
             if said.get('LoadState') != 'not-found']
    manifest.each('stop', known)
    manifest.each('forget', known)


def restart(words: Words) -> Manifest:
    registry = load()
    records = [registry.records[name] for name in _some('restart', words, registry)]
    manifest = _direct()
    if records:
        manifest.step('say', f"wsgi: restarting {' '.join(record.name for record in records)}")
        _front_start(manifest, records)
        _renew(manifest, 'restart', records)
        _waits(manifest, records, '60')
    return manifest


def reload(words: Words) -> Manifest:
    registry = load()
    records = [registry.records[name] for name in _some('reload', words, registry)]
    manifest = _direct()
    if records:
        _renew(manifest, 'reload', records)
    return manifest


def _renew(manifest: Manifest, verb: str, records: Sequence[Record]) -> None:
    services = [units.main_units(record)[0] for record in records]
    # somebody may have edited one
    stale = host.units(services, 'NeedDaemonReload')
    if any(said.get('NeedDaemonReload') == 'yes' for said in stale.values()):
        manifest.step('systemd', 'reload')
    manifest.step(verb, *services)


def wait(words: Words) -> Manifest:
    names, seconds = [], '60'
    rest = iter(words)
    for word in rest:
        if word == '--timeout':
            seconds = next(rest, '')
            if not re.fullmatch('[1-9][0-9]{0,3}', seconds) or int(seconds) > 3600:
                raise Misuse('wait', f"--timeout '{seconds}': give seconds, 1 to 3600", 'wait')
        else:
            names.append(word)
    registry = load()
    manifest = _direct()
    _waits(manifest, [registry.records[name] for name in _some('wait', names, registry)], seconds)
    return manifest


# ---- DevStack's calls (lib/devstack)

def adopt_config(words: Words) -> Manifest:
    registry = load()
    record, fresh = adopt.config(registry, adopt.Config(*words))
    done, _ = steps.apply(registry, [record.name], fresh=fresh, later=True,
                          halting=_with_changed_units)
    done.manifest.step('say', f'wsgi: {record.name}: {done.done()}')
    return done.manifest


def _with_changed_units(files: Files) -> list[str]:
    """The services whose units change: DevStack starts them again."""
    return [file.owner for file in files.values() if file.changed and units.of_path(file.path)]


def adopt_unit(words: Words) -> Manifest:
    registry = load()
    manifest, name, message = _adopt_unit(registry, adopt.Unit(*words))
    # DevStack's own functions restart the front, so it runs afterwards
    _front_start(manifest, [registry.records[name]])
    manifest.step('say', message)
    return manifest


def _adopt_unit(registry: Registry, call: adopt.Unit) -> tuple[Manifest, str, str]:
    record, fresh = adopt.unit(registry, call)
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
    registry = load()
    name = registry.name_of_conf(words[0])
    if not name or not registry.records[name].adopted:
        raise LeftToStock('', '')
    return _remove(registry, [name], words[0])


def adopt_proxy(words: Words) -> Manifest:
    name, url, path = words
    registry = load()
    files: Files = {}
    for applied in host.listdir(f'{paths.APPLIED}/{plan.PROXIES}'):
        where = paths.of_applied(applied)
        files[where] = Planned(where, plan.PROXIES, 'site',
                               host.read(f'{paths.APPLIED}/{plan.PROXIES}/{applied}') or '')
    where = front().site_path(name)
    files[where] = Planned(where, plan.PROXIES, 'site', adopt.proxy_text(name, url, path))
    for file in files.values():
        plan.compare(file, registry, Fresh(path))
    done = steps.Steps()
    done.bring(steps.Change(registry, [], files, later=True, proxies=True))
    done.manifest.step('say', f'wsgi: {name}: {done.done()}')
    return done.manifest


def adopt_settle(_: Words) -> Manifest:
    """The front reads what earlier calls have written."""
    manifest = Manifest()
    if host.exists(paths.LATER):
        registry = load()
        done = steps.Steps()
        done.bring(steps.Change(registry, [], {}))
        manifest = done.manifest
        _front_start(manifest, list(registry.records.values()))
        manifest.step('say', f'wsgi: {front().title} has read what was written')
    return manifest


def adopt_stop(_: Words) -> Manifest:
    """Stop every service until it is started by its name: a boot does not."""
    records = list(load().records.values())
    manifest = _direct()
    _stop(manifest, records)
    manifest.each('disable', [units.started(record) for record in records
                              if host.exists(f'{paths.UNITS}/{units.started(record)}')])
    return manifest


def adopt_release(_: Words) -> Manifest:
    """Give back what was taken over from DevStack."""
    registry = load()
    names = registry.adopted()
    return _remove(registry, names) if names else Manifest()


def adopt_next(words: Words) -> Manifest:
    """Adopt one unit that DevStack's own functions wrote, and start it.

    words: the number of the unit on the disk, from adopt_units
    """
    registry = load()
    manifest, name, message = _adopt_unit(registry, adopt.stock_units()[int(words[0])])
    unit = units.main_units(registry.records[name])[0]
    manifest.step('enable', unit)
    manifest.step('start', unit)
    manifest.step('say', message)
    return manifest


# ---- answers

def adopt_units(_: Words) -> int:
    print(*range(len(adopt.stock_units())), sep='\n')
    return 0


def adopt_list(_: Words) -> int:
    for line in adopt.calls(load()):
        print(line)
    return 0


def adopt_prepare(words: Words) -> int:
    """Check what local.conf says; print the packages of the servers that it asks for.

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
    for mode in adopt.wanted_modes():
        print(*servers.get(mode).packages[front().packaging], sep='\n')
    return 0


def adopt_installed(_: Words) -> int:
    """Whether the servers that local.conf asks for are installed."""
    for mode in adopt.wanted_modes():
        servers.get(mode).check(Record('local.conf'))
    return 0


def show_status(words: Words) -> int:
    registry = load()
    names = _named('status', [word for word in words if word != '--json'], registry)
    rows = status.rows(registry, names)
    print(status.as_json(rows) if '--json' in words else status.table(rows))
    return 0


def check(words: Words) -> int:
    registry = load()
    lines, faults = status.check(registry, _named('check', words, registry))
    for line in lines:
        print(line)
    for fault in faults:
        _complain(fault)
    return 1 if faults else 0


def show(words: Words) -> int:
    registry = load()
    names = _some('show', [word for word in words if word != '--diff'], registry)
    files = plan.wanted(registry, names)
    sys.stdout.write(status.show_diff(registry, names, files) if '--diff' in words
                     else status.show(files))
    return 0


def failed(words: Words) -> int:
    """Print why units did not do what they were asked.

    words: what they did not do, then those of them that are asked about
    """
    for line in status.failures(load(), words[1:], words[0]):
        print(text.printable(line) if line.startswith('[ERROR]') else line, file=sys.stderr)
    return 0


def known_servers(_: Words) -> int:
    """A line for each server, the default first: its name, and what the front may speak to it."""
    for name in servers.modes():
        print(name, *servers.get(name).transports)
    return 0


def catalog(_: Words) -> int:
    print(*catalogue.names(), sep='\n')
    return 0


def completion(words: Words) -> int:
    sys.stdout.write(manual.completion(words[0]))
    return 0


def help_of(words: Words) -> int:
    if words and words[0] not in manual.verbs():
        raise Misuse('', f"no verb '{words[0]}'; known are: {' '.join(manual.verbs())}")
    sys.stdout.write(manual.of(words[0]) if words else manual.overview())
    return 0


PLANS: dict[str, Callable[[Words], Manifest]] = {
    each.__name__: each for each in (
        deploy, apply, switch, remove, release, start, stop, restart, reload, wait,
        adopt_config, adopt_unit, adopt_remove, adopt_proxy, adopt_settle, adopt_stop,
        adopt_release, adopt_next)}
ANSWERS: dict[str, Callable[[Words], int]] = {
    'status': show_status, 'help': help_of, 'servers': known_servers,
    **{each.__name__: each for each in (
        batches, check, show, failed, catalog, completion, adopt_units, adopt_list,
        adopt_prepare, adopt_installed)}}
