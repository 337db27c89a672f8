"""What tests/bench asks of the machine that it runs in."""

import json
import os
import resource
import time

from harness import TOP
from harness.command import Failed, run

HERE = str(TOP / 'tests/bench')
WSGI = str(TOP / 'tools/wsgi')
# where cgroups tell of CPU, whether a hierarchy of version 1 is there or not
CGROUPS = '/sys/fs/cgroup'
if os.path.isdir(CGROUPS + '/unified'):
    CGROUPS += '/unified'
JOURNAL = 'systemd-journald.service'
POLL = 0.01


def wsgi(*arguments):
    return run(WSGI, *arguments)


def write(path, text, mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'w') as file:
        file.write(text)
    os.chmod(path, mode)


def timed(*command, **options):
    """Run a command; its seconds, and those of a processor that it took."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begin = time.monotonic()
    run(*command, **options)
    seconds = time.monotonic() - begin
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {'seconds': seconds,
            'cpu_s': (after.ru_utime + after.ru_stime -
                      before.ru_utime - before.ru_stime)}


def wait_until(condition, limit=120):
    end = time.monotonic() + limit
    while not condition():
        if time.monotonic() > end:
            raise Failed('waited in vain')
        time.sleep(POLL)


# --- cgroups ----------------------------------------------------------------

def cgroup_of(unit):
    """The folder of a unit's cgroup, or nothing where it has none."""
    path = run('systemctl', 'show', '-P', 'ControlGroup', unit).strip()
    return CGROUPS + path if path else ''


def cpu_of(folders):
    """Microseconds of a processor that cgroups have used."""
    total = 0
    for folder in folders:
        with open(folder + '/cpu.stat') as lines:
            total += int(next(lines).split()[1])
    return total


def processes_of(units):
    pids = []
    for folder in filter(None, map(cgroup_of, units)):
        try:
            with open(folder + '/cgroup.procs') as lines:
                pids += [int(line) for line in lines]
        except FileNotFoundError:
            pass  # a unit that does not run has none
    return pids


def memory_of(units):
    """MiB of memory, shared pages counted in parts (PSS)."""
    total = 0
    for pid in processes_of(units):
        with open('/proc/%d/smaps_rollup' % pid) as lines:
            total += sum(int(line.split()[1]) for line in lines
                         if line.startswith('Pss:'))
    return total / 1024


class Cpu:
    """CPU of groups of units and of the journal, while its block runs."""

    def __init__(self, *units):
        self.folders = [[folder for folder in map(cgroup_of, group) if folder]
                        for group in [*units, [JOURNAL]]]
        self.parts = []

    def read(self):
        settle()
        return [cpu_of(folders) for folders in self.folders]

    def __enter__(self):
        self.parts = self.read()
        return self

    def __exit__(self, *_):
        self.parts = [after - before for before, after
                      in zip(self.parts, self.read())]

    @property
    def used(self):
        return sum(self.parts)


def settle():
    """Wait until the journal has written all that it was told."""
    run('journalctl', '--sync')


class Reloads:
    """How often Apache read its configuration again in a block."""

    def __enter__(self):
        settle()
        # a time: behind a cursor journalctl 252 passes over a line
        self.since = time.time()
        self.number = 0
        return self

    def __exit__(self, *_):
        settle()
        self.number = run(
            'journalctl', '-q', '--no-pager', '-o', 'cat', '_PID=1',
            f'--since=@{self.since:.6f}'
        ).count('Reloading apache2.service')


# --- clients ----------------------------------------------------------------

def ask(url, *options):
    """The status of one answer (0: none), and its seconds."""
    said = run('curl', '--silent', '--output', '/dev/null', '--max-time',
               '120', '--write-out', '%{http_code} %{time_total}', *options,
               url, check=False).split()
    return int(said[0]), float(said[1])


def wrk(url, seconds, connections=8, headers=()):
    """What a client that keeps its connections saw in some seconds."""
    options = [word for header in headers for word in ('-H', header)]
    said = run('wrk', '-t1', '-c%d' % connections, '-d%ds' % seconds, *options,
               '-s', HERE + '/report.lua', url)
    return json.loads(said.splitlines()[-1])
