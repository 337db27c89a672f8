#!/usr/bin/env bats
#
# tests/house-rules: the tree keeps them, and each is seen to find its breach

load ../helpers/load

# A tree of its own that keeps every rule, and to break one in.
function setup {
    TREE=$BATS_TEST_TMPDIR/tree
    mkdir -p "$TREE/lib" "$TREE/tests"
    cp "$REPO/tests/shell-files" "$TREE/tests/"
    printf '%s\n' '#!/bin/bash' '#' '# lib/part - an example' '#' \
        '# Depends on: nothing' '# Reads:      nothing' \
        '# Writes:     nothing' '# Public:     wsgi_part' \
        '# Private:    none' '' '# Do it.' '#' '# Usage:   wsgi_part' \
        '# Returns: 0' '# Example: wsgi_part' 'function wsgi_part {' \
        '    :' '}' > "$TREE/lib/part"
    git -C "$TREE" init --quiet
}

# Run all rules, or some, on that tree.
function rules {
    HOUSE_RULES_TREE=$TREE run "$REPO/tests/house-rules" "$@"
}

# Append lines to a shell file of that tree.
#
# Usage: break_rule FILE LINE...
function break_rule {
    local file=$TREE/$1
    shift
    [[ -e "$file" ]] || printf '#!/bin/bash\n' > "$file"
    printf '%s\n' "$@" >> "$file"
}

@test "house rules: this tree keeps them" {
    run "$REPO/tests/house-rules"

    assert_output ''
    assert_success
}

@test "house rules: a tree that keeps them has no findings" {
    rules

    assert_output ''
    assert_success
}

@test "house rules: banned words are found where they are commands" {
    local row
    local -a bad=()
    # shellcheck disable=SC2016  # text of a file
    local -a rows=('ev''al "$x"' 'a && ev''al b' 'x=$(wh''ich bash)'
        '    if wh''ich bash; then' 'echo -''e "a\n"' 'echo -n''e a'
        'ini''set file section key value' '! ini''set f s k v')

    for row in "${rows[@]}"; do
        printf '#!/bin/bash\n%s\n' "$row" > "$TREE/file"
        rules banned-words
        [[ "$status" == 1 && "$output" == file:2:* ]] || bad+=("$row;")
    done

    assert_equal "${bad[*]}" ''
}

@test "house rules: the same words in a comment or a sentence are let be" {
    break_rule file '# eval is evil, which is why' \
        'echo "which one? iniset, echo -e"' 'say "tell which"'

    rules banned-words

    assert_output ''
}

@test "house rules: a tee that appends is found" {
    break_rule file 'echo x | tee -''a /file' 'echo x | tee --app''end /file'

    rules appending-tee

    assert_line --partial 'file:2: appending-tee'
    assert_line --partial 'file:3: appending-tee'
}

@test "house rules: sudo is found outside its one file" {
    break_rule lib/part 'su''do true'
    break_rule lib/wsgi 'su''do true'
    break_rule file 'cmd=(su''do true)'

    rules sudo-place

    assert_line --partial 'lib/part:19: sudo-place'
    assert_line --partial 'file:2: sudo-place'
    assert_equal "${#lines[@]}" 2
}

@test "house rules: the stand-in of DevStack may write as DevStack does" {
    mkdir -p "$TREE/tests/devstack"
    break_rule tests/devstack/part 'su''do true' 'ini''set f s k v' \
        'echo x | tee -''a /file'

    rules banned-words appending-tee sudo-place

    assert_output ''
    assert_success
}

@test "house rules: a function written the other way is found" {
    break_rule file 'a_b() {' ':' '}' 'function c(''){' ':' '}'

    rules function-style

    assert_line --partial 'file:2: function-style'
    assert_line --partial 'file:5: function-style'
}

@test "house rules: a function of the library with a foreign name is found" {
    break_rule lib/part 'function die {' ':' '}' 'function _wsgi_x {' ':' '}'
    break_rule lib/devstack 'function die {' ':' '}'

    rules function-prefix

    assert_output --partial 'lib/part:19: function-prefix: die'
    assert_equal "${#lines[@]}" 1
}

@test "house rules: a public function without its manual is found" {
    break_rule lib/part '# Usage:   wsgi_more' 'function wsgi_more {' ':' '}'

    rules public-header

    assert_line --partial "lib/part:20: public-header: no 'Returns:'"
    assert_line --partial "lib/part:20: public-header: no 'Example:'"
    assert_equal "${#lines[@]}" 2
}

@test "house rules: a file that opens otherwise is found" {
    printf '%s\n' '#!/bin/bash' '# lib/other - no blank' '# Reads: a' \
        > "$TREE/lib/other"

    rules file-header

    assert_line --partial 'lib/other:2: file-header: open with'
    assert_line --partial "no 'Depends on:'"
}

@test "house rules: fields in another order are found" {
    sed -i '/Reads/d; s/^# Public.*/&\n# Reads:      nothing/' "$TREE/lib/part"

    rules file-header

    assert_output --partial 'lib/part:9: file-header'
}

@test "house rules: an exception for all of shellcheck is found" {
    printf '%s\n' 'external-sources=true' 'disable=SC2086' \
        > "$TREE/.shellcheckrc"

    rules lint-exceptions

    assert_output --partial '.shellcheckrc:2: lint-exceptions'
}

@test "house rules: an open end is found in any file" {
    printf 'a\n# TO''DO later\nFIX''ME\nmethod oF\n' > "$TREE/notes.txt"

    rules open-ends

    assert_line --partial 'notes.txt:2: open-ends'
    assert_line --partial 'notes.txt:3: open-ends'
    assert_equal "${#lines[@]}" 2
}

@test "house rules: the path of a checkout or of a home is found" {
    printf '%s\n' "cd $TREE/lib" "cd /ho""me/me/x" > "$TREE/notes.txt"

    rules local-paths

    assert_line --partial 'notes.txt:1: local-paths'
    assert_line --partial 'notes.txt:2: local-paths'
}

@test "house rules: every rule has a test here" {
    local rule
    local -a untested=()

    for rule in $("$REPO/tests/house-rules" --list); do
        grep -q "rules $rule\$" "$BATS_TEST_FILENAME" || untested+=("$rule")
    done

    assert_equal "${untested[*]}" ''
}

@test "house rules: an unknown rule is wrong usage" {
    rules no-such-rule

    assert_failure 2
    assert_output --partial "unknown rule 'no-such-rule'"
}
