"""Bad input: each is refused in one line that says what was seen and what to write instead, and
nothing is written. tests/unit/bad-input.bats has what the shell adds.
"""

from __future__ import annotations

import os
import re
import shutil

import pytest
from conftest import ACCOUNT, declared, fake_venv, forget, put, script

from devstack_wsgi import catalogue, host, paths, template, verbs

CONTROL, GIVE = 'control characters', 'give it a value'
NUMBER = 'a number from 1 to 512'
PLACE = 'absolute path'
TAKEN = 'choose another'
SERVICES = '/etc/devstack-wsgi/services'
FIRST = f'{SERVICES}/first.conf'
SECOND = ('second', '--listen', '127.0.0.1:9001')


class Judge:
    """Calls what has to be refused, and collects what is wrong with the refusals."""

    def __init__(self, system, capsys):
        self.system, self.capsys, self.wrong, self.told = system, capsys, [], ''

    def __call__(self, words, *wanted, status=1):
        """words: the verb and its arguments; wanted: texts that the line has."""
        forget()
        before = self.tree()
        plan = ['plan', f'{self.system}/var/run-of-test'] if words[0] in verbs.PLANS else []
        got = verbs.main([*plan, *words])
        out, self.told = self.capsys.readouterr()
        faults = [f'no {word!r}' for word in wanted if word not in self.told]
        faults += [f'status {got}'] * (got != status) + ['output'] * (out != '')
        faults += ['something was written'] * (self.tree() != before)
        # one line, without a character that a terminal acts on
        if not re.fullmatch('\\[ERROR\\] wsgi: [^\x00-\x1f\x7f-\x9f]+\n', self.told):
            faults.append('not one line')
        if faults:
            self.wrong.append((words, faults, self.told))

    def option(self, option, values, *wanted, seen=None):
        """The same of values of an option of 'deploy', each of which the line shows."""
        for value in values:
            self(new(option, value), value if seen is None else seen, *wanted)

    def tree(self):
        """All below the system's root, and when it was changed."""
        return [(path, os.lstat(path).st_mtime_ns)
                for folder, folders, files in os.walk(self.system)
                for path in (folder, *(f'{folder}/{name}' for name in (*folders, *files)))]

    def deploy(self, name, *options):
        """Bring a record to the disk, as a deploy leaves it."""
        record = declared(name, *options)
        put(self.system, paths.record(name), record.text())


def new(*options, name='new'):
    """The words that deploy a service; what it needs and was not given is added."""
    words = ['deploy', name, *options]
    if not {'--app', '--script'} & set(options):
        words += ['--app', 'thing.wsgi:application']
    if not {'--path', '--listen'} & set(options):
        words += ['--path', f'/{name}']
    return words if '--user' in options else [*words, '--user', ACCOUNT]


@pytest.fixture
def refused(system, capsys):
    """A judge, on a system where 'first' is deployed."""
    judge = Judge(system, capsys)
    judge.deploy('first', '--unit', 'first-u', '--site', 'first-s', '--key', 'first-k',
                 '--conf', '/etc/first.ini')
    yield judge
    assert judge.wrong == []


# ---- values of options

NO_NAMES = ['9keystone', '_key', 'a-', 'key stone', 'a/b', '../a', '..', 'a.b', 'a@b', 'a:b',
            'abcdefghijklmnopqrstuvwxyz-abcdefghijklmnopqrstuvw', 'ключ', 'é', 'a*', '*', 'a\\',
            "a'b", 'a"b', '%i', '~', 'a;b', 'a$(id)', 'a`id`', 'a&b',
            'watcher.wsgi.api:application']


def test_names_other_than_plain_ones_are_refused(refused):
    refused(['deploy', '', '--app', 'm:a', '--path', '/x'], "name ''", GIVE)
    refused(['deploy', 'a\nb', '--app', 'm:a', '--path', '/x'], "name 'a", CONTROL)
    for name in ('Keystone', 'key_stone', *NO_NAMES):
        refused(new(name=name), name, "use a-z, 0-9 and '-'")
    for option in ('--unit', '--site', '--key'):
        refused.option(option, NO_NAMES, "use A-Z, a-z, 0-9, '-' and")


