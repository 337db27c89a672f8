#!/bin/bash
#
# tests/helpers/unit.bash - a system to deploy to, that is a folder
#
# Depends on: tests/helpers/load.bash
# Reads:      nothing
# Writes:     $BATS_TEST_TMPDIR
# Sets:       ACCOUNT; what each function says
# Public:     fake_system, fake_venv, fake_python, snapshot,
#             remember, assert_unchanged, wrap, capture, untraced, wsgi,
#             deploy, with_defaults, copy_library, toy_server

# Every Debian and Fedora has it, with a group of the same name.
ACCOUNT=daemon

# What the uWSGI of that system lists: some that a caller may want, then some
# that are the library's own.
_UNIT_SETTINGS=(
    post-buffering buffer-size procname-prefix max-requests route-run
    logger
    module wsgi-file mount socket uwsgi-socket puwsgi-socket suwsgi-socket
    ssl-socket http-socket https-socket fastcgi-socket scgi-socket
    raw-socket processes workers threads env pyargv venv chdir uid gid
    plugins ini include inherit lazy-apps daemonize stats master-fifo
    protocol chmod-socket
)

# What the stubs of systemd and Apache do besides logging. They work on the
# links below WSGI_SYSROOT, as the real ones do on the system's.
# FAIL_AT, a pattern of their command line, makes one of them fail;
# AT_EACH_CALL is a file that each of them sources before it does anything.
# shellcheck disable=SC2016  # the stubs expand it
_UNIT_STUB_HEAD='
if [[ -n "${FAIL_AT:-}" && "${0##*/} $*" == $FAIL_AT ]]; then
    [[ "$*" == *--quiet* ]] || echo "${0##*/}: told to fail" >&2
    exit 1
fi
[[ -z "${AT_EACH_CALL:-}" ]] || source "$AT_EACH_CALL"
etc=$WSGI_SYSROOT/etc/apache2
marks=$WSGI_SYSROOT/var/lib/apache2/module
words=()
for word; do
    [[ "$word" == -* ]] || words+=("$word")
done
'
# shellcheck disable=SC2016  # the stubs expand it
declare -gA _UNIT_STUBS=(
    [systemctl]='
units=$WSGI_SYSROOT/etc/systemd/system
case $1 in
    list-units)
        for word in "${words[@]:1}"; do
            [[ -n "${HOLDS_NONE:-}" ]] || echo "$word loaded active running"
        done
        ;;
    show)
        [[ "$*" != *" apache2.service" ]] ||
            printf "ActiveState=%s\nMainPID=0\n" "${APACHE_STATE:-active}"
        for word in "${words[@]:1}"; do
            [[ "$word" == *@*.s* ]] || continue
            load=not-found
            [[ ! -f "$units/$word" ]] || load=loaded
            if [[ "$*" == *NeedDaemonReload* ]]; then
                echo "${NEED_RELOAD:-yes}"
            elif [[ "$*" == *LoadState* ]]; then
                printf "Id=%s\nLoadState=%s\n\n" "$word" "$load"
            else
                printf "ActiveState=%s\nControlGroup=\n\n" \
                    "${ACTIVE_STATE:-inactive}"
            fi
        done
        ;;
    is-active)
        for word in "${words[@]:1}"; do
            echo "${ACTIVE_STATE:-inactive}"
        done
        [[ "${ACTIVE_STATE:-}" == active ]] || exit 3
        ;;
    stop)
        for word in "${words[@]:1}"; do
            [[ -f "$units/$word" ]] || {
                echo "Failed to stop $word: Unit $word not loaded." >&2
                exit 5
            }
        done
        ;;
esac'
    [systemd-analyze]=''
    [journalctl]='printf "{\"MESSAGE\": \"%s\"}\n" "the last line of its log"'
    [apache2ctl]='
