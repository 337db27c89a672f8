"""Apache as the front: the text of sites, its files, what it says of itself."""

from __future__ import annotations

import itertools
import os
import re
from typing import Iterable, Optional, Sequence

from devstack_wsgi import host, paths, template
from devstack_wsgi.fronts import Front, share
from devstack_wsgi.record import Record
from devstack_wsgi.refused import Refused
from devstack_wsgi.servers import PYTHON, Facts, File, health_checks

# what every site needs
_COMMON = {'proxy', 'headers', 'setenvif', 'authz_core'}
_STANDBY = {'proxy_balancer', 'lbmethod_byrequests', 'slotmem_shm'}
_SCHEME = 'RequestHeader set X-Forwarded-Proto "expr=%{REQUEST_SCHEME}"'
# DevStack's TLS proxy is this same Apache: it comes from the address that it goes to
_SCHEME_BEHIND_TLS = (
    'SetEnvIf Server_Addr (.*) DEVSTACK_WSGI_HERE=$1\n    ' + _SCHEME
    + ' "expr=%{REMOTE_ADDR} != %{reqenv:DEVSTACK_WSGI_HERE}'
      " || req_novary('X-Forwarded-Proto') != 'https'\"")
# headers that mean something to uWSGI, to the runtime, or to an application behind it
_MEANT = ('Content-Length', 'Transfer-Encoding', 'X-Forwarded-Proto', 'X-Devstack-Wsgi-Peer',
          'X-Devstack-Wsgi-Said')
# a request through it is logged where it is one of the service's, not on the way there
_ONCE_BEHIND_TLS = '    SetEnvIfExpr "%{REQUEST_SCHEME} == \'https\'" DEVSTACK_WSGI_UNIT=-'
# ms: how long a request waits for one of those that a service holds
_WAIT = 500
_LOGGER = 'access-lines'
_UNIT = 'DEVSTACK_WSGI_UNIT'
_HOOKS = 'hooks.lua'
# by which a site says that it is it
_MARK = 'X-Devstack-Wsgi-Site'
# group, threads, threads of a process, PID file
_KEPT = f'{paths.VAR}/apache-group'
_INFO = '/usr/lib/apache2/modules/mod_info.so'
# fewer, and the restart of a busy service does not fit into its share; a process that has no thread
# left closes connections that clients keep
_THREADS, _OF_A_PROCESS = 300, 75


