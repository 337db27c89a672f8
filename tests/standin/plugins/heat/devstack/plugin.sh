#!/bin/bash
#
# plugins/heat - edits CONF after the write, starts another uwsgi, removes by
#                module
#
# Depends on: tests/standin/functions, lib/apache
# Reads:      the phase, in $1 and $2
# Writes:     /etc/heat

: "${HEAT_CONF_DIR:=/etc/heat}"
: "${HEAT_API_UWSGI:=heat.wsgi.api:application}"
: "${HEAT_CFN_API_UWSGI:=heat.wsgi.cfn:application}"
: "${HEAT_API_UWSGI_CONF:=$HEAT_CONF_DIR/heat-api-uwsgi.ini}"
: "${HEAT_CFN_API_UWSGI_CONF:=$HEAT_CONF_DIR/heat-api-cfn-uwsgi.ini}"

function install_heat {
    install_application heat "$HEAT_API_UWSGI"
    install_application heat-cfn "$HEAT_CFN_API_UWSGI"
}

function configure_heat {
    sudo install -d -o "$STACK_USER" "$HEAT_CONF_DIR"
    write_uwsgi_config "$HEAT_API_UWSGI_CONF" "$HEAT_API_UWSGI" /heat-api \
        "" heat-api
    iniset "$HEAT_API_UWSGI_CONF" uwsgi threads 4
    write_uwsgi_config "$HEAT_CFN_API_UWSGI_CONF" "$HEAT_CFN_API_UWSGI" \
        /heat-api-cfn "" heat-api-cfn
}

# The uwsgi of its own folder where there is one, and no name for processes.
function start_heat {
    local uwsgi=$PYTHON_BIN/uwsgi
    [[ -x "$uwsgi" ]] || uwsgi=$(type -P uwsgi)
    # shellcheck disable=SC2034  # run_process reads it
    SYSTEMD_ENV_VARS["h-api-cfn"]='"HEAT_CFN=one two"'
    run_process h-api "$uwsgi --ini $HEAT_API_UWSGI_CONF" ""
    run_process h-api-cfn "$uwsgi --ini $HEAT_CFN_API_UWSGI_CONF" ""
}

function stop_heat {
    stop_process h-api
    stop_process h-api-cfn
}

function cleanup_heat {
    remove_uwsgi_config "$HEAT_API_UWSGI_CONF" "$HEAT_API_UWSGI"
    remove_uwsgi_config "$HEAT_CFN_API_UWSGI_CONF" "$HEAT_CFN_API_UWSGI"
    sudo rm -rf "$HEAT_CONF_DIR"
}

usual_phases heat "$1" "${2:-}"
