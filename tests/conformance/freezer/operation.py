"""Freezer: a client of backups, registered and read."""

import os

from harness.client import Failed

# that of noauth.py
PROJECT = 'decade00decade00decade00decade00'


def client(service):
    name = 'demo-%d' % os.getpid()
    path = '/v2/%s/clients' % PROJECT
    service.call('POST', path, 201, {
        'client_id': name, 'hostname': 'demo', 'description': 'demo'})
    seen = service.call('GET', path + '/' + name, 200).json()
    if seen['client']['client_id'] != name:
        raise Failed('read %s' % seen)
    return 'backup client: %s registered and read' % name


PROOFS = {'freezer-api': client}
HEADERS = {'X-Auth-Token': 'admin'}
