"""files/runtime/runtime.py: one environ, and answers that end where they say."""

from __future__ import annotations

import io
import os
import sys

import pytest
from harness.workers import door, runtime
from hypothesis import given
from hypothesis import strategies as st

TEXT = ('Content-Type', 'text/plain')


def asked(application, method='GET', chunks=False, body=None):
    """What a server gets of an application: statuses, headers of the last, and the bytes."""
    heads, sent = [], []

    def start_response(status, headers):
        heads.append((status, headers))
        return sent.append

    environ = {'REQUEST_METHOD': method, 'SERVER_PROTOCOL': 'HTTP/1.1'}
    answer = runtime.Answer(environ, start_response, body, chunks)
    try:
        sent.extend(answer.run(application, environ))
    finally:
        answer.close()
    assert len(heads) == 1
    return heads[0][0], dict(heads[0][1]), b''.join(sent)


def saying(parts, status='200 OK', headers=(TEXT,)):
    """An application that answers with these parts."""
    def application(environ, start_response):
        start_response(status, list(headers))
        return parts
    return application


def of_length(number):
    return [TEXT, ('Content-Length', str(number))]


# ---- where an answer ends

@given(st.lists(st.binary(max_size=20), max_size=6), st.integers(0, 60))
def test_no_answer_is_longer_than_it_says(parts, number):
    _, _, sent = asked(saying(iter(parts), headers=of_length(number)))

    assert sent == b''.join(parts)[:number]


@given(st.lists(st.binary(max_size=20), min_size=2, max_size=6))
def test_an_answer_without_a_length_is_chunks_that_end(parts):
    _, headers, sent = asked(saying(iter(parts)), chunks=True)

    rest, whole = sent, b''
    if b''.join(parts):
        assert headers['Transfer-Encoding'] == 'chunked'
        while not rest.startswith(b'0\r\n\r\n'):
            size, _, rest = rest.partition(b'\r\n')
            whole, rest = whole + rest[:int(size, 16)], rest[int(size, 16) + 2:]
    assert whole == b''.join(parts)


def test_one_part_says_its_length():
    assert asked(saying([b'abc']))[1]['Content-Length'] == '3'
    assert asked(saying([]))[1]['Content-Length'] == '0'
    assert 'Content-Length' not in asked(saying([b'a', b'b']))[1]


@pytest.mark.parametrize('status', ['204 No Content', '304 Not Modified'])
def test_204_and_304_have_no_body_and_say_nothing_of_one(status):
    code, headers, sent = asked(saying([b'surplus'], status, of_length(7)), chunks=True)

    assert (code, headers, sent) == (status, {}, b'')


def test_head_has_the_headers_and_no_body():
    _, headers, sent = asked(saying([b'abc'], headers=of_length(3)), 'HEAD', chunks=True)

    assert headers['Content-Length'] == '3' and sent == b''


# ---- exceptions

def raising(*parts):
    yield from parts
    raise RuntimeError('within')


@pytest.mark.parametrize('started', [False, True])
def test_an_exception_before_the_first_byte_is_an_empty_500(capsys, started):
    def application(environ, start_response):
        if started:
            start_response('200 OK', of_length(3))
        raise RuntimeError('é')

    status, headers, sent = asked(application)

    assert (status, headers['Content-Length'], sent) == ('500 Internal Server Error', '0', b'')
    assert 'RuntimeError: é' in capsys.readouterr().err


def test_an_exception_within_chunks_leaves_out_the_last(capsys):
    _, _, sent = asked(saying(raising(b'abc')), chunks=True)

    assert sent == b'3\r\nabc\r\n'
    assert 'RuntimeError: within' in capsys.readouterr().err


def test_an_answer_that_ends_early_is_logged(capsys):
    assert asked(saying([b'abc'], headers=of_length(9)))[2] == b'abc'
    assert 'ends 6 bytes before its Content-Length' in capsys.readouterr().err


