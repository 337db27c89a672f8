"""The machine, as far as the engine may ask."""

from __future__ import annotations

import os
import socket

import pytest
from conftest import calls, put, stub

from devstack_wsgi import host


@pytest.mark.parametrize('text', ['', 'a', 'a\n', 'a\n\n\n', '\n', ' a \n b', 'a\\nb\\\n', '-n',
                                  '\t', 'a\r\nb', 'é', '\udcff\udc80'], ids=ascii)
def test_a_file_is_read_to_its_last_byte(system, text):
    file = put(system, '/etc/file', text)

    assert host.read('/etc/file') == text
    # and bytes that are not UTF-8 are written as they were
    assert text.encode('utf-8', 'surrogateescape') == file.read_bytes()


@pytest.mark.parametrize('path', ['/none', '/etc', '/etc/file/below', '/a\0b'], ids=ascii)
def test_what_is_absent_or_a_folder_has_no_text(system, path):
    put(system, '/etc/file', '')

    assert host.read(path) is None


def test_every_path_is_below_the_sysroot(system):
    put(system, '/etc/file', 'ours')

    assert host.real('/etc/file') == f'{system}/etc/file'
    assert host.exists('/etc/file') and host.is_file('/etc/file') and host.is_dir('/etc')
    assert host.listdir('/etc/nosuch') == [] and host.mtime('/nosuch') == 0
    assert not host.is_program('/etc/file')
    os.chmod(system / 'etc/file', 0o755)
    assert host.is_program('/etc/file')


def test_a_program_that_is_not_there_answers_127(system):
    assert host.ask('/nosuch/program')[0] == 127


def test_a_programs_answer_is_its_status_and_all_that_it_printed(system):
    stub(system, 'apache2ctl', 'echo out; echo err >&2; exit 3')

    assert host.ask('apache2ctl', '-t') == (3, 'out\nerr\n')


def test_properties_of_units_are_one_question(system):
    stub(system, 'systemctl', 'printf "A=1\\nB=x=y\\n\\nA=2\\nB=\\n"')

    assert host.units(['a.service', 'b.service'], 'A', 'B') == {
        'a.service': {'A': '1', 'B': 'x=y'}, 'b.service': {'A': '2', 'B': ''}}
    assert calls(system) == ['systemctl show -p A -p B a.service b.service']


def test_no_unit_is_no_question(system):
    assert host.units([], 'A') == {} and calls(system) == []


def test_an_account_is_known_by_its_name(system):
    assert host.user_id('root') == 0 and host.group_id('root') == 0
    assert host.group_of('root') == 'root'
    assert host.user_id('nosuch') is host.group_id('nosuch') is host.group_of('nosuch') is None


@pytest.mark.parametrize(('family', 'address', 'reached'), [
    (socket.AF_INET, '127.0.0.1', '127.0.0.1'), (socket.AF_INET, '0.0.0.0', '127.0.0.1'),
    (socket.AF_INET6, '::1', '[::1]'), (socket.AF_INET6, '::', '127.0.0.1')])
def test_where_a_process_listens_is_asked(monkeypatch, family, address, reached):
    monkeypatch.setattr(host, 'SYSROOT', '')
    with socket.socket(family) as listens, socket.socket(family) as silent:
        listens.bind((address, 0))
        silent.bind((address, 0))
        listens.listen()
        found = host.listening(str(os.getpid()))
        ports = listens.getsockname()[1], silent.getsockname()[1]

    assert (reached, ports[0]) in found
    assert ports[1] not in [port for _, port in found]


def test_of_a_process_that_has_gone_nothing_is_known(monkeypatch):
    monkeypatch.setattr(host, 'SYSROOT', '')

    assert host.listening('') == []


def test_the_memory_left_and_that_of_a_group_are_the_kernels(system, monkeypatch):
    texts = {'/proc/meminfo': 'MemTotal: 8192 kB\nMemAvailable:    4096 kB\n',
             '/sys/fs/cgroup/a/cgroup.procs': '1\n2\n3\n',
             '/proc/1/smaps_rollup': 'Rss: 9999 kB\nPss:   1024 kB\n',
             '/proc/2/smaps_rollup': 'Pss:   1536 kB\n'}
    monkeypatch.setattr(host, 'read_own', texts.get)

    assert host.memory_left() == 4
    # the third process has ended
    assert host.memory_of('/a') == 3
    assert host.memory_of('/b') == host.memory_of('') == 0
