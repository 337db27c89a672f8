"""Freezer: a client of backups, registered and read."""

import os

from harness.client import Failed

# that of noauth.py
PROJECT = 'decade00decade00decade00decade00'


def client(service):
    name = 'demo-%d' % os.getpid()
    path = f'/v2/{PROJECT}/clients'
    service.call('POST', path, 201, {
        'client_id': name, 'hostname': 'demo', 'description': 'demo'})
    seen = service.call('GET', path + '/' + name, 200).json()
    if seen['client']['client_id'] != name:
        raise Failed(f'read {seen}')
    return f'backup client: {name} registered and read'


PROOFS = {'freezer-api': client}
HEADERS = {'X-Auth-Token': 'admin'}
