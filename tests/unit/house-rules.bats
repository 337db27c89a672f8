#!/usr/bin/env bats
#
# tests/bin/house-rules: the tree keeps them, and each is seen to find its breach

load ../helpers/load

# A tree of its own that keeps every rule, and to break one in.
function setup {
    TREE=$BATS_TEST_TMPDIR/tree
    mkdir -p "$TREE/lib" "$TREE/tests/bin"
    cp "$REPO/tests/bin/shell-files" "$TREE/tests/bin/"
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
    HOUSE_RULES_TREE=$TREE run "$REPO/tests/bin/house-rules" "$@"
}

# A rule finds so much, and nothing else.
#
# Usage: finds RULE TEXT...
#   TEXT  a part of one line each
function finds {
    local text
    rules "$1"
    for text in "${@:2}"; do
        assert_line --partial "$text"
    done
    assert_that "findings of $1" "${#lines[@]}" "$(( $# - 1 ))"
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
    run "$REPO/tests/bin/house-rules"

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

    assert_none "${bad[@]}"
}

@test "house rules: the same words in a comment or a sentence are let be" {
    break_rule file '# eval is evil, which is why' \
        'echo "which one? iniset, echo -e"' 'say "tell which"'

    rules banned-words

    assert_output ''
}

@test "house rules: a tee that appends is found" {
    break_rule file 'echo x | tee -''a /file' 'echo x | tee --app''end /file'

    finds appending-tee 'file:2: appending-tee' 'file:3: appending-tee'
}

@test "house rules: sudo is found outside its one file" {
    break_rule lib/part 'su''do true'
    break_rule lib/wsgi 'su''do true'
    break_rule file 'cmd=(su''do true)'

    finds sudo-place 'lib/part:19: sudo-place' 'file:2: sudo-place'
}

@test "house rules: the stand-in of DevStack may write as DevStack does" {
    mkdir -p "$TREE/tests/standin"
    break_rule tests/standin/part 'su''do true' 'ini''set f s k v' \
        'echo x | tee -''a /file'

    rules banned-words appending-tee sudo-place

    assert_output ''
    assert_success
}

@test "house rules: a function written the other way is found" {
    break_rule file 'a_b() {' ':' '}' 'function c(''){' ':' '}'

    finds function-style 'file:2: function-style' 'file:5: function-style'
}

@test "house rules: a function of the library with a foreign name is found" {
    break_rule lib/part 'function die {' ':' '}' 'function _wsgi_x {' ':' '}' \
        'function __wsgi_x_y {' ':' '}' 'function __wsgi_part_y {' ':' '}'
    break_rule lib/devstack 'function die {' ':' '}'
    mkdir "$TREE/lib/fronts"
    break_rule lib/fronts/one 'function __wsgi_front_x {' ':' '}' \
        'function __wsgi_one_x {' ':' '}'

    finds function-prefix 'lib/part:19: function-prefix: die' \
        'lib/part:25: function-prefix: __wsgi_x_y' \
        'lib/fronts/one:5: function-prefix: __wsgi_one_x'
}

# Two files of the library, of which the first calls the second.
#
# Usage: caller_and_called DEPENDS    what the header of the first says
function caller_and_called {
    printf '%s\n' '#!/bin/bash' '#' '# lib/called - an example' '#' \
        '# Depends on: nothing' '# Reads:      nothing' \
        '# Writes:     nothing' '# Public:     none' \
        '# Private:    _wsgi_called_x' '' 'function _wsgi_called_x {' \
        '    __wsgi_called_y' '}' 'function __wsgi_called_y {' '    :' '}' \
        > "$TREE/lib/called"
    sed -i "s|^# Depends on: .*|# Depends on: $1|" "$TREE/lib/part"
    break_rule lib/part '_wsgi_called_x'
}

@test "house rules: a call of another file that the header lacks is found" {
    caller_and_called nothing

    rules function-reach

    assert_output "lib/part:1: function-reach: calls _wsgi_called_x;\
 'Depends on' lacks lib/called"
    for row in lib/called 'lib/*' 'this, lib/called (see it)'; do
        caller_and_called "$row"
        rules function-reach
        assert_output ''
    done
}

@test "house rules: a call of what is a file's own is found" {
    caller_and_called lib/called
    break_rule lib/part '# __wsgi_called_y is in a comment, and so # here'
    rules function-reach
    assert_output ''

    break_rule lib/part 'if __wsgi_called_y; then :; fi'
    finds function-reach 'lib/part:1: function-reach: calls __wsgi_called_y'
    # and when the name is put together
    sed -i '$d' "$TREE/lib/part"
    # shellcheck disable=SC2016  # text of a file
    break_rule lib/part '"__wsgi_called_$1"'
    rules function-reach
    assert_output --partial 'calls __wsgi_called_y'
}

@test "house rules: a function for others that no other calls is found" {
    caller_and_called nothing
    sed -i '$d' "$TREE/lib/part"

    finds function-reach 'lib/called:11: function-reach: no other file'
}

@test "house rules: files that depend on each other are found" {
    caller_and_called lib/called
    sed -i 's|^# Depends on: .*|# Depends on: lib/part|' "$TREE/lib/called"

    finds function-reach 'lib:1: function-reach: files that depend on each'
}

