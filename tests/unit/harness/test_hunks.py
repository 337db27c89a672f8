"""tests/harness/hunks.py: what a change says is what happens to the text."""

from __future__ import annotations

import pytest
from harness.hunks import NotApplied, applied, difference
from hypothesis import given
from hypothesis import strategies as st

LINES = st.lists(st.sampled_from(['', 'a', 'b', '-a', '@@']), max_size=9)


@given(LINES, LINES)
def test_a_difference_makes_the_one_text_into_the_other(old, new):
    hunks = difference(old, new)
    assert applied(hunks, old) == new
    # an editor that takes blanks off the ends of lines breaks none
    assert applied([line.rstrip() for line in hunks], old) == new


def test_equal_texts_have_no_difference():
    assert difference(['a', 'b'], ['a', 'b']) == []


def test_a_difference_has_no_more_lines_than_it_needs():
    assert difference(['a', 'b', 'a', 'b'], ['a', 'b', 'a', 'c']) == [
        ' b', ' a', '-b', '+c']
    assert difference(['x', 'y'], ['x', 'new', 'y']) == [' x', '+new']


def test_a_difference_holds_when_other_lines_change():
    hunks = difference(['one', 'two', 'three'], ['one', '2', 'three'])
    assert applied(hunks, ['zero', 'one', 'two', 'drei']) == ['zero', 'one', '2', 'drei']


@pytest.mark.parametrize(('hunks', 'text', 'once', 'why'), [
    (['-gone', '+new'], 'a b', False, 'not there: gone'),
    (['-b', '@@', '-a'], 'a b', False, 'not there: a'),
    (['-a', '+new'], 'a b a', True, 'there 2 times, or not in order: a'),
    (['-b', '@@', '-a'], 'a b', True, 'not in order: a'),
    (['*a'], 'a', False, 'no line of a hunk: [*]a'),
], ids=['absent', 'behind', 'twice', 'in the other order', 'malformed'])
def test_a_change_that_does_not_apply_is_an_error(hunks, text, once, why):
    with pytest.raises(NotApplied, match=why):
        applied(hunks, text.split(), once)
