"""What tools/bench measures: a class for each scenario.

A scenario has variants, which are tried in every round in random order.
trial(VARIANT) returns the figures of one trial; setup() and teardown() are
for all of them. ROUNDS and SHORT_ROUNDS are how often; a scenario without
SHORT_ROUNDS is left out of a short run.
"""

import concurrent.futures
import os
import shutil
import socket
import time
import urllib.parse

from bench.services import (
    FOLDER,
    FRONT,
    Application,
    Bare,
    Ours,
    Placement,
    Quiet,
    Service,
    Static,
    Stock,
    StockAlone,
)
from bench.system import (
    HERE,
    WSGI,
    Cpu,
    Reloads,
    ask,
    cgroup_of,
    cpu_of,
    memory_of,
    processes_of,
    timed,
    wait_until,
    write,
    wrk,
    wsgi,
)
from harness import PYTHON
from harness.command import Failed, run
from harness.load import Background


class Scenario:
    ROUNDS = 7
    SHORT_ROUNDS = 0

    def __init__(self, short):
        self.short = short

    def rounds(self):
        return self.SHORT_ROUNDS if self.short else self.ROUNDS

    def setup(self):
        """Nothing, unless a scenario says more."""

    def teardown(self):
        """Nothing, unless a scenario says more."""


class Served(Scenario):
    """A scenario whose variants are services."""

    # all run at once; else each only while it is tried
    TOGETHER = True

    def make(self) -> dict[str, Service]:
        raise NotImplementedError

    def __init__(self, short):
        super().__init__(short)
        self.services = self.make()
        self.deployed = []

    @property
    def variants(self):
        return list(self.services)

    def setup(self):
        for service in self.services.values():
            self.deployed.append(service)
            service.deploy()
            if self.TOGETHER:
                service.start()

    def teardown(self):
        for service in reversed(self.deployed):
            service.remove()


def ways(application, prefix, stock=True, ours=Ours):
    """All ways to one application behind Apache."""
    services: dict[str, Service] = {
        'uwsgi': ours(prefix + '-uwsgi', application, '--transport', 'uwsgi'),
        'http': ours(prefix + '-http', application),
        'mod_wsgi': ours(prefix + '-mod', application, mode='mod_wsgi'),
    }
    if stock:
        services['devstack-uwsgi'] = Stock(prefix + '-stock', application)
        services['devstack-http'] = Stock(prefix + '-glance', application,
                                          'http', 9701)
    return services


class Requests(Served):
    """A small application, and a client that keeps its connections."""

    ROUNDS = 9
    SHORT_ROUNDS = 5
    SECONDS = 2

    def make(self):
        application = Application()
        services = {
            **ways(application, 'small'),
            # the same once more: what differs is noise
            'devstack-uwsgi-again': Stock('small-again', application),
            'static': Static('small', application),
        }
        if self.short:
            for name in ('http', 'mod_wsgi'):
                del services[name]
            return services
        return {
            **services,
            'uwsgi-direct': Ours('small-direct', application, listen=9711),
            'mod_wsgi-direct': Ours('small-direct-mod', application,
                                    mode='mod_wsgi', listen=9712),
            'devstack-direct': StockAlone('small-alone', application, 9702),
        }

    def setup(self):
        super().setup()
        for service in self.services.values():
            self.client(service, 1)

    def client(self, service, seconds):
        return wrk(service.address, seconds,
                   headers=service.application.headers)

    def trial(self, variant):
        service = self.services[variant]
        with Cpu(*service.units) as cpu:
            seen = self.client(service, 1 if self.short else self.SECONDS)
        if not seen['requests']:
            raise Failed(f'{variant}: no answer')
        parts = [used / seen['requests'] for used in cpu.parts]
        return {
            'cpu_us': sum(parts), 'front_us': parts[0], 'own_us': parts[1],
            'journal_us': parts[2],
            'rate': seen['requests'] / seen['seconds'],
            'p50_ms': seen['p50_ms'], 'p99_ms': seen['p99_ms'],
            'failed': seen['failed'],
        }


class PlacementRequests(Requests):
    """Placement on sqlite: the list of its providers."""

    ROUNDS = 5
    SHORT_ROUNDS = 0
    # some tens of requests, so that those cut off at the end do not count
    SECONDS = 6

    def make(self):
        application = Placement()
        services = ways(application, 'place')
        del services['devstack-http']
        services['uwsgi-threads'] = Ours('place-threads', application,
                                         '--threads', '4')
        return services


class Parts(Requests):
    """What the runtime and an access line cost a small request."""

    SHORT_ROUNDS = 0

    def make(self):
        application = Application()
        services = ways(application, 'all', False)
        for name, ours in (('no runtime', Bare), ('no access lines', Quiet)):
            prefix = name.replace(' ', '-')
            services.update(
                (f'{way}, {name}', service) for way, service
                in ways(application, prefix, False, ours).items())
        return services


