#!/bin/bash
#
# tests/standin/clean.sh - remove what stack.sh wrote
#
# Usage: clean.sh
#
# It goes on after an error, as DevStack's does.
#
# Depends on: inc/scripts, unstack.sh
# Reads:      .localrc.auto
# Writes:     removes: units, the services' folders in /etc, DATA_DIR,
#             SERVICE_DIR, .localrc.auto
# Exit:       that of the last command

TOP_DIR=$(CDPATH='' cd -- "${BASH_SOURCE[0]%/*}" && pwd)
# shellcheck source=tests/standin/inc/scripts
source "$TOP_DIR/inc/scripts"
set -o xtrace

"$TOP_DIR/unstack.sh" --all

load_plugin_settings
run_phase clean

cleanup_cinder || true      # as DevStack forgives it
cleanup_glance
cleanup_keystone
cleanup_nova
cleanup_placement
cleanup_neutron

sudo rm -rf "$KEYSTONE_CONF_DIR" "$GLANCE_CONF_DIR" "$NOVA_CONF_DIR" \
    "$PLACEMENT_CONF_DIR" "$CINDER_CONF_DIR" "$NEUTRON_CONF_DIR"
sudo rm -rf "$DATA_DIR" "$SERVICE_DIR"
# files only: a folder UNIT.d is not one
sudo find "$SYSTEMD_DIR" -type f -name '*devstack@*service' -delete
$SYSTEMCTL daemon-reload
rm -f "$TOP_DIR/.localrc.auto"
