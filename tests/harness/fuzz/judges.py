"""What systemd, uWSGI, Apache and Python read in the files of a case, beside its twin."""

from __future__ import annotations

import ast
import collections
import ctypes
import os
import re
import resource
import shlex
import shutil
import subprocess
import tempfile
from typing import Any, Callable, Iterator, Optional

from harness.fuzz.library import MODULES, Accepted, Files, Finding, Library, check, put, put_back

NOBODY = 65534
CLONE_NEWNET = 0x40000000
# uWSGI acts on other settings while it reads: what has one is judged alone.
QUIET_SETTINGS = {
    b'harakiri', b'procname-prefix', b'max-requests', b'post-buffering',
    b'listen',
}
Problems = Iterator[tuple[Accepted, bytes]]


def sandboxed() -> None:
    """What a judge may do: read files. No net, no other user's files."""
    if os.geteuid() == 0:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.unshare(CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), 'unshare')
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)


def without_children() -> None:
    """uWSGI cannot start a process."""
    sandboxed()
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))


def judge(library: Library, command: list[str], limit: Callable[[], None] = sandboxed,
          **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Let a parser read."""
    # to files: systemd's lines, each through a pipe, cost more than all else
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        try:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, cwd=library.cwd,
                preexec_fn=limit, timeout=60,
                env={'PATH': '/usr/sbin:/usr/bin:/sbin:/bin', 'LC_ALL': 'C.UTF-8',
                     'HOME': library.cwd, **environment})
        except subprocess.TimeoutExpired:
            raise Finding(f'{command[0]} came to no end') from None
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess(command, done.returncode, out.read(), err.read())


UNIT_FILES = {
    'unit': '{}.service', 'socket-unit': '{}.socket',
    'forward-unit': '{}.forward.service',
    'dropin': '{}.service.d/50-wsgi.conf',
}


def systemd_reads(library: Library, folder: str,
                  batch: list[Accepted]) -> tuple[dict[bytes, list[bytes]], bytes]:
    """What systemd makes of the units: name -> its lines; and what it says against them."""
    names: list[str] = []
    for target in ('sysinit', 'basic', 'shutdown', 'sockets', 'multi-user',
                   'network-online'):
        put(os.path.join(folder, target + '.target'),
            b'[Unit]\nDescription=t\n')
    for at, case in enumerate(batch):
        for mark, files in (('c', case.files), ('t', case.twin)):
            label = f'devstack@{mark}{at}'
            unit = b'devstack@' + case.fields['unit'][0] + b'.'
            for kind, form in UNIT_FILES.items():
                if kind in files:
                    path = os.path.join(folder, form.format(label))
                    os.makedirs(os.path.dirname(path), exist_ok=True)
                    put(path, files[kind].replace(unit, label.encode() + b'.'))
                    if kind != 'dropin':
                        names.append(path)
    if not names:
        return {}, b''
    if os.geteuid() == 0:
        # where systemd never ran; the judge cannot make it
        os.makedirs('/run/systemd', exist_ok=True)
    done = judge(library, ['systemd-analyze', 'verify', '--man=no',
                           '--recursive-errors=no', *names],
                 SYSTEMD_UNIT_PATH=folder, SYSTEMD_LOG_LEVEL='debug')
    seen: dict[bytes, list[bytes]] = {}
    lines = None
    for line in done.stdout.split(b'\n'):
        # Debian 13's has an arrow of one character, where there is UTF-8
        begin = re.match(rb'\t(?:->|\xe2\x86\x92) Unit (.*):$', line)
        if begin:
            lines = seen.setdefault(begin[1], [])
        elif lines is not None and line and \
                not line.startswith(b'\t\tInstance: '):
            if line.startswith(b'\t\tSystemCallFilter: '):
                # a set, told in any order
                line = b' '.join(sorted(line.split()))
            lines.append(line)
    return seen, done.stderr


def complaints(said: bytes) -> dict[bytes, list[bytes]]:
    """What systemd says against each unit, in words that fit its twin too."""
    found: dict[bytes, list[bytes]] = collections.defaultdict(list)
    for line in said.split(b'\n'):
        match = re.search(rb'(?:^|/)devstack@([ct]\d+)\.', line)
        if match and (re.search(rb'\.\w+:\d+: ', line) or
                      line.startswith(b'devstack@') and b'to load' in line):
            name = b'devstack@%s.'
            found[match[1]].append(line.replace(name % match[1], name % (b't' + match[1][1:])))
    return found


def judge_units(library: Library, folder: str, batch: list[Accepted]) -> Problems:
    seen, said = systemd_reads(library, folder, batch)
    against = complaints(said)
    for at, case in enumerate(batch):
        mine, other = (b'devstack@%c%d.' % (mark, at) for mark in b'ct')
        twins = [put_back(line, case.tokens) for line in against[b't%d' % at]]
        for line in against[b'c%d' % at]:
            # it shows a line as it is in the file
            if line.replace(b'%%', b'%') not in twins:
                yield case, b'systemd: ' + line
        for kind, form in UNIT_FILES.items():
            if kind == 'dropin' or kind not in case.files:
                continue
            name = form.format('').encode()[1:]
            lines = sorted(line.replace(mine, other)
                           for line in seen.get(mine + name, [b'nothing']))
            twins = sorted(put_back(line, case.tokens)
                           for line in seen.get(other + name, [b'no twin']))
            if 'command' in case.fields:
                lines, twins = (sorted(map(in_words, some)) for some in (lines, twins))
            if lines != twins:
                yield case, difference(b'systemd', twins, lines)


def in_words(line: bytes) -> bytes:
    """A command line as its words: which of them systemd shows in quotes depends on their text."""
    _, is_command, words = line.decode().partition('Command Line: ')
    return repr(shlex.split(re.sub(r'\\([$`])', r'\1', words))).encode() if is_command else line


def difference(who: bytes, expected: list[bytes], lines: list[bytes]) -> bytes:
    more = [line for line in lines if line not in expected]
    less = [line for line in expected if line not in lines]
    return b'%s sees %r, not %r' % (who, more[:3], less[:3])


def ini_of(files: Files) -> Optional[bytes]:
    """The text that is uWSGI's, whatever server reads it."""
    for kind in ('config', 'conf'):
        if files.get(kind, b'').find(b'\n[uwsgi]\n') >= 0:
            return files[kind]
    return None


def judge_inis(library: Library, folder: str, batch: list[Accepted]) -> Problems:
    groups: list[list[tuple[int, Accepted]]] = [[]]
    for at, case in enumerate(batch):
        if ini_of(case.files) is None:
            continue
        keys = {value.split(b'=', 1)[0]
                for value in case.fields.get('set', [])}
        if keys <= QUIET_SETTINGS:
            groups[0].append((at, case))
        else:
            groups.append([(at, case)])
    for group in groups:
        command = ['uwsgi', '--show-config']
        for at, case in group:
            for mark, files in (('c', case.files), ('t', case.twin)):
                path = os.path.join(folder, f'{mark}{at}.ini')
                put(path, ini_of(files) or b'')
                command += ['--ini', path]
        if not group:
            continue
        done = judge(library, command, without_children)
        text = done.stdout + done.stderr
        text = text.partition(b'\n[uwsgi]\n')[2]
        text = text.partition(b'\n;end of configuration\n')[0]
        seen: dict[bytes, list[bytes]] = {}
        lines = None
        for line in text.split(b'\n'):
            if line.startswith(b'ini = ' + folder.encode()):
                lines = seen.setdefault(os.path.basename(line), [])
            elif lines is not None:
                lines.append(line)
        for at, case in group:
            lines = seen.get(b'c%d.ini' % at, [b'nothing'])
            twins = [put_back(line, case.tokens)
                     for line in seen.get(b't%d.ini' % at, [b'no twin'])]
            if any(value.endswith(b'=%t')
                   for value in case.fields.get('set', [])):
                # the time of the start
                lines, twins = (
                    [re.sub(rb' = \d{10}$', b' = %t', line) for line in some]
                    for some in (lines, twins))
            if lines != twins or len(lines) < 10:
                yield case, difference(b'uWSGI', twins, lines)


def httpd_lines(text: bytes) -> list[bytes]:
    """The directives of a text that has no more than plain lines, where all modules are there and
    nothing is defined yet.
    """
    lines = []
    left_out = False
    for line in text.split(b'\n'):
        line = line.strip()
        if line.startswith((b'<IfModule ', b'</IfModule>')):
            left_out = line.startswith(b'<IfModule !')
        elif line.startswith((b'<IfDefine ', b'</IfDefine>', b'Define ')) or left_out:
            continue
        elif line and not line.startswith((b'#', b'IncludeOptional ')):
            lines.append(b' '.join(line.split()))
    return lines


def judge_httpd(library: Library, folder: str, batch: list[Accepted]) -> Problems:
    modules = ['mpm_event', 'info', 'authz_core', 'log_config', 'unixd',
               'headers', 'lua', 'setenvif', 'slotmem_shm', 'proxy', 'proxy_uwsgi',
               'proxy_http', 'proxy_balancer', 'lbmethod_byrequests']
    main = [f'ServerRoot "{folder}"', 'ServerName localhost',
            'ErrorLog /dev/stderr']
    # some may be built in
    main += [f'<IfModule !{name}_module>\nLoadModule {name}_module {MODULES}/mod_{name}.so\n'
             '</IfModule>' for name in modules]
    main.append(f'LoadModule wsgi_module {MODULES}/mod_wsgi.so')
    sites, configs = [], []
    for at, case in enumerate(batch):
        name, unit = case.fields['name'][0], case.fields['unit'][0]
        if 'site' in case.files:
            path = os.path.join(folder, f'c{at}.site')
            put(path, case.files['site'])
            main += ['UnDefine DEVSTACK_WSGI_ACCESS', 'Include ' + path]
            sites.append((at, case))
        if b'\nWSGIDaemonProcess ' not in case.files['config']:
            continue
        configs.append((at, case))
        for mark, files in (('c', case.files), ('t', case.twin)):
            label = f'{mark}{at}'
            run = os.path.join(folder, 'run' + label)
            os.mkdir(run)
            text = files['config'].replace(
                b'/run/devstack-wsgi/' + unit, run.encode())
            # no two may have one name or one port
            text = re.sub(rb'(\nWSGI(?:DaemonProcess|ProcessGroup) '
                          rb'| process-group=)' + name + rb'\b',
                          rb'\1' + label.encode(), text)
            text = re.sub(rb'(\nListen 127\.0\.0\.1:)\d+',
                          rb'\g<1>%d' % (10000 * (1 + (mark == 't')) + at),
                          text)
            put(os.path.join(folder, label + '.conf'), text)
            main.append(f'Include {folder}/{label}.conf')
    if not sites and not configs:
        return
    path = os.path.join(folder, 'main')
    put(path, '\n'.join(main).encode() + b'\n')
    done = judge(library,
                 ['apache2', '-t', '-DDUMP_CONFIG', '-f', path])
    seen: dict[bytes, list[bytes]] = {}
    lines = None
    for line in done.stdout.split(b'\n'):
        if line.startswith(b'# In file: '):
            lines = seen.setdefault(os.path.basename(line), [])
        elif lines is not None and line.strip() and \
                not re.fullmatch(rb' *#  *\d+:', line):
            lines.append(b' '.join(line.split()).replace(b' >', b'>'))
    if done.returncode:
        # it stops at the first that it does not like
        said = done.stderr.replace(folder.encode(), b'')
        wrong = re.search(rb'/([ct])(\d+)\.\w+:', said)
        yield (batch[int(wrong[2])] if wrong else batch[0],
               b'Apache: ' + said[-300:])
        return
    for at, case in sites:
        expected = httpd_lines(case.files['site'])
        lines = seen.get(b'c%d.site' % at, [b'nothing'])
        if lines != expected:
            yield case, difference(b'Apache', expected, lines)
    for at, case in configs:
        lines = [line.replace(b'runc%d' % at, b'runt%d' % at)
                 .replace(b' c%d' % at, b' t%d' % at)
                 .replace(b'=c%d' % at, b'=t%d' % at)
                 .replace(b':%d' % (10000 + at), b':%d' % (20000 + at))
                 for line in seen.get(b'c%d.conf' % at, [b'nothing'])]
        twins = [put_back(line, case.tokens)
                 for line in seen.get(b't%d.conf' % at, [b'no twin'])]
        if lines != twins or len(lines) < 10:
            yield case, difference(b'httpd', twins, lines)


def python_says(text: bytes) -> list[Any]:
    """What a script is for Python: the arguments that are values, then all the rest of it."""
    tree = ast.parse(text)
    said: list[Any] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and not isinstance(node.value, ast.Compare):
            said.append((node.arg, ast.literal_eval(node.value)))
            node.value = ast.Constant(None)
    return [*said, ast.dump(tree)]


def with_values(said: Any, tokens: dict[bytes, bytes]) -> Any:
    if isinstance(said, (list, tuple)):
        return type(said)(with_values(each, tokens) for each in said)
    if isinstance(said, str):
        return put_back(said.encode(), tokens).decode()
    return said


def judge_scripts(_: Library, __: str, batch: list[Accepted]) -> Problems:
    for case in batch:
        if 'script' not in case.files:
            continue
        try:
            mine = python_says(case.files['script'])
        except (SyntaxError, ValueError) as error:
            yield case, b'Python: ' + str(error).encode()
            continue
        said = python_says(case.twin['script'])
        if mine != with_values(said, case.tokens):
            yield case, b'Python sees %r, not %r' % (mine, said)


JUDGES = (judge_units, judge_inis, judge_httpd, judge_scripts)


def judge_all(library: Library, batch: list[Accepted]) -> None:
    """A Finding for the first case that a parser reads otherwise."""
    folder = os.path.join(library.folder, 'judged')
    for each in JUDGES if batch else ():
        os.mkdir(folder)
        os.chmod(folder, 0o777)
        try:
            for case, problem in each(library, folder, batch):
                text = problem.decode(errors='backslashreplace')
                raise Finding(f'{text}\n    {case.case}')
        finally:
            shutil.rmtree(folder)
    check(not os.listdir(library.cwd), 'something ran: the canary is there')
    check(library.written() == library.before, 'something was written')
