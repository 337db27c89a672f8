#!/usr/bin/env bats
#
# devstack/: the stand-in of DevStack stacks with our plugin, and without

load ../helpers/devstack

function setup_file {
    devstack_up
}

function teardown_file {
    machine_down
}

function teardown {
    explain_devstack
}

@test "stand-in: without the plugin every API of every caller answers" {
    devstack_conf --stock

    devstack stack.sh

    figure "stack.sh with stock functions: $TOOK ms"
    devstack_apis
    devstack_answers
}
