"""What DevStack's own functions declare, and what is left to them; tests/unit/adopt.bats has what
becomes of it on the disk.
"""

from __future__ import annotations

import os
import re
import shutil

import pytest
from conftest import ACCOUNT, declared, forget, put

from devstack_wsgi import adopt, catalogue, host, paths, template, verbs

CONF = '/etc/thing.ini'


def bring(system, folder):
    """Do what a manifest says of files, as lib/run does."""
    def at(path):
        return f'{system}{path}'

    phase = '0'
    with open(f'{folder}/manifest', encoding='utf-8') as manifest:
        for line in manifest.read().splitlines():
            verb, *words = line.split(' ')
            if verb == 'phase':
                phase, = words
            elif verb == 'folder':
                os.makedirs(at(words[1]), exist_ok=True)
            elif verb == 'write':
                shutil.move(f'{folder}/new/{phase}{words[2]}', at(words[2]))
            elif verb == 'link' and not os.path.lexists(at(words[0])):
                os.symlink(words[1], at(words[0]))
            elif verb == 'remove':
                for path in words:
                    os.unlink(at(path))
    shutil.rmtree(folder)


class DevStack:
    """DevStack's calls, as lib/devstack hands them on; what was printed last is told."""

    def __init__(self, system, capsys):
        self.system, self.capsys, self.told = system, capsys, ''

    def __call__(self, verb, *words):
        """The exit status; what the manifest says of files is done."""
        forget()
        folder = f'{self.system}/var/lib/devstack-wsgi/run'
        status = verbs.main(['plan', folder, verb, *words])
        if os.path.exists(f'{folder}/manifest'):
            bring(self.system, folder)
        self.told = self.capsys.readouterr().err
        forget()
        return status

    def write(self, application='thing.wsgi:application', url='/thing', site='thing-api',
              address='', conf=CONF):
        return self('adopt_config', conf, application, url, site, '/usr/bin/uwsgi', address, 'no')

    def unit(self, key='thing', environment='', *arguments, conf=CONF):
        return self('adopt_unit', f'devstack@{key}.service', ' '.join((
            '/usr/bin/uwsgi --procname-prefix thing --ini', conf, *arguments)), '', ACCOUNT,
            environment, '/usr/bin:/bin')

    def left(self, call):
        """Whether a call was left to DevStack's own function, in one line."""
        return re.fullmatch(re.escape(f'[WARNING] wsgi: {call}: ')
                            + ".*: left to DevStack's own function\n", self.told)

    def record(self, name='thing-api'):
        return (host.read(paths.record(name)) or '').split('\n')

    def files(self):
        """All files but the note of what is left."""
        return {path: path.read_bytes() for path in self.system.rglob('*')
                if path.is_file() and str(path) != f'{self.system}{adopt.NOTE}'}


@pytest.fixture
def devstack(system, capsys, monkeypatch):
    monkeypatch.setenv('STACK_USER', ACCOUNT)
    for name, *options in (('first', '--path', '/first'), ('second', '--listen', '127.0.0.1:9001',
                                                           '--unit', 'second-u')):
        put(system, paths.record(name), declared(name, *options).text())
    return DevStack(system, capsys)


@pytest.fixture
def entry(tmp_path, monkeypatch):
    """Returns what writes the catalogue's entry of thing-api, or removes it."""
    folder = tmp_path / 'catalog'
    shutil.copytree(template.FILES / 'catalog', folder)
    monkeypatch.setattr(catalogue, '_FOLDER', folder)

    def write(*lines):
        (folder / 'thing-api').unlink(missing_ok=True)
        if lines:
            (folder / 'thing-api').write_text('name=thing-api\nkey=thing\n' + '\n'.join(lines)
                                              + '\n')
    return write