def test_exc_info_replaces_what_was_not_sent():
    def application(environ, start_response):
        start_response('200 OK', [TEXT])
        try:
            raise ValueError('late')
        except ValueError:
            start_response('503 Late', of_length(4), sys.exc_info())
        return [b'late']

    assert asked(application)[::2] == ('503 Late', b'late')


def test_exc_info_after_the_first_byte_raises_the_exception(capsys):
    def application(environ, start_response):
        start_response('200 OK', of_length(9))
        yield b'abc'
        try:
            raise ValueError('late')
        except ValueError:
            start_response('503 Late', [TEXT], sys.exc_info())
        yield b'more'

    assert asked(application)[::2] == ('200 OK', b'abc')
    assert 'ValueError: late' in capsys.readouterr().err


def test_starting_twice_or_never_is_a_500(capsys):
    def twice(environ, start_response):
        start_response('200 OK', [TEXT])
        start_response('200 OK', [TEXT])

    assert asked(twice)[0] == '500 Internal Server Error'
    assert asked(lambda environ, start_response: [b'x'])[0] == '500 Internal Server Error'


# ---- the rest of PEP 3333

def test_write_sends_at_once_and_counts():
    def application(environ, start_response):
        write = start_response('200 OK', of_length(6))
        write(b'abc')
        return [b'def', b'ghi']

    assert asked(application)[2] == b'abcdef'


def test_close_of_the_iterable_is_called_also_after_an_exception(capsys):
    closed = []

    class Parts:
        def __iter__(self):
            return raising(b'x')

        def close(self):
            closed.append(True)

    asked(saying(Parts()))

    assert closed == [True]


def test_the_body_is_read_before_the_answer_and_at_its_end():
    class Body:
        touched = False
        drained = 0

        def drain(self):
            self.drained += 1

    body = Body()

    asked(saying([b'refused'], '403 Forbidden'), body=body)

    assert body.drained == 2


def test_the_file_wrapper_begins_where_the_file_stands():
    file = io.BytesIO(b'0123456789')
    file.seek(4)

    assert b''.join(runtime.FileWrapper(file, 3)) == b'456789'


# ---- the environ

def mended(front=True, prefix='/p', peer='', said='', **environ):
    environ = {'PATH_INFO': '/p/x', 'wsgi.url_scheme': 'http', **environ}
    runtime.mend(environ, prefix, front, peer, said, ('A', 'B'))
    return environ


@pytest.mark.parametrize(('said', 'wanted'), [
    ('= = = =', {}), ('= = = = ', {}), ('', {}),
    ('=u =Basic =a%20b =', {'REMOTE_USER': 'u', 'AUTH_TYPE': 'Basic', 'A': 'a b'}),
    ('= = = =b=c C_x=%E9%3D C%3D-y=2 D=', {'B': 'b=c', 'C_x': '\xe9=', 'C=-y': '2'})])
def test_what_the_front_says_of_a_user_and_of_variables(said, wanted):
    assert mended(said=said).items() >= wanted.items()
    assert mended(said=said).keys() - mended().keys() == wanted.keys()


@pytest.mark.parametrize(('script', 'path', 'wanted'), [
    # as uWSGI's HTTP socket and mod_wsgi say it, then as mod_proxy_uwsgi does
    ('', '/p', '/'), ('', '/p/', '/'), ('', '/p//', '//'), ('', '/p/x/', '/x/'), ('/p', '', '/'),
    ('/p/', '/', '/'), ('/p', '/x', '/x'),
    # what is below may be called like the service
    ('', '/p/p', '/p'), ('/p', '/p', '/p'), ('/p', '/p/x', '/p/x')])
def test_the_prefix_is_script_name_and_the_rest_path_info(script, path, wanted):
    said = mended(SCRIPT_NAME=script, PATH_INFO=path)

    assert (said['SCRIPT_NAME'], said['PATH_INFO']) == ('/p', wanted)


