"""The catalogue: what is known of OpenStack's services, a file for each in files/catalog."""

from __future__ import annotations

import functools
import os
from typing import Optional

# servers says the words of the fields mode and transport
from devstack_wsgi import servers, template  # noqa: F401
from devstack_wsgi.record import Draft, parse

_FOLDER = template.FILES / 'catalog'


@functools.lru_cache(None)
def names() -> tuple[str, ...]:
    return tuple(sorted(os.listdir(_FOLDER)))


def entry(name: str) -> Draft:
    """What an entry says. Raises Refused for a line that is not good."""
    path = _FOLDER / name
    return parse(str(path), path.read_text(encoding='utf-8', errors='surrogateescape'),
                 str(template.FILES.parent))


def find(word: str) -> Optional[str]:
    """The entry that has a name among its four."""
    if word in names():
        return word
    return _having(f'unit={word}', f'site={word}', f'key={word}')


def find_application(application: str) -> Optional[str]:
    """The entry whose application is MODULE:CALLABLE."""
    return _having(f'app={application}')


def all_words() -> set[str]:
    """Every name of every entry."""
    return {line.partition('=')[2] for name in names() for line in _lines(name)
            if line.partition('=')[0] in ('name', 'unit', 'site', 'key')}


def _having(*wanted: str) -> Optional[str]:
    return next((name for name in names() if not _lines(name).isdisjoint(wanted)), None)


@functools.lru_cache(None)
def _lines(name: str) -> frozenset[str]:
    return frozenset((_FOLDER / name).read_text(
        encoding='utf-8', errors='surrogateescape').split('\n'))