def test_applications_and_scripts(refused):
    refused.option('--app', [
        'module', 'module:', ':app', 'm:a:b', 'm.:a', '.m:a', 'm..n:a', 'm/x:a', 'm-x:a', '1m:a',
        'm a:b', "m:a'", 'm:a;b', 'm:a\\', 'm:1a', 'm: a', 'm:a.b', 'm:a(', 'm:a)', 'm:a(b)',
        'm:a()()', 'm:a() ', 'm():a', 'm:a().b', 'm:()'], 'MODULE:CALLABLE')
    refused.option('--app', ['m:a\nenv=X=1'], CONTROL, seen='m:a')
    refused.option('--script', ['app.wsgi', './app.wsgi', '/tmp/../etc/passwd',
                                '/srv/my app.wsgi', "/srv/it's.wsgi"], PLACE)
    refused.option('--script', ['/no/such/app.wsgi'], 'no such file')
    refused.option('--script', ['/etc'], 'file')
    refused(new('--app', 'm:a', '--script', '/etc/passwd'), '--app and --script', 'give one')
    refused(['deploy', 'new', '--path', '/new', '--user', ACCOUNT], 'new',
            '--app MODULE:CALLABLE or --script FILE')


def test_paths_that_are_no_plain_prefix(refused):
    refused.option('--path', [
        'compute', '/a/', '//a', '/a//b', '/a/../b', '/..', '/./a', '/a/.', '/a b', '/a?x', '/a#x',
        '/a%2fb', '/a"b', "/a'b", '/a\\', '/a*', '/(a)', '/a;b', '/a|b', '/a$', '/ä', 'http://x/a',
        '/a<b', '/a>', '/a,b', '/a:b', '/a&b', '~', ' /a', '/a '], '/compute')
    refused.option('--path', ['/'], "the root is the front's own")
    refused.option('--path', ['/a\nProxyPass /b http://c/'], CONTROL, seen='/a')


def test_health_checks_that_are_no_plain_path(refused):
    refused.option('--healthcheck', [
        'health', '/a?b', '/a b', '/../x', '/a/..', '/a"b', '/%2e', 'http://x/', '/a\\', '/a;b',
        '/a#', '/(a)'], '/healthcheck')


def test_addresses_that_are_no_address_and_port(refused):
    refused.option('--listen', [
        '8775', ':8775', 'localhost:8775', '127.0.0.1', '127.0.0.1:', '127.0.0.1:0',
        '127.0.0.1:65536', '127.0.0.1:99999', '127.0.0.1:080', '127.0.0.1:http', '127.0.0.1:-1',
        '256.0.0.1:80', '1.2.3:80', '1.2.3.4.5:80', '1.2.3.999:80', '010.0.0.1:80', '1.2.3.4/8:80',
        '::1:80', '[::1]', '[::1]:', '[::g]:80', '[:::::]:80', '[1]:80', '[1:2:3:4:5:6:7:8:9]:80',
        '[12345::]:80', '[::1%lo]:80', '[1::2::3]:80', '127.0.0.1:80 ', ' 127.0.0.1:80',
        '127.0.0.1:8 0', '*:80', '/run/x.socket', 'http://127.0.0.1:80', '@x:80', '127.0.0.1:80;',
        '127.0.0.1:80:80'], '127.0.0.1:8775')
    refused.option('--listen', ['127.0.0.1:80\nExecStart=/bin/x'], CONTROL, seen='127.0.0.1:80')


def test_no_address_at_all_and_the_uwsgi_protocol_on_one(refused, monkeypatch):
    direct = ['--listen', '127.0.0.1:9009']
    refused(['deploy', 'new', '--app', 'm:a', '--user', ACCOUNT], 'new', '--path /URL')
    refused(new(*direct, '--transport', 'uwsgi'), 'uwsgi', 'only http')
    refused(new(*direct, '--transport', 'uwsgi', '--path', '/new'), 'uwsgi', 'only http')
    monkeypatch.setenv('WSGI_TRANSPORT_new', 'uwsgi')
    refused(new(*direct), 'uwsgi', 'only http')


def test_words_of_a_short_list(refused):
    refused.option('--mode', ['gunicorn', 'UWSGI', '../record', 'uwsgi ', 'uwsgi,uwsgi', 'wsgi',
                              '%i'], 'known are: ')
    refused.option('--mode', ['uwsgi\n'], CONTROL, seen='uwsgi')
    refused.option('--transport', ['https', 'UWSGI', 'fastcgi', 'http ', 'http,uwsgi'],
                   'known are: http, uwsgi')
    refused.option('--hardening', ['on', 'STRICT', 'no', 'full'],
                   'known are: off, standard, strict')


