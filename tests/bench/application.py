"""The application that tools/bench deploys everywhere.

GET answers 200 bytes of JSON, PUT the length of its body. Its environment
says how it loads: IMPORT_SECONDS=N takes N seconds, IMPORT_CPU=N burns N
seconds of a processor.
"""

import json
import os
import time

SIZE = 200
BLOCK = 65536

time.sleep(float(os.environ.get('IMPORT_SECONDS', '0')))
while time.process_time() < float(os.environ.get('IMPORT_CPU', '0')):
    json.loads(json.dumps(list(range(1000))))

EMPTY = json.dumps({'versions': ''})
ANSWER = json.dumps({'versions': 'x' * (SIZE - len(EMPTY))}).encode()


def blocks(environ):
    """The body, also where uWSGI hands it over in its own way only."""
    if (environ.get('HTTP_TRANSFER_ENCODING', '').lower() == 'chunked' and
            not environ.get('wsgi.input_terminated')):
        import uwsgi
        return iter(uwsgi.chunked_read, b'')
    return iter(lambda: environ['wsgi.input'].read(BLOCK), b'')


def application(environ, start_response):
    body = ANSWER
    if environ['REQUEST_METHOD'] == 'PUT':
        body = b'%d' % sum(len(block) for block in blocks(environ))
    start_response('200 OK', [('Content-Type', 'application/json'),
                              ('Content-Length', str(len(body)))])
    return [body]
