#!/bin/bash
#
# plugins/mistral - HTTP behind Apache, with three arguments: a script's path
#
# Depends on: tests/standin/functions, lib/apache
# Reads:      the phase, in $1 and $2
# Writes:     /etc/mistral, a script in PYTHON_BIN

: "${MISTRAL_CONF_DIR:=/etc/mistral}"
: "${MISTRAL_UWSGI_CONF:=$MISTRAL_CONF_DIR/mistral-uwsgi.ini}"
: "${MISTRAL_SCRIPT:=$PYTHON_BIN/mistral-wsgi-api}"

function install_mistral {
    install_application mistral mistral.wsgi.api:application
    printf '%s\n' '#!/usr/bin/env python3' \
        'from mistral.wsgi.api import application' |
        sudo tee "$MISTRAL_SCRIPT"
    sudo chmod 0755 "$MISTRAL_SCRIPT"
}

function configure_mistral {
    :
}

# Not earlier: the port is one that nobody listens on in this moment, and
# Glance's own would be the same before Glance runs.
function write_mistral {
    sudo install -d -o "$STACK_USER" "$MISTRAL_CONF_DIR"
    write_local_uwsgi_http_config "$MISTRAL_UWSGI_CONF" "$MISTRAL_SCRIPT" \
        /workflow
}

function start_mistral {
    write_mistral
    run_process mistral-api "$(type -P uwsgi) --ini $MISTRAL_UWSGI_CONF"
}

function stop_mistral {
    stop_process mistral-api
}

function cleanup_mistral {
    remove_uwsgi_config "$MISTRAL_UWSGI_CONF" "$MISTRAL_SCRIPT"
    sudo rm -rf "$MISTRAL_CONF_DIR" "$MISTRAL_SCRIPT"
}

usual_phases mistral "$1" "${2:-}"
