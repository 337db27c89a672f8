#!/usr/bin/env bats
#
# bad input: each is refused with one line that says what was seen and what to
# write instead, and nothing is written

load ../helpers/load
load ../helpers/unit

# A system on which 'first' is deployed, and what it is like then.
function setup {
    fake_system
    # made once, for the first test
    if [[ ! -d "$BATS_FILE_TMPDIR/root" ]]; then
        deploy first --unit first-u --site first-s --key first-k \
            --path /first --conf /etc/first.ini > /dev/null
        cp -a "$WSGI_SYSROOT" "$BATS_FILE_TMPDIR/root"
    fi
    rm -r "$WSGI_SYSROOT"
    cp -a "$BATS_FILE_TMPDIR/root" "$WSGI_SYSROOT"
    BAD=()
    remember
}

# Take the tree as it is now for the one that nothing may change.
#
# Usage: remember    Sets BEFORE, STAMP
function remember {
    snapshot
    BEFORE=$REPLY
    STAMP=$BATS_TEST_TMPDIR/stamp
    : > "$STAMP"
}

# Whether something was written since: each file comes by way of a folder
# that is made for it. What this may miss, assert_none_bad sees at the end.
#
# Usage: is_written
function is_written {
    local folder
    for folder in etc/devstack-wsgi etc/devstack-wsgi/services \
        etc/systemd/system etc/apache2/sites-available \
        etc/apache2/sites-enabled var/lib/devstack-wsgi; do
        [[ ! "$WSGI_SYSROOT/$folder" -nt "$STAMP" ]] || return 0
    done
    return 1
}

# Run something that has to be refused, and note in BAD what is wrong with
# the refusal.
#
# Usage: refused STATUS SEEN INSTEAD COMMAND ARG...
function refused {
    untraced judge "$@"
}

# Usage: judge STATUS SEEN INSTEAD COMMAND ARG...
function judge {
    local expected=$1 seen=$2 instead=$3 row=${*:4} wrong=''
    capture "${@:4}"
    # shellcheck disable=SC2153  # capture sets it
    [[ "$STATUS" == "$expected" ]] || wrong+=" status $STATUS;"
    [[ -z "$OUT" ]] || wrong+=' output;'
    [[ "$ERR" == '[ERROR] wsgi: '* ]] || wrong+=' no [ERROR];'
    [[ "$ERR" != *$'\n'* ]] || wrong+=' more than one line;'
    [[ ! "${ERR//$'\n'}" =~ [[:cntrl:]] ]] || wrong+=' control characters;'
    [[ ! "$ERR" =~ line\ [0-9]+: ]] || wrong+=" bash's own words;"
    [[ "$ERR" == *"$seen"* ]] || wrong+=" not told what was seen ($seen);"
    [[ "$ERR" == *"$instead"* ]] || wrong+=" not told '$instead';"
    if is_written; then
        wrong+=' something was written;'
        : > "$STAMP"
    fi
    [[ -z "$wrong" ]] || BAD+=("$row:$wrong said: $ERR")
}

# The same as refused, for a value of an option of 'wsgi deploy'.
#
# Usage: refused_value OPTION VALUE INSTEAD [SEEN]
function refused_value {
    local value=$2
    with_defaults new "$1" "$value"
    refused 1 "${4-$value}" "$3" wsgi deploy "${REPLY_WORDS[@]}"
}

# Usage: assert_none_bad
function assert_none_bad {
    local row
    for row in "${BAD[@]}"; do
        printf '%q\n' "$row" >&2
    done
    assert_equal "${#BAD[@]}" 0
    assert_unchanged "$BEFORE"
}

@test "bad input: names other than plain ones are refused" {
    local name i=0
    # shellcheck disable=SC2016  # names, not expansions
    local -a names=(
        9keystone _key a- 'key stone' a/b ../a .. a.b a@b
        a:b abcdefghijklmnopqrstuvwxyz-abcdefghijklmnopqrstuvw ключ é 'a*'
        '*' "a\\" "a'b" 'a"b' %i '~' 'a;b' 'a$(id)' 'a`id`' 'a&b'
        watcher.wsgi.api:application
    )
    local -a options=(--unit --site --key)

    refused 1 "name ''" 'give it a value' wsgi deploy '' --app m:a --path /x
    refused 1 "name 'a" 'control characters' \
        wsgi deploy $'a\nb' --app m:a --path /x
    with_defaults new
    for name in Keystone key_stone "${names[@]}"; do
        refused 1 "$name" "use a-z, 0-9 and '-'" \
            wsgi deploy "$name" "${REPLY_WORDS[@]:1}"
    done
    for name in "${names[@]}"; do
        # they are checked by the same rule, so by turns
        refused_value "${options[i % 3]}" "$name" "use A-Z, a-z, 0-9, '-' and"
        i=$(( i + 1 ))
    done

    assert_none_bad
}

