#!/usr/bin/python3
"""Panko: the types of events that it has."""

import os
import sys

sys.path.insert(0, os.path.join(
    os.path.dirname(os.path.abspath(__file__)), '../../tools'))

from client import main  # noqa: E402


def types(service):
    seen = service.call('GET', '/v2/event_types', 200).json()
    return 'event types: %d' % len(seen)


if __name__ == '__main__':
    main({'panko-api': types}, {
        'X-Roles': 'admin', 'X-User-Id': 'demo', 'X-Project-Id': 'demo'})
