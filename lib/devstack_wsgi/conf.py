"""uWSGI's ini: CONF, as DevStack's callers and people write it.

The one parser of it, and of what the library notes in the same form for its helpers. A copy of this
file is a helper of units, written by lib/devstack_wsgi, so it imports nothing of the package.
"""

from __future__ import annotations

import re

# a key and its value; not a comment, not a section
_SETTING = re.compile(r'^\s*([^;#=\s\[][^=]*?)\s*=\s*(.*?)\s*$')

Settings = dict[str, list[str]]


def parse(text: str) -> Settings:
    """The settings of an ini: each key with all its values, in the order of the file."""
    found: Settings = {}
    for line in text.split('\n'):
        setting = _SETTING.match(line)
        if setting:
            found.setdefault(setting.group(1), []).append(setting.group(2))
    return found


def first(text: str, key: str) -> str:
    """The first value of a key, '' without one."""
    return parse(text).get(key, [''])[0]


def read_facts(path: str) -> dict[str, str]:
    """What the library wrote for its helpers: a line KEY=VALUE for each fact."""
    with open(path, encoding='utf-8') as text:
        return {key: values[0] for key, values in parse(text.read()).items()}


def changed(base: Settings, now: Settings) -> list[str]:
    """The keys whose values differ, those of the base first."""
    return [key for key in dict.fromkeys([*base, *now]) if base.get(key) != now.get(key)]


def merge(base: str, new: str, edited: str) -> tuple[str, list[str]]:
    """What a new ini has to say when somebody edited the old one.

    base: what was written last; new: what would be written now; edited: the file
    Returns the new text, in which each key that was added, changed or removed is as in the file,
    and a line for each such key.
    """
    was, wanted, now = parse(base), parse(new), parse(edited)
    kept = changed(was, now)
    edits = [_describe(key, was.get(key), now.get(key)) for key in kept]
    waiting = dict.fromkeys(kept)
    lines = []
    for line in new.rstrip('\n').split('\n'):
        setting = _SETTING.match(line)
        if not setting or setting.group(1) not in kept:
            lines.append(line)
        elif setting.group(1) in waiting:
            # all values where the first one stood
            del waiting[setting.group(1)]
            lines += _lines(setting.group(1), now)
    for key in now:
        if key in waiting and key not in wanted:
            lines += _lines(key, now)
    return '\n'.join(lines) + '\n', edits


def _lines(key: str, settings: Settings) -> list[str]:
    return [f'{key} = {value}' for value in settings.get(key, [])]


def _describe(key: str, was: list[str] | None, now: list[str] | None) -> str:
    if now is None:
        return f'{key}: removed by hand'
    if was is None:
        return f"{key} = {', '.join(now)}: added by hand"
    return f"{key} = {', '.join(now)}: by hand, was {', '.join(was)}"