@test "bad input: applications and scripts" {
    local value
    local -a values=(
        module module: :app m:a:b m.:a .m:a m..n:a m/x:a m-x:a 1m:a
        'm a:b' "m:a'" 'm:a;b' "m:a\\" m:1a 'm: a' m:a.b
        'm:a(' 'm:a)' 'm:a(b)' 'm:a()()' 'm:a() ' 'm():a' 'm:a().b' 'm:()'
    )

    for value in "${values[@]}"; do
        refused_value --app "$value" 'MODULE:CALLABLE'
    done
    refused_value --app '' 'give it a value'
    refused_value --app $'m:a\nenv=X=1' 'control characters' 'm:a'
    refused_value --script '' 'give it a value'
    refused_value --script app.wsgi 'absolute path'
    refused_value --script './app.wsgi' 'absolute path'
    refused_value --script "/tmp/../etc/passwd" 'absolute path'
    refused_value --script '/srv/my app.wsgi' 'absolute path'
    refused_value --script "/srv/it's.wsgi" 'absolute path'
    refused_value --script /no/such/app.wsgi 'no such file'
    refused_value --script /etc 'file'
    refused 1 '--app and --script' 'give one' wsgi deploy new --app m:a \
        --script /etc/passwd --path /new --user "$ACCOUNT"
    refused 1 new '--app MODULE:CALLABLE or --script FILE' \
        wsgi deploy new --path /new --user "$ACCOUNT"

    assert_none_bad
}

@test "bad input: paths that are no plain prefix" {
    local value
    local -a values=(
        compute /a/ //a /a//b /a/../b /.. /./a /a/. '/a b' '/a?x' '/a#x'
        /a%2fb '/a"b' "/a'b" "/a\\" '/a*' '/(a)' '/a;b' '/a|b' '/a$' '/ä'
        'http://x/a' '/a<b' '/a>' '/a,b' '/a:b' '/a&b' '~' ' /a' '/a '
    )

    for value in "${values[@]}"; do
        refused_value --path "$value" '/compute'
    done
    refused_value --path / "the root is the front's own"
    refused_value --path '' 'give it a value'
    refused_value --path $'/a\nProxyPass /b http://c/' 'control characters' /a

    assert_none_bad
}

@test "bad input: health checks that are no plain path" {
    local value
    local -a values=(
        health '/a?b' '/a b' '/../x' '/a/..' '/a"b' /%2e 'http://x/' "/a\\"
        '/a;b' '/a#' '/(a)'
    )

    for value in "${values[@]}"; do
        refused_value --healthcheck "$value" '/healthcheck'
    done
    refused_value --healthcheck '' 'give it a value'

    assert_none_bad
}

@test "bad input: addresses that are no address and port" {
    local value
    local -a values=(
        8775 :8775 localhost:8775 127.0.0.1 127.0.0.1: 127.0.0.1:0
        127.0.0.1:65536 127.0.0.1:99999 127.0.0.1:080 127.0.0.1:http
        127.0.0.1:-1 256.0.0.1:80 1.2.3:80 1.2.3.4.5:80 1.2.3.999:80
        010.0.0.1:80 1.2.3.4/8:80 ::1:80 '[::1]' '[::1]:' '[::g]:80'
        '[:::::]:80' '[1]:80' '[1:2:3:4:5:6:7:8:9]:80' '[12345::]:80'
        '[::1%lo]:80' '[1::2::3]:80' '127.0.0.1:80 ' ' 127.0.0.1:80'
        '127.0.0.1:8 0' '*:80' /run/x.socket http://127.0.0.1:80 @x:80
        '127.0.0.1:80;' '127.0.0.1:80:80'
    )

    for value in "${values[@]}"; do
        refused_value --listen "$value" '127.0.0.1:8775'
    done
    refused_value --listen '' 'give it a value'
    refused_value --listen $'127.0.0.1:80\nExecStart=/bin/x' \
        'control characters' 127.0.0.1:80

    assert_none_bad
}

