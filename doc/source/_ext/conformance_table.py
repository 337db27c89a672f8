"""The directive ``conformance-table``: what tools/conformance saw last.

The rows are those of ``conformance.json``, which ``tools/conformance
--update`` writes; there is no second copy to keep in step.
"""

import json

from catalogue import RESULTS, table
from docutils.parsers.rst import Directive

# the heads, and what is below them
COLUMNS = (
    ('Service', lambda name, row, mode, result: name),
    ('Release', lambda name, row, mode, result: row['version']),
    ('Server', lambda name, row, mode, result: mode),
    ('Verdict', lambda name, row, mode, result: result['verdict']),
    ('Status', lambda name, row, mode, result: result.get('status', '')),
    ('Used for', lambda name, row, mode, result: result.get('operation', '')),
    ('Start (s)', lambda name, row, mode, result:
        result.get('startup_s', '')),
    ('Memory (MiB)', lambda name, row, mode, result:
        result.get('memory_mib', '')),
    ('Date', lambda name, row, mode, result: result['date']),
)


def rows(results):
    """Yield the cells of every row, by service and then by server."""
    for name, row in sorted(results.items()):
        for mode, result in sorted(row['modes'].items(), reverse=True):
            yield [str(cell(name, row, mode, result)) for _, cell in COLUMNS]


class ConformanceTable(Directive):
    """Put the results into the document."""

    def run(self):
        env = self.state.document.settings.env
        env.note_dependency(str(RESULTS))
        return [table([head for head, _ in COLUMNS],
                      rows(json.loads(RESULTS.read_text())))]


def setup(app):
    app.add_directive('conformance-table', ConformanceTable)
    return {'parallel_read_safe': True, 'parallel_write_safe': True}
