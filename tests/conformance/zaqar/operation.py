#!/usr/bin/python3
"""Zaqar: a message, posted to a queue and read back."""

import os
import sys

sys.path.insert(0, os.path.join(
    os.path.dirname(os.path.abspath(__file__)), '../../tools'))

import uuid  # noqa: E402

from client import Failed, main  # noqa: E402

BODY = {'greeting': 'hello'}


def message(service):
    queue = '/v2/queues/demo-%d' % os.getpid()
    service.call('PUT', queue, 201, b'')
    service.call('POST', queue + '/messages', 201,
                 {'messages': [{'ttl': 300, 'body': BODY}]})
    seen = service.call('GET', queue + '/messages?echo=true',
                        200).json()['messages']
    if [one['body'] for one in seen] != [BODY]:
        raise Failed('read %s' % seen)
    return 'queue message: posted and read back'


if __name__ == '__main__':
    main({'zaqar-api': message}, {'Client-ID': str(uuid.uuid4()),
                                  'X-Project-Id': 'demo'})
