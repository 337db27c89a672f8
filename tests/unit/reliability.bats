#!/usr/bin/env bats
#
# doc/source/reliability.rst: a promise has a test and a way to see it fail

load ../helpers/load

readonly DOCUMENT=doc/source/reliability.rst

function setup {
    cd "$REPO" || return
}

# REPLY = the value of a key of a file in tests/mutations.
#
# Usage: value_of FILE KEY
function value_of {
    local line
    while IFS= read -r line; do
        REPLY=${line#"$2="}
        [[ "$line" != "$2="* ]] || return 0
    done < "$1"
    return 1
}

# OURS = the files of tests/mutations that are of this document.
function find_ours {
    local file
    OURS=()
    for file in tests/mutations/*; do
        value_of "$file" document
        [[ "$REPLY" != "$DOCUMENT" ]] || OURS+=("$file")
    done
}

# ROWS = the rows of the table, 'PROMISE|TEST', however their lines break.
function read_rows {
    local line row='' column=0
    ROWS=()
    while IFS= read -r line; do
        case $line in
            '   * - '*)
                [[ -z "$row" ]] || ROWS+=("$row")
                row=${line#'   * - '}
                column=1
                ;;
            '     - '*)
                column=$(( column + 1 ))
                [[ $column -gt 2 ]] || row+="|${line#'     - '}"
                ;;
            '       '*)
                [[ $column -gt 2 ]] || row+=" ${line#'       '}"
                ;;
        esac
    done < "$DOCUMENT"
    [[ -z "$row" ]] || ROWS+=("$row")
}

@test "reliability: the table has the promises of tests/mutations, no other" {
    local file promise test
    local -a wanted=()
    find_ours
    for file in "${OURS[@]}"; do
        value_of "$file" promise
        promise=$REPLY
        value_of "$file" test
        test=$REPLY
        value_of "$file" filter
        wanted+=("$promise|\`\`${test##*/}\`\`, $REPLY")
    done
    assert [ "${#wanted[@]}" -ge 10 ]

    read_rows

    run diff <(printf '%s\n' "${wanted[@]}" | sort) \
        <(printf '%s\n' "${ROWS[@]:1}" | sort)
    assert_success
}

@test "reliability: each promise has one test, and a guard to take out" {
    local file test filter guard
    local -a bad=()
    find_ours
    for file in "${OURS[@]}"; do
        value_of "$file" test
        test=$REPLY
        value_of "$file" filter
        filter=$REPLY
        [[ $(grep -cE "^@test .*$filter" "$test") == 1 ]] ||
            bad+=("$file: not one test '$filter' in $test")
        value_of "$file" file
        guard=$REPLY
        value_of "$file" sed
        ! sed -E "$REPLY" "$guard" | cmp --silent - "$guard" ||
            bad+=("$file: nothing is changed in $guard")
    done

    assert_equal "${bad[*]}" ''
}
