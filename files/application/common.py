def load():
    if SCRIPT:
        loader = importlib.machinery.SourceFileLoader('wsgi_script', SCRIPT)
        spec = importlib.util.spec_from_loader('wsgi_script', loader)
        module = importlib.util.module_from_spec(spec)
        loader.exec_module(module)
        return module.application
    module, name = APPLICATION.split(':')
    name, factory, _ = name.partition('()')
    found = getattr(importlib.import_module(module), name)
    return found() if factory else found


def mend(environ, front, peer):
    """What the front says, in the place where an application looks for it."""
    if peer:
        environ['REMOTE_ADDR'] = peer
    if front:
        # Apache's own, for the connection between it and us
        environ.pop('HTTP_CONNECTION', None)
        host, colon, port = environ.get('HTTP_HOST', '').rpartition(':')
        if not colon or not port.isdigit():
            host, port = environ.get('HTTP_HOST', ''), ''
        if host:
            environ['SERVER_NAME'] = host
        https = environ.get('wsgi.url_scheme') == 'https'
        environ['SERVER_PORT'] = port or ('443' if https else '80')
    else:
        # nobody in front: what a client says of itself does not count
        environ.pop('HTTP_X_FORWARDED_PROTO', None)
        environ.pop('HTTP_PROXY', None)
        environ['wsgi.url_scheme'] = 'http'
    path = environ.get('PATH_INFO', '')
    if PREFIX and (path + '/').startswith(PREFIX + '/'):
        environ['SCRIPT_NAME'] = PREFIX
        # as mod_proxy_uwsgi says it of the prefix itself
        environ['PATH_INFO'] = path[len(PREFIX):] or '/'
