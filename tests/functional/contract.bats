#!/usr/bin/env bats
#
# one application is the same under every server: two hundred questions, whole
# answers compared

load ../helpers/functional

function setup_file {
    local transport
    machine_up || return
    for transport in "${TRANSPORTS[@]}"; do
        serve "$transport" "$transport" --app contract:application \
            --variable CLAIM_sub --variable 'MELLON_*' \
            --variable 'OIDC-*' || return
    done
}

# Usage: ask_all TRANSPORT...    the first is what the others are compared with
function ask_all {
    local transport
    local -a where ways=()
    for transport; do
        where_of "$transport" "$transport"
        ways+=("$transport=$URL")
    done
    run in_machine /usr/bin/python3 "$REPO/tests/harness/contract.py" \
        "${ways[@]}"
}

@test "contract: behind Apache both servers give the same answers in HTTP" {
    ask_all http mod-wsgi

    assert_output '208 questions, 0 differences'
}

@test "contract: without Apache they do so, too" {
    ask_all direct mod-wsgi-direct

    assert_output '208 questions, 0 differences'
}

# doc/source/servers.rst has the reason of each.
@test "contract: the uwsgi protocol differs where the document says" {
    ask_all http uwsgi

    # a part of the URL that no framework reads
    refute_line --partial 'PATH_INFO'
    # no chunked body, no header beyond 8190 bytes, and no end of an answer
    # that is cut
    run awk '!/chunked/ && !/long-header/ && !/REQUEST_URI/ &&
        !/^GET .(short|raises-within|raises-within-no-length|exc-info-within) /' \
        <<< "$output"
    assert_output '208 questions, 59 differences'
}

@test "contract: what is asked are not two ways to be away" {
    local transport
    for transport in "${TRANSPORTS[@]}"; do
        where_of "$transport" "$transport"
        assert_status 418 "$URL/status/418"
    done
}

@test "contract: whom Apache let in, and its variables, reach every service" {
    local transport
    local -a bad=() where
    # shellcheck disable=SC2016  # expanded in the machine
    machine_sh '
        a2enmod --quiet auth_basic authn_file authz_user
        printf "%s\n" "é u:{SHA}$(printf p | openssl sha1 -binary | base64)" \
            > /etc/apache2/users
        for name; do
            mkdir -p "/etc/devstack-wsgi/site.d/$name"
            printf "%s\n" "<Location \"/$name\">" "AuthType Basic" \
                "AuthName x" "AuthUserFile /etc/apache2/users" \
                "Require valid-user" "SetEnv CLAIM_sub \"a b,c=d\"" \
                "SetEnv MELLON_groups \"a;b %3D é=\"" "SetEnv MELLON_ 1" \
                "SetEnvIf Request_URI ^ \"OIDC-e mail=%\"" "SetEnv MELL 2" \
                "</Location>" > "/etc/devstack-wsgi/site.d/$name/auth.conf"
        done
        systemctl restart apache2' http mod-wsgi uwsgi
    for transport in http mod-wsgi uwsgi; do
        where_of "$transport" "$transport"
        run in_machine curl --silent --user 'é u:p' \
            -H 'X-Devstack-Wsgi-Said: =evil =evil =evil' "$URL/environ"
        run python3 -c 'import json, sys
said = json.loads(sys.argv[1])
for name in ("REMOTE_USER", "AUTH_TYPE", "CLAIM_sub", "MELLON_groups",
             "MELLON_", "OIDC-e mail"):
    print(said.get(name, "-").encode("latin-1").decode())' "$output"
        [[ "${lines[*]}" == 'é u Basic a b,c=d a;b %3D é= 1 %' ]] ||
            bad+=("$transport: $output")
        # in its own protocol all of them come
        [[ "$transport" == uwsgi || "$output" != *'"MELL"'* ]] ||
            bad+=("$transport: $output")
        http_status "$URL/environ"
        [[ "$REPLY" == 401 ]] || bad+=("$transport: $REPLY without a user")
    done

    assert_none "${bad[@]}"
}

@test "contract: no client says who was let in, or what a variable is" {
    local transport
    local -a where
    machine_sh 'rm /etc/devstack-wsgi/site.d/*/auth.conf
        systemctl restart apache2'
    for transport in "${TRANSPORTS[@]}"; do
        where_of "$transport" "$transport"
        run in_machine curl --silent \
            -H 'X-Devstack-Wsgi-Said: =evil =evil =evil MELLON_x=evil' \
            -H 'MELLON_y: evil' -H 'OIDC-z: evil' \
            -H 'Devstack_Wsgi_Collected: x=1 MELLON_v=evil' \
            -H 'DEVSTACK_WSGI_PREFIXES: HTTP_' \
            -H 'Remote-User: evil' -H 'Auth-Type: evil' "$URL/environ"
        assert_success
        refute_output --partial '"REMOTE_USER"'
        refute_output --partial '"AUTH_TYPE"'
        refute_output --partial 'CLAIM_sub'
        refute_output --partial '"MELLON_'
        refute_output --partial '"OIDC-'
        refute_output --partial 'WSGI_SAID'
    done
}

@test "contract: what is printed is logged as it is, also where LANG is C" {
    local transport line
    local -a bad=() where
    machine_sh 'systemctl set-environment LANG=C'
    for transport in "${TRANSPORTS[@]}"; do
        where_of "$transport" "$transport"
        wsgi restart "$transport"
        http_status "$URL/prints"
        [[ "$REPLY" == 200 ]] || bad+=("$transport: $REPLY")
        run in_machine journalctl --unit="devstack@$transport" --output=cat \
            --all
        printf -v line 'errors ü {"é": "%s"}' "$(printf 'x%.0s' {1..12000})"
        for line in 'out ñ' $'printed é\t"\e[31m\\' "$line"; do
            [[ $'\n'"$output"$'\n' == *$'\n'"$line"$'\n'* ]] ||
                bad+=("$transport: no ${line:0:30}")
        done
    done

    assert_none "${bad[@]}"
}

# bats test_tags=full
@test "contract: a request of 75 s is answered" {
    local transport
    local -a where urls=()
    for transport in "${TRANSPORTS[@]}"; do
        where_of "$transport" "$transport"
        urls+=("$URL/waits/75")
    done

    # shellcheck disable=SC2016  # expanded in the machine
    run machine_sh '
        for url; do
            curl --silent --max-time 120 --write-out "%{http_code}" "$url" &
        done
        wait' "${urls[@]}"

    assert_output "$(printf 'waited200%.0s' "${TRANSPORTS[@]}")"
}
