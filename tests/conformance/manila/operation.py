"""Manila: a share type, made and read."""

import os

from harness.client import Failed


def share_type(service):
    # noauth: the token is USER:PROJECT
    made = service.call('POST', '/v2/types', 200, {'share_type': {
        'name': 'demo-%d' % os.getpid(), 'extra_specs': {
            'driver_handles_share_servers': 'false'}}}).json()['share_type']
    seen = service.call('GET', '/v2/types/' + made['id'],
                        200).json()['share_type']
    if seen['name'] != made['name']:
        raise Failed('made {}, read {}'.format(made['name'], seen['name']))
    return 'share type: {} made and read'.format(seen['name'])


PROOFS = {'manila-api': share_type}
HEADERS = {'X-Auth-Token': 'admin:demo',
           'X-OpenStack-Manila-API-Version': '2.60'}
