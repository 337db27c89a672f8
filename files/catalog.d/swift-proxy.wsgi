"""Swift's proxy, for the catalogue's swift-proxy.

The first argument is its configuration (--arg FILE).
"""

import sys

from swift.common.wsgi import init_request_processor

CONF = (sys.argv[1:] or ['/etc/swift/proxy-server.conf'])[0]

proxy = init_request_processor(CONF, 'proxy-server')[0]


def application(environ, start_response):
    # it takes the first part of the whole path for the API's version
    environ['SCRIPT_NAME'] = ''
    return proxy(environ, start_response)
