#!/usr/bin/python3
"""Ask one application the same questions in several ways, and compare whole answers.

    contract.py NAME=URL... [--frameworks] [--only REGEX]

The application is tests/fixtures/apps/contract.py, with --frameworks frameworks.py there; the first
way is what the others are compared with. Each question has a connection of its own, and a second
request follows on it where it stays open: an answer that does not end where it says is seen there.

Prints a line for each difference, and the number of questions; ends with 1 if there are any.
"""

import argparse
import contextlib
import http.client
import itertools
import json
import re
import sys
import typing
import urllib.parse

# of servers, connections and the time
THEIRS = {'date', 'server', 'connection', 'keep-alive', 'transfer-encoding'}
OWN = re.compile(
    r'(mod_wsgi|apache|uwsgi)\.|CONTEXT_|DOCUMENT_ROOT|GATEWAY_INTERFACE|PATH$|PATH_TRANSLATED'
    r'|REMOTE_PORT|REQUEST_SCHEME|SCRIPT_FILENAME|x-wsgiorg|wsgi\.(multi|input_terminated)'
    r'|SERVER_(ADDR|ADMIN|PROTOCOL|SIGNATURE|SOFTWARE)')


def chunked(data, size):
    return b''.join(b'%x\r\n%b\r\n' % (len(part), part) for part in (
        data[at:at + size] for at in range(0, len(data), size))) + b'0\r\n\r\n'


def environs():
    """Questions for the environ."""
    paths = ['', '/', '//', '/environ', '/environ/', '/environ//a', '/environ/a/b?x=1&y=%20z',
             '/environ/a%20b', '/environ/%C3%A9?q=%C3%A9', '/environ?', '/environ?a=b?c',
             '/environ/a;b=c', '/environ/a+b', '/environ/%7Ea', '/environ/.a', '/environ/a,b&c=d']
    given = [{}, {'Host': 'API.Example.org:8080'}, {'Host': 'localhost'}, {'Host': '[::1]:8080'},
             {'Host': '[::1]'}, {'X-Auth-Token': 'secret', 'Accept': 'a/b'},
             {'Authorization': 'Basic YTpi', 'Cookie': 'a=1'}, {'X-Forwarded-Proto': 'https'},
             {'X-Forwarded-For': '10.0.0.1', 'Forwarded': 'for=10.0.0.1'},
             {'X-Forwarded-Host': 'evil', 'X-Forwarded-Server': 'evil'}, {'Proxy': 'evil'},
             {'X-Empty': ''}, {'Content-Type': 'a/b'}, {'Range': 'bytes=0-3'},
             {'If-None-Match': '"x"'}, {'Accept-Encoding': 'gzip, deflate'},
             {'X-Devstack-Wsgi-Peer': '6.6.6.6'}, {'X-Devstack-Wsgi-Secret': 'x'},
             {'X-Name': 'caf\xe9'}, {'User-Agent': 'agent'}]
    for path in paths:
        yield 'GET', path, {}, None
    for headers, method in itertools.product(given, ('GET', 'POST')):
        yield method, '/environ/x', headers, b'a=1' if method == 'POST' else None
    for method in ('PUT', 'PATCH', 'DELETE', 'OPTIONS', 'REPORT'):
        yield method, '/environ', {}, None