def test_numbers(refused):
    for option in ('--processes', '--threads'):
        refused.option(option, [
            '0', '-1', '+1', '513', '1000', '99999999999999999999', '2.5', '2,5', '2 ', ' 2', '0x2',
            '08', 'two', '2;id', '1e1', 'auto', '٣', '%n', '2%', '1-2'], NUMBER)
        refused.option(option, ['2\n3'], CONTROL, seen='2')


def test_accounts(refused):
    for option in ('--user', '--group'):
        refused.option(option, ['no such', '0', '1000', 'a;b', '-x', '../x', 'daemon:daemon', '%u',
                                'Daemon', 'a"b'], 'the name of an account')
        refused.option(option, ['no-such'], f'create it or give another with {option}')
    refused.option('--user', ['nosuch'], "no user 'nosuch' on this system")
    refused.option('--group', ['nosuch'], "no group 'nosuch' on this system")
    refused.option('--user', ['daemon\nUser=root'], CONTROL, seen='daemon')


def test_folders_that_are_not_there_or_of_another_kind(refused):
    for option in ('--venv', '--chdir', '--python-path'):
        refused.option(option, ['relative', './x', '../x', '~/x', '/my folder', '/a/../b', '/a;b',
                                '/a"b', '/a%', '/a:/b'], PLACE)
        refused.option(option, ['/no/such/folder', '/etc/passwd'], 'no such folder')
    refused.option('--venv', ['/etc'], '-m venv')
    refused.option('--chdir', ['/etc\nuid=0'], CONTROL, seen='/etc')


def test_a_venv_of_a_python_that_uwsgi_does_not_load(refused, tmp_path):
    for version, seen in (('2.7.18', 'Python 2.7'), ('3.13.0', 'Python 3.13'),
                          ('3.1.1', 'Python 3.1,')):
        refused.option('--venv', [fake_venv(tmp_path / version, version)], '/usr/bin/python3',
                       seen=seen)
    venv = fake_venv(tmp_path / 'virtualenv', '3.11')
    (tmp_path / 'virtualenv/pyvenv.cfg').write_text('version_info = 3.12.0.final.0\n')
    refused.option('--venv', [venv], '/usr/bin/python3', "the system's uWSGI loads 3.11",
                   seen='Python 3.12')


def test_no_uwsgi_on_the_system(refused):
    (refused.system / 'usr/bin/uwsgi').unlink()

    refused(new(), 'uWSGI is not installed', 'uwsgi-plugin-python3')


def test_a_uwsgi_that_does_not_run(refused, tmp_path):
    venv = fake_venv(tmp_path / 'venv', '3.11')
    script(tmp_path / 'venv/bin/uwsgi', 'exit 127')

    refused(new('--venv', venv, '--set', 'harakiri=60'), f"'{venv}/bin/uwsgi --help'",
            'is the installation complete?')


def test_variables_of_the_environment(refused):
    refused.option('--env', ['A', '=x', '1A=x', 'A B=x', 'A-B=x', 'A.B=x', '$A=x', 'A[0]=x',
                             'A;B=x', "'A=x'"], 'NAME=VALUE')
    # what steers the server, the loader or systemd
    for value in ('UWSGI_FILE=/tmp/x', 'UWSGI_SOCKET=:80', 'UWSGI_EXEC_ASAP=id',
                  'LD_PRELOAD=/tmp/x.so', 'LD_LIBRARY_PATH=/tmp', 'LISTEN_FDS=3', 'LISTEN_PID=1',
                  'NOTIFY_SOCKET=/tmp/x', 'MAINPID=1'):
        refused.option('--env', [value], seen=value.split('=')[0])
    for value in ('A=b\nExecStart=/bin/x', 'A=\x01', 'A=\x1b[31mred', 'A=\x7f', 'A=b\r'):
        refused.option('--env', [value], CONTROL, seen=value[:2])


def test_variables_of_the_front(refused):
    refused.option('--variable', ['*', '1A', 'A B', 'A**', '*A', 'A*B', 'A.B', 'é', 'A=b'],
                   'write the name of a variable')
    for value in ('HTTP_X_ROLES', 'HTTP_*', 'HTTP*', 'H*', 'HTTP_X_*', 'REMOTE_USER', 'REMOTE_*',
                  'SCRIPT*', 'DEVSTACK_WSGI_UNIT', 'D*'):
        refused.option('--variable', [value], 'is in every environ, or a header')


