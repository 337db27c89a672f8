"""Ironic Inspector: a rule, made and read."""


def rule(service):
    made = service.call('POST', '/v1/rules', 201, {
        'description': 'demo', 'conditions': [],
        'actions': [{'action': 'fail', 'message': 'demo'}]}).json()
    seen = service.call('GET', '/v1/rules/' + made['uuid'], 200).json()
    return 'rule: {} made and read'.format(seen['uuid'])


PROOFS = {'ironic-inspector': rule}
