#!/usr/bin/python3
"""Ironic: a chassis, made and read."""

import os
import sys

sys.path.insert(0, os.path.join(
    os.path.dirname(os.path.abspath(__file__)), '../../tools'))

from client import Failed, main  # noqa: E402


def chassis(service):
    made = service.call('POST', '/v1/chassis', 201, {
        'description': 'demo'}).json()
    seen = service.call('GET', '/v1/chassis/' + made['uuid'], 200).json()
    if seen['description'] != 'demo':
        raise Failed('read %s' % seen)
    return 'chassis: %s made and read' % seen['uuid']


if __name__ == '__main__':
    main({'ironic-api': chassis})