class Defaults(Requests):
    """What each default of ours costs: without it, or with another."""

    SHORT_ROUNDS = 0
    OTHERWISE = {
        'no health rules': ('--healthcheck', '/healthcheck'),
        'no thunder-lock': ('--set', 'thunder-lock=false'),
        'no post-buffering': ('--set', 'post-buffering=0'),
        'buffer-size 8192': ('--set', 'buffer-size=8192'),
        'threads 4': ('--threads', '4'),
        'preload': ('--preload',),
        'sandbox off': ('--hardening', 'off'),
    }

    def make(self):
        application = Application()
        services: dict[str, Service] = {
            'uwsgi': Ours('default-0', application),
            'no access lines': Quiet('default-quiet', application)}
        for number, (name, options) in enumerate(self.OTHERWISE.items(), 1):
            services[name] = Ours('default-%d' % number, application,
                                  *options)
        return services


class Memory(Served):
    """Placement alone on the machine, before and after some requests."""

    ROUNDS = 3
    TOGETHER = False

    def make(self):
        application = Placement()
        services = ways(application, 'mem')
        for name in ('http', 'devstack-http'):
            del services[name]
        services['uwsgi-preload'] = Ours('mem-preload', application,
                                         '--preload')
        return services

    def trial(self, variant):
        service = self.services[variant]
        service.start()
        try:
            fresh = memory_of(service.own_units)
            wrk(service.address, 1, headers=service.application.headers)
            return {'mib': memory_of(service.own_units), 'fresh_mib': fresh}
        finally:
            service.stop()


class Upload(Served):
    """A body in chunks: PUT without a length."""

    ROUNDS = 5
    MIB = 256

    def make(self):
        services = ways(Application(), 'upload')
        # these two speak the uwsgi protocol, which knows no chunks (411)
        for name in ('uwsgi', 'devstack-uwsgi'):
            del services[name]
        services['uwsgi-direct'] = Ours('upload-direct', Application(),
                                        listen=9713)
        return services

    def trial(self, variant):
        service = self.services[variant]
        begin = time.monotonic()
        with Cpu(*service.units) as cpu:
            answer = run('bash', '-c', """
                head -c "$1" /dev/zero | curl --silent --show-error \\
                    --upload-file - --header 'Transfer-Encoding: chunked' \\
                    --header 'Expect:' "$2" """, 'upload',
                         str(self.MIB << 20), service.address)
            seconds = time.monotonic() - begin
        if answer.strip() != str(self.MIB << 20):
            raise Failed(f'{variant}: {answer[:100]}')
        return {'mib_s': self.MIB / seconds,
                'cpu_ms_mib': cpu.used / 1000 / self.MIB}


class Slow(Served):
    """Two clients send a byte in 1.5 s, others ask meanwhile."""

    ROUNDS = 3
    BYTES = 6
    PAUSE = 1.5

    def make(self):
        services = ways(Application(), 'slow')
        del services['devstack-http']
        return services

    def trial(self, variant):
        service = self.services[variant]
        load = Background(service.address, 20)
        try:
            with concurrent.futures.ThreadPoolExecutor(2) as pool:
                answers = list(pool.map(self.send, [service.address] * 2))
        finally:
            seen = pauses(load.end())
        for answer in answers:
            if not answer.startswith(b'HTTP/1.1 200 '):
                raise Failed(f'{variant}: {answer[:40]!r}')
        return seen

    def send(self, address):
        """The answer to a body that comes byte by byte."""
        url = urllib.parse.urlsplit(address)
        with socket.create_connection((url.hostname, url.port or 80),
                                      timeout=120) as client:
            client.sendall(b'PUT %s HTTP/1.1\r\nHost: localhost\r\n'
                           b'Content-Length: %d\r\n\r\n' % (
                               url.path.encode(), self.BYTES))
            for _ in range(self.BYTES):
                time.sleep(self.PAUSE)
                client.sendall(b'x')
            return client.recv(1024)


def pauses(seen):
    """The figures of what a load saw."""
    return {'pause_ms': seen['longest_pause_ms'],
            **{key: seen[key] for key in ('sent', 'failed', 'p50_ms', 'p99_ms')}}


