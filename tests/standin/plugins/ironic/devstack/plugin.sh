#!/bin/bash
#
# plugins/ironic - a server of its own kind behind write_local_proxy_...
#
# Depends on: tests/standin/functions, lib/apache
# Reads:      the phase, in $1 and $2
# Writes:     DATA_DIR/ironic, the site ironic-http

: "${IRONIC_HTTP_DIR:=$DATA_DIR/ironic}" "${IRONIC_HTTP_PORT:=3928}"

function install_ironic {
    mkdir -p "$IRONIC_HTTP_DIR"
    printf 'ironic\n' > "$IRONIC_HTTP_DIR/index.html"
}

function configure_ironic {
    write_local_proxy_http_config ironic-http \
        "http://127.0.0.1:$IRONIC_HTTP_PORT" /baremetal
}

function start_ironic {
    run_process ir-http "$(type -P python3) -m http.server \
        --bind 127.0.0.1 --directory $IRONIC_HTTP_DIR $IRONIC_HTTP_PORT"
    wait_for_service "$SERVICE_TIMEOUT" \
        "$SERVICE_PROTOCOL://$SERVICE_HOST/baremetal/" ||
        die "$LINENO" "ir-http did not start"
}

function stop_ironic {
    stop_process ir-http
}

function cleanup_ironic {
    disable_apache_site ironic-http
    sudo rm -f "$(apache_site_config_for ironic-http)"
}

usual_phases ironic "$1" "${2:-}"
