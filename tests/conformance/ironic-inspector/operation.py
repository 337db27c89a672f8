#!/usr/bin/python3
"""Ironic Inspector: a rule, made and read."""

import os
import sys

sys.path.insert(0, os.path.join(
    os.path.dirname(os.path.abspath(__file__)), '../../tools'))

from client import main  # noqa: E402


def rule(service):
    made = service.call('POST', '/v1/rules', 201, {
        'description': 'demo', 'conditions': [],
        'actions': [{'action': 'fail', 'message': 'demo'}]}).json()
    seen = service.call('GET', '/v1/rules/' + made['uuid'], 200).json()
    return 'rule: %s made and read' % seen['uuid']


if __name__ == '__main__':
    main({'ironic-inspector': rule})