@test "bad input: no address at all, and the uwsgi protocol on one" {
    refused 1 new '--path /URL' wsgi deploy new --app m:a --user "$ACCOUNT"
    refused 1 uwsgi 'only http' wsgi deploy new --app m:a \
        --listen 127.0.0.1:9009 --transport uwsgi --user "$ACCOUNT"
    refused 1 uwsgi 'only http' wsgi deploy new --app m:a \
        --path /new --listen 127.0.0.1:9009 --transport uwsgi \
        --user "$ACCOUNT"
    refused 1 uwsgi 'only http' \
        with_variable WSGI_TRANSPORT_new uwsgi \
        wsgi deploy new --app m:a --listen 127.0.0.1:9009 --user "$ACCOUNT"
    # the catalogue's entry speaks uwsgi
    refused 1 uwsgi 'only http' wsgi deploy keystone \
        --listen 127.0.0.1:9009 --user "$ACCOUNT"

    assert_none_bad
}

@test "bad input: words of a short list" {
    local value
    for value in gunicorn UWSGI ../record 'uwsgi ' 'uwsgi,uwsgi' wsgi %i; do
        refused_value --mode "$value" 'known are: '
    done
    refused_value --mode $'uwsgi\n' 'control characters' uwsgi
    for value in https UWSGI fastcgi 'http ' http,uwsgi; do
        refused_value --transport "$value" 'known are: uwsgi, http'
    done
    for value in on STRICT no full; do
        refused_value --hardening "$value" 'known are: off, standard, strict'
    done
    refused_value --mode '' 'give it a value'
    refused_value --transport '' 'give it a value'
    refused_value --hardening '' 'give it a value'

    assert_none_bad
}

@test "bad input: numbers" {
    local option value i=0
    local -a options=(--processes --threads) values=(
        0 -1 +1 513 1000 99999999999999999999 2.5 '2,5' '2 ' ' 2' 0x2 08 two
        '2;id' 1e1 auto ٣ %n 2% 1-2
    )

    for value in "${values[@]}"; do
        refused_value "${options[i % 2]}" "$value" 'a number from 1 to 512'
        i=$(( i + 1 ))
    done
    for option in "${options[@]}"; do
        for value in 0 -1 513; do
            refused_value "$option" "$value" 'a number from 1 to 512'
        done
        refused_value "$option" '' 'give it a value'
        refused_value "$option" $'2\n3' 'control characters' 2
    done

    assert_none_bad
}

@test "bad input: accounts" {
    local value
    for value in 'no such' 0 1000 'a;b' -x ../x daemon:daemon %u Daemon 'a"b'
    do
        refused_value --user "$value" 'the name of an account'
        refused_value --group "$value" 'the name of an account'
    done
    refused_value --user '' 'give it a value'
    refused_value --user $'daemon\nUser=root' 'control characters' daemon
    refused_value --user no-such-user 'create it or give another with --user'
    refused_value --group no-such-group \
        'create it or give another with --group'

    assert_none_bad
}

@test "bad input: a service would run as root without anybody saying so" {
    local -a as_root=()
    [[ "$EUID" -eq 0 ]] || as_root=(unshare --map-root-user)

    refused 1 'say whom it runs as' '--user USER' \
        "${as_root[@]}" "$REPO/tools/wsgi" deploy new --app m:a --path /new

    assert_none_bad
}

@test "bad input: folders that are not there or of another kind" {
    local option value
    for option in --venv --chdir --python-path; do
        for value in relative ./x ../x \~/x '/my folder' /a/../b '/a;b' \
            '/a"b' /a% '/a:/b'; do
            refused_value "$option" "$value" 'absolute path'
        done
        refused_value "$option" '' 'give it a value'
        refused_value "$option" /no/such/folder 'no such folder'
        refused_value "$option" /etc/passwd 'no such folder'
    done
    refused_value --venv /etc '-m venv'
    refused_value --chdir $'/etc\nuid=0' 'control characters' /etc

    assert_none_bad
}

@test "bad input: a venv of a Python that uWSGI does not load" {
    fake_venv old 2.7.18
    refused_value --venv "$REPLY" '/usr/bin/python3' 'Python 2.7'
    fake_venv new 3.13.0
    refused_value --venv "$REPLY" '/usr/bin/python3' 'Python 3.13'
    fake_venv 'close' 3.1.1
    refused_value --venv "$REPLY" '/usr/bin/python3' 'Python 3.1,'
    # virtualenv's spelling
    fake_venv other 3.11
    echo 'version_info = 3.12.0.final.0' > "$REPLY/pyvenv.cfg"
    refused_value --venv "$REPLY" '/usr/bin/python3' 'Python 3.12'

    assert_none_bad
}

@test "bad input: no uWSGI on the system" {
    rm "$WSGI_SYSROOT/usr/bin/uwsgi"
    remember

    with_defaults new
    refused 1 'uWSGI is not installed' 'uwsgi-plugin-python3' \
        wsgi deploy "${REPLY_WORDS[@]}"

    assert_none_bad
}

