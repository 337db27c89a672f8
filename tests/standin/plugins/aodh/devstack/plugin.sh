#!/bin/bash
#
# plugins/aodh - configured in a subshell, removed by its name
#
# Depends on: tests/standin/functions, lib/apache
# Reads:      the phase, in $1 and $2
# Writes:     /etc/aodh

: "${AODH_CONF_DIR:=/etc/aodh}"
: "${AODH_UWSGI:=aodh.wsgi.api:application}"
: "${AODH_UWSGI_CONF:=$AODH_CONF_DIR/aodh-uwsgi.ini}"

function install_aodh {
    install_application aodh "$AODH_UWSGI"
}

# In the background, as DevStack's async functions run.
function configure_aodh {
    (
        sudo install -d -o "$STACK_USER" "$AODH_CONF_DIR"
        write_uwsgi_config "$AODH_UWSGI_CONF" "$AODH_UWSGI" /alarming "" aodh
    ) &
    wait "$!"
}

function start_aodh {
    run_process aodh-api "$(type -P uwsgi) --ini $AODH_UWSGI_CONF"
}

function stop_aodh {
    stop_process aodh-api
}

function cleanup_aodh {
    remove_uwsgi_config "$AODH_UWSGI_CONF" aodh
    sudo rm -rf "$AODH_CONF_DIR"
}

usual_phases aodh "$1" "${2:-}"
