"""Ironic: a chassis, made and read."""

from harness.client import Failed


def chassis(service):
    made = service.call('POST', '/v1/chassis', 201, {
        'description': 'demo'}).json()
    seen = service.call('GET', '/v1/chassis/' + made['uuid'], 200).json()
    if seen['description'] != 'demo':
        raise Failed('read %s' % seen)
    return 'chassis: %s made and read' % seen['uuid']


PROOFS = {'ironic-api': chassis}
