"""--help and completion, made of the comments in lib/wsgi and the table of fields."""

from __future__ import annotations

import functools
import pathlib
import re

from devstack_wsgi import fields, servers, template
from devstack_wsgi.fronts import front

_FRONT_DOOR = pathlib.Path(__file__).resolve().parents[1] / 'wsgi'
_OPTIONS = '  OPTION '
# verbs of the command that are no functions of lib/wsgi
_COMMAND_ONLY = {
    'catalog': """\
List the services that deploy knows by name.

Usage:   wsgi_catalog
Reads:   files/catalog
Writes:  nothing; a name in each line on standard output
Returns: 0
Example: wsgi_catalog | grep nova""",
    'completion': """\
Print what bash needs to complete this command.

Usage:   wsgi_completion
Reads:   the verbs, their options, the servers
Writes:  nothing; bash on standard output
Returns: 0
Example: source <(wsgi_completion)""",
}


@functools.lru_cache(None)
def verbs() -> dict[str, list[str]]:
    """Each verb with its comment: the one above its function, in the order of lib/wsgi."""
    found: dict[str, list[str]] = {}
    comment: list[str] = []
    for line in _FRONT_DOOR.read_text(encoding='utf-8').split('\n'):
        if line.startswith('function wsgi_'):
            found[line.split()[1][len('wsgi_'):]] = comment
        comment = [*comment, line[2:]] if line.startswith('#') else []
    return {**found, **{verb: text.split('\n') for verb, text in _COMMAND_ONLY.items()}}


def of(verb: str) -> list[str]:
    """The manual of a verb, as a command: wsgi_deploy is 'wsgi deploy' there."""
    lines: list[str] = []
    for line in verbs()[verb]:
        lines += options() if line.startswith(_OPTIONS) else [line]
    return [re.sub(rf'\bwsgi_{verb}\b', f'wsgi {verb}', line) for line in lines]


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
        lines.append(f"  {verb:<11} {' '.join(comment).partition('.')[0]}")
    return [*lines, '',
            "'wsgi VERB --help' describes a verb, with an example. Exit status: 0 done or",
            'already so, 1 refused or failed, 2 wrong usage.']


def completion(tool: str) -> str:
    """What bash needs to complete the command."""
    options = (f"    options[{verb}]='{' '.join(_options_of(verb))}'" for verb in verbs())
    return template.fill('completion.bash.in', tool=tool, options='\n'.join(options),
                         verbs=' '.join(verbs()), modes=' '.join(servers.known()))


def _options_of(verb: str) -> list[str]:
    """The options that the manual of a verb names."""
    usage = '\n'.join(of(verb)).partition('\nUsage:')[2].partition('Reads:')[0]
    found = re.findall(r'(?<=[\[| ])--[a-z][a-z-]*(?=[] \n])', usage)
    return [*dict.fromkeys(found), '--help']
