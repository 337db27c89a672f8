"""Aodh: an alarm, made and read."""

import os

from harness.client import Failed


def alarm(service):
    made = service.call('POST', '/v2/alarms', 201, {
        'name': 'demo-%d' % os.getpid(), 'type': 'event',
        'event_rule': {'event_type': 'compute.instance.*'}}).json()
    seen = service.call('GET', '/v2/alarms/' + made['alarm_id'], 200).json()
    if seen['name'] != made['name']:
        raise Failed('made {}, read {}'.format(made['name'], seen['name']))
    return 'alarm: {} made and read, state {}'.format(seen['name'], seen['state'])


PROOFS = {'aodh-api': alarm}
HEADERS = {'X-Roles': 'admin', 'X-User-Id': 'demo', 'X-Project-Id': 'demo'}
