#!/usr/bin/python3
"""Barbican: a secret, kept and read back."""

import os
import sys

sys.path.insert(0, os.path.join(
    os.path.dirname(os.path.abspath(__file__)), '../../tools'))

from client import Failed, main  # noqa: E402

SECRET = b'a word that is not for all'


def secret(service):
    made = service.call('POST', '/v1/secrets', 201, {
        'name': 'demo', 'payload': SECRET.decode(),
        'payload_content_type': 'text/plain'}).json()
    number = made['secret_ref'].rpartition('/')[2]
    seen = service.call('GET', '/v1/secrets/%s/payload' % number, 200,
                        headers={'Accept': 'text/plain'}).body
    if seen != SECRET:
        raise Failed('kept %r, read %r' % (SECRET, seen))
    return 'secret: %d bytes kept and read back' % len(seen)


if __name__ == '__main__':
    main({'barbican-api': secret}, {'X-Auth-Token': 'admin'})
