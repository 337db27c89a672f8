#!/usr/bin/env bats
#
# devstack/: what each of DevStack's phases calls

load ../helpers/unit

function setup {
    load ../helpers/load
    fake_system
    # what stack.sh has before it sources a plugin
    ENABLED_SERVICES=key,g-api,n-api,heat-engine
    WSGI_MODE=uwsgi STACK_USER=$ACCOUNT
    stub_devstack
    untraced settings
}

# DevStack's functions that the library takes over.
FIVE=(write_uwsgi_config write_local_uwsgi_http_config
    write_local_proxy_http_config remove_uwsgi_config
    write_uwsgi_user_unit_file)

# DevStack's functions, which log how they were called.
# shellcheck disable=SC2317  # the plugin calls them
function stub_devstack {
    function die { printf 'die: %s\n' "${*:2}"; exit 1; }
    function define_plugin { :; }
    function trueorfalse { printf '%s\n' "${!2:-$1}"; }
    local name
    for name in "${FIVE[@]}"; do
        # shellcheck disable=SC1091  # it is a function
        source /dev/stdin <<< "function $name {
            printf 'stock $name'
            printf ' [%s]' \"\$@\"
            echo
        }"
    done
    function iniset { printf 'iniset %s\n' "$*"; }
    function is_service_enabled {
        local service
        for service; do
            [[ ",$ENABLED_SERVICES," != *",$service,"* ]] || return 0
        done
        return 1
    }
    function is_package_installed { [[ "$INSTALLED" == *"$1"* ]]; }
    function install_package {
        printf 'install_package %s\n' "$*" >> "$CALLS"
    }
    INSTALLED='uwsgi-core uwsgi-plugin-python3 apache2'
}

function settings {
    # shellcheck source=devstack/settings
    source "$REPO/devstack/settings"
    # verbs are logged, but for those that only look
    _WSGI_DIR=$BATS_TEST_TMPDIR/logged
    mkdir -p "$_WSGI_DIR/tools"
    ln -sfn "$REPO/devstack" "$_WSGI_DIR/devstack"
    # shellcheck disable=SC2016  # the stub expands it
    printf '%s\n' '#!/bin/bash' 'case $1 in' \
        "adopt_prepare|adopt_begin) exec ${REPO@Q}/tools/wsgi \"\$@\" ;;" \
        'adopt_give_back) printf "%b\n" "$WSGI_GIVEN"; exit ;;' \
        'esac' "printf '%s\\n' \"\$*\" >> ${CALLS@Q}" \
        'exit "${WSGI_STATUS:-0}"' > "$_WSGI_DIR/tools/wsgi"
    chmod +x "$_WSGI_DIR/tools/wsgi"
}

# Go through a phase as stack.sh does: sourced, under errexit.
# Usage: phase PHASE [STEP]
function phase {
    set -e
    # shellcheck source=devstack/plugin.sh
    source "$REPO/devstack/plugin.sh" "$@"
}

@test "plugin: settings give the library, and take five functions over" {
    local name
    local -a bad=()

    run declare -F wsgi_deploy wsgi_start wsgi_remove
    assert_success

    for name in "${FIVE[@]}"; do
        [[ "$(declare -f "$name")" == *"_wsgi_devstack_else"* ]] ||
            bad+=("$name")
    done
    assert_none "${bad[@]}"
}

@test "plugin: WSGI_TAKE_OVER=False leaves DevStack's functions" {
    WSGI_TAKE_OVER=False
    stub_devstack
    untraced settings

    run write_uwsgi_user_unit_file x
    assert_output 'stock write_uwsgi_user_unit_file [x]'
    run declare -F wsgi_deploy
    assert_success
}

@test "plugin: what the library leaves is done by DevStack's own function" {
    local name
    local -a bad=()
    WSGI_STATUS=3

    for name in "${FIVE[@]}"; do
        run "$name" 'a b' '' "c'*" '"' /e
        [[ "$status" == 0 && "$output" == \
            "stock $name [a b] [] [c'*] [\"] [/e]" ]] ||
            bad+=("$name: $status $output;")
    done
    WSGI_STATUS=1
    for name in "${FIVE[@]}"; do
        run "$name" a b c d e
        [[ "$status" == 1 && -z "$output" ]] ||
            bad+=("$name: $status $output;")
    done

    assert_none "${bad[@]}"
}

