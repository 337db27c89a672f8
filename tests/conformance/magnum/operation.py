"""Magnum: the templates of clusters, for who has a token."""


def templates(service):
    seen = service.guarded('/v1/clustertemplates')
    return 'cluster templates: 401 without a token, %d with' % len(
        seen['clustertemplates'])


PROOFS = {'magnum-api': templates}
HEADERS = {'X-Auth-Token': 'admin'}
