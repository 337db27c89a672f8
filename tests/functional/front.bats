#!/usr/bin/env bats
#
# where the front answers: wherever Apache listens, and only what is ours

load ../helpers/functional

function setup_file {
    local transport
    machine_up || return
    # Debian's own ports give way to those of a test
    machine_sh '
        cd /etc/apache2
        cp ports.conf sites-available/000-default.conf /root
        a2enmod -q ssl rewrite
        openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=here \
            -keyout /root/key -out /root/cert 2>/dev/null
        systemctl restart apache2' > /dev/null
    for transport in "${TRANSPORTS[@]}"; do
        [[ "$transport" == *direct ]] ||
            serve "$transport" "where-$transport" || return
    done
}

function tidy {
    listens "$(in_machine cat /root/ports.conf)"
}

# Let Apache listen as ports.conf says, with a site for all addresses.
#
# Usage: listens TEXT [SITE]
#   TEXT  of ports.conf; SITE  what the site of all addresses has
function listens {
    # shellcheck disable=SC2016  # expanded in the machine
    machine_sh '
        printf "%s\n" "$1" > /etc/apache2/ports.conf
        printf "%s\n" "${2:-ErrorDocument 404 default}" \
            > /etc/apache2/sites-available/000-default.conf
        systemctl reset-failed apache2
        systemctl restart apache2' "$@"
}

# Each service is found.
#
# Usage: found URL    its beginning
function found {
    local transport
    local -a bad=()
    for transport in "${TRANSPORTS[@]}"; do
        [[ "$transport" != *direct ]] || continue
        run wsgi wait "where-$transport" --timeout 20
        [[ "$status" == 0 && "$output" == *"answers at $1/where-$transport" ]] ||
            bad+=("$transport: $output")
    done
    assert_none "${bad[@]}"
}

@test "front: an address, a port, IPv6, a variable, another file" {
    listens 'Listen 127.0.0.2:80'
    found http://127.0.0.2
    listens 'Listen 8081'
    found http://127.0.0.1:8081
    listens 'Listen [::1]:8080'
    found 'http://[::1]:8080'
    listens $'Define THE_PORT 8090\nListen ${THE_PORT}'
    found http://127.0.0.1:8090
    in_machine bash -c \
        'echo "Listen 127.0.0.3:8091" > /etc/apache2/conf-enabled/theirs.conf'
    listens '# nothing'
    found http://127.0.0.3:8091
    in_machine rm /etc/apache2/conf-enabled/theirs.conf
}

@test "front: a redirect is not the service, https behind it is" {
    local tls=$'<VirtualHost *:443>\nSSLEngine on\n'
    tls+=$'SSLCertificateFile /root/cert\nSSLCertificateKeyFile /root/key\n'
    tls+='</VirtualHost>'
    local redirect=$'<VirtualHost *:80>\nRewriteEngine on\n'
    redirect+=$'RewriteRule ^ https://elsewhere.example%{REQUEST_URI} [R=301]\n'
    redirect+='</VirtualHost>'

    listens $'Listen 80\nListen 443' "$redirect"$'\n'"$tls"
    found https://127.0.0.1

    listens 'Listen 8443 https' "${tls/443/8443}"
    found https://127.0.0.1:8443
}

@test "front: a wait that fails says which URL was asked, and no log" {
    listens 'Listen 80' $'<VirtualHost *:80>\nRewriteEngine on\n'"$(
        )"$'RewriteRule ^ https://elsewhere.example/ [R=301]\n</VirtualHost>'

    run wsgi wait where-uwsgi --timeout 3

    assert_failure 1
    assert_output --partial 'http://127.0.0.1/where-uwsgi answers 301'
    assert_output --partial WSGI_FRONT=
    refute_output --partial journalctl
    # one that somebody names is asked as it is
    run in_machine env WSGI_FRONT=http://127.0.0.9:1 "$REPO/tools/wsgi" \
        wait where-uwsgi --timeout 2
    assert_failure 1
    assert_output --partial 'http://127.0.0.9:1/where-uwsgi/ answers nothing'
    assert_output --partial WSGI_FRONT=
    refute_output --partial journalctl
}
