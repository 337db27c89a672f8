#!/usr/bin/env bats
#
# lib/render: text from data, and no value becomes anything but itself

load ../helpers/load
load ../helpers/unit

function setup {
    fake_system
    untraced load_lib lib/verbs
    FILE=$BATS_TEST_TMPDIR/template
}

# Write a template of these lines.
#
# Usage: template LINE...
function template {
    printf '%s\n' "$@" > "$FILE"
}

# The text of an ini from settings in one line: 'a=1;b=2'.
#
# Usage: ini_of SETTINGS    Sets REPLY
function ini_of {
    local setting
    local -a settings=()
    IFS=';' read -r -a settings <<< "$1"
    REPLY=$'[uwsgi]\n'
    for setting in "${settings[@]}"; do
        REPLY+="${setting%%=*} = ${setting#*=}"$'\n'
    done
}

@test "render read: a file to its last byte" {
    local row
    local -a bad=()

    for row in '' a $'a\n' $'a\n\n\n' $'\n' $' a \n b' $'a\\nb\\\n' '-n' $'\t'
    do
        printf '%s' "$row" > "$FILE"
        REPLY='unset'
        _wsgi_render_read "$FILE"
        [[ "$REPLY" == "$row" ]] || bad+=("${row@Q}: ${REPLY@Q};")
    done

    assert_equal "${bad[*]}" ''
}

@test "render read: what is absent or a folder is told by the status alone" {
    run _wsgi_render_read "$BATS_TEST_TMPDIR/none"
    assert_failure 1
    assert_output ''

    run _wsgi_render_read "$BATS_TEST_TMPDIR"
    assert_failure 1
    assert_output ''
}

@test "render lines: the values of a repeatable field, one by one" {
    local row
    local -a bad=()

    for row in '' a $'a\nb' $'a b\n*\n\\' $' a\nb '; do
        _wsgi_render_lines "$row"
        printf -v REPLY '%s\n' "${REPLY_LINES[@]}"
        [[ "${#REPLY_LINES[@]}" -gt 0 ]] || REPLY=$'\n'
        [[ "$REPLY" == "$row"$'\n' ]] || bad+=("${row@Q}: ${REPLY@Q};")
    done

    assert_equal "${bad[*]}" ''
}

@test "render template: marks are filled, the rest stays" {
    local -a marks=(NAME hello UNIT_X h PATH /hello)
    template '# @NAME@' 'A=@NAME@-@NAME@@UNIT_X@' '' 'mail=a@b@c' \
        'x=@lower@ @ @@ 5@' '    <@PATH@>'

    _wsgi_render_template "$FILE" marks

    assert_equal "$REPLY" '# hello
A=hello-helloh

mail=a@b@c
x=@lower@ @ @@ 5@
    </hello>
'
}

@test "render template: a value is literal, whatever it holds" {
    local value
    # shellcheck disable=SC2016  # the characters themselves
    local -a marks=() bad=() values=(
        '&' 'a&b' "\\" '\\x' '\&' '\0' '$HOME' '${X}' '$(id)' '`id`' '%s' '%%'
        '*' '?' '[a]' '#' '/' '"' "'" '@NAME@' '@OTHER@' '@NONE@' '@' 'a@B'
        '!' '~' ' ' 'a  b' $'a\tb'
    )
    template 'X=@NAME@; @OTHER@' '@NAME@'

    for value in "${values[@]}"; do
        marks=(NAME "$value" OTHER "<$value>")
        _wsgi_render_template "$FILE" marks
        [[ "$REPLY" == "X=$value; <$value>"$'\n'"$value"$'\n' ]] ||
            bad+=("${value@Q}: ${REPLY@Q};")
    done

    assert_equal "${bad[*]}" ''
}

@test "render template: a mark that nothing fills is an error and named" {
    local -a marks=(NAME hello)
    template 'a' '@NAME@' 'b=@NONE@'

    run _wsgi_render_template "$FILE" marks

    assert_failure 1
    assert_output "[ERROR] wsgi: $FILE: nothing fills @NONE@"
}

@test "render template: a line with one mark is left out if that is empty" {
    local -a marks=(EMPTY '' FULL x)
    template 'a' 'b=@EMPTY@' '@EMPTY@' 'c=@EMPTY@;' 'd=@FULL@' 'e'

    _wsgi_render_template "$FILE" marks

    assert_equal "$REPLY" $'a\nd=x\ne\n'
}

