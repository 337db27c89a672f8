"""Zaqar: a message, posted to a queue and read back."""

import os
import uuid

from harness.client import Failed

BODY = {'greeting': 'hello'}


def message(service):
    queue = '/v2/queues/demo-%d' % os.getpid()
    service.call('PUT', queue, 201, b'')
    service.call('POST', queue + '/messages', 201,
                 {'messages': [{'ttl': 300, 'body': BODY}]})
    seen = service.call('GET', queue + '/messages?echo=true',
                        200).json()['messages']
    if [one['body'] for one in seen] != [BODY]:
        raise Failed(f'read {seen}')
    return 'queue message: posted and read back'


PROOFS = {'zaqar-api': message}
HEADERS = {'Client-ID': str(uuid.uuid4()), 'X-Project-Id': 'demo'}