@pytest.mark.parametrize(('host', 'scheme', 'name', 'port'), [
    ('API.example:8080', 'http', 'api.example', '8080'), ('api', 'https', 'api', '443'),
    ('[::1]:8080', 'http', '[::1]', '8080'), ('[::1]', 'http', '[::1]', '80')])
def test_name_and_port_of_the_server_are_those_that_the_client_asked(host, scheme, name, port):
    said = mended(HTTP_HOST=host, **{'wsgi.url_scheme': scheme})

    assert (said['SERVER_NAME'], said['SERVER_PORT']) == (name, port)


def test_what_only_the_front_may_say_counts_for_nothing_without_it():
    said = mended(front=False, HTTP_X_FORWARDED_PROTO='https', HTTP_PROXY='x',
                  HTTP_X_DEVSTACK_WSGI_PEER='6.6.6.6', HTTP_X_DEVSTACK_WSGI_SECRET='x')

    assert not {key for key in said if key.startswith('HTTP_')}
    assert said['wsgi.url_scheme'] == 'http'


# ---- proof of life

@pytest.mark.parametrize(('application', 'wanted'), [
    (saying([b'x'], '300 Choices'), 300), (saying(raising()), 500)])
def test_a_worker_notes_what_its_health_check_answered(monkeypatch, tmp_path, capsys, application,
                                                       wanted):
    monkeypatch.setenv('RUNTIME_DIRECTORY', str(tmp_path))
    (tmp_path / 'alive').mkdir()
    # of one that is no more, and of one that lives
    for name in (f'{2 ** 22 + 1}', f'{2 ** 22 + 1}.door', '1'):
        (tmp_path / 'alive' / name).write_text('200\n')
    counts = door.Door('x')

    runtime.prove(application, '/p', '/healthcheck', counts)

    assert (tmp_path / 'alive' / str(os.getpid())).read_text() == f'{wanted}\n'
    assert {each.name for each in (tmp_path / 'alive').iterdir()} == {'1', str(os.getpid())}
    # it is no client's
    said = counts.tell()
    assert (said['healthcheck'], said['ready'], said['served']) == (wanted, wanted < 500, 0)


def test_a_process_without_a_runtime_folder_asks_nothing(monkeypatch):
    monkeypatch.delenv('RUNTIME_DIRECTORY', raising=False)

    runtime.prove(None, '', '/', None)
    runtime.open_door(None)


def test_a_worker_serves_without_a_door(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv('RUNTIME_DIRECTORY', str(tmp_path))
    (tmp_path / 'alive' / f'{os.getpid()}.door').mkdir(parents=True)

    runtime.open_door(door.Door('x'))

    assert 'no door: ' in capsys.readouterr().err


# ---- the count of requests

def test_a_request_counts_until_the_server_closes_its_answer():
    counts = door.Door('x')

    def begin():
        environ = {'REQUEST_METHOD': 'GET'}
        return runtime.Answer(environ, lambda *_: None, door=counts).run(saying([b'x']), environ)

    first, second = begin(), begin()
    assert (counts.tell()['in_flight'], counts.tell()['served']) == (2, 0)
    list(first)
    first.close()
    first.close()
    assert (counts.tell()['in_flight'], counts.tell()['served']) == (1, 1)
    second.close()
    assert (counts.tell()['in_flight'], counts.tell()['served']) == (0, 2)


def test_one_that_the_server_cannot_close_is_no_longer_in_flight():
    counts = door.Door('x')

    def application(environ, start_response):
        # eventlet's Timeout is no Exception either
        raise GeneratorExit

    environ = {'REQUEST_METHOD': 'GET'}
    with pytest.raises(GeneratorExit):
        runtime.Answer(environ, lambda *_: None, door=counts).run(application, environ)
    assert counts.tell()['in_flight'] == 0
