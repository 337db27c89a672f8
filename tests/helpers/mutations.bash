#!/bin/bash
#
# tests/helpers/mutations.bash - what tests/mutations and documents promise
#
# Depends on: tests/helpers/load.bash
# Reads:      tests/mutations/*, a document of the checkout
# Writes:     nothing
# Sets:       what each function says
# Public:     read_mutations, read_promises

# The mutations whose promises stand in a document.
#
# Usage:   read_mutations DOCUMENT
# Sets:    MUTATIONS, an array: their names; MUTATION, an associative one:
#          NAME,KEY -> the value
# Returns: 0
# Example: read_mutations SECURITY.rst
function read_mutations {
    local file name line
    declare -ga MUTATIONS=()
    declare -gA MUTATION=()
    for file in "$REPO"/tests/mutations/*; do
        name=${file##*/}
        while IFS= read -r line; do
            MUTATION[$name,${line%%=*}]=${line#*=}
        done < "$file"
        [[ "${MUTATION[$name,document]:-}" != "$1" ]] || MUTATIONS+=("$name")
    done
}

# The rows of a document's table, its head left out, however their lines break.
#
# Usage:   read_promises DOCUMENT
# Sets:    PROMISES, an array: the cells of a row with '|' between them
# Returns: 0
# Example: read_promises SECURITY.rst
function read_promises {
    local line row='' text
    text=$(< "$REPO/$1")
    declare -ga PROMISES=()
    while IFS= read -r line; do
        case $line in
            '   * - '*)
                [[ -z "$row" ]] || PROMISES+=("$row")
                row=${line#'   * - '}
                ;;
            '     - '*) row+="|${line#'     - '}" ;;
            '       '*) row+=" ${line#'       '}" ;;
            # the text after the table
            [![:blank:]]*)
                [[ -z "$row" ]] || break
                ;;
        esac
    done <<< "$text"
    [[ -z "$row" ]] || PROMISES+=("$row")
    PROMISES=("${PROMISES[@]:1}")
}
