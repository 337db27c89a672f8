#!/usr/bin/env bats
#
# lib/record: what is declared is what is known of a service, on disk too

load ../helpers/load
load ../helpers/unit

function setup {
    fake_system
    untraced load_lib lib/verbs
}

# Declare a service in this shell, whatever it lacks added.
#
# Usage: declare_service NAME [OPTION...]
function declare_service {
    with_defaults "$@"
    untraced _wsgi_record_declare "${REPLY_WORDS[@]}"
}

# The value of one field, with '|' between those of a repeatable one.
#
# Usage: field NAME FIELD    Sets REPLY
function field {
    REPLY=${_WSGI_RECORD[$1,$2]-}
    REPLY=${REPLY//$'\n'/|}
}

# Everything that the registry holds of the service of a shape, in order.
#
# Usage: registry    Sets REPLY
function registry {
    local key
    REPLY=$(
        # shellcheck disable=SC2153  # the library's
        for key in "${_WSGI_FIELDS[@]}"; do
            printf '%s=%q\n' "$key" "${_WSGI_RECORD[thing-api,$key]-}"
        done
        printf '%s\n' "${_WSGI_NAMES[*]}"
        for key in "${!_WSGI_TAKEN[@]}"; do
            printf 'taken %s by %s\n' "$key" "${_WSGI_TAKEN[$key]}"
        done | LC_ALL=C sort
    )
}

# Load a record that has these lines besides what every record needs.
#
# Usage: load_record NAME LINE...
function load_record {
    local name=$1
    shift
    mkdir -p "$WSGI_SYSROOT/etc/devstack-wsgi/services"
    printf '%s\n' "name=$name" "user=$ACCOUNT" "group=$ACCOUNT" "$@" \
        > "$WSGI_SYSROOT/etc/devstack-wsgi/services/$name.conf"
    untraced _wsgi_record_load_all
}

@test "record: every shape is its golden copy" {
    function record_of {
        _wsgi_record_text "$1"
        _WSGI_FILES+=(record "$REPLY")
    }

    assert_golden_shapes record .record record_of
}

@test "record: what is declared is what another shell loads" {
    local name before
    local -a bad=()

    for name in "${SHAPES[@]}"; do
        untraced shape "$name"
        registry
        before=$REPLY
        _wsgi_record_text thing-api
        mkdir -p "$WSGI_SYSROOT/etc/devstack-wsgi/services"
        printf '%s' "$REPLY" \
            > "$WSGI_SYSROOT/etc/devstack-wsgi/services/thing-api.conf"
        untraced _wsgi_record_load_all
        registry
        [[ "$REPLY" == "$before" ]] || bad+=("$name")
    done

    assert_equal "${bad[*]}" ''
}

@test "record: values come back as they were, whatever they hold" {
    local value
    # shellcheck disable=SC2016  # the characters themselves
    local -a bad=() values=(
        'A=' 'A==' 'A=a=b' 'A= b ' 'A=#b' 'A=;' 'A=$HOME' 'A=$(id)'
        'A=@(exec://id)' 'A=%(x)' 'A=${X}' 'A=100%done' "A=\\" 'A=a\\b\c'
        'A="' "A='" 'A="b"' 'A=`id`' 'A=*' 'A=ü' 'A=&' 'A=@NAME@' 'A=[b]'
    )

    for value in "${values[@]}"; do
        declare_service new --env "$value"
        _wsgi_record_text new
        load_record new "${REPLY#*group="$ACCOUNT"$'\n'}" \
            app=thing.wsgi:application path=/new
        field new env
        [[ "$REPLY" == "$value" ]] || bad+=("$value: $REPLY;")
    done

    assert_equal "${bad[*]}" ''
}

@test "record: comments, empty lines and any order are read" {
    load_record new '# a comment' '' 'path=/new' 'env=B=1' '#env=C=1' \
        'app=m:a' 'env=A=1' 'threads=3'

    field new env
    assert_equal "$REPLY" 'B=1|A=1'
    field new threads
    assert_equal "$REPLY" 3
}

@test "record: a last line without its end counts" {
    load_record new app=m:a path=/new
    printf 'threads=7' \
        >> "$WSGI_SYSROOT/etc/devstack-wsgi/services/new.conf"

    untraced _wsgi_record_load_all

    field new threads
    assert_equal "$REPLY" 7
}

@test "record: what nobody says has a default" {
    local row name expected
    local -a bad=() rows=(
        unit=new site=new key=new mode=uwsgi transport=uwsgi processes=2
        threads=1 hardening=standard "user=$ACCOUNT" "group=$ACCOUNT"
        preload= on-demand= venv= conf= healthcheck= listen= env= arg= set=
    )

    declare_service new

    for row in "${rows[@]}"; do
        name=${row%%=*}
        expected=${row#*=}
        field new "$name"
        [[ "$REPLY" == "$expected" ]] || bad+=("$name: $REPLY;")
    done
    assert_equal "${bad[*]}" ''
}

@test "record: a service with an address of its own speaks HTTP" {
    declare_service new --listen 127.0.0.1:8775

    field new transport
    assert_equal "$REPLY" http
}

@test "record: who is meant when nobody says the user" {
    # shellcheck disable=SC2016  # the stub expands it
    stub id 'case $1 in -un) echo daemon ;; *) exec /usr/bin/id "$@" ;; esac'
    untraced _wsgi_record_declare new --app m:a --path /new
    field new user
    assert_equal "$REPLY" daemon

    SUDO_USER=nobody
    untraced _wsgi_record_declare new --app m:a --path /new
    field new user
    assert_equal "$REPLY" nobody

    STACK_USER=$ACCOUNT
    untraced _wsgi_record_declare new --app m:a --path /new
    field new user
    assert_equal "$REPLY" "$ACCOUNT"

    _wsgi_record_declare new --app m:a --path /new --user nobody
    field new user
    assert_equal "$REPLY" nobody
}

@test "record: the values that are good are taken" {
    local row option value
    # shellcheck disable=SC2016  # the characters themselves
    local -a bad=() rows=(
        'unit|a' 'unit|n-api-meta' 'key|c2-api' 'site|x9'
        "unit|$(printf 'a%.0s' {1..48})" 'app|m:a' 'app|_a.b_c.D9:_x' 'app|m.n:make()'
        'path|/a' 'path|/v2.1/x_y~z-' 'path|/A/B/C' 'path|/..a' 'path|/a..b'
        'listen|0.0.0.0:1' 'listen|255.255.255.255:65535' 'listen|[::]:80'
        'listen|[::1]:8775' 'listen|[2001:DB8::1:0]:80'
        'listen|[1:2:3:4:5:6:7:8]:80' 'mode|uwsgi' 'transport|http'
        'processes|1' 'processes|512' 'threads|512' 'user|_apt' 'group|daemon'
        'chdir|/' 'chdir|/usr/' 'python-path|/usr/lib' 'healthcheck|/'
        'healthcheck|/v3/health-check.json' 'hardening|off' 'env|_=x'
        'env|http_proxy=http://[::1]:3128/?a=b&c' 'env|LDX=1' 'env|MAINPID2=1'
        'env|PATH=/usr/bin' 'arg|--config-file=/etc/x.conf'
        'arg|100%' 'arg|a;b' 'arg|a$b' 'arg|@a' 'set|harakiri=60'
        'set|harakiri=a b' 'set|route-run=log:x' 'conf|/etc/x-y_z.ini'
        'script|/etc/passwd'
    )

    for row in "${rows[@]}"; do
        option=${row%%|*}
        value=${row#*|}
        declare_service new "--$option" "$value" > /dev/null 2>&1 ||
            bad+=("$row")
        field new "$option"
        [[ "$REPLY" == "$value" ]] || bad+=("$row: $REPLY;")
    done

    assert_equal "${bad[*]}" ''
}

@test "record: an option wins over the toggles, they over the catalogue" {
    local row variables options wanted word
    # toggles, options, the field and its value
    local -a words=() bad=() rows=(
        '||mode=uwsgi'
        '||threads=2'
        '||processes=2'
        'API_WORKERS=7||processes=7'
        'API_WORKERS=7||threads=2'
        'WSGI_PROCESSES=5 API_WORKERS=7||processes=5'
        'WSGI_PROCESSES_nova_api=6 WSGI_PROCESSES=5||processes=6'
        'WSGI_PROCESSES_n_api=6 WSGI_PROCESSES=5||processes=6'
        'WSGI_PROCESSES_nova_api=6 WSGI_PROCESSES_n_api=4||processes=6'
        'WSGI_PROCESSES=5|--processes 3|processes=3'
        'WSGI_PROCESSES_n_api=5|--processes 3|processes=3'
        'API_WORKERS=7|--processes 3|processes=3'
        'WSGI_THREADS=9||threads=9'
        'WSGI_THREADS_nova_api=8 WSGI_THREADS=9||threads=8'
        'WSGI_THREADS_n_api=8|--threads 1|threads=1'
        'WSGI_THREADS_keystone=8||threads=2'
        'WSGI_TRANSPORT_nova_api=http||transport=http'
        'WSGI_TRANSPORT_n_api=http||transport=http'
        'WSGI_TRANSPORT=http||transport=uwsgi'
        'WSGI_TRANSPORT_nova_api=http|--transport uwsgi|transport=uwsgi'
        'WSGI_HARDENING=off||hardening=off'
        'WSGI_HARDENING=off|--hardening strict|hardening=strict'
        'WSGI_HARDENING_n_api=strict WSGI_HARDENING=off||hardening=strict'
        'WSGI_THREADS_n_compute=4|--unit n-compute|threads=4'
        'WSGI_THREADS_n_web=4|--site n-web|threads=4'
        'WSGI_THREADS_n_key=4|--key n-key|threads=4'
        'WSGI_THREADS_n_api=4|--unit n-compute --key n-key|threads=2'
        'WSGI_PROCESSES=||processes=2'
    )

    for row in "${rows[@]}"; do
        IFS='|' read -r variables options wanted <<< "$row"
        read -r -a words <<< "$variables"
        # a shell of its own for the variables
        (
            for word in "${words[@]}"; do
                export "${word?}"
            done
            read -r -a words <<< "$options"
            untraced _wsgi_record_declare n-api --user "$ACCOUNT" "${words[@]}"
            field nova-api "${wanted%%=*}"
            [[ "$REPLY" == "${wanted#*=}" ]]
        ) || bad+=("$row;")
    done

    assert_equal "${bad[*]}" ''
}

@test "record: the toggle for all asks no more than the catalogue's sandbox" {
    local row entry variables options wanted word
    # the catalogue's; variables; options; what it is
    local -a words bad=() rows=(
        '|||standard'
        'off|||off'
        'off|WSGI_HARDENING=standard||off'
        'off|WSGI_HARDENING=strict||off'
        'off|WSGI_HARDENING_keystone=strict||strict'
        'off|WSGI_HARDENING=off WSGI_HARDENING_key=standard||standard'
        'off|WSGI_HARDENING=off|--hardening standard|standard'
        'standard|||standard'
        'standard|WSGI_HARDENING=off||off'
        'standard|WSGI_HARDENING=strict||standard'
        'standard|WSGI_HARDENING=strict|--hardening strict|strict'
        '|WSGI_HARDENING=strict||strict'
    )

    copy_library
    cp "$COPY/files/catalog/keystone" "$BATS_TEST_TMPDIR/entry"
    for row in "${rows[@]}"; do
        IFS='|' read -r entry variables options wanted <<< "$row"
        { cat "$BATS_TEST_TMPDIR/entry"
            [[ -z "$entry" ]] || echo "hardening=$entry"
        } > "$COPY/files/catalog/keystone"
        read -r -a words <<< "$variables"
        read -r -a options <<< "$options"
        # shellcheck disable=SC2016  # the shell's own
        run env "${words[@]}" bash -c '
            source "$1/lib/verbs" || exit
            _wsgi_record_declare keystone --user "${@:2}" || exit
            printf "%s\n" "${_WSGI_RECORD[keystone,hardening]}"' row \
            "$COPY" "$ACCOUNT" "${options[@]}"
        [[ "$output" == "$wanted" ]] || bad+=("$row: $output;")
    done

    assert_equal "${bad[*]}" ''
}

@test "record: the toggles of the mode, of one service before all" {
    local -a rows=(
        '||uwsgi'
        'WSGI_MODE=toy||toy'
        'WSGI_MODE=uwsgi||uwsgi'
        'DEVSTACK_WSGI_MODE=toy||toy'
        'DEVSTACK_WSGI_MODE=toy WSGI_MODE=uwsgi||toy'
        'DEVSTACK_WSGI_MODE=uwsgi WSGI_MODE=toy||uwsgi'
        'WSGI_MODE_nova_api=toy DEVSTACK_WSGI_MODE=uwsgi||toy'
        'WSGI_MODE_n_api=toy WSGI_MODE=uwsgi||toy'
        'WSGI_MODE_n_api=uwsgi WSGI_MODE=toy||uwsgi'
        'WSGI_MODE_keystone=toy||uwsgi'
        'WSGI_MODE_nova_api=toy|--mode uwsgi|uwsgi'
        '|--mode toy|toy'
    )

    toy_server
    cat > "$BATS_TEST_TMPDIR/script" << 'END'
source "$1" || exit
for row in "${@:3}"; do
    IFS='|' read -r variables options wanted <<< "$row"
    read -r -a words <<< "$variables"
    (
        for word in "${words[@]}"; do
            export "${word?}"
        done
        read -r -a words <<< "$options"
        _wsgi_record_declare nova-api --user "$2" "${words[@]}" || exit
        mode=${_WSGI_RECORD[nova-api,mode]}
        [[ "$mode" == "$wanted" ]] || echo "$row: $mode"
    )
done
END

    run bash "$BATS_TEST_TMPDIR/script" "$COPY/lib/verbs" "$ACCOUNT" \
        "${rows[@]}"

    assert_success
    assert_output ''
}

@test "record: the catalogue's entry is found by any of its names" {
    local word
    local -a bad=()

    for word in keystone keystone-api key; do
        REPLY=''
        _wsgi_record_declare "$word" --user "$ACCOUNT"
        [[ "$REPLY" == keystone ]] || bad+=("$word: $REPLY")
    done

    assert_equal "${bad[*]}" ''
    assert_equal "${_WSGI_NAMES[*]}" keystone
}

@test "record: the catalogue's entry, and what the caller says over it" {
    local row
    # field, and its values
    local -a bad=() rows=(
        'app|keystone.wsgi.api:application' 'path|/identity' 'unit|keystone'
        'site|keystone-api' 'key|id' 'healthcheck|/v3' 'threads|4'
        'env|OS_KEYSTONE_CONFIG_DIR=/srv|A=2|B=1' 'set|harakiri=70'
        'arg|--c|d'
    )

    untraced _wsgi_record_declare keystone --user "$ACCOUNT" --key id \
        --healthcheck /v3 --threads 4 --env A=1 \
        --env OS_KEYSTONE_CONFIG_DIR=/srv --env A=2 --env B=1 \
        --set harakiri=60 --set harakiri=70 --arg --c --arg d

    for row in "${rows[@]}"; do
        field keystone "${row%%|*}"
        [[ "$REPLY" == "${row#*|}" ]] || bad+=("$row: $REPLY;")
    done
    assert_equal "${bad[*]}" ''
}

@test "record: variables and settings join the catalogue's, one by one" {
    untraced _wsgi_record_declare glance-api --user "$ACCOUNT" --env A=1 \
        --set harakiri=60

    field glance-api env
    assert_equal "$REPLY" 'OS_GLANCE_CONFIG_DIR=/etc/glance|A=1'
    field glance-api set
    assert_equal "$REPLY" 'post-buffering=0|harakiri=60'
}

@test "record: a setting of the catalogue is replaced by the caller's" {
    untraced _wsgi_record_declare glance-api --user "$ACCOUNT" \
        --set post-buffering=4096

    field glance-api set
    assert_equal "$REPLY" 'post-buffering=4096'
}

@test "record: arguments are a whole, the caller's in place of others" {
    copy_library
    printf 'arg=%s\n' --old one >> "$COPY/files/catalog/keystone"

    "$COPY/tools/wsgi" deploy keystone --user "$ACCOUNT"
    run grep ^arg= "$WSGI_SYSROOT/etc/devstack-wsgi/services/keystone.conf"
    assert_output $'arg=--old\narg=one'

    "$COPY/tools/wsgi" deploy keystone --user "$ACCOUNT" --arg new --arg two
    run grep ^arg= "$WSGI_SYSROOT/etc/devstack-wsgi/services/keystone.conf"
    assert_output $'arg=new\narg=two'
}

@test "record: a script takes the place of the catalogue's application" {
    untraced _wsgi_record_declare keystone --user "$ACCOUNT" \
        --script /etc/passwd

    field keystone script
    assert_equal "$REPLY" /etc/passwd
    field keystone app
    assert_equal "$REPLY" ''
}

@test "record: a service of one's own may be called like a catalogue's key" {
    declare_service key --app m:a --path /key

    assert_equal "${_WSGI_NAMES[*]}" key
    field key app
    assert_equal "$REPLY" m:a
    field key env
    assert_equal "$REPLY" ''
}

@test "record: declaring again starts afresh" {
    declare_service new --threads 8 --env A=1 --preload --unit n-x
    declare_service new --env B=1

    field new env
    assert_equal "$REPLY" B=1
    field new threads
    assert_equal "$REPLY" 1
    field new preload
    assert_equal "$REPLY" ''
    assert_equal "${_WSGI_NAMES[*]}" new
    assert_equal "${_WSGI_TAKEN[name n-x]-}" ''
}

@test "record: what was given up can be had by another" {
    local row
    local -a words=() bad=() rows=(
        '--unit u' '--site s' '--key k' '--path /p' '--listen 127.0.0.1:9001'
        '--listen [::1]:9002' '--conf /etc/x.ini'
    )

    for row in "${rows[@]}"; do
        read -r -a words <<< "$row"
        declare_service one "${words[@]}"
        ! declare_service two "${words[@]}" 2> /dev/null || bad+=("$row: two;")
        declare_service one
        declare_service two "${words[@]}" || bad+=("$row;")
        declare_service two
    done

    assert_equal "${bad[*]}" ''
}

@test "record: neighbours share no more than a beginning" {
    declare_service one --path /a/b --unit u-1 --listen 127.0.0.1:9001

    declare_service two --path /a/bc --unit u-11 --listen 127.0.0.1:90
    declare_service three --path /a/b.c --listen 127.0.0.2:9001

    assert_equal "${_WSGI_NAMES[*]}" 'one two three'
}

@test "record: a service is found by each of its names" {
    local word
    local -a bad=()
    declare_service new --unit u-x --site s-x --key k-x

    for word in new u-x s-x k-x; do
        _wsgi_record_find "$word" && [[ "$REPLY" == new ]] || bad+=("$word")
    done

    assert_equal "${bad[*]}" ''
}

@test "record: every field is an option that --help tells, and the reverse" {
    local name help
    local -a bad=()
    help=$("$REPO/tools/wsgi" deploy --help)

    for name in "${_WSGI_FIELDS[@]}"; do
        [[ "$name" == name || "${_WSGI_FIELD_KIND[$name]:-}" == own || \
            "$help" == *"  --$name"[\ $'\n']* ]] ||
            bad+=("$name is not told")
    done
    while read -r name; do
        [[ " ${_WSGI_FIELDS[*]} " == *" ${name#--} "* ]] ||
            bad+=("$name is no field")
    done < <(grep -o '^ *--[a-z-]*' <<< "$help")

    assert_equal "${bad[*]}" ''
}

@test "record: every entry of the catalogue can be deployed as it is" {
    local file
    local -a names=()
    for file in "$REPO"/files/catalog/*; do
        names+=("${file##*/}")
    done
    run "$REPO/tools/wsgi" catalog
    assert_output "$(printf '%s\n' "${names[@]}")"

    names=()
    for file in "$REPO"/files/catalog/*; do
        grep -q '^removed=' "$file" || names+=("${file##*/}")
    done
    for file in uwsgi mod_wsgi; do
        run "$REPO/tools/wsgi" deploy "${names[@]}" --user "$ACCOUNT" \
            --mode "$file"
        assert_success
    done
}

@test "record: an entry says all that a reader asks" {
    local file text field said
    local -a bad=() names=()
    untraced _wsgi_record_modes
    for file in "$REPO"/files/catalog/*; do
        local -A fields=() origin=()
        untraced _wsgi_record_parse "$file" fields origin entry
        text=$(< "$file")
        [[ "$text" == '# '* && "${fields[name]}" == "${file##*/}" ]] ||
            bad+=("${file##*/}: a comment and its name come first;")
        said=${fields[app]:-${fields[script]:-${fields[removed]:-}}}
        [[ -n "$said" ]] || bad+=("${file##*/}: nothing to run;")
        for field in unit site key package healthcheck config; do
            [[ -n "${fields[$field]:-}${fields[removed]:-}" ]] ||
                bad+=("${file##*/}: no $field;")
        done
        [[ -z "${fields[app]:-}" || -n "${fields[since]:-}" ]] ||
            bad+=("${file##*/}: no since;")
        [[ -z "${fields[no-preload]:-}" || -z "${fields[preload]:-}" ]] &&
            [[ -z "${fields[no-threads]:-}" || \
                "${fields[threads]:-1}" == 1 ]] ||
            bad+=("${file##*/}: says two things;")
        [[ -z "${fields[script]:-}" || -f "${fields[script]}" ]] ||
            bad+=("${file##*/}: no ${fields[script]};")
    done

    assert_equal "${bad[*]}" ''
}

