"""Declaring a service: the catalogue's entry, the toggles, the caller's options, the defaults."""

from __future__ import annotations

import shutil

import pytest
from conftest import ACCOUNT, declared, fake_venv, script

from devstack_wsgi import catalogue, declare, fields, host, servers, template
from devstack_wsgi.refused import Misuse, Refused
from devstack_wsgi.registry import Registry


@pytest.fixture
def entries(system, tmp_path, monkeypatch):
    """A copy of the catalogue; returns what adds an entry to it."""
    folder = tmp_path / 'catalog'
    shutil.copytree(template.FILES / 'catalog', folder)
    monkeypatch.setattr(catalogue, '_FOLDER', folder)

    def write(name: str, *lines: str) -> None:
        (folder / name).write_text('\n'.join((f'name={name}', f'path=/{name}', *lines)) + '\n')
        catalogue.names.cache_clear()
        catalogue._lines.cache_clear()

    return write


@pytest.fixture
def toy(system, monkeypatch):
    """One server more."""
    class Toy(servers.Server):
        name = 'toy'

        def check(self, record):
            pass

    get = servers.get
    monkeypatch.setattr(servers, 'known', lambda: ('mod_wsgi', 'toy', 'uwsgi'))
    monkeypatch.setattr(servers, 'get', lambda name: Toy() if name == 'toy' else get(name))


def deployed(word: str, *options: str, registry=None):
    """What 'wsgi deploy' declares with no more than a user."""
    return declare.declare(Registry() if registry is None else registry, word,
                           [*options, '--user', ACCOUNT])


# ---- the caller's options

@pytest.mark.parametrize(('field', 'value'), [
    ('unit', 'n-api'), ('site', 'x9'), ('key', 'k'), ('app', 'm.n:make()'),
    ('path', '/v2.1/x_y~z-'),
    ('listen', '[::1]:8775'), ('mode', 'uwsgi'), ('transport', 'http'), ('processes', '512'),
    ('threads', '512'), ('group', 'daemon'), ('chdir', '/usr/'), ('healthcheck', '/v3/a.json'),
    ('hardening', 'off'), ('conf', '/etc/x-y_z.ini'), ('script', '/etc/passwd')])
def test_an_option_is_what_the_record_says(system, field, value):
    record = declared('new', f'--{field}', value)

    assert getattr(record, fields.BY_NAME[field].attribute) == value


@pytest.mark.parametrize(('option', 'values'), [
    ('env', ('A=1', 'B=2')), ('arg', ('--c', 'a;b')), ('python-path', ('/usr', '/usr/lib')),
    ('set', ('harakiri=60', 'max-requests=9'))])
def test_a_repeated_option_is_several_values(system, option, values):
    record = declared('new', *(word for value in values for word in (f'--{option}', value)))

    assert getattr(record, fields.BY_NAME[option].attribute) == values


def test_declaring_again_starts_from_scratch(system):
    known = Registry()
    declared('new', '--threads', '8', '--env', 'A=1', '--preload', '--unit', 'n-x', registry=known)

    record = declared('new', '--env', 'B=1', registry=known)

    assert (record.env, record.threads, record.preload) == (('B=1',), '1', '')
    assert list(known.records) == ['new'] and known.name_of('n-x') == ''


def test_a_deployment_that_says_no_server_leaves_the_one_it_is_under(system, monkeypatch):
    known = Registry()
    declared('one', '--mode', 'mod_wsgi', registry=known)
    assert declared('one', '--threads', '3', registry=known).mode == 'mod_wsgi'

    monkeypatch.setenv('WSGI_MODE', 'uwsgi')

    assert declared('one', registry=known).mode == 'uwsgi'


def test_a_port_and_a_secret_are_chosen_once_whatever_becomes_of_the_service(system):
    known = Registry()
    first = declared('one', '--mode', 'mod_wsgi', registry=known)

    for words in (('--threads', '3'), ('--mode', 'uwsgi'), ('--mode', 'mod_wsgi')):
        again = declared('one', *words, registry=known)
        assert (again.port, again.secret) == (first.port, first.secret)
    assert declared('two', '--mode', 'mod_wsgi', registry=known).secret != first.secret


