"""Where each file of a service lies."""

from __future__ import annotations

import dataclasses

import pytest
from conftest import make_fedora, shaped

from devstack_wsgi import paths, servers
from devstack_wsgi.fronts import front

OF_RECORDS = ('config', 'script', 'defaults', 'facts', 'unit', 'dropin', 'socket_unit',
              'forward_unit', 'site_dir', 'socket', 'http_socket', 'socket_link', 'run', 'doors')


def all_paths(record):
    return {**{each: getattr(paths, each)(record) for each in OF_RECORDS},
            'record': paths.record(record.name), 'site': front().site_path(record.site)}


def test_a_service_whose_names_are_all_one(system, tmp_path):
    assert all_paths(shaped('path', tmp_path / 'shape')) == {
        'record': '/etc/devstack-wsgi/services/thing-api.conf',
        'config': '/etc/devstack-wsgi/uwsgi/thing-api.ini',
        'script': '/etc/devstack-wsgi/uwsgi/thing-api.py',
        'defaults': '/etc/devstack-wsgi/uwsgi/thing-api.defaults',
        'facts': '/etc/devstack-wsgi/uwsgi/thing-api.facts',
        'unit': '/etc/systemd/system/devstack@thing-api.service',
        'dropin': '/etc/systemd/system/devstack@thing-api.service.d/50-wsgi.conf',
        'socket_unit': '/etc/systemd/system/devstack@thing-api.socket',
        'forward_unit': '/etc/systemd/system/devstack@thing-api.forward.service',
        'site': '/etc/apache2/sites-available/thing-api.conf',
        'site_dir': '/etc/devstack-wsgi/site.d/thing-api',
        'socket': '/run/devstack-wsgi/thing-api.socket',
        'http_socket': '/run/devstack-wsgi/thing-api.http',
        'socket_link': '/run/uwsgi/thing-api.socket',
        'run': '/run/devstack-wsgi/thing-api',
        'doors': '/run/devstack-wsgi/thing-api/alive',
    }


def test_units_go_by_the_units_name_and_the_front_by_the_sites(system, tmp_path):
    found = all_paths(shaped('names', tmp_path / 'shape'))

    assert {key: found[key] for key in ('record', 'config', 'unit', 'dropin', 'socket_unit', 'site',
                                        'site_dir', 'socket', 'socket_link', 'run')} == {
        'record': '/etc/devstack-wsgi/services/thing-api.conf',
        'config': '/etc/devstack-wsgi/uwsgi/thing-api.ini',
        'unit': '/etc/systemd/system/devstack@t-api.service',
        'dropin': '/etc/systemd/system/devstack@t-api.service.d/50-wsgi.conf',
        'socket_unit': '/etc/systemd/system/devstack@t-api.socket',
        'site': '/etc/apache2/sites-available/thing-site.conf',
        'site_dir': '/etc/devstack-wsgi/site.d/thing-site',
        'socket': '/run/devstack-wsgi/thing-site.socket',
        'socket_link': '/run/uwsgi/thing-site.socket',
        'run': '/run/devstack-wsgi/t-api',
    }


def test_fedoras_apache_has_one_folder_of_sites_and_no_links(system, tmp_path):
    make_fedora(system)
    found = all_paths(shaped('path', tmp_path / 'shape'))

    assert found['site'] == '/etc/httpd/conf.d/thing-api.conf'
    assert found['record'] == '/etc/devstack-wsgi/services/thing-api.conf'
    assert front().link(found['site']) is None


def test_a_configuration_is_where_conf_says(system, tmp_path):
    assert paths.config(shaped('conf', tmp_path / 'shape')) == '/etc/thing-uwsgi.ini'


def test_conf_is_no_configuration_of_a_server_that_does_not_read_it(system, tmp_path):
    record = shaped('conf', tmp_path / 'shape', '--mode', 'mod_wsgi')

    assert paths.config(record) == '/etc/devstack-wsgi/mod_wsgi/thing-api.conf'


@pytest.mark.parametrize(('suffix', 'script_suffix'), [('conf', 'py'), ('ini', 'wsgi')])
def test_a_servers_files_lie_in_a_folder_of_its_name(system, tmp_path, monkeypatch, suffix,
                                                     script_suffix):
    class Toy(servers.Server):
        name = 'toy'

    Toy.suffix, Toy.script_suffix = suffix, script_suffix
    record = shaped('path', tmp_path / 'shape')
    monkeypatch.setattr(servers, 'get', lambda _: Toy())
    record = dataclasses.replace(record, mode='toy')

    assert paths.config(record) == f'/etc/devstack-wsgi/toy/thing-api.{suffix}'
    assert paths.script(record) == f'/etc/devstack-wsgi/toy/thing-api.{script_suffix}'


def test_what_all_services_share_goes_by_its_own_name():
    assert paths.helper('after-stop') == '/var/lib/devstack-wsgi/helpers/after-stop'


def test_paths_are_the_running_systems_wherever_they_are_written(system, tmp_path):
    found = all_paths(shaped('path', tmp_path / 'shape'))

    assert [kind for kind, path in found.items() if str(system) in path] == []


def test_no_kind_lies_where_another_does(system, tmp_path):
    found = all_paths(shaped('path', tmp_path / 'shape'))

    assert len(set(found.values())) == len(found)


@pytest.mark.parametrize('path', ['/etc/nova/nova-uwsgi.ini', '/a', '/a b/c'])
def test_the_note_of_a_path_says_which_it_is_of(path):
    note = paths.applied('nova-api', path)

    assert note.startswith('/var/lib/devstack-wsgi/applied/nova-api/')
    assert paths.of_applied(note.rpartition('/')[2]) == path
