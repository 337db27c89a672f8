"""What runs and how it is: status, check, show, and why something failed."""

from __future__ import annotations

import dataclasses
import difflib
import json
import time
from typing import Iterable, Optional, Sequence

from devstack_wsgi import declare, doors, host, paths, plan, units
from devstack_wsgi.fronts import front
from devstack_wsgi.plan import Files
from devstack_wsgi.record import Record
from devstack_wsgi.refused import Refused
from devstack_wsgi.registry import Registry

_ROW = '{:<18} {:<9} {:<9} {:>7} {:>8} {:>9} {:>7} {:>7} {:>7} {:>7} {:>6}  {:<36} {}'
_TITLES = ('NAME', 'MODE', 'STATE', 'WORKERS', 'REQUESTS', 'IN-FLIGHT', 'REFUSED', 'LONGEST', 'P50',
           'P99', 'MEMORY', 'ADDRESS', 'DRIFT')

# seconds: as long as a note of requests that were refused counts
_RECENT = 30


@dataclasses.dataclass(frozen=True)
class Row:
    """One service. None is what is not known while nothing runs.

    requests:   that its present workers have answered
    in_flight:  requests that run, the longest for so many seconds
    refused:    requests that got 503 a moment ago, since it held as many in the front as it may
    p50_ms, p99_ms: how long the requests of the last minutes took, in its slowest worker
    memory_mib: PSS, so that what its processes share counts once
    drift:      how the files differ from what was applied
    doors:      what each worker said of itself
    """

    name: str
    mode: str
    state: str
    workers: Optional[int]
    requests: doors.Number
    in_flight: doors.Number
    refused: Optional[int]
    longest_s: doors.Number
    p50_ms: doors.Number
    p99_ms: doors.Number
    memory_mib: Optional[int]
    address: str
    drift: str
    doors: list[doors.Answer]

    def words(self) -> Iterable[str]:
        """As a table has it."""
        forms = {'longest_s': '{:.1f}s', 'p50_ms': '{:.0f}ms', 'p99_ms': '{:.0f}ms'}
        for field in dataclasses.fields(self)[:-1]:
            value = getattr(self, field.name)
            yield '-' if value is None else forms.get(field.name, '{}').format(value)


def rows(registry: Registry, names: Sequence[str]) -> list[Row]:
    records = [registry.records[name] for name in names]
    services = [units.main_units(record)[0] for record in records]
    states = host.units(services, 'ActiveState', 'ControlGroup')
    said = doors.ask([paths.doors(record) for record in records])
    drifts = drift(registry, names)
    return [_row(record, states.get(service, {}), answers, address, drifts[record.name])
            for record, service, answers, address in zip(
                records, services, said, front().addresses(records))]


def _row(record: Record, state: dict[str, str], said: list[doors.Answer], address: str,
         drifts: str) -> Row:
    def known(key: str) -> list[float]:
        return [value for value in (answer.get(key) for answer in said) if value is not None]

    def most(key: str) -> doors.Number:
        return max(known(key), default=None)

    def total(key: str) -> doors.Number:
        return sum(known(key)) if known(key) else None

    return Row(
        record.name, record.mode, state.get('ActiveState') or '-', len(said) or None,
        total('served'), total('in_flight'), _refused(record), most('longest_s'), most('p50_ms'),
        most('p99_ms'), host.memory_of(state.get('ControlGroup', '')) or None,
        address, drifts, said)


def table(found: Iterable[Row]) -> str:
    return '\n'.join(_ROW.format(*words) for words in (_TITLES, *(row.words() for row in found)))


def as_json(found: Iterable[Row]) -> str:
    lines = [json.dumps(dataclasses.asdict(row), ensure_ascii=False) for row in found]
    return '[' + ','.join(f'\n  {line}' for line in lines) + '\n]'


def _refused(record: Record) -> Optional[int]:
    """What files/helpers/access.py has noted, which it does again while it goes on."""
    if not record.path:
        return None
    file = paths.refused(record)
    return int(host.read(file) or 0) if time.time() - host.mtime(file) < _RECENT else 0


def drift(registry: Registry, names: Sequence[str]) -> dict[str, str]:
    """How the files of services differ from what was applied: 'none', 'conflict', or kinds of files
    and their fate (config:edited,site:missing).
    """
    try:
        files = plan.wanted(registry, names)
    except Refused:
        if len(names) == 1:
            return {names[0]: 'conflict'}
        # one of them has it; the others are as they are
        return {name: drift(registry, [name])[name] for name in names}
    found: dict[str, list[str]] = {name: [] for name in names}
    for file in files.values():
        fate = 'missing' if file.changed == 'missing' else 'edited' if file.edits else (
            'stale' if file.changed else '')
        for name in file.wanted if fate else ():
            found[name].append(f'{file.kind}:{fate}')
    for owner in plan.gone(registry, files, names).values():
        if 'leftover' not in found[owner]:
            found[owner].append('leftover')
    return {name: ','.join(words) or 'none' for name, words in found.items()}


