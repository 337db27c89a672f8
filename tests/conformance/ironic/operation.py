"""Ironic: a chassis, made and read."""

from harness.client import Failed


def chassis(service):
    made = service.call('POST', '/v1/chassis', 201, {
        'description': 'demo'}).json()
    seen = service.call('GET', '/v1/chassis/' + made['uuid'], 200).json()
    if seen['description'] != 'demo':
        raise Failed(f'read {seen}')
    return 'chassis: {} made and read'.format(seen['uuid'])


PROOFS = {'ironic-api': chassis}
