#!/usr/bin/env bats
#
# what people write their applications with gives the same pages under every
# server, its own for an error too

# bats file_tags=full

load ../helpers/functional

function setup_file {
    local transport
    build_venv bottle==0.13.4 CherryPy==18.10.0 Django==5.2.19 \
        falcon==4.4.0 Flask==3.1.3 Paste==3.10.1 pecan==1.8.0 \
        WebOb==1.8.11 || return
    machine_up || return
    for transport in "${TRANSPORTS[@]}"; do
        # the order of a set is in Flask's Allow
        name_of "$transport"
        serve "$transport" "$REPLY" --venv "$VENV" \
            --env PYTHONHASHSEED=0 --app frameworks:application || return
    done
}

# Names of one length: URLs are in pages, and change how long they are.
#
# Usage: name_of TRANSPORT    sets REPLY
function name_of {
    local i
    for i in "${!TRANSPORTS[@]}"; do
        [[ "${TRANSPORTS[i]}" != "$1" ]] || REPLY=page-$i
    done
}

# Usage: ask_all TRANSPORT...    the first is what the others are compared with
function ask_all {
    local transport
    local -a where ways=()
    for transport; do
        name_of "$transport"
        where_of "$transport" "$REPLY"
        ways+=("$transport=$URL")
    done
    run in_machine /usr/bin/python3 "$REPO/tests/harness/contract.py" \
        --frameworks "${ways[@]}"
}

@test "frameworks: behind Apache every way gives the same pages" {
    ask_all http uwsgi mod-wsgi

    assert_output '200 questions, 0 differences'
}

# 'Content-Length: 0' of an answer to HEAD is no difference: httpd drops it.
@test "frameworks: without Apache they do so, too" {
    ask_all direct mod-wsgi-direct

    assert_output '200 questions, 0 differences'
}
