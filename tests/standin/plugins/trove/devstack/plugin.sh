#!/bin/bash
#
# plugins/trove - written with a name and removed by it
#
# Depends on: tests/standin/functions, lib/apache
# Reads:      the phase, in $1 and $2
# Writes:     /etc/trove

: "${TROVE_CONF_DIR:=/etc/trove}"
: "${TROVE_UWSGI:=trove.wsgi.api:application}"
: "${TROVE_UWSGI_CONF:=$TROVE_CONF_DIR/trove-uwsgi.ini}"

function install_trove {
    install_application trove "$TROVE_UWSGI"
}

function configure_trove {
    sudo install -d -o "$STACK_USER" "$TROVE_CONF_DIR"
    write_uwsgi_config "$TROVE_UWSGI_CONF" "$TROVE_UWSGI" /database "" \
        trove-api
}

function start_trove {
    run_process tr-api "$(type -P uwsgi) --ini $TROVE_UWSGI_CONF"
}

function stop_trove {
    stop_process tr-api
}

function cleanup_trove {
    remove_uwsgi_config "$TROVE_UWSGI_CONF" trove-api
    sudo rm -rf "$TROVE_CONF_DIR"
}

usual_phases trove "$1" "${2:-}"
