#!/usr/bin/python3
"""CloudKitty: a service to be rated, made and read."""

import os
import sys

sys.path.insert(0, os.path.join(
    os.path.dirname(os.path.abspath(__file__)), '../../tools'))

from client import Failed, main  # noqa: E402


def rated(service):
    path = '/v1/rating/module_config/hashmap/services'
    name = 'demo-%d' % os.getpid()
    made = service.call('POST', path, 201, {'name': name}).json()
    seen = service.call('GET', path + '/' + made['service_id'], 200).json()
    if seen['name'] != name:
        raise Failed('read %s' % seen)
    return 'rated service: %s made and read' % name


if __name__ == '__main__':
    main({'cloudkitty-api': rated}, {'X-Roles': 'admin', 'X-User-Id': 'demo',
                                     'X-Project-Id': 'demo'})