def questions():
    """(method, path, headers, body) of each."""
    yield from environs()
    for code, method in itertools.product(
            (200, 201, 202, 204, 206, 300, 302, 304, 400, 401, 403, 404, 405, 409, 410, 413, 418,
             429, 500, 501, 502, 503, 507), ('GET', 'HEAD', 'POST')):
        yield method, f'/status/{code}', {}, b'x' if method == 'POST' else None
    ways = ['body-of-204', 'length-of-204', 'body-of-304', 'no-header', 'one-part', 'parts',
            'generated', 'empty', 'short', 'long', 'raises', 'raises-started', 'raises-within',
            'raises-within-no-length', 'exc-info', 'exc-info-within', 'starts-late',
            'starts-twice', 'starts-never', 'writes', 'file/real', 'file/seek', 'file/part',
            'file/whole', 'headers', 'long-header/9000', 'long-header/60000', 'many-headers/90']
    for name, method in itertools.product(ways, ('GET', 'HEAD')):
        yield method, f'/{name}', {}, None
    for name in ('headers', 'generated', 'parts'):
        yield 'GET', f'/{name}', {'Accept-Encoding': 'gzip', 'If-None-Match': '"abc"'}, None
    body = b'line one\nline two\n' * 1000
    for how, sent in itertools.product(
            ('all', 'negative', 'blocks', 'lines', 'iterated', 'line', 'some', 'none'),
            ({'Content-Length': str(len(body))}, {'Transfer-Encoding': 'chunked'})):
        coded = chunked(body, 700) if 'Transfer-Encoding' in sent else body
        yield 'PUT', f'/read/{how}', sent, coded
    large = b'x' * 300000
    yield 'PUT', '/refuses/403', {'Content-Length': str(len(large))}, large
    yield 'PUT', '/refuses/403', {'Transfer-Encoding': 'chunked'}, chunked(large, 60000)
    yield 'PUT', '/read/all', {'Content-Length': '0'}, b''


def of_frameworks():
    """The same of each framework's application."""
    frameworks = ('flask', 'bottle', 'webob', 'cherrypy', 'django', 'falcon', 'pecan', 'paste')
    pages = ('hello/x', 'hello/x?a=b&c=%20d', 'hello/%C3%A9', 'hello/', 'crash', 'moved', 'cookie',
             'stream', 'none', '')
    kind = {'Content-Type': 'application/x-www-form-urlencoded'}
    for framework in frameworks:
        for page, method in itertools.product(pages, ('GET', 'HEAD')):
            yield method, f'/{framework}/{page}', {}, None
        yield 'GET', f'/{framework}/hello/x', {'X-Forwarded-Proto': 'https'}, None
        yield 'POST', f'/{framework}/form', kind, b'a=%C3%A9+b'
        # without the field, with one that nobody reads, and where there is no form
        yield 'POST', f'/{framework}/form', kind, b'b=1'
        yield 'POST', f'/{framework}/crash', kind, b'a=' + b'x' * 300000
        yield 'PUT', f'/{framework}/form', kind, b'a=1'


class Stream:
    """A connection whose answers are read from one buffer."""

    def __init__(self, sock):
        self.reader = sock.makefile('rb')
        self.reader.close = lambda: None

    def makefile(self, _):
        return self.reader


def ask(url, question):
    """The answer to one question, and what follows on its connection."""
    method, path, headers, body = question
    where = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(where.hostname, where.port or 80, timeout=30)
    connection.putrequest(method, where.path + path or '/', skip_host='Host' in headers,
                          skip_accept_encoding=True)
    for name, value in headers.items():
        connection.putheader(name, value.encode('latin-1'))
    if body and not {'Content-Length', 'Transfer-Encoding'} & headers.keys():
        connection.putheader('Content-Length', str(len(body)))
    following = f'GET {where.path}/next HTTP/1.1\r\nHost: {where.netloc}\r\n\r\n'.encode()
    try:
        connection.endheaders(body)
        if where.path:
            # to the front before the answer comes: where that ends, another has to begin. A server
            # that has one request a connection would reset it, and the answer with it
            connection.sock.sendall(following)
        stream: typing.Any = Stream(connection.sock)
        response = http.client.HTTPResponse(stream, method=method)
        response.begin()
    except (OSError, http.client.HTTPException) as error:
        return {'error': repr(error)}
    said = {'status': response.status, 'reason': response.reason, 'headers': sorted(
        f'{name.title()}: {value}' for name, value in response.getheaders()
        if name.lower() not in THEIRS
        # Apache's httpd takes it out
        and (method, name.lower(), value) != ('HEAD', 'content-length', '0'))}
    try:
        data = response.read()
    except (OSError, http.client.HTTPException) as error:
        data = getattr(error, 'partial', b'')
        said['cut'] = type(error).__name__
    said['body'] = data.decode('latin-1')
    said['then'] = 'mixed' if b'HTTP/1.1 200' in data else 'closed'
    if response.will_close and not where.path:
        with contextlib.suppress(ConnectionError):
            said['then'] = 'mixed' if stream.reader.read() else said['then']
    elif not response.will_close and 'cut' not in said:
        try:
            if not where.path:
                connection.sock.sendall(following)
            after = http.client.HTTPResponse(stream)
            after.begin()
            said['then'] = 'next' if after.read() == b'next\n' else 'mixed'
        except (OSError, http.client.HTTPException) as error:
            if not isinstance(error, (http.client.RemoteDisconnected, ConnectionError)):
                said['then'] = f'mixed: {error!r}'
    connection.close()
    return said