def test_what_nobody_says_has_a_default(system):
    record = declared('new')

    assert (record.unit, record.site, record.key, record.mode, record.transport) == (
        'new', 'new', 'new', 'uwsgi', 'http')
    assert (record.processes, record.threads, record.hardening, record.user, record.group) == (
        '2', '1', 'standard', ACCOUNT, ACCOUNT)
    assert not any((record.preload, record.on_demand, record.venv, record.conf, record.healthcheck,
                    record.listen, record.env, record.arg, record.set))


def test_the_user_is_stacks_else_the_caller_of_sudo_else_the_caller(system, monkeypatch):
    words = ['--app', 'm:a', '--path', '/new']
    monkeypatch.setattr(host, 'me', lambda: 'daemon')
    assert declare.declare(Registry(), 'new', words).user == 'daemon'
    monkeypatch.setenv('SUDO_USER', 'nobody')
    assert declare.declare(Registry(), 'new', words).user == 'nobody'
    monkeypatch.setenv('STACK_USER', 'bin')
    assert declare.declare(Registry(), 'new', words).user == 'bin'
    assert declare.declare(Registry(), 'new', [*words, '--user', 'nobody']).user == 'nobody'


def test_root_is_a_user_only_if_it_is_named(system, monkeypatch):
    monkeypatch.setattr(host, 'me', lambda: 'root')

    with pytest.raises(Refused, match='say whom it runs as: --user USER'):
        declare.declare(Registry(), 'new', ['--app', 'm:a', '--path', '/new'])
    assert declared('new', '--user', 'root').user == 'root'


# ---- toggles

@pytest.mark.parametrize(('variables', 'options', 'wanted'), [
    ('', '', 'mode=uwsgi'), ('', '', 'threads=2'), ('', '', 'processes=2'),
    ('API_WORKERS=7', '', 'processes=7'), ('API_WORKERS=7', '', 'threads=2'),
    ('WSGI_PROCESSES=5 API_WORKERS=7', '', 'processes=5'),
    ('WSGI_PROCESSES_nova_api=6 WSGI_PROCESSES=5', '', 'processes=6'),
    ('WSGI_PROCESSES_n_api=6 WSGI_PROCESSES=5', '', 'processes=6'),
    ('WSGI_PROCESSES_nova_api=6 WSGI_PROCESSES_n_api=4', '', 'processes=6'),
    ('WSGI_PROCESSES=5', '--processes 3', 'processes=3'),
    ('WSGI_PROCESSES_n_api=5', '--processes 3', 'processes=3'),
    ('API_WORKERS=7', '--processes 3', 'processes=3'), ('WSGI_THREADS=9', '', 'threads=9'),
    ('WSGI_THREADS_nova_api=8 WSGI_THREADS=9', '', 'threads=8'),
    ('WSGI_IN_FLIGHT=9', '', 'in_flight=9'),
    ('WSGI_IN_FLIGHT_nova_api=off WSGI_IN_FLIGHT=9', '', 'in_flight=off'),
    ('WSGI_THREADS_n_api=8', '--threads 1', 'threads=1'),
    ('WSGI_THREADS_keystone=8', '', 'threads=2'),
    ('WSGI_TRANSPORT_nova_api=uwsgi', '', 'transport=uwsgi'),
    ('WSGI_TRANSPORT_n_api=uwsgi', '', 'transport=uwsgi'),
    ('WSGI_TRANSPORT=uwsgi', '', 'transport=http'),
    ('WSGI_TRANSPORT_nova_api=uwsgi', '--transport http', 'transport=http'),
    ('WSGI_HARDENING=off', '', 'hardening=off'),
    ('WSGI_HARDENING=off', '--hardening strict', 'hardening=strict'),
    ('WSGI_HARDENING_n_api=strict WSGI_HARDENING=off', '', 'hardening=strict'),
    ('WSGI_THREADS_n_compute=4', '--unit n-compute', 'threads=4'),
    ('WSGI_THREADS_n_web=4', '--site n-web', 'threads=4'),
    ('WSGI_THREADS_n_key=4', '--key n-key', 'threads=4'),
    ('WSGI_THREADS_n_api=4', '--unit n-compute --key n-key', 'threads=2'),
    ('WSGI_PROCESSES=', '', 'processes=2')])
