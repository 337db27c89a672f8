#!/bin/bash
#
# tests/helpers/grenade.bash - the stand-in of grenade in a machine
#
# Depends on: tests/helpers/devstack.bash, tests/standin/grenade.sh
# Reads:      nothing
# Writes:     the machine
# Sets:       what devstack.bash sets
# Public:     setup_file, tidy, devstack_in, side_conf, upgrade_from,
#             assert_nothing_of

load ../helpers/devstack

# designate's upgrade writes CONF and site anew, by the stock functions
readonly STEPS=(aodh designate)

function setup_file {
    devstack_up || return
    # shellcheck disable=SC2016  # expanded in the machine
    as_stack 'mkdir old new
        cp -r devstack old/
        mv devstack new/
        printf "%s\n" "enable_grenade_plugin designate \
            /opt/stack/new/devstack/plugins/designate" \
            "enable_grenade_plugin devstack-plugin-wsgi /opt/stack/wsgi" \
            > new/devstack/pluginrc'
}

function tidy {
    [[ -z "${BATS_TEST_COMPLETED:-}" ]] ||
        devstack_in old devstack clean.sh
}

# Run a helper with the stand-in at one side's place.
#
# Usage: devstack_in SIDE HELPER [ARGUMENT...]
function devstack_in {
    # shellcheck disable=SC2034  # the helpers read it
    local DEVSTACK=/opt/stack/$1/devstack
    "${@:2}"
}

# Write a side's local.conf.
#
# Usage: side_conf SIDE stock|untouched|uwsgi|mod_wsgi
function side_conf {
    local -a words=(--callers "$(IFS=,; printf '%s' "${STEPS[*]}")")
    case $2 in
        stock)     words+=(--stock) ;;
        untouched) words+=(WSGI_TAKE_OVER=False) ;;
        *)         words+=("DEVSTACK_WSGI_MODE=$2") ;;
    esac
    # without Glance's clone, which grenade takes for a server that runs still
    devstack_in "$1" devstack_conf "${words[@]}" "DEST=/opt/stack/$1" \
        ENABLED_SERVICES=key,g-api,n-api,n-api-meta,placement-api
}

# Go through grenade's steps.
#
# Usage: upgrade_from BASE TARGET    each a word of side_conf
function upgrade_from {
    local server=$2 found
    local -a left=(keystone g-api n-api n-api-meta placement-api
        designate-api)
    case $2 in stock|untouched) server=uwsgi ;; esac
    side_conf old "$1"
    side_conf new "$2"
    devstack_in new devstack grenade.sh base
    devstack_apis "${left[@]}" aodh-api
    devstack_answers

    devstack_in new devstack grenade.sh shutdown
    devstack_apis "${left[@]}"
    devstack_units disabled inactive
    run devstack_answers
    assert_failure
    # shellcheck disable=SC2154  # bats sets it
    found=$output
    for REPLY in "${left[@]}"; do
        assert_regex "$found" "$REPLY at [^ ]*: '(<!DOCTYPE [^']*)?'"
    done
    # what no project of grenade's stops runs on
    devstack_apis aodh-api
    devstack_answers

    devstack_in new devstack grenade.sh upgrade
    devstack_apis "${left[@]}"
    devstack_answers
    devstack_units enabled active
    proxied_once
    [[ "$1$2" == stockstock ]] || devstack_servers "$server"
}

# Nothing of a server is left in what our library writes.
#
# Usage: assert_nothing_of SERVER
function assert_nothing_of {
    # shellcheck disable=SC2016  # expanded in the machine
    run machine_sh 'find "/etc/devstack-wsgi/$1" -type f 2>/dev/null' \
        machine_sh "$1"
    assert_output ''
}
