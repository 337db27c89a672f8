#!/bin/bash
#
# plugins/octavia - a site of another name than the service, removed by module
#
# Depends on: tests/standin/functions, lib/apache
# Reads:      the phase, in $1 and $2; OCTAVIA_SERVICE_TYPE
# Writes:     /etc/octavia

: "${OCTAVIA_CONF_DIR:=/etc/octavia}"
: "${OCTAVIA_SERVICE_TYPE:=load-balancer}"
: "${OCTAVIA_UWSGI:=octavia.wsgi.api:application}"
: "${OCTAVIA_UWSGI_CONF:=$OCTAVIA_CONF_DIR/octavia-uwsgi.ini}"

function install_octavia {
    install_application octavia "$OCTAVIA_UWSGI"
}

function configure_octavia {
    sudo install -d -o "$STACK_USER" "$OCTAVIA_CONF_DIR"
    write_uwsgi_config "$OCTAVIA_UWSGI_CONF" "$OCTAVIA_UWSGI" \
        "/$OCTAVIA_SERVICE_TYPE" "" octavia-wsgi
}

function start_octavia {
    run_process o-api "$(type -P uwsgi) --ini $OCTAVIA_UWSGI_CONF" \
        "" "" "OCTAVIA_A=1 OCTAVIA_B=2"
}

function stop_octavia {
    stop_process o-api
}

function cleanup_octavia {
    remove_uwsgi_config "$OCTAVIA_UWSGI_CONF" "$OCTAVIA_UWSGI"
    sudo rm -rf "$OCTAVIA_CONF_DIR"
}

usual_phases octavia "$1" "${2:-}"