class Apache(Front):
    title = 'Apache'

    def __init__(self) -> None:
        redhat = host.is_dir('/etc/httpd') and not host.is_dir('/etc/apache2')
        self.packaging = 'rpm' if redhat else 'dpkg'
        self.etc = '/etc/httpd' if redhat else '/etc/apache2'
        self.unit = 'httpd.service' if redhat else 'apache2.service'
        self.sites = '/etc/httpd/conf.d' if redhat else '/etc/apache2/sites-available'
        self.enabled = self.sites if redhat else '/etc/apache2/sites-enabled'
        self._said: tuple[str, ...] = ()
        self._asked = False

    def site(self, record: Record, backend: Record, facts: Facts) -> str:
        transport = ''
        if facts.protocol == 'http':
            if record.prefixes and not self._has_lua():
                raise Refused(record.name, f"variable '{record.prefixes[0]}*': {self.title} has no"
                              ' mod_lua, which finds the names', 'install it, or give each name')
            transport = template.fill(
                'site/http.conf', forms=_underscored(), said=_said(record),
                prefixes=' '.join(record.prefixes), hooks=paths.helper(_HOOKS)).rstrip('\n')
        bound = _bound(share(record)[1])
        scheme = _SCHEME_BEHIND_TLS if record.tls_proxy == 'yes' else _SCHEME
        return template.fill(
            'site/site.conf', name=record.name, path=record.path, scheme=f'    {scheme}',
            logger=f'{PYTHON} {paths.helper(_LOGGER)}', unit=record.unit, quiet=_quiet(record),
            once=_ONCE_BEHIND_TLS if record.tls_proxy == 'yes' else '',
            member=backend.name, address=facts.address, standby=facts.standby,
            backend=_backend(backend, facts, bound), secret=facts.secret, transport=transport,
            bound=bound, site_dir=paths.site_dir(record))

    def helpers(self) -> tuple[File, ...]:
        found = [File(f'helper:{_LOGGER}', template.read('helpers/access.py')),
                 File(f'helper:{_HOOKS}', template.read(f'site/{_HOOKS}'))]
        pid_file = self._words()[3]
        # elsewhere its unit names the main process itself
        if self.packaging == 'dpkg' and pid_file != '-':
            found.append(File(f'helper:{paths.UNITS}/{self.unit}.d/50-wsgi.conf', template.fill(
                'site/front.service.conf', pid_file=re.sub('^/var(?=/run/)', '', pid_file))))
        return tuple(found)

    def limits(self) -> tuple[str, str]:
        folder = 'conf.d' if self.packaging == 'rpm' else 'conf-enabled'
        return f'{self.etc}/{folder}/devstack-wsgi.conf', template.read('site/front.conf')

    def unlogged(self, text: str) -> str:
        return ''.join(line for line in text.splitlines(True) if _UNIT not in line)

    def proxy(self, name: str, url: str, path: str) -> str:
        return template.fill('site/proxy.conf', name=name, url=url, path=path,
                             bound=_bound(share(Record(name, path=path))[1]))

    def site_path(self, site: str) -> str:
        return f'{self.sites}/{site}.conf'

    def site_of(self, path: str) -> str:
        folder, name = os.path.split(path)
        return name[:-len('.conf')] if folder == self.sites and name.endswith('.conf') else ''

    def effective(self, path: str) -> str:
        link = self.link(path)
        if self.site_of(path) and link and not host.is_link(link[0]) and host.is_file(link[0]):
            return link[0]
        return path

    def link(self, path: str) -> Optional[tuple[str, str]]:
        if self.enabled == self.sites:
            return None
        name = os.path.basename(path)
        return f'{self.enabled}/{name}', f'../{os.path.basename(self.sites)}/{name}'

    def is_enabled(self, path: str) -> bool:
        link = self.link(path)
        return not link or host.is_link(link[0]) and os.path.exists(host.real(link[0]))

    def serves(self, text: str, path: str) -> bool:
        return re.search(rf'ProxyPass +"?{re.escape(path)}"? ', text) is not None

    def asks(self, text: str, path: str, address: str) -> bool:
        url = rf'"?{re.escape(path)}/?"?'
        # HOST may be said otherwise there; the port is nobody else's
        port = address.rpartition(':')[2]
        return re.search(
            rf'(ProxyPass +{url} +|<Location +{url} *>((?!</Location>).)*?ProxyPass +)'
            rf'"?http://[^/\s"]*:{port}(?![0-9])', text, re.DOTALL | re.IGNORECASE) is not None

    def find(self, backend: str) -> tuple[str, str, str]:
        for name in host.listdir(self.enabled):
            url, added = '', ''
            for line in (host.read(f'{self.enabled}/{name}') or '').rstrip('\n').split('\n'):
                passed = re.match(r' *ProxyPass +"?([^" ]+)"? ', line)
                if passed and re.search(re.escape(backend) + r'[|" ]', line):
                    url = passed.group(1)
                elif line not in ('KeepAlive Off', 'SetEnv proxy-sendchunked 1'):
                    added += f'{line}\n'
            if url:
                return re.sub(r'\.conf$', '', name), url, added
        return '', '', ''

    def modules(self, backends: Iterable[Facts], proxies: bool) -> list[str]:
        # Fedora's httpd loads every module that it has
        if self.packaging == 'rpm':
            return []
        needed: set[str] = {'proxy', 'proxy_http', 'env'} if proxies else set()
        for facts in backends:
            needed |= _COMMON | {'proxy_uwsgi' if facts.protocol == 'uwsgi' else 'proxy_http'}
            if facts.standby:
                needed |= _STANDBY
            # a package of its own elsewhere; without it those headers are refused
            if facts.protocol == 'http' and self._has_lua():
                needed.add('lua')
        return sorted(module for module in needed if not os.path.exists(
            host.real(f'{self.etc}/mods-enabled/{module}.load')))

    def _has_lua(self) -> bool:
        file = 'modules/mod_lua.so' if self.packaging == 'rpm' else 'mods-available/lua.load'
        return os.path.exists(host.real(f'{self.etc}/{file}'))

    def group(self) -> str:
        return self._words()[0]

    def workers(self) -> tuple[int, int]:
        _, threads, each, _ = self._words()
        return int(threads), int(each)

    def advice(self) -> str:
        threads, each = self.workers()
        if threads >= _THREADS and each >= _OF_A_PROCESS:
            return ''
        path, text = self.limits()
        return (f'{threads} threads, {each} in a process, are few: a restart under load loses'
                f' requests, and kept connections are closed; write into {path} and restart Apache:'
                + ''.join(f'\n    {line}' for line in text.splitlines() if line[:1] != '#'))

    def _words(self) -> tuple[str, ...]:
        if not self._said:
            self._said = self._known() or self._ask()
        return self._said

    def _known(self) -> tuple[str, ...]:
        """The words as they were asked last, unless the configuration is newer: asking takes as
        long as all the rest of a plan.
        """
        since = host.mtime(_KEPT)
        # no module of ours, and no site, has to do with them
        ours = {'', *(host.read(paths.MODULES) or '').split()}
        for folder in ('', '/conf-enabled', '/mods-enabled', '/conf', '/conf.modules.d'):
            for name in host.listdir(self.etc + folder):
                passed = (name.startswith(('sites-', 'mods-enabled')) if not folder
                          else folder == '/mods-enabled' and name.rpartition('.')[0] in ours)
                if not passed and host.mtime(f'{self.etc}{folder}/{name}') > since:
                    return ()
        words = tuple((host.read(_KEPT) or '').split())
        return words if len(words) == 4 else ()

    def _ask(self) -> tuple[str, ...]:
        # mod_info knows the configuration as Apache reads it
        info = ('-c', f'LoadModule info_module {_INFO}') if host.exists(_INFO) else ()
        status, said = self._ctl('-t', '-D', 'DUMP_RUN_CFG', '-D', 'DUMP_CONFIG', *info)
        if status:
            raise Refused('', f"Apache's own configuration is broken already: {_line(said)}")
        found = re.search(r'Group: name="([^"]+)"', said)
        if not found:
            raise Refused('', f'Apache does not say its group: {_line(said)}')
        self._asked = True
        each = _directive(said, 'ThreadsPerChild', 25)
        threads = _directive(said, '(?:MaxRequestWorkers|MaxClients)', each * 16)
        pid_file = re.search(r'^PidFile: "(/\S+)"', said, re.MULTILINE)
        return found.group(1), str(threads), str(each), pid_file.group(1) if pid_file else '-'

    def asked(self) -> Optional[tuple[str, str]]:
        return (_KEPT, ' '.join(self._said)) if self._asked else None

    def kept(self) -> str:
        return _KEPT

    def addresses(self, records: Sequence[Record]) -> list[str]:
        here = self._listens()[0] if any(record.path for record in records) else ''
        return [here + record.path if record.path else f'http://{local(record.listen)}'
                for record in records]

    def find_address(self, record: Record) -> tuple[str, list[str]]:
        urls = [base + record.path for base in self._listens()]
        site = host.read(self.effective(self.site_path(record.site))) or ''
        # somebody else's, and one of an earlier version, has no mark
        if _MARK not in site or os.environ.get('WSGI_FRONT'):
            return urls[0], []
        said = []
        for url in urls:
            # Apache answers it itself, whatever the service does; a health check has no access line
            _, answer = host.ask(
                'curl', '--silent', '--insecure', '--noproxy', '*', '--max-time', '5',
                '--user-agent', 'devstack-wsgi-ready', '--request', 'OPTIONS',
                '--header', 'Max-Forwards: 0', '--dump-header', '-', '--output', '/dev/null',
                url + record.check)
            if re.search(rf'^{_MARK}: {re.escape(record.name)}\r?$', answer, re.MULTILINE | re.I):
                return url, []
            status = (answer.split() or ['', ''])[1:2]
            said.append(f"{url} answers {''.join(status) or 'nothing'}")
        return '', said

    def _listens(self) -> list[str]:
        """URLs under which Apache may answer, the likeliest first."""
        named = os.environ.get('WSGI_FRONT')
        if named:
            return [named]
        listens = sorted(dict.fromkeys(host.listening(self._pid())),
                         key=lambda each: (each[1] != 80, each[1] != 443, each[1]))
        return [f"{scheme}://{where}{'' if port == usual else f':{port}'}"
                for where, port in listens
                for scheme, usual in (('http', 80), ('https', 443))
                if port not in (80, 443) or port == usual] or ['http://127.0.0.1']

    def is_up(self) -> bool:
        return bool(self._pid())

    def _pid(self) -> str:
        """Its main process, '' where it does not run."""
        for name in ('apache2/apache2', 'httpd/httpd'):
            pid = (host.read(f'/run/{name}.pid') or '').strip()
            if pid and (host.read_own(f'/proc/{pid}/comm') or '').strip() in ('apache2', 'httpd'):
                return pid
        return ''

    def verdict(self) -> str:
        status, said = self._ctl('-t')
        return _line(said) if status else ''

    def _ctl(self, *words: str) -> tuple[int, str]:
        for program in ('apache2ctl', 'apachectl', 'httpd'):
            status, said = host.ask(program, *words)
            if status != 127:
                return status, said
        raise Refused('', 'Apache is not installed', 'install apache2 (httpd)')


