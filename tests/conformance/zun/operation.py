"""Zun: the containers, for who has a token."""


def containers(service):
    seen = service.guarded('/v1/containers')
    return 'containers: 401 without a token, %d with' % len(
        seen['containers'])


PROOFS = {'zun-api': containers}
HEADERS = {'X-Auth-Token': 'admin'}
