"""A WSGI application that tries what an API has no business doing.

/deeds  one line for each deed: its name, and 'done' or the error
"""

import ctypes
import mmap
import os
import socket
import subprocess

FOLDERS = {
    'usr': '/usr/local/deeds',
    'etc': '/etc/deeds',
    'home': '/run/user/deeds',
    'var': '/var/lib/deeds',
}
WITNESS = '/tmp/deeds'


def write(folder):
    with open(os.path.join(folder, 'file'), 'w') as text:
        text.write('done')


def setgid():
    os.chmod(FOLDERS['var'], 0o2755)
    os.chmod(FOLDERS['var'], 0o755)


def module():
    libc = ctypes.CDLL(None, use_errno=True)
    # one that is not there; to who may not ask, the error is another
    if libc.delete_module(b'deeds', os.O_NONBLOCK):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def run(*command):
    done = subprocess.run(command, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL)
    if done.returncode:
        raise OSError(0, 'refused')


DEEDS = {
    **{name: lambda folder=folder: write(folder)
       for name, folder in FOLDERS.items()},
    'tmp': lambda: os.stat(WITNESS),
    'setgid': setgid,
    'sudo': lambda: run('sudo', '-n', 'true'),
    'process': lambda: os.stat('/proc/1/comm'),
    'modules': lambda: os.listdir('/usr/lib/modules'),
    'module': module,
    'packet': lambda: socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM),
    'raw': lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW,
                                 socket.IPPROTO_ICMP),
    'netlink': lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW),
    'namespace': lambda: run('unshare', '--user', 'true'),
    'code': lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_READ |
                              mmap.PROT_WRITE | mmap.PROT_EXEC),
}


def tried(deed):
    try:
        deed()
        return 'done'
    except OSError as error:
        return error.strerror


def application(environ, start_response):
    answer = ''
    if environ['PATH_INFO'] == '/deeds':
        answer = ''.join('%s: %s\n' % (name, tried(deed))
                         for name, deed in DEEDS.items())
    start_response('200 OK', [('Content-Type', 'text/plain')])
    return [answer.encode()]
