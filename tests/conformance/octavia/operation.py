"""Octavia: the drivers that it would use.

Its database cannot be sqlite: oslo.db's engine of that takes no pool_timeout,
which Octavia sets.
"""

from harness.client import Failed


def providers(service):
    seen = service.call('GET', '/v2.0/lbaas/providers', 200).json()
    names = [one['name'] for one in seen['providers']]
    if 'noop_driver' not in names:
        raise Failed(f'read {seen}')
    return 'providers: ' + ' '.join(names)


PROOFS = {'octavia-api': providers}
HEADERS = {'X-Project-Id': 'demo'}
