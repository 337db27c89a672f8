"""All records: loading them, finding one, what no two may share."""

from __future__ import annotations

import re
import socket

import pytest
from conftest import ACCOUNT, declared, loaded, put, shaped
from shapes import SHAPES

from devstack_wsgi import host, paths, registry
from devstack_wsgi.refused import Refused
from devstack_wsgi.registry import Registry

SERVICES = '/etc/devstack-wsgi/services'


@pytest.mark.parametrize('shape', SHAPES)
def test_what_is_declared_is_what_another_process_loads(system, tmp_path, shape):
    record = shaped(shape, tmp_path / 'shape')
    put(system, f'{SERVICES}/thing-api.conf', record.text())

    again = registry.load()

    assert again.records == {'thing-api': record}
    assert again.text('thing-api') == record.text()
    assert {again.name_of(each) for each in (record.unit, record.site, record.key)} == {'thing-api'}


def test_what_a_record_does_not_say_has_a_default(system):
    record = loaded(system, 'app=m:a', 'path=/new').records['new']

    assert record == registry.Record(
        'new', unit='new', site='new', key='new', app='m:a', path='/new', mode='uwsgi',
        transport='http', processes='2', threads='1', hardening='standard', user=ACCOUNT,
        group=ACCOUNT)


def test_a_service_with_an_address_of_its_own_speaks_http(system):
    assert loaded(system, 'app=m:a', 'listen=127.0.0.1:8775').records['new'].transport == 'http'


def test_a_record_keeps_its_comments(system):
    again = loaded(system, '# mine', 'app=m:a', 'path=/new', '', '# end')

    assert '# mine\n' in again.text('new') and again.text('new').endswith('# end\n')


GIVEN_UP = [('--unit', 'u'), ('--site', 's'), ('--key', 'k'), ('--path', '/p'),
            ('--listen', '127.0.0.1:9001'), ('--listen', '[::1]:9002'), ('--conf', '/etc/x.ini')]


@pytest.mark.parametrize('words', GIVEN_UP, ids=[' '.join(words) for words in GIVEN_UP])
def test_what_was_given_up_can_be_had_by_another(system, words):
    known = Registry()
    declared('one', *words, registry=known)
    with pytest.raises(Refused, match="one's already|one lie|one has"):
        declared('two', *words, registry=known)

    declared('one', registry=known)

    declared('two', *words, registry=known)


@pytest.mark.parametrize('words', GIVEN_UP, ids=[' '.join(words) for words in GIVEN_UP])
def test_what_a_removed_service_had_can_be_had_by_another(system, words):
    known = Registry()
    declared('one', *words, registry=known)

    known.drop('one')

    declared('two', *words, registry=known)


@pytest.mark.parametrize('words', [
    ('--path', '/a'), ('--path', '/a/b/c'), ('--listen', '0.0.0.0:9001'), ('--listen', '[::]:9001'),
    ('--unit', 'one'), ('--site', 'u-1'), ('--key', 's-1')], ids=' '.join)
def test_what_covers_anothers_is_refused(system, words):
    known = Registry()
    declared('one', '--path', '/a/b', '--unit', 'u-1', '--site', 's-1', '--listen',
             '127.0.0.1:9001', registry=known)

    with pytest.raises(Refused, match='two: .*one'):
        declared('two', *words, registry=known)
    assert list(known.records) == ['one']


def test_neighbours_share_no_more_than_a_beginning(system):
    known = Registry()
    declared('one', '--path', '/a/b', '--unit', 'u-1', '--listen', '127.0.0.1:9001', registry=known)

    declared('two', '--path', '/a/bc', '--unit', 'u-11', '--listen', '127.0.0.1:90', registry=known)
    declared('three', '--path', '/a/b.c', '--listen', '127.0.0.2:9001', registry=known)

    assert list(known.records) == ['one', 'two', 'three']


@pytest.mark.parametrize('word', ['new', 'u-x', 's-x', 'k-x'])
def test_a_service_is_found_by_each_of_its_names(system, word):
    known = Registry()
    declared('new', '--unit', 'u-x', '--site', 's-x', '--key', 'k-x', registry=known)

    assert known.find([word, 'new']) == ['new']


def test_an_unknown_service_is_refused_with_those_that_are_known(system):
    known = Registry()
    declared('one', registry=known)

    with pytest.raises(Refused, match="no service 'two'; deployed are: one"):
        known.find(['one', 'two'])


def test_without_a_word_all_services_are_meant(system):
    known = Registry()
    for name in ('two', 'one'):
        declared(name, registry=known)

    assert known.find([]) == ['two', 'one']


