"""tests/harness/pins.py: a project's list is what its venv has, and no other project's changes."""

from __future__ import annotations

import concurrent.futures
import re

import pytest
from harness import pins

MARKED = 'only-new==1; python_version >= "3.13"'
TEXT = f'''# about
2026-01-02, Python 3.11: a b
Alpha==1.0: a b
alpha-two==2: b
one==1: a
one==2: b
{MARKED}: a
'''


@pytest.fixture
def table(tmp_path):
    table = tmp_path / 'pins.txt'
    table.write_text(TEXT)
    return table


def test_a_project_has_the_releases_of_its_rows(table):
    assert pins.read('a', table) == ['Alpha==1.0', 'one==1', MARKED]
    assert pins.read('b', table) == ['Alpha==1.0', 'alpha-two==2', 'one==2']
    assert pins.read('c', table) == []


def test_writing_one_project_leaves_the_others(table):
    others = pins.read('b', table)
    pins.write('a', ['Alpha==1.1', 'one==2', 'zeta==1'], table)
    assert pins.read('a', table) == ['Alpha==1.1', 'one==2', 'zeta==1']
    assert pins.read('b', table) == others
    lines = table.read_text().splitlines()
    assert lines[0] == '# about'
    assert lines[1] == '2026-01-02, Python 3.11: b'
    assert re.fullmatch(r'20\d\d-\d\d-\d\d, Python 3\.\d+: a', lines[2])
    assert lines[3:] == ['Alpha==1.0: b', 'Alpha==1.1: a', 'alpha-two==2: b', 'one==2: a b',
                         'zeta==1: a']


def test_writing_what_is_there_changes_only_the_day(table):
    pins.write('a', pins.read('a', table), table)
    assert table.read_text().splitlines()[3:] == TEXT.splitlines()[2:]


def test_a_project_without_releases_is_in_no_row(table):
    pins.write('b', [], table)
    assert table.read_text() == (
        f'# about\n2026-01-02, Python 3.11: a\nAlpha==1.0: a\none==1: a\n{MARKED}: a\n')


def test_projects_that_are_written_at_once_lose_no_row(table):
    others = pins.read('b', table)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        for number in range(40):
            pool.submit(pins.write, f'p{number}', ['one==1', f'own=={number}'], table)
        read = list(pool.map(lambda _: pins.read('b', table), range(40)))
    assert read == [others] * 40
    assert all(pins.read(f'p{number}', table) == ['one==1', f'own=={number}']
               for number in range(40))


def test_a_new_table_is_made(tmp_path):
    pins.write('a', ['one==1'], tmp_path / 'new')
    assert pins.read('a', tmp_path / 'new') == ['one==1']


def test_every_line_of_the_tree_is_a_release_or_a_day():
    wanted = re.compile(r'#.*|(20\d\d-\d\d-\d\d, Python 3\.\d+|[A-Za-z0-9._-]+==[^ ;]+'
                        r'(; python_version >= "3\.\d+")?):( [a-z0-9-]+)+')
    bad = [line for line in pins.TABLE.read_text().splitlines() if not wanted.fullmatch(line)]
    assert not bad


def test_every_project_has_a_day_and_each_package_once():
    days = [project for line in pins.TABLE.read_text().splitlines() if re.match('20', line)
            for project in line.partition(': ')[2].split()]
    assert sorted(days) == pins.projects()
    for project in days:
        names = [re.sub('[-_.]+', '-', pin.partition('==')[0]).lower()
                 for pin in pins.read(project)]
        assert names, project
        assert len(set(names)) == len(names), project


def test_every_project_of_the_tree_has_a_folder_or_is_known():
    folders = {file.name for file in pins.TABLE.parent.iterdir() if (file / 'etc').is_dir()}
    assert set(pins.projects()) == folders | {'demo', 'blazar'}