class Pause(Served):
    """100 requests/s while something is done to the service."""

    ROUNDS = 5
    IMPORT_SECONDS = 2
    RATE = 100
    VERB = ''

    @property
    def variants(self):
        return ['control', 'import', *self.services]

    def trial(self, variant):
        if variant == 'import':
            return import_time(IMPORT_SECONDS=self.IMPORT_SECONDS)
        control = variant == 'control'
        service = self.services['uwsgi' if control else variant]
        load = Background(service.address, self.RATE)
        try:
            time.sleep(1)
            if control:
                time.sleep(self.IMPORT_SECONDS)
            else:
                service.systemctl(self.VERB)
            time.sleep(1)
        finally:
            seen = pauses(load.end())
        # DevStack's is done before it serves; the next trial is to find it up
        wait_until(service.ready)
        return seen


class Reload(Pause):
    """A reload: new code, the same configuration."""

    SHORT_ROUNDS = 3
    VERB = 'reload'

    def make(self):
        application = Application(IMPORT_SECONDS=self.IMPORT_SECONDS)
        services = {'uwsgi': Ours('reload-uwsgi', application,
                                  '--transport', 'uwsgi')}
        if not self.short:
            services.update(ways(application, 'reload'))
            services['uwsgi-preload'] = Ours('reload-preload', application,
                                             '--preload')
            del services['devstack-http']
        return services


class Restart(Pause):
    """A restart: the whole instance ends and another begins."""

    SHORT_ROUNDS = 2
    VERB = 'restart'

    def make(self):
        application = Application(IMPORT_SECONDS=self.IMPORT_SECONDS)
        if self.short:
            return {'uwsgi': Ours('restart-uwsgi', application,
                                  '--transport', 'uwsgi')}
        services = ways(application, 'restart')
        del services['devstack-http']
        return services


class Demand(Served):
    """--on-demand: what runs before the first request, and how long it is."""

    SHORT_ROUNDS = 1
    TOGETHER = False
    IMPORT_SECONDS = 1

    @property
    def variants(self):
        return ['import', *self.services]

    def make(self):
        application = Application(IMPORT_SECONDS=self.IMPORT_SECONDS)
        return {
            'uwsgi': Ours('demand-uwsgi', application, '--on-demand'),
            'mod_wsgi': Ours('demand-mod', application, '--on-demand',
                             mode='mod_wsgi'),
        }

    def trial(self, variant):
        if variant == 'import':
            return import_time(IMPORT_SECONDS=self.IMPORT_SECONDS)
        service = self.services[variant]
        socket = service.main.replace('.service', '.socket')
        run('systemctl', 'start', socket)
        try:
            processes = len(processes_of(service.own_units))
            status, seconds = ask(service.address)
            if status != 200:
                raise Failed('%s: %d' % (variant, status))
            return {'processes': processes, 'first_ms': seconds * 1000}
        finally:
            run('systemctl', 'stop', socket, *service.own_units)


def import_time(**environment):
    """How long the application takes to load, alone."""
    took = timed(PYTHON, '-c', 'import application', cwd=FOLDER, env={
        'PATH': os.environ['PATH'],
        **{key: str(value) for key, value in environment.items()}})
    return {'import_ms': took['seconds'] * 1000, 'import_cpu_s':
            took['cpu_s']}


# --- many services ----------------------------------------------------------

def write_records(number, root='', **values):
    """Records as a person would write them: two of three behind Apache."""
    for i in range(number):
        record = {'name': 'many-%d' % i, 'app': Application.module,
                  'chdir': FOLDER, 'user': 'www-data', 'group': 'www-data',
                  'processes': 1, **values}
        if i % 3 == 2:
            record.update(listen='127.0.0.1:%d' % (20000 + i),
                          transport='http')
        else:
            record.update(path='/many-%d' % i,
                          transport='http' if i % 3 else 'uwsgi')
        write('%s/etc/devstack-wsgi/services/many-%d.conf' % (root, i),
              ''.join('{}={}\n'.format(*pair) for pair in record.items()))


def url_of(i):
    """Where the service of a record of write_records answers."""
    if i % 3 == 2:
        return 'http://127.0.0.1:%d/' % (20000 + i)
    return 'http://127.0.0.1/many-%d' % i


class Write(Scenario):
    """Forty services written below a folder, with no daemon there."""

    ROUNDS = 5
    SERVICES = 40
    variants = ('wsgi', 'devstack')
    ROOT = '/var/tmp/bench-write'

    def trial(self, variant):
        if variant == 'devstack':
            # one service's processes, none of which does anything
            took = timed('bash', HERE + '/write.bash', 'processes')
            return {'cpu_s': took['cpu_s'] * self.SERVICES,
                    'seconds': took['seconds'] * self.SERVICES}
        few = self.forks(4)
        took = self.forks(self.SERVICES)
        return {'forks': (took['forks'] - few['forks']) /
                (self.SERVICES - 4),
                'cpu_s': took['cpu_s'], 'seconds': took['seconds']}

    def forks(self, number):
        shutil.rmtree(self.ROOT, ignore_errors=True)
        run('bash', HERE + '/write.bash', 'root', self.ROOT)
        write_records(number, self.ROOT)
        said = run('unshare', '--pid', '--fork', 'bash',
                   HERE + '/write.bash', 'apply', self.ROOT).split()
        return {'forks': int(said[0]), 'cpu_s': float(said[1]),
                'seconds': float(said[2])}

    def teardown(self):
        shutil.rmtree(self.ROOT, ignore_errors=True)


