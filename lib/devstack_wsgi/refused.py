"""The one exception of the engine: a call that is refused, with one line for the caller."""

from __future__ import annotations


class Refused(Exception):
    """A call that is refused; nothing was changed.

    who:    a service, a file, an option or a variable; '' when the text names it already
    seen:   what was found
    advice: what to write or do instead; '' when there is nothing to do
    joint:  what stands between seen and advice
    """

    status = 1

    def __init__(self, who: str, seen: str, advice: str = '', joint: str = '; ') -> None:
        super().__init__((f'{who}: ' if who else '') + seen + (joint + advice if advice else ''))


class Misuse(Refused):
    """A call with words that make no sense: exit status 2.

    verb: the verb whose --help says more; '' for that of all verbs
    """

    status = 2

    def __init__(self, who: str, seen: str, verb: str = '') -> None:
        super().__init__(who, seen, f"see 'wsgi {verb}{' ' if verb else ''}--help'")


class LeftToStock(Refused):
    """A call of DevStack's that its own function has to answer: exit status 3.

    Without a text it is none of ours; with one, that is printed as a warning.
    """

    status = 3
