#!/bin/bash
#
# plugins/cloudkitty - removed by its CONF alone
#
# Depends on: tests/standin/functions, lib/apache
# Reads:      the phase, in $1 and $2
# Writes:     /etc/cloudkitty

: "${CLOUDKITTY_CONF_DIR:=/etc/cloudkitty}"
: "${CLOUDKITTY_UWSGI:=cloudkitty.wsgi.api:application}"
: "${CLOUDKITTY_UWSGI_CONF:=$CLOUDKITTY_CONF_DIR/cloudkitty-uwsgi.ini}"

function install_cloudkitty {
    install_application cloudkitty "$CLOUDKITTY_UWSGI"
}

function configure_cloudkitty {
    sudo install -d -o "$STACK_USER" "$CLOUDKITTY_CONF_DIR"
    write_uwsgi_config "$CLOUDKITTY_UWSGI_CONF" "$CLOUDKITTY_UWSGI" /rating \
        "" cloudkitty
}

function start_cloudkitty {
    run_process ck-api "$(type -P uwsgi) --ini $CLOUDKITTY_UWSGI_CONF"
}

function stop_cloudkitty {
    stop_process ck-api
}

function cleanup_cloudkitty {
    remove_uwsgi_config "$CLOUDKITTY_UWSGI_CONF"
    sudo rm -rf "$CLOUDKITTY_CONF_DIR"
}

usual_phases cloudkitty "$1" "${2:-}"
