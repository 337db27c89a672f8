#!/usr/bin/env bats
#
# devstack/: what each of DevStack's phases calls

load ../helpers/load

function setup {
    sandbox
    # what stack.sh has before it sources a plugin
    # shellcheck disable=SC2317  # the plugin calls it
    function die { printf 'die: %s\n' "${*:2}"; exit 1; }
    # shellcheck source=devstack/settings
    source "$REPO/devstack/settings"
    # shellcheck disable=SC2317  # the plugin calls it
    function wsgi_stop { printf 'wsgi_stop %s\n' "$*" >> "$CALLS"; }
    # shellcheck disable=SC2317  # the plugin calls it
    function wsgi_remove { printf 'wsgi_remove %s\n' "$*" >> "$CALLS"; }
}

# Go through a phase as stack.sh does: sourced, under errexit.
# Usage: phase PHASE [STEP]
function phase {
    set -e
    # shellcheck source=devstack/plugin.sh
    source "$REPO/devstack/plugin.sh" "$@"
}

@test "plugin: settings give the functions of the library" {
    run declare -F wsgi_deploy wsgi_start wsgi_remove

    assert_success
}

@test "plugin: unstack stops every service" {
    run phase unstack

    assert_success
    assert_equal "$(< "$CALLS")" "wsgi_stop --all"
}

@test "plugin: clean removes every service" {
    run phase clean

    assert_success
    assert_equal "$(< "$CALLS")" "wsgi_remove --all"
}

@test "plugin: no other phase calls anything" {
    local step
    for step in pre-install install post-config extra test-config; do
        run phase stack "$step"
        assert_success
        refute_output
    done

    assert_equal "$(< "$CALLS")" ""
}

@test "plugin: a service that does not stop ends the run with a reason" {
    function wsgi_stop { return 1; }

    run phase unstack

    assert_failure 1
    assert_output --partial "die: wsgi"
}
