"""The directive ``shell-reference``: functions by their header comments.

``.. shell-reference:: lib/wsgi`` lists the functions of that file whose names
begin with ``wsgi_``, in the order of the file, each with the comment above it.
The comment is the manual; there is no second copy to keep in step.
"""

import pathlib
import re
import sys

from docutils import nodes
from docutils.parsers.rst import Directive

TOP = pathlib.Path(__file__).resolve().parents[3]
FUNCTION = re.compile(r'^function (wsgi_\w+) \{')


def functions(text):
    """Yield the name and the comment of every public function."""
    comment = []
    for line in text.splitlines():
        match = FUNCTION.match(line)
        if match:
            yield match.group(1), '\n'.join(comment)
        if line.startswith('#'):
            comment.append(line[2:])
        else:
            comment = []


class ShellReference(Directive):
    """Put the functions of one file into the document."""

    required_arguments = 1

    def run(self):
        source = TOP / self.arguments[0]
        env = self.state.document.settings.env
        env.note_dependency(str(source))
        result = []
        for name, comment in functions(source.read_text()):
            section = nodes.section(ids=[nodes.make_id(name)])
            section += nodes.title('', '', nodes.literal('', name))
            # the sentences, then the fields as they are laid out
            sentences, _, fields = comment.partition('\nUsage:')
            section += nodes.paragraph('', ' '.join(sentences.split()))
            block = nodes.literal_block('', 'Usage:' + fields.rstrip())
            block['language'] = 'none'
            section += block
            result.append(section)
        if not result:
            raise self.error(f'{source}: no function wsgi_* in it')
        return result


class DeployOptions(Directive):
    """Put the options of 'wsgi deploy' into the document, from the engine's table of fields."""

    def run(self):
        sys.path.insert(0, str(TOP / 'lib'))
        from devstack_wsgi import manual
        block = nodes.literal_block('', '\n'.join(manual.options()))
        block['language'] = 'none'
        return [block]


def setup(app):
    app.add_directive('shell-reference', ShellReference)
    app.add_directive('deploy-options', DeployOptions)
    return {'parallel_read_safe': True, 'parallel_write_safe': True}
