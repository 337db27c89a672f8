#!/usr/bin/env bats
#
# edits by hand and by other programs, which a deployment keeps

load ../helpers/functional

@test "edits: keys of CONF are kept over a redeployment, and shown by key" {
    local conf=/etc/devstack-wsgi/uwsgi/keys.ini
    serve http keys
    # a key of the file, a new one below the header (as DevStack's iniset
    # does), and one that goes
    in_machine sed -i -e 's/^buffer-size = .*/buffer-size = 40000/' \
        -e '/^\[uwsgi\]/a harakiri = 33' -e '/^thunder-lock/d' "$conf"

    run wsgi show keys --diff
    assert_line --partial "$conf, edits that are kept:"
    assert_line --partial 'harakiri = 33: added by hand'
    assert_line --partial 'buffer-size = 40000: by hand, was 65535'
    assert_line --partial 'thunder-lock: removed by hand'

    run deploy_app keys --path /keys --processes 3
    assert_line --partial "edits by hand in $conf are kept"
    run in_machine cat "$conf"
    assert_line 'processes = 3'
    assert_line 'harakiri = 33'
    assert_line 'buffer-size = 40000'
    refute_line --partial thunder-lock
    run wsgi show keys --diff
    assert_line --partial 'harakiri = 33: added by hand'

    # the server has them too
    wsgi restart keys
    run in_machine journalctl --no-pager --output=cat --lines=60 \
        --unit=devstack@keys
    refute_line --partial 'thunder lock: enabled'
    assert_status_has keys '"workers": 3,' '"drift": "config:edited"'
    run deploy_app keys --path /keys --processes 3
    assert_line --partial 'nothing to change'
}

# Usage: headers_of URL
function headers_of {
    in_machine curl --silent --dump-header - --output /dev/null "$1"
}

# Usage: has_header URL HEADER
function has_header {
    [[ "$(headers_of "$1")" == *$'\n'"$2"$'\r'* ]]
}

@test "edits: lines appended to the site are kept and served" {
    local site=/etc/apache2/sites-available/lines.conf
    serve http lines
    # shellcheck disable=SC2016  # expanded in the machine
    machine_sh 'printf "%s\n" "# by hand" "<Location /lines>" \
        "Header always set X-By-Hand yes" "</Location>" >> "$1"
        systemctl reload apache2' "$site"
    wait_for 10 has_header "$URL/" 'X-By-Hand: yes'

    # the site of the other transport says less
    run deploy_app lines --path /lines --transport uwsgi

    assert_success
    assert_line --partial "edits by hand in $site are kept"
    run in_machine cat "$site"
    assert_line '# by hand'
    wsgi restart lines
    run headers_of "$URL/"
    assert_line --partial 'X-By-Hand: yes'
    assert_line --partial '200'
    run wsgi show lines --diff
    assert_line '+# by hand'
}

@test "edits: a site changed in its middle is not lost, and named" {
    local site=/etc/apache2/sites-available/middle.conf
    serve http middle
    in_machine sed -i 's/retry=0/retry=1/' "$site"

    deploy_app middle --path /middle --processes 3
    run in_machine cat "$site"
    assert_output --partial retry=1

    # what has to change cannot be joined with it
    run deploy_app middle --path /middle --transport uwsgi
    assert_failure 1
    assert_output --partial "$site"
    run in_machine cat "$site"
    assert_output --partial retry=1
    assert_status 200 "$URL/"
}

# Usage: said_of VARIABLE    what the application of $URL sees of it
function said_of {
    in_machine curl --silent --max-time 5 \
        -H 'X-Devstack-Wsgi-Peer: 192.0.2.1' \
        "$URL/environ" | python3 -c '
import json, sys
print(json.load(sys.stdin)[sys.argv[1]])' "$1"
}

