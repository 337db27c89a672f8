#!/bin/bash
#
# devstack/plugin.sh - what happens in DevStack's phases
#
# Depends on: devstack/settings, devstack/prepare; DevStack's functions
# Reads:      the phase, in $1 and $2
# Writes:     packages before anything is configured; else through the library
# Public:     none
# Private:    none

if [[ "$WSGI_TAKE_OVER" == True ]]; then
    # another plugin may have sourced DevStack's lib/apache since
    # shellcheck source=lib/devstack
    source "${BASH_SOURCE[0]%/*}/../lib/devstack"
fi

case "$1 ${2:-}" in
    'stack pre-install')
        # shellcheck source=devstack/prepare
        source "${BASH_SOURCE[0]%/*}/prepare"
        ;;
    stack*)
        # a reload of Apache's that waits (lib/apply)
        [[ ! -e "${WSGI_SYSROOT:-}/var/lib/devstack-wsgi/reload" ]] ||
            _wsgi_verb adopt_settle || die "$LINENO" "wsgi: see above"
        ;;
    unstack*)
        _wsgi_verb adopt_stop || die "$LINENO" "wsgi: see above"
        ;;
    clean*)
        _wsgi_verb adopt_clean || die "$LINENO" "wsgi: see above"
        ;;
esac
