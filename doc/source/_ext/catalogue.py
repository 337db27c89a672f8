"""The directive ``catalogue``: every service that ``deploy`` knows by name.

A table of all entries of ``files/catalog``, then a section for each. The
files are the manual; there is no second copy to keep in step. What became of
each when it was deployed for real comes from ``conformance.json`` beside the
document, if that is there:

    {NAME: {"version": "...", "python": "...", "modes": {MODE: {
        "verdict": "works" or why not, "date": "2026-11-22", "status": 200,
        "startup_s": 1.2, "memory_mib": 110, "operation": "..."}}}}
"""

import json
import os
import pathlib
import sys

from docutils import nodes
from docutils.parsers.rst import Directive

TOP = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(TOP / 'lib'))
from devstack_wsgi import catalogue, fields  # noqa: E402  # its folder is known now

CATALOG = TOP / 'files' / 'catalog'
RESULTS = TOP / 'doc' / 'source' / 'conformance.json'
# what a mode's result has beside its verdict, and how it is told
FIGURES = (('date', '{}'), ('status', 'answers {}'),
           ('startup_s', 'starts in {} s'), ('memory_mib', '{} MiB'),
           ('operation', '{}'))


class Entry(dict):
    """An entry: each key's values in the order of the file, and its prose."""

    def __init__(self, path):
        draft = catalogue.entry(path.name)
        super().__init__({field.name: list(draft.all(field.name))
                          for field in fields.FIELDS + fields.ENTRY_FIELDS
                          if field.name in draft})
        if 'script' in self:
            # the engine has it below this checkout
            self['script'] = [os.path.relpath(self.one('script'), TOP)]
        self.prose = ' '.join(line[1:].strip() for line in path.read_text().splitlines()
                              if line.startswith('#'))

    def one(self, key, default=''):
        return self.get(key, [default])[0]

    def releases(self):
        parts = []
        if 'since' in self:
            parts.append(f"{self.one('since')} and later")
        if 'legacy' in self:
            script, first, last = self.one('legacy').split()
            parts.append(f'{script}: {first} to {last}')
        return '; '.join(parts)

    def state(self):
        if 'removed' in self:
            return 'removed'
        if 'retired' in self:
            when, _, last = self.one('retired').partition(', ')
            return f'retired {when}, last release {last}'
        return ''


def code(text):
    return nodes.literal('', text)


def codes(texts):
    """Texts as code, with commas between them."""
    result = []
    for text in texts:
        result += [nodes.Text(', ')] if result else []
        result.append(code(text))
    return result


def row(cells):
    result = nodes.row()
    for cell in cells:
        parts = [nodes.Text(cell)] if isinstance(cell, str) else cell
        entry = nodes.entry()
        entry += nodes.paragraph('', '', *parts)
        result += entry
    return result


def table(head, rows):
    group = nodes.tgroup(cols=len(head))
    for _ in head:
        group += nodes.colspec(colwidth=1)
    group += nodes.thead('', row(head))
    group += nodes.tbody('', *(row(cells) for cells in rows))
    return nodes.table('', group)


def facts(pairs):
    """Pairs of a name and texts or nodes, as a list of fields."""
    result = nodes.field_list()
    for name, paragraphs in pairs:
        body = nodes.field_body()
        for parts in paragraphs:
            parts = [nodes.Text(parts)] if isinstance(parts, str) else parts
            body += nodes.paragraph('', '', *parts)
        if paragraphs:
            result += nodes.field('', nodes.field_name('', name), body)
    return result


def where(entry):
    """How it is reached."""
    result = []
    if 'path' in entry:
        protocol = ', in the uwsgi protocol' if entry.one('transport') == 'uwsgi' else ''
        result.append([code(entry.one('path')), nodes.Text(f' behind Apache{protocol}')])
    if 'listen' in entry:
        result.append([code(entry.one('listen'))])
    return result


def figures(result):
    """What one mode's result says."""
    texts = [result['verdict']]
    texts += [form.format(result[key]) for key, form in FIGURES
              if result.get(key) is not None]
    return ', '.join(texts)


def described(name, entry, results):
    """The section of an entry."""
    section = nodes.section(ids=[nodes.make_id(name)], names=[name])
    section += nodes.title('', name)
    section += nodes.paragraph('', entry.prose)
    pairs = [
        ('Removed', entry.get('removed', [])),
        ('State', [entry.state()] if 'retired' in entry else []),
        ('Names', [[nodes.Text('unit '), code('devstack@' + entry.one('unit')),
                    nodes.Text(', site '), code(entry.one('site')),
                    nodes.Text(', DevStack\'s key '), code(entry.one('key'))]]),
        ('Package', [codes(entry.get('package', []))]),
        ('Service type', entry.get('type', [])),
        ('Application', [codes(entry[key]) for key in ('app', 'script')
                         if key in entry]),
        ('Releases', [entry.releases()] if entry.releases() else []),
        ('Address', where(entry)),
        ('Healthcheck', [[code(entry.one('healthcheck')), nodes.Text(
            ' answers ' + entry.one('expect', '200'))]]
         if 'healthcheck' in entry else []),
        ('Configuration', entry.get('config', [])),
        ('Given to it', [[code(value)] for value in entry.get('env', [])] +
         ([[code(' '.join(entry['arg']))]] if 'arg' in entry else [])),
        ('Needs', entry.get('needs', [])),
        ('Workers', [f'{key}: {entry.one(key)}'
                     for key in ('processes', 'threads') if key in entry]),
        ('No preload', entry.get('no-preload', [])),
        ('No threads', entry.get('no-threads', [])),
        ('Settings', [[code(value)] for value in entry.get('set', [])]),
    ]
    for mode, result in sorted(results.get('modes', {}).items()):
        pairs.append((f"{results['version']} under {mode}, Python "
                      f"{results['python']}", [figures(result)]))
    section += facts(pairs)
    if 'script' in entry:
        text = (TOP / entry.one('script')).read_text()
        block = nodes.literal_block(text, text)
        block['language'] = 'python'
        section += block
    return section


class Catalogue(Directive):
    """Put the index and the sections into the document."""

    def run(self):
        env = self.state.document.settings.env
        results = {}
        if RESULTS.exists():
            env.note_dependency(str(RESULTS))
            results = json.loads(RESULTS.read_text())
        modes = sorted({mode for result in results.values()
                        for mode in result['modes']})
        head = ['Name', 'Key', 'Package', 'Type', 'Path', 'Releases', 'State']
        rows = []
        sections = []
        for path in sorted(CATALOG.iterdir()):
            env.note_dependency(str(path))
            name = path.name
            entry = Entry(path)
            result = results.get(name, {})
            rows.append([
                [nodes.reference('', name, internal=True,
                                 refid=nodes.make_id(name))],
                codes(entry['key']), codes(entry['package']),
                entry.one('type'),
                codes(entry.get('path', entry.get('listen', []))),
                entry.releases(), entry.state()])
            for mode in modes:
                said = result.get('modes', {}).get(mode)
                rows[-1].append(
                    f"{said['verdict']} ({said['date']})" if said else '')
            sections.append(described(name, entry, result))
        return [table(head + modes, rows), *sections]


def setup(app):
    app.add_directive('catalogue', Catalogue)
    return {'parallel_read_safe': True, 'parallel_write_safe': True}
