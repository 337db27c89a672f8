"""The machine, as far as the engine may ask: its files, its accounts, its programs.

The only module that reads outside of the library's own folders or starts a program. Every path
goes through WSGI_SYSROOT, so that a test can use any folder as a machine.
"""

from __future__ import annotations

import contextlib
import functools
import grp
import os
import pwd
import socket
import stat as stats
import struct
import subprocess
from typing import Any, Callable, Iterable, NoReturn, Optional

from devstack_wsgi.refused import Refused

SYSROOT = os.environ.get('WSGI_SYSROOT', '')


def real(path: str) -> str:
    """Where a path of the machine is for this process."""
    return SYSROOT + path


def read(path: str) -> Optional[str]:
    """The text of a file, None where there is none; bytes that are not UTF-8 come back as they are
    when it is written.
    """
    return read_own(real(path))


def read_own(path: str) -> Optional[str]:
    """The same for a path that is not below WSGI_SYSROOT: what a caller named to be run."""
    try:
        with open(path, encoding='utf-8', errors='surrogateescape', newline='') as file:
            return file.read()
    except (OSError, ValueError):
        return None


def exists(path: str) -> bool:
    return os.path.lexists(real(path))


def is_file(path: str) -> bool:
    return os.path.isfile(real(path))


def is_dir(path: str) -> bool:
    return os.path.isdir(real(path))


def is_link(path: str) -> bool:
    return os.path.islink(real(path))


def is_program(path: str) -> bool:
    return os.path.isfile(real(path)) and os.access(real(path), os.X_OK)


def listdir(path: str) -> list[str]:
    """The names in a folder, sorted; none where there is no folder."""
    try:
        return sorted(os.listdir(real(path)))
    except OSError:
        return []


def tree(path: str) -> list[str]:
    """A folder, and the paths below it, each after the folder that it is in."""
    found = [path] if exists(path) else []
    for name in [] if is_link(path) else listdir(path):
        found += tree(f'{path}/{name}')
    return found


def mtime(path: str) -> float:
    """When a file, or the link to it, was changed, in seconds; 0 where there is none."""
    try:
        own = os.lstat(real(path)).st_mtime
        return max(own, os.stat(real(path)).st_mtime)
    except FileNotFoundError:
        return os.lstat(real(path)).st_mtime if is_link(path) else 0
    except OSError:
        return 0


def access(path: str) -> tuple[int, str, str]:
    """Mode, user and group of a file; unknown accounts come as their numbers."""
    status = os.stat(real(path))
    return stats.S_IMODE(status.st_mode), _user(status.st_uid), _group(status.st_gid)


def owner_of_link(path: str) -> Optional[int]:
    """The user of a symbolic link, as a number; None where it is none."""
    try:
        status = os.lstat(real(path))
    except OSError:
        return None
    return status.st_uid if stats.S_ISLNK(status.st_mode) else None


@functools.lru_cache(None)
def _entry(ask: Callable[[Any], Any], key: object) -> Any:
    """An entry of the system's users or groups, None where there is none."""
    try:
        return ask(key)
    except KeyError:
        return None


def _user(number: int) -> str:
    entry = _entry(pwd.getpwuid, number)
    return entry.pw_name if entry else str(number)


def _group(number: int) -> str:
    entry = _entry(grp.getgrgid, number)
    return entry.gr_name if entry else str(number)


def user_id(name: str) -> Optional[int]:
    """The number of a user, None where the system has no such user."""
    entry = _entry(pwd.getpwnam, name)
    return entry.pw_uid if entry else None


def group_id(name: str) -> Optional[int]:
    """The number of a group, None where the system has no such group."""
    entry = _entry(grp.getgrnam, name)
    return entry.gr_gid if entry else None


def group_of(user: str) -> Optional[str]:
    """The name of a user's own group, None where the system has no such user."""
    entry = _entry(pwd.getpwnam, user)
    return _group(entry.pw_gid) if entry else None


def me() -> str:
    """The user that this process runs as."""
    return _user(os.geteuid())