@test "record: the library's own scripts are short, Python and an entry's" {
    local file name
    local -a bad=()
    requires python3
    for file in "$REPO"/files/catalog.d/*; do
        name=${file##*/}
        grep -qx "script=files/catalog.d/$name" \
            "$REPO/files/catalog/${name%.wsgi}" || bad+=("$name: no entry;")
        [[ "$(grep -c '' "$file")" -le 30 ]] || bad+=("$name: long;")
    done

    run python3 -c '
import ast
import sys

for path in sys.argv[1:]:
    with open(path) as text:
        tree = ast.parse(text.read())
    names = {name.id for node in tree.body if isinstance(node, ast.Assign)
             for name in node.targets if isinstance(name, ast.Name)}
    names |= {node.name for node in tree.body
              if isinstance(node, ast.FunctionDef)}
    if not ast.get_docstring(tree) or "application" not in names:
        print(path)
' "$REPO"/files/catalog.d/*

    assert_success
    refute_output
    assert_equal "${bad[*]}" ''
}

@test "record: Ceilometer's API answers what became of it" {
    run "$REPO/tools/wsgi" deploy ceilometer-api --user "$ACCOUNT"

    assert_failure 1
    assert_output --partial 'ceilometer-api: its API is removed since 10.0.0'
    assert_equal "${#lines[@]}" 1
}

