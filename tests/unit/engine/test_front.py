"""Apache as the front: its sites, its modules, what it says of itself."""

from __future__ import annotations

import dataclasses
import os
import subprocess

import pytest
from conftest import calls, declared, forget, make_fedora, put, requires, shaped, stub
from shapes import OF_MOD_WSGI, SHAPES

from devstack_wsgi import host, paths, plan
from devstack_wsgi.fronts import front, share
from devstack_wsgi.refused import Refused
from devstack_wsgi.registry import Registry

MODULES = ('mpm_event', 'authz_core', 'env', 'proxy', 'proxy_uwsgi', 'proxy_http', 'headers',
           'setenvif', 'slotmem_shm', 'proxy_balancer', 'lbmethod_byrequests')


def site_of(record):
    return front().site(record, record, plan.describe(record))


@pytest.mark.parametrize('mode', ['uwsgi', 'mod_wsgi'])
def test_a_service_with_an_address_alone_has_no_site(system, tmp_path, mode):
    registry = Registry()
    registry.put(shaped('listen', tmp_path / 'shape', '--mode', mode))

    assert 'site' not in {file.kind for file in plan.wanted(registry, ['thing-api']).values()}


def test_the_real_apache_takes_the_sites_of_all_shapes(system, tmp_path):
    """Every shape at once, each a site of its own, with this machine's modules."""
    requires('apache2')
    lines = [f'ServerRoot {tmp_path}', 'ServerName localhost', f'PidFile {tmp_path}/pid',
             'Listen 127.0.0.1:8099', f'ErrorLog {tmp_path}/log', f'Mutex file:{tmp_path}']
    lines += [f'LoadModule {each}_module /usr/lib/apache2/modules/mod_{each}.so'
              for each in MODULES]
    sites = 0
    for mode, shapes in (('uwsgi', SHAPES), ('mod_wsgi', OF_MOD_WSGI)):
        for shape in shapes:
            name = f"{shape}-{mode.replace('_', '-')}"
            record = shaped(shape, tmp_path / name, '--mode', mode)
            if record.path:
                record = dataclasses.replace(record, name=name, site=name, path=f'/{name}')
                (tmp_path / f'{name}.conf').write_text(site_of(record))
                lines.append(f'Include {tmp_path}/{name}.conf')
                sites += 1
    # sites that DevStack's own functions ask for, too
    (tmp_path / 'proxy.conf').write_text(front().proxy('p', 'http://127.0.0.1:1/p', '/p'))
    lines.append(f'Include {tmp_path}/proxy.conf')
    (tmp_path / 'httpd.conf').write_text('\n'.join(lines) + '\n')

    said = subprocess.run(
        ['/usr/sbin/apache2', '-t', '-f', str(tmp_path / 'httpd.conf')], stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, timeout=60).stdout.decode()

    assert said == 'Syntax OK\n'
    assert sites > len(SHAPES)


# ---- backends

@pytest.mark.parametrize(('shape', 'module', 'backend'), [
    ('path', 'proxy_http', 'unix:/run/devstack-wsgi/thing-api.http|http://thing-api/thing-api'),
    ('uwsgi', 'proxy_uwsgi', 'unix:/run/devstack-wsgi/thing-api.socket|uwsgi://thing-api'),
    ('path-listen', 'proxy_http', 'http://127.0.0.1:9292/thing-api'),
    ('any-address', 'proxy_http', 'http://[::1]:9292/thing-api'),
    ('names', 'proxy_http',
     'unix:/run/devstack-wsgi/thing-site.http|http://thing-api/thing.v2/api')])
def test_a_site_speaks_to_uwsgi_by_transport_and_address(system, tmp_path, shape, module, backend):
    record = shaped(shape, tmp_path / 'shape')

    assert f'    ProxyPass "{backend}" retry=0' in site_of(record)
    assert module in front().modules([plan.describe(record)], False)


def test_a_server_that_keeps_no_connection_is_asked_for_none(system):
    record = declared('thing-api', '--path', '/t', '--listen', '0.0.0.0:9292')

    # an address for all is spoken to on this machine
    assert 'ProxyPass "http://127.0.0.1:9292/t" retry=0 disablereuse=on ' in site_of(record)


