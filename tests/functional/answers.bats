#!/usr/bin/env bats
#
# what an application gets and what a client gets, in every transport

load ../helpers/functional

function setup_file {
    machine_up && serve_all probe
}

@test "answers: 200 through Apache in both transports, and directly" {
    assert_all_answer 200 probe
}

@test "answers: the headers are the application's, and none of ours" {
    local transport line name
    local -a bad=()
    # what servers say of themselves and of the connection
    local theirs=' date server connection keep-alive transfer-encoding '
    theirs+='content-length content-type '

    for transport in "${TRANSPORTS[@]}"; do
        where_of "$transport" "probe-$transport"
        run in_machine curl --silent --output /dev/null --dump-header - \
            "$URL/"
        assert_success
        for line in "${lines[@]:1}"; do
            line=${line%$'\r'}
            name=${line%%:*}
            # Debian's Apache compresses text
            [[ "$line" != *:* || "$theirs" == *" ${name,,} "* || \
                "$line" == 'Vary: Accept-Encoding' ]] ||
                bad+=("$transport: $line;")
        done
    done

    assert_none "${bad[@]}"
}

@test "answers: a client is told that its connection ends, without Apache" {
    local transport
    local -a bad=() where

    for transport in direct mod-wsgi-direct; do
        where_of "$transport" "probe-$transport"
        run in_machine curl --silent --include "$URL/"
        [[ "${output,,}" == *'connection: close'* ]] ||
            bad+=("$transport: $output;")
    done

    assert_none "${bad[@]}"
}

@test "answers: an application that a factory makes" {
    local transport
    local -a bad=() where

    for transport in uwsgi http mod-wsgi; do
        where_of "$transport" "made-$transport"
        wsgi deploy "made-$transport" --app 'probe:made()' \
            --chdir "/srv/probe-$transport" --user www-data "${where[@]}" &&
            start_app "made-$transport" &&
            http_status "$URL/refuse"
        [[ "$REPLY" == 403 ]] || bad+=("$transport: $REPLY")
        wsgi remove "made-$transport"
    done

    assert_none "${bad[@]}"
}

@test "answers: behind Apache the environ is equal in all modes" {
    # what follows the prefix, then options of curl
    local -a rows=(
        "?environ"
        "/environ"
        "/environ/"
        "/environ/a/b?x=1&y=%20z"
        "/environ/a%20b"
        "/environ/%C3%A9?q=%C3%A9"
        "/environ?"
        "/environ -H Host:api.example.org:8080"
        "/environ -H Host:localhost"
        "/environ -H Host:[::1]:8080"
        "/environ -H Host:[::1]"
        "/environ -X POST --data a=1"
        "/environ -X PATCH -H Content-Type:application/json --data {}"
        "/environ -H X-Auth-Token:secret -H Accept:a/b -H Accept:c/d"
        "/environ -H Authorization:Basic -H Cookie:a=1"
        "/environ -H X-Forwarded-For:10.0.0.1 -H Forwarded:for=10.0.0.1"
        "/environ -H X-Forwarded-Host:evil -H X-Forwarded-Server:evil"
        "/environ -H X-Forwarded-Proto:https"
        "/environ -A agent --http1.0"
        "/environ --interface 127.0.0.9"
    )

    # the same request to each, and what is not Apache's, the connection's or
    # the server's own
    # shellcheck disable=SC2016  # expanded in the machine
    run machine_sh '
        for row; do
            read -ra words <<< "$row"
            printf "%s\n" "$row"
            for transport in uwsgi http mod-wsgi; do
                curl --silent --show-error --max-time 10 "${words[@]:1}" \
                    "http://127.0.0.1/probe-$transport${words[0]}"
            done
        done | python3 -c "
import json, sys
own = {\"CONTEXT_DOCUMENT_ROOT\", \"CONTEXT_PREFIX\", \"DOCUMENT_ROOT\",
       \"GATEWAY_INTERFACE\", \"PATH\", \"PATH_TRANSLATED\",
       \"REMOTE_PORT\", \"REQUEST_SCHEME\",
       \"SCRIPT_FILENAME\", \"SERVER_ADDR\", \"SERVER_ADMIN\",
       \"SERVER_PROTOCOL\", \"SERVER_SIGNATURE\",
       \"SERVER_SOFTWARE\"}
rows = 0
for row in sys.stdin:
    one = None
    for name in \"uwsgi\", \"http\", \"mod-wsgi\":
        said = {key: value.replace(\"/probe-\" + name, \"/probe\")
                for key, value in json.loads(sys.stdin.readline()).items()
                if key not in own and not key.startswith(\"mod_wsgi.\")}
        one = one or said
        for key in sorted(one.keys() | said.keys()):
            if one.get(key) != said.get(key):
                print(row.strip(), key, \"uwsgi\", repr(one.get(key)),
                      name, repr(said.get(key)))
    rows += 1
print(rows, \"rows\")
"' "${rows[@]}"

    assert_output "${#rows[@]} rows"
}

@test "answers: SCRIPT_NAME, host, scheme and peer are the client's" {
    local transport environ row prefix
    local -a bad=() rows where
    for transport in "${TRANSPORTS[@]}"; do
        where_of "$transport" "probe-$transport"
        prefix=/probe-$transport
        [[ "$transport" != *direct ]] || prefix=''
        rows=(
            "\"SCRIPT_NAME\": \"$prefix\""
            '"PATH_INFO": "/environ/a b"'
            '"QUERY_STRING": "x=1&y=%20"'
            '"REQUEST_METHOD": "GET"'
            '"HTTP_HOST": "api.example.org:8080"'
            '"HTTP_X_AUTH_TOKEN": "secret"'
            '"REMOTE_ADDR": "127.0.0.9"'
            '"wsgi.url_scheme": "http"'
        )

        environ=$(in_machine curl --silent --show-error \
            --interface 127.0.0.9 -H 'Host: api.example.org:8080' \
            -H 'X-Auth-Token: secret' "$URL/environ/a%20b?x=1&y=%20")

        for row in "${rows[@]}"; do
            [[ "$environ" == *"$row"* ]] ||
                bad+=("$transport: no $row in $environ"$'\n')
        done
    done
    assert_none "${bad[@]}"
}

@test "answers: the answer to HEAD and a small body's sum come whole" {
    local transport said sum
    local -a bad=() where
    sum=$(printf '%0.sa' {1..8000} | sha256sum)

    for transport in "${TRANSPORTS[@]}"; do
        where_of "$transport" "probe-$transport"
        said=$(in_machine curl --silent --head "$URL/environ")
        [[ "$said" == 'HTTP/1.1 200 '* ]] || bad+=("$transport: HEAD: $said")
        # shellcheck disable=SC2016  # expanded in the machine
        said=$(machine_sh 'printf %0.sa {1..8000} |
            curl --silent --data-binary @- "$1/sum"' "$URL")
        [[ "$said" == "{\"length\": 8000, \"sha256\": \"${sum%% *}\"}" ]] ||
            bad+=("$transport: $said")
    done

    assert_none "${bad[@]}"
}
