#!/usr/bin/python3
"""Horizon: the page on which to sign in."""

import os
import sys

sys.path.insert(0, os.path.join(
    os.path.dirname(os.path.abspath(__file__)), '../../tools'))

from client import Failed, main  # noqa: E402


def page(service):
    text = service.call('GET', '/auth/login/', 200).body.decode()
    if 'csrfmiddlewaretoken' not in text or 'name="password"' not in text:
        raise Failed('no form in ' + ' '.join(text.split())[:200])
    return 'login page: a form in %d characters' % len(text)


if __name__ == '__main__':
    main({'horizon': page})
