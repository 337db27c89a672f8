"""What tools and tests share: machines, venvs, clients, loads, hostile records.

Standard library only, but for fuzz and zuul_check: the rest runs on a machine that has no
more than Debian's Python, and partly within a throwaway machine. Importing it makes the engine
(lib/devstack_wsgi) importable too.
"""

import pathlib
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]
# Apache, uWSGI and mod_wsgi of the distribution have this one
PYTHON = '/usr/bin/python3'

sys.path.insert(0, str(TOP / 'lib'))