def test_a_server_with_a_standby_has_a_balancer_of_two(system, tmp_path):
    record = shaped('path', tmp_path / 'shape', '--mode', 'mod_wsgi')
    text = site_of(record)

    assert 'ProxyPass "balancer://thing-api/thing-api"' in text
    assert f'127.0.0.1:{record.port}' in text and paths.socket(record) in text
    assert f'RequestHeader set X-Devstack-Wsgi-Secret {record.secret}' in text


def test_names_of_variables_that_only_begin_are_found_by_mod_lua(system):
    record = declared('t', '--variable', 'A', '--variable', 'B_*', '--variable', 'C-*')

    with pytest.raises(Refused) as refused:
        site_of(record)
    assert "variable 'B_*'" in str(refused.value) and 'mod_lua' in str(refused.value)

    put(system, '/etc/apache2/mods-available/lua.load', '')
    text = site_of(record)
    assert '%{escape:%{reqenv:A}} %{reqenv:DEVSTACK_WSGI_COLLECTED}"' in text
    assert '"DEVSTACK_WSGI_PREFIXES=B_ C-"' in text and 'hooks.lua collect' in text
    # Lua costs each request some time
    assert 'collect' not in site_of(declared('u', '--variable', 'A'))


def test_over_uwsgi_all_variables_come_and_none_is_looked_for(system):
    assert 'COLLECTED' not in site_of(declared('t', '--variable', 'B_*', '--transport', 'uwsgi'))


# ---- modules

def modules_of(*records):
    return front().modules([plan.describe(each) for each in records if each.path], False)


def test_modules_are_what_the_transport_needs_and_is_not_there_yet(system):
    one, two = declared('one', '--transport', 'uwsgi'), declared('two')
    three = declared('three', '--listen', '127.0.0.1:9001')
    four = declared('four', '--mode', 'mod_wsgi')

    assert modules_of(one, three) == ['headers', 'proxy', 'proxy_uwsgi']
    assert modules_of(two) == ['headers', 'proxy', 'proxy_http']
    assert modules_of(four) == ['headers', 'lbmethod_byrequests', 'proxy', 'proxy_balancer',
                                'proxy_http', 'slotmem_shm']
    assert modules_of(three) == []
    put(system, '/etc/apache2/mods-enabled/proxy.load', '')
    assert modules_of(one) == ['headers', 'proxy_uwsgi']
    # SetEnv
    assert front().modules([], True) == ['env', 'proxy_http']


def test_fedoras_apache_has_all_modules(system):
    make_fedora(system)

    assert modules_of(declared('one')) == []


# ---- its group

def test_the_group_is_asked_of_apache_once(system):
    assert (front().group(), front().group()) == ('www-data', 'www-data')
    assert calls(system) == ['apache2ctl -t -D DUMP_RUN_CFG -D DUMP_CONFIG']
    # and to be kept
    assert front().asked() == (front().kept(), 'www-data 150 25 /run/apache.pid')


@pytest.mark.parametrize(('said', 'told'), [
    ('/var/run/apache2/apache2.pid', 'PIDFile=/run/apache2/apache2.pid'),
    ('/run/b.pid', 'PIDFile=/run/b.pid'), ('', None)])
def test_systemd_is_told_the_pid_file_where_apache_has_one(system, said, told):
    stub(system, 'apache2ctl',
         f'echo \'Group: name="www-data" id=33\'; echo \'PidFile: "{said}"\'')

    files = {file.kind: file.text for file in front().helpers()}

    text = files.get('helper:/etc/systemd/system/apache2.service.d/50-wsgi.conf')
    assert (text and text.splitlines()[-1]) == told


def kept_group(system):
    """Let an earlier run have kept the group, after all of the configuration."""
    for folder, _, names in os.walk(system / 'etc/apache2'):
        for name in names:
            os.utime(os.path.join(folder, name), (1000, 1000))
    for path in [system / 'etc/apache2', *(system / 'etc/apache2').rglob('*')]:
        os.utime(path, (1000, 1000), follow_symlinks=False)
    os.utime(put(system, front().kept(), 'kept 90 30 -'), (2000, 2000))


