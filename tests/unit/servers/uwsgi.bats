#!/usr/bin/env bats
#
# lib/servers/uwsgi: its configuration, and what it answers about itself

load ../../helpers/load
load ../../helpers/unit

function setup {
    fake_system
    untraced load_lib lib/verbs
}

# Write the configuration of a shape to $BATS_TEST_TMPDIR/conf.ini.
#
# Usage: write_conf SHAPE
function write_conf {
    local -a _WSGI_FILES=()
    shape "$1" && wsgi_uwsgi_files thing-api || return
    printf '%s' "${_WSGI_FILES[1]}" > "$BATS_TEST_TMPDIR/conf.ini"
}

# Declare a service, and write its configuration there.
#
# Usage: write_conf_of OPTION...    Sets REPLY, its text
function write_conf_of {
    with_defaults thing-api "$@"
    untraced _wsgi_record_declare "${REPLY_WORDS[@]}" &&
        untraced _wsgi_uwsgi_config thing-api || return
    printf '%s' "$REPLY" > "$BATS_TEST_TMPDIR/conf.ini"
}

# Run the real uWSGI with that until the application ends it.
#
# Usage: run_conf    Sets status and output, as run does
function run_conf {
    UWSGI_SOCKET=$BATS_TEST_TMPDIR/socket run timeout 20 uwsgi \
        --ini "$BATS_TEST_TMPDIR/conf.ini"
}

