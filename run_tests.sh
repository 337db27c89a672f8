#!/bin/bash
#
# run_tests.sh - set this machine up for the tests and run them
#
# Usage: ./run_tests.sh [ENVIRONMENT...]
#
# Needs root: for a user it starts itself again with sudo.
#
# Installs the packages that bindep.txt names and that are missing, makes a
# venv with tox in .venv, and runs the environments of tox.ini; without an
# argument: linters, unit, zuul, functional, speed.  Others: fuzz, full,
# mutations, conformance, bench, docs, releasenotes.
# Packages that bring a daemon do not start it; what is installed already is
# left as it is.
#
# Depends on: Debian (apt-get); root, or sudo (tests/bin/as-root)
# Reads:      CI: with CI=true a test that is skipped is a test that failed
# Writes:     packages; .venv, .tox, .results and .hypothesis in the checkout
# Exit:       0 all passed; 1 something failed, the reason above; 2 wrong
#             usage

# shellcheck source=tests/helpers/script.bash
source "${BASH_SOURCE[0]%/*}/tests/helpers/script.bash" || exit 1

# Run COMMAND with its output in a log, of which a failure shows the end.
#
# Usage: quietly COMMAND...
function quietly {
    if ! "$@" < /dev/null > .results/setup.log 2>&1; then
        tail -n 40 .results/setup.log >&2
        fail "failed: $*"
    fi
}

# What the next user of this checkout, who may not be root, has to own.
function finish {
    local status=$? dir
    trap - EXIT
    for dir in .venv .tox .results .hypothesis; do
        [[ ! -d "$dir" ]] || chown -hR --reference=. "$dir"
    done
    exit "$status"
}

function main {
    local name
    local -a environments=("$@") profiles=(test)
    only_words "$@"
    for name; do
        [[ "$name" != full ]] || profiles+=(fresh)
    done
    [[ "${#environments[@]}" -gt 0 ]] ||
        environments=(linters unit zuul functional speed)
    cd -- "$REPO" || return 1
    [[ "$EUID" == 0 ]] || exec tests/bin/as-root "$PWD/run_tests.sh" "$@"
    trap finish EXIT
    trap 'exit 1' INT TERM HUP
    mkdir -p .results || return 1

    say "packages of the distribution"
    quietly tests/bin/packages "${profiles[@]}"
    tail -n 1 .results/setup.log
    if [[ ! -x .venv/bin/tox ]]; then
        say "making a venv with tox"
        quietly /usr/bin/python3 -m venv --clear .venv
        quietly .venv/bin/python -m pip install --no-input \
            --disable-pip-version-check 'tox>=4,<5'
    fi

    if [[ "${CI:-}" == true ]]; then
        export WSGI_NO_SKIP=1
    fi
    printf -v name '%s,' "${environments[@]}"
    say "tox -e ${name%,}"
    .venv/bin/tox -e "${name%,}" < /dev/null
}

main "$@"
