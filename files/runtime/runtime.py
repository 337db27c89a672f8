"""What every worker loads between its server and the application.

Written from files/runtime/runtime.py by lib/devstack_wsgi; change it there.

A server's own part (files/SERVER/runtime.py) loads the application and makes an Answer for each
request. So an application gets the same environ everywhere, and a client the same answer:
PEP 3333, and RFC 9112 section 6 for where an answer ends.
"""

import contextlib
import importlib
import importlib.machinery
import importlib.util
import io
import itertools
import os
import sys
import traceback
import urllib.parse

BLOCK = 65536


def load(app, script):
    """The application: the name 'application' of a script, else MODULE:NAME or MODULE:NAME()."""
    if script:
        loader = importlib.machinery.SourceFileLoader('wsgi_script', script)
        spec = importlib.util.spec_from_loader('wsgi_script', loader)
        module = importlib.util.module_from_spec(spec)
        loader.exec_module(module)
        return module.application
    module, name = app.split(':')
    name, factory, _ = name.partition('()')
    found = getattr(importlib.import_module(module), name)
    return found() if factory else found


def unquote(word):
    return urllib.parse.unquote(word, 'latin-1')


def mend(environ, prefix, front, peer='', said='', variables=()):
    """What the front says, in the place where an application looks for it.

    prefix: the path of the service, '' for none
    front:  whether only the front can connect; a client says nothing of itself then
    peer:   the client's address, '' where the server knows it
    said:   the front's own header with REMOTE_USER, AUTH_TYPE and variables: words that begin
            with '=', escaped as in a URL, and any number of NAME=VALUE; '' where the server hands
            them over
    variables: the names of those without one, from the third word on
    """
    if peer:
        environ['REMOTE_ADDR'] = peer
    # nobody's but the front's
    environ.pop('HTTP_X_DEVSTACK_WSGI_PEER', None)
    environ.pop('HTTP_X_DEVSTACK_WSGI_SECRET', None)
    environ.pop('HTTP_X_DEVSTACK_WSGI_SAID', None)
    if said.strip('= '):
        names = itertools.chain(('REMOTE_USER', 'AUTH_TYPE', *variables), itertools.repeat(''))
        for name, word in zip(names, said.split(' ')):
            given, _, value = word.partition('=')
            if value:
                environ[name or unquote(given)] = unquote(value)
    if front:
        # Apache's own, for the connection between it and us
        environ.pop('HTTP_CONNECTION', None)
    else:
        environ.pop('HTTP_X_FORWARDED_PROTO', None)
        environ.pop('HTTP_PROXY', None)
        environ['wsgi.url_scheme'] = 'http'
    said = environ.get('HTTP_HOST', '')
    if said:
        host, colon, port = said.rpartition(':')
        if not colon or not port.isdigit():
            host, port = said, '443' if environ.get('wsgi.url_scheme') == 'https' else '80'
        environ['SERVER_NAME'], environ['SERVER_PORT'] = host.lower(), port
    if prefix:
        path = environ.get('PATH_INFO', '')
        # a server that knows no prefix has all of the path here
        if not environ.get('SCRIPT_NAME') and (path + '/').startswith(prefix + '/'):
            path = path[len(prefix):]
        environ['SCRIPT_NAME'] = prefix
        # as mod_proxy_uwsgi says it of the prefix itself
        environ['PATH_INFO'] = path or '/'
    environ['wsgi.file_wrapper'] = FileWrapper


def folder_of_workers():
    """The folder below the service's runtime folder where each worker has what is to be known of
    it, without the files of those that are no more; '' where no unit started this process.
    """
    run = os.environ.get('RUNTIME_DIRECTORY', '')
    if not os.path.isdir(run):
        return ''
    folder = os.path.join(run, 'alive')
    os.makedirs(folder, exist_ok=True)
    for name in os.listdir(folder):
        if not os.path.exists('/proc/' + name.partition('.')[0]):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(os.path.join(folder, name))
    return folder


def open_door(door):
    """Let this worker's door be asked."""
    folder = folder_of_workers()
    if folder:
        try:
            door.open(folder)
        except OSError as error:
            # the worker serves without it
            Answer.say(f'devstack-wsgi: no door: {error}')


def prove(application, prefix, check, door):
    """Ask the application its health check in this process, where no client waits before us.

    Writes the status of the answer, 0 before there is one, to a file of this process, where
    control.py waits for it; nothing where no unit started this process.
    """
    folder = folder_of_workers()
    if not folder:
        return
    note(folder, 0)
    said = []
    environ = {
        'REQUEST_METHOD': 'GET', 'SCRIPT_NAME': prefix, 'PATH_INFO': check, 'QUERY_STRING': '',
        'REQUEST_URI': prefix + check, 'SERVER_NAME': 'localhost', 'SERVER_PORT': '80',
        'SERVER_PROTOCOL': 'HTTP/1.1', 'REMOTE_ADDR': '127.0.0.1', 'HTTP_HOST': 'localhost',
        'HTTP_USER_AGENT': 'devstack-wsgi-ready', 'wsgi.version': (1, 0),
        'wsgi.url_scheme': 'http', 'wsgi.input': io.BytesIO(), 'wsgi.errors': sys.stderr,
        'wsgi.multithread': False, 'wsgi.multiprocess': True, 'wsgi.run_once': False,
        'wsgi.file_wrapper': FileWrapper}
    answer = Answer(environ, lambda status, headers: said.append(status))
    try:
        for _ in answer.run(application, environ):
            pass
    finally:
        answer.close()
    door.status = int(said[0][:3])
    note(folder, door.status)