@test "bad input: a uWSGI that does not run" {
    fake_venv venv 3.11
    printf '#!/bin/bash\nexit 127\n' > "$REPLY/bin/uwsgi"
    chmod +x "$REPLY/bin/uwsgi"

    with_defaults new --venv "$REPLY" --set harakiri=60
    refused 1 "'$REPLY/bin/uwsgi --help'" 'is the installation complete?' \
        wsgi deploy "${REPLY_WORDS[@]}"

    assert_none_bad
}

@test "bad input: variables of the environment" {
    local value
    # what has no form of a variable
    # shellcheck disable=SC2016  # the characters themselves
    for value in A =x 1A=x 'A B=x' A-B=x A.B=x '$A=x' 'A[0]=x' 'A;B=x' "'A=x'"
    do
        refused_value --env "$value" 'NAME=VALUE'
    done
    # what steers the server, the loader or systemd
    for value in UWSGI_FILE=/tmp/x UWSGI_SOCKET=:80 UWSGI_EXEC_ASAP=id \
        LD_PRELOAD=/tmp/x.so LD_LIBRARY_PATH=/tmp LISTEN_FDS=3 LISTEN_PID=1 \
        NOTIFY_SOCKET=/tmp/x MAINPID=1; do
        refused_value --env "$value" '' "${value%%=*}"
    done
    refused_value --env '' 'give it a value'
    refused_value --env $'A=b\nExecStart=/bin/x' 'control characters' A=b
    refused_value --env $'A=\x01' 'control characters' A=
    refused_value --env $'A=\e[31mred' 'control characters' A=
    refused_value --env $'A=\x7f' 'control characters' A=
    refused_value --env $'A=b\r' 'control characters' A=b

    assert_none_bad
}

# systemd refuses the whole unit for one of them
@test "bad input: bytes that are no UTF-8, and what only a terminal reads" {
    local value
    local -a values=(
        $'\xff' $'\xc3' $'\x9b' $'\xc0\x80' $'\xed\xa0\x80' $'\xf4\x90\x80\x80'
        $'\xef\xb7\x90' $'\xef\xbf\xbe' $'\xf0\x9f\xbf\xbf' $'\xc2\x85' $'\xc2\x9b'
    )
    for value in "${values[@]}"; do
        refused_value --env "A=é$value" 'in UTF-8' 'A=??'
        [[ "$ERR" != *"$value"* ]] || BAD+=("${value@Q} is told as it is")
    done

    assert_none_bad
}

@test "bad input: arguments of the application" {
    local value
    for value in 'a"b' "a'b" "a\\" '\n'; do
        refused_value --arg "$value" 'quotes and backslashes'
    done
    for value in ' a' 'a ' ' '; do
        refused_value --arg "$value" 'spaces at the ends'
    done
    refused_value --arg 'two words' 'one for each word'
    refused_value --arg '' 'give it a value'
    refused_value --arg $'a\nb' 'control characters' a

    assert_none_bad
}

@test "bad input: settings of the server" {
    local value
    for value in harakiri =5 harakiri= Harakiri=5 'hara kiri=5' 1x=2 -x=1 \
        '[uwsgi]' '#x=1' '%x=1'; do
        refused_value --set "$value" 'KEY=VALUE'
    done
    refused_value --set hararkiri=60 'has no such setting' hararkiri
    for value in ' 60' '60 '; do
        refused_value --set "harakiri=$value" 'spaces at the ends'
    done
    # an option of ours says it
    refused_value --set module=x:y 'use --app' module
    refused_value --set wsgi-file=/x 'use --script' wsgi-file
    refused_value --set mount=/x=y 'use --path' mount
    refused_value --set processes=5 'use --processes' processes
    refused_value --set threads=5 'use --threads' threads
    refused_value --set env=A=b 'use --env' env
    refused_value --set pyargv=x 'use --arg' pyargv
    refused_value --set venv=/x 'use --venv' venv
    refused_value --set chdir=/x 'use --chdir' chdir
    refused_value --set uid=root 'use --user' uid
    refused_value --set gid=root 'use --group' gid
    refused_value --set lazy-apps=false 'use --preload' lazy-apps
    refused_value --set http-socket=0.0.0.0:80 'use --listen' http-socket
    # what the promises rest on
    for value in socket=0.0.0.0:80 chmod-socket=666 daemonize=/x \
        stats=:1717 master-fifo=/x plugins=python2 ini=/x raw-socket=:80 \
        fastcgi-socket=:80 scgi-socket=:80; do
        refused_value --set "$value" 'leave it out' "${value%%=*}"
    done
    # the uwsgi protocol on TCP, by its other names
    for value in puwsgi-socket=0.0.0.0:3031 suwsgi-socket=0.0.0.0:3031,c,k \
        ssl-socket=0.0.0.0:3031,c,k; do
        refused_value --set "$value" '' "${value%%=*}"
    done
    refused_value --set '' 'give it a value'
    refused_value --set $'harakiri=60\nexec-asap=id' 'control characters' \
        harakiri=60

    assert_none_bad
}

