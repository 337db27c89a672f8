"""Deploy real OpenStack APIs behind Apache, in a throwaway machine.

On Debian 12. Installs what is missing of the distribution's packages (no
daemon is started, none that runs is stopped), and a venv with OpenStack
from PyPI into a cache; boots a copy of this system; deploys the services
in it with tools/wsgi; uses them as a client would; restarts Keystone under
load. Every line says what was done and seen, and in what time. A service
brings those that it needs along; '--mode both' is all proofs under uwsgi,
then a switch, and all again.

Needs root. Writes ${XDG_CACHE_HOME:-/var/cache}/devstack-wsgi; all else in
the machine. The status is 0 when all was seen to work, 1 when something was
not, 2 after wrong usage.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import pathlib
import re
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / 'tests'))
from harness import PYTHON, TOP, pins, venvs
from harness.catalogue import Entry
from harness.command import Failed, Parser, last_line, run, work
from harness.machine import INSIDE, PREPARE, USER, VENVS, Machine

from devstack_wsgi import servers

VENV = 'demo'
# in the order in which they are proved, each with its proof of proof.py
SERVICES = {
    'keystone': 'token',
    'glance-api': 'image',
    'placement-api': 'provider',
    'nova-api': 'compute',
    'nova-metadata': 'metadata',
}
# without Keystone
ALONE = ('keystone', 'nova-metadata')


@dataclasses.dataclass(frozen=True)
class Step:
    """A line of the demo: a method of Demo, and its arguments."""

    title: str
    method: str
    words: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.title}: {' '.join([self.method, *self.words])}"


class Demo:
    def __init__(self, services: list[str], modes: list[str], keep: bool = False) -> None:
        self.services = services
        self.modes = modes
        self.keep = keep
        self.projects = [*dict.fromkeys(name.partition('-')[0] for name in services)]
        self.machine = Machine('demo')
        self.booted = False

    # -- the steps: what they return is the note at the end of their line --

    def packages(self) -> str:
        return last_line(run(TOP / 'tests/bin/packages', 'demo', limit=1800))

    def venv(self) -> str:
        return venvs.make(VENV, pins.read(VENV))

    def boot(self) -> str:
        self.booted = True
        self.machine.start()
        return self.machine.name

    def prepare(self, verb: str) -> str:
        self.machine.inside(PREPARE, verb, '--keystone', '--venv', f'{VENVS}/{VENV}',
                            *self.projects, limit=1200)
        return ''

    def deploy(self, mode: str) -> str:
        for name in self.services:
            self.machine.wsgi('deploy', name, '--mode', mode, '--venv', f'{VENVS}/{VENV}',
                              '--user', USER)
        return ' '.join(self.services)

    def wsgi(self, verb: str, *words: str) -> str:
        self.machine.wsgi(verb, *words)
        return ' '.join(words)

    def prove(self, *words: str) -> str:
        try:
            return last_line(self.machine.inside(
                PYTHON, f'{INSIDE}/tools/demo.d/proof.py', *words))
        except Failed as error:
            raise Failed(last_line(error.output), error.output) from None

    # -- their order --

    def plan(self) -> list[Step]:
        others = tuple(name for name in self.services if name != 'keystone')
        keystone = 'keystone' in self.services
        steps = [
            Step('packages of the distribution', 'packages'),
            Step('OpenStack in a venv (a minute or two, the first time)', 'venv'),
            Step('a throwaway machine', 'boot'),
            Step('user, folders, configuration', 'prepare', ('configure',)),
            Step('databases', 'prepare', ('setup',)),
            Step(f'tools/wsgi deploy under {self.modes[0]}', 'deploy', (self.modes[0],)),
        ]
        # the others ask Keystone already when they start
        if keystone:
            steps.append(Step('tools/wsgi start', 'wsgi', ('start', 'keystone')))
        if keystone and others:
            steps.append(Step('accounts', 'prove', ('accounts', *others)))
        if others:
            steps.append(Step('tools/wsgi start', 'wsgi', ('start', *others)))
        for mode in self.modes:
            if mode != self.modes[0]:
                steps.append(Step(f'tools/wsgi switch {mode}', 'wsgi', ('switch', mode)))
            steps += [Step(name, 'prove', (SERVICES[name],)) for name in self.services]
            if keystone:
                steps.append(Step('restart of keystone under load', 'prove', ('restart',)))
            behind = [f"{Entry(name).unit}={Entry(name).get('path')}" for name in others
                      if Entry(name).get('path')]
            if keystone and behind:
                steps.append(Step('keystone while others hang', 'prove', ('hung', *behind[-2:])))
        return steps

    def take(self, steps: list[Step]) -> int:
        """Take the steps, a line each; 1 if one failed.

        A proof that fails does not end the demo, as the others may tell more.
        """
        status = 0
        for number, step in enumerate(steps, 1):
            print(f'[{number:2}/{len(steps)}] {step.title}: ', end='', flush=True)
            begin = time.monotonic()
            try:
                seen, note = 'ok', getattr(self, step.method)(*step.words)
            except Failed as error:
                status, seen, note = 1, 'FAILED', str(error)
                output = error.output.splitlines()[-40:]
            print(f'{time.monotonic() - begin:.1f} s, {seen}', *filter(None, [note]), sep=': ',
                  flush=True)
            if seen == 'ok':
                continue
            print(*output, sep='\n', file=sys.stderr, flush=True)
            if step.method != 'prove':
                return 1
            self.show_journal(step.words[0])
            if step.words[0] == 'accounts':
                return 1
        return status

    def show_journal(self, proof: str) -> None:
        """What the service said last that is proved."""
        unit = Entry({proof: name for name, proof in SERVICES.items()}.get(proof, 'keystone')).unit
        print(f'--- journalctl -u devstack@{unit}', self.machine.journal(unit, 20),
              sep='\n', file=sys.stderr, flush=True)

    def run(self) -> int:
        if not os.path.exists('/etc/debian_version'):
            raise Failed('no /etc/debian_version: it is made for Debian 12')
        try:
            status = self.take(self.plan())
            if not status:
                print(self.machine.wsgi('status'), end='')
            return status
        finally:
            # a second Ctrl-C must not leave the machine behind
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
            if self.booted and self.keep:
                self.farewell()
            elif self.booted:
                self.machine.stop()

    def farewell(self) -> None:
        url = 'http://127.0.0.1/identity/v3' if 'keystone' in self.services else (
            'http://127.0.0.1:8775/')
        shell, end = self.machine.commands()
        enter = shell.partition(':')[2].partition(' bash ')[0].strip()
        print(f'\nThe machine {self.machine.name} is up; its network is its own. As root:', shell,
              f'ask a service:  {enter} curl -i {url}',
              f"its log:        {enter} journalctl -u 'devstack@*'", end,
              f'In it are {INSIDE}/tools/wsgi, and /root/openrc with the account admin.', sep='\n')


def choose(words: str) -> list[str]:
    """The services of A,B and what they need, in our order."""
    wanted = set(filter(None, re.split('[, ]', words)))
    for name in sorted(wanted - set(SERVICES)):
        raise argparse.ArgumentTypeError(f"'{name}' is none of {' '.join(SERVICES)}")
    if not wanted:
        raise argparse.ArgumentTypeError('which?')
    for name in sorted(wanted):
        if name not in ALONE and 'keystone' not in wanted:
            wanted.add('keystone')
            print(f'keystone is added: {name} needs it')
    return [name for name in SERVICES if name in wanted]


def main() -> int:
    parser = Parser('demo', __doc__)
    modes = [*servers.modes()]
    add = parser.add_argument
    add('--services', metavar='A,B', type=choose, default=[*SERVICES],
        help=f"only these of {', '.join(SERVICES)}")
    add('--mode', choices=[*modes, 'both'], default=modes[0],
        help=f'the WSGI server (default: {modes[0]}), or both of them')
    add('--keep', action='store_true',
        help='leave the machine up at the end, also after a failure')
    args = parser.parse_args()
    chosen = modes if args.mode == 'both' else [args.mode]
    return work('demo', Demo(args.services, chosen, args.keep).run)


if __name__ == '__main__':
    sys.exit(main())
