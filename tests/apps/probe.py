"""A WSGI application that does what a test asks of it.

What it answers is chosen by the path below its own:

/environ       its environ, as JSON; the same with ?environ, anywhere
/process       its process, as JSON: arguments, variables, prefix, threads
/refuse        403, and leaves the body unread
/sum           reads wsgi.input; length and SHA-256 of the body, as JSON
/sum-chunked   the same by uwsgi.chunked_read()
/request-id?X  with the header X-Openstack-Request-Id: X
/print?X       prints X to standard error and X to wsgi.errors
/raise?X       raises an exception with the text X
/sleep?S       answers after S seconds
/compute?S     the same, and computes in Python meanwhile
/eat?N         takes N MiB of memory, and gives it back
/spawn         starts a process that does not end at SIGTERM
/segfault      ends its process with a segmentation fault
all others     VERSION

probe:made() makes it.

Its environment says how it loads:

IMPORT_SECONDS=N  takes N seconds
IMPORT_ENDS=raise ends in an exception; exit: ends the process (SystemExit)
"""

import ctypes
import hashlib
import json
import os
import subprocess
import sys
import time

VERSION = 'one'

time.sleep(float(os.environ.get('IMPORT_SECONDS', '0')))
if os.environ.get('IMPORT_ENDS') == 'raise':
    raise RuntimeError('the probe was told to fail')
if os.environ.get('IMPORT_ENDS') == 'exit':
    print('the probe was told to exit', file=sys.stderr)
    raise SystemExit(1)


def summed(blocks):
    length = 0
    digest = hashlib.sha256()
    for block in blocks:
        length += len(block)
        digest.update(block)
    return json.dumps({'length': length, 'sha256': digest.hexdigest()})


def chunks():
    import uwsgi
    return iter(uwsgi.chunked_read, b'')


def made():
    """The same application, of a factory."""
    return application


def application(environ, start_response):
    path = environ['PATH_INFO'].rstrip('/')
    query = environ.get('QUERY_STRING', '')
    status = '200 OK'
    headers = [('Content-Type', 'text/plain')]
    body = VERSION
    if path.startswith('/environ') or query == 'environ':
        body = json.dumps({key: value for key, value in environ.items()
                           if isinstance(value, str)})
    elif path == '/process':
        body = json.dumps({'argv': sys.argv, 'prefix': sys.prefix,
                           'variables': dict(os.environ),
                           'multithread': environ['wsgi.multithread']})
    elif path == '/refuse':
        status = '403 Forbidden'
        body = 'refused'
    elif path == '/sum':
        source = environ['wsgi.input']
        body = summed(iter(lambda: source.read(65536), b''))
    elif path == '/sum-chunked':
        body = summed(chunks())
    elif path == '/request-id':
        headers.append(('X-Openstack-Request-Id', query))
    elif path == '/print':
        print('stderr %s' % query, file=sys.stderr, flush=True)
        environ['wsgi.errors'].write('errors %s\n' % query)
        environ['wsgi.errors'].flush()
    elif path == '/raise':
        raise RuntimeError('raised %s' % query)
    elif path == '/sleep':
        time.sleep(float(query))
    elif path == '/compute':
        end = time.monotonic() + float(query)
        while time.monotonic() < end:
            pass
    elif path == '/eat':
        body = 'ate %d' % len(b'x' * (int(query) << 20))
    elif path == '/spawn':
        subprocess.Popen(['sh', '-c', 'trap "" TERM; sleep 600; :'])
    elif path == '/segfault':
        ctypes.string_at(0)
    answer = (body + '\n').encode()
    headers.append(('Content-Length', str(len(answer))))
    start_response(status, headers)
    return [answer]
