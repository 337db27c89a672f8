"""Kuryr for Docker, for the catalogue's kuryr-libnetwork.

Under uWSGI it configures itself when it is imported, elsewhere it waits for
that. The arguments are its own (--arg --config-file --arg FILE).
"""

import os

from kuryr_libnetwork import server

if 'UWSGI_ORIGINAL_PROC_NAME' not in os.environ:
    server.configure_app()
application = server.app
