"""The verbs: what lib/verbs asks the engine, and what it gets.

    plan FOLDER VERB ARGUMENT...    a manifest, written below FOLDER; its steps are printed where
                                    that is '-', or where they change no file
    VERB ARGUMENT...                text for a person

Exit status: 0; 1 refused, 2 wrong usage, with one line on standard error; 3 DevStack's own function
has to answer the call.
"""

from __future__ import annotations

import functools
import os
import re
import sys
import time
from typing import Callable, Iterable, Optional, Sequence

from devstack_wsgi import (
    calls,
    catalogue,
    declare,
    doors,
    fields,
    host,
    interrupted,
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
from devstack_wsgi.manifest import Manifest
from devstack_wsgi.record import Draft, Record
from devstack_wsgi.refused import LeftToStock, Misuse, Refused
from devstack_wsgi.registry import Registry, choose_port, load, normalize

Words = Sequence[str]
Lines = Iterable[str]


def main(words: Words) -> int:
    """Answer one call; returns the exit status."""
    try:
        if words[0] == 'plan' and words[2:] and words[2] in PLANS:
            _plan(words[1], PLANS[words[2]](words[3:]))
            return 0
        if words[0] not in ANSWERS:
            raise _no_verb(words[0])
        for line in ANSWERS[words[0]](words[1:]):
            print(line)
        return 0
    except LeftToStock as left:
        if str(left):
            print(f'[WARNING] wsgi: {text.printable(str(left))}', file=sys.stderr)
        if isinstance(left.before, Manifest):
            _plan(words[1], left.before)
        return left.status
    except Refused as refusal:
        _complain(refusal)
        return refusal.status


def _plan(folder: str, manifest: Manifest) -> None:
    if folder != '-' and manifest:
        manifest.save(folder)
        return
    for line in manifest.lines:
        if folder == '-' or not line.startswith(('phase ', 'verify ')):
            print(line)


def _no_verb(word: str) -> Misuse:
    return Misuse('', f"no verb '{word}'; known are: {' '.join(manual.verbs())}")


def _complain(refusal: Refused) -> None:
    print(f'[ERROR] wsgi: {text.printable(str(refusal))}', file=sys.stderr)


def _named(verb: str, words: Words, registry: Registry) -> list[str]:
    """The services that words name; all without a word."""
    for word in words:
        if word.startswith('-'):
            raise Misuse('', f"unknown option '{word}'", verb)
    return registry.find(words)


def _some(verb: str, words: Words, registry: Registry) -> list[str]:
    """The same, where a verb wants a word."""
    if not words:
        raise Misuse(verb, 'name a service, or --all', verb)
    return _named(verb, [] if list(words) == ['--all'] else words, registry)


def _records(verb: str, words: Words) -> list[Record]:
    registry = load()
    return [registry.records[name] for name in _some(verb, words, registry)]


def _number(verb: str, option: str, value: str, what: str, most: int) -> str:
    """The value of an option that counts: from 1 to most."""
    if not re.fullmatch('[1-9][0-9]{0,6}', value) or int(value) > most:
        raise Misuse(verb, f"{option} '{value}': give {what}, 1 to {most}", verb)
    return value


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
    return _bring(registry, names, registry)


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
    for name in steps.serving(registry, waiting):
        say.step('say', f"wsgi: {name} runs; 'wsgi restart {name}' brings it in")
    return say


def _switching(words: Words) -> tuple[Registry, str, list[str], list[str]]:
    """The records, the mode, the services that a switch is for, and those that it changes."""
    if not words or words[0].startswith('-'):
        raise Misuse('switch', 'name a server', 'switch')
    mode = words[0]
    fields.refuse('', 'switch: mode', 'mode', mode)
    registry = load()
    names = _named('switch', words[1:], registry)
    changing = [name for name in names if registry.records[name].mode != mode]
    for name in changing:
        servers.get(mode).check(_under(registry, name, mode))
    return registry, mode, names, changing


def _under(registry: Registry, name: str, mode: str) -> Record:
    """The record of a service under another server."""
    draft = Draft(registry.records[name])
    draft['mode'] = mode
    normalize(draft)
    choose_port(draft, registry)
    return draft.record()


def batches(words: Words) -> Lines:
    """The services that a switch changes, as many in a line as change in one run."""
    registry, _, names, changing = _switching(words)
    over = steps.serving(registry, changing)
    rest = [name for name in changing if name not in over]
    if names and not changing:
        print(f"wsgi: {' '.join(names)}: nothing to change", file=sys.stderr)
    return [' '.join(batch) for batch in (rest, *steps.batches(registry, over)) if batch]


def again(words: Words) -> Lines:
    """What to do about services that could not be switched together: a line with those that are
    given up, then one for each run that tries the others.

    words: the services, in one word; then the units that failed
    """
    names, failed, registry = words[0].split(), set(words[1:]), load()
    bad = [name for name in names if not names[1:] or failed.intersection(
        (*units.main_units(registry.records[name]), units.beside(registry.records[name])))]
    rest = [name for name in names if name not in bad]
    # it is not known which: each alone
    return [' '.join(bad), *([' '.join(rest)] if bad and rest else rest)]


def switch(words: Words) -> Manifest:
    old, mode, _, changing = _switching(words)
    registry = old.copy()
    for name in changing:
        registry.put(_under(old, name, mode))
    done, _ = steps.apply(registry, changing, old)
    say = done.manifest
    say.step('say', f"wsgi: {' '.join(changing)}: under {mode} now")
    say.phase_kept()
    _wait(say, [registry.records[name] for name in done.restarted])
    return say


def remove(words: Words) -> Manifest:
    """Unlike other verbs it takes a name that is not there."""
    registry = load()
    known = [word for word in words if word.startswith('-') or registry.name_of(word)]
    names = _some('remove', known, registry) if known or not words else []
    return steps.removal(registry, names)


def release(_: Words) -> Manifest:
    """What is left to remove where no service is."""
    return Manifest() if load().records else steps.release()


def _wait(manifest: Manifest, records: Sequence[Record], seconds: str = '60') -> None:
    for record in records:
        # the front may not run yet
        where = record.check if record.path else front().addresses([record])[0] + record.check
        manifest.step('wait', where, seconds, record.name)


def _operation(act: Callable[[Manifest, Sequence[Record]], None]) -> Callable[[Words], Manifest]:
    """The plan of a verb that acts on services and is not undone."""
    @functools.wraps(act)
    def planned(words: Words) -> Manifest:
        records = _records(act.__name__, words)
        manifest = steps.direct()
        if records:
            act(manifest, records)
        return manifest
    return planned


@_operation
def start(manifest: Manifest, records: Sequence[Record]) -> None:
    manifest.step('say', f"wsgi: starting {' '.join(record.name for record in records)}")
    steps.start_front(manifest, records)
    wanted = [units.started(record) for record in records]
    manifest.step('enable', *wanted)
    # a socket that gave up takes no start without it
    manifest.step('forget', *(unit for each in records for unit in units.main_units(each)))
    manifest.few('start', wanted)
    _wait(manifest, records)


def stop(words: Words) -> Manifest:
    records = _records('stop', [word for word in words if word != '--now'])
    manifest = steps.direct()
    steps.stop(manifest, records, 'stop_now' if '--now' in words else 'stop')
    return manifest


@_operation
def restart(manifest: Manifest, records: Sequence[Record]) -> None:
    manifest.step('say', f"wsgi: restarting {' '.join(record.name for record in records)}")
    steps.start_front(manifest, records)
    _renew(manifest, 'restart', records)
    _wait(manifest, records)


@_operation
def reload(manifest: Manifest, records: Sequence[Record]) -> None:
    _renew(manifest, 'reload', records)


def _renew(manifest: Manifest, verb: str, records: Sequence[Record]) -> None:
    services = [units.main_units(record)[0] for record in records]
    # somebody may have edited one
    stale = host.units(services, 'NeedDaemonReload')
    if any(said.get('NeedDaemonReload') == 'yes' for said in stale.values()):
        manifest.step('systemd', 'reload')
    manifest.few(verb, services)


def wait(words: Words) -> Manifest:
    names, seconds = [], '60'
    rest = iter(words)
    for word in rest:
        if word == '--timeout':
            seconds = _number('wait', word, next(rest, ''), 'seconds', 3600)
        else:
            names.append(word)
    manifest = steps.direct()
    _wait(manifest, _records('wait', names), seconds)
    return manifest


# ---- answers

def show_status(words: Words) -> Lines:
    registry = load()
    names = _named('status', [word for word in words if word != '--json'], registry)
    rows = status.rows(registry, names)
    return [status.as_json(rows) if '--json' in words else status.table(rows)]


def log(words: Words) -> Lines:
    names, follow, lines = [], [], '100'
    rest = iter(words)
    for word in rest:
        if word in ('-f', '--follow'):
            follow = ['--follow']
        elif word == '--lines':
            lines = _number('log', word, next(rest, ''), 'a number', 1000000)
        else:
            names.append(word)
    of = [unit for record in _records('log', names)
          for unit in (*units.main_units(record), os.path.basename(paths.forward_unit(record)))]
    return host.become('journalctl', '--no-hostname', f'--lines={lines}', *follow,
                       *(f'--unit={unit}' for unit in of))


def check(words: Words) -> Lines:
    registry = load()
    lines, faults = status.check(registry, _named('check', words, registry))
    yield from lines
    for fault in faults[:-1]:
        _complain(fault)
    if faults:
        raise faults[-1]


def show(words: Words) -> Lines:
    registry = load()
    names = _some('show', [word for word in words if word != '--diff'], registry)
    files = plan.wanted(registry, names)
    return status.show_diff(registry, names, files) if '--diff' in words else status.show(files)


def failed(words: Words) -> Lines:
    """Report on standard error why units did not do what they were asked.

    words: what they did not do, then those of them that are asked about
    """
    for line in status.failures(load(), words[1:], words[0]):
        print(text.printable(line) if line.startswith('[ERROR]') else line, file=sys.stderr)
    return ()


def ready(words: Words) -> Lines:
    """Those of services of which a worker says that it is ready."""
    records = _records('ready', words)
    said = doors.ask([paths.doors(record) for record in records])
    return [record.name for record, answers in zip(records, said)
            if any(answer.get('ready') for answer in answers)]


def where(words: Words) -> Lines:
    """The URL of a service behind the front, which may need a moment to have its site.

    words: the service, and how many seconds it has at most
    """
    record = _records('where', words[:1])[0]
    limit = time.monotonic() + min(10, int(words[1]))
    while True:
        url, said = front().find_address(record)
        if url:
            return [url]
        if time.monotonic() > limit:
            raise Refused(record.name, f"no address of {front().title}'s has its site"
                          f" ({', '.join(said)})",
                          'if it answers elsewhere, say where: WSGI_FRONT=http://ADDRESS')
        time.sleep(0.2)


def drain(words: Words) -> Lines:
    """Wait until workers have answered what came before; words: folders with their doors."""
    doors.drain(words)
    return ()


def known_servers(_: Words) -> Lines:
    """A line for each server, the default first: its name, and what the front may speak to it."""
    return [' '.join((name, *servers.get(name).transports)) for name in servers.modes()]


def help_of(words: Words) -> Lines:
    if words and words[0] not in manual.verbs():
        raise _no_verb(words[0])
    return manual.of(words[0]) if words else manual.overview()


PLANS: dict[str, Callable[[Words], Manifest]] = {
    **{each.__name__: each for each in (
        deploy, apply, switch, remove, release, start, stop, restart, reload, wait)},
    'interrupted': lambda _: interrupted.finish(), **calls.PLANS}
ANSWERS: dict[str, Callable[[Words], Lines]] = {
    'status': show_status, 'help': help_of, 'servers': known_servers, 'batches': batches,
    'again': again, 'log': log, 'check': check, 'show': show, 'failed': failed, 'ready': ready,
    'where': where, 'drain': drain,
    'catalog': lambda _: catalogue.names(),
    'completion': lambda words: [manual.completion(words[0]).rstrip('\n')],
    **calls.LINES}
