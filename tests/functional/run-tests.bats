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
    mkdir -p "$CHECKOUT/.venv/bin" "$CHECKOUT"/tests/{bin,helpers} \
        "${POLICY%/*}"
    cp "$REPO/run_tests.sh" "$CHECKOUT/"
    cp "$REPO/tests/bin/packages" "$CHECKOUT/tests/bin/"
    cp "$REPO/tests/helpers/script.bash" "$CHECKOUT/tests/helpers/"
    printf '%s\n' '# packages' aa 'bb [platform:dpkg test demo]' \
        'no [platform:rpm test]' 'cc [platform:dpkg fresh]' \
        > "$CHECKOUT/bindep.txt"
    # shellcheck disable=SC2016  # text of a stub
    stub apt-get '[[ "$*" != *install* ]] || "$POLICY"; echo "policy $?" >> \
        "$CALLS"'
    export POLICY CALLS
    # shellcheck disable=SC2016  # text of a stub
    stub tox 'exit "${TOX_STATUS:-0}"'
    # shellcheck disable=SC2016  # text of a stub
    stub dpkg-query '[[ " $ABSENT " == *" ${*: -1} "* ]] || printf installed'
    stub systemctl
    mv "$BATS_TEST_TMPDIR/stubs/tox" "$CHECKOUT/.venv/bin/"
    unset CI
}

@test "run_tests: nothing is missing, nothing is installed" {
    ABSENT='' run "$CHECKOUT/run_tests.sh"

    assert_success
    assert_line 'all there'
    run grep -v '^dpkg-query' "$CALLS"
    assert_output 'tox -e linters\,unit\,zuul\,functional\,speed'
}

@test "run_tests: the full tests have what makes fresh machines, too" {
    ABSENT='aa cc' run "$CHECKOUT/run_tests.sh" full

    assert_success
    run cat "$CALLS"
    assert_line --regexp '^apt-get .* install --no-install-recommends aa cc$'
    assert_line 'tox -e full'
}

@test "run_tests: what is missing is installed, and no daemon may start" {
    ABSENT='aa bb cc no' run "$CHECKOUT/run_tests.sh"

    assert_success
    assert_line 'installed aa bb'
    run cat "$CALLS"
    assert_line --regexp '^apt-get .* update$'
    assert_line --regexp '^apt-get .* install --no-install-recommends aa bb$'
    assert_line 'policy 101'
    assert_file_not_exists "$POLICY"
}

@test "run_tests: a policy of the machine's own is back afterwards" {
    printf '#!/bin/sh\nexit 104\n' > "$POLICY"

    ABSENT=aa run "$CHECKOUT/run_tests.sh"

    assert_success
    run cat "$CALLS" "$POLICY"
    assert_line 'policy 101'
    assert_line 'exit 104'
    assert_file_not_exists "$POLICY.kept"
}

@test "run_tests: a policy that a killed run set aside is back too" {
    printf '#!/bin/sh\n# written by tests/bin/packages of devstack-plugin-wsgi\n' \
        > "$POLICY"
    printf '#!/bin/sh\nexit 104\n' > "$POLICY.kept"

    ABSENT='' run "$CHECKOUT/run_tests.sh"

    run cat "$POLICY"
    assert_line 'exit 104'
}

@test "run_tests: an installation that fails is shown and ends it" {
    stub apt-get 'echo "E: no such package"; exit 100'

    ABSENT=aa run "$CHECKOUT/run_tests.sh"

    assert_failure 1
    assert_line 'E: no such package'
    assert_line 'packages: cannot install aa'
    assert_line 'run_tests: failed: tests/bin/packages test'
    assert_file_not_exists "$POLICY"
    assert_calls 0 tox
}

@test "run_tests: arguments choose the environments, the status is tox's" {
    ABSENT='' TOX_STATUS=3 run "$CHECKOUT/run_tests.sh" unit docs

    assert_failure 3
    assert_calls 1 tox -e 'unit\,docs'
}

@test "run_tests: what it made belongs to the owner of the checkout" {
    chown nobody "$CHECKOUT"

    ABSENT='' run "$CHECKOUT/run_tests.sh"

    assert_success
    run stat -c %U "$CHECKOUT/.results" "$CHECKOUT/.venv/bin/tox"
    assert_output $'nobody\nnobody'
}

@test "run_tests: an unknown option is wrong usage" {
    run "$CHECKOUT/run_tests.sh" --fast

    assert_failure 2
    assert_output --partial "unknown option '--fast'"
}
