"""The manifest: what a run does to the machine, one step a line, and the files that it writes.

lib/run executes it and knows the inverse of each verb. Words have no spaces; the last word of 'say'
is the rest of the line.

    phase N              what follows is undone before what was before it; 0: it is not undone
    verify systemd|front the staged files are read by it
    folder MODE PATH     made, if it is not there
    save FROM TO         a copy of a file that is about to go
    write MODE OWNER PATH    from new/N/PATH, renamed into place
    link PATH TARGET
    remove PATH...
    rmdir PATH...        as far as it is empty
    module NAME...       of the front, enabled
    unload NAME...       disabled, unless somebody else has come to use them
    systemd reload
    tmpfiles PATH        folders of /run are made as a file says
    start [NUMBER] UNIT... | restart [NUMBER] UNIT... | reload [NUMBER] UNIT...
                         so many at a time, with a line for each; all at once without a number
    stop UNIT... | enable UNIT... | disable UNIT...
    stop_now UNIT...     requests in flight are lost
    forget UNIT...       that it has failed
    front start|reload|restart
    drain FOLDER...      wait until the workers whose doors are there have answered what came
    wait URL|PATH SECONDS NAME    PATH: under the URL that the front has for it
    say TEXT
"""

from __future__ import annotations

import dataclasses
import os
from typing import Iterable

from devstack_wsgi import host
from devstack_wsgi.refused import Refused

_OF_FILES = ('folder', 'save', 'write', 'link', 'remove', 'rmdir', 'module', 'unload')


@dataclasses.dataclass(frozen=True)
class Staged:
    """A file to be written.

    mode: as a number; owner: USER:GROUP
    """

    path: str
    text: str
    mode: int = 0o600
    owner: str = 'root:root'


class Manifest:
    """The steps of a run, in their order."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._staged: list[tuple[int, Staged]] = []
        self._phase = 0
        self._folders: set[str] = set()

    def __bool__(self) -> bool:
        """Whether it changes files, so that it can be undone, or finished after a kill."""
        return any(line.split(' ', 1)[0] in _OF_FILES for line in self.lines)

    def step(self, verb: str, *words: str) -> None:
        self.lines.append(' '.join((verb, *words)))

    def each(self, verb: str, words: Iterable[str]) -> None:
        """One step for all words; none without a word."""
        given = list(words)
        if given:
            self.step(verb, *given)

    def few(self, verb: str, names: Iterable[str]) -> None:
        """One step in which as many units at a time load their applications as there are
        processors: more of them only wait for each other, and for the time that each may take.
        """
        given = list(names)
        self.each(verb, [str(host.processors()), *given] if given[1:] else given)

    def phase(self) -> None:
        self._phase += 1
        self.step('phase', str(self._phase))

    def phase_kept(self) -> None:
        """What follows is not undone when it fails."""
        self.step('phase', '0')

    def folder(self, path: str, mode: int = 0o755) -> None:
        """A folder that has to be there, with those above it."""
        if path in self._folders or host.is_dir(path):
            return
        self.folder(os.path.dirname(path))
        self._folders.add(path)
        self.step('folder', f'{mode:04o}', path)

    def write(self, file: Staged) -> None:
        self._staged.append((self._phase, file))
        self.step('write', f'{file.mode:04o}', file.owner, file.path)

    def save(self, folder: str) -> None:
        """Write the manifest and its files below a folder, which is made.

        The manifest comes last: a folder without one is of a run that had not begun.
        """
        try:
            os.makedirs(os.path.dirname(folder), exist_ok=True)
            os.makedirs(folder, 0o700)
            staged = [(f'{folder}/new/{phase}{file.path}', file) for phase, file in self._staged]
            # one question for all files of a folder
            for path in dict.fromkeys(os.path.dirname(path) for path, _ in staged):
                os.makedirs(path, exist_ok=True)
            for path, file in staged:
                _stage(path, file)
            self._set_modes(folder)
            with open(f'{folder}/manifest.new', 'w', encoding='utf-8',
                      errors='surrogateescape') as text:
                text.write('\n'.join(self.lines) + '\n')
            os.rename(f'{folder}/manifest.new', f'{folder}/manifest')
        except OSError as error:
            raise Refused('', f'cannot write below {folder}, so nothing was changed'
                          f' ({error.strerror})', 'is the disk full?') from None

    def _set_modes(self, folder: str) -> None:
        """Give staged folders their modes: one that is new is moved whole."""
        phase = '0'
        for line in self.lines:
            words = line.split(' ')
            if words[0] == 'phase':
                phase = words[1]
            elif words[0] == 'folder' and os.path.isdir(f'{folder}/new/{phase}{words[2]}'):
                os.chmod(f'{folder}/new/{phase}{words[2]}', int(words[1], 8))


def _stage(path: str, file: Staged) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, 'w', encoding='utf-8', errors='surrogateescape', newline='') as text:
        text.write(file.text)
        os.fchmod(descriptor, file.mode)
        if not host.SYSROOT:
            user, group = file.owner.split(':')
            os.fchown(descriptor, host.user_id(user) or 0, host.group_id(group) or 0)
