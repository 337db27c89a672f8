"""A plan: the files of records against the disk, and what becomes of edits by hand."""

from __future__ import annotations

import dataclasses

import pytest
from conftest import declared, put

from devstack_wsgi import paths, plan
from devstack_wsgi.fronts import front
from devstack_wsgi.refused import Refused
from devstack_wsgi.registry import Registry


def registry_of(*records):
    found = Registry()
    for record in records:
        found.put(record)
    return found


def write(system, files):
    """Bring a plan to the disk, as a run does."""
    for file in files.values():
        put(system, file.path, file.final)
        put(system, paths.applied(file.owner, file.path), file.text)


@pytest.fixture
def applied(system):
    """A machine with one service; returns what plans it again with further options."""
    write(system, plan.wanted(registry_of(declared('one')), ['one']))

    def again(*options):
        return plan.wanted(registry_of(declared('one', *options)), ['one'])

    return again


CONF = '/etc/devstack-wsgi/uwsgi/one.ini'
UNIT = '/etc/systemd/system/devstack@one.service'


def test_what_was_applied_has_nothing_to_change(applied):
    assert [file.path for file in applied().values() if file.changed or file.edits] == []


def test_what_is_not_there_is_missing(applied, system):
    (system / CONF.lstrip('/')).unlink()

    assert [file.path for file in applied().values() if file.changed] == [CONF]
    assert applied()[CONF].changed == 'missing'


def test_only_what_an_option_reaches_changes(applied):
    assert {file.kind for file in applied('--threads', '3').values() if file.changed} == {
        'record', 'config'}


def test_an_edit_of_an_ini_is_kept_beside_what_is_new(applied, system):
    file = system / CONF.lstrip('/')
    file.write_text(file.read_text().replace('thunder-lock = true', 'thunder-lock = false'))

    found = applied('--threads', '3')[CONF]

    assert '\nthreads = 3\n' in found.final and '\nthunder-lock = false\n' in found.final
    assert found.edits == ['thunder-lock = false: by hand, was true']


def test_comments_and_order_of_an_ini_stay_while_there_is_nothing_new(applied, system):
    file = system / CONF.lstrip('/')
    file.write_text('# mine\n' + file.read_text())

    found = applied()[CONF]

    assert found.final.startswith('# mine\n') and not found.changed and found.edits == []


def test_appended_lines_follow_the_new_text(applied, system):
    file = system / UNIT.lstrip('/')
    file.write_text(file.read_text() + '# mine\n')

    found = applied('--env', 'A=1')[UNIT]

    assert found.final == found.text + '# mine\n' and found.edits == ['edited by hand']


def test_an_edit_stays_while_there_is_nothing_new(applied, system):
    file = system / UNIT.lstrip('/')
    file.write_text(file.read_text().replace('[Unit]', '[Unit]\n# mine'))

    found = applied()[UNIT]

    assert '# mine' in found.final and not found.changed


def test_two_changes_in_one_place_of_a_site_are_not_joined(applied, system):
    site = front().site_path('one')
    file = system / site.lstrip('/')
    file.write_text(file.read_text().replace('ProxyPass', '# mine\n    ProxyPass'))

    with pytest.raises(Refused, match=f'one: {site} was edited by hand and has to change'):
        applied('--path', '/two')


def test_what_we_wrote_is_no_pattern(applied, system):
    site = front().site_path('one')
    put(system, site, '# mine\n')
    put(system, paths.applied('one', site), '*\n')

    with pytest.raises(Refused, match='was edited by hand'):
        applied()


def test_another_programs_file_is_refused_and_stays(system):
    put(system, UNIT, '[Service]\nExecStart=/bin/true\n')

    with pytest.raises(Refused, match=f'one: {UNIT} is there already and not ours'):
        plan.wanted(registry_of(declared('one')), ['one'])


def test_a_conf_whose_path_begins_with_two_slashes_is_one(system):
    files = plan.wanted(registry_of(declared('one', '--conf', '//etc/one.ini')), ['one'])
    assert files['//etc/one.ini'].kind == 'config'


def test_what_a_service_no_longer_wants_goes(applied, system):
    registry = registry_of(declared('one', '--listen', '127.0.0.1:9001'))

    gone = plan.gone(registry, plan.wanted(registry, ['one']), ['one'])

    assert gone == {front().site_path('one'): 'one'}


def test_a_service_without_a_record_is_an_orphan(applied):
    assert plan.orphans(Registry(), []) == ['one']
    assert plan.orphans(Registry(), ['one']) == []
    assert plan.orphans(registry_of(declared('one')), []) == []


@pytest.mark.parametrize('mode', ['uwsgi', 'mod_wsgi'])
def test_a_site_that_its_caller_wrote_over_leaves_the_service_its_address_alone(system, mode):
    record = dataclasses.replace(declared('one', '--mode', mode, '--listen', '127.0.0.1:9001'),
                                 path='/one', by='devstack')
    write(system, plan.wanted(registry_of(record), ['one']))
    site = front().site_path('one')
    assert not registry_of(record).records['one'].bypassed

    put(system, site, 'ProxyPass "/one" "http://127.0.0.1:9001" retry=0\n')

    found = registry_of(record).records['one']
    assert found.bypassed
    assert plan.describe(found).listens == ('127.0.0.1:9001',)
    assert not plan.wanted(registry_of(record), ['one'])[site].changed


def test_lines_that_a_caller_added_to_a_site_leave_it_ours(system):
    record = dataclasses.replace(declared('one', '--listen', '127.0.0.1:9001'), path='/one',
                                 by='devstack')
    write(system, plan.wanted(registry_of(record), ['one']))
    file = system / front().site_path('one').lstrip('/')
    file.write_text(f'{file.read_text()}ProxyPass "/one" "http://127.0.0.1:9001"\n')

    assert not registry_of(record).records['one'].bypassed
