"""Watcher: a template of audits, made and read."""

import os

from harness.client import Failed


def template(service):
    name = 'demo-%d' % os.getpid()
    made = service.call('POST', '/v1/audit_templates', 201, {
        'name': name, 'goal': 'demo'}).json()
    seen = service.call('GET', '/v1/audit_templates/' + made['uuid'],
                        200).json()
    if (seen['name'], seen['goal_name']) != (name, 'demo'):
        raise Failed(f'read {seen}')
    return f'audit template: {name} made and read'


PROOFS = {'watcher-api': template}
HEADERS = {'X-Roles': 'admin', 'X-User-Id': 'demo', 'X-Project-Id': 'demo'}
