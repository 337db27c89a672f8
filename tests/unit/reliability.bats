#!/usr/bin/env bats
#
# doc/source/reliability.rst: a promise has a test and a way to see it fail
# (tests/unit/mutate.bats: that the guard is there to be taken out)

load ../helpers/load
load ../helpers/mutations

function setup {
    read_mutations doc/source/reliability.rst
}

@test "reliability: the table has the promises of tests/mutations, no other" {
    local name row
    local -a wanted=()
    for name in "${MUTATIONS[@]}"; do
        row="\`\`${MUTATION[$name,test]##*/}\`\`, ${MUTATION[$name,filter]}"
        wanted+=("${MUTATION[$name,promise]}|$row")
    done
    assert [ "${#wanted[@]}" -ge 10 ]

    read_promises doc/source/reliability.rst

    # without the figures
    run diff <(printf '%s\n' "${wanted[@]}" | sort) \
        <(printf '%s\n' "${PROMISES[@]%'|'*}" | sort)
    assert_success
}

@test "reliability: each promise has one test" {
    local name test
    local -a bad=()
    assert [ "${#MUTATIONS[@]}" -ge 10 ]
    for name in "${MUTATIONS[@]}"; do
        test=${MUTATION[$name,test]}
        [[ $(grep -cE "^@test .*${MUTATION[$name,filter]}" \
            "$REPO/$test") == 1 ]] ||
            bad+=("$name: not one test in $test")
    done

    assert_equal "${bad[*]}" ''
}
