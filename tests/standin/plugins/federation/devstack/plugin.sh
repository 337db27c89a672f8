#!/bin/bash
#
# plugins/federation - appends to Keystone's site, as Keystone's own plugin
#                      does for Shibboleth and OpenID Connect
#
# Depends on: tests/standin/functions, lib/apache
# Reads:      the phase, in $1 and $2; WSGI_MODE
# Writes:     Keystone's site

function install_federation {
    :
}

function configure_federation {
    local site
    [[ "$WSGI_MODE" == uwsgi ]] ||
        die "$LINENO" "WSGI_MODE=$WSGI_MODE: there is no site of that kind"
    site=$(apache_site_config_for keystone-api)
    [[ -f "$site" ]] || die "$LINENO" "$site: Keystone has no site"
    printf '%s\n' 'ProxyPass /Shibboleth.sso !' | sudo tee -a "$site"
    printf '%s\n' 'RedirectMatch 307 ^/federated$ /identity/federated' |
        sudo tee -a "$site"
    restart_apache_server
}

function start_federation {
    :
}

function stop_federation {
    :
}

function cleanup_federation {
    :
}

usual_phases federation "$1" "${2:-}"
