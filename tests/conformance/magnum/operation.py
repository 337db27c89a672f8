"""Magnum: the templates of clusters, for who has a token."""

from client import Service


def templates(service):
    Service(service.url.geturl()).call('GET', '/v1/clustertemplates', 401)
    seen = service.call('GET', '/v1/clustertemplates', 200).json()
    return 'cluster templates: 401 without a token, %d with' % len(
        seen['clustertemplates'])


PROOFS = {'magnum-api': templates}
HEADERS = {'X-Auth-Token': 'admin'}
