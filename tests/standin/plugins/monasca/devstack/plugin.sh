#!/bin/bash
#
# plugins/monasca - the path of a script, and no name
#
# Depends on: tests/standin/functions, lib/apache
# Reads:      the phase, in $1 and $2
# Writes:     /etc/monasca, a script in PYTHON_BIN

: "${MONASCA_CONF_DIR:=/etc/monasca}"
: "${MONASCA_UWSGI_CONF:=$MONASCA_CONF_DIR/monasca-api-uwsgi.ini}"
: "${MONASCA_SCRIPT:=$PYTHON_BIN/monasca-api-wsgi}"

function install_monasca {
    install_application monasca monasca.wsgi.api:application
    printf '%s\n' '#!/usr/bin/env python3' \
        'from monasca.wsgi.api import application' |
        sudo tee "$MONASCA_SCRIPT"
    sudo chmod 0755 "$MONASCA_SCRIPT"
}

function configure_monasca {
    sudo install -d -o "$STACK_USER" "$MONASCA_CONF_DIR"
    write_uwsgi_config "$MONASCA_UWSGI_CONF" "$MONASCA_SCRIPT" /metrics
}

function start_monasca {
    run_process monasca-api "$(type -P uwsgi) --ini $MONASCA_UWSGI_CONF"
}

function stop_monasca {
    stop_process monasca-api
}

function cleanup_monasca {
    remove_uwsgi_config "$MONASCA_UWSGI_CONF" "$MONASCA_SCRIPT"
    sudo rm -rf "$MONASCA_CONF_DIR" "$MONASCA_SCRIPT"
}

usual_phases monasca "$1" "${2:-}"
