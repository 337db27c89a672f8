#!/usr/bin/python3
"""Copy what devstack-plugin-wsgi wrote into a folder, without its secrets.

A module for Ansible; the role's README.rst says what it collects. A secret is
recognised where it stands, by its name, and then blotted out wherever else
the same value occurs. Changes nothing where the copies are right already.
"""

import filecmp
import glob
import os
import re
import subprocess
import tempfile

from ansible.module_utils.basic import AnsibleModule

RECORDS = '/etc/devstack-wsgi/services/*.conf'
WANTED = (
    '/etc/devstack-wsgi/**',
    '/etc/systemd/system/devstack@*',
    '/etc/systemd/system/devstack@*.d/*',
    '/etc/apache2/sites-available/*',
    '/etc/httpd/conf.d/*',
    # edits that the library put aside
    '/var/lib/devstack-wsgi/removed/**',
)
ENABLED = '/etc/apache2/sites-enabled'
BLOT = b'<secret>'
# shorter values, such as 'true', stand for other things too
SHORTEST = 6

# name, then the value that is not to be seen
SECRETS = [re.compile(pattern, re.MULTILINE) for pattern in (
    # a record, and what a mod_wsgi service and the front share
    rb'^(secret=)(.+)$',
    rb'^(\s*Define\s+DEVSTACK_WSGI_SECRET\s+)(\S+)',
    rb'(X-Devstack-Wsgi-Secret[:\s]\s*)(\S+)',
    # a variable of the environment; quoted, its value has no bare quote
    rb'(\b[A-Z0-9_]*(?:PASSWORD|PASSWD|SECRET|TOKEN|PRIVATE_KEY)[A-Z0-9_]*='
    rb')((?:\\.|[^"\\\n])+)',
    # Apache: OIDCClientSecret, OIDCCryptoPassphrase, AuthLDAPBindPassword
    rb'^(\s*\w+(?:Secret|Passphrase|Password)\s+)(\S.*)$',
)]


class Blotter:
    """Knows the values that nobody is to see."""

    def __init__(self):
        self.values = set()

    def learn(self, text: bytes):
        for pattern in SECRETS:
            for match in pattern.finditer(text):
                value = match.group(2).strip(b' \t"\'')
                if len(value) >= SHORTEST:
                    self.values.add(value)

    def clean(self, text: bytes) -> bytes:
        for pattern in SECRETS:
            text = pattern.sub(rb'\1' + BLOT, text)
        # the longest first: one may be a part of another
        for value in sorted(self.values, key=len, reverse=True):
            text = text.replace(value, BLOT)
        return text


class Collection:
    def __init__(self, dest: str, check: bool):
        self.dest = dest.rstrip('/')
        self.check = check
        self.changed = False
        self.files = []

    def folder(self, path: str):
        if os.path.isdir(path):
            return
        self.changed = True
        if not self.check:
            self.folder(os.path.dirname(path))
            os.mkdir(path)
            os.chmod(path, 0o755)

    def put(self, name: str, blocks):
        """Make dest/name.txt consist of these blocks, in which may be none."""
        path = os.path.join(self.dest, name.lstrip('/') + '.txt')
        with tempfile.NamedTemporaryFile() as new:
            for block in blocks:
                new.write(block)
            new.flush()
            if not new.tell():
                return
            self.files.append(path)
            if os.path.isfile(path) and filecmp.cmp(new.name, path, False):
                return
            self.changed = True
            if self.check:
                return
            self.folder(os.path.dirname(path))
            new.seek(0)
            with open(path, 'wb') as old:
                for block in iter(lambda: new.read(1 << 20), b''):
                    old.write(block)
            os.chmod(path, 0o644)


def configurations() -> list:
    """What the records say that a service's CONF is."""
    found = []
    for record in glob.glob(RECORDS):
        with open(record, errors='surrogateescape') as lines:
            found += [line[len('conf='):].rstrip('\n') for line in lines
                      if line.startswith('conf=')]
    return found


def journal(*words: str):
    """The lines of journalctl, as they come."""
    with subprocess.Popen(['journalctl', '--quiet', '--no-pager', *words],
                          stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL) as run:
        yield from run.stdout or ()


def units() -> list:
    found = set()
    for field in ('_SYSTEMD_UNIT', 'UNIT'):
        found.update(line.decode().strip()
                     for line in journal('--field=' + field))
    return sorted(unit for unit in found if unit.startswith('devstack@'))


def collect(into: Collection, journals: bool, since: str, more: list):
    blotter = Blotter()
    texts = {}
    for pattern in (*WANTED, *map(glob.escape, configurations()), *more):
        for path in glob.glob(pattern, recursive=True):
            if os.path.isfile(path):
                with open(path, 'rb') as file:
                    texts[path] = file.read()
                blotter.learn(texts[path])
    for path, text in sorted(texts.items()):
        into.put(path, [blotter.clean(text)])
    if os.path.isdir(ENABLED):
        names = sorted(os.listdir(ENABLED))
        into.put(ENABLED, [name.encode() + b'\n' for name in names])
    if journals:
        words = ['--output=short-precise']
        words += ['--since=' + since] if since else []
        for unit in units():
            into.put('journal/' + unit,
                     map(blotter.clean, journal(*words, '--unit=' + unit)))


def main():
    module = AnsibleModule(
        argument_spec={
            'dest': {'type': 'path', 'required': True},
            'journals': {'type': 'bool', 'default': True},
            'since': {'type': 'str', 'default': ''},
            'more': {'type': 'list', 'elements': 'str', 'default': []},
        },
        supports_check_mode=True)
    options = module.params
    into = Collection(options['dest'], module.check_mode)
    try:
        into.folder(into.dest)
        collect(into, options['journals'], options['since'], options['more'])
    except OSError as error:
        module.fail_json(msg=f'cannot collect: {error}')
    module.exit_json(changed=into.changed, files=into.files)


if __name__ == '__main__':
    main()
