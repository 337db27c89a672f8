#!/bin/bash
#
# plugins/designate - writes over the site and the socket of what it had
#                     written, and enables and disables its site by itself
#
# Depends on: tests/standin/functions, lib/apache
# Reads:      the phase, in $1 and $2
# Writes:     /etc/designate

: "${DESIGNATE_CONF_DIR:=/etc/designate}"
: "${DESIGNATE_UWSGI:=designate.wsgi.api:application}"
: "${DESIGNATE_UWSGI_CONF:=$DESIGNATE_CONF_DIR/designate-uwsgi.ini}"

function install_designate {
    install_application designate "$DESIGNATE_UWSGI"
}

function configure_designate {
    local site
    sudo install -d -o "$STACK_USER" "$DESIGNATE_CONF_DIR"
    write_uwsgi_config "$DESIGNATE_UWSGI_CONF" "$DESIGNATE_UWSGI" /dns "" \
        designate-api-wsgi
    # a body that is not read loses its answer in the uwsgi protocol
    iniset "$DESIGNATE_UWSGI_CONF" uwsgi http-socket 127.0.0.1:60053
    inidelete "$DESIGNATE_UWSGI_CONF" uwsgi socket
    enable_apache_mod proxy
    enable_apache_mod proxy_http
    site=$(apache_site_config_for designate-api-wsgi)
    printf '%s\n' 'KeepAlive Off' 'SetEnv proxy-sendchunked 1' \
        'ProxyPass "/dns" "http://127.0.0.1:60053" retry=0 acquire=1' |
        sudo tee "$site"
    restart_apache_server
}

function start_designate {
    run_process designate-api "$(type -P uwsgi) --procname-prefix \
        designate-api --ini $DESIGNATE_UWSGI_CONF"
    enable_apache_site designate-api-wsgi
    restart_apache_server
    wait_for_service "$SERVICE_TIMEOUT" \
        "$SERVICE_PROTOCOL://$SERVICE_HOST/dns" ||
        die "$LINENO" "designate-api did not start"
}

function stop_designate {
    stop_process designate-api
    disable_apache_site designate-api-wsgi
    restart_apache_server
}

function cleanup_designate {
    sudo rm -f "$(apache_site_config_for designate-api)"
    remove_uwsgi_config "$DESIGNATE_UWSGI_CONF" "$DESIGNATE_UWSGI"
    sudo rm -rf "$DESIGNATE_CONF_DIR"
}

usual_phases designate "${1:-}" "${2:-}"