# How the real uWSGI reads a configuration: a line for each setting.
#
# Usage: uwsgi_reads FILE ARG...    Sets REPLY
function uwsgi_reads {
    local file=$1
    shift
    # without a socket it ends when it has told
    REPLY=$(uwsgi --ini "$file" --show-config "$@" < /dev/null 2>&1) || true
    REPLY=${REPLY#*'[uwsgi]'$'\n'}
    REPLY=${REPLY%%$'\n'show-config*}
}

@test "uwsgi config: every shape is its golden copy" {
    assert_golden_shapes config .ini wsgi_uwsgi_files
}

@test "uwsgi script: every shape in HTTP has one, its golden copy" {
    assert_golden_shapes script .py wsgi_uwsgi_files
}

@test "uwsgi script: what is made of the template is Python" {
    local -a _WSGI_FILES=() texts=()
    local name
    requires python3
    for name in http script-http listen path-listen names; do
        untraced shape "$name"
        _WSGI_FILES=()
        wsgi_uwsgi_files thing-api
        [[ "${_WSGI_FILES[4]:-}" != script ]] || texts+=("${_WSGI_FILES[5]}")
    done

    run python3 -c '
import ast
import sys

for text in sys.argv[1:]:
    names = [node.targets[0].id for node in ast.parse(text).body
             if isinstance(node, ast.Assign)]
    assert "PREFIX" in names, names
' "${texts[@]}"

    assert_success
    assert_equal "${#texts[@]}" 4
}

@test "uwsgi script: a factory is called once, a callable is not" {
    printf '%s\n' 'calls = []' 'def made():' '    calls.append(1)' \
        '    return len(calls)' > "$BATS_TEST_TMPDIR/thing.py"

    cd "$BATS_TEST_TMPDIR"
    run python3 -c '
import importlib
import sys

SCRIPT = ""
exec(open(sys.argv[1]).read())
for APPLICATION in "thing:made()", "thing:made":
    print(load())
' "$REPO/files/application/common.py"

    assert_line --index 0 1
    assert_line --index 1 --partial '<function made'
}

@test "uwsgi config: the real uWSGI knows every setting of every shape" {
    local name
    local -a bad=()
    requires uwsgi

    for name in "${SHAPES[@]}"; do
        # that of a venv is not the one at hand
        [[ "$name" != venv-uwsgi ]] || continue
        untraced write_conf "$name"
        uwsgi_reads "$BATS_TEST_TMPDIR/conf.ini" --strict
        [[ "$REPLY" == *'master = true'* && "$REPLY" != *strict-mode* ]] ||
            bad+=("$name: $REPLY")
    done

    assert_equal "${bad[*]}" ''
}

@test "uwsgi config: the real uWSGI reads each value as it was given" {
    local value
    # shellcheck disable=SC2016  # the characters themselves
    local -a bad=() values=(
        '100%' '%d' '%%' '50% x' 'a;b' 'a # b' "a\\" '\n' 'a b  c' '$HOME' '=x'
        '"q"' "'q'" '[x]' '@x' 'a=b' '%s%n' '&' '{x}' '(x)' '%t2'
    )
    requires uwsgi

    for value in "${values[@]}"; do
        write_conf_of --set "procname-prefix=$value"
        uwsgi_reads "$BATS_TEST_TMPDIR/conf.ini"
        [[ $'\n'"$REPLY"$'\n' == *$'\n'"procname-prefix = $value"$'\n'* ]] ||
            bad+=("$value: $REPLY")
    done

    assert_equal "${bad[*]}" ''
}

@test "uwsgi config: the real uWSGI hands the arguments over as given" {
    local word
    # shellcheck disable=SC2016  # the characters themselves
    local -a words=(
        --config-file /etc/a.conf '100%' '%d' 'a;b' 'a,b' '$HOME' '*' '[a]'
        '#a' '%%'
    )
    local -a options=()
    requires uwsgi
    for word in "${words[@]}"; do
        options+=(--arg "$word")
    done
    printf '%s\n' 'import os' 'import sys' \
        "print('<%s>' % '|'.join(sys.argv[1:]), flush=True)" 'os._exit(0)' \
        > "$BATS_TEST_TMPDIR/thing.py"
    write_conf_of --app thing:application --preload "${options[@]}" \
        --python-path "$BATS_TEST_TMPDIR"

    run_conf

    printf -v word '|%s' "${words[@]}"
    assert_output --partial "<${word#|}>"
}

@test "uwsgi config: the real uWSGI calls a factory while it loads" {
    requires uwsgi
    printf '%s\n' 'import os' 'def made(*given):' \
        "    print('<made %d>' % len(given), flush=True)" \
        '    os._exit(0)' > "$BATS_TEST_TMPDIR/thing.py"
    write_conf_of --app 'thing:made()' --preload \
        --python-path "$BATS_TEST_TMPDIR"

    run_conf

    assert_line '<made 0>'
}

@test "uwsgi config: a setting of the record stands in place of ours, once" {
    write_conf_of --set post-buffering=0 --set harakiri=60

    run grep -c '^post-buffering' <<< "$REPLY"
    assert_output 1
    run grep -A 1 '^post-buffering' <<< "$REPLY"
    assert_line --index 0 'post-buffering = 0'
    assert_line --index 1 'harakiri = 60'
}

@test "uwsgi config: a comment goes with the setting that it is about" {
    write_conf_of --set post-buffering=0

    refute_regex "$REPLY" 'read a body before'
}

@test "uwsgi config: the one magic that a setting may have is the time" {
    write_conf_of --set 'procname-prefix=%t'

    assert_regex "$REPLY" $'\nprocname-prefix = %t\n'
}

@test "uwsgi program: the venv's own, else the system's" {
    _wsgi_uwsgi_program ''
    assert_equal "$REPLY" /usr/bin/uwsgi

    fake_venv plain 3.11
    _wsgi_uwsgi_program "$BATS_TEST_TMPDIR/plain"
    assert_equal "$REPLY" /usr/bin/uwsgi

    printf '#!/bin/bash\n' > "$BATS_TEST_TMPDIR/plain/bin/uwsgi"
    chmod +x "$BATS_TEST_TMPDIR/plain/bin/uwsgi"
    _wsgi_uwsgi_program "$BATS_TEST_TMPDIR/plain"
    assert_equal "$REPLY" "$BATS_TEST_TMPDIR/plain/bin/uwsgi"

    rm -r "$WSGI_SYSROOT/etc/apache2"
    mkdir "$WSGI_SYSROOT/etc/httpd"
    _wsgi_uwsgi_program ''
    assert_equal "$REPLY" /usr/sbin/uwsgi
}

@test "uwsgi program: Python is a plugin of the system's, not of a venv's" {
    local -a pairs=()
    untraced shape venv
    _wsgi_uwsgi_application thing-api pairs
    assert_equal "${pairs[*]:0:2}" 'plugins python3'

    untraced shape venv-uwsgi
    pairs=()
    _wsgi_uwsgi_application thing-api pairs
    refute_regex "${pairs[*]}" plugins
}

@test "uwsgi packages: by the distribution's names" {
    wsgi_uwsgi_packages
    assert_equal "$REPLY" 'uwsgi-core uwsgi-plugin-python3'

    rm -r "$WSGI_SYSROOT/etc/apache2"
    mkdir "$WSGI_SYSROOT/etc/httpd"
    wsgi_uwsgi_packages
    assert_equal "$REPLY" 'uwsgi uwsgi-plugin-python3'
}

@test "uwsgi check: a venv of the same Python, or with its own uWSGI" {
    local -A fields=([name]=new)
    fake_venv same 3.11.9
    fields[venv]=$REPLY

    wsgi_uwsgi_check fields

    untraced shape venv-uwsgi
    fields[venv]=$BATS_TEST_TMPDIR/venv
    wsgi_uwsgi_check fields
}

@test "uwsgi settings: what the program lists, asked once" {
    wsgi_uwsgi_settings /usr/bin/uwsgi
    assert_regex "$REPLY" $'\npost-buffering\n'
    assert_regex "$REPLY" $'\nharakiri\n'

    rm "$WSGI_SYSROOT/usr/bin/uwsgi"
    wsgi_uwsgi_settings /usr/bin/uwsgi
    assert_regex "$REPLY" $'\npost-buffering\n'
}

@test "uwsgi settings: a program that is not the distribution's has no plugin" {
    local program=$WSGI_SYSROOT/usr/local/bin/uwsgi
    mkdir -p "${program%/*}"
    # what uWSGI does where there is no such plugin
    # shellcheck disable=SC2016  # the script expands it
    printf '%s\n' '#!/bin/sh' '[ "$1" = --help ] || exit 1' \
        'echo "    --harakiri    set it"' > "$program"
    chmod 0755 "$program"

    wsgi_uwsgi_settings /usr/local/bin/uwsgi

    assert_equal "$REPLY" $'\nharakiri\n'
}

@test "uwsgi settings: those of the real uWSGI, its plugin's with them" {
    local name
    local -a bad=()
    requires uwsgi
    rm "$WSGI_SYSROOT/usr/bin/uwsgi"

    wsgi_uwsgi_settings "$(type -P uwsgi)"

    for name in harakiri post-buffering buffer-size http-socket pyargv \
        touch-reload py-autoreload; do
        [[ "$REPLY" == *$'\n'"$name"$'\n'* ]] || bad+=("$name")
    done
    assert_equal "${bad[*]}" ''
}

@test "uwsgi settings: none that opens another door is left to --set" {
    local name
    local -a bad=()
    requires uwsgi
    wsgi_uwsgi_settings "$(type -P uwsgi)"

    while IFS= read -r name; do
        case $name in
            # not an address to listen on
            *-to-socket|wait-for-socket|close-*|freebind|emperor-*) continue ;;
            socket|*-socket|http|https|http-to) ;;
            *) continue ;;
        esac
        _wsgi_uwsgi_reserved "$name" || bad+=("$name")
    done <<< "${REPLY#$'\n'}"

    assert_equal "${bad[*]}" ''
}

