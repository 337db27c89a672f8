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
# Writes:     packages; .venv, .tox and .results in the checkout
# Exit:       0 all passed; 1 something failed, the reason above; 2 wrong
#             usage

POLICY=${WSGI_SYSROOT:-}/usr/sbin/policy-rc.d
FRONT_WSGI=${WSGI_SYSROOT:-}/etc/apache2/mods-enabled/wsgi.load
POLICY_MARK='# written by run_tests.sh of devstack-plugin-wsgi'

function usage {
    local line
    while IFS= read -r line; do
        [[ "$line" == '#'* ]] || break
        [[ "$line" != '#!'* ]] || continue
        line=${line#'#'}
        printf '%s\n' "${line# }"
    done < "${BASH_SOURCE[0]}"
}

function say {
    printf 'run_tests: %s\n' "$*"
}

function fail {
    printf 'run_tests: %s\n' "$*" >&2
    exit 1
}

# Run COMMAND with its output in a log, of which a failure shows the end.
#
# Usage: quietly COMMAND...
function quietly {
    if ! "$@" < /dev/null > .results/setup.log 2>&1; then
        tail -n 40 .results/setup.log >&2
        fail "failed: $*"
    fi
}

# While packages are installed their daemons must not start.  A policy that
# is there already steps aside meanwhile, also for a run that was killed.
function forbid_daemons {
    if [[ -e "$POLICY" ]] && ! grep -qF "$POLICY_MARK" "$POLICY"; then
        mv -- "$POLICY" "$POLICY.kept" || return
    fi
    printf '%s\n' '#!/bin/sh' "$POLICY_MARK" 'exit 101' > "$POLICY" || return
    chmod 0755 "$POLICY"
}

function allow_daemons {
    if [[ -e "$POLICY" ]] && grep -qF "$POLICY_MARK" "$POLICY"; then
        rm -- "$POLICY"
        [[ ! -e "$POLICY.kept" ]] || mv -- "$POLICY.kept" "$POLICY"
    fi
}

# Usage: install_packages PACKAGE...
function install_packages {
    local had_wsgi=''
    say "installing $*"
    export DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1
    if [[ -z "${UPDATED:-}" ]]; then
        quietly apt-get -q -o DPkg::Lock::Timeout=300 update
        UPDATED=yes
    fi
    [[ ! -e "$FRONT_WSGI" ]] || had_wsgi=yes
    forbid_daemons || fail "cannot write $POLICY"
    quietly apt-get -qy -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 \
        install --no-install-recommends "$@"
    allow_daemons
    # Debian's package enables it; a service loads it into its own httpd
    [[ -n "$had_wsgi" || ! -e "$FRONT_WSGI" ]] || quietly a2dismod wsgi
}

# What the next user of this checkout, who may not be root, has to own.
function finish {
    local status=$? dir
    trap - EXIT
    allow_daemons
    for dir in .venv .tox .results; do
        [[ ! -d "$dir" ]] || chown -hR --reference=. "$dir"
    done
    exit "$status"
}

function main {
    local -a environments=() profiles=(test) missing
    local name listed had_apache
    for name; do
        case $name in
            -h|--help) usage; return 0 ;;
            -*)
                printf "run_tests: unknown option '%s' (%s --help)\n" \
                    "$name" "$0" >&2
                return 2
                ;;
            full)
                environments+=("$name")
                profiles+=(fresh)
                ;;
            *) environments+=("$name") ;;
        esac
    done
    [[ "${#environments[@]}" -gt 0 ]] ||
        environments=(linters unit zuul functional speed)
    cd -- "$(realpath -- "${BASH_SOURCE[0]%/*}")" || return 1
    [[ "$EUID" == 0 ]] || exec tests/bin/as-root "$PWD/run_tests.sh" "$@"
    type -P apt-get > /dev/null ||
        fail "no apt-get here; install what bindep.txt names, then run tox"
    trap finish EXIT
    trap 'exit 1' INT TERM HUP
    mkdir -p .results || return 1

    # ensurepip is what Debian leaves out of python3
    /usr/bin/python3 -c 'import ensurepip, venv' 2>/dev/null ||
        install_packages python3 python3-venv
    if [[ ! -x .venv/bin/tox || ! -x .venv/bin/bindep ]]; then
        say "making a venv with tox"
        quietly /usr/bin/python3 -m venv --clear .venv
        quietly .venv/bin/python -m pip install --no-input \
            --disable-pip-version-check 'tox>=4,<5' 'bindep>=2.11,<3'
    fi
    # bindep ends with 1 when something is missing, which is what we ask
    listed=$(.venv/bin/bindep --brief --file bindep.txt "${profiles[@]}") ||
        [[ -n "$listed" ]] || fail "bindep cannot read bindep.txt"
    mapfile -t missing < <(printf '%s' "$listed")
    if [[ "${#missing[@]}" -gt 0 ]]; then
        had_apache=$(type -P apache2)
        install_packages "${missing[@]}"
        if [[ -z "$had_apache" && -d /run/systemd/system ]]; then
            say "apache2 is new here: not started, but enabled for the" \
                "next boot (systemctl disable apache2)"
        fi
    fi

    if [[ "${CI:-}" == true ]]; then
        export WSGI_NO_SKIP=1
    fi
    printf -v listed '%s,' "${environments[@]}"
    say "tox -e ${listed%,}"
    .venv/bin/tox -e "${listed%,}" < /dev/null
}

main "$@"