@test "edits: CONF and a site that stock DevStack wrote over ours serve" {
    local conf=/etc/devstack-wsgi/uwsgi/stock.ini
    serve http other
    serve http stock
    # as lib/apache writes them
    # shellcheck disable=SC2016  # expanded in the machine
    machine_sh 'a2enmod --quiet proxy_uwsgi
        printf "%s\n" "ProxyPass \"/stock\" \"unix:/var/run/uwsgi/stock.socket\
|uwsgi://uwsgi-uds-stock\" retry=0 acquire=1 " \
            > /etc/apache2/sites-available/stock.conf
        systemctl reload apache2'

    # over the library's socket, with its CONF
    wait_for 10 said_of DOCUMENT_ROOT
    assert_equal "$(said_of SCRIPT_NAME)" /stock
    assert_equal "$(said_of REMOTE_ADDR)" 127.0.0.1
    # and with theirs, which has a socket of its own in place of our link
    # shellcheck disable=SC2016  # expanded in the machine
    machine_sh 'chown www-data /run/uwsgi
        printf "%s\n" "[uwsgi]" "socket = /var/run/uwsgi/stock.socket" \
            "chmod-socket = 666" "module = probe:application" \
            "chdir = /srv/stock" "processes = 2" "master = true" \
            "die-on-term = true" "plugins = http,python3" \
            "lazy-apps = true" > "$1"' "$conf"
    in_machine systemctl restart devstack@stock
    assert_status 200 "$URL/"
    in_machine systemctl restart devstack@stock
    assert_status 200 "$URL/"
    assert_status 200 http://127.0.0.1/other/
    in_machine chown root /run/uwsgi
}

@test "edits: files in site.d are served, and outlive the service" {
    local folder=/etc/devstack-wsgi/site.d/added
    serve http added
    in_machine bash -c "echo 'Header always set X-Added yes' \
        > $folder/extra.conf; systemctl reload apache2"

    wait_for 10 has_header "$URL/" 'X-Added: yes'

    deploy_app added --path /added --transport uwsgi
    wsgi restart added
    run headers_of "$URL/"
    assert_line --partial 'X-Added: yes'
    wsgi remove added
    run in_machine cat "$folder/extra.conf"
    assert_output 'Header always set X-Added yes'
}

@test "edits: what was edited is kept when the service is removed" {
    serve http kept
    in_machine sed -i "\$a harakiri = 44" \
        /etc/devstack-wsgi/uwsgi/kept.ini

    run wsgi remove kept

    assert_success
    assert_line --partial /var/lib/devstack-wsgi/removed/kept/kept.ini
    run in_machine cat /var/lib/devstack-wsgi/removed/kept/kept.ini
    assert_line 'harakiri = 44'
}

@test "edits: lines appended to the httpd of a service are kept and served" {
    local conf=/etc/devstack-wsgi/mod_wsgi/httpd.conf
    serve mod-wsgi httpd
    # shellcheck disable=SC2016  # expanded in the machine
    machine_sh 'printf "%s\n" "# by hand" "LimitRequestFieldSize 2000" \
        >> "$1"' "$conf"

    run deploy_app httpd --path /httpd --mode mod_wsgi --processes 3
    assert_success
    assert_line --partial "edits by hand in $conf are kept"
    run wsgi show httpd --diff
    assert_line '+LimitRequestFieldSize 2000'
    wsgi restart httpd
    assert_status_has httpd '"workers": 3,'
    assert_status 400 -H "X-Long: $(printf '%03000d' 1)" "$URL/"

    # one in its middle cannot be joined with a change, and is not lost
    in_machine sed -i 's/^ThreadsPerChild .*/ThreadsPerChild 64/' "$conf"
    run deploy_app httpd --path /httpd --mode mod_wsgi --processes 4
    assert_failure 1
    assert_output --partial "$conf was edited by hand and has to change"
    assert_equal "$(in_machine grep -c '^ThreadsPerChild 64$' "$conf")" 1
    wsgi restart httpd
    assert_status 200 "$URL/"
}