def _directive(said: str, name: str, default: int) -> int:
    """The last value of a directive that counts."""
    found = re.findall(rf'^\s*{name}\s+"?([0-9]+)"?\s*$', said, re.MULTILINE | re.IGNORECASE)
    return int(found[-1]) if found else default


def local(address: str) -> str:
    """An address that this machine can connect to: 127.0.0.1 for 0.0.0.0, [::1] for [::]."""
    host_part, _, port = address.rpartition(':')
    return f"{ {'0.0.0.0': '127.0.0.1', '[::]': '[::1]'}.get(host_part, host_part)}:{port}"


def _said(record: Record) -> str:
    """What the front says of itself, as the runtime reads it: words that begin with '=', and those
    of files/site/hooks.lua.
    """
    asked = ('REMOTE_USER', 'AUTH_TYPE', *(f'reqenv:{name}' for name in record.named))
    said = ' '.join('=%{escape:%{' + each + '}}' for each in asked)
    return said + (' %{reqenv:DEVSTACK_WSGI_COLLECTED}' if record.prefixes else '')


def _underscored() -> str:
    """Lines that take out the headers that mean something to us, in their forms with '_'."""
    forms: list[str] = []
    for name in _MEANT:
        first, *rest = name.split('-')
        for marks in itertools.product('-_', repeat=len(rest)):
            if '_' in marks:
                forms.append(first + ''.join(mark + word for mark, word in zip(marks, rest)))
    return '\n'.join(f'    RequestHeader unset {each}' for each in forms)