def test_an_option_wins_over_the_toggles_they_over_the_catalogue(system, monkeypatch, variables,
                                                                 options, wanted):
    for each in variables.split():
        monkeypatch.setenv(*each.split('='))
    field, value = wanted.split('=')

    assert getattr(deployed('n-api', *options.split()), field) == value


@pytest.mark.parametrize(('variables', 'options', 'wanted'), [
    ('', '', 'uwsgi'), ('WSGI_MODE=toy', '', 'toy'), ('WSGI_MODE=uwsgi', '', 'uwsgi'),
    ('DEVSTACK_WSGI_MODE=toy', '', 'toy'), ('DEVSTACK_WSGI_MODE=toy WSGI_MODE=uwsgi', '', 'toy'),
    ('DEVSTACK_WSGI_MODE=uwsgi WSGI_MODE=toy', '', 'uwsgi'),
    ('WSGI_MODE_nova_api=toy DEVSTACK_WSGI_MODE=uwsgi', '', 'toy'),
    ('WSGI_MODE_n_api=toy WSGI_MODE=uwsgi', '', 'toy'),
    ('WSGI_MODE_n_api=uwsgi WSGI_MODE=toy', '', 'uwsgi'), ('WSGI_MODE_keystone=toy', '', 'uwsgi'),
    ('WSGI_MODE_nova_api=toy', '--mode uwsgi', 'uwsgi'), ('', '--mode toy', 'toy')])
def test_the_mode_is_a_toggle_of_one_service_before_that_of_all(toy, monkeypatch, variables,
                                                                options, wanted):
    for each in variables.split():
        monkeypatch.setenv(*each.split('='))

    assert deployed('nova-api', *options.split()).mode == wanted


@pytest.mark.parametrize(('entry', 'variables', 'options', 'wanted'), [
    ('', '', '', 'standard'), ('off', '', '', 'off'), ('off', 'WSGI_HARDENING=standard', '', 'off'),
    ('off', 'WSGI_HARDENING=strict', '', 'off'),
    ('off', 'WSGI_HARDENING_x_api=strict', '', 'strict'),
    ('off', 'WSGI_HARDENING=off WSGI_HARDENING_x_key=standard', '', 'standard'),
    ('off', 'WSGI_HARDENING=off', '--hardening standard', 'standard'),
    ('standard', '', '', 'standard'), ('standard', 'WSGI_HARDENING=off', '', 'off'),
    ('standard', 'WSGI_HARDENING=strict', '', 'standard'),
    ('standard', 'WSGI_HARDENING=strict', '--hardening strict', 'strict'),
    ('', 'WSGI_HARDENING=strict', '', 'strict')])
def test_the_toggle_for_all_asks_no_more_than_the_catalogues_sandbox(
        entries, monkeypatch, entry, variables, options, wanted):
    entries('x-api', 'app=m:a', 'key=x-key', *([f'hardening={entry}'] if entry else []))
    for each in variables.split():
        monkeypatch.setenv(*each.split('='))

    assert deployed('x-api', *options.split()).hardening == wanted


