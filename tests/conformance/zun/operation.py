"""Zun: the containers, for who has a token."""

from client import Service


def containers(service):
    Service(service.url.geturl()).call('GET', '/v1/containers', 401)
    seen = service.call('GET', '/v1/containers', 200).json()
    return 'containers: 401 without a token, %d with' % len(
        seen['containers'])


PROOFS = {'zun-api': containers}
HEADERS = {'X-Auth-Token': 'admin'}
