"""The directives ``performance-table``, ``-plot`` and ``-machine``.

What tools/bench measured last is in ``performance.json``, which ``tools/bench
--update`` writes; there is no second copy to keep in step.
``.. performance-table::`` without an argument is of the targets, with the
name of a scenario of its figures.
"""

import json
import pathlib
import sys

from catalogue import table
from docutils import nodes
from docutils.parsers.rst import Directive

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / 'tests'))

from bench.figures import UNKNOWN, limit, shown, words

RESULTS = pathlib.Path(__file__).resolve().parents[1] / 'performance.json'
# what the columns of a scenario are called
METRICS = {
    'cpu_us': 'CPU (µs)', 'front_us': 'of it Apache', 'own_us': 'the service',
    'journal_us': 'the journal', 'rate': 'Requests/s', 'p50_ms': 'p50 (ms)',
    'p99_ms': 'p99 (ms)', 'failed': 'Failed', 'sent': 'Sent',
    'fresh_mib': 'Started (MiB)', 'mib': 'Used (MiB)', 'mib_s': 'MiB/s',
    'cpu_ms_mib': 'CPU (ms/MiB)',
    'pause_ms': 'Longest pause (ms)', 'import_ms': 'Import (ms)',
    'import_cpu_s': 'Import (s of CPU)', 'processes': 'Processes',
    'first_ms': 'First answer (ms)', 'forks': 'Processes for each',
    'cpu_s': 'CPU (s)', 'seconds': 'Time (s)', 'reloads': 'Reloads',
    'front_cpu_s': 'CPU of Apache (s)', 'ms': 'Time (ms)',
    'again_cpu_s': 'Again: CPU (s)', 'again_s': 'Again: time (s)',
    'cpu_ms': 'CPU (ms)', 'front_restarts': 'Restarts of Apache',
}


def target_rows(results):
    """Yield the cells of every target."""
    for target in results['targets']:
        seen = shown(target.get('value'), target['unit'])
        if target['verdict'] != UNKNOWN and target['low'] != target['high']:
            seen += ' ({} to {})'.format(shown(target['low']),
                                     shown(target['high']))
        yield [target['text'], limit(target), seen, words(target, target)]


def figure_rows(figures, metrics):
    """Yield the cells of every variant: medians, and their quartiles."""
    for variant, seen in figures.items():
        cells = [variant]
        for metric in metrics:
            low, middle, high = seen.get(metric, (None, None, None))
            text = shown(middle)
            if low != high:
                text += f' ({shown(low)} to {shown(high)})'
            cells.append(text)
        yield cells


class PerformanceTable(Directive):
    """Put the targets, or the figures of a scenario, into the document."""

    optional_arguments = 1

    def run(self):
        self.state.document.settings.env.note_dependency(str(RESULTS))
        results = json.loads(RESULTS.read_text())
        if not self.arguments:
            return [table(['Target', 'Limit', 'Seen', 'Verdict'],
                          target_rows(results))]
        figures = results['figures'].get(self.arguments[0])
        if not figures:
            return [nodes.paragraph('', 'Not measured.')]
        metrics = [metric for metric in METRICS
                   if any(metric in seen for seen in figures.values())]
        return [table(['Variant', *(METRICS[metric] for metric in metrics)],
                      figure_rows(figures, metrics))]


class PerformanceMachine(Directive):
    """Say when it was measured, and where: a paragraph for each run."""

    def run(self):
        self.state.document.settings.env.note_dependency(str(RESULTS))
        runs = json.loads(RESULTS.read_text())['runs']
        return [nodes.paragraph('', self.text(run, len(runs) > 1))
                for run in runs]

    def text(self, run, several):
        machine = run['machine']
        text = ('Measured on {date}: {processors} processors ({processor}), '
                '{memory_gib} GiB, Linux {kernel}; {packages}. The load of '
                'the machine before it was {load[0]}, {load[1]}, {load[2]}.')
        if several:
            text = ', '.join(run['scenarios']) + ': ' + text
        if machine['load'][2] > 2 * machine['processors']:
            text += (' That is a machine with other work to do: believe the '
                     'ratios more than the times, and neither too much.')
        return text.format(date=run['date'], **machine)


class PerformancePlot(Directive):
    """Put a plot into the document, where what it shows was measured."""

    required_arguments = 1

    def run(self):
        plot = RESULTS.parent / 'performance' / (self.arguments[0] + '.svg')
        if not plot.exists():
            return []
        return [nodes.image(uri='performance/' + plot.name,
                            alt=self.arguments[0])]


def setup(app):
    app.add_directive('performance-plot', PerformancePlot)
    app.add_directive('performance-table', PerformanceTable)
    app.add_directive('performance-machine', PerformanceMachine)
    return {'parallel_read_safe': True, 'parallel_write_safe': True}