@test "uwsgi backend: what Apache speaks to, by transport and address" {
    local row name module backend unix=unix:/run/devstack-wsgi
    local -a bad=() rows=(
        "path proxy_uwsgi $unix/thing-api.socket|uwsgi://thing-api"
        "http proxy_http $unix/thing-api.socket|http://thing-api/thing-api"
        "path-listen proxy_http http://127.0.0.1:9292/thing-api"
        "any-address proxy_http http://[::1]:9292/thing-api"
        "names proxy_uwsgi $unix/thing-site.socket|uwsgi://thing-api"
    )

    for row in "${rows[@]}"; do
        read -r name module backend <<< "$row"
        untraced shape "$name"
        wsgi_uwsgi_backend thing-api
        [[ "$REPLY" == "\"$backend\" retry=0"* && \
            "$REPLY_MODULE" == "$module" ]] ||
            bad+=("$name: $REPLY_MODULE $REPLY")
    done

    assert_equal "${bad[*]}" ''
}

@test "uwsgi backend: an address for all is spoken to on this machine" {
    with_defaults thing-api --path /t --listen 0.0.0.0:9292
    untraced _wsgi_record_declare "${REPLY_WORDS[@]}"

    wsgi_uwsgi_backend thing-api

    assert_equal "$REPLY" '"http://127.0.0.1:9292/t" retry=0 disablereuse=on'
}

