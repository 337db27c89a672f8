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

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

from scenarios import SCENARIOS  # noqa: E402
from services import FOLDER  # noqa: E402
from system import HERE, Failed, run, say  # noqa: E402


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
    run('systemctl', 'enable', '--quiet', '--now', 'apache2')
    status = 0
    for name in names:
        scenario = SCENARIOS[name](length == 'short')
        try:
            for sample in trials(name, scenario, int(rounds), order):
                print(json.dumps(sample), flush=True)
        except Failed as error:
            say('[ERROR] bench: %s: %s' % (name, error))
            status = 1
        finally:
            scenario.teardown()
    return status


if __name__ == '__main__':
    sys.exit(main())