@test "render template: a line with several marks stays" {
    local -a marks=(EMPTY '' ALSO '' FULL x)
    template 'a=@EMPTY@,@ALSO@;' 'b=@EMPTY@@FULL@' 'c=@FULL@@EMPTY@' 'd'

    _wsgi_render_template "$FILE" marks

    assert_equal "$REPLY" $'a=,;\nb=x\nc=x\nd\n'
}

@test "render template: several lines may take the place of a mark" {
    local -a marks=(BLOCK $'b\nc')
    template 'a' '@BLOCK@' 'd'

    _wsgi_render_template "$FILE" marks

    assert_equal "$REPLY" $'a\nb\nc\nd\n'
}

@test "render template: the same template serves again with other values" {
    local -a marks=(NAME one)
    template 'a' 'n=@NAME@' 'b'
    _wsgi_render_template "$FILE" marks

    marks=(NAME two)
    _wsgi_render_template "$FILE" marks

    assert_equal "$REPLY" $'a\nn=two\nb\n'
}

@test "render template: a template that is not there is an error" {
    local -a marks=()

    run _wsgi_render_template "$BATS_TEST_TMPDIR/none" marks

    assert_failure 1
}

@test "render template: every template in files/ is filled by somebody" {
    local name mark
    local -a bad=()
    # a mark that the goldens do not show would be one that is always empty
    for name in "${SHAPES[@]}"; do
        untraced shape "$name"
        untraced _wsgi_apply_plan thing-api || bad+=("$name")
    done

    assert_equal "${bad[*]}" ''
}

@test "render ini: settings in their order, comments where they are" {
    local -a pairs=('#' 'why' a 1 b 'x = y' b 2 '#' 'end')

    _wsgi_render_ini uwsgi pairs

    assert_equal "$REPLY" '[uwsgi]
# why
a = 1
b = x = y
b = 2
# end
'
}

@test "render ini: an empty list is an empty section" {
    local -a pairs=()

    _wsgi_render_ini uwsgi pairs

    assert_equal "$REPLY" $'[uwsgi]\n'
}

@test "render values: the table of each target" {
    local row
    local -a bad=()
    # function, text, value
    # shellcheck disable=SC2016  # the characters themselves
    local -a rows=(
        'ini_value|100%|100%%' 'ini_value|%d %(x|%%d %%(x' 'ini_value|a\b|a\b'
        'ini_value|$X "q"|$X "q"' 'ini_value||'
        'unit_value|a b|"a b"' 'unit_value|A=%h|"A=%%h"' 'unit_value||""'
        'unit_value|a"b|"a\"b"' 'unit_value|a\|"a\\"' 'unit_value|\n|"\\n"'
        'unit_value|\"|"\\\""' 'unit_value|$X ${Y}|"$X ${Y}"'
        "unit_value|it's; #|\"it's; #\""
        'json|a"b|"a\"b"' 'json|a\|"a\\"' 'json|a b|"a b"'
        $'json|a\tb|"a\\tb"'
    )

    for row in "${rows[@]}"; do
        IFS='|' read -r name text wanted <<< "$row"
        "_wsgi_render_$name" "$text"
        [[ "$REPLY" == "$wanted" ]] || bad+=("$row: $REPLY;")
    done

    assert_equal "${bad[*]}" ''
}

@test "render values: JSON that python3 reads back" {
    local value text='' wanted=''
    requires python3

    for value in 'a"b' "a\\" '\n' $'a\tb' $'a\nb' 'ü' '/' '</script>'; do
        _wsgi_render_json "$value"
        text+=${text:+,}$REPLY
        wanted+="$value;"
    done

    run python3 -c 'import json, sys
print("".join(v + ";" for v in json.loads(sys.argv[1])))' "[$text]"
    assert_output "$wanted"
}

