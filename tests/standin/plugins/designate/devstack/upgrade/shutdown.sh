#!/bin/bash
#
# plugins/designate: stop it on the base side
#
# Depends on: tests/standin/inc/grenade
# Reads:      GRENADE_DIR, BASE_DEVSTACK_DIR
# Writes:     nothing

set -o errexit

# shellcheck source=tests/standin/inc/grenade
source "$GRENADE_DIR/inc/grenade"
# shellcheck source=tests/standin/stackrc
source "$BASE_DEVSTACK_DIR/stackrc"
# shellcheck source=tests/standin/lib/apache
source "$BASE_DEVSTACK_DIR/lib/apache"
# shellcheck source=tests/standin/plugins/designate/devstack/settings
source "${BASH_SOURCE[0]%/*}/../settings"
# shellcheck source=tests/standin/plugins/designate/devstack/plugin.sh
source "${BASH_SOURCE[0]%/*}/../plugin.sh"
set -o xtrace

stop_designate
ensure_services_stopped designate-api
