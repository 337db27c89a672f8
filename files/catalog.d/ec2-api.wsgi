"""The API of EC2, for the catalogue's ec2-api.

What the command ec2-api does before it serves. The arguments are its own
(--arg --config-file --arg FILE).
"""

import sys

from ec2api import config
from ec2api import wsgi

config.parse_args(sys.argv)
application = wsgi.Loader().load_app('ec2api')
