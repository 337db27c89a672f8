#!/usr/bin/env bats
#
# tests/bin/mutate: what it reports (tests/unit/harness/test_mutations.py: that
# the mutations are what they say)

load ../helpers/load

# A tree with a guard, a test that misses it, and a mutation.
function setup {
    sandbox
    unset WSGI_NO_SKIP WSGI_TEST_RESULTS
    TREE=$BATS_TEST_TMPDIR/tree
    mkdir -p "$TREE/tests/"{bin,harness} "$TREE/lib"
    cp "$REPO"/tests/bin/{mutate,run-bats,shell-files} "$TREE/tests/bin/"
    cp "$REPO"/tests/harness/{__init__,command,hunks,mutations,passed}.py \
        "$TREE/tests/harness/"
    printf '%s\n' 'Title' > "$TREE/DOCUMENT.rst"
    printf '%s\n' 'guard=yes' 'other=yes' > "$TREE/lib/part"
    # shellcheck disable=SC2016  # text of a file
    printf '%s\n' '@test "the guard is there" {' \
        '    grep -q guard=yes "$BATS_TEST_DIRNAME/../lib/part"' '}' \
        '@test "it is left out" {' '    skip' '}' > "$TREE/tests/part.bats"
    echo '[DOCUMENT.rst] tests/part.bats' > "$TREE/tests/mutations"
    mutation guard guard
}

# It takes out a line of lib/part.
#
# Usage: mutation NAME KEY [TITLE]
function mutation {
    printf '%s\n' '' "$1 | ${3:-the guard} | lib/part" "-$2=yes" "+$2=no" \
        >> "$TREE/tests/mutations"
}

@test "mutate: a guard that its test misses is said to be" {
    run "$TREE/tests/bin/mutate"

    assert_success
    assert_line --partial 'guard: tests/part.bats fails without the guard'
    assert_line 'mutate: 1 of 1 guards are missed by their tests'
    run cat "$TREE/lib/part"
    assert_output $'guard=yes\nother=yes'
}

@test "mutate: a test that passes without the guard fails the run" {
    mutation nothing other

    run "$TREE/tests/bin/mutate"

    assert_failure 1
    assert_line --partial 'nothing: tests/part.bats PASSES without the guard'
    # and what one takes out is there for the next
    assert_line --partial 'guard: tests/part.bats fails without the guard'
    assert_line 'mutate: 1 of 2 guards are missed by their tests'
}

@test "mutate: what proves nothing fails the run" {
    local row
    local -a bad=()
    # the key, what is said, the title
    local -a rows=(
        'nowhere|the change does not apply to lib/part: not there: nowhere=yes'
        'guard|fails with the guard in its place|left out'
        'guard|fails with the guard in its place|no such test'
    )
    for row in "${rows[@]}"; do
        IFS='|' read -r -a row <<< "$row"
        sed -i 1q "$TREE/tests/mutations"
        mutation guard "${row[0]}" "${row[2]:-}"
        run "$TREE/tests/bin/mutate" guard
        [[ "$status" == 1 && "$output" == *"${row[1]}"* ]] ||
            bad+=("${row[*]}: $output"$'\n')
    done
    assert_none "${bad[@]}"
}

@test "mutate: a line that is none of the table fails the run" {
    echo 'guard = yes' >> "$TREE/tests/mutations"

    run "$TREE/tests/bin/mutate"

    assert_failure 1
    assert_output 'mutate: tests/mutations: line 6: guard = yes'
}

@test "mutate: a file of tests that does not come up proves nothing" {
    # shellcheck disable=SC2016  # text of a file
    printf '%s\n' 'function setup_file {' \
        '    grep -q guard=yes "$BATS_TEST_DIRNAME/../lib/part"' '}' \
        '@test "the guard is there" {' '    true' '}' \
        > "$TREE/tests/part.bats"

    run "$TREE/tests/bin/mutate"

    assert_failure 1
    assert_line --partial 'guard: tests/part.bats does not come up'
}

@test "mutate: --resume goes on with what has not been missed" {
    mutation nothing other
    export WSGI_TEST_RESULTS=$BATS_TEST_TMPDIR/results

    run "$TREE/tests/bin/mutate" --resume
    assert_failure 1
    run "$TREE/tests/bin/mutate" --resume
    assert_failure 1
    assert_line --regexp '^--   .{10} .{5}  guard$'
    refute_line --partial 'guard: tests/part.bats fails without'
    assert_line --partial 'nothing: tests/part.bats PASSES without the guard'
    assert_line 'mutate: 1 of 2 guards are missed by their tests'
    run "$TREE/tests/bin/mutate" --resume --again
    assert_line --partial 'guard: tests/part.bats fails without the guard'
}

@test "mutate: names, and wrong usage" {
    mutation another other

    run "$TREE/tests/bin/mutate" --list
    assert_output $'another\nguard'
    run "$TREE/tests/bin/mutate" --nosuch
    assert_failure 2
    assert_equal "${#lines[@]}" 1
    run "$TREE/tests/bin/mutate" nosuch
    assert_failure 2
    assert_equal "${#lines[@]}" 1
    run "$TREE/tests/bin/mutate" --help
    assert_output --partial 'usage: mutate'
}
