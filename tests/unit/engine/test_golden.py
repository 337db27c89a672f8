"""Every file of every shape, under every server, is its golden copy."""

from __future__ import annotations

import pytest
from harness import golden
from shapes import OF_MOD_WSGI, SHAPES, base, options

from devstack_wsgi import plan, servers
from devstack_wsgi.declare import declare
from devstack_wsgi.registry import Registry

CASES = [('uwsgi', shape) for shape in SHAPES] + [('mod_wsgi', shape) for shape in OF_MOD_WSGI]
SUFFIXES = {'record': 'record', 'unit': 'service', 'dropin': 'service.d.conf',
            'socket-unit': 'socket', 'forward-unit': 'forward.service', 'site': 'site.conf',
            'conf': 'ini', 'defaults': 'defaults', 'facts': 'facts'}


@pytest.mark.parametrize(('mode', 'shape'), CASES, ids=[f'{a}-{b}' for a, b in CASES])
def test_files_are_golden(mode, shape, system, tmp_path):
    folder = tmp_path / 'shape'
    folder.mkdir()
    registry = Registry()
    record = declare(registry, 'thing-api', [*options(shape, folder), '--mode', mode])
    server = servers.get(mode)
    suffixes = {**SUFFIXES, 'config': server.suffix, 'script': server.script_suffix}
    files = {}
    for file in plan.wanted(registry, ['thing-api']).values():
        if file.kind in suffixes and (mode == 'uwsgi' or file.kind != 'record'):
            text = file.text.replace(str(folder), '/TEST')
            if record.secret:
                text = text.replace(record.secret, 'SECRET')
            files[suffixes[file.kind]] = text
    difference = golden.check(golden.GOLDEN / mode / shape, files, base(shape))
    if difference:
        pytest.fail(f'{difference}\naccept: UPDATE_GOLDEN=1 tox -e unit -- '
                    'tests/unit/engine/test_golden.py', pytrace=False)


def test_every_golden_file_is_of_a_shape():
    there = {f'{file.parent.name}/{file.name.partition(".")[0]}'
             for file in golden.GOLDEN.glob('*/*')}
    assert there == {f'{mode}/{shape}' for mode, shape in CASES}
