"""Gnocchi: a metric, a measure of it sent and read back."""

import os

from harness.client import Failed

MEASURE = {'timestamp': '2026-01-01T00:00:00', 'value': 42.0}


def metric(service):
    name = 'demo-%d' % os.getpid()
    service.call('POST', '/v1/archive_policy', 201, {
        'name': name, 'definition': [{'granularity': '1s', 'points': 100}],
        'aggregation_methods': ['mean']})
    made = service.call('POST', '/v1/metric', 201, {
        'archive_policy_name': name}).json()
    path = '/v1/metric/{}/measures'.format(made['id'])
    service.call('POST', path, 202, [MEASURE])
    # no metricd is there to do it in the background
    seen = service.call('GET', path + '?refresh=true', 200).json()
    if [row[2] for row in seen] != [MEASURE['value']]:
        raise Failed(f'sent {MEASURE}, read {seen}')
    return 'metric: {} made, a measure sent and read back'.format(made['id'])


PROOFS = {'gnocchi-api': metric}
# basic: the name is believed
HEADERS = {'Authorization': 'Basic YWRtaW46'}
