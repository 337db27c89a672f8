"""The table of fields: which values are good, what is said of others."""

from __future__ import annotations

import re

import pytest
from conftest import ACCOUNT, declared
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from values import GOOD, of_field

from devstack_wsgi import fields, manual, plan, text
from devstack_wsgi.record import Draft
from devstack_wsgi.registry import Registry, normalize


@pytest.mark.parametrize(('field', 'value'), [
    (field, value) for field, values in GOOD.items() for value in values])
def test_a_good_value_is_taken(field, value):
    assert fields.advice(field, value) == ''


@pytest.mark.parametrize(('field', 'value', 'advice'), [
    ('name', '-a', 'use a-z'), ('name', 'a' * 49, 'at most 48'),
    ('app', 'm:a(x)', 'MODULE:CALLABLE'), ('app', 'm:ä', 'MODULE:CALLABLE'),
    ('listen', '256.1.1.1:80', 'an address'), ('threads', '1.5', '1 to 512'),
    ('in-flight', '0', '1 to 1024, or off'), ('in-flight', '1025', '1 to 1024, or off'),
    ('preload', 'true', 'yes or no'), ('group', '1a', 'an account'),
    ('healthcheck', '/../a', 'a path below'), ('env', '1A=', 'NAME=VALUE'),
    ('env', 'UWSGI_EXEC_ASAP=x', 'steers the server'),
    ('env', 'LD_PRELOAD=x', 'steers the server'), ('env', 'LISTEN_FDS=1', 'steers the server'),
    ('env', 'NOTIFY_SOCKET=x', 'steers the server'), ('set', 'A=b', 'KEY=VALUE'),
    ('set', 'a=', 'KEY=VALUE'), ('set', 'a=@(exec://id)', 'servers expand them'),
    ('set', 'a=%(x)', 'servers expand them'), ('set', 'a=${x}', 'servers expand them'),
    ('set', 'a=b ', 'spaces at the ends'), ('port', '80', '1024 to 65535'),
    ('secret', 'x', '32 hexadecimal digits'), ('by', 'me', 'write devstack'),
    ('command', 'uwsgi', 'begin with the path'), ('command', '/a "', 'close its quotes'),
    ('command', '/a \\', 'without a backslash'), ('tls-proxy', 'maybe', 'yes or no')])
def test_another_value_is_refused_with_what_to_write(field, value, advice):
    assert advice in fields.advice(field, value)


@pytest.mark.parametrize('field', fields.BY_NAME)
@pytest.mark.parametrize(('value', 'advice'), [
    ('', 'give it a value'), ('a\nb', 'control characters and newlines'), ('\x1b', 'control'),
    ('a\x85', 'UTF-8'), ('\udcff', 'UTF-8')], ids=ascii)
def test_no_field_takes_nothing_or_what_is_no_text(field, value, advice):
    assert advice in fields.advice(field, value)


def test_every_field_that_a_caller_may_give_is_an_option_in_help_and_no_other_is():
    options = re.findall(r'^  (--[a-z-]+)', '\n'.join(manual.of('deploy')), re.MULTILINE)

    assert options == [*(f'--{field.name}' for field in fields.FIELDS if not field.own),
                       '--dry-run']


def test_every_field_has_examples_here():
    assert GOOD.keys() == {field.name for field in fields.FIELDS}


FREE_FIELDS = ('env', 'arg', 'set', 'command')
PROPERTY = settings(suppress_health_check=list(HealthCheck), deadline=None, max_examples=60)


@pytest.mark.parametrize('field', [name for name in GOOD if name not in FREE_FIELDS])
@PROPERTY
@given(data=st.data())
def test_other_fields_have_no_character_that_means_something_in_a_file(field, data):
    value = data.draw(of_field(field))

    # how names begin is written without the end of 'MELLON_*'
    text = value.rstrip('*') if field == 'variable' else value
    assert fields.advice(field, value) or re.fullmatch(r'[A-Za-z0-9._/+@=,~:()\[\]-]+', text)


@pytest.mark.parametrize('mode', ['uwsgi', 'mod_wsgi'])
@pytest.mark.parametrize('field', FREE_FIELDS)
@PROPERTY
@given(data=st.data())
def test_an_accepted_value_reaches_no_other_line_of_any_file(system, mode, field, data):
    """Beside a record with a plain value, no file has more lines or another line changed."""
    value = data.draw(of_field(field))
    # what a setting may be under mod_wsgi is checked there
    if fields.advice(field, value) or (field, mode) == ('set', 'mod_wsgi'):
        return
    begin = {'env': 'A=', 'set': 'harakiri=', 'command': '/usr/bin/uwsgi '}.get(field, '')
    plain = files_of(field, f'{begin}7', mode)
    for path, said in files_of(field, value, mode).items():
        lines, others = said.split('\n'), plain[path].split('\n')
        assert len(lines) == len(others), path
        assert sum(one != other for one, other in zip(lines, others)) <= 1, path
        # what systemd, uWSGI, Apache or Python take for the end of a line
        assert not re.search('[\r\x0b\x0c\x85]', said), path


def files_of(field, value, mode):
    """The text of every file of a record with a value, by its path."""
    draft = Draft()
    for name, said in (('name', 'thing'), ('path', '/thing'), ('user', ACCOUNT),
                       ('group', ACCOUNT), ('mode', mode), ('app', 'thing:app')):
        draft[name] = said
    if mode == 'mod_wsgi':
        draft['port'], draft['secret'] = '23456', 'a' * 32
    draft.append(field, value)
    normalize(draft)
    registry = Registry()
    registry.put(draft.record())
    return {file.path: file.text for file in plan.wanted(registry, ['thing']).values()}


def test_a_message_of_advice_is_text():
    assert all(text.is_text(fields.advice(name, '\x00' + name)) for name in fields.BY_NAME)


def test_declaring_takes_the_good_values_of_options(system):
    for field in ('env', 'arg'):
        for value in GOOD[field]:
            assert getattr(declared('new', f'--{field}', value), field) == (value,)