@test "bad input: places for the server's configuration" {
    local value
    for value in x.ini ./x.ini ../x.ini '/etc/x y.ini' /etc/../x.ini \
        '/etc/x;y' '/etc/%i.ini' '/etc/x:uwsgi' '/etc/"x"'; do
        refused_value --conf "$value" 'absolute path'
    done
    refused_value --conf '' 'give it a value'
    refused_value --conf /no/such/folder/x.ini 'no such folder'
    refused_value --conf /etc/passwd/x.ini 'no such folder'
    # folders are no files
    refused_value --conf /etc 'file'
    refused_value --conf /etc/ 'file'

    assert_none_bad
}

@test "bad input: files that are there already and somebody else's" {
    local -a files=(
        /etc/new.ini /etc/systemd/system/devstack@new.service
        /etc/systemd/system/devstack@new.socket
        /etc/systemd/system/devstack@new.service.d/50-wsgi.conf
        /etc/apache2/sites-available/new.conf
        /etc/devstack-wsgi/uwsgi/new.ini
    )
    local file

    for file in "${files[@]}"; do
        mkdir -p "$WSGI_SYSROOT${file%/*}"
        echo '# made by hand' > "$WSGI_SYSROOT$file"
        remember
        with_defaults new
        [[ "$file" != /etc/new.ini ]] || REPLY_WORDS+=(--conf /etc/new.ini)
        refused 1 "$file" 'move it away' wsgi deploy "${REPLY_WORDS[@]}"
        rm "$WSGI_SYSROOT$file"
        rmdir --ignore-fail-on-non-empty "$WSGI_SYSROOT${file%/*}"
    done
    remember

    assert_none_bad
}

# Run a command with one variable of the environment set.
#
# Usage: with_variable NAME VALUE COMMAND ARG...
function with_variable {
    export "$1=$2"
    "${@:3}"
}

@test "bad input: toggles, and the message names the variable" {
    local row name value instead
    local -a rows=(
        'WSGI_MODE|apache|known are: '
        'DEVSTACK_WSGI_MODE|apache|known are: '
        'WSGI_MODE_new_api|../record|known are: '
        'WSGI_MODE_n_api2|Uwsgi|known are: '
        'WSGI_TRANSPORT_new_api|tcp|known are: uwsgi, http'
        'WSGI_PROCESSES|0|a number from 1 to 512'
        'WSGI_PROCESSES_new_api|many|a number from 1 to 512'
        'WSGI_PROCESSES|2 2|a number from 1 to 512'
        'WSGI_THREADS|-1|a number from 1 to 512'
        'WSGI_THREADS_new_api|1000|a number from 1 to 512'
        'WSGI_HARDENING|paranoid|known are: off, standard, strict'
        'API_WORKERS|lots|a number from 1 to 512'
        'API_WORKERS|0|a number from 1 to 512'
    )

    for row in "${rows[@]}"; do
        IFS='|' read -r name value instead <<< "$row"
        with_defaults new-api --key n-api2
        refused 1 "$name '$value'" "$instead" with_variable "$name" "$value" \
            wsgi deploy "${REPLY_WORDS[@]}"
    done
    with_defaults new-api
    refused 1 "WSGI_MODE 'uwsgi" 'control characters' \
        with_variable WSGI_MODE $'uwsgi\nmode=x' \
        wsgi deploy "${REPLY_WORDS[@]}"
    refused 1 "no such" 'the name of an account' \
        with_variable STACK_USER 'no such' \
        wsgi deploy new --app m:a --path /new
    refused 1 "no-such-user" '--user' with_variable STACK_USER no-such-user \
        wsgi deploy new --app m:a --path /new
    refused 1 "no-such-user" '--user' with_variable SUDO_USER no-such-user \
        wsgi deploy new --app m:a --path /new

    assert_none_bad
}

