#!/usr/bin/python3
"""Trove: the datastores, for who has a token."""

import os
import sys

sys.path.insert(0, os.path.join(
    os.path.dirname(os.path.abspath(__file__)), '../../tools'))

from client import Service, main  # noqa: E402

# that of noauth.py
PATH = '/v1.0/decade00decade00decade00decade00/datastores'


def datastores(service):
    Service(service.url.geturl()).call('GET', PATH, 401)
    seen = service.call('GET', PATH, 200).json()
    return 'datastores: 401 without a token, %d with' % len(
        seen['datastores'])


if __name__ == '__main__':
    main({'trove-api': datastores}, {'X-Auth-Token': 'admin'})