# Write an entry into the copy of the catalogue; deploy it from there.
#
# Usage: write_entry NAME LINE...
#        deploy_entry NAME [OPTION...]
function write_entry {
    printf '%s\n' "name=$1" "path=/$1" "${@:2}" > "$COPY/files/catalog/$1"
}

function deploy_entry {
    "$COPY/tools/wsgi" deploy "$@" --user "$ACCOUNT"
}

# Usage: record_has NAME LINE...    all of them, in the record of a service
function record_has {
    local line text=$'\n'
    text+=$(< "$WSGI_SYSROOT/etc/devstack-wsgi/services/$1.conf")$'\n'
    shift
    for line; do
        [[ "$text" == *$'\n'"$line"$'\n'* ]] || return 1
    done
}

@test "record: what only the catalogue says gets into no record" {
    local word
    local -a bad=() lines=(
        package=nova 'package=gnocchi[file,keystone]' 'package=oslo.db<15'
        type=block-storage expect=300 'config=OS_X_DIR, default /etc/x'
        'config=also a line' 'needs=the schema' 'needs=a broker; or none'
        'legacy=x-wsgi 8.0.0 27.0.2' since=30.0.0
        'no-preload=its heartbeat is a thread'
        'no-threads=written for eventlet' 'retired=2024-05, 19.0.0'
    )
    copy_library
    write_entry x-api app=m:a "${lines[@]}"

    deploy_entry x-api

    for word in "${_WSGI_ENTRY_FIELDS[@]}"; do
        refute grep "^$word=" \
            "$WSGI_SYSROOT/etc/devstack-wsgi/services/x-api.conf"
        run load_record y-api app=m:a path=/y "$word=1"
        [[ $status -eq 1 && "$output" == *"no key '$word'"* ]] ||
            bad+=("record: $word: $output;")
        run declare_service z-api "--$word" 1
        [[ $status -eq 2 && "$output" == *"unknown option '--$word'"* ]] ||
            bad+=("option: $word: $output;")
    done
    assert_equal "${bad[*]}" ''
}

