#!/bin/bash
#
# plugins/zaqar - sources lib/apache anew when it is installed
#
# Depends on: tests/standin/functions, lib/apache
# Reads:      the phase, in $1 and $2
# Writes:     /etc/zaqar

: "${ZAQAR_CONF_DIR:=/etc/zaqar}"
: "${ZAQAR_UWSGI:=zaqar.transport.wsgi.app:application}"
: "${ZAQAR_UWSGI_CONF:=$ZAQAR_CONF_DIR/zaqar-uwsgi.ini}"

function install_zaqar {
    # shellcheck source=tests/standin/lib/apache
    source "$TOP_DIR/lib/apache"
    install_application zaqar "$ZAQAR_UWSGI"
}

function configure_zaqar {
    sudo install -d -o "$STACK_USER" "$ZAQAR_CONF_DIR"
    write_uwsgi_config "$ZAQAR_UWSGI_CONF" "$ZAQAR_UWSGI" /messaging "" \
        zaqar-wsgi
}

function start_zaqar {
    run_process zaqar-wsgi "$(type -P uwsgi) --ini $ZAQAR_UWSGI_CONF"
}

function stop_zaqar {
    stop_process zaqar-wsgi
}

function cleanup_zaqar {
    remove_uwsgi_config "$ZAQAR_UWSGI_CONF" zaqar-wsgi
    sudo rm -rf "$ZAQAR_CONF_DIR"
}

usual_phases zaqar "$1" "${2:-}"
