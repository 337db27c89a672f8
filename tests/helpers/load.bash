#!/bin/bash
#
# tests/helpers/load.bash - what every test file loads first
#
# Depends on: bats 1.8, bats-support, bats-assert, bats-file
# Reads:      WSGI_NO_SKIP, BATS_LIB_PATH
# Writes:     $BATS_TEST_TMPDIR, $VENV
# Sets:       REPO, the checkout; CALLS and WSGI_SYSROOT by sandbox; VENV by
#             build_venv
# Public:     sandbox, stub, calls, assert_calls, assert_that, assert_none,
#             assert_misuse, assert_same, load_lib, requires, build_venv

bats_require_minimum_version 1.8.0

# where Debian has them, then where Fedora has them
BATS_LIB_PATH=${BATS_LIB_PATH:+$BATS_LIB_PATH:}/usr/lib/bats:/usr/share/bats
export BATS_LIB_PATH
# they ask for it once for each of their files, before every test
# shellcheck disable=SC2317  # the libraries call it
function dirname {
    printf '%s\n' "${1%/*}"
}
bats_load_library bats-support
bats_load_library bats-assert
bats_load_library bats-file
unset -f dirname

REPO=$(realpath -- "${BASH_SOURCE[0]%/*}/../..")
export REPO

# An empty root to write to, and an empty folder of stubs first in PATH.
#
# Usage:   sandbox
# Sets:    WSGI_SYSROOT, CALLS (the log of calls to stubs), PATH, HOME
# Returns: 0
# Example: sandbox; stub systemctl
function sandbox {
    export WSGI_SYSROOT=$BATS_TEST_TMPDIR/root
    export CALLS=$BATS_TEST_TMPDIR/calls
    export HOME=$BATS_TEST_TMPDIR/home
    _STUBS=$BATS_TEST_TMPDIR/stubs
    mkdir -p "$WSGI_SYSROOT" "$HOME" "$_STUBS" || return
    : > "$CALLS"
    PATH=$_STUBS:$PATH
}

# A command that does nothing but log how it was called: one line in $CALLS,
# its name and arguments, each quoted for the shell where it needs that.
#
# Usage:   stub NAME [BODY]
#   BODY   bash text to run after the line was logged; "$@" are the arguments
# Returns: 0
# Example: stub systemctl 'echo active'
function stub {
    local name=$1 body=${2:-}
    # shellcheck disable=SC2016  # the stub expands it
    printf '%s\n' '#!/bin/bash' \
        "{ printf %s ${name@Q}" '[[ $# == 0 ]] || printf " %q" "$@"' \
        "echo; } >> ${CALLS@Q}" "$body" > "$_STUBS/$name" || return
    chmod +x "$_STUBS/$name"
}

# REPLY = how often a line of the log begins with these words.
#
# Usage:   calls WORD...
# Returns: 0
# Example: calls systemctl reload; [[ "$REPLY" -gt 1 ]]
function calls {
    local line
    REPLY=0
    while IFS= read -r line; do
        [[ "$line " != "$* "* ]] || REPLY=$(( REPLY + 1 ))
    done < "$CALLS"
}

# So many lines of the log begin with these words.
#
# Usage:   assert_calls NUMBER WORD...
# Returns: 0; 1 more or less, with the log
# Example: assert_calls 1 systemctl daemon-reload
function assert_calls {
    calls "${@:2}"
    [[ "$REPLY" != "$1" ]] || return 0
    {
        batslib_print_kv_single 8 expected "$1" actual "$REPLY"
        printf 'of all calls:\n%s\n' "$(< "$CALLS")"
    } | batslib_decorate "calls of ${*:2}: not as expected" | fail
}

# A value is as expected, else both, with what the value is.
#
# Usage:   assert_that WHAT ACTUAL EXPECTED
# Returns: 0; 1 they differ
# Example: assert_that "the workers of x" "$REPLY" 2
function assert_that {
    [[ "$2" != "$3" ]] || return 0
    batslib_print_kv_single_or_multi 8 expected "$3" actual "$2" |
        batslib_decorate "$1: not as expected" | fail
}

# A table found nothing wrong, else each thing that is, a line or more each.
#
# Usage:   assert_none [PROBLEM...]
# Returns: 0; 1 there are some
# Example: [[ "$REPLY" == 200 ]] || bad+=("$REPLY"); assert_none "${bad[@]}"
function assert_none {
    [[ $# -gt 0 ]] || return 0
    printf '%s\n' "$@" |
        batslib_decorate "$# wrong of what the test goes through" | fail
}

# Words are wrong usage of a program: its status is 2, and it prints one line.
#
# Usage:   assert_misuse PROGRAM LINE WORDS...
#   LINE   a pattern for the line
#   WORDS  the arguments of one call
# Returns: 0; 1 some are not, with what was seen
# Example: assert_misuse "$REPO/tools/bench" '[ERROR] *' '--rounds x' --nosuch
function assert_misuse {
    local row
    local -a bad=() words
    for row in "${@:3}"; do
        read -ra words <<< "$row"
        run "$1" "${words[@]}"
        # shellcheck disable=SC2053,SC2154  # a pattern; run sets them
        [[ "$status" == 2 && "${#lines[@]}" == 1 && "$output" == $2 ]] ||
            bad+=("'$row': status $status, $output")
    done
    assert_none "${bad[@]}"
}

# Two files are the same, else their difference.
#
# Usage:   assert_same WANTED ACTUAL
# Returns: 0; 1 they differ
# Example: assert_same "$BATS_TEST_TMPDIR/before" <(system_files)
function assert_same {
    local difference
    difference=$(diff -U 1 --label wanted --label actual "$1" "$2") && return 0
    batslib_decorate 'files differ' <<< "$difference" | fail
}

# Source a file of the library by its path in the checkout.
#
# Usage:   load_lib FILE
# Returns: what the file returns
# Example: load_lib lib/verbs
function load_lib {
    # shellcheck source=/dev/null  # the name comes with the call
    source "$REPO/$1"
}

# Skip the test where a command is missing; where nothing may be skipped
# (WSGI_NO_SKIP=1), fail instead.
#
# Usage:   requires COMMAND...
# Returns: 0; 1 something is missing and WSGI_NO_SKIP=1
# Example: requires systemd-nspawn curl
function requires {
    local name
    local -a missing=()
    for name; do
        case $name in
            root) (( EUID == 0 )) || missing+=(root) ;;
            *)    type -P "$name" > /dev/null || missing+=("$name") ;;
        esac
    done
    [[ "${#missing[@]}" -gt 0 ]] || return 0
    if [[ "${WSGI_NO_SKIP:-}" == 1 ]]; then
        fail "needed here: ${missing[*]} (WSGI_NO_SKIP=1 allows no skip)"
        return 1
    fi
    skip "needs ${missing[*]}"
}

# Build a venv with packages from PyPI: in VENV where that is set, else in
# /var/tmp, which a machine sees too; then teardown_file removes it.
#
# Usage:   build_venv PACKAGE...
#   PACKAGE  what 'pip install' takes, options too
# Sets:    VENV
# Returns: 0; 1 it cannot be built: the last of what pip said is on stderr
# Example: build_venv uwsgi || return
function build_venv {
    export VENV=${VENV:-/var/tmp/devstack-wsgi-venv-$$}
    if ! {
        /usr/bin/python3 -m venv "$VENV" &&
            "$VENV/bin/pip" install --quiet --no-input "$@"
    } > "$BATS_FILE_TMPDIR/pip" 2>&1; then
        tail -n 20 "$BATS_FILE_TMPDIR/pip" >&2
        return 1
    fi
}