@pytest.mark.parametrize(('variables', 'options', 'wanted'), [
    ('', '', '1'), ('', '--threads 1', '1'),
    ('', '--threads 4', "--threads '4': no threads here; leave it at 1"),
    ('WSGI_THREADS_x_api=4', '', "WSGI_THREADS_x_api '4': no threads here;"),
    ('WSGI_THREADS_x_api=4', '--threads 1', '1'), ('WSGI_THREADS=4', '', '1'),
    ('WSGI_THREADS=4', '--threads 2', "--threads '2': no threads here;"),
    ('WSGI_THREADS=many', '', "WSGI_THREADS 'many': give a number"),
    ('WSGI_THREADS_x_api=many', '', "WSGI_THREADS_x_api 'many': give a number"),
    ('', '--preload', 'x-api: --preload: it has a heart; leave it out')])
def test_what_a_service_cannot_do_is_refused_with_the_reason(entries, monkeypatch, variables,
                                                             options, wanted):
    entries('x-api', 'app=m:a', 'no-threads=no threads here', 'no-preload=it has a heart')
    for each in variables.split():
        monkeypatch.setenv(*each.split('='))

    try:
        said = deployed('x-api', *options.split()).threads
    except Refused as refusal:
        said = str(refusal)
    assert said.startswith(wanted) if wanted == '1' else wanted in said


# ---- the catalogue's entry

@pytest.mark.parametrize('word', ['keystone', 'keystone-api', 'key'])
def test_an_entry_is_found_by_any_of_its_names(system, word):
    known = Registry()

    assert deployed(word, registry=known).name == 'keystone'
    assert list(known.records) == ['keystone']


def test_the_caller_says_over_the_entry(system):
    record = deployed('keystone', *(
        '--key id --healthcheck /v3 --threads 4 --env A=1 --env OS_KEYSTONE_CONFIG_DIR=/srv'
        ' --env A=2 --env B=1 --set harakiri=60 --set harakiri=70 --arg --c --arg d').split())

    assert (record.app, record.path, record.unit, record.site) == (
        'keystone.wsgi.api:application', '/identity', 'keystone', 'keystone-api')
    assert (record.key, record.healthcheck, record.threads) == ('id', '/v3', '4')
    assert record.env == ('OS_KEYSTONE_CONFIG_DIR=/srv', 'A=2', 'B=1')
    assert (record.set, record.arg) == (('harakiri=70',), ('--c', 'd'))


def test_variables_and_settings_join_the_entrys_one_by_one(system):
    record = deployed('glance-api', '--env', 'A=1', '--set', 'harakiri=60')

    assert record.env == ('OS_GLANCE_CONFIG_DIR=/etc/glance', 'A=1')
    assert record.set == ('post-buffering=0', 'harakiri=60')


def test_a_setting_of_the_entry_is_replaced_by_the_callers(system):
    assert deployed('glance-api', '--set', 'post-buffering=4096').set == ('post-buffering=4096',)


def test_arguments_are_a_whole_the_callers_in_place_of_the_entrys(entries):
    entries('x-api', 'app=m:a', 'arg=--old', 'arg=one')

    assert deployed('x-api').arg == ('--old', 'one')
    assert deployed('x-api', '--arg', 'new', '--arg', 'two').arg == ('new', 'two')


def test_a_script_takes_the_place_of_the_entrys_application(system):
    record = deployed('keystone', '--script', '/etc/passwd')

    assert (record.script, record.app) == ('/etc/passwd', '')


def test_a_service_of_ones_own_may_be_called_like_an_entrys_key(system):
    known = Registry()
    record = declared('key', '--app', 'm:a', '--path', '/key', registry=known)

    assert list(known.records) == ['key']
    assert (record.app, record.env) == ('m:a', ())


