"""Sahara: a source of data, made and read."""

import os

from harness.client import Failed

# that of noauth.py
PATH = '/v1.1/decade00decade00decade00decade00/data-sources'


def source(service):
    name = 'demo-%d' % os.getpid()
    made = service.call('POST', PATH, 202, {
        'name': name, 'type': 'hdfs',
        'url': 'hdfs://demo/data'}).json()['data_source']
    seen = service.call('GET', '{}/{}'.format(PATH, made['id']),
                        200).json()['data_source']
    if seen['name'] != name:
        raise Failed(f'read {seen}')
    return f'data source: {name} made and read'


PROOFS = {'sahara-api': source}
HEADERS = {'X-Auth-Token': 'admin'}
