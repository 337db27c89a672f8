#!/usr/bin/python3
"""Cinder: a volume type, made and read."""

import os
import sys

sys.path.insert(0, os.path.join(
    os.path.dirname(os.path.abspath(__file__)), '../../tools'))

from client import Failed, main  # noqa: E402


def volume_type(service):
    # noauth: the token is USER:PROJECT, a project is a number in hex
    made = service.call('POST', '/v3/feed/types', 200, {'volume_type': {
        'name': 'demo-%d' % os.getpid()}}).json()['volume_type']
    seen = service.call('GET', '/v3/feed/types/' + made['id'],
                        200).json()['volume_type']
    if seen['name'] != made['name']:
        raise Failed('made %s, read %s' % (made['name'], seen['name']))
    return 'volume type: %s made and read' % seen['name']


if __name__ == '__main__':
    main({'cinder-api': volume_type}, {'X-Auth-Token': 'admin:feed'})
