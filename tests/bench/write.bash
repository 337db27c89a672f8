#!/bin/bash
#
# tests/bench/write.bash - what writing services costs, without a daemon
#
# Usage: tests/bench/write.bash root FOLDER    make a system of files
#        tests/bench/write.bash apply FOLDER   apply the records in it; prints
#            processes, seconds of a processor, seconds
#        tests/bench/write.bash processes      start as many processes as
#            DevStack's functions do for one service, each with nothing to do
#
# apply wants a PID namespace of its own: a process gets the next number there.
#
# Depends on: lib/verbs
# Writes:     FOLDER
# Exit:       0 done; 1 failed

# counted in DevStack's functions, for one service with its unit and site
FORKS=394
EXECS=221

function make_root {
    local root=$1 name
    mkdir -p "$root"/{etc/systemd/system,run/lock,var/lib,usr/bin,stubs} \
        "$root/usr/lib/uwsgi/plugins" "$root/var/lib/apache2" || return
    cp -a /etc/apache2 "$root/etc/" &&
        cp -a /var/lib/apache2/module "$root/var/lib/apache2/" &&
        cp -a /usr/lib/uwsgi/plugins/python3*_plugin.so \
            "$root/usr/lib/uwsgi/plugins/" &&
        cp -L /usr/bin/uwsgi "$root/usr/bin/" || return
    # the daemons are not there: who calls them is answered at once
    for name in systemctl systemd-analyze; do
        printf '%s\n' '#!/bin/sh' 'exit 0' > "$root/stubs/$name" || return
    done
    printf '%s\n' '#!/bin/sh' 'echo "Group: name=\"www-data\" id=33"' \
        > "$root/stubs/apache2ctl" &&
        chmod +x "$root"/stubs/*
}

function apply {
    local before begin user system
    PATH=$1/stubs:$PATH
    export WSGI_SYSROOT=$1
    # shellcheck source=/dev/null  # by its place
    source "$(realpath -- "${BASH_SOURCE[0]%/*}/../../lib/verbs")" || return
    # shellcheck disable=SC2116  # a process, for its number
    before=$(echo "$BASHPID")
    begin=$EPOCHREALTIME
    _wsgi_verbs_run apply > /dev/null || return
    begin=$(( ${EPOCHREALTIME/./} - ${begin/./} ))
    # shellcheck disable=SC2116  # the same
    before=$(( $(echo "$BASHPID") - before - 1 ))
    # fields 14 to 17: of this shell, and of those that it waited for
    read -r -a user < "/proc/self/stat"
    system=$(( user[13] + user[14] + user[15] + user[16] ))
    printf '%d %d.%02d %d.%06d\n' "$before" "$(( system / 100 ))" \
        "$(( system % 100 ))" "$(( begin / 1000000 ))" \
        "$(( begin % 1000000 ))"
}

function start_processes {
    local i
    for (( i = 0; i < FORKS - EXECS; i++ )); do
        ( : )
    done
    for (( i = 0; i < EXECS; i++ )); do
        sed -e '' /etc/hostname > /dev/null
    done
}

case $1 in
    root)      make_root "$2" ;;
    apply)     apply "$2" ;;
    processes) start_processes ;;
esac