# systemd refuses the whole unit for one of them
@pytest.mark.parametrize('value', [
    b'\xff', b'\xc3', b'\x9b', b'\xc0\x80', b'\xed\xa0\x80', b'\xf4\x90\x80\x80', b'\xef\xb7\x90',
    b'\xef\xbf\xbe', b'\xf0\x9f\xbf\xbf', b'\xc2\x85', b'\xc2\x9b'], ids=str)
def test_bytes_that_are_no_utf_8_and_what_only_a_terminal_reads(refused, value):
    said = value.decode('utf-8', 'surrogateescape')

    refused.option('--env', [f'A=é{said}'], 'in UTF-8', seen='A=??')
    assert said not in refused.told


def test_arguments_of_the_application(refused):
    refused.option('--arg', ['a"b', "a'b", 'a\\', '\\n'], 'quotes and backslashes')
    refused.option('--arg', [' a', 'a ', ' '], 'spaces at the ends')
    refused.option('--arg', ['two words'], 'uWSGI cuts arguments at spaces', 'one for each word')
    refused.option('--arg', ['$(id)'], 'servers expand them')
    refused.option('--arg', ['a\nb'], CONTROL, seen='a')


def test_settings_of_the_server(refused):
    refused.option('--set', ['harakiri', '=5', 'harakiri=', 'Harakiri=5', 'hara kiri=5', '1x=2',
                             '-x=1', '[uwsgi]', '#x=1', '%x=1'], 'KEY=VALUE')
    refused.option('--set', ['harakiri= 60', 'harakiri=60 '], 'spaces at the ends')
    # an option of ours says it, or a promise rests on it; the last ones are uwsgi's protocol on TCP
    for row in ('hararkiri=60|has no such setting', 'module=x:y|use --app', 'wsgi-file=/x|use --sc',
                'mount=/x=y|use --path', 'processes=5|use --processes', 'workers=2|use --processes',
                'threads=5|use --threads', 'env=A=b|use --env', 'pyargv=x|use --arg',
                'venv=/x|use --venv', 'chdir=/x|use --chdir', 'uid=root|use --user',
                'gid=root|use --group', 'lazy-apps=false|use --preload',
                'http-socket=0.0.0.0:80|use --listen', 'http-socket=:80|use --listen',
                'socket=0.0.0.0:80|leave it out', 'chmod-socket=666|leave it out',
                'daemonize=/x|leave it out', 'stats=:1717|leave it out',
                'master-fifo=/x|leave it out', 'plugins=python2|leave it out',
                'ini=/x|leave it out', 'raw-socket=:80|leave it out',
                'fastcgi-socket=:80|leave it out', 'scgi-socket=:80|leave it out',
                'puwsgi-socket=0.0.0.0:3031|', 'suwsgi-socket=0.0.0.0:3031,c,k|',
                'ssl-socket=0.0.0.0:3031,c,k|'):
        setting, _, instead = row.partition('|')
        refused.option('--set', [setting], instead, seen=setting.split('=')[0])
    refused.option('--set', ['harakiri=60\nexec-asap=id'], CONTROL, seen='harakiri=60')


def test_places_for_the_servers_configuration(refused):
    refused.option('--conf', ['x.ini', './x.ini', '../x.ini', '/etc/x y.ini', '/etc/../x.ini',
                              '/etc/x;y', '/etc/%i.ini', '/etc/x:uwsgi', '/etc/"x"'], PLACE)
    refused.option('--conf', ['/no/such/folder/x.ini', '/etc/passwd/x.ini'], 'no such folder')
    # folders are no files
    refused.option('--conf', ['/etc', '/etc/'], 'a folder')


def test_no_value_at_all(refused):
    for option in ('--app', '--script', '--path', '--healthcheck', '--listen', '--mode',
                   '--transport', '--hardening', '--processes', '--threads', '--user', '--venv',
                   '--chdir', '--python-path', '--env', '--arg', '--set', '--conf'):
        refused.option(option, [''], GIVE, seen=option)


