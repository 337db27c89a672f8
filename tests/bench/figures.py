"""Arithmetic of tools/bench: medians, quartiles, pairs, verdicts.

A sample is what one trial gave: {"scenario": S, "variant": V, "round": R,
METRIC: number, ...}. In each round every variant is tried once, in random
order; a pair is two figures of one round, so that what changes on the machine
from round to round does not count.

A target says which figure it is about and how it is had:

  how "value"       the figure itself
      "ratio"       over another variant's figure of the same round
      "difference"  less another variant's
      "worst"       the largest of all rounds

Its limit is the most that the figure may be; the least with "least".
"""

import statistics

MET = 'met'
MISSED = 'missed'
UNKNOWN = 'not measured'


def quartiles(values):
    """The first quartile, the median and the third."""
    if len(values) == 1:
        return [values[0]] * 3
    return statistics.quantiles(values, n=4, method='inclusive')


def by_round(samples, scenario, variant, metric):
    """The figure of one variant in each round that has it."""
    return {sample['round']: sample[metric] for sample in samples
            if sample['scenario'] == scenario and
            sample['variant'] == variant and
            sample.get(metric) is not None}


def values_of(target, samples):
    """The figures that a target is about, one for each round."""
    metric = target['metric']
    ours = by_round(samples, target['scenario'], target['variant'], metric)
    how = target['how']
    if how in ('value', 'worst'):
        return list(ours.values())
    theirs = by_round(samples, target['scenario'], target['against'],
                      target.get('against_metric', metric))
    both = [(ours[key], theirs[key]) for key in sorted(ours)
            if key in theirs]
    if how == 'difference':
        return [one - other for one, other in both]
    return [one / other for one, other in both if other]


def judge(target, samples):
    """What became of a target.

    The noise is the distance between the quartiles: half of all rounds lie
    within it. A target is missed when the median is above its limit, and
    broken when it is so by more than the noise.
    """
    values = values_of(target, samples)
    if not values:
        return {'verdict': UNKNOWN}
    low, middle, high = quartiles(values)
    if target['how'] == 'worst':
        middle = max(values)
        low = high = middle
    over = middle - target['limit']
    if target.get('least'):
        over = -over
    return {
        'value': middle, 'low': low, 'high': high, 'rounds': len(values),
        'over': over, 'verdict': MISSED if over > 0 else MET,
        'broken': over > high - low,
    }


def words(target, verdict):
    """The verdict as it stands in the table."""
    if verdict['verdict'] != MISSED:
        return verdict['verdict']
    text = 'missed by ' + shown(verdict['over'], target['unit'])
    why = target.get('why', '')
    return f'{text}: {why}' if why else text


def limit(target):
    """The limit as it stands in the table."""
    return ('at least ' if target.get('least') else 'at most ') + shown(
        target['limit'], target['unit'])


def shown(value, unit=''):
    """A figure with as many digits as tell anything."""
    if value is None:
        return '-'
    size = abs(value)
    if value == int(value):
        text = '%d' % value
    elif size >= 100:
        text = f'{value:.0f}'
    elif size >= 10:
        text = f'{value:.1f}'
    elif size >= 0.095:
        text = f'{value:.2f}'
    else:
        text = f'{value:.4f}'
    return text + (' ' + unit if unit else '')


def summarize(samples):
    """{SCENARIO: {VARIANT: {METRIC: [low, median, high]}}}"""
    gathered: dict = {}
    for sample in samples:
        metrics = gathered.setdefault(
            sample['scenario'], {}).setdefault(sample['variant'], {})
        for metric, value in sample.items():
            if (metric not in ('scenario', 'variant', 'round') and
                    value is not None):
                metrics.setdefault(metric, []).append(value)
    return {scenario: {variant: {
        metric: [float(f'{value:.5g}') for value in quartiles(values)]
        for metric, values in metrics.items()}
        for variant, metrics in variants.items()}
        for scenario, variants in gathered.items()}