@test "record: an old release's console script stands for the module" {
    local venv site script row
    local -a bad=()
    copy_library
    write_entry x-api app=x.wsgi.api:application 'legacy=x-wsgi 1.0 2.0'
    fake_venv venv 3.11.2
    venv=$REPLY
    site=$venv/lib/python3.11/site-packages
    script=$venv/bin/x-wsgi
    mkdir -p "$site"

    # neither is there
    deploy_entry x-api --venv "$venv"
    record_has x-api app=x.wsgi.api:application || bad+=(neither)
    # one that nobody can run is none
    : > "$script"
    deploy_entry x-api --venv "$venv"
    record_has x-api app=x.wsgi.api:application || bad+=(plain)
    chmod +x "$script"
    deploy_entry x-api --venv "$venv"
    record_has x-api "script=$script" || bad+=(script)
    ! record_has x-api app=x.wsgi.api:application || bad+=(both)
    # the caller's own word wins, and no venv has no script
    deploy_entry x-api --venv "$venv" --app y:a
    record_has x-api app=y:a || bad+=('own app')
    deploy_entry x-api --venv "$venv" --script /etc/passwd
    record_has x-api script=/etc/passwd || bad+=('own script')
    deploy_entry x-api
    record_has x-api app=x.wsgi.api:application || bad+=('no venv')
    # both: the module, wherever the venv has it
    for row in x/wsgi/api.py x/wsgi/api/__init__.py; do
        mkdir -p "$site/${row%/*}"
        : > "$site/$row"
        deploy_entry x-api --venv "$venv"
        record_has x-api app=x.wsgi.api:application || bad+=("$row")
        rm -r "$site/x"
    done
    mkdir -p "$BATS_TEST_TMPDIR/tree/x/wsgi"
    : > "$BATS_TEST_TMPDIR/tree/x/wsgi/api.py"
    echo "$BATS_TEST_TMPDIR/tree" > "$site/easy-install.pth"
    deploy_entry x-api --venv "$venv"
    record_has x-api app=x.wsgi.api:application || bad+=(pth)
    rm "$site/easy-install.pth"
    echo "MAPPING: dict[str, str] = {'x': '$BATS_TEST_TMPDIR/tree/x'}" \
        > "$site/__editable___x_1_0_finder.py"
    deploy_entry x-api --venv "$venv"
    record_has x-api app=x.wsgi.api:application || bad+=(editable)

    assert_equal "${bad[*]}" ''
}

