"""The services that tests/bench compares: ours, and DevStack's own.

Each has a name, deploy(), start(), stop(), remove(), a URL, and the units
whose CPU and memory count.
"""

import os

from bench.system import HERE, ask, wait_until, write, wsgi
from harness.command import Failed, run

FRONT = 'apache2.service'
# DevStack's way for Glance says KeepAlive Off for its whole server, so it has
# an Apache of its own, a copy of the other
SECOND = 'apache2@second.service'
SECOND_PORT = 81
FOLDER = '/srv/bench'
USER = 'www-data'
WORKERS = 2
VENV = '/opt/stack/data/venvs/placement'


class Application:
    """What is deployed, and how it is asked."""

    module = 'application:application'
    user = USER
    folder = FOLDER
    venv = ''
    path = '/'
    headers: tuple[str, ...] = ()

    def __init__(self, **environment):
        self.environment = environment


class Placement(Application):
    """Placement on sqlite; every caller is the admin (noauth2)."""

    module = 'placement.wsgi.api:application'
    user = 'stack'
    folder = '/opt/stack/data/placement'
    venv = VENV
    path = '/resource_providers'
    headers = ('X-Auth-Token: admin', 'Accept: application/json')

    def __init__(self):
        super().__init__(OS_PLACEMENT_CONFIG_DIR='/etc/placement')


class Service:
    def __init__(self, name, application):
        self.name = name
        self.application = application
        self.front = FRONT
        self.url = f'http://127.0.0.1/{name}'

    @property
    def address(self):
        return self.url + self.application.path

    @property
    def own_units(self):
        return [f'devstack@{self.name}.service']

    @property
    def units(self):
        """Those that a request passes: Apache's, and its own."""
        return [self.front], self.own_units

    @property
    def main(self):
        return self.own_units[0]

    def deploy(self):
        raise NotImplementedError

    start = stop = remove = deploy

    def ready(self):
        return 0 < ask(self.url + '/')[0] < 500

    def systemctl(self, verb):
        run('systemctl', verb, self.main)


class Ours(Service):
    """Deployed by the library."""

    def __init__(self, name, application, *options, mode='uwsgi', listen=0):
        super().__init__(name, application)
        self.options = options
        self.mode = mode
        self.listen = listen
        if listen:
            self.url = 'http://127.0.0.1:%d' % listen

    @property
    def own_units(self):
        units = super().own_units
        if self.mode == 'mod_wsgi':
            # what systemd's socket gets passes it
            units.append(f'devstack@{self.name}.forward.service')
        return units

    @property
    def units(self):
        if self.listen:
            return [], self.own_units
        # what writes Apache's access lines has a cgroup of its own
        return [self.front, *run(
            'systemctl', 'list-units', '--plain', '--no-legend',
            'devstack-wsgi-access-*').split()[:1]], self.own_units

    def deploy(self):
        application = self.application
        where = (['--listen', '127.0.0.1:%d' % self.listen] if self.listen
                 else ['--path', '/' + self.name])
        if application.venv:
            where += ['--venv', application.venv]
        for pair in application.environment.items():
            where += ['--env', '{}={}'.format(*pair)]
        wsgi('deploy', self.name, '--app', application.module, '--chdir',
             application.folder, '--user', application.user, '--mode',
             self.mode, '--processes', str(WORKERS), *where, *self.options)

    def start(self):
        wsgi('start', self.name)

    def stop(self):
        wsgi('stop', self.name)

    def remove(self):
        wsgi('remove', self.name)


class Quiet(Ours):
    """Without access lines, as doc/source/servers.rst says it."""

    @property
    def file(self):
        return f'/etc/devstack-wsgi/site.d/{self.name}/quiet.conf'

    def deploy(self):
        super().deploy()
        write(self.file, f'<Location "/{self.name}">\n'
              '    SetEnvIf Request_URI ^ DEVSTACK_WSGI_UNIT=-\n</Location>\n')
        run('systemctl', 'reload', self.front)

    def remove(self):
        os.unlink(self.file)
        super().remove()


class Bare(Ours):
    """Without the runtime, which still says when the service is ready."""

    def deploy(self):
        super().deploy()
        end = 'wsgi' if self.mode == 'mod_wsgi' else 'py'
        module, name = self.application.module.split(':')
        with open(f'/etc/devstack-wsgi/{self.mode}/{self.name}.{end}',
                  'a') as script:
            script.write(f'from {module} import {name} as application\n')


