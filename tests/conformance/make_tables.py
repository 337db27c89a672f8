"""Make tables in sqlite from a project's models.

For migrations that are for other databases only. Arguments: the database's
file, MODULE:BASE (or MODULE:METADATA), and further modules that have models.
"""

import importlib
import sys

from sqlalchemy import create_engine

module, _, base = sys.argv[2].partition(':')
for further in sys.argv[3:]:
    importlib.import_module(further)
found = getattr(importlib.import_module(module), base)
getattr(found, 'metadata', found).create_all(
    create_engine('sqlite:///' + sys.argv[1]))