@pytest.mark.parametrize('row', [
    '/etc/a b.ini|m:a|/thing|thing-api|', 'thing.ini|m:a|/thing|thing-api|',
    '/etc/%i.ini|m:a|/thing|thing-api|', '/no/folder/thing.ini|m:a|/thing|thing-api|',
    '/etc|m:a|/thing|thing-api|', '/etc/t.ini|m-x:a|/thing|thing-api|',
    '/etc/t.ini|thing.wsgi|/thing|thing-api|', '/etc/t.ini|/no/such/script|/thing|thing-api|',
    '/etc/t.ini||/thing|thing-api|', '/etc/t.ini|m:a|thing|thing-api|',
    '/etc/t.ini|m:a|/|thing-api|',
    '/etc/t.ini|m:a|/th(i)ng|thing-api|', '/etc/t.ini|m:a||thing-api|',
    '/etc/t.ini|m:a|/thing|thing api|', '/etc/t.ini|m:a|/thing|thing.api|',
    '/etc/t.ini|m:a|/thing|9thing|', '/etc/t.ini|m:a|/thing|../thing|',
    '/etc/t.ini|m:a||thing-api|:8080', '/etc/t.ini|m:a||thing-api|localhost:8080',
    '/etc/t.ini|m:a||thing-api|8080', '/etc/t.ini|m:a|/first|thing-api|',
    '/etc/t.ini|m:a|/first/below|thing-api|', '/etc/t.ini|m:a||thing-api|127.0.0.1:9001'])
def test_what_we_cannot_carry_of_the_first_call_is_left_to_devstack(devstack, row):
    conf, *words = row.split('|')
    before = devstack.files()

    assert devstack.write(*words, conf=conf) == 3
    assert devstack.left(f'write_uwsgi_config {conf}')
    # its second call says no more, and leaves it as well
    assert (devstack.unit(conf=conf), devstack.told) == (3, '')
    assert (devstack('adopt_remove', conf), devstack.told) == (3, '')
    assert devstack.files() == before


def test_what_a_users_toggle_asks_for_and_cannot_have_is_left_by_name(devstack, monkeypatch):
    monkeypatch.setenv('API_WORKERS', '0')

    assert devstack.write() == 3
    assert devstack.left(f'write_uwsgi_config {CONF}') and "API_WORKERS '0'" in devstack.told


@pytest.mark.parametrize(('key', 'environment', 'arguments'), [
    ('thing', 'A="1', ''), ('thing', 'LD_PRELOAD=/x.so', ''), ('thing', 'UWSGI_HTTP=:80', ''),
    ('thing', 'NAME', ''), ('thing', '1A=b', ''), ('th.ing', '', ''), ('9thing', '', ''),
    ('thing', '', '--pyargv "a'), ('thing', '', '--venv /no/such/venv'), ('second-u', '', '')])
def test_what_we_cannot_carry_of_the_second_call_is_left_to_devstack(devstack, key, environment,
                                                                     arguments):
    devstack.write()
    before = devstack.files()

    # CONF is ours, and has to be given back first
    assert devstack.unit(key, environment, arguments) == 4
    assert devstack.left(f'write_uwsgi_user_unit_file devstack@{key}.service')
    assert devstack('adopt_unit', 'thing.service', f'/usr/bin/uwsgi --ini {CONF}', '', 'daemon',
                    '', '/bin') == 4
    assert devstack.files() == before


@pytest.mark.parametrize('words', [
    ('1one', 'http://x', '/one'), ('o.ne', 'http://x', '/one'), ('one', 'ftp://x', '/one'),
    ('one', 'http://x', 'one'), ('one', 'http://x\\y', '/one'), ('one', 'http://x%{y}', '/one')])
def test_a_proxy_whose_words_we_cannot_carry_is_left_to_devstack(devstack, words):
    before = devstack.files()

    assert devstack('adopt_proxy', *words) == 3
    assert devstack.left(f'write_local_proxy_http_config {words[0]}')
    assert devstack.files() == before


@pytest.mark.parametrize(('lines', 'variable', 'wanted'), [
    (None, 'WSGI_HARDENING=standard', 'standard'), (None, 'WSGI_HARDENING=off', 'off'),
    ('', 'WSGI_HARDENING=strict', 'strict'), ('hardening=off', 'WSGI_HARDENING=standard', 'off'),
    ('hardening=standard', 'WSGI_HARDENING=strict', 'standard'),
    ('hardening=off', 'WSGI_HARDENING_thing=strict', 'strict')])
def test_the_sandbox_is_the_catalogues_for_one_unknown_standard(devstack, entry, monkeypatch,
                                                                lines, variable, wanted):
    entry(*([] if lines is None else [lines]))
    monkeypatch.setenv(*variable.split('='))

    for call in (devstack.write, devstack.unit):
        assert call() == 0
        assert f'hardening={wanted}' in devstack.record()


def test_the_second_call_asks_for_the_sandbox_afresh(devstack, monkeypatch):
    monkeypatch.setenv('WSGI_HARDENING', 'off')
    devstack.write()
    monkeypatch.setenv('WSGI_HARDENING', 'strict')

    devstack.unit()

    assert 'hardening=strict' in devstack.record()


