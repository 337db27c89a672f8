"""Cinder: a volume type, made and read."""

import os

from harness.client import Failed


def volume_type(service):
    # noauth: the token is USER:PROJECT, a project is a number in hex
    made = service.call('POST', '/v3/feed/types', 200, {'volume_type': {
        'name': 'demo-%d' % os.getpid()}}).json()['volume_type']
    seen = service.call('GET', '/v3/feed/types/' + made['id'],
                        200).json()['volume_type']
    if seen['name'] != made['name']:
        raise Failed('made {}, read {}'.format(made['name'], seen['name']))
    return 'volume type: {} made and read'.format(seen['name'])


PROOFS = {'cinder-api': volume_type}
HEADERS = {'X-Auth-Token': 'admin:feed'}