# FACTS: what becomes a directive, a variable or a command somewhere.
def test_no_field_lets_code_or_another_line_through(refused):
    start = {'unit': 'a', 'site': 'a', 'key': 'a', 'app': 'm:a', 'script': '/etc/passwd',
             'path': '/a', 'listen': '127.0.0.1:9009', 'mode': 'uwsgi', 'transport': 'http',
             'processes': '1', 'threads': '1', 'user': 'daemon', 'group': 'daemon', 'venv': '/etc',
             'chdir': '/etc', 'python-path': '/etc', 'healthcheck': '/a', 'conf': '/etc/a.ini',
             'hardening': 'off', 'arg': 'a', 'set': 'harakiri=1'}
    for payload in ('\nexec-asap = id', '\r\nExecStart=/bin/x', '$(HOME)', '@(exec://id)', '%(x)',
                    '${X}', '`id`', '\x1b[2J'):
        for field, value in start.items():
            # what no server, and no file of ours, gives a meaning
            if payload != '`id`' or field not in ('arg', 'set'):
                refused.option(f'--{field}', [value + payload], seen=f"--{field} '{value}")
    for payload in ('\nexec-asap = id', '\r\nExecStart=/bin/x', '\x1b[2J', '\x01'):
        refused.option('--env', [f'A=a{payload}'], CONTROL, seen='--env')


# ---- the system, and the other services

@pytest.mark.parametrize('path', [
    '/etc/new.ini', '/etc/systemd/system/devstack@new.service',
    '/etc/systemd/system/devstack@new.socket',
    '/etc/systemd/system/devstack@new.service.d/50-wsgi.conf',
    '/etc/apache2/sites-available/new.conf', '/etc/devstack-wsgi/uwsgi/new.ini'])
def test_files_that_are_there_already_and_somebody_elses(refused, system, path):
    put(system, path, '# made by hand\n')

    refused(new(*(('--conf', path) if path == '/etc/new.ini' else ())), path, 'move it away')


@pytest.mark.parametrize('row', [
    'WSGI_MODE|apache|known are: ', 'DEVSTACK_WSGI_MODE|apache|known are: ',
    'WSGI_MODE_new_api|../record|known are: ', 'WSGI_MODE_n_api2|Uwsgi|known are: ',
    'WSGI_TRANSPORT_new_api|tcp|known are: http, uwsgi', f'WSGI_PROCESSES|0|{NUMBER}',
    f'WSGI_PROCESSES_new_api|many|{NUMBER}', f'WSGI_PROCESSES|2 2|{NUMBER}',
    'WSGI_IN_FLIGHT|0|give a number from 1 to 1024, or off',
    f'WSGI_THREADS|-1|{NUMBER}', f'WSGI_THREADS_new_api|1000|{NUMBER}',
    'WSGI_HARDENING|paranoid|known are: off, standard, strict', f'API_WORKERS|lots|{NUMBER}',
    f'API_WORKERS|0|{NUMBER}'])
def test_toggles_and_the_message_names_the_variable(refused, monkeypatch, row):
    name, value, instead = row.split('|')
    monkeypatch.setenv(name, value)

    refused(new('--key', 'n-api2', name='new-api'), f"{name} '{value}'", instead)


def test_accounts_and_lines_in_the_environment(refused, monkeypatch):
    monkeypatch.setenv('WSGI_MODE', 'uwsgi\nmode=x')
    refused(new(), "WSGI_MODE 'uwsgi", CONTROL)
    monkeypatch.delenv('WSGI_MODE')
    for name, value, instead in (('SUDO_USER', 'no-such-user', '--user'),
                                 ('STACK_USER', 'no-such-user', '--user'),
                                 ('STACK_USER', 'no such', 'the name of an account')):
        monkeypatch.setenv(name, value)
        refused(['deploy', 'new', '--app', 'm:a', '--path', '/new'], value, instead)


def test_what_another_service_has_already(refused):
    refused.deploy(*SECOND)
    refused.deploy('below', '--path', '/a/b')
    # any name of one is a name that no other can have
    for name in ('first', 'first-u', 'first-s', 'first-k', 'second'):
        for option in ('--unit', '--site', '--key'):
            refused.option(option, [name], TAKEN)
    for name in ('first-u', 'first-s', 'first-k'):
        refused(new(name=name), name, TAKEN)
    refused.option('--path', ['/first', '/first/below', '/a'], TAKEN)
    refused.option('--listen', ['127.0.0.1:9001'], TAKEN)
    refused.option('--conf', ['/etc/first.ini'], TAKEN)
    # where the library itself put another's
    refused.option('--conf', ['/etc/devstack-wsgi/uwsgi/second.ini'], seen='second')


