#!/usr/bin/python3
"""Run scenarios in this machine; a line of JSON for each trial.

Called by tools/bench in a throwaway machine: it deploys and removes.

    run.py SEED short|full ROUNDS SCENARIO...

ROUNDS is how often each variant is tried; 0: as the scenario says.
"""

import json
import os
import random
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
from bench.scenarios import SCENARIOS
from bench.services import FOLDER
from bench.system import HERE
from harness.command import Failed, run


def trials(name, scenario, rounds, order):
    """Each round tries all variants, in another order."""
    scenario.setup()
    for number in range(rounds or scenario.rounds()):
        variants = list(scenario.variants)
        order.shuffle(variants)
        for variant in variants:
            yield {'scenario': name, 'variant': variant, 'round': number,
                   **scenario.trial(variant)}


def main():
    seed, length, rounds, *names = sys.argv[1:]
    order = random.Random(int(seed))
    os.umask(0o022)
    run('install', '-D', '-m', '0644', '-t', FOLDER, HERE + '/application.py')
    run('install', '-m', '0644', HERE + '/../../files/site/front.conf',
        '/etc/apache2/conf-enabled/devstack-wsgi.conf')
    run('systemctl', 'enable', '--quiet', 'apache2')
    run('systemctl', 'restart', 'apache2')
    status = 0
    for name in names:
        scenario = SCENARIOS[name](length == 'short')
        try:
            for sample in trials(name, scenario, int(rounds), order):
                print(json.dumps(sample), flush=True)
        except Failed as error:
            print(f'[ERROR] bench: {name}: {error}\n{error.output.rstrip()}', file=sys.stderr,
                  flush=True)
            status = 1
        finally:
            scenario.teardown()
    return status


if __name__ == '__main__':
    sys.exit(main())
