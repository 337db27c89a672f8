"""CONF: what is read from uWSGI's ini, and what becomes of one that somebody edited."""

from __future__ import annotations

import subprocess

import pytest
from conftest import requires
from hypothesis import given
from hypothesis import strategies as st

from devstack_wsgi import conf

KEY = st.text(st.sampled_from('abc-'), min_size=1, max_size=3)
LINE = st.tuples(KEY, st.text(st.sampled_from('12= &\\%;"'), max_size=4).map(str.strip))
PAIRS = st.lists(LINE, max_size=6)


def ini(settings: str) -> str:
    """The text of an ini from 'a=1;b=2'."""
    return text_of(each.split('=', 1) for each in settings.split(';') if each)


def text_of(pairs) -> str:
    return ''.join(['[uwsgi]\n', *(f'{key} = {value}\n' for key, value in pairs)])


# what we wrote | what we would write | the file | what it becomes | edits
MERGES = [
    ('nothing edited, a new value', 'a=1|a=2|a=1|a=2|'),
    ('one key edited, another new', 'a=1;b=1|a=1;b=2|a=9;b=1|a=9;b=2|a = 9: by hand, was 1'),
    ('the edited key is new too', 'a=1|a=2|a=9|a=9|a = 9: by hand, was 1'),
    ('edited, nothing new', 'a=1|a=1|a=9|a=9|a = 9: by hand, was 1'),
    ('edited to what is new', 'a=1|a=2|a=2|a=2|a = 2: by hand, was 1'),
    ('added by hand', 'a=1|a=2|a=1;x=5|a=2;x=5|x = 5: added by hand'),
    ('added by hand, and new', 'a=1|a=1;x=1|a=1;x=5|a=1;x=5|x = 5: added by hand'),
    ('added where the new one stands', 'a=1|x=1;a=1|a=1;x=5|x=5;a=1|x = 5: added by hand'),
    ('removed by hand', 'a=1;b=1|a=1;b=2|a=1|a=1|b: removed by hand'),
    ('removed by both', 'a=1;b=1|a=1|a=1|a=1|b: removed by hand'),
    ('removed by us', 'a=1;b=1|a=1|a=1;b=1|a=1|'),
    ('removed by us, edited', 'a=1;b=1|a=1|a=1;b=2|a=1;b=2|b = 2: by hand, was 1'),
    ('new', 'a=1|a=1;b=1|a=1|a=1;b=1|'),
    ('one of two values edited', 'p=1;p=2|p=1;p=2;q=1|p=1;p=3|p=1;p=3;q=1'
                                 '|p = 1, 3: by hand, was 1, 2'),
    ('one more value', 'p=1|p=1;q=1|p=1;p=2|p=1;p=2;q=1|p = 1, 2: by hand, was 1'),
    ('one value less', 'p=1;p=2|p=1;p=2;q=1|p=2|p=2;q=1|p = 2: by hand, was 1, 2'),
    ('values where the first stood', 'p=1;q=1;p=2|p=1;q=2;p=2|p=9;q=1|p=9;q=2'
                                     '|p = 9: by hand, was 1, 2'),
    ('two values become one', 'p=1;p=2|p=3|p=1;p=2|p=3|'),
    ('a value twice', 'p=1|p=1|p=1;p=1|p=1;p=1|p = 1, 1: by hand, was 1'),
    ('characters of a pattern', r'a=x&y|a=1|a=\&*|a=\&*|a = \&*: by hand, was x&y'),
    ('an equals sign in a value', 'a=1|a=2|a=b=c|a=b=c|a = b=c: by hand, was 1'),
    ('no value', 'a=1|a=2|a=|a=|a = : by hand, was 1'),
    ('another order', 'a=1;b=2|a=1;b=2;c=3|b=2;a=1|a=1;b=2;c=3|'),
    ('nothing was written', '|a=1|x=1|a=1;x=1|x = 1: added by hand'),
]


@pytest.mark.parametrize('row', [row for _, row in MERGES], ids=[name for name, _ in MERGES])
def test_edits_by_hand_are_kept_and_named_beside_what_is_new(row):
    base, new, edited, merged, edits = row.split('|')

    assert conf.merge(ini(base), ini(new), ini(edited)) == (
        ini(merged), edits.split('\n') if edits else [])


