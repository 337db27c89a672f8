#!/usr/bin/python3
"""Murano: an environment, made and read."""

import os
import sys

sys.path.insert(0, os.path.join(
    os.path.dirname(os.path.abspath(__file__)), '../../tools'))

from client import Failed, main  # noqa: E402


def environment(service):
    name = 'demo-%d' % os.getpid()
    made = service.call('POST', '/v1/environments', 200,
                        {'name': name}).json()
    seen = service.call('GET', '/v1/environments/' + made['id'], 200).json()
    if seen['name'] != name:
        raise Failed('read %s' % seen)
    return 'environment: %s made and read' % name


if __name__ == '__main__':
    main({'murano-api': environment}, {'X-Auth-Token': 'admin'})
