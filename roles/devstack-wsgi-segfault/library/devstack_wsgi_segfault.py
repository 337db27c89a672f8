#!/usr/bin/python3
"""Find the lines that tell of a segmentation fault of a server's process.

A module for Ansible; the role's README.rst says where it looks.
"""

import os
import re
import subprocess

from ansible.module_utils.basic import AnsibleModule

DROPIN = '/etc/systemd/system/%s.d/50-wsgi.conf'
# what the servers say of it
SERVERS = re.compile(
    r'!!! uWSGI process \d+ got Segmentation Fault !!!'
    r'|died, killed by signal 11\b'
    r'|AH00052: child pid \d+ exit signal Segmentation fault'
    r'|AH00060: seg fault or similar nasty error')
# what systemd says if it was the service's main process
SYSTEMD = re.compile(
    r'(devstack@[^:\s]+\.service): Main process exited, '
    r'code=(?:killed|dumped), status=11/SEGV')
KERNEL = r'\b(?:%s)[^\[\]:]*\[\d+\]:? (?:segfault at|general protection)'
MOST = 50


class Unreadable(Exception):
    """There is a source that cannot be read."""


def journal(words: list):
    run = subprocess.Popen(
        ['journalctl', '--quiet', '--no-pager', '--output=short-iso', *words],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        errors='replace', encoding='utf-8')
    with run:
        yield from run.stdout or ()
        said = run.stderr.read().strip()
    # there is no such unit, or none that has said anything
    if run.returncode and not said.endswith('No data available'):
        raise Unreadable('journalctl {}: {}'.format(' '.join(words), said))


def of_service(line: str) -> bool:
    """Whether a line of the units' journals tells of one."""
    if SERVERS.search(line):
        return True
    match = SYSTEMD.search(line)
    # DevStack runs other services under such names, too
    return bool(match) and os.path.exists(DROPIN % match.group(1))


def find(logs: list, processes: list, since: str):
    """Yield all lines that tell of one."""
    words = ['--since=' + since] if since else []
    yield from filter(of_service, journal(['--unit=devstack@*', *words]))
    if processes:
        kernel = re.compile(KERNEL % '|'.join(map(re.escape, processes)))
        yield from filter(kernel.search, journal(['--dmesg', *words]))
    for path in logs:
        if os.path.exists(path):
            with open(path, errors='replace') as lines:
                yield from filter(SERVERS.search, lines)


def main():
    lists = {'type': 'list', 'elements': 'str', 'default': []}
    module = AnsibleModule(
        argument_spec={'ignore': lists, 'logs': lists, 'processes': lists,
                       'since': {'type': 'str', 'default': ''}},
        supports_check_mode=True)
    options = module.params
    found = []
    count = 0
    try:
        ignore = [re.compile(text) for text in options['ignore']]
        for line in find(options['logs'], options['processes'],
                         options['since']):
            if any(regex.search(line) for regex in ignore):
                continue
            count += 1
            if count <= MOST:
                found.append(line.strip())
    except re.error as error:
        module.fail_json(msg=f'ignore: {error.pattern!r} is no regular expression: {error}')
    except (OSError, Unreadable) as error:
        module.fail_json(msg=f'cannot look for crashes: {error}')
    module.exit_json(changed=False, found=found, count=count)


if __name__ == '__main__':
    main()