def check(registry: Registry, names: Sequence[str]) -> tuple[list[str], list[Refused]]:
    """Lines for services that are well, and what is wrong with others."""
    lines: list[str] = []
    faults: list[Refused] = []
    for name in names:
        try:
            record = registry.records[name]
            declare.check_system(record)
            plan.wanted(registry, [name])
            word = drift(registry, [name])[name]
            if any(each in word for each in ('missing', 'stale', 'leftover')):
                raise Refused(name, f'files differ from the record: {word}',
                              f"'wsgi apply {name}' writes them")
            lines.append(f'wsgi: {name}: well (drift: {word})')
        except Refused as fault:
            faults.append(fault)
    advice = any(registry.records[name].path for name in names) and front().advice()
    if advice:
        lines.append(f'wsgi: {front().title}: {advice}')
    verdict = front().verdict()
    if verdict:
        faults.append(Refused('', f'{front().title} refuses its configuration: {verdict}'))
    return lines, faults


def show(files: Files) -> list[str]:
    """The files of services."""
    return [f'### {file.path} ({file.mode:04o} {file.user}:{file.group})\n{file.text}'
            for file in files.values()]


def show_diff(registry: Registry, names: Sequence[str], files: Files) -> list[str]:
    """Edits by hand, and what 'wsgi apply' would change."""
    lines: list[str] = []
    for file in files.values():
        if file.edits:
            lines.append(f'{file.path}, edits that are kept:')
            lines += [f'    {edit}' for edit in file.edits]
            if file.merge != 'keys':
                lines += _difference(plan.base_of(file) or '', _disk(file), 'applied', file.path)
        if file.changed:
            lines.append(f"{file.path}, what 'wsgi apply {file.owner}' would change"
                         f' ({file.changed}):')
            if file.changed == 'text':
                lines += _difference(host.read(file.path) or '', file.final, file.path, 'new')
    return lines + [f"{path}: 'wsgi apply' would remove it"
                    for path in plan.gone(registry, files, names)]


def _disk(file: plan.Planned) -> str:
    return host.read(front().effective(file.path)) or ''


def _difference(old: str, new: str, old_name: str, new_name: str) -> list[str]:
    return list(difflib.unified_diff(old.splitlines(), new.splitlines(), old_name, new_name,
                                     lineterm=''))


def failures(registry: Registry, failed: Sequence[str], problem: str) -> list[str]:
    """Why units did not do what they were asked, each with the last lines of its journal.

    failed: units, or the names of services
    """
    lines = []
    for word in failed:
        unit = units.main_units(registry.records[word])[0] if word in registry else word
        short = unit.rpartition('.')[0]
        name = next((name for name, record in registry.records.items()
                     if unit in units.main_units(record)), short[len('devstack@'):])
        lines.append(f"[ERROR] wsgi: {name}: {problem}; the last lines of 'journalctl -u {short}':")
        _, said = host.ask('journalctl', '--quiet', '--no-pager', '--output=json', '--all',
                           '--lines=1000', f'--unit={short}.service', f'--unit={short}.socket')
        lines += [f'    {line}' for line in excerpt(list(_entries(said)))]
    return lines


def _entries(said: str) -> Iterable[tuple[str, str]]:
    """The process and the text of each line of a journal."""
    for entry in map(json.loads, said.splitlines()):
        message = entry.get('MESSAGE') or ''
        if isinstance(message, list):
            # what has a control character, or is not UTF-8
            message = bytes(message).decode('utf-8', 'surrogateescape')
        for line in message.split('\n'):
            yield entry.get('_PID', ''), line


def excerpt(said: Sequence[tuple[str, str]], most: int = 60) -> list[str]:
    """The last exception in a log, then the other last lines: an application with greenlet ends in
    a backtrace of C for each worker, sixty lines and more. A worker that is ended while it loads,
    because another one could not, prints where it was in a hundred lines: those are left out.

    said: lines, each with its process; those of workers that fail together are mixed
    """
    traces: dict[str, list[int]] = {}
    before: dict[str, str] = {}
    reason: list[int] = []
    hidden: set[int] = set()
    for number, (process, line) in enumerate(said):
        if line.startswith('Traceback'):
            # Python's own, at its end: greenlet is no more then
            ignored = before.get(process, '').startswith('Exception ignored')
            traces[process] = [] if ignored else [number]
        elif traces.get(process):
            traces[process].append(number)
            if not line.startswith(' '):
                trace = traces.pop(process)
                if line == 'KeyboardInterrupt':
                    hidden.update(trace)
                else:
                    reason = trace
        before[process] = line
    hidden.update(reason)
    lines = [line for number, (_, line) in enumerate(said) if number not in hidden]
    return [said[number][1] for number in reason][-most:] + lines[-most:]
