"""Trove: the datastores, for who has a token."""

from client import Service

# that of noauth.py
PATH = '/v1.0/decade00decade00decade00decade00/datastores'


def datastores(service):
    Service(service.url.geturl()).call('GET', PATH, 401)
    seen = service.call('GET', PATH, 200).json()
    return 'datastores: 401 without a token, %d with' % len(
        seen['datastores'])


PROOFS = {'trove-api': datastores}
HEADERS = {'X-Auth-Token': 'admin'}