def test_the_group_that_was_kept_is_not_asked_again(system):
    kept_group(system)

    assert (front().group(), front().workers()) == ('kept', (90, 30))
    assert calls(system) == [] and front().asked() is None


def test_what_a_version_before_kept_is_asked_again(system):
    kept_group(system)
    os.utime(put(system, front().kept(), 'kept'), (2000, 2000))

    assert front().group() == 'www-data'


@pytest.mark.parametrize('path', ['apache2.conf', 'envvars', 'conf-enabled/x.conf',
                                  'mods-enabled/theirs.conf'])
def test_the_group_is_asked_again_when_the_configuration_is_newer(system, path):
    kept_group(system)
    os.utime(put(system, f'/etc/apache2/{path}', ''), (3000, 3000))

    assert front().group() == 'www-data'


@pytest.mark.parametrize('path', ['sites-available/x.conf', 'sites-enabled/x.conf'])
def test_a_site_says_nothing_of_the_group(system, path):
    kept_group(system)
    os.utime(put(system, f'/etc/apache2/{path}', ''), (3000, 3000))
    os.utime(system / 'etc/apache2', (1000, 1000))

    assert front().group() == 'kept'


def test_an_apache_that_is_broken_already_is_reported_in_one_line(system):
    stub(system, 'apache2ctl', 'printf "AH00526: Syntax error\\non line 3\\n" >&2; exit 1')

    with pytest.raises(Refused) as refusal:
        front().group()
    assert str(refusal.value).endswith('broken already: AH00526: Syntax error; on line 3')
    assert front().verdict() == 'AH00526: Syntax error; on line 3'


def test_an_apache_that_says_no_group_is_reported(system):
    stub(system, 'apache2ctl', 'echo "Group: id=33"')

    with pytest.raises(Refused, match='does not say its group: Group: id=33'):
        front().group()


def test_without_an_apache_that_is_named_with_what_to_install(system, monkeypatch):
    monkeypatch.setenv('PATH', str(system / 'nowhere'))

    with pytest.raises(Refused, match='Apache is not installed; install apache2'):
        front().verdict()


def test_a_good_configuration_has_no_verdict(system):
    assert front().verdict() == ''


# ---- its threads

@pytest.mark.parametrize(('said', 'workers'), [
    ('', (400, 25)), ('ThreadsPerChild 64\nMaxRequestWorkers 128', (128, 64)),
    ('  threadsperchild 10\n  MaxClients 50\n# MaxRequestWorkers 7', (50, 10)),
    ('ThreadsPerChild 25\nMaxRequestWorkers 150\nThreadsPerChild 75\nMaxRequestWorkers "300"',
     (300, 75))])
def test_its_threads_are_those_that_it_reads_last(system, said, workers):
    stub(system, 'apache2ctl', f"printf '%s\\n' 'Group: name=\"a\"' '{said}'")

    assert front().workers() == workers


@pytest.mark.parametrize(('options', 'all_of_it', 'each'), [
    ([], 60, 10), (['--in-flight', '12'], 12, 2), (['--in-flight', '1'], 1, 1),
    (['--in-flight', 'off'], 0, 0)])
def test_what_a_service_may_hold_is_a_share_of_the_threads(system, options, all_of_it, each):
    assert share(declared('one', *options)) == (all_of_it, each)


def test_a_service_that_is_not_behind_the_front_holds_nothing_there(system):
    assert share(declared('one', '--listen', '127.0.0.1:99')) == (0, 0)
    assert calls(system) == []


@pytest.mark.parametrize('options', [
    [], ['--transport', 'uwsgi'], ['--path', '/x', '--listen', '127.0.0.1:99'],
    ['--mode', 'mod_wsgi']])
def test_a_site_says_how_many_requests_each_process_may_hold(system, options):
    assert 'max=10 acquire=' in site_of(declared('one', *options))
    assert 'max=' not in site_of(declared('one', '--in-flight', 'off', *options))


@pytest.mark.parametrize(('threads', 'each', 'few'), [
    (150, 25, True), (600, 25, True), (600, 150, False)])
