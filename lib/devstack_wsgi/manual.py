"""--help and completion, made of the comments in lib/wsgi and the table of fields."""

from __future__ import annotations

import functools
import pathlib

from devstack_wsgi import fields, servers, template
from devstack_wsgi.fronts import front

_FRONT_DOOR = pathlib.Path(__file__).resolve().parents[1] / 'wsgi'
_OPTIONS = '  OPTION '


@functools.lru_cache(None)
def verbs() -> dict[str, list[str]]:
    """Each verb with the comment above its function."""
    found: dict[str, list[str]] = {}
    comment: list[str] = []
    for line in _FRONT_DOOR.read_text(encoding='utf-8').split('\n'):
        if line.startswith('function wsgi_'):
            found[line.split()[1][len('wsgi_'):]] = comment
        comment = [*comment, line[2:]] if line.startswith('#') else []
    return found


def of(verb: str) -> list[str]:
    """The manual of a verb."""
    lines = []
    for line in verbs()[verb]:
        lines += options() if line.startswith(_OPTIONS) else [line]
    return lines


def options() -> list[str]:
    """The options of deploy, a paragraph each."""
    lines = []
    for option, field in fields.OPTIONS.items():
        head = f'  {option} {field.value}'.rstrip()
        first, *rest = field.meaning
        lines.append(f'{head:<17} {first}')
        lines += [' ' * 18 + each for each in rest]
    return lines


def overview() -> list[str]:
    """The verbs, each with the first sentence of its manual."""
    lines = ['Usage: wsgi VERB [ARGUMENT...]',
             f'Deploys APIs as WSGI applications behind {front().title}.', '']
    for verb, comment in verbs().items():
        lines.append(f"  {verb:<9}{' '.join(comment).partition('.')[0]}")
    return [*lines, '  catalog   the services that deploy knows by name',
            '  completion  what bash needs to complete this:',
            '            source <(wsgi completion)', '',
            "'wsgi VERB --help' tells the rest. Exit: 0 done or already so,",
            '1 refused or failed, 2 wrong usage.']


def completion(tool: str) -> str:
    """What bash needs to complete the command."""
    return template.fill(
        'completion.bash.in', tool=tool, verbs=' '.join([*verbs(), 'catalog', 'completion']),
        options=' '.join(fields.OPTIONS), modes=' '.join(servers.known()))
