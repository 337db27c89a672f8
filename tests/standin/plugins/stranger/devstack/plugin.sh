#!/bin/bash
#
# plugins/stranger - a plugin of nobody's: names and values that DevStack takes
#                    and few have, and APIs that it starts without DevStack's
#                    functions
#
#   Foo_HTTP, foo-http  names that differ in what is no letter
#   odd-site            a site with a dot in its name
#   odd-env             a variable that steers the loader, and CONF edited
#   odd-own             a CONF, a socket and a site of its own
#   odd-bare            uWSGI without a CONF, on a port
#   odd-unit            a unit and a site of its own, and no uWSGI
#
# Depends on: tests/standin/functions, lib/apache
# Reads:      the phase, in $1 and $2
# Writes:     /etc/stranger, sites and a unit of its own

: "${STRANGER_CONF_DIR:=/etc/stranger}" "${STRANGER_DIR:=$DATA_DIR/stranger}"

function install_stranger {
    local name
    for name in foo-upper foo-lower odd-site odd-env odd-own odd-bare; do
        install_application "$name" "${name//-/_}.wsgi:application"
    done
    mkdir -p "$STRANGER_DIR"
    printf 'odd-unit\n' > "$STRANGER_DIR/index.html"
}

# Usage: write_stranger NAME SITE
function write_stranger {
    write_uwsgi_config "$STRANGER_CONF_DIR/$1.ini" \
        "${1//-/_}.wsgi:application" "/$1" "" "$2"
}

# Usage: write_stranger_site NAME BACKEND
function write_stranger_site {
    printf '%s\n' 'AddDefaultCharset UTF-8' \
        "ProxyPass \"/$1\" \"$2\" retry=0 acquire=1 " |
        sudo tee "$(apache_site_config_for "$1")"
    sudo a2ensite -q "$1"
    restart_apache_server
}

function configure_stranger {
    local conf=$STRANGER_CONF_DIR/odd-own.ini socket=/var/run/uwsgi/odd.socket
    sudo install -d -o "$STACK_USER" "$STRANGER_CONF_DIR"
    write_stranger foo-upper Foo_HTTP
    write_stranger foo-lower foo-http
    write_stranger odd-site odd.site
    write_stranger odd-env odd-env
    iniset "$STRANGER_CONF_DIR/odd-env.ini" uwsgi threads 4

    rm -f "$conf"
    iniset "$conf" uwsgi module odd_own.wsgi:application
    iniset "$conf" uwsgi plugins python3
    iniset "$conf" uwsgi master true
    iniset "$conf" uwsgi die-on-term true
    iniset "$conf" uwsgi socket "$socket"
    iniset "$conf" uwsgi chmod-socket 666
    write_stranger_site odd-own "unix:$socket|uwsgi://odd-own"
    enable_apache_mod proxy_http
    write_stranger_site odd-bare http://127.0.0.1:58990
    write_stranger_site odd-unit http://127.0.0.1:58991
}

function start_stranger {
    local uwsgi name
    uwsgi=$(type -P uwsgi)
    run_process Foo_HTTP "$uwsgi --ini $STRANGER_CONF_DIR/foo-upper.ini"
    run_process foo-http "$uwsgi --ini $STRANGER_CONF_DIR/foo-lower.ini"
    run_process odd-site "$uwsgi --ini $STRANGER_CONF_DIR/odd-site.ini"
    run_process odd-env "$uwsgi --ini $STRANGER_CONF_DIR/odd-env.ini" "" "" \
        "LD_LIBRARY_PATH=/opt/stack ODD=1"
    run_process odd-own "$uwsgi --ini $STRANGER_CONF_DIR/odd-own.ini"
    run_process odd-bare "$uwsgi --plugins http,python3 --master \
        --die-on-term --http-socket 127.0.0.1:58990 \
        --module odd_bare.wsgi:application"

    printf '%s\n' '[Service]' "User=$STACK_USER" \
        "ExecStart=$(type -P python3) -m http.server --bind 127.0.0.1 \
--directory $STRANGER_DIR 58991" |
        sudo tee "$SYSTEMD_DIR/odd-unit.service"
    $SYSTEMCTL daemon-reload
    $SYSTEMCTL restart odd-unit.service
    for name in foo-upper foo-lower odd-site odd-env odd-own odd-bare; do
        wait_for_service "$SERVICE_TIMEOUT" \
            "$SERVICE_PROTOCOL://$SERVICE_HOST/$name" ||
            die "$LINENO" "$name did not start"
    done
}

function stop_stranger {
    local name
    for name in Foo_HTTP foo-http odd-site odd-env odd-own odd-bare; do
        stop_process "$name"
    done
    $SYSTEMCTL stop odd-unit.service || true  # it was never started
}

function cleanup_stranger {
    local name
    remove_uwsgi_config "$STRANGER_CONF_DIR/foo-upper.ini" Foo_HTTP
    remove_uwsgi_config "$STRANGER_CONF_DIR/foo-lower.ini" foo-http
    remove_uwsgi_config "$STRANGER_CONF_DIR/odd-site.ini" odd.site
    remove_uwsgi_config "$STRANGER_CONF_DIR/odd-env.ini" odd-env
    for name in odd.site odd-env odd-own odd-bare odd-unit; do
        disable_apache_site "$name"
        sudo rm -f "$(apache_site_config_for "$name")"
    done
    sudo rm -f "$SYSTEMD_DIR/odd-unit.service"
    sudo rm -rf "$STRANGER_CONF_DIR" "$STRANGER_DIR"
}

usual_phases stranger "$1" "${2:-}"