def test_how_an_ini_is_laid_out_is_no_edit():
    assert conf.merge('[uwsgi]\na = 1\nb = 2\n', '# new\n[uwsgi]\n# why\na = 1\nb = 3\n',
                      '; by hand\n[uwsgi]\n\n  a=1\nb   =   2   \n# c = 4\n;d = 5') == (
        '# new\n[uwsgi]\n# why\na = 1\nb = 3\n', [])


@given(PAIRS, PAIRS)
def test_what_nobody_edited_becomes_the_new_text(base, new):
    assert conf.merge(text_of(base), text_of(new), text_of(base)) == (text_of(new), [])


@given(PAIRS, PAIRS, PAIRS)
def test_each_key_is_as_edited_where_that_was_else_as_new(base, new, edited):
    merged, edits = conf.merge(*map(text_of, (base, new, edited)))

    was, wanted, now, got = (conf.parse(each) for each in (
        text_of(base), text_of(new), text_of(edited), merged))
    kept = conf.changed(was, now)
    assert len(edits) == len(kept)
    assert got == {key: (now if key in kept else wanted)[key] for key in {*wanted, *now, *kept}
                   if key in (now if key in kept else wanted)}


@given(PAIRS, PAIRS, PAIRS)
def test_a_merge_can_be_done_as_often_as_one_likes(base, new, edited):
    once, _ = conf.merge(*map(text_of, (base, new, edited)))

    again, _ = conf.merge(text_of(new), text_of(new), once)
    assert conf.parse(again) == conf.parse(once)


SAID = [
    ('plain', 'a = 1', {'a': ['1']}), ('no spaces', 'a=1', {'a': ['1']}),
    ('indented', '   http-socket = 127.0.0.1:80', {'http-socket': ['127.0.0.1:80']}),
    ('a tab before', '\ta = 1', {'a': ['1']}), ('spaces after', 'a = 1   ', {'a': ['1']}),
    ('spaces in it', 'a = 1  2', {'a': ['1  2']}), ('twice', 'a = 1\na = 2', {'a': ['1', '2']}),
    ('no value', 'a =', {'a': ['']}), ('equals in it', 'a = b=c', {'a': ['b=c']}),
    ('a number sign in it', 'a = b # c', {'a': ['b # c']}),
    ('a semicolon in it', 'a = b;c', {'a': ['b;c']}), ('commented', '# a = 1', {}),
    ('commented, indented', '  ;a = 1', {}), ('a section', '[a=b]', {}),
    ('no equals sign', 'a', {}),
    ('only an equals sign', '= 1', {}), ('Windows', 'a = 1\r', {'a': ['1']}),
]


@pytest.mark.parametrize(('text', 'wanted'), [row[1:] for row in SAID],
                         ids=[row[0] for row in SAID])
def test_settings_are_read_however_a_line_is_laid_out(text, wanted):
    assert conf.parse(text) == wanted


def test_uwsgi_reads_the_settings_that_we_read(tmp_path):
    """Indented, spaced and commented lines mean the same to the real uWSGI."""
    requires('uwsgi')
    text = '[uwsgi]\n' + '\n'.join(
        row[1].replace('http-socket', 'a').replace('a =', f'set{number} =').replace(
            'a=1', f'set{number}=1')
        for number, row in enumerate(SAID) if row[0] not in (
            # uWSGI stops at one, and a setting without a value is its own business
            'a section', 'only an equals sign', 'no equals sign', 'no value', 'Windows',
            'spaces in it')) + '\n'
    (tmp_path / 'conf.ini').write_text(text)

    said = subprocess.run(
        ['uwsgi', '--ini', str(tmp_path / 'conf.ini'), '--show-config'], cwd=tmp_path,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
        timeout=30).stdout.decode()

    shown = said.partition('\n[uwsgi]\n')[2].partition('\nshow-config')[0]
    seen = [line for line in shown.split('\n') if not line.startswith(('ini =', ';'))]
    assert sorted(seen) == sorted(
        f'{key} = {value}' for key, values in conf.parse(text).items() for value in values)


def test_the_first_value_of_a_key_counts_where_one_does():
    assert conf.first('a = 1\na = 2', 'a') == '1'
    assert conf.first('a = 1', 'b') == ''