@test "record: an API that was removed answers what became of it" {
    copy_library
    write_entry x-api 'removed=no API since 10.0 (Queens); y-api has it now'

    run deploy_entry x-api

    assert_failure 1
    assert_output \
        '[ERROR] wsgi: x-api: no API since 10.0 (Queens); y-api has it now'
    assert_file_not_exists \
        "$WSGI_SYSROOT/etc/devstack-wsgi/services/x-api.conf"
    # an old release may be at hand
    deploy_entry x-api --app x:a
    record_has x-api app=x:a
}

@test "record: what a service cannot do is refused with the reason" {
    local row variable option wanted
    local -a bad=() words=() rows=(
        '||threads=1'
        '|--threads 1|threads=1'
        '|--threads 4|--threads .4.: no threads here; leave it at 1'
        'WSGI_THREADS_x_api=4||WSGI_THREADS_x_api .4.: no threads here;'
        'WSGI_THREADS_x_api=4|--threads 1|threads=1'
        'WSGI_THREADS=4||threads=1'
        'WSGI_THREADS=4|--threads 2|--threads .2.: no threads here;'
        'WSGI_THREADS=many||WSGI_THREADS .many.: give a number'
        'WSGI_THREADS_x_api=many||WSGI_THREADS_x_api .many.: give a number'
        '|--preload|x-api: --preload: it has a heart; leave it out'
    )
    copy_library
    write_entry x-api app=m:a 'no-threads=no threads here' \
        'no-preload=it has a heart'

    for row in "${rows[@]}"; do
        IFS='|' read -r variable option wanted <<< "$row"
        read -r -a words <<< "$option"
        run env ${variable:+"$variable"} "$COPY/tools/wsgi" deploy x-api \
            --user "$ACCOUNT" "${words[@]}"
        if [[ "$wanted" == *=* ]]; then
            [[ $status -eq 0 ]] && record_has x-api "$wanted" ||
                bad+=("$row: $output;")
        else
            [[ $status -eq 1 && "${#lines[@]}" -eq 1 && \
                "$output" =~ $wanted ]] || bad+=("$row: $output;")
        fi
    done

    assert_equal "${bad[*]}" ''
}

