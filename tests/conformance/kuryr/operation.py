#!/usr/bin/python3
"""Kuryr: what it tells Docker that it is."""

import os
import sys

sys.path.insert(0, os.path.join(
    os.path.dirname(os.path.abspath(__file__)), '../../tools'))

from client import Failed, main  # noqa: E402


def activation(service):
    seen = service.call('POST', '/Plugin.Activate', 200, b'').json()
    if seen != {'Implements': ['NetworkDriver', 'IpamDriver']}:
        raise Failed('answered %s' % seen)
    return 'activation: it implements ' + ' and '.join(seen['Implements'])


if __name__ == '__main__':
    main({'kuryr-libnetwork': activation})
