#!/usr/bin/env bats
#
# tools/bench: its arithmetic, its targets, its options, without a machine

load ../helpers/load

# Run Python in which the arithmetic is at hand, and a function that makes
# the samples of one variant, a round for each figure.
function arithmetic {
    run env PYTHONPATH="$REPO/tests" /usr/bin/python3 -B -c '
import json, os, sys
from bench.figures import *

def samples(variant, *values):
    return [{"scenario": "s", "variant": variant, "round": number, "m": value}
            for number, value in enumerate(values)]

TARGET = {"scenario": "s", "variant": "ours", "metric": "m", "how": "ratio",
          "against": "theirs", "limit": 0.5, "unit": ""}
'"$1" "${@:2}"
}

@test "bench: quartiles are those of the rounds, of one as of many" {
    arithmetic '
print(quartiles([7]), quartiles([1, 2]), quartiles([5, 1, 4, 2, 3]))'

    assert_output '[7, 7, 7] [1.25, 1.5, 1.75] [2.0, 3.0, 4.0]'
}

@test "bench: ratios are of the same round, one without its pair is left out" {
    arithmetic '
all = samples("theirs", 2, 10, 4) + samples("ours", 1, 20, 4, 99)
print(values_of(TARGET, all))
print(values_of({**TARGET, "how": "difference"}, all[::-1]))
print(values_of({**TARGET, "how": "value"}, all))'

    assert_output '[0.5, 2.0, 1.0]
[-1, 10, 0]
[1, 20, 4, 99]'
}

@test "bench: another figure of the other variant can be the measure" {
    arithmetic '
all = samples("ours", 5) + [
    {"scenario": "s", "variant": "theirs", "round": 0, "n": 10}]
print(values_of({**TARGET, "against_metric": "n"}, all))'

    assert_output '[0.5]'
}

@test "bench: a figure of another scenario does not count" {
    arithmetic '
all = samples("ours", 5) + samples("theirs", 1)
print(judge({**TARGET, "scenario": "t"}, all)["verdict"])'

    assert_output 'not measured'
}

@test "bench: at the limit is met, above it is missed, by how much is told" {
    arithmetic '
for ours in (5, 6):
    seen = judge({**TARGET, "why": "so it is"},
                 samples("ours", ours) + samples("theirs", 10))
    print(words({**TARGET, "why": "so it is"}, seen))'

    assert_output 'met
missed by 0.10: so it is'
}

@test "bench: broken is what is worse by more than the noise" {
    arithmetic '
for ours in ((4, 6, 8), (6, 6, 6), (5.9, 6, 6.1), (3, 4, 5)):
    seen = judge(TARGET, samples("ours", *ours) + samples("theirs", 10, 10, 10))
    print(seen["verdict"], seen["broken"])'

    assert_output 'missed False
missed True
missed True
met False'
}

@test "bench: the worst of all rounds has no noise" {
    arithmetic '
seen = judge({**TARGET, "how": "worst", "limit": 0},
             samples("ours", 0, 0, 3, 3, 3))
print(seen["value"], seen["broken"])'

    assert_output '3 True'
}

@test "bench: where more is better, less than the limit is missed" {
    arithmetic '
more = {**TARGET, "least": True, "limit": 200, "unit": "times"}
for ours in (150, 250):
    print(words(more, judge(more, samples("ours", ours) +
                            samples("theirs", 1))))
print(limit(more))'

    assert_output 'missed by 50 times
met
at least 200 times'
}

@test "bench: the summary has the quartiles of every figure" {
    arithmetic '
print(json.dumps(summarize(samples("ours", 1, 2, 3) + samples("b", 7))))'

    assert_output '{"s": {"ours": {"m": [1.5, 2.0, 2.5]}, "b": {"m": [7.0, 7.0, 7.0]}}}'
}

@test "bench: every target is of a scenario, and CI guards what is short" {
    arithmetic '
from bench.scenarios import SCENARIOS
names = []
for target in json.load(open(sys.argv[1])):
    names.append(target["name"])
    scenario = SCENARIOS[target["scenario"]](False)
    short = SCENARIOS[target["scenario"]](True)
    tried = list(scenario.variants)
    if target.get("short"):
        tried = [name for name in tried if name in short.variants]
        if not scenario.SHORT_ROUNDS:
            print(target["name"], "is not in a short run")
    for key in ("variant", "against"):
        if key in target and target[key] not in tried:
            print(target["name"], target[key])
    if target["how"] not in ("value", "worst", "ratio", "difference"):
        print(target["name"], target["how"])
print(len(names) - len(set(names)))' "$REPO/tests/bench/targets.json"

    assert_success
    assert_output 0
}

@test "bench: what DevStack writes has a value for each of its marks" {
    arithmetic '
import re
from bench.services import Application, Stock
for kind in ("uwsgi", "http"):
    stock = Stock("x", Application(A="b"), kind)
    for template in stock.files.values():
        for mark in re.findall("@[A-Z]+@", stock.fill(template)):
            print(template, mark)'

    assert_success
    assert_output ''
}

@test "bench: --help tells what it does and its options" {
    run "$REPO/tools/bench" --help

    assert_success
    assert_output --partial "--rounds"
    assert_output --partial "--update"
    assert_output --partial "The status"
}

@test "bench: wrong usage ends with 2 and one line" {
    assert_misuse "$REPO/tools/bench" '\[ERROR] bench: *see --help' \
        --nonsense nonsense "--rounds x" "--json" "--short --update"
}

@test "bench: what is in the documents is of targets that there are" {
    arithmetic '
names = [target["name"] for target in json.load(open(sys.argv[1]))]
results = json.load(open(sys.argv[2]))
print(*(target["name"] for target in results["targets"]
        if target["name"] not in names))
print(len(names) - len(results["targets"]))
dated = [name for run in results["runs"] for name in run["scenarios"]]
print(sorted(dated) == sorted(results["figures"]))' \
        "$REPO/tests/bench/targets.json" \
        "$REPO/doc/source/performance.json"

    assert_output '
0
True'
}

@test "bench: what a run did not try keeps its figures and its date" {
    arithmetic '
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader

bench = module_from_spec(spec_from_loader(
    "bench", SourceFileLoader("bench", sys.argv[1])))
bench.__loader__.exec_module(bench)

def result(date, *names):
    return {"runs": [{"date": date, "scenarios": [*names]}],
            "targets": [{"name": name + "-forks", "seen": date}
                        for name in names if name == "write"],
            "figures": {name: date for name in names}}

old, new = result("May", "write", "apply"), result("June", "apply")
bench.merge(old, new)
print(new)' "$REPO/tools/bench"

    assert_output "{'runs': [{'date': 'June', 'scenarios': ['apply']},\
 {'date': 'May', 'scenarios': ['write']}],\
 'targets': [{'name': 'write-forks', 'seen': 'May'}],\
 'figures': {'write': 'May', 'apply': 'June'}}"
}