@pytest.mark.parametrize('field', [field.name for field in fields.ENTRY_FIELDS])
def test_what_only_an_entry_says_is_no_option_and_gets_into_no_record(entries, field):
    entries('x-api', 'app=m:a', 'package=nova', 'package=gnocchi[file,keystone]',
            'package=oslo.db<15', 'type=block-storage', 'expect=300',
            'config=OS_X_DIR, default /etc/x', 'config=also a line', 'needs=the schema',
            'needs=a broker; or none', 'legacy=x-wsgi 8.0.0 27.0.2', 'since=30.0.0',
            'no-preload=its heartbeat is a thread', 'no-threads=written for eventlet',
            'retired=2024-05, 19.0.0')

    assert f'\n{field}=' not in deployed('x-api').text()
    with pytest.raises(Misuse, match=f"unknown option '--{field}'"):
        declared('z-api', f'--{field}', '1')


def test_an_api_that_was_removed_answers_what_became_of_it(entries):
    entries('x-api', 'removed=no API since 10.0 (Queens); y-api has it now')

    with pytest.raises(Refused) as refusal:
        deployed('x-api')
    assert str(refusal.value) == 'x-api: no API since 10.0 (Queens); y-api has it now'
    # an old release may be at hand
    assert deployed('x-api', '--app', 'x:a').app == 'x:a'


def test_ceilometers_api_answers_what_became_of_it(system):
    with pytest.raises(Refused, match='^ceilometer-api: its API is removed since 10.0.0'):
        deployed('ceilometer-api')


def test_an_entry_may_have_a_script_of_the_librarys_own(entries):
    entries('x-api', 'script=files/catalog.d/swift-proxy.wsgi')

    assert deployed('x-api').script == f'{template.FILES}/catalog.d/swift-proxy.wsgi'
    with pytest.raises(Refused, match='absolute path'):
        deployed('y-api', '--path', '/y', '--script', 'files/catalog.d/swift-proxy.wsgi')


@pytest.fixture
def old_release(entries, tmp_path):
    """A venv for an entry that has a console script in old releases; returns its folder."""
    entries('x-api', 'app=x.wsgi.api:application', 'legacy=x-wsgi 1.0 2.0')
    fake_venv(tmp_path / 'venv', '3.11.2')
    (tmp_path / 'venv/lib/python3.11/site-packages').mkdir(parents=True)
    return tmp_path / 'venv'


def test_an_old_releases_console_script_stands_for_the_module(old_release):
    assert deployed('x-api', '--venv', str(old_release)).app == 'x.wsgi.api:application'
    # one that nobody can run is none
    (old_release / 'bin/x-wsgi').write_text('')
    assert deployed('x-api', '--venv', str(old_release)).app == 'x.wsgi.api:application'

    script(old_release / 'bin/x-wsgi', '')

    record = deployed('x-api', '--venv', str(old_release))
    assert (record.script, record.app) == (f'{old_release}/bin/x-wsgi', '')


def test_the_callers_word_wins_over_an_old_releases_script(old_release):
    script(old_release / 'bin/x-wsgi', '')

    assert deployed('x-api', '--venv', str(old_release), '--app', 'y:a').app == 'y:a'
    assert deployed('x-api', '--venv', str(old_release), '--script',
                    '/etc/passwd').script == '/etc/passwd'
    # and no venv has no script
    assert deployed('x-api').app == 'x.wsgi.api:application'


@pytest.mark.parametrize('where', [
    'x/wsgi/api.py', 'x/wsgi/api/__init__.py', 'a tree in a .pth', 'pip install -e'])
def test_a_venv_with_module_and_script_runs_the_module(old_release, tmp_path, where):
    script(old_release / 'bin/x-wsgi', '')
    site = old_release / 'lib/python3.11/site-packages'
    folder, file = site, where
    if ' ' in where:
        folder, file = tmp_path / 'tree', 'x/wsgi/api.py'
        if '.pth' in where:
            (site / 'easy-install.pth').write_text(f'{folder}\n')
        else:
            (site / '__editable___x_1_0_finder.py').write_text(
                f"MAPPING: dict[str, str] = {{'x': '{folder}/x'}}\n")
    (folder / file).parent.mkdir(parents=True)
    (folder / file).write_text('')

    assert deployed('x-api', '--venv', str(old_release)).app == 'x.wsgi.api:application'
