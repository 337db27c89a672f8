#!/usr/bin/python3
"""Magnum: the templates of clusters, for who has a token."""

import os
import sys

sys.path.insert(0, os.path.join(
    os.path.dirname(os.path.abspath(__file__)), '../../tools'))

from client import Service, main  # noqa: E402


def templates(service):
    Service(service.url.geturl()).call('GET', '/v1/clustertemplates', 401)
    seen = service.call('GET', '/v1/clustertemplates', 200).json()
    return 'cluster templates: 401 without a token, %d with' % len(
        seen['clustertemplates'])


if __name__ == '__main__':
    main({'magnum-api': templates}, {'X-Auth-Token': 'admin'})
