"""Values of each field: good ones, and strategies for all that may be accepted."""

from __future__ import annotations

from hypothesis import strategies as st

GOOD = {
    'name': ['a', 'nova-api', 'a' * 48, 'a9'],
    'unit': ['a', 'n-api-meta', 'a' * 48], 'site': ['x9'], 'key': ['c2-api'],
    'app': ['m:a', '_a.b_c.D9:_x', 'm.n:make()'],
    'script': ['/etc/passwd', '/a+b=c,d@~-.wsgi'],
    'path': ['/a', '/v2.1/x_y~z-', '/A/B/C', '/..a', '/a..b'],
    'listen': ['0.0.0.0:1', '255.255.255.255:65535', '[::]:80', '[::1]:8775',
               '[2001:DB8::1:0]:80', '[1:2:3:4:5:6:7:8]:80'],
    'mode': ['uwsgi', 'mod_wsgi'], 'transport': ['http', 'uwsgi'],
    'processes': ['1', '512'], 'threads': ['1', '512'],
    'in-flight': ['1', '1024', 'off'], 'preload': ['yes', 'no'], 'on-demand': ['yes', 'no'],
    'user': ['_apt', 'daemon'], 'group': ['daemon'],
    'venv': ['/opt/venv'], 'chdir': ['/', '/usr/'], 'python-path': ['/usr/lib'],
    'variable': ['OIDC_CLAIM_sub', '_', 'MELLON-x', 'OIDC-*'],
    'healthcheck': ['/', '/v3/health-check.json'], 'conf': ['/etc/x-y_z.ini'],
    'hardening': ['off', 'standard', 'strict'],
    'env': ['_=x', 'A=', 'http_proxy=http://[::1]:3128/?a=b&c', 'LDX=1', 'MAINPID2=1',
            'PATH=/usr/bin'],
    'arg': ['--config-file=/etc/x.conf', '100%', 'a;b', 'a$b', '@a'],
    'set': ['harakiri=60', 'harakiri=a b', 'route-run=log:x'],
    'port': ['1024', '65535'], 'secret': ['0123456789abcdef' * 2], 'by': ['devstack'],
    'command': ['/usr/bin/uwsgi --ini /x', '/usr/bin/uwsgi --pyargv "a b"'],
    'tls-proxy': ['yes', 'no'],
}

# What means something to a shell, to systemd, uWSGI, Apache or Python.
_FRAGMENTS = st.sampled_from([
    'a', ' ', '  ', '0', '=', ',', ':', '-', '.', '%', '%%', '%t', '%i', '$', '$$', '$HOME', '(',
    ')', '{HOME}', '`id`', '@', '@NAME@', '[', ']', '[uwsgi]', '"', "'", '"""', "'''", '\\', '\\\\',
    '\\"', '\\n', '\\x41', ';', '#', ' # ', '&', '|', '<', '>', '</Location>', '*', '?', '~', '!',
    '^', '/', '..', '--', 'é', '日本', '\u2028', '\u2029', '\ufeff', '\xa0'])
FREE = st.lists(_FRAGMENTS | st.characters(exclude_categories=('Cs',)), max_size=6).map(''.join)
_BEGIN = {'env': 'A=', 'set': 'harakiri=', 'command': '/usr/bin/uwsgi '}


def of_field(name: str) -> st.SearchStrategy[str]:
    """Values of a field, most of which are good."""
    if name in ('env', 'set', 'arg', 'command'):
        return FREE.map(lambda text: _BEGIN.get(name, '') + text)
    return st.sampled_from(GOOD[name]) | st.tuples(
        st.sampled_from(GOOD[name]), FREE).map(''.join)