def test_too_few_threads_are_named_with_the_lines_to_write(system, threads, each, few):
    stub(system, 'apache2ctl', "printf '%s\\n' 'Group: name=\"a\"' "
         f"'ThreadsPerChild {each}' 'MaxRequestWorkers {threads}'")

    assert ('    ThreadsPerChild 1000\n' in front().advice()) == few
    assert bool(front().advice()) == few


# ---- its layout

def test_apaches_unit_and_packages_are_the_distributions(system):
    assert (front().unit, front().packaging) == ('apache2.service', 'dpkg')

    make_fedora(system)

    assert (front().unit, front().packaging) == ('httpd.service', 'rpm')


def test_a_site_is_enabled_by_a_link_that_leads_to_it(system):
    path = front().site_path('one')
    link, target = front().link(path)
    assert (link, target) == ('/etc/apache2/sites-enabled/one.conf', '../sites-available/one.conf')
    assert not front().is_enabled(path)
    (system / link.lstrip('/')).symlink_to(target)
    # one that leads nowhere is none
    assert not front().is_enabled(path)

    put(system, path, '')

    assert front().is_enabled(path) and front().effective(path) == path


def test_a_site_that_an_editor_put_in_its_links_place_is_read_there(system):
    path = front().site_path('one')
    put(system, path, '')
    put(system, '/etc/apache2/sites-enabled/one.conf', '# edited')

    assert front().effective(path) == '/etc/apache2/sites-enabled/one.conf'


@pytest.mark.parametrize(('path', 'wanted'), [
    ('/etc/apache2/sites-available/one.conf', 'one'), ('/etc/apache2/sites-available/one', ''),
    ('/etc/apache2/sites-enabled/one.conf', ''), ('/etc/nova/one.conf', '')])
def test_a_path_is_the_text_of_a_site_or_not(system, path, wanted):
    assert front().site_of(path) == wanted


@pytest.mark.parametrize(('line', 'wanted'), [
    ('ProxyPass "/a" "unix:/run/uwsgi/a.socket|uwsgi://uwsgi-uds-a" retry=0', ('x', '/a')),
    ('    ProxyPass /a "unix:/run/uwsgi/a.socket|uwsgi://x/"', ('x', '/a')),
    ('ProxyPass "/a" "unix:/run/uwsgi/aXsocket|uwsgi://x"', ('', '')),
    ('# ProxyPass "/a" "unix:/run/uwsgi/a.socket|uwsgi://x"', ('', ''))])
def test_a_site_by_whomever_is_found_by_its_backend(system, line, wanted):
    put(system, '/etc/apache2/sites-enabled/x.conf', f'# theirs\n{line}\n')

    assert front().find('/run/uwsgi/a.socket')[:2] == wanted


def test_what_somebody_added_to_devstacks_own_site_is_found(system):
    put(system, '/etc/apache2/sites-enabled/x.conf',
        'KeepAlive Off\nSetEnv proxy-sendchunked 1\n'
        'ProxyPass "/a" "http://127.0.0.1:1" retry=0\n<Location /a>\n</Location>\n')

    assert front().find('http://127.0.0.1:1') == ('x', '/a', '<Location /a>\n</Location>\n')


def test_a_site_serves_the_path_that_it_names(system):
    text = 'ProxyPass "/a.b" "http://127.0.0.1:1"\n'

    assert front().serves(text, '/a.b')
    assert not front().serves(text, '/a') and not front().serves(text, '/aXb')


@pytest.mark.parametrize(('text', 'asks'), [
    ('ProxyPass "/dns" "http://127.0.0.1:60053" retry=0', True),
    ('KeepAlive Off\nProxyPass /dns/ http://localhost:60053/dns', True),
    ('<Location "/dns">\n    ProxyPass "http://[::1]:60053/dns" retry=0\n</Location>', True),
    ('ProxyPass "/dns" "http://127.0.0.1:600531"', False),
    ('ProxyPass "/dns" "http://127.0.0.1:6005"', False),
    ('ProxyPass "/dns2" "http://127.0.0.1:60053"', False),
    ('ProxyPass "/dns" "unix:/run/uwsgi/dns.socket|uwsgi://uwsgi-uds-dns"', False),
    ('<Location "/dns">\n</Location>\n<Location "/x">\n'
     'ProxyPass "http://127.0.0.1:60053"\n</Location>', False)])
