"""Congress's API, for the catalogue's congress-api.

What 'congress-server --api' does before it serves. The arguments are its own
(--arg --config-file --arg FILE).
"""

import collections.abc
import json
import sys

# Python 3.10 has them there no more, and 11.0.0 is the last release
for name in collections.abc.__all__:
    if not hasattr(collections, name):
        setattr(collections, name, getattr(collections.abc, name))

from congress import server  # its threads are eventlet's: before all others
from congress.common import config
from paste import deploy

config.init(['--api'] + sys.argv[1:])
config.setup_logging()
config.set_config_defaults()
application = deploy.loadapp(
    'config:' + config.find_paste_config(), name='congress', global_conf={
        'node_id': config.cfg.CONF.node_id,
        'bus_id': config.cfg.CONF.dse.bus_id, 'flags': json.dumps(
            {'api': True, 'policy_engine': False, 'datasources': False})})
