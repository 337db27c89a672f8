#!/usr/bin/env bats
#
# tests/bin/run-bats and .ci/run: what they count is what ran

load ../helpers/load

function setup {
    sandbox
    export WSGI_TEST_RESULTS=$BATS_TEST_TMPDIR/results
    unset WSGI_NO_SKIP CI
    DIR=$BATS_TEST_TMPDIR/some
    mkdir -p "$DIR/deeper" "$WSGI_TEST_RESULTS"
    write_test good 'true'
}

# Usage: write_test NAME LINE...
function write_test {
    local name=$1
    shift
    printf '%s\n' "@test '$name' {" "$@" '}' > "$DIR/$name.bats"
}

@test "run-bats: what passes is counted, subfolders too, and the TAP is kept" {
    mv "$DIR/good.bats" "$DIR/deeper/"
    write_test fine 'true'

    run "$REPO/tests/bin/run-bats" "$DIR"

    assert_success
    assert_line "-- $DIR: 2 of 2 tests passed --"
    run grep -cE '^(1\.\.1$|ok 1 (good|fine))' "$WSGI_TEST_RESULTS"/*.tap
    assert_output 4
}

@test "run-bats: a failure fails, and its title is said at the end" {
    write_test broken 'false'

    run "$REPO/tests/bin/run-bats" "$DIR"

    assert_failure 1
    assert_line --regexp '^-- not ok 1 broken'
    assert_line "-- $DIR: 1 of 2 tests passed, 1 failed --"
}

@test "run-bats: figures are a table at the end, a name is said once" {
    write_test good "printf '# figure a: %s\\n' '1 of 2: x' 3 >&3" \
        "echo '# b: no figure' >&3"

    run "$REPO/tests/bin/run-bats" "$DIR"

    assert_success
    assert_equal "${#lines[@]}" 9
    assert_line --index 5 -- '-- figures --'
    assert_line --index 6 'a                         1 of 2: x'
    assert_line --index 7 '                          3'
}

@test "run-bats: a skip passes, but fails with WSGI_NO_SKIP=1" {
    write_test skipped 'skip "no reason"'

    run "$REPO/tests/bin/run-bats" "$DIR"
    assert_success
    assert_line "-- $DIR: 1 of 2 tests passed, 1 skipped --"

    WSGI_NO_SKIP=1 run "$REPO/tests/bin/run-bats" "$DIR"
    assert_failure 1
    assert_line "-- $DIR: 1 of 2 tests passed, 1 failed --"
}

@test "run-bats: a file that cannot be read as tests fails" {
    write_test syntax 'if'

    run "$REPO/tests/bin/run-bats" "$DIR"

    assert_failure 1
}

@test "run-bats: a file without a test fails" {
    echo 'function setup { :; }' > "$DIR/none.bats"

    run "$REPO/tests/bin/run-bats" "$DIR"

    assert_failure 1
    assert_line "run-bats: $DIR/none.bats: no test in it"
}

@test "run-bats: no test at all is a failure" {
    rm "$DIR/good.bats"

    run "$REPO/tests/bin/run-bats" "$DIR"

    assert_failure 1
}

@test "run-bats: --tags picks, and what is tagged full waits for WSGI_FULL" {
    printf '%s\n' '# bats test_tags=slow' '@test "slow" { :; }' \
        '# bats test_tags=full' '@test "long" { :; }' > "$DIR/tagged.bats"

    run "$REPO/tests/bin/run-bats" "$DIR"
    assert_line "-- $DIR: 2 of 2 tests passed --"
    run "$REPO/tests/bin/run-bats" --tags '!slow' "$DIR"
    assert_line "-- $DIR: 1 of 1 tests passed --"
    WSGI_FULL=1 run "$REPO/tests/bin/run-bats" --tags full "$DIR"
    assert_line "-- $DIR: 1 of 1 tests passed --"
}

@test "run-bats: wrong usage ends with 2 and one line" {
    assert_misuse "$REPO/tests/bin/run-bats" 'run-bats: *' \
        '--nosuch' '--filter' '--jobs' '--jobs 0' '--jobs x' \
        '/no/such/file' '' "--resume $DIR" "--resume --jobs 2 $REPO/tox.ini"
}

# A tree with a test that logs its run to RUNS, and a command that goes on.
function fake_tree {
    TREE=$BATS_TEST_TMPDIR/tree RUNS=$BATS_TEST_TMPDIR/runs DIR=$TREE/some
    RESUME=("$TREE/tests/bin/run-bats" --resume "$DIR")
    mkdir -p "$TREE/tests/"{bin,harness} "$DIR"
    cp "$REPO"/tests/bin/{run-bats,shell-files} "$TREE/tests/bin/"
    cp "$REPO"/tests/harness/{__init__,passed}.py "$TREE/tests/harness/"
    write_test a-good "echo a >> '$RUNS'"
}

@test "run-bats: --resume goes on with the files that have not passed" {
    fake_tree
    write_test broken "echo b >> '$RUNS'" 'false'

    run "${RESUME[@]}"
    assert_failure 1
    run "${RESUME[@]}"
    assert_failure 1
    assert_line --regexp '^-- passed for this very tree .* --again runs all --$'
    assert_line --regexp '^--   .{10} .{5}  some/a-good.bats$'
    assert_line "-- some: 1 of 2 tests passed, 1 failed --"

    assert_equal "$(paste -sd ' ' "$RUNS")" 'a b b'
    run grep -c '^ok' "$WSGI_TEST_RESULTS"/*.tap
    assert_output 1
}

@test "run-bats: --resume goes on after kill -9" {
    fake_tree
    # shellcheck disable=SC2016  # text of a test
    write_test killed "echo b >> '$RUNS'" \
        '[[ -z "${RUNNER:-}" ]] || kill -9 "$RUNNER"'

    # shellcheck disable=SC2016  # the PID of what it becomes
    run bash -c 'RUNNER=$$ exec "$@"' bash "${RESUME[@]}"
    assert_failure 137
    run "${RESUME[@]}"
    assert_success
    assert_line "-- some: 2 of 2 tests passed --"

    assert_equal "$(paste -sd ' ' "$RUNS")" 'a b b'
}

@test "run-bats: --resume runs all of another tree, and of --again" {
    fake_tree
    local row
    for row in '' "echo >> '$TREE/file'" 'export WSGI_FULL=1'; do
        run bash -c "$row"$'\n"$@"' bash "${RESUME[@]}"
        assert_success
        refute_line --partial 'passed for this'
    done
    run "${RESUME[@]}" --again
    assert_success

    assert_equal "$(paste -sd ' ' "$RUNS")" 'a a a a'
}

@test "run-bats: --resume keeps no file that has not passed as a whole" {
    local row
    local -a bad=()
    fake_tree
    # a line of the test, one behind it
    # the second changes the tree while it runs, then changes it back
    for row in 'skip@' "rm '$TREE/file' || touch '$TREE/file'@" \
            $':@function teardown_file {\n    false\n}'; do
        write_test a-good "echo a >> '$RUNS'" "${row%@*}"
        echo "${row#*@}" >> "$DIR/a-good.bats"
        run "${RESUME[@]}"
        run "${RESUME[@]}"
        run "${RESUME[@]}"
        [[ "$output" != *'passed for this'* ]] || bad+=("$row")
    done

    assert_none "${bad[@]}"
    assert_equal "$(paste -sd ' ' "$RUNS")" 'a a a a a a a a a'
}

# Usage: write_pytest NAME LINE...    the lines of a function's body
function write_pytest {
    requires python3 || return
    python3 -c 'import importlib.util as have, sys
sys.exit(not (have.find_spec("hypothesis") and have.find_spec("pytest")))' || {
        [[ "${WSGI_NO_SKIP:-}" == 1 ]] || skip 'needs pytest, hypothesis'
        fail 'needed here: pytest, hypothesis'
        return 1
    }
    mkdir -p "$DIR/engine"
    {
        printf '%s\n' 'import pytest' '' '' "def test_${1}_one():"
        printf '    %s\n' "${@:2}"
    } > "$DIR/engine/test_$1.py"
}

@test "run-bats: --jobs runs files at once, and counts them all" {
    local name began=$BATS_TEST_TMPDIR/began
    # each needs the others to be there, that of pytest too
    for name in one two; do
        write_test "$name" "touch $began-$name; for i in {1..600}; do" \
            "set -- $began-*; [[ \$# != 3 ]] || return 0; sleep 0.1" \
            'done; false'
    done
    write_pytest three 'import glob, time' "open('$began-three', 'w').close()" \
        'end = time.time() + 60' \
        "while len(glob.glob('$began-*')) < 3 and time.time() < end:" \
        '    time.sleep(0.1)' "assert len(glob.glob('$began-*')) == 3"
    rm "$DIR/good.bats"

    run "$REPO/tests/bin/run-bats" --jobs 3 "$DIR"

    assert_success
    assert_line --regexp '^ok 1 test_three.py: three one in [0-9]+ms$'
    assert_line "-- $DIR: 3 of 3 tests passed --"
    run grep -c '^ok' "$WSGI_TEST_RESULTS"/*.tap
    assert_output 3
}

@test "run-bats: --filter picks among titles, of bats and of pytest" {
    write_test broken 'false'
    write_pytest fine 'assert True'
    write_pytest broken 'assert False'

    run "$REPO/tests/bin/run-bats" --filter 'good|fine one' "$DIR"

    assert_success
    assert_line "-- $DIR: 2 of 2 tests passed --"
}

@test "run-bats: a failure of pytest fails, with its reason and its title" {
    write_pytest broken 'x = 41' 'assert x == 42'

    run "$REPO/tests/bin/run-bats" "$DIR"

    assert_failure 1
    assert_line --regexp '^# .*assert 41 == 42'
    assert_line --regexp '^-- not ok 1 test_broken.py: broken one'
    assert_line "-- $DIR: 1 of 2 tests passed, 1 failed --"
}

@test "run-bats: a file of pytest that cannot be read fails" {
    write_pytest fine 'assert True'
    echo 'import nosuchmodule' > "$DIR/engine/test_wrong.py"

    run "$REPO/tests/bin/run-bats" "$DIR/engine"

    assert_failure 1
    assert_line --partial "No module named 'nosuchmodule'"
    assert_line \
        "-- $DIR/engine: 0 of 2 tests passed, 1 failed, 1 did not run --"
}

@test "run-bats: a skip of pytest is a failure where none is allowed" {
    write_pytest absent "pytest.skip('needs a moon')"

    run "$REPO/tests/bin/run-bats" "$DIR/engine/test_absent.py" "$DIR/good.bats"
    assert_success
    assert_line --regexp '^ok 1 test_absent.py: absent one # skip .*moon'
    assert_line --partial '1 of 2 tests passed, 1 skipped'

    WSGI_NO_SKIP=1 run "$REPO/tests/bin/run-bats" "$DIR/engine" "$DIR/good.bats"
    assert_failure 1
    assert_line --partial '1 of 2 tests passed, 1 failed'
}

@test "ci: its last line counts all tests, and only success is green" {
    local row checkout=$BATS_TEST_TMPDIR/checkout
    local -a bad=() rows=(
        # two runs
        '0|3 passed, 0 failed|tap x "ok 1 a" "ok 2 b in 3ms"; tap y "ok 1 c"'
        # a skip is a failure
        '1|1 passed, 2 failed|tap x "ok 1 a" "not ok 2 b" "ok 3 c # skip"; false'
        # a run that fails without a failed test, one without any test
        '1|0 passed, 1 failed|false'
        '1|0 passed, 0 failed|true'
    )
    mkdir -p "$checkout/.ci"
    cp "$REPO/.ci/run" "$checkout/.ci/"

    for row in "${rows[@]}"; do
        # shellcheck disable=SC2016  # text of a script
        printf '%s\n' '#!/bin/bash' 'function tap {' \
            'printf "%s\n" "${@:2}" > "$WSGI_TEST_RESULTS/$1.tap"' '}' \
            "${row##*|}" > "$checkout/run_tests.sh"
        run bash "$checkout/.ci/run"
        [[ "$status|${lines[-1]}" == "${row%|*}" ]] ||
            bad+=("${row##*|}: $status, ${lines[-1]}")
    done

    assert_none "${bad[@]}"
}
