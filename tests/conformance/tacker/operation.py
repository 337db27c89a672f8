"""Tacker: the VNF packages, for who has a token.

To make one it uses two connections at once, which locks an sqlite database.
"""


def packages(service):
    seen = service.guarded('/vnfpkgm/v1/vnf_packages')
    return 'VNF packages: 401 without a token, %d with' % len(seen)


PROOFS = {'tacker-api': packages}
HEADERS = {'X-Auth-Token': 'admin'}