def test_threads_that_a_service_cannot_have_are_refused_or_left(devstack, entry, monkeypatch):
    entry('no-threads=no threads here')
    monkeypatch.setenv('WSGI_THREADS', '4')

    assert (devstack.write(), devstack.unit()) == (0, 0)
    assert 'threads=1' in devstack.record()
    monkeypatch.setenv('WSGI_THREADS_thing', '4')
    for call in (devstack.write, devstack.unit):
        assert call() == 1
        assert "WSGI_THREADS_thing '4': no threads here" in devstack.told


def test_an_argument_that_mod_wsgi_cannot_be_told_is_left_by_name(devstack, monkeypatch):
    monkeypatch.setenv('WSGI_MODE_thing', 'mod_wsgi')
    devstack.write()

    assert devstack.unit('thing', '', '--gevent 100') == 4
    assert "'--gevent'" in devstack.told and 'WSGI_MODE_thing=uwsgi' in devstack.told


def test_in_a_command_percent_and_dollar_signs_are_what_they_are(devstack):
    devstack.write()
    devstack.unit('thing', '', '--pyargv 100%x$y')

    assert re.search(r'^ExecStart=.* --pyargv 100%%x\$\$y$',
                     host.read('/etc/systemd/system/devstack@thing.service'), re.MULTILINE)


def test_a_call_without_a_name_takes_the_catalogues_or_makes_one(devstack, system):
    put(system, '/usr/bin/ironic_Inspector-api', '')

    for application, name, status in (
            ('placement.wsgi.api:application', 'placement-api', 0),
            ('watcher.wsgi.api:application', 'watcher-api', 0),
            # the script is none of this machine's
            ('/usr/bin/ironic_Inspector-api', 'ironic-inspector-api', 3)):
        assert devstack.write(application, f'/{name}', '', conf=f'/etc/{name}.ini') == status
        assert bool(host.read(paths.record(name))) is (status == 0)
        assert bool(host.read(f'/etc/apache2/sites-available/{name}.conf')) is (status == 0)


def test_a_conf_belongs_to_one_record_whatever_it_is_called(devstack):
    devstack.write('thing.wsgi:application', '/thing', 'thing-api')
    devstack.write('thing.wsgi:application', '/thing2', 'another')

    sites = '/etc/apache2/sites-available'
    assert host.exists(paths.record('thing-api')) and not host.exists(paths.record('another'))
    assert '<Location "/thing2">' in host.read(f'{sites}/another.conf')
    assert not host.exists(f'{sites}/thing-api.conf')


def test_what_the_catalogue_knows_is_taken_but_for_variables(devstack):
    devstack.write('glance.wsgi.api:application', '/image', 'glance-api', 'local 127.0.0.1')

    said = devstack.record('glance-api')
    assert 'healthcheck=/healthcheck' in said and 'set=post-buffering=0' in said
    assert not any(line.startswith('env=') for line in said)


def test_an_address_of_its_own_has_no_site_and_ipv6_gets_its_brackets(devstack):
    devstack.write('thing.wsgi:application', '', 'thing-api', '::1:8775')
    devstack.unit()

    assert not host.exists('/etc/apache2/sites-available/thing-api.conf')
    assert '\nListenStream=[::1]:8775\n' in host.read('/etc/systemd/system/devstack@thing.socket')


def test_http_behind_apache_has_one_line_http_socket_kept_for_good(devstack):
    def address():
        return re.findall('^http-socket = (.*)$', host.read(CONF), re.MULTILINE)

    local = ('thing.wsgi:application', '/thing', 'thing-api', 'local 127.0.0.1')
    devstack.write(*local)
    first = address()
    assert len(first) == 1 and re.fullmatch(r'127\.0\.0\.1:[0-9]+', first[0])
    assert f'http://{first[0]}/thing' in host.read('/etc/apache2/sites-available/thing-api.conf')
    devstack.unit()

    devstack.write(*local)

    assert address() == first
    devstack.write(*local[:3], 'local [::1]')
    assert address()[0].startswith('[::1]:')


def test_keystone_gets_all_variables_of_the_front(devstack):
    devstack.write('keystone.wsgi.api:application', '/identity', 'keystone-api')

    assert 'transport=uwsgi' in devstack.record('keystone')


def test_keystone_at_an_address_speaks_http(devstack):
    assert devstack.write('keystone.wsgi.api:application', '', 'keystone-api',
                          '127.0.0.1:5000') == 0

    assert 'transport=http' in devstack.record('keystone')
