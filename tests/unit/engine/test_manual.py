"""The manuals: every verb has one, as a command and with an example."""

from __future__ import annotations

import re

import pytest

from devstack_wsgi import manual

VERBS = list(manual.verbs())


@pytest.mark.parametrize('verb', VERBS)
def test_a_manual_has_a_command_line_a_status_and_an_example(verb):
    said = '\n'.join(manual.of(verb))

    assert re.match(r'[A-Z][^\n]+\.', said), 'a sentence comes first'
    assert f'\nUsage:   wsgi {verb}' in said
    assert '\nReturns: 0' in said
    assert re.search(rf'\nExample: .*\bwsgi {verb}\b', said)
    assert '#' not in said and f'wsgi_{verb}' not in said


@pytest.mark.parametrize('verb', VERBS)
def test_no_line_of_a_manual_is_wider_than_79_columns(verb):
    assert [line for line in manual.of(verb) if len(line) > 79] == []


def test_the_overview_has_every_verb_in_79_columns():
    lines = manual.overview()

    assert [line.split()[0] for line in lines if line.startswith('  ')] == VERBS
    assert [line for line in lines if len(line) > 79] == []


@pytest.mark.parametrize(('verb', 'options'), [
    ('status', '--json --help'), ('start', '--all --help'), ('switch', '--dry-run --help'),
    ('remove', '--all --dry-run --help'), ('wait', '--timeout --help'), ('catalog', '--help')])
def test_a_verb_is_completed_with_the_options_of_its_manual(verb, options):
    assert f"\n    options[{verb}]='{options}'\n" in manual.completion('wsgi')
