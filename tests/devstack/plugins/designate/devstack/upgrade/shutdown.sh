#!/bin/bash
#
# plugins/designate: stop it on the base side
#
# Depends on: tests/devstack/inc/grenade
# Reads:      GRENADE_DIR, BASE_DEVSTACK_DIR
# Writes:     nothing

set -o errexit

# shellcheck source=tests/devstack/inc/grenade
source "$GRENADE_DIR/inc/grenade"
# shellcheck source=tests/devstack/stackrc
source "$BASE_DEVSTACK_DIR/stackrc"
# shellcheck source=tests/devstack/lib/apache
source "$BASE_DEVSTACK_DIR/lib/apache"
# shellcheck source=tests/devstack/plugins/designate/devstack/settings
source "${BASH_SOURCE[0]%/*}/../settings"
# shellcheck source=tests/devstack/plugins/designate/devstack/plugin.sh
source "${BASH_SOURCE[0]%/*}/../plugin.sh"
set -o xtrace

stop_designate
ensure_services_stopped designate-api
