#!/usr/bin/python3
"""Tacker: the VNF packages, for who has a token.

To make one it uses two connections at once, which locks an sqlite database.
"""

import os
import sys

sys.path.insert(0, os.path.join(
    os.path.dirname(os.path.abspath(__file__)), '../../tools'))

from client import Service, main  # noqa: E402

PATH = '/vnfpkgm/v1/vnf_packages'


def packages(service):
    Service(service.url.geturl()).call('GET', PATH, 401)
    seen = service.call('GET', PATH, 200).json()
    return 'VNF packages: 401 without a token, %d with' % len(seen)


if __name__ == '__main__':
    main({'tacker-api': packages}, {'X-Auth-Token': 'admin'})
