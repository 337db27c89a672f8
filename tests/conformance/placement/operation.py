"""Placement: a resource provider, made and read."""

import uuid

from harness.client import Failed


def provider(service):
    headers = {'OpenStack-API-Version': 'placement 1.20'}
    wanted = str(uuid.uuid4())
    service.call('POST', '/resource_providers', 200,
                 {'name': 'demo-' + wanted[:8], 'uuid': wanted}, headers)
    seen = service.call('GET', '/resource_providers/' + wanted, 200,
                        headers=headers).json()
    if seen['uuid'] != wanted:
        raise Failed('made {}, read {}'.format(wanted, seen['uuid']))
    return 'resource provider: {} made and read'.format(seen['name'])


PROOFS = {'placement-api': provider}
HEADERS = {'X-Auth-Token': 'admin'}
