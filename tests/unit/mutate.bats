#!/usr/bin/env bats
#
# tests/bin/mutate: what it reports, and that the mutations are what they say

load ../helpers/load
load ../helpers/mutations

# A tree with a guard, a test that misses it, and a mutation.
function setup {
    sandbox
    unset WSGI_NO_SKIP WSGI_TEST_RESULTS
    TREE=$BATS_TEST_TMPDIR/tree
    mkdir -p "$TREE/tests/"{bin,mutations} "$TREE/lib"
    cp "$REPO"/tests/bin/{mutate,run-bats,shell-files} "$TREE/tests/bin/"
    printf '%s\n' 'Title' > "$TREE/DOCUMENT.rst"
    printf '%s\n' 'guard=yes' 'other=yes' > "$TREE/lib/part"
    # shellcheck disable=SC2016  # text of a file
    printf '%s\n' '@test "the guard is there" {' \
        '    grep -q guard=yes "$BATS_TEST_DIRNAME/../lib/part"' '}' \
        '@test "it is left out" {' '    skip' '}' > "$TREE/tests/part.bats"
    mutation guard 's/guard=yes/guard=no/'
}

# Usage: mutation NAME SED [FILTER]
function mutation {
    printf '%s\n' 'promise=It is guarded.' document=DOCUMENT.rst \
        test=tests/part.bats filter="${3:-the guard}" file=lib/part \
        sed="$2" > "$TREE/tests/mutations/$1"
}

@test "mutate: a guard that its test misses is said to be" {
    run "$TREE/tests/bin/mutate"

    assert_success
    assert_line --partial 'guard: tests/part.bats fails without the guard'
    assert_line 'mutate: 1 of 1 guards are missed by their tests'
    run cat "$TREE/lib/part"
    assert_output $'guard=yes\nother=yes'
}

@test "mutate: a test that passes without the guard fails the run" {
    mutation nothing 's/other=yes/other=no/'

    run "$TREE/tests/bin/mutate"

    assert_failure 1
    assert_line --partial 'nothing: tests/part.bats PASSES without the guard'
    # and what one takes out is there for the next
    assert_line --partial 'guard: tests/part.bats fails without the guard'
    assert_line 'mutate: 1 of 2 guards are missed by their tests'
}

@test "mutate: what proves nothing fails the run" {
    local row
    local -a bad=()
    # sed, what is said, the filter
    local -a rows=(
        's/nowhere/else/|sed changes nothing in lib/part'
        's/unfinished|sed refuses the expression'
        's/guard=yes/guard=no/|fails with the guard in its place|left out'
        's/guard=yes/guard=no/|fails with the guard in its place|no such test'
        '|no KEY=VALUE'
    )
    for row in "${rows[@]}"; do
        IFS='|' read -r -a row <<< "$row"
        mutation guard "${row[0]}" "${row[2]:-}"
        run "$TREE/tests/bin/mutate" guard
        [[ "$status" == 1 && "$output" == *"${row[1]}"* ]] ||
            bad+=("${row[*]}: $output"$'\n')
    done
    assert_equal "${bad[*]}" ''
}

@test "mutate: a file of tests that does not come up proves nothing" {
    # shellcheck disable=SC2016  # text of a file
    printf '%s\n' 'function setup_file {' \
        '    grep -q guard=yes "$BATS_TEST_DIRNAME/../lib/part"' '}' \
        '@test "the guard is there" {' '    true' '}' \
        > "$TREE/tests/part.bats"

    run "$TREE/tests/bin/mutate"

    assert_failure 1
    assert_line --partial 'guard: tests/part.bats does not come up'
}

@test "mutate: names, and wrong usage" {
    mutation another 's/x/y/'

    run "$TREE/tests/bin/mutate" --list
    assert_output $'another\nguard'
    run "$TREE/tests/bin/mutate" --nosuch
    assert_failure 2
    run "$TREE/tests/bin/mutate" nosuch
    assert_failure 2
    run "$TREE/tests/bin/mutate" --help
    assert_output --partial 'Usage: tests/bin/mutate'
}

@test "mutations: each is well formed, finds its test and changes its file" {
    local name key value file text titles
    local -a bad=() seds=()
    local -A field=()
    for file in "$REPO"/tests/mutations/*; do
        name=${file##*/}
        field=()
        seds=()
        [[ "$name" =~ ^[a-z][a-z0-9-]*$ ]] || bad+=("$name: its name;")
        while IFS= read -r text; do
            key=${text%%=*}
            value=${text#*=}
            case $key in
                sed) seds+=(-e "$value") ;;
                promise|document|test|filter|file)
                    [[ -z "${field[$key]:-}" ]] ||
                        bad+=("$name: $key twice;")
                    ;;
                *) bad+=("$name: $text;") ;;
            esac
            field[$key]=$value
        done < "$file"
        for key in document test file; do
            [[ -f "$REPO/${field[$key]:-}" ]] ||
                bad+=("$name: $key ${field[$key]:-};")
        done
        # of pytest a function's name, in words
        titles=$(sed -n -e 's/^@test "\(.*\)" {$/\1/p' \
            -e '/^def test_/ { s/^def test_\(.*\)(.*$/\1/; s/_/ /gp }' \
            "$REPO/${field[test]}")
        grep -q -E -e "${field[filter]}" <<< "${titles//\\/}" ||
            bad+=("$name: no test '${field[filter]}';")
        text=$(sed -E "${seds[@]}" "$REPO/${field[file]}")
        [[ "$text" != "$(< "$REPO/${field[file]}")" ]] ||
            bad+=("$name: sed changes nothing;")
        [[ -n "${field[promise]:-}" ]] || bad+=("$name: no promise;")
    done
    assert_equal "${bad[*]}" ''
}

@test "mutations: SECURITY.rst has each promise, and none without its proof" {
    local name row cells
    local -a bad=()
    local -A proved=()
    read_mutations SECURITY.rst
    read_promises SECURITY.rst
    assert [ "${#MUTATIONS[@]}" -gt 20 ]

    for row in "${PROMISES[@]}"; do
        cells=${row##*'|'}
        while [[ "$cells" == *'``'*'``'* ]]; do
            cells=${cells#*'``'}
            name=${cells%%'``'*}
            cells=${cells#*'``'}
            proved[$name]=yes
            [[ " ${MUTATIONS[*]} " == *" $name "* && \
                "${MUTATION[$name,promise]:-}" == "${row%%'|'*}" ]] ||
                bad+=("row '${row%%'|'*}': no mutation $name;")
        done
    done
    for name in "${MUTATIONS[@]}"; do
        [[ -n "${proved[$name]:-}" ]] ||
            bad+=("$name: not in the row '${MUTATION[$name,promise]}';")
    done
    assert_equal "${bad[*]}" ''
}
