#!/usr/bin/python3
"""Watcher: a template of audits, made and read."""

import os
import sys

sys.path.insert(0, os.path.join(
    os.path.dirname(os.path.abspath(__file__)), '../../tools'))

from client import Failed, main  # noqa: E402


def template(service):
    name = 'demo-%d' % os.getpid()
    made = service.call('POST', '/v1/audit_templates', 201, {
        'name': name, 'goal': 'demo'}).json()
    seen = service.call('GET', '/v1/audit_templates/' + made['uuid'],
                        200).json()
    if (seen['name'], seen['goal_name']) != (name, 'demo'):
        raise Failed('read %s' % seen)
    return 'audit template: %s made and read' % name


if __name__ == '__main__':
    main({'watcher-api': template}, {
        'X-Roles': 'admin', 'X-User-Id': 'demo', 'X-Project-Id': 'demo'})