def test_a_copy_is_changed_without_its_original(system):
    known = Registry()
    declared('one', registry=known)
    other = known.copy()

    other.drop('one')
    declared('two', '--path', '/one', registry=other)

    assert list(known.records) == ['one'] and known.name_of('one') == 'one'


# ---- ports

def test_a_port_is_the_same_wherever_it_is_free(system):
    assert Registry().free_port('one') == Registry().free_port('one')
    assert int(Registry().free_port('one')) in registry.PORTS


def test_a_port_is_of_no_other_service(system):
    known = Registry()
    port = int(known.free_port('one'))
    declared('direct', '--listen', f'127.0.0.1:{port}', registry=known)

    assert known.free_port('one') == str(port + 1)
    # nor one that the service has itself
    assert known.free_port('one', str(port + 1)) == str(port + 2)


def test_no_port_is_taken_on_which_a_program_listens(system, monkeypatch):
    monkeypatch.setattr(host, 'SYSROOT', '')
    with socket.create_server(('127.0.0.1', 0)) as server:
        port = server.getsockname()[1]
        # a program that only speaks from a port is none
        with socket.create_connection(('127.0.0.1', port)) as client:
            spoken = client.getsockname()[1]
            assert host.listens(port) and not host.listens(spoken)
    wanted = Registry().free_port('one')
    monkeypatch.setattr(host, 'listens', lambda asked: asked == int(wanted))

    assert Registry().free_port('one') == str(int(wanted) + 1)


def test_where_no_port_is_free_that_is_refused(system, monkeypatch):
    monkeypatch.setattr(host, 'listens', lambda _: True)

    with pytest.raises(Refused, match='one: no port from 23000 to 24999 is free'):
        Registry().free_port('one')


def test_an_address_that_is_anothers_port_is_refused(system):
    known = Registry()
    port = declared('one', '--mode', 'mod_wsgi', registry=known).port

    for address in ('0.0.0.0', '127.0.0.1'):
        with pytest.raises(Refused, match='direct: listen'):
            declared('direct', '--listen', f'{address}:{port}', registry=known)


def test_a_record_that_was_written_by_hand_gets_a_port_and_a_secret_and_keeps_them(system):
    first = loaded(system, '# mine', 'app=m:a', 'path=/new', 'mode=mod_wsgi')
    record = first.records['new']
    assert re.fullmatch('2[34][0-9]{3}', record.port)
    assert re.fullmatch('[0-9a-f]{32}', record.secret)
    assert '# mine\n' in first.text('new')

    put(system, f'{SERVICES}/new.conf', first.text('new'))

    assert registry.load().records['new'] == record


# ---- an address in CONF

CONF = ('app=m:a', 'path=/new', 'conf=/etc/new.ini')


@pytest.mark.parametrize('mode', ['uwsgi', 'mod_wsgi'])
@pytest.mark.parametrize('line', ['http-socket = 127.0.0.1:60999', '  http-socket=127.0.0.1:60999'])
def test_an_address_in_conf_is_the_services_under_any_server(system, mode, line):
    put(system, '/etc/new.ini', f'[uwsgi]\n{line}\n')

    known = loaded(system, *CONF, f'mode={mode}')

    assert known.records['new'].listen == '127.0.0.1:60999'
    assert known.records['new'].transport == 'http'
    assert '\nlisten=127.0.0.1:60999\n' in known.text('new')


def test_an_address_in_conf_takes_the_place_of_the_records(system):
    put(system, '/etc/new.ini', '[uwsgi]\nhttp-socket = 127.0.0.1:60998\n')

    known = loaded(system, *CONF, 'listen=127.0.0.1:60999', 'transport=http')

    assert known.text('new').count('listen=') == 1
    assert known.records['new'].listen == '127.0.0.1:60998'


@pytest.mark.parametrize('line', ['http-socket = :80', 'http-socket = /run/x', 'socket = 1.2.3.4:5',
                                  '# http-socket = 127.0.0.1:80'])
def test_what_is_no_address_in_conf_says_nothing(system, line):
    put(system, '/etc/new.ini', f'[uwsgi]\n{line}\n')

    assert loaded(system, *CONF).records['new'].listen == ''


def test_an_address_in_conf_that_is_anothers_is_refused(system):
    put(system, '/etc/new.ini', '[uwsgi]\nhttp-socket = 127.0.0.1:60997\n')
    put(system, f'{SERVICES}/two.conf', f'name=two\napp=m:a\nlisten=127.0.0.1:60997\n'
        f'user={ACCOUNT}\ngroup={ACCOUNT}\n')

    with pytest.raises(Refused, match='127.0.0.1:60997'):
        loaded(system, *CONF)


def test_a_record_is_found_by_its_conf(system):
    assert loaded(system, *CONF).name_of_conf('/etc/new.ini') == 'new'
    assert paths.SERVICES == SERVICES