@test "house rules: a function that is too long is found, or too many" {
    local number
    mkdir "$TREE/lib/devstack_wsgi"
    {
        printf 'function wsgi_long {\n'
        printf '    :\n%.0s' {1..39}
        printf '}\n'
    } >> "$TREE/lib/part"
    printf '%s\n' 'def long():' > "$TREE/lib/devstack_wsgi/a.py"
    printf '    pass\n%.0s' {1..60} >> "$TREE/lib/devstack_wsgi/a.py"

    finds function-length 'lib/part:19: function-length: wsgi_long: 41 lines' \
        'a.py:1: function-length: long: 61 lines' \
        'lib:1: function-length: 2 of 3 functions'
    sed -i '$d' "$TREE/lib/devstack_wsgi/a.py" "$TREE/lib/part"
    printf '}\n' >> "$TREE/lib/part"
    sed -i '20d' "$TREE/lib/part"
    for number in {1..32}; do
        printf 'def short%d():\n    pass\n' "$number"
    done >> "$TREE/lib/devstack_wsgi/a.py"
    rules function-length
    assert_output ''
}

@test "house rules: a header that is not true is found" {
    caller_and_called 'lib/called, lib/unused'
    sed 's/called/unused/' "$TREE/lib/called" > "$TREE/lib/unused"
    sed -i '/^# Private/s/_wsgi_called_x/_wsgi_gone/' "$TREE/lib/called"

    finds header-truth 'lib/part:1: header-truth: calls nothing of lib/unu' \
        'lib/called:11: header-truth: the header lacks _wsgi' \
        'lib/called:1: header-truth: the header lists _wsgi_g'
    # one that is sourced for others counts
    # shellcheck disable=SC2016  # text of a file
    break_rule lib/part 'source "${BASH_SOURCE[0]%/*}/unused" || return'
    rules header-truth
    refute_line --partial unused
}

@test "house rules: an engine that prints, or starts a program, is found" {
    local file=$TREE/lib/devstack_wsgi/a.py
    mkdir "$TREE/lib/devstack_wsgi"
    printf '%s\n' 'import os' 'import subprocess' 'print(1)' \
        'os.system("x")' 'os.execv("x", [])' 'def f():' \
        '    sys.stderr.write("print(1)")' 'os.environ["a"] = "b"' \
        'os.chdir("/")' 'blueprint("print(1)")' 'os.environ["a"]' > "$file"

    rules engine-doors

    assert_equal "$(printf '%s\n' "${lines[@]}" | sed -E \
        's/^.*a\.py:([0-9]+): engine-doors: ([^:]*):.*/\1 \2/' | sort -nu)" \
        '2 subprocess
3 print
4 os.system
5 os.execv
7 sys.stderr
8 = os.environ['"'a'"']
9 os.chdir'
    # each has its place
    mv "$file" "${file%/*}/host.py"
    rules engine-doors
    refute_line --partial subprocess
    refute_line --partial os.system
    mv "${file%/*}/host.py" "${file%/*}/verbs.py"
    rules engine-doors
    refute_line --partial print
}

@test "house rules: a public function without its manual is found" {
    break_rule lib/part '# Usage:   wsgi_more' 'function wsgi_more {' ':' '}'

    finds public-header "lib/part:20: public-header: no 'Returns:'" \
        "lib/part:20: public-header: no 'Example:'"
}

@test "house rules: a file that opens otherwise is found" {
    printf '%s\n' '#!/bin/bash' '# lib/other - no blank' '# Reads: a' \
        > "$TREE/lib/other"

    finds file-header 'lib/other:2: file-header: open with' \
        'lib/other:3: file-header: open with' "no 'Depends on:'"
}

@test "house rules: fields in another order are found" {
    sed -i '/Reads/d; s/^# Public.*/&\n# Reads:      nothing/' "$TREE/lib/part"

    finds file-header 'lib/part:9: file-header'
}

@test "house rules: an exception for all of shellcheck is found" {
    printf '%s\n' 'external-sources=true' 'disable=SC2086' \
        > "$TREE/.shellcheckrc"

    finds lint-exceptions '.shellcheckrc:2: lint-exceptions'
}

@test "house rules: an open end is found in any file" {
    printf 'a\n# TO''DO later\nFIX''ME\nmethod oF\n' > "$TREE/notes.txt"

    finds open-ends 'notes.txt:2: open-ends' 'notes.txt:3: open-ends'
}

@test "house rules: the path of a checkout or of a home is found" {
    printf '%s\n' "cd $TREE/lib" "cd /ho""me/me/x" > "$TREE/notes.txt"

    finds local-paths 'notes.txt:1: local-paths' 'notes.txt:2: local-paths'
}

@test "house rules: every rule has a test here" {
    local rule
    local -a untested=()

    for rule in $("$REPO/tests/bin/house-rules" --list); do
        grep -Eq "(rules|finds) $rule( |\$)" "$BATS_TEST_FILENAME" || untested+=("$rule")
    done

    assert_none "${untested[@]}"
}

@test "house rules: an unknown rule is wrong usage" {
    rules no-such-rule

    assert_failure 2
    assert_output --partial "unknown rule 'no-such-rule'"
}
