"""tools/bench: its arithmetic, its targets, its results, without a machine."""

import json
import re
from importlib import machinery, util

import pytest
from bench import figures
from bench.scenarios import SCENARIOS
from bench.services import Application, Stock
from harness import TOP

TARGETS = json.loads((TOP / 'tests/bench/targets.json').read_text())
NAMES = [target['name'] for target in TARGETS]
TARGET = {'scenario': 's', 'variant': 'ours', 'metric': 'm', 'how': 'ratio', 'against': 'theirs',
          'limit': 0.5, 'unit': ''}


def samples(variant, *values):
    """A round for each figure of one variant."""
    return [{'scenario': 's', 'variant': variant, 'round': number, 'm': value}
            for number, value in enumerate(values)]


@pytest.mark.parametrize(('values', 'wanted'), [
    ([7], [7, 7, 7]), ([1, 2], [1.25, 1.5, 1.75]), ([5, 1, 4, 2, 3], [2, 3, 4])])
def test_quartiles_are_those_of_the_rounds_of_one_as_of_many(values, wanted):
    assert figures.quartiles(values) == wanted


# one without its pair is left out
ROUNDS = samples('theirs', 2, 10, 4) + samples('ours', 1, 20, 4, 99)


@pytest.mark.parametrize(('target', 'given', 'wanted'), [
    ({}, ROUNDS, [0.5, 2, 1]), ({'how': 'difference'}, ROUNDS[::-1], [-1, 10, 0]),
    ({'how': 'value'}, ROUNDS, [1, 20, 4, 99]),
    ({'against_metric': 'n'}, [*samples('ours', 5), {
        'scenario': 's', 'variant': 'theirs', 'round': 0, 'n': 10}], [0.5])],
    ids=['ratio', 'difference', 'value', 'another metric'])
def test_figures_are_of_the_same_round(target, given, wanted):
    assert figures.values_of({**TARGET, **target}, given) == wanted


def test_a_figure_of_another_scenario_does_not_count():
    assert figures.judge({**TARGET, 'scenario': 't'}, samples('ours', 5) + samples('theirs', 1)) \
        == {'verdict': 'not measured'}


@pytest.mark.parametrize(('target', 'ours', 'theirs', 'wanted'), [
    ({'why': 'so it is'}, 5, 10, 'met'), ({'why': 'so it is'}, 6, 10, 'missed by 0.10: so it is'),
    ({'least': True, 'limit': 200, 'unit': 'times'}, 150, 1, 'missed by 50 times'),
    ({'least': True, 'limit': 200, 'unit': 'times'}, 250, 1, 'met')])
def test_at_the_limit_is_met_beyond_it_is_missed_by_how_much_is_told(target, ours, theirs, wanted):
    target = {**TARGET, **target}
    seen = figures.judge(target, samples('ours', ours) + samples('theirs', theirs))

    assert figures.words(target, seen) == wanted


def test_a_limit_says_whether_more_is_better():
    assert figures.limit({'least': True, 'limit': 200, 'unit': 'times'}) == 'at least 200 times'


@pytest.mark.parametrize(('target', 'ours', 'wanted'), [
    ({}, (4, 6, 8), (0.6, 'missed', False)), ({}, (6, 6, 6), (0.6, 'missed', True)),
    ({}, (5.9, 6, 6.1), (0.6, 'missed', True)), ({}, (3, 4, 5), (0.4, 'met', False)),
    # the worst of all rounds has no noise
    ({'how': 'worst', 'limit': 0}, (0, 0, 3, 3, 3), (3, 'missed', True))])
def test_broken_is_what_is_worse_by_more_than_the_noise(target, ours, wanted):
    seen = figures.judge({**TARGET, **target}, samples('ours', *ours)
                         + samples('theirs', 10, 10, 10))

    assert (seen['value'], seen['verdict'], seen['broken']) == wanted


def test_the_summary_has_the_quartiles_of_every_figure():
    assert figures.summarize(samples('ours', 1, 2, 3) + samples('b', 7)) == {
        's': {'ours': {'m': [1.5, 2, 2.5]}, 'b': {'m': [7, 7, 7]}}}


@pytest.mark.parametrize('target', TARGETS, ids=NAMES)
def test_a_target_is_of_a_scenario_and_ci_guards_what_is_short(target):
    scenario, short = (SCENARIOS[target['scenario']](kind) for kind in (False, True))
    tried = list(scenario.variants)
    if target.get('short'):
        tried = [name for name in tried if name in short.variants]
        assert scenario.SHORT_ROUNDS

    assert {target[key] for key in ('variant', 'against') if key in target} <= {*tried}
    assert target['how'] in ('value', 'worst', 'ratio', 'difference')
    assert NAMES.count(target['name']) == 1


@pytest.mark.parametrize('kind', ['uwsgi', 'http'])
def test_what_devstack_writes_has_a_value_for_each_of_its_marks(kind):
    stock = Stock('x', Application(A='b'), kind)

    assert not [mark for template in stock.files.values()
                for mark in re.findall('@[A-Z]+@', stock.fill(template))]


def test_what_is_in_the_documents_is_of_targets_that_there_are():
    results = json.loads((TOP / 'doc/source/performance.json').read_text())

    assert sorted(target['name'] for target in results['targets']) == sorted(NAMES)
    assert sorted(name for run in results['runs'] for name in run['scenarios']) == sorted(
        results['figures'])


def test_what_a_run_did_not_try_keeps_its_figures_and_its_date():
    loader = machinery.SourceFileLoader('tools_bench', str(TOP / 'tools/bench'))
    bench = util.module_from_spec(util.spec_from_loader('tools_bench', loader))
    loader.exec_module(bench)
    new = {'runs': [{'date': 'June', 'scenarios': ['apply']}], 'targets': [],
           'figures': {'apply': 'June'}}

    bench.merge({'runs': [{'date': 'May', 'scenarios': ['write', 'apply']}],
                 'targets': [{'name': 'write-forks', 'seen': 'May'}],
                 'figures': {'write': 'May', 'apply': 'May'}}, new)

    assert new == {'runs': [{'date': 'June', 'scenarios': ['apply']},
                            {'date': 'May', 'scenarios': ['write']}],
                   'targets': [{'name': 'write-forks', 'seen': 'May'}],
                   'figures': {'write': 'May', 'apply': 'June'}}
