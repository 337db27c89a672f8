#!/usr/bin/env bats
#
# tests/bin/shell-files: the one list of source files that the linters use

load ../helpers/load

# A tree with one file of each kind, and no git.
function setup {
    sandbox
    TREE=$BATS_TEST_TMPDIR/tree
    mkdir -p "$TREE/tests/bin" "$TREE/lib" "$TREE/.tox/x" "$TREE/a b"
    cp "$REPO/tests/bin/shell-files" "$TREE/tests/bin/"
    printf '#!/bin/bash\n' > "$TREE/lib/part"
    printf '#!/usr/bin/env bash\n' > "$TREE/a b/c d"
    printf '#!/bin/sh\n' > "$TREE/.tox/x/ignored"
    printf '#!/usr/bin/env bats\n' > "$TREE/tests/x.bats"
    printf '#!/usr/bin/python3\n' > "$TREE/program"
    printf 'import os\n' > "$TREE/module.py"
    printf 'Title\n' > "$TREE/README.rst"
    printf '\0\1\2' > "$TREE/binary"
    : > "$TREE/empty"
    ln -s lib/part "$TREE/link"
    printf '%s\n' '# kept out' '/.tox/' '*.pyc' > "$TREE/.gitignore"
    : > "$TREE/module.pyc"
}

# The same lists, however the tree came here.
function assert_lists {
    run "$TREE/tests/bin/shell-files"
    assert_output $'a b/c d\nlib/part'
    run "$TREE/tests/bin/shell-files" --bats
    assert_output 'tests/x.bats'
    run "$TREE/tests/bin/shell-files" --python
    assert_output $'module.py\nprogram\ntests/bin/shell-files'
    run "$TREE/tests/bin/shell-files" --rst
    assert_output 'README.rst'
    run "$TREE/tests/bin/shell-files" --all
    refute_output --partial ignored
    refute_output --partial .git/
    refute_output --partial module.pyc
    assert_line binary
}

@test "shell-files: an unpacked tree, no checkout" {
    assert_lists
}

@test "shell-files: a checkout with tracked and untracked files" {
    git -C "$TREE" init --quiet
    git -C "$TREE" add lib README.rst

    assert_lists
}

@test "shell-files: an unpacked tree within another checkout" {
    git -C "$BATS_TEST_TMPDIR" init --quiet
    echo '*' > "$BATS_TEST_TMPDIR/.gitignore"

    assert_lists
}

@test "shell-files: a file that is tracked but deleted is not listed" {
    git -C "$TREE" init --quiet
    git -C "$TREE" add lib
    rm "$TREE/lib/part"

    run "$TREE/tests/bin/shell-files" --sh

    assert_success
    refute_line lib/part
}

@test "shell-files: it finds its own tree from any folder" {
    cd /

    run "$TREE/tests/bin/shell-files" --rst

    assert_output README.rst
}

@test "shell-files: an unknown selector is wrong usage" {
    run "$REPO/tests/bin/shell-files" --perl

    assert_failure 2
    assert_output --partial "unrecognized arguments: --perl"
}