class Apply(Scenario):
    """wsgi apply with the real systemd and Apache."""

    ROUNDS = 3
    SHORT_ROUNDS = 1

    @property
    def variants(self):
        return ['40'] if self.short else ['40', '400']

    def trial(self, variant):
        write_records(int(variant))
        with Cpu([FRONT]) as cpu, Reloads() as reloads:
            took = timed(WSGI, 'apply')
        again = timed(WSGI, 'apply')
        self.teardown()
        return {**took, 'reloads': reloads.number,
                'front_cpu_s': cpu.parts[0] / 1e6,
                'again_cpu_s': again['cpu_s'], 'again_s': again['seconds']}

    def teardown(self):
        wsgi('remove', '--all')


class Many(Scenario):
    """Many services of one application."""

    SERVICES = 40
    # seconds that their import computes
    IMPORT_CPU = 0

    def setup(self):
        values = {'env': 'IMPORT_CPU=%d' % self.IMPORT_CPU} if self.IMPORT_CPU else {}
        write_records(self.SERVICES, **values)
        wsgi('apply')

    def teardown(self):
        wsgi('remove', '--all')


class Status(Many):
    """wsgi status while forty services run."""

    variants = ('40',)

    def setup(self):
        super().setup()
        wsgi('start', '--all')

    def trial(self, _):
        took = timed(WSGI, 'status')
        return {'ms': took['seconds'] * 1000, 'cpu_ms': took['cpu_s'] * 1000}


class Boot(Many):
    """Forty services and Apache, started in one transaction."""

    ROUNDS = 3
    IMPORT_CPU = 1
    variants = ('boot', 'import')

    def setup(self):
        super().setup()
        self.units = ['devstack@many-%d.service' % i
                      for i in range(self.SERVICES)]

    def trial(self, variant):
        if variant == 'import':
            cpu = import_time(IMPORT_CPU=self.IMPORT_CPU)['import_cpu_s']
            return {'cpu_s': cpu * self.SERVICES}
        run('systemctl', 'stop', FRONT, *self.units)
        begin = time.monotonic()
        run('systemctl', 'start', FRONT, *self.units)
        seconds = time.monotonic() - begin
        failed = sum(not 200 <= ask(url_of(i))[0] < 300
                     for i in range(self.SERVICES))
        restarts = int(run('systemctl', 'show', '-P', 'NRestarts', FRONT))
        folders = [folder for folder in map(cgroup_of, self.units) if folder]
        return {'cpu_s': cpu_of(folders) / 1e6, 'seconds': seconds,
                'failed': failed, 'front_restarts': restarts}


class Switch(Many):
    """Eight services to another server and back, 20 requests/s to each."""

    ROUNDS = 3
    SERVICES = 8
    IMPORT_CPU = 2
    RATE = 20
    variants = ('switch', 'import')

    def setup(self):
        super().setup()
        wsgi('start', '--all')

    def trial(self, variant):
        if variant == 'import':
            return {'seconds': self.imports()}
        loads = [Background(url_of(i), self.RATE) for i in range(self.SERVICES)]
        try:
            time.sleep(1)
            begin = time.monotonic()
            wsgi('switch', 'mod_wsgi')
            wsgi('switch', 'uwsgi')
            seconds = (time.monotonic() - begin) / 2
        finally:
            seen = [load.end() for load in loads]
        return {'seconds': seconds, 'sent': sum(each['sent'] for each in seen),
                'failed': sum(each['failed'] for each in seen)}

    def imports(self):
        """How long they take on all processors: of each service that of the instance which stands
        in, and its own.
        """
        begin = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            for _ in range(2 * self.SERVICES):
                pool.submit(import_time, IMPORT_CPU=self.IMPORT_CPU)
        return time.monotonic() - begin


SCENARIOS = {
    'write': Write,
    'requests': Requests,
    'parts': Parts,
    'defaults': Defaults,
    'placement': PlacementRequests,
    'memory': Memory,
    'upload': Upload,
    'slow': Slow,
    'reload': Reload,
    'restart': Restart,
    'demand': Demand,
    'status': Status,
    'apply': Apply,
    'boot': Boot,
    'switch': Switch,
}
# whose application has to be there first
PREPARED = {'placement': 'placement', 'memory': 'placement'}
