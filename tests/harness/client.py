"""Use an API as a client would, and say what was seen.

For the proofs of tools/demo and tools/conformance. A proof is a function that
takes a Service, and returns a line that says what it did and saw, or raises
Failed.

Standard library only; it runs in the machine, where the services are.
"""

import http.client
import json
import os
import urllib.parse

from harness.command import Failed

MIB = 1024 * 1024
OPENRC = '/root/openrc'


class Answer:
    def __init__(self, response, body):
        self.status = response.status
        self.headers = response.headers
        self.body = body

    def json(self):
        return json.loads(self.body)


class Service:
    """An API at its address, and what every request to it carries."""

    def __init__(self, url, headers=()):
        self.url = urllib.parse.urlsplit(url.rstrip('/'))
        self.headers = dict(headers)

    def call(self, method, path, expect, body=None, headers=(), sink=None):
        """Send one request; Failed unless the status is the expected one.

        body: bytes, an object (sent as JSON) or an iterator of bytes (sent
        in chunks); sink: called with every piece of the answer's body.
        """
        headers = {**self.headers, **dict(headers)}
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
            headers.setdefault('Content-Type', 'application/json')
        chunked = body is not None and not isinstance(body, bytes)
        if chunked:
            headers['Transfer-Encoding'] = 'chunked'
        path = self.url.path + path
        connection = http.client.HTTPConnection(
            self.url.hostname, self.url.port or 80, timeout=60)
        try:
            connection.request(method, path, body, headers,
                               encode_chunked=chunked)
            response = connection.getresponse()
            if sink and response.status == expect:
                while piece := response.read(MIB):
                    sink(piece)
            answer = Answer(response, response.read())
        except (OSError, http.client.HTTPException) as error:
            raise Failed(f'{method} {path}: {type(error).__name__}: {error}') from None
        finally:
            connection.close()
        if answer.status != expect:
            text = answer.body.decode('utf-8', 'replace')
            raise Failed('%s %s: %d instead of %d: %s' % (
                method, path, answer.status, expect,
                ' '.join(text.split())[:200]))
        return answer

    def guarded(self, path):
        """What is there for who has a token; without one it is 401."""
        Service(self.url.geturl()).call('GET', path, 401)
        return self.call('GET', path, 200).json()


def pieces(mib, digest):
    """So many MiB to send, random; the digest is told of each."""
    for _ in range(mib):
        piece = os.urandom(MIB)
        digest.update(piece)
        yield piece


def read_openrc():
    """The account that the first one in Keystone has."""
    values = {}
    with open(OPENRC) as lines:
        for line in lines:
            key, _, value = line.strip().partition('=')
            values[key.replace('export ', '')] = value
    return values


def tell(function, *args):
    """Print what the proof returns; the status for exit."""
    try:
        print(function(*args))
    except Failed as error:
        print(error)
        return 1
    except (KeyError, IndexError, TypeError, ValueError) as error:
        print(repr(error))
        return 1
    return 0
