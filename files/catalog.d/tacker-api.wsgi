"""Tacker's API, for the catalogue's tacker-api.

What tacker-server does before it serves. The arguments are its own
(--arg --config-file --arg FILE).
"""

import sys

from tacker.common import config
from tacker import objects
from tacker.sol_refactored import objects as sol_objects

config.init(sys.argv[1:])
config.setup_logging(config.cfg.CONF)
objects.register_all()
sol_objects.register_all()
application = config.load_paste_app('tacker')