if [[ "$*" == *DUMP_RUN_CFG* ]]; then
    printf "User: name=\"www-data\" id=33\nGroup: name=\"www-data\" id=33\n"
    printf "ThreadsPerChild 25\nMaxRequestWorkers 150\n"
else
    echo "Syntax OK" >&2
fi'
    [a2enmod]='
for word in "${words[@]}"; do
    for file in "$etc/mods-available/$word".*; do
        [[ -f "$file" ]] || {
            echo "ERROR: Module $word does not exist!" >&2
            exit 1
        }
        ln -sf "../mods-available/${file##*/}" "$etc/mods-enabled/"
    done
    : > "$marks/enabled_by_admin/$word"
    rm -f "$marks/disabled_by_admin/$word"
done'
    [a2dismod]='
for word in "${words[@]}"; do
    rm -f "$etc/mods-enabled/$word".* "$marks/enabled_by_admin/$word"
    : > "$marks/disabled_by_admin/$word"
done'
)

# A system as apt leaves it, below WSGI_SYSROOT: Apache with its default
# site, uWSGI, and stubs that log to $CALLS what is asked of the daemons.
# Nothing that the caller's shell says of WSGI counts in it.
#
# Usage:   fake_system
# Sets:    what sandbox sets
# Returns: 0
# Example: fake_system; deploy hello
function fake_system {
    local variable model=$BATS_FILE_TMPDIR/system
    for variable in "${!WSGI_@}"; do
        [[ "$variable" == WSGI_NO_SKIP || "$variable" == WSGI_TEST_* ]] ||
            unset "$variable"
    done
    unset DEVSTACK_WSGI_MODE API_WORKERS STACK_USER SUDO_USER FAIL_AT \
        AT_EACH_CALL ACTIVE_STATE CDPATH
    # where no Apache runs, none is found
    export WSGI_FRONT=http://127.0.0.1
    umask 022
    # made by the first test of a file, copied by the others
    if [[ ! -d "$model" ]]; then
        untraced _unit_make_system "$model.$BATS_TEST_NUMBER" || return
        # another test may be first meanwhile
        mv -T "$model.$BATS_TEST_NUMBER" "$model" 2>/dev/null ||
            [[ -d "$model" ]] || return
    fi
    sandbox || return
    cp -a "$model/." "$BATS_TEST_TMPDIR/" &&
        sed -i "s|@CALLS@|$CALLS|" "$_STUBS"/*
}

# Usage: _unit_make_system FOLDER
function _unit_make_system {
    local name root=$1/root etc=$1/root/etc/apache2
    # shellcheck disable=SC2034  # stub reads them
    local _STUBS=$1/stubs CALLS=@CALLS@
    mkdir -p "$_STUBS" "$etc"/{mods,sites}-{available,enabled} \
        "$root"/{etc/systemd/system,run/lock,var/lib,usr/bin,usr/sbin} \
        "$root/var/lib/apache2/module"/{en,dis}abled_by_admin \
        "$etc/conf-enabled" "$root/usr/lib/uwsgi/plugins" || return
    echo '# a unit of somebody else' > "$root/etc/systemd/system/x.service"
    for name in proxy proxy_uwsgi proxy_http headers setenvif authz_core \
            proxy_balancer lbmethod_byrequests slotmem_shm env; do
        echo "LoadModule ${name}_module mod_$name.so" \
            > "$etc/mods-available/$name.load"
    done
    echo 'ProxyVia Off' > "$etc/mods-available/proxy.conf"
    ln -s ../mods-available/setenvif.load ../mods-available/authz_core.load \
        "$etc/mods-enabled/"
    echo '# a site of somebody else' > "$etc/sites-available/000-default.conf"
    ln -s ../sites-available/000-default.conf "$etc/sites-enabled/"
    echo 'IncludeOptional sites-enabled/*.conf' > "$etc/apache2.conf"
    printf '# ports\nListen 80\n' > "$etc/ports.conf"
    : > "$root/usr/lib/uwsgi/plugins/python311_plugin.so"
    # as Debian's package leaves mod_wsgi
    mkdir -p "$root/usr/lib/apache2/modules" || return
    : > "$root/usr/lib/apache2/modules/mod_wsgi.so-3.11"
    ln -s mod_wsgi.so-3.11 "$root/usr/lib/apache2/modules/mod_wsgi.so"
    printf '#!/bin/bash\n' > "$root/usr/sbin/apache2"
    chmod +x "$root/usr/sbin/apache2"
    # what '--set' may name is what this says
    {
        printf '%s\n' '#!/bin/bash' 'cat << END' 'Usage: uwsgi [options...]'
        printf '    --%s  sets it\n' "${_UNIT_SETTINGS[@]}"
        printf '    -t|--harakiri  sets it\nEND\n'
    } > "$root/usr/bin/uwsgi"
    chmod +x "$root/usr/bin/uwsgi"
    # where Fedora has it
    ln -s ../bin/uwsgi "$root/usr/sbin/uwsgi"
    for name in "${!_UNIT_STUBS[@]}"; do
        stub "$name" "$_UNIT_STUB_HEAD${_UNIT_STUBS[$name]}"
    done
}

# A virtual environment that is a folder with a pyvenv.cfg.
#
# Usage:   fake_venv NAME VERSION
# Sets:    REPLY, its folder
# Returns: 0
# Example: fake_venv old 2.7.18
function fake_venv {
    REPLY=$BATS_TEST_TMPDIR/$1
    mkdir -p "$REPLY/bin" || return
    printf '%s\n' 'home = /usr/bin' 'include-system-site-packages = false' \
        "version = $2" > "$REPLY/pyvenv.cfg"
}

# In a sandbox, a Python whose venvs have a pip and a python3 that only log how
# they were called; for "pip freeze" one package is there.
#
# Usage:   fake_python [STATUS]
#   STATUS  of all else that pip does (0)
# Returns: 0
# Example: fake_python 1; PYTHON=fake-python
function fake_python {
    stub pip "case \$1 in
        freeze) echo hello==1.0 ;;
        *)      exit ${1:-0} ;;
    esac" &&
        stub python3 || return
    # shellcheck disable=SC2016  # the stub expands it
    stub fake-python 'case $2 in
        venv) mkdir -p "$3/bin"; cp "${0%/*}"/{pip,python3} "$3/bin/" ;;
        *)    echo "Python 0" ;;
    esac'
}

# Run a function without bats' trap at each of its commands, which takes
# longer than most of them. A failure in it is told without its line.
#
# Usage:   untraced FUNCTION ARG...
# Returns: what it returns
# Example: untraced judge hello
function untraced {
    local -
    set +T
    "$@"
}

# Everything below WSGI_SYSROOT but the lock's file: kinds, modes, owners and
# where links lead; sums of files.
#
# Usage:   snapshot [times]
#   times  when each was changed, too
# Sets:    REPLY, a line for each, in order
# Returns: 0
# Example: snapshot; files=$REPLY
function snapshot {
    local form='%y %m %u:%g %p %l\n'
    [[ "${1:-}" != times ]] || form='%y %m %u:%g %p %l %T@ %C@\n'
    REPLY=$(
        cd "$WSGI_SYSROOT" &&
            find . -path ./run/devstack-wsgi.lock -o -printf "$form" \
                -type f -exec sha256sum {} + | LC_ALL=C sort
    )
}

# Take the system as it is now for the one that nothing may change.
#
# Usage:   remember [times]
# Returns: 0
# Example: remember; run wsgi remove nope; assert_unchanged
function remember {
    _UNIT_HOW=("$@")
    snapshot "$@"
    _UNIT_BEFORE=$REPLY
}

# The system is as it was when it was remembered, else a diff.
#
# Usage:   assert_unchanged
# Returns: 0; 1 it differs
# Example: remember; run wsgi remove nope; assert_unchanged
function assert_unchanged {
    snapshot "${_UNIT_HOW[@]}"
    [[ "$REPLY" != "$_UNIT_BEFORE" ]] || return 0
    diff -U 0 --label before --label after - <(printf '%s\n' "$REPLY") \
        <<< "$_UNIT_BEFORE" | batslib_decorate 'the system is changed' | fail
}

# Make a command of the system a stub that logs, fails and stops as the
# others do, and otherwise does what it always does.
#
# Usage:   wrap COMMAND...
# Returns: 0; 1 there is no such command
# Example: wrap mv; FAIL_AT='mv *' deploy hello
function wrap {
    local name real
    for name; do
        real=$(type -P "$name") || return
        stub "$name" "${_UNIT_STUB_HEAD}exec ${real@Q} \"\$@\""
    done
    # this shell may remember where it found them before
    hash -r
}

# Run a command or function of the library as a shell of its own would,
# without bats' traps.
#
# Usage:   capture COMMAND ARG...
# Sets:    STATUS, OUT, ERR
# Returns: 0
# Example: capture wsgi deploy hello; assert_equal "$STATUS" 1
# shellcheck disable=SC2034  # they are the answer
function capture {
    local errors=$BATS_TEST_TMPDIR/stderr
    STATUS=0
    OUT=$(
        set +eETu
        trap - DEBUG ERR EXIT
        "$@" 2> "$errors"
    ) || STATUS=$?
    ERR=$(< "$errors")
}

# Run a verb: by the library where the test has loaded it (in a subshell, as
# little as possible of bats around it), else by tools/wsgi.
#
# Usage:   wsgi VERB ARG...
# Returns: what the verb returns
# Example: wsgi remove hello
function wsgi {
    if declare -F _wsgi_verbs_run > /dev/null; then
        (
            set +eETu
            trap - DEBUG ERR EXIT
            _wsgi_verbs_run "$@"
        )
    else
        "$REPO/tools/wsgi" "$@"
    fi
}

# Deploy a service that has all it needs; what is given takes precedence.
#
# Usage:   deploy NAME [OPTION...]
# Returns: what 'wsgi deploy' returns
# Example: deploy hello --threads 4
function deploy {
    with_defaults "$@"
    wsgi deploy "${REPLY_WORDS[@]}"
}

# Add to a declaration what it lacks: application, address, user.
#
# Usage:   with_defaults NAME [OPTION...]
# Sets:    REPLY_WORDS, an array
# Returns: 0
# Example: with_defaults hello --threads 4
function with_defaults {
    local given=" $* "
    REPLY_WORDS=("$@")
    [[ "$given" == *' --app '* || "$given" == *' --script '* ]] ||
        REPLY_WORDS+=(--app "thing.wsgi:application")
    [[ "$given" == *' --path '* || "$given" == *' --listen '* ]] ||
        REPLY_WORDS+=(--path "/$1")
    [[ "$given" == *' --user '* ]] || REPLY_WORDS+=(--user "$ACCOUNT")
}

# A copy of the library, in which something may be broken or added.
#
# Usage:   copy_library
# Sets:    COPY, its folder
# Returns: 0
# Example: copy_library; "$COPY/tools/wsgi" status
function copy_library {
    COPY=$BATS_TEST_TMPDIR/copy
    mkdir -p "$COPY" &&
        cp -r "$REPO/lib" "$REPO/files" "$REPO/tools" "$COPY/"
}

# A copy of the library with one server more, the toy of tests/fixtures.
#
# Usage:   toy_server
# Sets:    COPY, the copy's folder
# Returns: 0
# Example: toy_server; "$COPY/tools/wsgi" deploy hello --mode toy
function toy_server {
    copy_library &&
        cp "$REPO/tests/fixtures/servers/toy.py" \
            "$COPY/lib/devstack_wsgi/servers/"
}
