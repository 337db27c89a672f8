"""tests/harness/golden.py: what a shape's golden files are, and how others are reported."""

from __future__ import annotations

import pytest
from harness import golden

BASE = {'ini': 'a\nb\nc\n', 'service': '[Unit]\n', 'site.conf': 'site\n'}
OTHER = {'ini': 'a\nB\nc\n', 'service': '[Unit]\n', 'py': 'new\n'}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.delenv('UPDATE_GOLDEN', raising=False)
    folder = tmp_path / 'golden/uwsgi'
    golden.write(folder / 'path', BASE)
    golden.write(folder / 'other', OTHER, 'path')
    return folder


def test_a_shape_is_what_differs_from_its_base(folder):
    assert sorted(file.name for file in folder.glob('other.*')) == ['other.diff', 'other.py']
    assert (folder / 'other.diff').read_text().splitlines() == [
        'base path', 'diff ini', '-b', '+B', 'without site.conf']
    assert golden.read(folder / 'other') == OTHER
    assert golden.check(folder / 'other', OTHER, 'path') == ''


def test_a_line_that_changes_in_the_base_changes_in_all(folder):
    golden.write(folder / 'path', {**BASE, 'ini': 'first\na\nb\nc\n'})
    assert golden.read(folder / 'other')['ini'] == 'first\na\nB\nc\n'


def test_a_failure_shows_the_whole_difference_of_each_file(folder):
    said = golden.check(folder / 'other', {'ini': 'a\nB\nC\n', 'service': '[Unit]', 'new': 'x\n'})
    assert said.splitlines() == [
        '--- golden/uwsgi/other.ini', '+++ actual', '@@ -1,3 +1,3 @@', ' a', ' B', '-c', '+C',
        '--- golden/uwsgi/other.new', '+++ actual', '@@ -0,0 +1 @@', '+x',
        '--- golden/uwsgi/other.py', '+++ actual', '@@ -1 +0,0 @@', '-new',
        '--- golden/uwsgi/other.service', '+++ actual', '@@ -1 +1 @@', '-[Unit]', '+[Unit]',
        '\\ no line break']


def test_a_difference_whose_base_has_lost_its_lines_is_a_failure(folder):
    golden.write(folder / 'path', {**BASE, 'ini': 'else\n'})
    assert golden.check(folder / 'other', OTHER, 'path') == (
        'golden/uwsgi/other.diff: ini: not there: b\n')


def test_what_came_is_accepted_as_a_difference(folder, monkeypatch):
    monkeypatch.setenv('UPDATE_GOLDEN', '1')
    golden.write(folder / 'path', {'ini': 'else\n'})
    assert golden.check(folder / 'other', {'ini': 'else\nnew\n'}, 'path') == ''
    assert sorted(file.name for file in folder.glob('other.*')) == ['other.diff']
    assert (folder / 'other.diff').read_text() == 'base path\ndiff ini\n else\n+new\n'
