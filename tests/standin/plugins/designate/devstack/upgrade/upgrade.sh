#!/bin/bash
#
# plugins/designate: write it anew and start it, by the target's own functions
#
# Depends on: tests/standin/inc/grenade
# Reads:      GRENADE_DIR, TARGET_DEVSTACK_DIR
# Writes:     what configure_designate writes

set -o errexit

# shellcheck source=tests/standin/inc/grenade
source "$GRENADE_DIR/inc/grenade"
# shellcheck source=tests/standin/lib/apache
source "$TARGET_DEVSTACK_DIR/stackrc"
# shellcheck source=tests/standin/lib/apache
source "$TARGET_DEVSTACK_DIR/lib/apache"
# shellcheck source=tests/standin/plugins/designate/devstack/settings
source "${BASH_SOURCE[0]%/*}/../settings"
# shellcheck source=tests/standin/plugins/designate/devstack/plugin.sh
source "${BASH_SOURCE[0]%/*}/../plugin.sh"
set -o xtrace

install_designate
configure_designate
start_designate
ensure_services_started designate-api
