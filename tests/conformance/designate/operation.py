"""Designate: a zone, made and read."""

import os

from harness.client import Failed


def zone(service):
    name = 'demo-%d.example.org.' % os.getpid()
    made = service.call('POST', '/v2/zones', 202, {
        'name': name, 'email': 'demo@example.org'}).json()
    seen = service.call('GET', '/v2/zones/' + made['id'], 200).json()
    if seen['name'] != name:
        raise Failed('made {}, read {}'.format(name, seen['name']))
    return 'zone: {} made and read, {}'.format(name, seen['status'])


PROOFS = {'designate-api': zone}
