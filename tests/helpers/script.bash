#!/bin/bash
#
# tests/helpers/script.bash - what a script of this tree sources first
#
# The comment at its top, up to the first line without '#', is its --help.
#
# Depends on: nothing
# Reads:      the script
# Writes:     nothing
# Sets:       SCRIPT, its file; REPO, the checkout
# Public:     usage, say, fail, misuse, only_words

SCRIPT=${BASH_SOURCE[1]}
REPO=$(realpath -- "${BASH_SOURCE[0]%/*}/../..") || exit 1

# Print the script's manual.
#
# Usage: usage
function usage {
    local line
    while IFS= read -r line; do
        [[ "$line" == '#'* ]] || break
        [[ "$line" != '#!'* ]] || continue
        line=${line#'#'}
        printf '%s\n' "${line# }"
    done < "$SCRIPT"
}

# Usage: say WORD...
function say {
    local name=${SCRIPT##*/}
    printf '%s: %s\n' "${name%.sh}" "$*"
}

# Usage: fail WORD...    ends the script with 1
function fail {
    say "$@" >&2
    exit 1
}

# Usage: misuse WORD...    ends the script with 2
function misuse {
    say "$* (${SCRIPT#"$REPO/"} --help)" >&2
    exit 2
}

# For a script without options: print its manual where that is asked for, and
# refuse what looks like another option.
#
# Usage: only_words "$@"
function only_words {
    local word
    for word; do
        case $word in
            -h|--help) usage; exit 0 ;;
            -*)        misuse "unknown option '$word'" ;;
        esac
    done
}
