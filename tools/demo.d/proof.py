#!/usr/bin/python3
"""Use the services of tools/demo as a client would, and say what was seen.

One subcommand is one proof: it prints one line, and exits with 1 if that line
is not what should have been seen. "accounts" is no proof: it makes the users
and endpoints that the services need in Keystone.

Standard library only; it runs in the machine, where the services are.
"""

import argparse
import hashlib
import http.client
import json
import os
import subprocess
import sys
import tempfile
import time
import uuid

OPENRC = '/root/openrc'
LOAD = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                    '../../tests/tools/load.py')
REGION = 'RegionOne'
# the services that have accounts: their type in Keystone, and their URL
ENDPOINTS = {
    'glance-api': ('image', '/image'),
    'placement-api': ('placement', '/placement'),
    'nova-api': ('compute', '/compute/v2.1'),
}
MIB = 1024 * 1024
IMAGE_MIB = 64
LOAD_RATE = 40
LOAD_AROUND = 2         # seconds of load before and after the restart


class Failed(Exception):
    """What was seen is not what should be."""


class Answer:
    def __init__(self, response, body):
        self.status = response.status
        self.headers = response.headers
        self.body = body

    def json(self):
        return json.loads(self.body)


def call(method, path, expect, body=None, headers=None, port=80,
         sink=None):
    """Send one request to this machine; Failed unless the status is it.

    body: bytes, an object (sent as JSON) or an iterator of bytes (sent in
    chunks); sink: called with every piece of the answer's body.
    """
    headers = dict(headers or {})
    if isinstance(body, (dict, list)):
        body = json.dumps(body).encode()
        headers['Content-Type'] = 'application/json'
    chunked = body is not None and not isinstance(body, bytes)
    if chunked:
        headers['Transfer-Encoding'] = 'chunked'
    connection = http.client.HTTPConnection('127.0.0.1', port, timeout=60)
    try:
        connection.request(method, path, body, headers,
                           encode_chunked=chunked)
        response = connection.getresponse()
        if sink and response.status == expect:
            while piece := response.read(MIB):
                sink(piece)
        answer = Answer(response, response.read())
    except (OSError, http.client.HTTPException) as error:
        raise Failed('%s %s: %s: %s' % (method, path, type(error).__name__,
                                        error))
    finally:
        connection.close()
    if answer.status != expect:
        raise Failed('%s %s: %d instead of %d: %s' % (
            method, path, answer.status, expect,
            ' '.join(answer.body.decode('utf-8', 'replace').split())[:200]))
    return answer


def read_openrc():
    values = {}
    with open(OPENRC) as lines:
        for line in lines:
            key, _, value = line.strip().partition('=')
            values[key.replace('export ', '')] = value
    return values


def ask_token():
    openrc = read_openrc()
    user = {'name': openrc['OS_USERNAME'],
            'password': openrc['OS_PASSWORD'],
            'domain': {'id': openrc['OS_USER_DOMAIN_ID']}}
    project = {'name': openrc['OS_PROJECT_NAME'],
               'domain': {'id': openrc['OS_PROJECT_DOMAIN_ID']}}
    return call('POST', '/identity/v3/auth/tokens', 201, {'auth': {
        'identity': {'methods': ['password'], 'password': {'user': user}},
        'scope': {'project': project}}})


def signed_in():
    """Headers that carry a fresh token."""
    return {'X-Auth-Token': ask_token().headers['X-Subject-Token']}


def accounts(args):
    headers = signed_in()
    password = read_openrc()['OS_PASSWORD']

    def create(kind, plural, **fields):
        answer = call('POST', '/identity/v3/' + plural, 201, {kind: fields},
                      headers)
        return answer.json()[kind]['id']

    project = create('project', 'projects', name='service',
                     domain_id='default')
    roles = call('GET', '/identity/v3/roles?name=service', 200,
                 headers=headers).json()['roles']
    for name in args.services:
        if name not in ENDPOINTS:
            continue
        service_type, path = ENDPOINTS[name]
        user = create('user', 'users', name=name.partition('-')[0],
                      password=password, domain_id='default')
        call('PUT', '/identity/v3/projects/%s/users/%s/roles/%s' % (
            project, user, roles[0]['id']), 204, headers=headers)
        service = create('service', 'services', name=name, type=service_type)
        create('endpoint', 'endpoints', service_id=service, region_id=REGION,
               interface='public', url='http://127.0.0.1' + path)
    return 'service accounts and endpoints'


def token(args):
    answer = ask_token()
    value = answer.headers['X-Subject-Token']
    seen = call('GET', '/identity/v3/auth/tokens', 200, headers={
        'X-Auth-Token': value, 'X-Subject-Token': value}).json()['token']
    return '%d from Keystone, %d characters; it is %s\'s, until %s' % (
        answer.status, len(value), seen['user']['name'], seen['expires_at'])


def image(args):
    headers = signed_in()
    made = call('POST', '/image/v2/images', 201, {
        'name': 'demo', 'disk_format': 'raw', 'container_format': 'bare'},
        headers).json()
    path = '/image/v2/images/%s/file' % made['id']
    sent = hashlib.sha512()
    got = hashlib.sha512()

    def pieces():
        for _ in range(IMAGE_MIB):
            piece = os.urandom(MIB)
            sent.update(piece)
            yield piece

    begin = time.monotonic()
    call('PUT', path, 204, pieces(),
         {**headers, 'Content-Type': 'application/octet-stream'})
    middle = time.monotonic()
    call('GET', path, 200, headers=headers, sink=got.update)
    end = time.monotonic()
    kept = call('GET', '/image/v2/images/' + made['id'], 200,
                headers=headers).json()
    digest = sent.hexdigest()
    if not digest == got.hexdigest() == kept['os_hash_value']:
        raise Failed('sha512 sent %.16s, read back %.16s, Glance says %.16s' %
                     (digest, got.hexdigest(), kept['os_hash_value']))
    return ('%d MiB sent in chunks in %.1f s, read back in %.1f s, '
            'sha512 %.12s... both times' % (
                IMAGE_MIB, middle - begin, end - middle, digest))


def provider(args):
    headers = {**signed_in(), 'OpenStack-API-Version': 'placement 1.20'}
    wanted = str(uuid.uuid4())
    call('POST', '/placement/resource_providers', 200,
         {'name': 'demo-' + wanted[:8], 'uuid': wanted}, headers)
    seen = call('GET', '/placement/resource_providers/' + wanted, 200,
                headers=headers).json()
    if seen['uuid'] != wanted:
        raise Failed('made %s, read %s' % (wanted, seen['uuid']))
    return 'resource provider %s made and read' % seen['name']


def compute(args):
    versions = call('GET', '/compute/', 200).json()['versions']
    call('GET', '/compute/v2.1/servers', 401)
    servers = call('GET', '/compute/v2.1/servers/detail', 200,
                   headers=signed_in()).json()['servers']
    return 'versions %s; servers: 401 without a token, %d servers with' % (
        ' '.join(version['id'] for version in versions), len(servers))


def metadata(args):
    answer = call('GET', '/', 200, port=8775)
    versions = answer.body.decode().split()
    if 'latest' not in versions:
        raise Failed('no "latest" in ' + ' '.join(versions)[:200])
    return '%d on port 8775, %d versions up to %s' % (
        answer.status, len(versions), versions[-1])


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
    try:
        print(args.run(args))
    except (Failed, KeyError, ValueError) as error:
        print('%s' % error if isinstance(error, Failed) else repr(error))
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