def test_an_address_that_another_services_address_covers(refused):
    refused.deploy(*SECOND)
    refused.deploy('all', '--listen', '0.0.0.0:9002')
    refused.deploy('six', '--listen', '[::1]:9003')

    refused.option('--listen', ['127.0.0.1:9002', '[::]:9002', '0.0.0.0:9001', '[::1]:9003',
                                '[::]:9003', '[0::1]:9003'], TAKEN, seen=':900')


def test_two_services_of_one_call_that_want_the_same(refused):
    user = ('--user', ACCOUNT)
    refused(['deploy', 'new', 'new-too', '--app', 'm:a', '--path', '/new', *user], '/new', TAKEN)
    refused(['deploy', 'new', 'new-too', '--app', 'm:a', '--listen', '127.0.0.1:9009', *user],
            '127.0.0.1:9009', TAKEN)
    refused(['deploy', 'keystone', 'Bad', *user], 'Bad', "use a-z, 0-9 and '-'")


# ---- files that somebody has edited

def test_records_changed_by_hand(refused, system):
    refused.deploy(*SECOND)
    # by every verb, whatever service it is about
    every = ['apply', 'status second', 'check first', 'show second', 'start second',
             'remove second', 'switch uwsgi', 'reload --all', 'stop second']
    good = host.read(FIRST)
    for row in ("processes|key=value|'processes'", "colour=red|known are: |'colour'",
                " path=/x|known are: |' path'", "PATH=/x|known are: |'PATH'",
                f"threads=0|{NUMBER}|'0'", 'path=/second|is there twice|path',
                'name=third|is there twice|name', "venv=|give it a value|venv ''",
                f"chdir=relative|{PLACE}|'relative'", 'env=UWSGI_FILE=/x|UWSGI_FILE|env',
                "env=LD_PRELOAD=/x|LD_PRELOAD|env 'LD_PRELOAD=/x'",
                "set=harakiri|KEY=VALUE|'harakiri'", "preload=maybe|yes or no|'maybe'",
                "on-demand=True|yes or no|'True'", "arg=a\"b|quotes and backslashes|'a\"b'",
                "listen=localhost:80|127.0.0.1:8775|'localhost:80'",
                'script=/srv/x.wsgi|give one|--script', f'listen=127.0.0.1:9001|{TAKEN}|:9001',
                "command=/bin/true \\|close its quotes|'/bin/true \\'",
                "command=/bin/true \"a|close its quotes|'/bin/true \"a'",
                "command=/bin/true 'a|close its quotes|true"):
        line, instead, seen = row.split('|')
        text = good
        # what a record has already would be there twice
        if line.startswith('threads='):
            text = re.sub('(?m)^threads=.*\n', '', text)
        put(system, FIRST, f'{text}{line}\n')
        for verb in every:
            refused(verb.split(), seen, instead)
    # with its number
    last = good.count('\n') + 1
    put(system, FIRST, f'{good}x=1\n')
    refused(['apply'], f'first.conf:{last}: ', 'known are: ')
    put(system, FIRST, f'{good}python-path=/usr\0/x\n')
    refused(['apply'], f'first.conf:{last}: ', 'write text')
    # as an editor of another system leaves it
    put(system, FIRST, good.replace('\n', '\r\n'))
    refused(['apply'], 'first.conf:2', CONTROL)


@pytest.mark.parametrize(('line', 'text', 'instead', 'seen'), [
    ('app=.*\n', '', 'say what to run', 'first'),
    ('path=.*\n', '', 'say where it answers', 'first'),
    ('name=.*\n', '', 'called after its name', 'first.conf'),
    ('name=.*$', 'name=third', 'called after its name', 'first.conf: says name=third'),
    ('user=.*\n', '', 'a record says user= and group=', 'first'),
    ('group=.*\n', '', 'a record says user= and group=', 'first'),
    ('transport=.*$', 'transport=uwsgi\nlisten=127.0.0.1:9005', 'only http', 'uwsgi'),
    ('unit=.*$', 'unit=second', TAKEN, 'second'), ('path=.*$', 'path=/', 'prefix', 'first.conf'),
    ('(.|\n)*', '', 'called after its name', 'first.conf')])
def test_records_that_lack_something_or_say_two_things(refused, system, line, text, instead, seen):
    refused.deploy(*SECOND)
    put(system, FIRST, re.sub(f'(?m)^{line}', text, host.read(FIRST), count=1))

    refused(['apply'], seen, instead)
    refused(['show', 'first'], seen, instead)