@test "bad input: what another service has already" {
    local name
    deploy second --listen 127.0.0.1:9001 > /dev/null
    remember
    # any name of one is a name that no other can have
    for name in first first-u first-s first-k second; do
        refused_value --unit "$name" 'choose another' "$name"
        refused_value --site "$name" 'choose another' "$name"
        refused_value --key "$name" 'choose another' "$name"
    done
    for name in first-u first-s first-k; do
        with_defaults "$name"
        refused 1 "$name" 'choose another' wsgi deploy "${REPLY_WORDS[@]}"
    done
    refused_value --path /first 'choose another'
    refused_value --path /first/below 'choose another'
    refused_value --listen 127.0.0.1:9001 'choose another'
    refused_value --conf /etc/first.ini 'choose another'
    # where the library itself put another's
    refused_value --conf /etc/devstack-wsgi/uwsgi/second.ini '' second
    deploy below --path /a/b > /dev/null
    remember
    refused_value --path /a 'choose another' /a

    assert_none_bad
}

@test "bad input: an address that another service's address covers" {
    deploy second --listen 127.0.0.1:9001 > /dev/null
    deploy all --listen 0.0.0.0:9002 > /dev/null
    deploy six --listen '[::1]:9003' > /dev/null
    remember

    refused_value --listen 127.0.0.1:9002 'choose another'
    refused_value --listen '[::]:9002' 'choose another' 9002
    refused_value --listen 0.0.0.0:9001 'choose another'
    refused_value --listen '[::1]:9003' 'choose another'
    refused_value --listen '[::]:9003' 'choose another' 9003
    refused_value --listen '[0::1]:9003' 'choose another' 9003

    assert_none_bad
}

@test "bad input: two services of one call that want the same" {
    refused 1 /new 'choose another' wsgi deploy new new-too \
        --app m:a --path /new --user "$ACCOUNT"
    refused 1 127.0.0.1:9009 'choose another' wsgi deploy new new-too \
        --app m:a --listen 127.0.0.1:9009 --user "$ACCOUNT"
    refused 1 'Bad' "use a-z, 0-9 and '-'" wsgi deploy keystone Bad \
        --user "$ACCOUNT"

    assert_none_bad
}