def listens(port: int) -> bool:
    """Whether somebody on this machine listens on a port, by connecting to it: listing the sockets
    takes 10 ms. Never below WSGI_SYSROOT.
    """
    if SYSROOT:
        return False
    for host in ('127.0.0.1', '::1'):
        try:
            socket.create_connection((host, port), timeout=1).close()
            return True
        except OSError:
            pass
    return False


def listening(pid: str) -> list[tuple[str, int]]:
    """The addresses and ports on which a process listens, as this machine reaches them: what
    systemd or the process itself was told is in many files. Never below WSGI_SYSROOT.
    """
    own = set() if SYSROOT else _sockets(pid)
    found = []
    for table, family in (('tcp', socket.AF_INET), ('tcp6', socket.AF_INET6)):
        for line in (read_own(f'/proc/{pid}/net/{table}') or '').split('\n')[1:]:
            words = line.split()
            # 0A: it listens
            if len(words) > 9 and words[3] == '0A' and int(words[9]) in own:
                number, port = words[1].split(':')
                # each word of it is in the machine's own order
                packed = b''.join(struct.pack('=I', int(number[at:at + 8], 16))
                                  for at in range(0, len(number), 8))
                found += [(name, int(port, 16)) for name in _reached(
                    socket.inet_ntop(family, packed))]
    return found


def _sockets(pid: str) -> set[int]:
    """The inodes of what a process has open."""
    found = set()
    with contextlib.suppress(OSError):
        for name in os.listdir(f'/proc/{pid}/fd'):
            # it may be closed by now
            with contextlib.suppress(OSError):
                found.add(os.stat(f'/proc/{pid}/fd/{name}').st_ino)
    return found


def _reached(address: str) -> tuple[str, ...]:
    """Where this machine reaches who listens on an address; one for IPv6 may be for both."""
    return {'0.0.0.0': ('127.0.0.1',), '::': ('127.0.0.1', '[::1]')}.get(
        address, (f'[{address}]' if ':' in address else address,))


def ask(*command: str) -> tuple[int, str]:
    """Run a program that answers a question: its exit status, and what it printed.

    127 where there is no such program.
    """
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False)
    except OSError as error:
        return 127, str(error)
    return done.returncode, done.stdout.decode('utf-8', 'surrogateescape')


def become(*command: str) -> NoReturn:
    """Let a program take the place of this one. Raises Refused where it is not there."""
    try:
        os.execvp(command[0], command)
    except OSError as error:
        raise Refused(command[0], error.strerror or 'cannot be run') from None


def units(names: Iterable[str], *properties: str) -> dict[str, dict[str, str]]:
    """Properties of systemd's units, with one question: unit -> property -> value."""
    asked = list(names)
    if not asked:
        return {}
    options = [word for each in properties for word in ('-p', each)]
    _, said = ask('systemctl', 'show', *options, *asked)
    return {name: dict(line.partition('=')[::2] for line in block.splitlines() if '=' in line)
            for name, block in zip(asked, said.split('\n\n'))}


def memory_of(cgroup: str) -> int:
    """The memory of a control group in MiB, as PSS: what its processes share counts once. 0 where
    there is no such group.
    """
    for folder in ('/sys/fs/cgroup/systemd', '/sys/fs/cgroup/unified', '/sys/fs/cgroup'):
        pids = read_own(f'{folder}{cgroup}/cgroup.procs') if cgroup else None
        if pids is not None:
            # a process that has ended has none
            total = sum(_size(f'/proc/{pid}/smaps_rollup', 'Pss') for pid in pids.split())
            return (total + 512) // 1024
    return 0


def memory_left() -> int:
    """The memory that programs can still get without swapping, in MiB."""
    return _size('/proc/meminfo', 'MemAvailable') // 1024


def _size(path: str, key: str) -> int:
    """A size of a file of /proc, in KiB; 0 where it has none."""
    for line in (read_own(path) or '').split('\n'):
        if line.startswith(f'{key}:'):
            return int(line.split()[1])
    return 0


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0))
