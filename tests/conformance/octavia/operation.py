#!/usr/bin/python3
"""Octavia: the drivers that it would use.

Its database cannot be sqlite: oslo.db's engine of that takes no pool_timeout,
which Octavia sets.
"""

import os
import sys

sys.path.insert(0, os.path.join(
    os.path.dirname(os.path.abspath(__file__)), '../../tools'))

from client import Failed, main  # noqa: E402


def providers(service):
    seen = service.call('GET', '/v2.0/lbaas/providers', 200).json()
    names = [one['name'] for one in seen['providers']]
    if 'noop_driver' not in names:
        raise Failed('read %s' % seen)
    return 'providers: ' + ' '.join(names)


if __name__ == '__main__':
    main({'octavia-api': providers}, {'X-Project-Id': 'demo'})
