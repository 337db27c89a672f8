#!/usr/bin/python3
"""Use the services of tools/demo as a client would, and say what was seen.

One subcommand is one proof: it prints one line, and exits with 1 if that line
is not what should have been seen. "accounts" is no proof: it makes the users
and endpoints that the services need in Keystone.

Standard library only; it runs in the machine, where the services are.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

TESTS = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                     '../../tests')
sys.path.insert(0, os.path.join(TESTS, 'tools'))

from client import Failed, Service, read_openrc, tell  # noqa: E402
from operate import operation  # noqa: E402

FRONT = 'http://127.0.0.1'
LOAD = os.path.join(TESTS, 'tools/load.py')
REGION = 'RegionOne'
# the services that have accounts: their type in Keystone, and their URL
ENDPOINTS = {
    'glance-api': ('image', '/image'),
    'placement-api': ('placement', '/placement'),
    'nova-api': ('compute', '/compute/v2.1'),
}
LOAD_RATE = 40
LOAD_AROUND = 2         # seconds of load before and after the restart


def keystone():
    """Keystone, asked with a fresh token."""
    service = Service(FRONT + '/identity')
    answer = operation('keystone').ask_token(service)
    service.headers['X-Auth-Token'] = answer.headers['X-Subject-Token']
    return service


def signed_in(path):
    """The API below that path, asked with a fresh token."""
    return Service(FRONT + path, keystone().headers)


def accounts(args):
    service = keystone()
    password = read_openrc()['OS_PASSWORD']

    def create(kind, plural, **fields):
        answer = service.call('POST', '/v3/' + plural, 201, {kind: fields})
        return answer.json()[kind]['id']

    project = create('project', 'projects', name='service',
                     domain_id='default')
    roles = service.call('GET', '/v3/roles?name=service',
                         200).json()['roles']
    for name in args.services:
        if name not in ENDPOINTS:
            continue
        service_type, path = ENDPOINTS[name]
        user = create('user', 'users', name=name.partition('-')[0],
                      password=password, domain_id='default')
        service.call('PUT', '/v3/projects/%s/users/%s/roles/%s' % (
            project, user, roles[0]['id']), 204)
        made = create('service', 'services', name=name, type=service_type)
        create('endpoint', 'endpoints', service_id=made, region_id=REGION,
               interface='public', url=FRONT + path)
    return 'service accounts and endpoints'


def token(args):
    return operation('keystone').token(Service(FRONT + '/identity'))


def image(args):
    return operation('glance').image(signed_in('/image'))


def provider(args):
    return operation('placement').provider(signed_in('/placement'))


def compute(args):
    return operation('nova').compute(signed_in('/compute'))


def metadata(args):
    return operation('nova').metadata(Service('http://127.0.0.1:8775'))


def main_pid(unit):
    return subprocess.run(
        ['systemctl', 'show', '--value', '--property=MainPID', unit],
        check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def restart(args):
    unit = 'devstack@keystone'
    before = main_pid(unit)
    with tempfile.TemporaryDirectory() as folder:
        end = os.path.join(folder, 'end')
        load = subprocess.Popen(
            [LOAD, '--url', 'http://127.0.0.1/identity/v3', '--json',
             '--rate', str(LOAD_RATE), '--duration', '120',
             '--until-file', end],
            stdout=subprocess.PIPE, text=True)
        time.sleep(LOAD_AROUND)
        begin = time.monotonic()
        done = subprocess.run(['systemctl', 'restart', unit])
        took = time.monotonic() - begin
        time.sleep(LOAD_AROUND)
        with open(end, 'w'):
            pass
        result = json.loads(load.communicate()[0])
    seen = ('%d requests at %d/s, %d failed, longest pause %.1f s' % (
        result['sent'], LOAD_RATE, result['failed'],
        result['longest_pause_ms'] / 1000))
    if done.returncode or main_pid(unit) == before:
        raise Failed('systemctl restart %s: status %d; %s' % (
            unit, done.returncode, seen))
    if result['failed'] or not result['ok']:
        raise Failed('%s: %s' % (seen, {**result['statuses'],
                                        **result['errors']}))
    return '%s; a new server after %.1f s' % (seen, took)


def main():
    about, _, rest = __doc__.partition('\n\n')
    parser = argparse.ArgumentParser(
        description=about, epilog=rest,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(metavar='PROOF', required=True)
    for verb in (accounts, token, image, provider, compute, metadata,
                 restart):
        sub = verbs.add_parser(verb.__name__)
        sub.set_defaults(run=verb)
        if verb is accounts:
            sub.add_argument('services', nargs='*', metavar='SERVICE')
    args = parser.parse_args()
    return tell(args.run, args)


if __name__ == '__main__':
    sys.exit(main())