def _quiet(record: Record) -> str:
    """What keeps health checks out of the access lines: the record's own path, whoever asks. Of the
    front page, which is everybody's, only the library's own probe is left out.
    """
    if record.check != '/':
        return f'    SetEnvIf Request_URI {health_checks(record)} DEVSTACK_WSGI_UNIT=-'
    return ('    SetEnvIfExpr "req_novary(\'User-Agent\') == \'devstack-wsgi-ready\''
            f' && %{{REQUEST_URI}} =~ m#{health_checks(record)}#" DEVSTACK_WSGI_UNIT=-')


def _backend(record: Record, facts: Facts, bound: str) -> str:
    """The arguments of ProxyPass."""
    if facts.standby:
        return f'"balancer://{record.name}{record.path}"'
    if facts.protocol == 'uwsgi':
        # retry=0: after a stop and a start it is asked at once. The record's name stands for a
        # host: a site's may have '_', and capitals that Apache lowers
        return f'"unix:{facts.address}|uwsgi://{record.name}" retry=0{bound}'
    # The prefix goes along: the application is told what it is. The server closes each connection
    # and Apache must not use it again: kept open, each would hold a thread of the service.
    where = (f'unix:{facts.address}|http://{record.name}' if facts.address.startswith('/')
             else f'http://{local(facts.address)}')
    return f'"{where}{record.path}" retry=0 disablereuse=on responsefieldsize=65535{bound}'


def _bound(most: int) -> str:
    """The parameters of ProxyPass for so many requests of a process. Another one waits for WAIT ms.
    """
    return f' max={most} acquire={_WAIT}' if most else ''


def _line(said: str) -> str:
    return '; '.join(said.strip('\n').split('\n'))
