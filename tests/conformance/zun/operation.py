#!/usr/bin/python3
"""Zun: the containers, for who has a token."""

import os
import sys

sys.path.insert(0, os.path.join(
    os.path.dirname(os.path.abspath(__file__)), '../../tools'))

from client import Service, main  # noqa: E402


def containers(service):
    Service(service.url.geturl()).call('GET', '/v1/containers', 401)
    seen = service.call('GET', '/v1/containers', 200).json()
    return 'containers: 401 without a token, %d with' % len(
        seen['containers'])


if __name__ == '__main__':
    main({'zun-api': containers}, {'X-Auth-Token': 'admin'})
