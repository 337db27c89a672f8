"""uWSGI's part of the runtime: what its sockets leave to an application.

Written from files/uwsgi/runtime.py by lib/devstack_wsgi; change it there.

Its HTTP socket hands over what the front sent, and not the body of a chunked request; an answer
whose request has an unread body is lost with the connection.
"""

import io
import re
from select import poll

import devstack_wsgi_runtime as runtime
import uwsgi
from devstack_wsgi_door import Door

# a header's name as uWSGI writes it, and what no value may hold
NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Z]+")
CONTROL = re.compile('[\0\r\n]')


def ambiguous(environ):
    """Whether another server could read this request otherwise.

    uWSGI takes what RFC 9112 wants refused, and whoever is in front of us may
    pass it on. It has one request a connection, so that none hides in a body.
    """
    length = environ.get('CONTENT_LENGTH', '')
    coding = environ.get('HTTP_TRANSFER_ENCODING')
    if length and not (length.isascii() and length.isdigit()):
        return True
    if coding is not None and (length or coding.lower() != 'chunked'):
        return True
    if not environ.get('REQUEST_URI', '').startswith('/'):
        return True
    return any(not NAME.fullmatch(key) or CONTROL.search(environ[key])
               for key in environ if key.startswith('HTTP_'))


class Body(io.RawIOBase):
    """A request's body, read from the socket when somebody asks for it.

    source:   returns the next bytes, b'' at the end
    expected: the client waits for 100 Continue, and nobody else says it
    """

    def __init__(self, source, expected=False):
        self.source = source
        self.expected = expected
        self.rest = b''
        self.touched = False
        self.ended = False

    def readable(self):
        return True

    def fetch(self):
        if self.expected:
            self.expected = False
            uwsgi.send(b'HTTP/1.1 100 Continue\r\n\r\n')
        data = b'' if self.ended else self.source()
        self.ended = not data
        return data

    def readinto(self, buffer):
        self.touched = True
        if not self.rest:
            self.rest = self.fetch()
        size = min(len(buffer), len(self.rest))
        buffer[:size] = self.rest[:size]
        self.rest = self.rest[size:]
        return size

    def drain(self):
        if self.expected:
            # a client that was not asked for it may send it or not (RFC 9110, 10.1.1)
            self.ended = True
        try:
            while not self.ended:
                self.fetch()
        except OSError:
            # whoever sent it is gone; there is nobody to answer
            self.ended = True


def body_of(environ, expected):
    """The body; None where there is none."""
    if environ.get('HTTP_TRANSFER_ENCODING', '').lower() == 'chunked':
        # read until its end, without a length
        environ['wsgi.input_terminated'] = True
        # Glance calls chunked_read() itself: nothing is read before it is
        # asked for, so both ways see the whole body
        return Body(uwsgi.chunked_read, expected)
    try:
        left = int(environ.get('CONTENT_LENGTH') or 0)
    except ValueError:
        return None
    if left <= 0:
        return None
    source = environ['wsgi.input']

    def read():
        nonlocal left
        data = source.read(min(left, runtime.BLOCK)) if left else b''
        left -= len(data)
        return data

    return Body(read, expected)


def take_body(environ, expected=False):
    """Let wsgi.input read the body; returns that, None where there is none."""
    body = body_of(environ, expected)
    if body is not None:
        environ['wsgi.input'] = io.BufferedReader(body, runtime.BLOCK)
    return body


def is_abandoned():
    """Whether the other end of the request's connection is closed: nobody reads the answer. One
    that only sends no more still reads.
    """
    poller = poll()
    # what is reported of every descriptor: an error, and no other end
    poller.register(uwsgi.connection_fd(), 0)
    return bool(poller.poll(0))


def refuse(start_response, status):
    """An empty answer that is not the application's."""
    start_response(status, [('Content-Type', 'text/plain'), ('Content-Length', '0')])
    return []


def prove_in_worker(wrapped, prefix, check, door):
    """Ask the application its health check in each worker, before its first request."""
    if uwsgi.worker_id():
        runtime.prove(wrapped, prefix, check, door)
        return
    # loaded before the fork; an application may have a hook there itself
    former = getattr(uwsgi, 'post_fork_hook', None)

    def forked():
        if former:
            former()
        if uwsgi.worker_id():
            runtime.open_door(door)
            runtime.prove(wrapped, prefix, check, door)

    uwsgi.post_fork_hook = forked


def serve(app, script, prefix, front, check, variables):
    """The callable that uWSGI is given.

    app, script: the application, as runtime.load() takes it
    prefix:      the path of the service, '' for none
    front:       only Apache can connect, and it says who asked
    check:       the path of its health check below prefix
    variables:   names of the front's that it sees
    """
    door = Door('uwsgi')
    if uwsgi.worker_id():
        runtime.open_door(door)
    wrapped = runtime.load(app, script)
    prove_in_worker(wrapped, prefix, check, door)

    def over_uwsgi(environ, start_response):
        if is_abandoned():
            return refuse(start_response, '499 Client Closed Request')
        # what the site says to Apache itself
        environ.pop('no-gzip', None)
        behind = environ.pop('DEVSTACK_WSGI_UNIT', None) is not None
        environ.pop('DEVSTACK_WSGI_UNDERSCORE', None)
        runtime.mend(environ, prefix, front)
        # uWSGI's own loses a line where readline() follows on readline(N)
        take_body(environ)
        return runtime.Answer(environ, start_response, door=door, behind=behind).run(
            wrapped, environ)

    def over_http(environ, start_response):
        def start(status, headers):
            # uWSGI ends each connection; a client that would use it again has to know
            return start_response(status, headers + [('Connection', 'close')])

        if is_abandoned():
            return refuse(start, '499 Client Closed Request')
        if ambiguous(environ):
            return refuse(start, '400 Bad Request')
        peer = environ.get('HTTP_X_DEVSTACK_WSGI_PEER', '') if front else ''
        said = environ.get('HTTP_X_DEVSTACK_WSGI_SAID', '') if front else ''
        expected = not front and environ.get('HTTP_EXPECT', '').lower() == '100-continue'
        runtime.mend(environ, prefix, front, peer, said, variables)
        body = take_body(environ, expected)
        return runtime.Answer(environ, start, body, True, door, bool(peer)).run(wrapped, environ)

    def over_either(environ, start_response):
        # a front that speaks the uwsgi protocol says it; uWSGI's parser of HTTP has no such
        # variable, whatever a client sends
        answer = over_uwsgi if 'DOCUMENT_ROOT' in environ else over_http
        return answer(environ, start_response)

    return over_either