@test "render merge: the table of what was edited and what is new" {
    local row base new edited merged edits text
    local -a _WSGI_EDITS=() bad=()
    # what we wrote | what we would write | the file | what it becomes | edits
    local -a rows=(
        'a=1|a=2|a=1|a=2|'
        'a=1;b=1|a=1;b=2|a=9;b=1|a=9;b=2|a = 9: by hand, was 1'
        'a=1|a=2|a=9|a=9|a = 9: by hand, was 1'
        'a=1|a=1|a=9|a=9|a = 9: by hand, was 1'
        'a=1|a=2|a=2|a=2|a = 2: by hand, was 1'
        'a=1|a=2|a=1;x=5|a=2;x=5|x = 5: added by hand'
        'a=1|a=1;x=1|a=1;x=5|a=1;x=5|x = 5: added by hand'
        'a=1|x=1;a=1|a=1;x=5|x=5;a=1|x = 5: added by hand'
        'a=1;b=1|a=1;b=2|a=1|a=1|b: removed by hand'
        'a=1;b=1|a=1|a=1|a=1|b: removed by hand'
        'a=1;b=1|a=1|a=1;b=1|a=1|'
        'a=1;b=1|a=1|a=1;b=2|a=1;b=2|b = 2: by hand, was 1'
        'a=1|a=1;b=1|a=1|a=1;b=1|'
        'p=1;p=2|p=1;p=2;q=1|p=1;p=3|p=1;p=3;q=1|p = 1, 3: by hand, was 1, 2'
        'p=1|p=1;q=1|p=1;p=2|p=1;p=2;q=1|p = 1, 2: by hand, was 1'
        'p=1;p=2|p=1;p=2;q=1|p=2|p=2;q=1|p = 2: by hand, was 1, 2'
        'p=1;q=1;p=2|p=1;q=2;p=2|p=9;q=1|p=9;q=2|p = 9: by hand, was 1, 2'
        'p=1;p=2|p=3|p=1;p=2|p=3|'
        'p=1|p=1|p=1;p=1|p=1;p=1|p = 1, 1: by hand, was 1'
        'a=x&y|a=1|a=\&*|a=\&*|a = \&*: by hand, was x&y'
        'a=1|a=2|a=b=c|a=b=c|a = b=c: by hand, was 1'
        'a=1|a=2|a=|a=|a = : by hand, was 1'
        'a=1;b=2|a=1;b=2;c=3|b=2;a=1|a=1;b=2;c=3|'
        '|a=1|x=1|a=1;x=1|x = 1: added by hand'
    )

    for row in "${rows[@]}"; do
        IFS='|' read -r base new edited merged edits <<< "$row"
        ini_of "$merged"
        text=$REPLY
        ini_of "$base"
        base=$REPLY
        ini_of "$new"
        new=$REPLY
        ini_of "$edited"
        _wsgi_render_merge_ini "$base" "$new" "$REPLY"
        [[ "$REPLY" == "$text" ]] || bad+=("$row: ${REPLY@Q};")
        [[ "${_WSGI_EDITS[*]}" == "$edits" ]] ||
            bad+=("$row: edits ${_WSGI_EDITS[*]};")
    done

    printf '%s\n' "${bad[@]}"
    assert_equal "${#bad[@]}" 0
}

@test "render merge: how an ini is laid out is no edit" {
    local -a _WSGI_EDITS=()

    _wsgi_render_merge_ini $'[uwsgi]\na = 1\nb = 2\n' \
        $'# new\n[uwsgi]\n# why\na = 1\nb = 3\n' \
        $'; by hand\n[uwsgi]\n\n  a=1\nb   =   2   \n# c = 4\n;d = 5'

    assert_equal "$REPLY" $'# new\n[uwsgi]\n# why\na = 1\nb = 3\n'
    assert_equal "${_WSGI_EDITS[*]}" ''
}

@test "render merge: as often as one likes" {
    local -a _WSGI_EDITS=()
    local base=$'[uwsgi]\na = 1\np = 1\n' new=$'[uwsgi]\na = 2\np = 1\n' once
    local edited=$'[uwsgi]\nx = 1\na = 1\np = 1\np = 2\n'

    _wsgi_render_merge_ini "$base" "$new" "$edited"
    once=$REPLY
    _wsgi_render_merge_ini "$new" "$new" "$once"

    assert_equal "$REPLY" "$once"
}

@test "render merge: appended lines follow the new text" {
    _wsgi_render_merge_text $'a\n' $'b\n' $'a\nmine\n'

    assert_equal "$REPLY" $'b\nmine\n'
}

@test "render merge: an edit stays while there is nothing new to say" {
    _wsgi_render_merge_text $'a\nb\n' $'a\nb\n' $'a\nmine\n'

    assert_equal "$REPLY" $'a\nmine\n'
}

@test "render merge: two changes in one place are not joined" {
    run _wsgi_render_merge_text $'a\nb\n' $'a\nc\n' $'a\nmine\n'
    assert_failure 1

    # what we wrote may hold what is a pattern
    run _wsgi_render_merge_text $'*\n' $'c\n' $'a\nmine\n'
    assert_failure 1
}
