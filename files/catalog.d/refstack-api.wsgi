"""RefStack's API, for the catalogue's refstack-api.

REFSTACK_OSLO_CONFIG names its configuration.
"""

from refstack.api import app
from refstack.api import config

application = app.setup_app(config)
