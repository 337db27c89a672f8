#!/usr/bin/env bats
#
# run_tests.sh: what it does to the machine before it runs tox

load ../helpers/load

# A checkout with stubs for what would reach the network.
function setup {
    requires root
    sandbox
    CHECKOUT=$BATS_TEST_TMPDIR/checkout
    POLICY=$WSGI_SYSROOT/usr/sbin/policy-rc.d
    mkdir -p "$CHECKOUT/.venv/bin" "${POLICY%/*}"
    cp "$REPO/run_tests.sh" "$REPO/bindep.txt" "$CHECKOUT/"
    # shellcheck disable=SC2016  # text of a stub
    stub apt-get '[[ "$*" != *install* ]] || "$POLICY"; echo "policy $?" >> \
        "$CALLS"'
    export POLICY CALLS
    # shellcheck disable=SC2016  # text of a stub
    stub tox 'exit "${TOX_STATUS:-0}"'
    # shellcheck disable=SC2016  # text of a stub
    stub bindep 'printf "%s" "$MISSING"; [[ -z "$MISSING" ]]'
    mv "$BATS_TEST_TMPDIR"/stubs/{tox,bindep} "$CHECKOUT/.venv/bin/"
    unset CI
}

@test "run_tests: nothing is missing, nothing is installed" {
    MISSING='' run "$CHECKOUT/run_tests.sh"

    assert_success
    run cat "$CALLS"
    assert_line --index 0 'bindep --brief --file bindep.txt test'
    assert_line --index 1 'tox -e linters\,unit\,zuul\,functional\,speed'
    assert_equal "${#lines[@]}" 2
}

@test "run_tests: the full tests have what makes fresh machines, too" {
    MISSING='' run "$CHECKOUT/run_tests.sh" full

    assert_success
    run cat "$CALLS"
    assert_line --index 0 'bindep --brief --file bindep.txt test fresh'
    assert_line --index 1 'tox -e full'
}

@test "run_tests: what is missing is installed, and no daemon may start" {
    MISSING=$'aa\nbb' run "$CHECKOUT/run_tests.sh"

    assert_success
    run cat "$CALLS"
    assert_line --regexp '^apt-get .* update$'
    assert_line --regexp '^apt-get .* install --no-install-recommends aa bb$'
    assert_line 'policy 101'
    assert_file_not_exists "$POLICY"
}

@test "run_tests: a policy of the machine's own is back afterwards" {
    printf '#!/bin/sh\nexit 104\n' > "$POLICY"

    MISSING=aa run "$CHECKOUT/run_tests.sh"

    assert_success
    run cat "$CALLS" "$POLICY"
    assert_line 'policy 101'
    assert_line 'exit 104'
    assert_file_not_exists "$POLICY.kept"
}

@test "run_tests: a policy that a killed run set aside is back too" {
    printf '#!/bin/sh\n# written by run_tests.sh of devstack-plugin-wsgi\n' \
        > "$POLICY"
    printf '#!/bin/sh\nexit 104\n' > "$POLICY.kept"

    MISSING='' run "$CHECKOUT/run_tests.sh"

    run cat "$POLICY"
    assert_line 'exit 104'
}

@test "run_tests: an installation that fails is shown and ends it" {
    stub apt-get 'echo "E: no such package"; exit 100'

    MISSING=aa run "$CHECKOUT/run_tests.sh"

    assert_failure 1
    assert_line 'E: no such package'
    assert_line --partial 'run_tests: failed: apt-get'
    assert_file_not_exists "$POLICY"
    assert_calls 0 tox
}

@test "run_tests: arguments choose the environments, the status is tox's" {
    MISSING='' TOX_STATUS=3 run "$CHECKOUT/run_tests.sh" unit docs

    assert_failure 3
    assert_calls 1 tox -e 'unit\,docs'
}

@test "run_tests: what it made belongs to the owner of the checkout" {
    chown nobody "$CHECKOUT"

    MISSING='' run "$CHECKOUT/run_tests.sh"

    assert_success
    run stat -c %U "$CHECKOUT/.results" "$CHECKOUT/.venv/bin/tox"
    assert_output $'nobody\nnobody'
}

@test "run_tests: an unknown option is wrong usage" {
    run "$CHECKOUT/run_tests.sh" --fast

    assert_failure 2
    assert_output --partial "unknown option '--fast'"
}
