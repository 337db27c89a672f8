"""Keystone: a token for the first account, and what it says about itself."""

from harness.client import read_openrc


def ask_token(service):
    openrc = read_openrc()
    user = {'name': openrc['OS_USERNAME'],
            'password': openrc['OS_PASSWORD'],
            'domain': {'id': openrc['OS_USER_DOMAIN_ID']}}
    project = {'name': openrc['OS_PROJECT_NAME'],
               'domain': {'id': openrc['OS_PROJECT_DOMAIN_ID']}}
    return service.call('POST', '/v3/auth/tokens', 201, {'auth': {
        'identity': {'methods': ['password'], 'password': {'user': user}},
        'scope': {'project': project}}})


def token(service):
    answer = ask_token(service)
    value = answer.headers['X-Subject-Token']
    seen = service.call('GET', '/v3/auth/tokens', 200, headers={
        'X-Auth-Token': value, 'X-Subject-Token': value}).json()['token']
    return ('token: %d from Keystone, %d characters; it is %s\'s, until %s' % (
        answer.status, len(value), seen['user']['name'], seen['expires_at']))


PROOFS = {'keystone': token}