@pytest.mark.parametrize('row', [
    'processes|key=value', 'colour=red|known are: ', f'threads=0|{NUMBER}',
    'path=/other|is there twice', 'env=LD_PRELOAD=/x|LD_PRELOAD', 'set=harakiri|KEY=VALUE',
    'set=nosuch=1|has no such setting', 'preload=maybe|yes or no',
    'package=nova glance|a requirement of pip', 'package=-r x|a requirement of pip',
    'type=Compute|a service type', 'expect=0|a status of HTTP', 'expect=2000|a status of HTTP',
    'legacy=keystone-wsgi-public|write SCRIPT FIRST LAST',
    'legacy=../bin/x 1.0 2.0|write SCRIPT FIRST LAST', 'since=Epoxy|write a release',
    f'needs=|{GIVE}', f'script=../x.wsgi|{PLACE}', 'listen=localhost:80|127.0.0.1:8775'])
def test_catalogue_entries_changed_by_hand(refused, monkeypatch, tmp_path, row):
    line, instead = row.split('|')
    shutil.copytree(template.FILES / 'catalog', tmp_path / 'catalog')
    monkeypatch.setattr(catalogue, '_FOLDER', tmp_path / 'catalog')
    with (tmp_path / 'catalog/keystone').open('a') as entry:
        entry.write(f'{line}\n')

    refused(['deploy', 'keystone', '--user', ACCOUNT], instead,
            'catalog/keystone:' if line.startswith('listen=') else '')


# ---- words

def test_services_that_are_not_there(refused):
    for verb in ('apply', 'start', 'stop', 'restart', 'reload', 'wait', 'status', 'check', 'show'):
        for name in ('nope', '', 'a b', '$(id)', 'x]', '*', '@', "it's"):
            refused([verb, name], f"'{name}'", 'deployed are: first')
        refused([verb, 'first', 'nope'], "'nope'", 'deployed are')
    refused(['switch', 'uwsgi', 'nope'], "'nope'", 'deployed are')
    refused(['switch', 'gunicorn'], "'gunicorn'", 'known are: ')
    refused(['switch', '../record', 'first'], "'../record'", 'known are: ')


@pytest.mark.parametrize('row', [
    "deploy new --bogus|'--bogus'", "deploy new --bogus x|'--bogus'", "deploy new -p /x|'-p'",
    "deploy new -- --path /x|'--'", "deploy new --name x|'--name'",
    "deploy new --path=/x|'--path=/x'", "deploy new --app m:a stray|'stray'",
    "deploy new --preload yes|'yes'", "deploy new --app m:a --on-demand no|'no'",
    'deploy new --path /a --path /b|--path is given twice',
    'deploy new --processes 1 --processes 1|--processes is given twice',
    "deploy new --port 23456|'--port'", "deploy new --secret x|'--secret'",
    "deploy new --by devstack|'--by'", 'deploy new --app|--app needs a value',
    'deploy new --env|--env needs a value',
    'deploy new --set harakiri=5 --arg|--arg', 'deploy --app m:a|name a service',
    'deploy|name a service', 'start|start', 'stop|stop', 'restart|restart', 'reload|reload',
    'remove|remove', 'wait|wait', 'show|show', 'switch|switch', 'switch --all|switch',
    'wait first --timeout|--timeout', "wait first --timeout 0|'0'",
    "wait first --timeout abc|'abc'", "wait first --timeout 3601|'3601'",
    "wait first --timeout -1|'-1'", "wait first --timeout 08|'08'", "wait first --bogus|'--bogus'",
    "start first --bogus|'--bogus'", "stop --bogus|'--bogus'", "restart first --all|'--all'",
    "reload -a|'-a'", "start --all first|'--all'", "status --bogus|'--bogus'",
    "status --jsonx|'--jsonx'", "check --bogus|'--bogus'", "apply --all|'--all'",
    "show first --diffs|'--diffs'", "remove --bogus|'--bogus'", "remove first --force|'--force'",
    "remove --all first|'--all'", "switch uwsgi --bogus|'--bogus'", "frobnicate new|'frobnicate'",
    "--bogus new|'--bogus'", "Deploy new|'Deploy'", "../lib/wsgi new|'../lib/wsgi'"])
def test_unknown_verbs_and_options_are_wrong_usage(refused, row):
    words, _, seen = row.partition('|')

    refused(words.split(), seen, '--help', status=2)
