"""Vitrage's API, for the catalogue's vitrage-api.

The arguments are its own (--arg --config-file --arg FILE).
"""

import sys

from vitrage.api import app
from vitrage.common import config

config.parse_config(sys.argv)
application = app.load_app()