@test "plugin: a unit that is left has its CONF and site written first" {
    WSGI_STATUS=4
    WSGI_GIVEN='service\x1f/x.ini\x1fm:a\x1f/x\x1f\x1fx\x1fx\x1f/u --ini /x.ini'
    WSGI_GIVEN+='\nset\x1f/x.ini\x1fthreads\x1f7'

    run write_uwsgi_user_unit_file devstack@x.service '/u --ini /x.ini' '' me

    assert_success
    assert_output "stock write_uwsgi_config [/x.ini] [m:a] [/x] [] [x]
iniset /x.ini uwsgi threads 7
stock write_uwsgi_user_unit_file [devstack@x.service] [/u --ini /x.ini] [] [me]"
    # one that speaks HTTP behind Apache
    WSGI_GIVEN='service\x1f/x.ini\x1fm:a\x1f/x\x1f127.0.0.1:1\x1fx\x1f'
    run write_uwsgi_user_unit_file devstack@x.service '/u --ini /x.ini' '' me
    assert_line --index 0 \
        'stock write_local_uwsgi_http_config [/x.ini] [m:a] [/x] [x]'
    write_uwsgi_user_unit_file devstack@x.service '/u --ini /x.ini' '' me
    refute declare -F _wsgi_give_back
}

# The packages that bindep installs here without a profile, sorted, in a line.
# Usage: bindep_names FILE dpkg|rpm
function bindep_names {
    sed -E "/^(#|$)/d; /\\[(test|demo|fresh)/d
        /\\[platform:(dpkg|rpm) (test|demo|fresh)/d
        /\\[platform:/{ /platform:$2/!d; }; s/ .*//" "$1" | sort | paste -sd ' '
}

@test "plugin: its packages are those of the library's own bindep.txt" {
    local format folder file
    for format in dpkg:debs rpm:rpms; do
        folder=${format#*:}
        format=${format%:*}
        file=$REPO/devstack/files/$folder/devstack-plugin-wsgi

        run bindep_names "$REPO/bindep.txt" "$format"
        assert_output "$(sed -E '/^#/d; s/ .*//' "$file" | sort |
            paste -sd ' ')"

        # what waits for the mode is what the servers ask for
        run bindep_names "$REPO/devstack/files/bindep.txt" "$format"
        assert_output "$(sed -E '/^#/d; /NOPRIME/d' "$file" | sort |
            paste -sd ' ')"
    done
}

@test "plugin: pre-install with nothing to install asks for nothing" {
    WSGI_FRONT_LIMITS=False

    run phase stack pre-install

    assert_success
    refute_output
    assert_equal "$(< "$CALLS")" ''
}

@test "plugin: pre-install installs the servers that local.conf names" {
    WSGI_FRONT_LIMITS=False
    WSGI_MODE_n_api=mod_wsgi

    run phase stack pre-install

    assert_success
    assert_equal "$(< "$CALLS")" 'install_package libapache2-mod-wsgi-py3'
}

@test "plugin: pre-install gives back what WSGI_TAKE_OVER=False disclaims" {
    WSGI_TAKE_OVER=False

    run phase stack pre-install

    assert_success
    assert_equal "$(< "$CALLS")" adopt_release
}

@test "plugin: pre-install refuses what is wrong in local.conf, and names it" {
    local line variable
    local -a bad=()

    for line in DEVSTACK_WSGI_MODE=gunicorn WSGI_MODE_n_api=nginx \
            WSGI_MODE_nova_apy=uwsgi WSGI_HARDENING=strong \
            WSGI_HARDENING_g_api=strong WSGI_HARDENING_nova_apy=off \
            WSGI_PROCESSES=0 WSGI_THREADS_key=many \
            WSGI_TRANSPORT_g_api=ftp USER_UNITS=True; do
        variable=${line%%=*}
        run with_line "$line"
        [[ $status -eq 1 && "$output" == *"$variable"* && \
            "$output" == *'die: '* && ! -s "$CALLS" ]] ||
            bad+=("$line: $output;")
    done

    assert_none "${bad[@]}"
}

# Usage: with_line NAME=VALUE    goes through pre-install with it
function with_line {
    declare -g "$1"
    phase stack pre-install
}

@test "plugin: pre-install refuses Neutron with OVN under mod_wsgi" {
    local agent
    ENABLED_SERVICES+=,q-svc
    export DEVSTACK_WSGI_MODE=mod_wsgi

    for agent in ovn ''; do
        run with_line "Q_AGENT=$agent"
        assert_failure 1
        assert_line --partial 'local.conf: DEVSTACK_WSGI_MODE=mod_wsgi:'
        assert_line --partial 'add WSGI_MODE_q_svc=uwsgi'
        assert_equal "$(< "$CALLS")" ''
    done

    run with_line Q_AGENT=openvswitch
    assert_success
    run with_line WSGI_MODE_q_svc=uwsgi
    assert_success
    run with_line WSGI_MODE_neutron_api=uwsgi
    assert_success
    ENABLED_SERVICES=key,neutron-metadata-agent
    run phase stack pre-install
    assert_success
}

@test "plugin: the names of services are those of DevStack and the catalogue" {
    local name
    local -a bad=()

    for name in key keystone keystone_api g_api nova_metadata heat_engine; do
        run with_line "WSGI_MODE_$name=uwsgi"
        [[ $status -eq 0 ]] || bad+=("$name: $output;")
    done

    assert_none "${bad[@]}"
}

@test "plugin: each later phase brings in what waits, and only that" {
    local step
    for step in install post-config extra test-config; do
        run phase stack "$step"
        assert_success
        refute_output
    done
    assert_equal "$(< "$CALLS")" ''
    mkdir -p "$WSGI_SYSROOT/var/lib/devstack-wsgi"
    : > "$WSGI_SYSROOT/var/lib/devstack-wsgi/reload"

    run phase stack install

    assert_success
    assert_equal "$(< "$CALLS")" adopt_settle
}

@test "plugin: a phase takes the functions over again" {
    function write_uwsgi_config { printf 'stock again\n'; }

    phase stack install

    run declare -f write_uwsgi_config
    assert_output --partial _wsgi_devstack_else
    # and keeps the one that came back
    run declare -f _wsgi_stock_write_uwsgi_config
    assert_output --partial "printf 'stock again"
}

# Go through pre-install with the localrc of a sample.
#
# Usage: with_sample FILE    prints the variables of the library
function with_sample {
    local localrc=$BATS_TEST_TMPDIR/localrc
    # shellcheck source=tests/standin/inc/meta-config
    source "$REPO/tests/standin/inc/meta-config"
    # shellcheck disable=SC2317  # the sample calls it
    function enable_plugin { printf 'plugin %s\n' "$*"; }
    extract_localrc_section "$1" "$localrc"
    # shellcheck source=/dev/null  # the sample's
    source "$localrc"
    stub_devstack
    untraced settings
    phase stack pre-install
    sed -n '/WSGI_/p' "$localrc"
}

@test "plugin: every sample of local.conf passes, and has the plugin's URL" {
    local file line
    local -a bad=()
    # with OVN, which is DevStack's default
    ENABLED_SERVICES=key,g-api,n-api,n-api-meta,placement-api,q-svc

    for file in "$REPO"/devstack/samples/local.conf.*; do
        run with_sample "$file"
        [[ "$status" == 0 && "$output" == 'plugin devstack-plugin-wsgi '\
'https://opendev.org/openstack/devstack-plugin-wsgi'* ]] ||
            bad+=("${file##*/}: $output;")
        # README.rst has every toggle
        for line in "${lines[@]}"; do
            [[ "$line" == *WSGI_*=* ]] || continue
            line=${line%%=*}
            grep -qF "\`\`${line%%_[a-z]*}" "$REPO/README.rst" ||
                bad+=("${file##*/}: $line is not in README.rst;")
        done
    done

    assert_none "${bad[@]}"
}

@test "plugin: README.rst and devstack.rst name every sample" {
    local file
    local -a bad=()

    for file in "$REPO"/devstack/samples/*; do
        grep -qF "devstack/samples/${file##*/}" "$REPO/README.rst" \
            "$REPO/doc/source/devstack.rst" || bad+=("${file##*/}")
    done

    assert_none "${bad[@]}"
}

@test "plugin: unstack stops every service" {
    run phase unstack

    assert_success
    assert_equal "$(< "$CALLS")" adopt_stop
}

@test "plugin: clean removes every service" {
    run phase clean

    assert_success
    assert_equal "$(< "$CALLS")" adopt_clean
}

@test "plugin: a service that does not stop ends the run with a reason" {
    WSGI_STATUS=1

    run phase unstack

    assert_failure 1
    assert_output --partial "die: wsgi"
}
