#!/bin/bash
#
# devstack/plugin.sh - what happens in DevStack's phases
#
# Depends on: devstack/settings (the functions of lib/wsgi)
# Reads:      the phase, in $1
# Writes:     nothing by itself
# Public:     none
# Private:    none

case $1 in
    unstack) wsgi_stop --all || die "$LINENO" "wsgi: see above" ;;
    clean)   wsgi_remove --all || die "$LINENO" "wsgi: see above" ;;
esac