@test "bad input: records changed by hand" {
    local row line instead seen
    local file=$WSGI_SYSROOT/etc/devstack-wsgi/services/first.conf
    local -a rows=(
        "processes|key=value|'processes'"
        "colour=red|known are: |'colour'"
        " path=/x|known are: |' path'"
        "PATH=/x|known are: |'PATH'"
        "threads=0|a number from 1 to 512|'0'"
        "path=/second|is there twice|path"
        "name=third|is there twice|name"
        "venv=|give it a value|venv ''"
        "chdir=relative|absolute path|'relative'"
        "env=UWSGI_FILE=/x|UWSGI_FILE|env 'UWSGI_FILE=/x'"
        "env=LD_PRELOAD=/x|LD_PRELOAD|env 'LD_PRELOAD=/x'"
        "set=harakiri|KEY=VALUE|'harakiri'"
        "preload=maybe|yes or no|'maybe'"
        "on-demand=True|yes or no|'True'"
        "arg=a\"b|quotes and backslashes|'a\"b'"
        "listen=localhost:80|127.0.0.1:8775|'localhost:80'"
        "script=/srv/x.wsgi|give one|--script"
        "listen=127.0.0.1:9001|choose another|127.0.0.1:9001"
        "command=/bin/true \\|close its quotes|'/bin/true \\'"
        "command=/bin/true \"a|close its quotes|'/bin/true \"a'"
        "command=/bin/true 'a|close its quotes|true"
    )
    # by every verb, whatever service it is about
    local -a verbs=(
        'apply' 'status second' 'check first' 'show second' 'start second'
        'remove second' 'switch uwsgi' 'reload --all' 'stop second'
    )
    local i=0 verb
    local -a words=()

    deploy second --listen 127.0.0.1:9001 > /dev/null
    for row in "${rows[@]}"; do
        IFS='|' read -r line instead seen <<< "$row"
        cp -p "$file" "$BATS_TEST_TMPDIR/good"
        # what a record has already would be there twice
        [[ "$line" != threads=* ]] || sed -i '/^threads=/d' "$file"
        [[ "$line" != listen=* ]] ||
            sed -i 's/^transport=.*/transport=http/' "$file"
        printf '%s\n' "$line" >> "$file"
        remember
        verb=${verbs[i % ${#verbs[@]}]}
        i=$(( i + 1 ))
        read -r -a words <<< "$verb"
        refused 1 "$seen" "$instead" wsgi "${words[@]}"
        cp -p "$BATS_TEST_TMPDIR/good" "$file"
    done
    # with its number
    printf 'x=1\n' >> "$file"
    remember
    line=$(grep -c '' "$file")
    refused 1 "first.conf:$line: " 'known are: ' wsgi apply
    # the shell would read it as '/usr'
    cp -p "$BATS_TEST_TMPDIR/good" "$file"
    printf 'python-path=/usr\0/x\n' >> "$file"
    remember
    refused 1 "first.conf:$line: " 'write text' wsgi apply
    # as an editor of another system leaves it
    sed 's/$/\r/' "$BATS_TEST_TMPDIR/good" > "$file"
    remember
    refused 1 'first.conf:2' 'control characters' wsgi apply

    assert_none_bad
}

@test "bad input: records that lack something or say two things" {
    local row change instead seen
    local file=$WSGI_SYSROOT/etc/devstack-wsgi/services/first.conf
    local -a rows=(
        '/^app=/d|--app|first'
        '/^path=/d|--path|first'
        '/^name=/d|called after its name|first.conf'
        's/^name=.*/name=third/|called after its name|third'
        '/^user=/d|user|first'
        '/^group=/d|group|first'
        's/^path=.*/listen=127.0.0.1:9005/|http|uwsgi'
        's/^unit=.*/unit=second/|choose another|second'
        's/^path=.*/path=\//|prefix|first.conf'
        '1,99d|called after its name|first.conf'
    )

    deploy second --listen 127.0.0.1:9001 > /dev/null
    cp -p "$file" "$BATS_TEST_TMPDIR/good"
    for row in "${rows[@]}"; do
        IFS='|' read -r change instead seen <<< "$row"
        sed -i "$change" "$file"
        remember
        refused 1 "$seen" "$instead" wsgi apply
        refused 1 "$seen" "$instead" wsgi show first
        cp -p "$BATS_TEST_TMPDIR/good" "$file"
    done
    remember

    assert_none_bad
}

@test "bad input: catalogue entries changed by hand" {
    local row line instead
    local -a rows=(
        'processes|key=value'
        'colour=red|known are: '
        'threads=0|a number from 1 to 512'
        'path=/other|is there twice'
        'env=LD_PRELOAD=/x|LD_PRELOAD'
        'set=harakiri|KEY=VALUE'
        'set=nosuch=1|has no such setting'
        'preload=maybe|yes or no'
        'package=nova glance|a requirement of pip'
        'package=-r x|a requirement of pip'
        'type=Compute|a service type'
        'expect=0|a status of HTTP'
        'expect=2000|a status of HTTP'
        'legacy=keystone-wsgi-public|write SCRIPT FIRST LAST'
        'legacy=../bin/x 1.0 2.0|write SCRIPT FIRST LAST'
        'since=Epoxy|write a release'
        'needs=|give it a value'
        'script=../x.wsgi|absolute path'
        'listen=localhost:80|127.0.0.1:8775'
    )
    copy_library

    for row in "${rows[@]}"; do
        IFS='|' read -r line instead <<< "$row"
        cp "$REPO/files/catalog/keystone" "$COPY/files/catalog/keystone"
        printf '%s\n' "$line" >> "$COPY/files/catalog/keystone"
        refused 1 "" "$instead" "$COPY/tools/wsgi" deploy keystone \
            --user "$ACCOUNT"
    done
    refused 1 'catalog/keystone:' '127.0.0.1:8775' "$COPY/tools/wsgi" \
        deploy keystone --user "$ACCOUNT"

    assert_none_bad
}

@test "bad input: services that are not there" {
    local verb name
    # shellcheck disable=SC2016  # names, not expansions
    for verb in apply start stop restart reload wait status check show; do
        # shellcheck disable=SC2016  # names, not expansions
        for name in nope '' 'a b' '$(id)' 'x]' '*' '@' "it's"; do
            refused 1 "'$name'" 'deployed are: first' \
                wsgi "$verb" "$name"
        done
        refused 1 "'nope'" 'deployed are' wsgi "$verb" first nope
    done
    refused 1 "'nope'" 'deployed are' wsgi switch uwsgi nope
    refused 1 "'gunicorn'" 'known are: ' wsgi switch gunicorn
    refused 1 "'../record'" 'known are: ' wsgi switch ../record first

    assert_none_bad
}

@test "bad input: unknown verbs and options are wrong usage" {
    local row
    local -a words=() rows=(
        "deploy new --bogus|'--bogus'"
        "deploy new --bogus x|'--bogus'"
        "deploy new -p /x|'-p'"
        "deploy new -- --path /x|'--'"
        "deploy new --name x|'--name'"
        "deploy new --path=/x|'--path=/x'"
        "deploy new --app m:a stray|'stray'"
        "deploy new --preload yes|'yes'"
        "deploy new --app m:a --on-demand no|'no'"
        "deploy new --path /a --path /b|--path"
        "deploy new --processes 1 --processes 1|--processes"
        "deploy new --app|--app"
        "deploy new --env|--env"
        "deploy new --set harakiri=5 --arg|--arg"
        "deploy --app m:a|name a service"
        "deploy|name a service"
        "start|start"
        "stop|stop"
        "restart|restart"
        "reload|reload"
        "remove|remove"
        "wait|wait"
        "show|show"
        "switch|switch"
        "switch --all|switch"
        "wait first --timeout|--timeout"
        "wait first --timeout 0|'0'"
        "wait first --timeout abc|'abc'"
        "wait first --timeout 3601|'3601'"
        "wait first --timeout -1|'-1'"
        "wait first --timeout 08|'08'"
        "wait first --bogus|'--bogus'"
        "start first --bogus|'--bogus'"
        "stop --bogus|'--bogus'"
        "restart first --all|'--all'"
        "reload -a|'-a'"
        "start --all first|'--all'"
        "status --bogus|'--bogus'"
        "status --jsonx|'--jsonx'"
        "check --bogus|'--bogus'"
        "apply --all|'--all'"
        "show first --diffs|'--diffs'"
        "remove --bogus|'--bogus'"
        "remove first --force|'--force'"
        "remove --all first|'--all'"
        "switch uwsgi --bogus|'--bogus'"
    )

    for row in "${rows[@]}"; do
        read -r -a words <<< "${row%%|*}"
        refused 2 "${row#*|}" '--help' wsgi "${words[@]}"
    done
    # and by the command
    for row in frobnicate --bogus Deploy ../lib/wsgi; do
        refused 2 "'$row'" '--help' "$REPO/tools/wsgi" "$row" new
    done
    refused 2 "'--bogus'" '--help' "$REPO/tools/wsgi" deploy new --bogus

    assert_none_bad
}

@test "bad input: nothing at all is wrong usage, with the list of verbs" {
    capture "$REPO/tools/wsgi"

    assert_equal "$STATUS" 2
    assert_equal "$OUT" ''
    assert_regex "$ERR" $'^Usage: wsgi VERB.*\n  deploy '
}

# FACTS: what becomes a directive, a variable or a command somewhere.
@test "bad input: no field lets code or another line through" {
    local field payload value
    # shellcheck disable=SC2016  # the characters themselves
    local -a payloads=(
        $'\nexec-asap = id' $'\r\nExecStart=/bin/x' '$(HOME)'
        '@(exec://id)' '%(x)' '${X}' '`id`' $'\e[2J'
    )
    local -A start=(
        [unit]=a [site]=a [key]=a [app]=m:a [script]=/etc/passwd [path]=/a
        [listen]=127.0.0.1:9009 [mode]=uwsgi [transport]=http [processes]=1
        [threads]=1 [user]=daemon [group]=daemon [venv]=/etc [chdir]=/etc
        [python-path]=/etc [healthcheck]=/a [conf]=/etc/a.ini
        [hardening]=off [arg]=a [set]=harakiri=1
    )

    for field in "${!start[@]}"; do
        for payload in "${payloads[@]}"; do
            # what no server, and no file of ours, gives a meaning
            [[ "$payload" != *'`'* || "$field" != @(arg|set) ]] || continue
            value=${start[$field]}$payload
            refused_value "--$field" "$value" '' "--$field '${start[$field]}"
        done
    done
    for payload in $'\nexec-asap = id' $'\r\nExecStart=/bin/x' $'\e[2J' \
        $'\x01'; do
        refused_value --env "A=a$payload" 'control characters' '--env'
    done

    assert_none_bad
}

@test "bad input: a run that another one keeps waiting gives up" {
    local fd lock=$WSGI_SYSROOT/run/devstack-wsgi.lock
    wrap flock
    exec {fd}> "$lock"
    flock "$fd"
    remember

    with_defaults new
    # after 300 s
    FAIL_AT='flock --timeout 300 *' capture wsgi deploy "${REPLY_WORDS[@]}"
    exec {fd}>&-

    assert_equal "$STATUS" 1
    assert_equal "$ERR" "wsgi: waiting for another run to end
flock: told to fail
[ERROR] wsgi: another run has held $lock for 300 s; 'fuser $lock' shows it"
    assert_none_bad
}

@test "bad input: a place for the lock that nobody can write" {
    rm -f "$WSGI_SYSROOT/run/devstack-wsgi.lock"
    mkdir "$WSGI_SYSROOT/run/devstack-wsgi.lock"
    remember

    with_defaults new
    refused 1 "run/devstack-wsgi.lock" 'root' wsgi deploy "${REPLY_WORDS[@]}"

    assert_none_bad
}
