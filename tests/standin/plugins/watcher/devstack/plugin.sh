#!/bin/bash
#
# plugins/watcher - a module and no name; DevStack's own writer breaks Apache
#                   with that, so it is for runs with a plugin only
#
# Depends on: tests/standin/functions, lib/apache
# Reads:      the phase, in $1 and $2
# Writes:     /etc/watcher

: "${WATCHER_CONF_DIR:=/etc/watcher}"
: "${WATCHER_UWSGI:=watcher.wsgi.api:application}"
: "${WATCHER_UWSGI_CONF:=$WATCHER_CONF_DIR/watcher-uwsgi.ini}"

function install_watcher {
    install_application watcher "$WATCHER_UWSGI"
}

function configure_watcher {
    sudo install -d -o "$STACK_USER" "$WATCHER_CONF_DIR"
    write_uwsgi_config "$WATCHER_UWSGI_CONF" "$WATCHER_UWSGI" /infra-optim
}

function start_watcher {
    run_process watcher-api "$(type -P uwsgi) --procname-prefix \
        watcher-api --ini $WATCHER_UWSGI_CONF"
}

function stop_watcher {
    stop_process watcher-api
}

function cleanup_watcher {
    remove_uwsgi_config "$WATCHER_UWSGI_CONF" "$WATCHER_UWSGI"
    sudo rm -rf "$WATCHER_CONF_DIR"
}

usual_phases watcher "$1" "${2:-}"
