#!/usr/bin/env bats
#
# tests/bin/as-root: root's rights for run_tests.sh and the tools

load ../helpers/load
load ../helpers/unit

# A user without root's rights, and a copy that this user can run.
function setup {
    fake_system
    AS=()
    if [[ "$EUID" -eq 0 ]]; then
        AS=(setpriv "--reuid=$ACCOUNT" "--regid=$ACCOUNT" --clear-groups)
        chmod 0755 "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR"/*/
        chmod 0666 "$CALLS"
    fi
    mkdir -p "$BATS_TEST_TMPDIR/checkout/tests/"{bin,helpers}
    cp "$REPO/tests/helpers/script.bash" \
        "$BATS_TEST_TMPDIR/checkout/tests/helpers/"
    cp "$REPO/run_tests.sh" "$BATS_TEST_TMPDIR/checkout/"
    cp "$REPO/tests/bin/as-root" "$BATS_TEST_TMPDIR/checkout/tests/bin/"
    chmod -R a+rX "$BATS_TEST_TMPDIR/checkout"
    cd "$BATS_TEST_TMPDIR/checkout" || return
}

@test "as-root: root gets the command itself, without sudo" {
    [[ "$EUID" -eq 0 ]] || AS=(unshare --map-root-user)
    [[ "$EUID" -ne 0 ]] || AS=()
    stub sudo

    run "${AS[@]}" "$REPO/tests/bin/as-root" printf '%s|' 'a b' c

    assert_output 'a b|c|'
    assert_calls 0 sudo
}

@test "as-root: a user gets it through sudo, with the variables of tox.ini" {
    stub sudo

    run "${AS[@]}" env WSGI_FULL=1 CI=true https_proxy=http://p:1 \
        ./run_tests.sh unit docs

    assert_success
    run cat "$CALLS"
    assert_line --regexp '^sudo env .*checkout/run_tests.sh unit docs$'
    assert_line --partial ' CI=true '
    assert_line --partial ' WSGI_FULL=1 '
    assert_line --partial ' https_proxy=http://p:1 '
}

@test "as-root: without sudo one line says what is missing" {
    local bin=$BATS_TEST_TMPDIR/bin name
    mkdir "$bin"
    for name in bash env realpath; do
        ln -s "$(type -P "$name")" "$bin/$name"
    done

    run "${AS[@]}" env "PATH=$bin" ./run_tests.sh unit

    assert_failure 1
    assert_output --regexp '/run_tests.sh unit: needs root, and there is no sudo'
    assert_equal "${#lines[@]}" 1
}

@test "as-root: without a command it is wrong usage" {
    run tests/bin/as-root

    assert_failure 2
}
