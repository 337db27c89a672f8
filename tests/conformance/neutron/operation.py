"""Neutron: a network with a subnet, made and read."""

from harness.client import Failed


def network(service):
    made = service.call('POST', '/v2.0/networks', 201, {'network': {
        'name': 'demo', 'project_id': 'demo'}}).json()['network']
    service.call('POST', '/v2.0/subnets', 201, {'subnet': {
        'network_id': made['id'], 'ip_version': 4, 'project_id': 'demo',
        'cidr': '192.0.2.0/24'}})
    seen = service.call('GET', '/v2.0/networks/' + made['id'],
                        200).json()['network']
    if len(seen['subnets']) != 1:
        raise Failed(f'read {seen}')
    return 'network: {} with a subnet made and read'.format(seen['id'])


PROOFS = {'neutron-api': network}
