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


class LeftToStock(Exception):
    """A call of DevStack's that its own function has to answer: exit status 3, or 4 where CONF and
    the site have to be given back to it first.

    why:    printed as a warning; '' for a call that is none of ours
    before: the manifest of what has to be done first; None for nothing
    """

    def __init__(self, why: str = '', before: object = None, status: int = 3) -> None:
        super().__init__(why)
        self.before = before
        self.status = status
