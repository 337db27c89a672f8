"""Trove: the datastores, for who has a token."""

# that of noauth.py
PATH = '/v1.0/decade00decade00decade00decade00/datastores'


def datastores(service):
    seen = service.guarded(PATH)
    return 'datastores: 401 without a token, %d with' % len(
        seen['datastores'])


PROOFS = {'trove-api': datastores}
HEADERS = {'X-Auth-Token': 'admin'}
