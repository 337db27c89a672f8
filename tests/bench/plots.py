"""The plots of doc/source/performance.rst, by matplotlib.

One file for each row of PLOTS: a bar for each variant of a scenario, its
length the median, its whisker the quartiles.
"""

import os

# file, scenario, metric, title
PLOTS = (
    ('cpu', 'requests', 'cpu_us', 'CPU of a request (µs)'),
    ('rate', 'requests', 'rate', 'Requests in a second'),
    ('placement', 'placement', 'cpu_us', 'CPU of a request, Placement (µs)'),
    ('memory', 'memory', 'mib', 'Memory of Placement, 2 workers (MiB)'),
    ('reload', 'reload', 'pause_ms', 'Longest pause in a reload (ms)'),
    ('restart', 'restart', 'pause_ms', 'Longest pause in a restart (ms)'),
)
OURS = '#2a6ebb'
THEIRS = '#9a9a9a'


def draw(figures, folder):
    """Write the plots of what was measured; their names."""
    import matplotlib
    matplotlib.use('svg')
    # the same figures are the same bytes
    matplotlib.rcParams['svg.hashsalt'] = 'bench'
    matplotlib.rcParams['svg.fonttype'] = 'none'
    from matplotlib import pyplot
    os.makedirs(folder, exist_ok=True)
    drawn = []
    for name, scenario, metric, title in PLOTS:
        rows = [(variant, metrics[metric]) for variant, metrics
                in figures.get(scenario, {}).items() if metric in metrics]
        if not rows:
            continue
        rows.sort(key=lambda row: -row[1][1])
        figure, axes = pyplot.subplots(
            figsize=(7, 0.6 + 0.35 * len(rows)), layout='constrained')
        axes.barh(
            [variant for variant, _ in rows],
            [middle for _, (_, middle, _) in rows],
            xerr=[[middle - low for _, (low, middle, _) in rows],
                  [high - middle for _, (_, middle, high) in rows]],
            color=[color(variant) for variant, _ in rows], capsize=3)
        axes.set_title(title, fontsize=10)
        axes.spines[['top', 'right']].set_visible(False)
        figure.savefig(os.path.join(folder, name + '.svg'),
                       metadata={'Date': None})
        pyplot.close(figure)
        drawn.append(name)
    return drawn


def color(variant):
    controls = ('devstack', 'static', 'control', 'import')
    return THEIRS if variant.startswith(controls) else OURS
