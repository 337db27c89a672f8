"""Text of several formats: what a value may hold, and how it is written literally."""

from __future__ import annotations

import re
from typing import Optional

# what systemd, a terminal or a reader of lines acts on
CONTROL = re.compile('[\x00-\x1f\x7f]')
# C1 control characters, bytes that are not UTF-8, and what Unicode says is no character
_NO_TEXT = re.compile('[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef'
                      + ''.join(f'{chr(plane * 0x10000 + 0xfffe)}{chr(plane * 0x10000 + 0xffff)}'
                                for plane in range(17)) + ']')


def is_text(value: str) -> bool:
    """Whether a value is UTF-8 without control characters."""
    return not _NO_TEXT.search(value)


def printable(value: str) -> str:
    """A value that a terminal can be shown: '?' for each byte that it could act on."""
    value = CONTROL.sub('?', value)
    if is_text(value):
        return value
    return ''.join('?' * len(_bytes(each)) if each > '~' else each for each in value)


def _bytes(letter: str) -> bytes:
    try:
        return letter.encode('utf-8', 'surrogateescape')
    except UnicodeEncodeError:
        return letter.encode('utf-8', 'surrogatepass')


def ini_value(value: str) -> str:
    """Literal text as a value in uWSGI's ini.

    What uWSGI has no way to quote, $(x), @(x) and %(x), is refused by fields.py.
    """
    return value.replace('%', '%%')


def unit_word(value: str) -> str:
    """Literal text as one double-quoted word in a unit file (systemd.syntax(7))."""
    value = value.replace('\\', '\\\\').replace('"', '\\"').replace('%', '%%')
    return f'"{value}"'


def unit_command(value: str) -> str:
    """A command line as the value of ExecStart=, in which '%' and '$' are what they are."""
    return value.replace('%', '%%').replace('$', '$$')


def words(value: str) -> Optional[list[str]]:
    """The words of a command line or of Environment=, split as systemd and a shell do.

    Returns None where a quote is left open.
    """
    found, is_open = split(value)
    return None if is_open else found


def split(value: str) -> tuple[list[str], bool]:
    """The same words, and whether a quote is left open."""
    found: list[str] = []
    word: Optional[str] = None
    quote = ''
    rest = iter(value)
    for each in rest:
        if each == '\\' and quote != "'":
            word = (word or '') + next(rest, '')
        elif quote and each == quote:
            quote = ''
        elif quote:
            word = (word or '') + each
        elif each in '\'"':
            quote = each
            word = word or ''
        elif not each.isspace():
            word = (word or '') + each
        elif word is not None:
            found.append(word)
            word = None
    if word is not None:
        found.append(word)
    return found, bool(quote)