@test "record: an entry may have a script of the library's own" {
    copy_library
    mkdir -p "$COPY/files/catalog.d"
    : > "$COPY/files/catalog.d/x.wsgi"
    write_entry x-api script=files/catalog.d/x.wsgi

    deploy_entry x-api

    record_has x-api "script=$COPY/files/catalog.d/x.wsgi"
    # from elsewhere it has to be a whole path
    run deploy_entry y-api --path /y --script files/catalog.d/x.wsgi
    assert_failure 1
    assert_output --partial 'absolute path'
}

@test "record: an address in CONF is the service's, under any server" {
    local conf=$WSGI_SYSROOT/etc/one.ini
    local record=$WSGI_SYSROOT/etc/devstack-wsgi/services/one.conf
    deploy one --path /one --conf /etc/one.ini
    sed -i 's/^\[uwsgi\]/&\nhttp-socket = 127.0.0.1:60999/' "$conf"

    wsgi apply

    run cat "$record"
    assert_line listen=127.0.0.1:60999
    assert_line transport=http
    run cat "$WSGI_SYSROOT/etc/systemd/system/devstack@one.socket"
    assert_line ListenStream=127.0.0.1:60999
    run cat "$WSGI_SYSROOT/etc/systemd/system/devstack@one.service.d/"*
    refute_line --partial 'UnsetEnvironment=LISTEN_FDS'
    run wsgi apply
    assert_output --partial 'nothing to change'

    wsgi switch mod_wsgi
    run cat "$WSGI_SYSROOT/etc/systemd/system/devstack@one.socket"
    assert_line ListenStream=127.0.0.1:60999
    assert_file_contains "$conf" '^http-socket = 127.0.0.1:60999$'
    sed -i 's/60999/60998/' "$conf"
    wsgi apply
    run cat "$record"
    assert_line listen=127.0.0.1:60998
    wsgi switch uwsgi
    run cat "$WSGI_SYSROOT/etc/systemd/system/devstack@one.socket"
    assert_line ListenStream=127.0.0.1:60998
    # another's address is refused, and nothing is changed
    deploy two --listen 127.0.0.1:60997
    sed -i 's/60998/60997/' "$conf"
    run wsgi apply
    assert_failure 1
    assert_output --partial 127.0.0.1:60997
}

@test "record: a deployment that says no server leaves the one it is under" {
    deploy one --mode mod_wsgi
    deploy one --threads 3
    assert_file_contains \
        "$WSGI_SYSROOT/etc/devstack-wsgi/services/one.conf" '^mode=mod_wsgi$'

    WSGI_MODE=uwsgi deploy one
    assert_file_contains \
        "$WSGI_SYSROOT/etc/devstack-wsgi/services/one.conf" '^mode=uwsgi$'
}
