"""What a killed run of a version without lib/run left: it is finished.

Such a run kept, below /var/lib/devstack-wsgi, the texts that it was about to write (pending/base,
pending/final with edits by hand), the units that it had stopped (pending/resume), and a copy of
what was there (rollback/); the files to be renamed were in /etc/devstack-wsgi/.staged.
"""

from __future__ import annotations

from devstack_wsgi import host, paths, steps
from devstack_wsgi.manifest import Manifest, Staged

_PENDING = f'{paths.VAR}/pending'
_COPIES = f'{paths.VAR}/rollback'
_STAGED = f'{paths.ETC}/.staged'
# the lock of runs that waited, and a list that was to be renamed
_ALONE = ('/run/devstack-wsgi.queue', f'{paths.MODULES}.new')
_KEPT = f'{paths.REMOVED}/-'


def finish() -> Manifest:
    """Take over what got to its place, keep a copy of what was replaced, start what was stopped.
    The rest is the next apply's.
    """
    step = Manifest()
    step.phase()
    for owner in host.listdir(f'{_PENDING}/base'):
        for name in host.listdir(f'{_PENDING}/base/{owner}'):
            base = host.read(f'{_PENDING}/base/{owner}/{name}') or ''
            if host.read(paths.of_applied(name)) == host.read(f'{_PENDING}/final/{owner}/{name}'):
                step.folder(f'{paths.APPLIED}/{owner}', 0o700)
                step.write(Staged(f'{paths.APPLIED}/{owner}/{name}', base))
    left = [path for folder in (_PENDING, _COPIES, _STAGED) for path in host.tree(folder)]
    files = [path for path in left if host.is_link(path) or not host.is_dir(path)]
    for path in files:
        original = path[len(_COPIES):]
        if path.startswith(f'{_COPIES}/') and not host.is_link(path) \
                and host.read(path) != host.read(original):
            step.folder(_KEPT, 0o700)
            step.step('save', path, f"{_KEPT}/{original.replace('/', '%2F')}")
    step.step('systemd', 'reload')
    step.step('front', 'reload')
    stopped = _named('start')
    turned = steps.running(f'devstack@{name}.service' for name in _named('turn'))
    step.each('remove', [*files, *(path for path in _ALONE if host.exists(path))])
    step.each('rmdir', reversed([path for path in left if path not in files]))
    step.step('say', 'wsgi: a run of an earlier version was interrupted: its files are now taken'
              f' over, what it replaced is in {_KEPT}')
    step.phase_kept()
    step.each('start', [unit for unit in stopped if host.exists(f'{paths.UNITS}/{unit}')])
    step.each('restart', sorted(turned))
    return step


def _named(what: str) -> list[str]:
    """What the run was to start again, as units, or to restart, as services."""
    lines = (host.read(f'{_PENDING}/resume') or '').splitlines()
    return [name for first, _, name in (line.partition(' ') for line in lines) if first == what]
