"""mod_wsgi's part of the runtime: each of its processes loads the application through it.

Written from files/mod_wsgi/runtime.py by lib/devstack_wsgi; change it there.

A module that does not load ends the process, and control.py, which waits for the service, is told.
"""

import json
import os
import sys
import time
import traceback
import urllib.parse

import devstack_wsgi_runtime as runtime
from devstack_wsgi_door import Door


def settle(run, argv):
    """What control.py read in the caller's CONF when the service started."""
    sys.argv = ['mod_wsgi', *argv]
    try:
        with open(os.path.join(run, 'settings.json')) as text:
            settings = json.load(text)
    except FileNotFoundError:
        return
    os.environ.update(settings['env'])
    if settings['argv'] is not None:
        sys.argv[1:] = settings['argv']


def print_as_it_is():
    """Send what is printed to the httpd's log as it is: mod_wsgi's own way escapes and cuts it."""
    sys.stdout = sys.stderr = open(2, 'w', buffering=1, encoding='utf-8',
                                   errors='backslashreplace', closefd=False)


def broken(run):
    # at once, or another process's lines come between
    sys.stderr.write(traceback.format_exc())
    sys.stderr.flush()
    with open(os.path.join(run, 'broken'), 'a') as note:
        note.write(f'{os.getpid()}\n')
    # mod_wsgi starts the next at once
    time.sleep(1)
    os._exit(1)


def serve(app, script, prefix, check, variables, run, argv, trial):
    """The callable that mod_wsgi is given.

    app, script: the application, as runtime.load() takes it
    prefix:      the path of the service, '' for none
    check:       the path of its health check below prefix
    variables:   names of the front's that it sees
    run:         the service's runtime folder
    argv:        the application's arguments
    trial:       only try to load it, and exit
    """
    if trial:
        settle(run, argv)
        runtime.load(app, script)
        sys.exit()
    print_as_it_is()
    door = Door('mod_wsgi')
    try:
        settle(run, argv)
        runtime.open_door(door)
        wrapped = runtime.load(app, script)
        runtime.prove(wrapped, prefix, check, door)
    except BaseException:
        broken(run)

    def application(environ, start_response):
        # the first is ours, whatever a client says
        peer = environ.get('HTTP_X_DEVSTACK_WSGI_PEER', '').split(',')[0]
        said = environ.get('HTTP_X_DEVSTACK_WSGI_SAID', '')
        direct = environ.pop('HTTP_X_DEVSTACK_WSGI_DIRECT', None)
        if environ.get('HTTP_X_FORWARDED_PROTO') in ('http', 'https'):
            environ['wsgi.url_scheme'] = environ['HTTP_X_FORWARDED_PROTO']
        environ['wsgi.errors'] = sys.stderr
        # its httpd makes one slash of two
        path = environ['REQUEST_URI'].partition('?')[0]
        if '//' in path and path.startswith('/') and '/.' not in path:
            environ['PATH_INFO'] = urllib.parse.unquote_to_bytes(path).decode('latin-1')
        runtime.mend(environ, prefix, not direct, peer, '' if direct else said, variables)
        return runtime.Answer(environ, start_response, None, True, door, not direct).run(
            wrapped, environ)

    return application
