"""Values of several formats: what may be one, and how it is written literally."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devstack_wsgi import text

# what a value may hold: text without control characters
VALUE = st.text(st.characters(exclude_categories=('Cc', 'Cs'))).filter(text.is_text)


@pytest.mark.parametrize(('value', 'wanted'), [
    ('100%', '100%%'), ('%d %(x', '%%d %%(x'), ('a\\b', 'a\\b'), ('$X "q"', '$X "q"'), ('', '')])
def test_an_ini_value_doubles_the_percent_sign_and_nothing_else(value, wanted):
    assert text.ini_value(value) == wanted


@pytest.mark.parametrize(('value', 'wanted'), [
    ('a b', '"a b"'), ('A=%h', '"A=%%h"'), ('', '""'), ('a"b', r'"a\"b"'), ('a\\', r'"a\\"'),
    (r'\n', r'"\\n"'), (r'\"', r'"\\\""'), ('$X ${Y}', '"$X ${Y}"'), ("it's; #", '"it\'s; #"')])
def test_a_word_of_a_unit_is_quoted(value, wanted):
    assert text.unit_word(value) == wanted


@pytest.mark.parametrize(('value', 'wanted'), [
    ('/bin/x --a 1', '/bin/x --a 1'), ('/bin/x %i', '/bin/x %%i'),
    ('/bin/x $HOME', '/bin/x $$HOME'),
    ('', '')])
def test_a_command_of_a_unit_has_no_specifier_and_no_variable(value, wanted):
    assert text.unit_command(value) == wanted


@pytest.mark.parametrize('value', ['', 'a', 'a b', 'ü', '日本', '😀', '\u2028', '\ufeff', '~'])
def test_text_is_utf_8_without_control_characters(value):
    assert text.is_text(value)


@pytest.mark.parametrize('value', [
    '\n', 'a\tb', '\r', '\x00', '\x1b[31m', '\x7f', '\x85', '\x9b', '\udcff', '\udcc3', '\ud800',
    '\ufdd0', '\ufffe', '\uffff', '\U0001ffff', '\U0010fffe'], ids=ascii)
def test_what_a_terminal_acts_on_or_is_no_character_is_no_text(value):
    assert not text.is_text(value)


@pytest.mark.parametrize(('value', 'wanted'), [
    ('a b', 'a b'), ('a\x1b[31mb', 'a?[31mb'), ('é', 'é'), ('a\nb', 'a?b'), ('\udcff', '?'),
    # where one byte is no character, none is believed
    ('é\udcff', '???'), ('\x85', '??')], ids=ascii)
def test_a_message_repeats_nothing_that_a_terminal_acts_on(value, wanted):
    assert text.printable(value) == wanted


@given(st.text(st.characters()) | st.binary().map(lambda raw: raw.decode(errors='surrogateescape')))
def test_what_is_printable_is_text_and_stays(value):
    shown = text.printable(value)

    assert text.is_text(shown) and text.printable(shown) == shown


@pytest.mark.parametrize(('value', 'wanted'), [
    ('', []), ('   ', []), ('a', ['a']), (' a  b ', ['a', 'b']), ('"a b"', ['a b']),
    ("'a b'", ['a b']), ('a"b c"d', ['ab cd']), ('""', ['']), ("a '' b", ['a', '', 'b']),
    (r'a\ b', ['a b']), (r'"a\"b"', ['a"b']), (r"'a\b'", [r'a\b']), ('a\tb', ['a', 'b']),
    ('"it\'s"', ["it's"]), ('a\\', ['a'])])
def test_words_are_split_as_systemd_and_a_shell_do(value, wanted):
    assert text.words(value) == wanted


@pytest.mark.parametrize('value', ['"', "a 'b", '"a\\"', 'a "b\' c'])
def test_an_open_quote_is_no_words(value):
    assert text.words(value) is None


@given(st.lists(VALUE))
def test_words_that_a_shell_quoted_come_back(words):
    assert text.words(shlex.join(words)) == words


@given(st.lists(VALUE))
def test_words_that_were_written_into_a_unit_come_back(words):
    line = ' '.join(text.unit_word(each) for each in words)

    assert text.words(line.replace('%%', '%')) == words


@given(st.text(st.sampled_from('ab \t"\'$;#*')))
def test_words_are_those_of_shlex_where_no_backslash_is(value):
    try:
        wanted = shlex.split(value)
    except ValueError:
        wanted = None

    assert text.words(value) == wanted


@given(VALUE)
def test_a_word_of_a_unit_is_one_word_on_one_line(value):
    word = text.unit_word(value)

    assert text.words(word) is not None and len(text.words(word)) == 1
    assert '\n' not in word
