"""tests/mutations: each row finds its test, changes its file, and stands behind one promise."""

from __future__ import annotations

import re

import pytest
from harness import mutations
from harness.mutations import TOP, Malformed, parse

TABLE = mutations.read()
DOCUMENTS = sorted({each.document for each in TABLE.values()})


@pytest.mark.parametrize('name', TABLE)
def test_each_mutation_changes_its_file(name):
    mutation = TABLE[name]
    text = (TOP / mutation.file).read_text()
    assert mutation.mutated(text) != text


@pytest.mark.parametrize('name', TABLE)
def test_each_mutation_finds_one_test(name):
    mutation = TABLE[name]
    found = [title for title in mutations.titles(TOP / mutation.test)
             if re.search(mutation.title, title)]
    assert len(found) == 1, found


@pytest.mark.parametrize('document', DOCUMENTS)
def test_each_promise_has_its_tests_and_mutations(document):
    rows = mutations.promises((TOP / document).read_text())
    assert len(rows) > 10
    named = []
    for promise, tests, mutated, *_ in rows:
        names = re.findall('``(.*?)``', mutated)
        assert names, promise
        assert set(names) <= set(TABLE), promise
        assert {f'tests/{test}' for test in re.findall('``(.*?)``', tests)} == {
            TABLE[name].test for name in names}, promise
        named += names
    assert sorted(named) == sorted(
        name for name, mutation in TABLE.items() if mutation.document == document)


ROW = '[A.rst] tests/a.bats\n\na | a title | lib/a\n one\n-two\n+2\n'


def test_a_row_has_its_parts():
    mutation = parse(ROW)['a']
    assert (mutation.document, mutation.test, mutation.title, mutation.file) == (
        'A.rst', 'tests/a.bats', 'a title', 'lib/a')
    assert mutation.mutated('one\ntwo\nthree\n') == 'one\n2\nthree\n'


@pytest.mark.parametrize(('text', 'line'), [
    (ROW.partition('\n')[2], 2), (ROW + '\n' + ROW, 10), (ROW + 'text\n', 7), (ROW + '\n-x\n', 8),
    ('-x\n' + ROW, 1),
], ids=['without a test', 'twice', 'text', 'behind a gap', 'before a row'])
def test_what_is_no_row_is_refused(text, line):
    with pytest.raises(Malformed, match=f'^line {line}: '):
        parse(text)
