#!/usr/bin/env bats
#
# tools/conformance: its options, its venvs, its results, without a machine

load ../helpers/load
load ../helpers/unit

# Run Python in which 'tool' is tools/conformance.
function with_tool {
    run env PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$REPO/tests" \
        /usr/bin/python3 -c '
import importlib.machinery, importlib.util, sys
loader = importlib.machinery.SourceFileLoader("tool", sys.argv[1])
tool = importlib.util.module_from_spec(
    importlib.util.spec_from_loader("tool", loader))
loader.exec_module(tool)
'"$1" "$REPO/tools/conformance" "${@:2}"
}

# A Python whose pip ends with the given status; a catalogue with one entry,
# and its folder.
function fake_tree {
    sandbox
    fake_python "$@"
    TREE=$BATS_TEST_TMPDIR/tree
    mkdir -p "$TREE"/{catalog,projects/hello}
    export XDG_CACHE_HOME=$TREE/cache
    CACHE=$TREE/cache/devstack-wsgi/venvs
    printf '%s\n' name=hello package=hello path=/hello \
        > "$TREE/catalog/hello"
    MAKE='
import pathlib
from harness import catalogue, venvs
catalogue.CATALOGUE, catalogue.PROJECTS = (
    pathlib.Path(sys.argv[2], name) for name in ("catalog", "projects"))
venvs.PYTHON = "fake-python"
'
}

@test "conformance: --help tells what it does and its options" {
    run "$REPO/tools/conformance" --help

    assert_success
    assert_output --partial "--mode"
    assert_output --partial "--update"
    assert_output --partial "The status is 0"
}

@test "conformance: wrong usage ends with 2 and one line" {
    assert_misuse "$REPO/tools/conformance" \
        '\[ERROR] conformance: *see --help' \
        --nonsense "--mode nginx" "--mode" nonsense "keystone ../keystone" \
        "--json" "--hardening paranoid" "--hardening strict --update"
}

@test "conformance: --hardening is the toggle that the deployment sees" {
    with_tool '
class Machine:
    def inside(self, *command):
        print(*command)
tool.Trial(Machine(), tool.Entry("keystone"), None, "strict").deploy(
    "uwsgi", True)'

    assert_output --partial \
        "env WSGI_HARDENING=strict /opt/stack/devstack-plugin-wsgi/tools/wsgi"
    assert_output --partial " deploy keystone "
}

@test "conformance: --list has every entry of the catalogue" {
    local file problems=()
    run "$REPO/tools/conformance" --list

    assert_success
    for file in "$REPO"/files/catalog/*; do
        [[ "$output" == *$'\n'"${file##*/} "* ]] ||
            problems+=("${file##*/}")
    done
    assert_none "${problems[@]}"
}

@test "conformance: every folder is that of an entry" {
    with_tool '
import os
used = {tool.Entry(name).project for name in os.listdir(tool.CATALOGUE)}
there = {folder for folder in os.listdir(tool.PROJECTS)
         if os.path.isdir(os.path.join(tool.PROJECTS, folder))}
print(*sorted((there - {"__pycache__"}) - used))'

    assert_output ''
}

@test "conformance: every proof is of an entry, in the folder of its project" {
    with_tool '
import os
from harness.operate import operation
for project in sorted(os.listdir(tool.PROJECTS)):
    if os.path.exists(os.path.join(tool.PROJECTS, project, "operation.py")):
        for name in operation(project).PROOFS:
            if tool.Entry(name).project != project:
                print(project, name)'

    assert_success
    assert_output ''
}

@test "conformance: a venv whose making was interrupted is made anew" {
    fake_tree 1
    echo 'hello==1.0: hello' > "$TREE/projects/pins.txt"
    with_tool "$MAKE"'tool.Entry("hello").make_venv(False)' "$TREE"
    assert_failure
    touch "$CACHE/hello/rest"

    fake_tree
    with_tool "$MAKE"'
print(tool.Entry("hello").make_venv(False))' "$TREE"

    assert_output installed
    assert_file_not_exist "$CACHE/hello/rest"
}

@test "conformance: a venv is used again until there are other releases" {
    fake_tree
    with_tool "$MAKE"'
for version in ("1.0", "1.0", "2.0"):
    (catalogue.PROJECTS / "pins.txt").write_text(f"hello=={version}: hello\n")
    print(tool.Entry("hello").make_venv(False))' "$TREE"

    assert_success
    assert_output "installed
from the cache
installed"
}

@test "conformance: releases are written where there are none" {
    fake_tree
    with_tool "$MAKE"'
entry = tool.Entry("hello")
for _ in range(2):
    print(entry.make_venv(True))
print(entry.version())' "$TREE"

    assert_output "installed
from the cache
1.0"
    assert_calls 1 pip install
    run tail -n 1 "$TREE/projects/pins.txt"
    assert_output "hello==1.0: hello"
}

@test "conformance: an update leaves what was not run of the same release" {
    with_tool '
def row(version, **modes):
    return {"version": version, "modes": modes}

print(tool.merge(
    {"a": row("1", uwsgi=1, mod_wsgi=1), "b": row("1", uwsgi=1),
     "d": row("1", uwsgi=1)},
    {"a": row("1", uwsgi=2), "c": row("2", uwsgi=2),
     "d": row("2", mod_wsgi=2)}) == {
        "a": row("1", uwsgi=2, mod_wsgi=1), "b": row("1", uwsgi=1),
        "c": row("2", uwsgi=2), "d": row("2", mod_wsgi=2)})'

    assert_output True
}

@test "conformance: the results in the tree are of entries of the catalogue" {
    with_tool '
import os
rows = tool.read_results()
print(*sorted(set(rows) - set(os.listdir(tool.CATALOGUE))))
print(*(name for name, row in rows.items() for mode in row["modes"]
        if mode not in tool.MODES or not row["modes"][mode]["verdict"]))'

    assert_output ""
}
