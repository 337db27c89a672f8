"""A record's file: what is written is what is read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from values import GOOD, of_field

from devstack_wsgi import fields, record
from devstack_wsgi.refused import Refused


@st.composite
def records(draw):
    """A draft with any fields, of values that the table accepts."""
    draft = record.Draft()
    draft['name'] = draw(st.sampled_from(GOOD['name']))
    for field in draw(st.lists(st.sampled_from(fields.FIELDS), max_size=12)):
        value = draw(of_field(field.name))
        if fields.advice(field.name, value):
            continue
        if field.many:
            draft.append(field.name, value)
        else:
            draft[field.name] = value
    return draft.record()


@given(records())
def test_what_is_written_is_what_is_read(wanted):
    assert record.parse('file', wanted.text()).record() == wanted


@given(records())
def test_a_draft_of_a_record_becomes_that_record(wanted):
    assert record.Draft(wanted).record() == wanted


def test_comments_empty_lines_and_any_order_are_read():
    draft = record.parse('file', '# a comment\n\npath=/new\nenv=B=1\n#env=C=1\napp=m:a\nenv=A=1\n'
                                 'threads=3\n')

    assert draft.all('env') == ('B=1', 'A=1')
    assert draft['threads'] == '3'


def test_a_last_line_without_its_end_counts():
    assert record.parse('file', 'path=/new\nthreads=7')['threads'] == '7'


@pytest.mark.parametrize(('text', 'said'), [
    ('a', "file:2: 'a': write key=value"), ('name=a\0', 'file:2: it has a NUL: write text'),
    ('nosuch=1', "file:2: no key 'nosuch'; known are: name unit site"),
    ('threads=0', "file:2: threads '0': give a number"), ('path=/b', 'file:2: path is there twice'),
    ('arg=', "file:2: arg '': give it a value"), ('name=a\r', "leave out control characters"),
    ('package=nova', "file:2: no key 'package'")], ids=lambda each: ascii(each)[:20])
def test_a_line_that_is_not_good_is_named_by_its_number(text, said):
    with pytest.raises(Refused) as refusal:
        record.parse('file', f'path=/a\n{text}\n')

    assert said in str(refusal.value)


def test_an_entrys_relative_script_is_below_the_library():
    draft = record.parse('file', 'script=files/catalog.d/x.wsgi\n', '/lib')

    assert draft['script'] == '/lib/files/catalog.d/x.wsgi'
    with pytest.raises(Refused, match='absolute path'):
        record.parse('file', 'script=files/catalog.d/x.wsgi\n')


def test_a_variable_takes_the_place_of_its_keys_earlier_value():
    draft = record.Draft()
    for value in ('A=1', 'B=1', 'A=2'):
        draft.add('env', value)

    assert draft.all('env') == ('B=1', 'A=2')
