"""The runtime's modules, under the names that they have in a worker."""

from __future__ import annotations

import importlib.util
import pathlib
import sys
from types import ModuleType

FOLDER = pathlib.Path(__file__).parents[2] / 'files/runtime'


def _module(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f'devstack_wsgi_{name}', FOLDER / f'{name}.py')
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[f'devstack_wsgi_{name}'] = module
    spec.loader.exec_module(module)
    return module


door = _module('door')
runtime = _module('runtime')
