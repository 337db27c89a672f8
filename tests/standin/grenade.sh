#!/bin/bash
#
# tests/standin/grenade.sh - grenade's steps from one stand-in to another
#
# Usage: grenade.sh base|shutdown|upgrade
#
#   base      run stack.sh of the base side
#   shutdown  stop what it started; projects of plugins first
#   upgrade   start it by the functions of the target side; projects of plugins
#             last
#
# Every project has shells of its own.  stack.sh of the target never runs.
#
# Depends on: inc/grenade, inc/grenade-project
# Reads:      BASE_DEVSTACK_DIR, TARGET_DEVSTACK_DIR; pluginrc beside this file
#             (enable_grenade_plugin NAME FOLDER)
# Writes:     what the scripts of the projects write
# Exit:       0; 1 failed, the reason above; 2 wrong usage

GRENADE_DIR=$(CDPATH='' cd -- "${BASH_SOURCE[0]%/*}" && pwd)
: "${BASE_DEVSTACK_DIR:=/opt/stack/old/devstack}"
: "${TARGET_DEVSTACK_DIR:=/opt/stack/new/devstack}"
export GRENADE_DIR BASE_DEVSTACK_DIR TARGET_DEVSTACK_DIR
export LC_ALL=C.UTF-8
PATH=$PATH:/usr/local/bin:/usr/local/sbin:/usr/sbin:/sbin
set -o errexit

# shellcheck source=tests/standin/inc/grenade
source "$GRENADE_DIR/inc/grenade"

UPGRADE_PROJECTS='keystone placement glance neutron nova cinder'
if [[ -f "$GRENADE_DIR/pluginrc" ]]; then
    # shellcheck source=/dev/null  # the user's
    source "$GRENADE_DIR/pluginrc"
fi
for plugin in ${GRENADE_PLUGINS//,/ }; do
    if [[ -f "${GITDIR[$plugin]}/devstack/upgrade/settings" ]]; then
        # shellcheck source=/dev/null  # each plugin's own
        source "${GITDIR[$plugin]}/devstack/upgrade/settings"
    fi
done
export UPGRADE_PROJECTS

for side in "$BASE_DEVSTACK_DIR" "$TARGET_DEVSTACK_DIR"; do
    extract_localrc_section "$side/local.conf" "$side/.localrc.auto"
done

case ${1:-} in
    base)
        cd "$BASE_DEVSTACK_DIR"
        ./stack.sh
        ;;
    shutdown)
        reversed=''
        for project in $UPGRADE_PROJECTS; do
            reversed="$project $reversed"
        done
        for project in $reversed; do
            run_step shutdown "$project" "$BASE_DEVSTACK_DIR"
        done
        ;;
    upgrade)
        # shellcheck disable=SC2016  # expanded by that shell
        bash -c 'source "$1/stackrc" && fetch_plugins' fetch \
            "$TARGET_DEVSTACK_DIR"
        for project in $UPGRADE_PROJECTS; do
            run_step upgrade "$project" "$TARGET_DEVSTACK_DIR"
        done
        ;;
    *)
        printf 'grenade.sh: base, shutdown or upgrade?\n' >&2
        exit 2
        ;;
esac