def note(folder, status):
    """Write a status for this process; whoever reads it sees all of it or none."""
    name = os.path.join(folder, str(os.getpid()))
    with open(name + '.new', 'w') as text:
        text.write(f'{status}\n')
    os.rename(name + '.new', name)


class FileWrapper:
    """A file in blocks, from where it stands to its end.

    uWSGI's own sends a file from its beginning, whatever was read of it (unbit/uwsgi#1230).
    """

    def __init__(self, file, block=BLOCK):
        self.file = file
        self.block = block
        if hasattr(file, 'close'):
            self.close = file.close

    def __iter__(self):
        return iter(lambda: self.file.read(self.block), b'')


class Answer:
    """An application's answer to one request, for the server to iterate over.

    It is never longer than the Content-Length that it says. One that ends early, by an exception
    or by itself, ends without the last chunk or with bytes missing, so that the client sees it.
    HEAD, 204 and 304 have no body. Before its first byte an exception is an empty 500.

    environ, start_response: the server's
    body:   what is left of the request's body is read before the answer and at its end, by
            body.drain(); None where the server sees to that
    chunks: whether an answer without a length is sent in chunks here (HTTP/1.1, and the server
            passes on what it gets)
    door:   counts this request; None for one that is no client's
    behind: the site of the front is ours
    """

    __slots__ = ('begun', 'behind', 'body', 'chunks', 'door', 'framed', 'head', 'left', 'parts',
                 'send', 'silent', 'start_response')

    def __init__(self, environ, start_response, body=None, chunks=False, door=None,
                 behind=False):
        self.door = door
        if door:
            door.enter(self)
        self.start_response = start_response
        self.body = body
        self.behind = behind
        self.chunks = chunks and environ.get('SERVER_PROTOCOL') == 'HTTP/1.1'
        self.parts = ()
        self.head = None
        self.begun = False
        # bytes of the body that may still come; None: it said no length
        self.left = None
        self.silent = environ['REQUEST_METHOD'] == 'HEAD'
        self.framed = False
        self.send = None

    def run(self, application, environ):
        """Call the application; returns this answer."""
        try:
            self.parts = application(environ, self.start)
        except Exception:
            self.fail()
        except BaseException:
            # the server gets no answer that it would close
            if self.door:
                self.door.leave(self)
            raise
        return self

    def start(self, status, headers, exc_info=None):
        """The application's start_response(): nothing is sent before its first byte."""
        if exc_info:
            try:
                if self.begun:
                    raise exc_info[1].with_traceback(exc_info[2])
            finally:
                exc_info = None
        elif self.head:
            raise AssertionError('start_response() was called before, without exc_info')
        self.head = status, list(headers)
        return self.write

    def begin(self, whole=None):
        """Send the head. whole: the length of the body, where it is known to be all."""
        if not self.head:
            raise AssertionError('a body came before start_response()')
        status, headers = self.head
        length = coding = None
        for name, value in headers:
            name = name.lower()
            if name == 'content-length':
                length = value
            elif name == 'transfer-encoding':
                coding = value
        if status.startswith(('204', '304')):
            self.silent = True
            # mod_wsgi's httpd takes them out; what is not there has neither
            headers = [each for each in headers
                       if each[0].lower() not in ('content-type', 'content-length')]
        elif length is None and coding is None and not self.silent:
            if whole is not None:
                length = str(whole)
                headers.append(('Content-Length', length))
            elif self.chunks:
                headers.append(('Transfer-Encoding', 'chunked'))
                self.framed = True
        if self.behind and status.startswith('503'):
            # the front takes it out, and tells its own answer by it
            headers.append(('X-Devstack-Wsgi-Answer', 'application'))
        if self.silent:
            self.left = 0
        elif length is not None and length.isdigit():
            self.left = int(length)
        # a front that is still sending does not read yet
        if self.body is not None and not self.body.touched:
            self.body.drain()
        self.begun = True
        self.send = self.start_response(status, headers)

    def frame(self, data):
        """What is sent for so many bytes of the body."""
        if self.left is not None:
            data = data[:self.left]
            self.left -= len(data)
        if self.framed and data:
            return b'%x\r\n%b\r\n' % (len(data), data)
        return data

    def write(self, data):
        """What start_response() returns, for an application that has no iterable."""
        if not self.begun:
            self.begin()
        data = self.frame(data)
        if data:
            self.send(data)

    def __iter__(self):
        parts = self.parts
        try:
            whole = len(parts) if isinstance(parts, (list, tuple)) else -1
            for part in parts:
                if not part:
                    continue
                if not self.begun:
                    self.begin(len(part) if whole == 1 else None)
                elif self.left == 0 and not self.silent:
                    self.say('the answer is longer than its Content-Length, and was cut')
                    break
                part = self.frame(part)
                if part:
                    yield part
            if not self.begun:
                self.begin(0)
        except Exception:
            # who reads the answer sees that it ends early
            self.fail()
            return
        if self.left and not self.silent:
            self.say(f'the answer ends {self.left} bytes before its Content-Length')
        elif self.framed:
            yield b'0\r\n\r\n'

    def close(self):
        try:
            if self.body is not None:
                self.body.drain()
        finally:
            try:
                if hasattr(self.parts, 'close'):
                    self.parts.close()
            finally:
                if self.door:
                    self.door.leave(self)

    def fail(self):
        """An exception: log it, and answer with an empty 500 if nothing was sent."""
        self.say(traceback.format_exc())
        if not self.begun:
            self.head = ('500 Internal Server Error', [('Content-Type', 'text/plain')])
            self.begin(0)

    @staticmethod
    def say(text):
        sys.stderr.write(text.rstrip('\n') + '\n')
        sys.stderr.flush()
