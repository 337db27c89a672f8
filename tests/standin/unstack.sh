#!/bin/bash
#
# tests/standin/unstack.sh - stop what stack.sh started
#
# Usage: unstack.sh [--all]
#
# It goes on after an error, as DevStack's does.
#
# Depends on: inc/scripts
# Reads:      .localrc.auto
# Writes:     what plugins and cleanup_* do
# Exit:       that of the last command

TOP_DIR=$(CDPATH='' cd -- "${BASH_SOURCE[0]%/*}" && pwd)
# shellcheck source=tests/standin/inc/scripts
source "$TOP_DIR/inc/scripts"
[[ "$EUID" != 0 ]] || die "$LINENO" "run it as an ordinary user"
run_phase override_defaults
load_plugin_settings
set -o xtrace

run_phase unstack

if is_service_enabled nova; then
    stop_nova
    cleanup_nova
fi
if is_service_enabled placement; then
    stop_placement
fi
if is_service_enabled glance; then
    stop_glance
fi
if is_service_enabled keystone; then
    stop_keystone
fi
if is_service_enabled tls-proxy; then
    stop_tls_proxy
    cleanup_CA
fi
if is_service_enabled cinder; then
    stop_cinder || true     # as DevStack forgives it
    cleanup_cinder || true
fi
if is_service_enabled neutron; then
    stop_neutron
    cleanup_neutron
fi
