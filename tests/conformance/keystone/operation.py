#!/usr/bin/python3
"""Keystone: a token for the first account, and what it says about itself."""

import os
import sys

sys.path.insert(0, os.path.join(
    os.path.dirname(os.path.abspath(__file__)), '../../tools'))

from client import main, read_openrc  # noqa: E402


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


if __name__ == '__main__':
    main({'keystone': token})