class Stock(Service):
    """Written as DevStack's functions write it (tests/bench/devstack)."""

    def __init__(self, name, application, kind='uwsgi', port=9700):
        super().__init__(name, application)
        self.kind = kind
        self.port = port
        if kind == 'http':
            self.front = SECOND
            self.url = 'http://127.0.0.1:%d/%s' % (SECOND_PORT, name)

    def fill(self, template):
        conf = f'/etc/bench/{self.name}.ini'
        command = f'/usr/bin/uwsgi --procname-prefix {self.name} --ini {conf}'
        if self.application.venv:
            command += ' --venv ' + self.application.venv
        environment = {'PYTHONPATH': self.application.folder,
                       **self.application.environment}
        marks = {
            'NAME': self.name, 'MODULE': self.application.module,
            'PORT': str(self.port), 'PROCESSES': str(WORKERS),
            'SOCKET': f'/var/run/uwsgi/{self.name}.socket',
            'USER': self.application.user, 'COMMAND': command,
            'ENVIRONMENT': '\n'.join('Environment = "{}={}"'.format(*pair)
                                     for pair in environment.items()),
        }
        with open(os.path.join(HERE, 'devstack', template)) as file:
            text = file.read()
        for mark, value in marks.items():
            text = text.replace(f'@{mark}@', value)
        return text

    @property
    def files(self):
        etc = '/etc/apache2'
        if self.kind == 'http':
            etc += '-second'
        return {
            f'/etc/bench/{self.name}.ini': self.kind + '.ini',
            '/etc/systemd/system/' + self.main: 'service.conf',
            f'{etc}/sites-enabled/{self.name}.conf':
                self.kind + '.site.conf',
        }

    def deploy(self):
        if self.kind == 'http':
            second_apache()
        run('a2enmod', '--quiet', 'proxy', 'proxy_uwsgi')
        os.makedirs('/run/uwsgi', exist_ok=True)
        # DevStack gives it to the user of all its services
        run('chown', self.application.user, '/run/uwsgi')
        for path, template in self.files.items():
            write(path, self.fill(template))
        run('systemctl', 'daemon-reload')
        run('systemctl', 'restart', self.front)

    def start(self):
        self.systemctl('start')
        wait_until(self.ready)

    def stop(self):
        self.systemctl('stop')

    def remove(self):
        self.stop()
        for path in self.files:
            os.unlink(path)
        run('systemctl', 'daemon-reload')
        run('systemctl', 'restart', self.front)


class StockAlone(Stock):
    """The same server, asked without Apache: what it can do at most."""

    def __init__(self, name, application, port):
        super().__init__(name, application, 'http', port)
        self.url = 'http://127.0.0.1:%d' % port

    @property
    def units(self):
        return [], self.own_units


class Static(Service):
    """A file of the same size from Apache alone: what that can do at most."""

    def __init__(self, name, application):
        super().__init__(name, application)
        self.file = f'/var/www/html/{name}.json'
        self.url += '.json'

    @property
    def address(self):
        return self.url

    @property
    def units(self):
        return [self.front], []

    def deploy(self):
        write(self.file, 'x' * 200)

    def start(self):
        if ask(self.url)[0] != 200:
            raise Failed('no answer from ' + self.url)

    def stop(self):
        """There is nothing to stop."""

    def remove(self):
        os.unlink(self.file)


def second_apache():
    """Debian's way to have another Apache beside the first."""
    if os.path.exists('/etc/apache2-second'):
        return
    run('cp', '-a', '/etc/apache2', '/etc/apache2-second')
    for folder in ('/etc/apache2-second/sites-enabled',
                   '/etc/apache2-second/mods-enabled'):
        os.makedirs(folder, exist_ok=True)
    run('bash', '-c', r"""
        cd /etc/apache2-second || exit
        mkdir -p /var/log/apache2-second
        # the first's services are not its own
        find sites-enabled -name '*.conf' ! -name '000-default.conf' -delete
        sed -i 's/^Listen .*/Listen '"$1"'/' ports.conf
        sed -i 's/\*:80>/*:'"$1"'>/' sites-enabled/000-default.conf
        for name in proxy.load proxy.conf proxy_http.load proxy_uwsgi.load; do
            ln -sf ../mods-available/$name mods-enabled/$name
        done
        """, 'second', str(SECOND_PORT))
