#!/usr/bin/python3
"""Use the services of tools/demo as a client would, and say what was seen.

  proof.py accounts SERVICE...
  proof.py token|image|provider|compute|metadata|restart
  proof.py hung UNIT=PATH...

One word is one proof: it prints one line, and exits with 1 if that line is not
what should have been seen. "accounts" is no proof: it makes the users and
endpoints that the services need in Keystone.

Standard library only; it runs in the machine, where the services are.
"""

import os
import pathlib
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../tests'))
from harness.client import Failed, Service, read_openrc, tell
from harness.command import run
from harness.load import Background
from harness.operate import operation

FRONT = 'http://127.0.0.1'
REGION = 'RegionOne'
# the services that have accounts: their type in Keystone, and their URL
ENDPOINTS = {
    'glance-api': ('image', '/image'),
    'placement-api': ('placement', '/placement'),
    'nova-api': ('compute', '/compute/v2.1'),
}
# what is asked with a token: the project of tests/conformance, and the path
SIGNED_IN = {
    'image': ('glance', '/image'),
    'provider': ('placement', '/placement'),
    'compute': ('nova', '/compute'),
}
LOAD_RATE = 20
LOAD_AROUND = 2         # seconds of load before and after the restart
UNIT = 'devstack@keystone'
# requests a second to Keystone, and to each service that hangs; seconds until those hold what they
# may, and of requests then
ASKED, HUNG, FILLED, HUNG_FOR = 20, 40, 15, 10


def keystone():
    """Keystone, asked with a fresh token."""
    service = Service(f'{FRONT}/identity')
    answer = operation('keystone').ask_token(service)
    service.headers['X-Auth-Token'] = answer.headers['X-Subject-Token']
    return service


def accounts(*names):
    service = keystone()
    password = read_openrc()['OS_PASSWORD']

    def create(kind, **fields):
        return service.call('POST', f'/v3/{kind}s', 201, {kind: fields}).json()[kind]['id']

    project = create('project', name='service', domain_id='default')
    roles = service.call('GET', '/v3/roles?name=service', 200).json()['roles']
    for name in names:
        if name not in ENDPOINTS:
            continue
        service_type, path = ENDPOINTS[name]
        user = create('user', name=name.partition('-')[0], password=password, domain_id='default')
        service.call('PUT', f"/v3/projects/{project}/users/{user}/roles/{roles[0]['id']}", 204)
        made = create('service', name=name, type=service_type)
        create('endpoint', service_id=made, region_id=REGION, interface='public',
               url=FRONT + path)
    return 'service accounts and endpoints'


def token():
    return operation('keystone').token(Service(f'{FRONT}/identity'))


def metadata():
    return operation('nova').metadata(Service(f'{FRONT}:8775'))


def signed_in(proof):
    """A proof that is asked with a fresh token."""
    project, path = SIGNED_IN[proof]
    return getattr(operation(project), proof)(Service(FRONT + path, keystone().headers))


def main_pid():
    return run('systemctl', 'show', '--value', '--property=MainPID', UNIT).strip()


def restart():
    before = main_pid()
    load = Background(f'{FRONT}/identity/v3', LOAD_RATE)
    time.sleep(LOAD_AROUND)
    begin = time.monotonic()
    done = subprocess.run(['systemctl', 'restart', UNIT])
    took = time.monotonic() - begin
    time.sleep(LOAD_AROUND)
    result = load.end()
    seen = '{sent} requests at {}/s, {failed} failed, longest pause {:.1f} s'.format(
        LOAD_RATE, result['longest_pause_ms'] / 1000, **result)
    if done.returncode or main_pid() == before:
        raise Failed(f'systemctl restart {UNIT}: status {done.returncode}; {seen}')
    if result['failed'] or not result['ok']:
        raise Failed(f"{seen}: { {**result['statuses'], **result['errors']} }")
    return f'{seen}; a new server after {took:.1f} s'


def hung(*services):
    """Ask Keystone while the workers of others stand still; each is UNIT=PATH."""
    workers = [door.name.partition('.')[0] for each in services for door in pathlib.Path(
        f"/run/devstack-wsgi/{each.partition('=')[0]}/alive").glob('*.door')]
    loads = [Background(FRONT + each.partition('=')[2], HUNG, '--timeout', '2')
             for each in services]
    run('kill', '-STOP', *workers)
    try:
        time.sleep(FILLED)
        load = Background(f'{FRONT}/identity/v3', ASKED)
        time.sleep(HUNG_FOR)
        result = load.end()
    finally:
        run('kill', '-CONT', *workers)
        ends = [each.end() for each in loads]
    refused = [each['statuses'].get('503', 0) for each in ends]
    seen = '{sent} requests at {}/s, {failed} failed, p99 {p99_ms:.0f} ms'.format(ASKED, **result)
    if result['failed'] or not result['ok'] or not all(refused):
        raise Failed(f'{seen}; of those that hang: {ends}')
    return f"{seen}; {' and '.join(map(str, refused))} of the others' got 503"


def main():
    proof, *words = sys.argv[1:] or ['']
    if proof in SIGNED_IN:
        return tell(signed_in, proof)
    known = {each.__name__: each for each in (accounts, token, metadata, restart, hung)}
    if proof not in known:
        sys.exit(__doc__)
    return tell(known[proof], *words)


if __name__ == '__main__':
    sys.exit(main())
