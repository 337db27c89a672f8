"""Tacker: the VNF packages, for who has a token.

To make one it uses two connections at once, which locks an sqlite database.
"""

from client import Service

PATH = '/vnfpkgm/v1/vnf_packages'


def packages(service):
    Service(service.url.geturl()).call('GET', PATH, 401)
    seen = service.call('GET', PATH, 200).json()
    return 'VNF packages: 401 without a token, %d with' % len(seen)


PROOFS = {'tacker-api': packages}
HEADERS = {'X-Auth-Token': 'admin'}
