"""tests/harness/command.py: the files that tools write."""

import json

import pytest
from harness import command


@pytest.mark.parametrize('value, text', [
    ({'b': [1, 2.5], 'a': None}, '{\n  "a": null,\n  "b": [1, 2.5]\n}\n'),
    ({'a': {'c': {'e': '[{', 'd': 1}}}, '{\n  "a": {\n    "c": {"d": 1, "e": "[{"}\n  }\n}\n'),
    ([[], {'a': [[]]}], '[\n  [],\n  {\n    "a": [\n      []\n    ]\n  }\n]\n'),
], ids=['lists', 'objects', 'empty lists'])
def test_json_has_a_line_for_what_has_no_other_in_it(tmp_path, value, text):
    command.write_json(tmp_path / 'x.json', value)
    assert (tmp_path / 'x.json').read_text() == text
    assert json.loads(text) == value
    assert [path.name for path in tmp_path.iterdir()] == ['x.json']
