"""CloudKitty: a service to be rated, made and read."""

import os

from harness.client import Failed


def rated(service):
    path = '/v1/rating/module_config/hashmap/services'
    name = 'demo-%d' % os.getpid()
    made = service.call('POST', path, 201, {'name': name}).json()
    seen = service.call('GET', path + '/' + made['service_id'], 200).json()
    if seen['name'] != name:
        raise Failed(f'read {seen}')
    return f'rated service: {name} made and read'


PROOFS = {'cloudkitty-api': rated}
HEADERS = {'X-Roles': 'admin', 'X-User-Id': 'demo', 'X-Project-Id': 'demo'}