@test "uwsgi listen: the address that was asked for, else a unix socket" {
    untraced shape path
    wsgi_uwsgi_listen thing-api
    assert_equal "$REPLY" /run/devstack-wsgi/thing-api.socket

    untraced shape path-listen
    wsgi_uwsgi_listen thing-api
    assert_equal "$REPLY" 127.0.0.1:9292
}

@test "uwsgi command: the program and its configuration" {
    untraced shape conf
    wsgi_uwsgi_command thing-api
    assert_equal "$REPLY" '/usr/bin/uwsgi --ini /etc/thing-uwsgi.ini'
}

@test "uwsgi unit: the socket comes by the transport's variable" {
    untraced shape path
    wsgi_uwsgi_unit thing-api
    assert_regex "$REPLY" $'\nEnvironment=UWSGI_SOCKET=fd://3\n'

    untraced shape http
    wsgi_uwsgi_unit thing-api
    assert_regex "$REPLY" $'\nEnvironment=UWSGI_HTTP_SOCKET=fd://3\n'
    refute_regex "$REPLY" 'UWSGI_SOCKET'
}

@test "uwsgi unit: one that was loaded before the fork is renewed whole" {
    untraced shape path
    wsgi_uwsgi_unit thing-api
    assert_regex "$REPLY" 'reload --how chain '

    untraced shape preload
    wsgi_uwsgi_unit thing-api
    assert_regex "$REPLY" 'reload --how hup '
}

@test "uwsgi stats: a service that does not answer has none" {
    local -A _WSGI_STATS=()
    requires python3
    untraced shape path

    wsgi_uwsgi_stats thing-api

    assert_equal "${_WSGI_STATS[thing-api]}" '- -'
}

@test "uwsgi stats: workers that live and their requests, of all in one go" {
    local -A _WSGI_STATS=()
    requires python3
    untraced shape path
    mkdir -p "$WSGI_SYSROOT/run/devstack-wsgi/thing-api"
    python3 -c '
import socket
import sys

sock = socket.socket(socket.AF_UNIX)
sock.bind(sys.argv[1])
sock.listen()
sock.settimeout(20)
print("ready", flush=True)
peer, _ = sock.accept()
peer.sendall(b"""{"workers": [{"pid": 7, "requests": 40},
    {"pid": 8, "requests": 2}, {"pid": 0, "requests": 0}]}""")
peer.close()
' "$WSGI_SYSROOT/run/devstack-wsgi/thing-api/stats" \
        > "$BATS_TEST_TMPDIR/ready" 3>&- &
    until [[ -s "$BATS_TEST_TMPDIR/ready" ]] || ! kill -0 "$!"; do
        :
    done

    wsgi_uwsgi_stats thing-api

    wait "$!"
    assert_equal "${_WSGI_STATS[thing-api]}" '2 42'
}