def test_a_site_asks_the_address_that_it_passes_its_path_to(system, text, asks):
    assert front().asks(text, '/dns', '127.0.0.1:60053') is asks



# ---- where a service answers

@pytest.mark.parametrize(('listens', 'url'), [
    ([('127.0.0.1', 8080), ('127.0.0.1', 443), ('127.0.0.1', 80)], 'http://127.0.0.1/thing-api'),
    ([('127.0.0.1', 443)], 'https://127.0.0.1/thing-api'),
    ([('[::1]', 8080)], 'http://[::1]:8080/thing-api'), ([], 'http://127.0.0.1/thing-api')])
def test_a_service_answers_where_apache_listens(tmp_path, monkeypatch, listens, url):
    monkeypatch.setattr(host, 'listening', lambda pid: listens)

    assert front().addresses([shaped('path', tmp_path / 'shape')])[0] == url


@pytest.mark.parametrize(('options', 'times'), [
    (['--path', '/a'], 1), (['--listen', '127.0.0.1:81'], 0)])
def test_where_apache_listens_is_asked_once_for_all_services_behind_it(system, monkeypatch, options,
                                                                       times):
    asked = []

    def listening(pid):
        asked.append(pid)
        return []

    monkeypatch.setattr(host, 'listening', listening)

    found = front().addresses(3 * [declared('thing-api', *options)])

    assert (len(found), len(asked)) == (3, times)


@pytest.mark.parametrize(('said', 'found'), [
    ({'http://127.0.0.1/thing-api/': 'HTTP/1.1 200 OK\r\nx-devstack-wsgi-site: thing-api\r\n'},
     'http://127.0.0.1/thing-api'),
    ({'http://127.0.0.1/thing-api/': 'HTTP/1.1 301 Moved\r\n',
      'https://127.0.0.1:81/thing-api/': 'HTTP/2 401\r\nX-Devstack-Wsgi-Site: thing-api\r\n'},
     'https://127.0.0.1:81/thing-api'),
    ({'http://127.0.0.1/thing-api/': 'HTTP/1.1 200 OK\r\nX-Devstack-Wsgi-Site: other\r\n'}, '')])
def test_the_front_is_asked_which_address_has_the_site(tmp_path, monkeypatch, said, found):
    record = shaped('path', tmp_path / 'shape')
    monkeypatch.setattr(host, 'listening', lambda pid: [('127.0.0.1', 81), ('127.0.0.1', 80)])
    monkeypatch.setattr(host, 'read', lambda path: 'Header always set X-Devstack-Wsgi-Site x')
    monkeypatch.setattr(host, 'ask', lambda *words: (0, said.get(words[-1], '')))

    url, answers = front().find_address(record)

    assert url == found
    assert bool(answers) is not bool(found)
    if answers:
        assert answers[0] == 'http://127.0.0.1/thing-api answers 200'
        assert answers[-1] == 'https://127.0.0.1:81/thing-api answers nothing'


def test_the_user_may_say_where_the_front_is(system, tmp_path, monkeypatch):
    monkeypatch.setenv('WSGI_FRONT', 'https://cloud.example:8443')

    assert front().addresses([shaped('path', tmp_path / 'shape')])[0] == (
        'https://cloud.example:8443/thing-api')


@pytest.mark.parametrize(('listen', 'url'), [
    ('127.0.0.1:8775', 'http://127.0.0.1:8775'), ('0.0.0.0:1', 'http://127.0.0.1:1'),
    ('[::1]:2', 'http://[::1]:2'), ('[::]:3', 'http://[::1]:3'),
    ('10.0.0.0:4', 'http://10.0.0.0:4')])
def test_a_service_without_a_front_answers_where_it_can_be_called(system, listen, url):
    assert front().addresses([declared('thing-api', '--listen', listen)])[0] == url


@pytest.mark.parametrize(('pid', 'wanted'), [('', False), ('0', False), (str(os.getpid()), False)])
def test_an_apache_is_up_if_its_process_is_one(system, pid, wanted):
    put(system, '/run/apache2/apache2.pid', f'{pid}\n')
    forget()

    assert front().is_up() is wanted
