#!/usr/bin/python3
"""Compare the servers of all services with what the toggles of a job say.

A module for Ansible; the role's README.rst says when it fails.
"""

import glob

from ansible.module_utils.basic import AnsibleModule

RECORDS = '/etc/devstack-wsgi/services/*.conf'
NAMES = ('name', 'unit', 'site', 'key')
OFF = ('0', 'false', 'no')


def read(path: str) -> dict:
    """A record; of a key that is repeated, the last value."""
    with open(path, errors='replace') as lines:
        return dict(line.rstrip('\n').split('=', 1)
                    for line in lines if '=' in line and line[0] != '#')


def wanted(record: dict, localrc: dict) -> str:
    """The server that the toggles say for a service."""
    for field in NAMES:
        name = record.get(field, '').replace('-', '_')
        if 'WSGI_MODE_' + name in localrc:
            return str(localrc['WSGI_MODE_' + name])
    return str(localrc.get('DEVSTACK_WSGI_MODE', 'uwsgi'))


def main():
    module = AnsibleModule(
        argument_spec={'localrc': {'type': 'dict', 'required': True},
                       'services': {'type': 'bool', 'required': True}},
        supports_check_mode=True)
    localrc = module.params['localrc']
    stock = str(localrc.get('WSGI_TAKE_OVER', True)).lower() in OFF
    modes = {}
    wrong = []
    try:
        for path in sorted(glob.glob(RECORDS)):
            record = read(path)
            name, mode = record.get('name', path), record.get('mode', '')
            modes[name] = mode
            want = wanted(record, localrc)
            if not stock and mode != want:
                wrong.append(f'{name} is under {mode}, not {want}')
    except OSError as error:
        module.fail_json(msg=f'cannot read the records: {error}')
    if stock and modes:
        wrong.append('WSGI_TAKE_OVER is off, and there are services: '
                     + ' '.join(modes))
    if module.params['services'] and not stock and not modes:
        wrong.append(f'there is no service ({RECORDS})')
    if wrong:
        module.fail_json(msg='; '.join(wrong), modes=modes)
    module.exit_json(changed=False, modes=modes)


if __name__ == '__main__':
    main()
