#!/bin/bash
#
# tests/helpers/figures.bash - what a test measured, for the report
#
# Depends on: bats (its descriptor 3)
# Reads:      nothing
# Writes:     the TAP; tests/bin/run-bats makes a table of it
# Public:     figure

# Print a figure, also where the test passes: a comment of the TAP,
# '# figure NAME: TEXT'.
#
# Usage:   figure NAME TEXT...
#   NAME   that of the promise's file in tests/mutations, or what was measured
# Returns: 0
# Example: figure worker-killed "0 of 40 requests failed"
function figure {
    printf '# figure %s: %s\n' "$1" "${*:2}" >&3
}
