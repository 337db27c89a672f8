#!/bin/bash
#
# devstack/plugin.sh - what happens in DevStack's phases
#
# Depends on: devstack/settings; DevStack's functions
# Reads:      the phase, in $1 and $2
# Writes:     packages before anything is configured; else through the library
# Public:     none
# Private:    _wsgi_plugin_prepare

# Before anything is configured: what is wrong in local.conf ends the run
# here, and the servers that it asks for are installed.
# Usage: _wsgi_plugin_prepare
function _wsgi_plugin_prepare {
    local mode package enabled=/etc/apache2/mods-enabled/wsgi.load
    local -a REPLY_MODES=()
    # shellcheck disable=SC2034  # read by name
    local -A fields=([name]=local.conf)
    if [[ "$(trueorfalse False USER_UNITS)" == True ]]; then
        _wsgi_error "units of a user cannot hold Apache's sockets: set" \
            "USER_UNITS=False in local.conf"
        return 1
    fi
    _wsgi_adopt_toggles "${ENABLED_SERVICES:-}" || return
    if [[ "$WSGI_TAKE_OVER" != True ]]; then
        _wsgi_verb adopt_release
        return
    fi
    for mode in "${REPLY_MODES[@]}"; do
        "wsgi_${mode}_packages"
        for package in $REPLY; do
            is_package_installed "$package" && continue
            [[ ! -e "$enabled" ]] || enabled=''
            install_package "$package" || return
            # Debian's package enables it in an Apache that shall not have it
            [[ -z "$enabled" || ! -e "$enabled" ]] || sudo a2dismod -q wsgi
        done
        "wsgi_${mode}_check" fields || return
    done
}

if [[ "$WSGI_TAKE_OVER" == True ]]; then
    # another plugin may have sourced DevStack's lib/apache since
    # shellcheck source=lib/devstack
    source "${BASH_SOURCE[0]%/*}/../lib/devstack"
fi

case "$1 ${2:-}" in
    'stack pre-install')
        _wsgi_plugin_prepare || die "$LINENO" "wsgi: see above"
        ;;
    stack*)
        _wsgi_adopt_settle || die "$LINENO" "wsgi: see above"
        ;;
    unstack*)
        _wsgi_verb adopt_stop || die "$LINENO" "wsgi: see above"
        ;;
    clean*)
        wsgi_remove --all || die "$LINENO" "wsgi: see above"
        ;;
esac