def plain(said, url):
    """An answer without what is each way's own."""
    where = urllib.parse.urlsplit(url)

    def same(text):
        text = text.replace(where.netloc, 'HOST').replace(f'"{where.port}"', '"PORT"')
        return text.replace(where.path, '/PREFIX') if where.path else text

    if said.get('body', '').startswith('{"') and 'cut' not in said and said['body'][-1] == '}':
        found = {key: value for key, value in json.loads(said['body']).items()
                 if not OWN.match(key)}
        said['body'] = same(json.dumps(found, indent=0))
        said['headers'] = [each for each in said['headers']
                           if not each.startswith('Content-Length')]
    else:
        said['body'] = same(said.get('body', ''))
    folded = {}
    for each in said.get('headers', ()):
        name, _, value = same(each).partition(': ')
        # several are one list (RFC 9110, 5.3), and mod_wsgi's httpd makes it one
        key = name if name not in ('Set-Cookie', 'Www-Authenticate') else each
        folded.setdefault(key, []).append(value)
    said['headers'] = [f"{name}: {', '.join(values)}" for name, values in folded.items()]
    # one that has closed the connection need not say so where nothing was lost
    if said.get('then') in ('closed', 'next'):
        said['then'] = 'whole'
    return said


def compare(name, first, other):
    """Lines of what another way answers otherwise."""
    for key in sorted(first.keys() | other.keys()):
        mine, theirs = first.get(key), other.get(key)
        if mine == theirs:
            continue
        if key == 'body':
            mine, theirs = mine or '', theirs or ''
            if '\n' in mine + theirs:
                lines = set(mine.split('\n')) ^ set(theirs.split('\n'))
                yield f'{name} body: ' + ' '.join(sorted(lines))[:200]
            else:
                yield f'{name} body: {len(mine)} {mine[:40]!r}, {len(theirs)} {theirs[:40]!r}'
        elif key == 'headers':
            lines = set(mine or ()) ^ set(theirs or ())
            yield f'{name} headers: ' + '; '.join(sorted(lines))[:200]
        else:
            yield f'{name} {key}: {mine}, {theirs}'


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('ways', nargs='+', metavar='NAME=URL')
    parser.add_argument('--only', default='', metavar='REGEX', help='paths of the questions')
    parser.add_argument('--show', action='store_true', help='print the first way\'s answers')
    parser.add_argument('--frameworks', action='store_true')
    args = parser.parse_args()
    ways = dict(each.split('=', 1) for each in args.ways)
    asked = differences = 0
    for question in of_frameworks() if args.frameworks else questions():
        method, path, headers, _ = question
        if not re.search(args.only, path):
            continue
        asked += 1
        answers = {name: plain(ask(url, question), url) for name, url in ways.items()}
        (base, first), *others = answers.items()
        if args.show:
            print(method, path, headers, first)
        # of which equal answers say nothing: none may be mixed, or missing
        if 'error' in first or first['then'].startswith('mixed'):
            differences += 1
            print(f"{method} {path} {headers or ''}: {base}: {first.get('error', 'mixed')}")
        for name, other in others:
            for line in compare(name, first, other):
                differences += 1
                print(f'{method} {path} {headers or ""}: {base} and {line}')
    print(f'{asked} questions, {differences} differences')
    return differences > 0


if __name__ == '__main__':
    sys.exit(main())
