#!/usr/bin/python3
"""Placement: a resource provider, made and read."""

import os
import sys
import uuid

sys.path.insert(0, os.path.join(
    os.path.dirname(os.path.abspath(__file__)), '../../tools'))

from client import Failed, main  # noqa: E402


def provider(service):
    headers = {'OpenStack-API-Version': 'placement 1.20'}
    wanted = str(uuid.uuid4())
    service.call('POST', '/resource_providers', 200,
                 {'name': 'demo-' + wanted[:8], 'uuid': wanted}, headers)
    seen = service.call('GET', '/resource_providers/' + wanted, 200,
                        headers=headers).json()
    if seen['uuid'] != wanted:
        raise Failed('made %s, read %s' % (wanted, seen['uuid']))
    return 'resource provider: %s made and read' % seen['name']


if __name__ == '__main__':
    main({'placement-api': provider}, {'X-Auth-Token': 'admin'})
