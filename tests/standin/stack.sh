#!/bin/bash
#
# tests/standin/stack.sh - the phases of DevStack's stack.sh, in their order
#
# Usage: stack.sh
#
# For a user who is not root and may use sudo. Services are tests/fixtures/apps/probe.py
# (as files/probe.py); nothing else is installed, started or created.
#
# Depends on: stackrc, lib/*, tools/outfilter.py; Apache, uWSGI, sudo, curl,
#             openssl, iproute2, python3
# Reads:      local.conf
# Writes:     what the callers in lib/* and the plugins write; DEST; the shell
#             as it was before and after what plugins do, SERVICE_DIR/shell
# Exit:       0; 1 failed, the reason above

set -o xtrace
unset LANG LANGUAGE
export LC_ALL=C.UTF-8
umask 022
PATH=$PATH:/usr/local/bin:/usr/local/sbin:/usr/sbin:/sbin
TOP_DIR=$(CDPATH='' cd -- "${BASH_SOURCE[0]%/*}" && pwd)
cd "$TOP_DIR" || exit

# shellcheck source=tests/standin/functions
source "$TOP_DIR/functions"
[[ "$EUID" != 0 ]] || die "$LINENO" "run it as an ordinary user"

rm -f "$TOP_DIR/.localrc.auto"
extract_localrc_section "$TOP_DIR/local.conf" "$TOP_DIR/.localrc.auto"
# shellcheck source=tests/standin/stackrc
source "$TOP_DIR/stackrc"

sudo install -d -o "$STACK_USER" -m 0755 "$DEST" "$DATA_DIR" "$SERVICE_DIR"

# Output
# ------

# All that is printed goes through a filter, which wants text; without it
# nobody reads the pipe, and the next line is the last one (SIGPIPE).
exec 3>&1
exec 1> >("$TOP_DIR/tools/outfilter.py" 3>&-) 2>&1
_FILTER_PID=$!

# Traps and options
# -----------------

function exit_trap {
    local status=$?
    if [[ "$status" != 0 ]]; then
        printf 'Error on exit\n'
    fi
    # the last lines are on their way
    exec 1>&3 2>&3 3>&-
    wait "$_FILTER_PID" || true  # it has said why
    exit "$status"
}
trap exit_trap EXIT

function err_trap {
    local status=$?
    set +o xtrace
    printf '%s failed\n' "${0##*/}"
    exit "$status"
}
# functions do not inherit it
trap err_trap ERR
set -o errexit

# Sources
# -------

fetch_plugins
run_phase override_defaults
# shellcheck source=tests/standin/lib/apache
source "$TOP_DIR/lib/apache"
# shellcheck source=tests/standin/lib/tls
source "$TOP_DIR/lib/tls"
# shellcheck source=tests/standin/lib/keystone
source "$TOP_DIR/lib/keystone"
# shellcheck source=tests/standin/lib/glance
source "$TOP_DIR/lib/glance"
# shellcheck source=tests/standin/lib/nova
source "$TOP_DIR/lib/nova"
# shellcheck source=tests/standin/lib/placement
source "$TOP_DIR/lib/placement"
# shellcheck source=tests/standin/lib/cinder
source "$TOP_DIR/lib/cinder"
# shellcheck source=tests/standin/lib/neutron
source "$TOP_DIR/lib/neutron"

source "$TOP_DIR/inc/note-shell" 0-before
run_phase source
source "$TOP_DIR/inc/note-shell" 1-source

# Installation and configuration
# ------------------------------

if [[ "$GLOBAL_VENV" == True && ! -d "$DEVSTACK_VENV" ]]; then
    python3 -m venv --without-pip "$DEVSTACK_VENV"
fi
# where a project's own uWSGI would be
if [[ "$GLOBAL_VENV" == True ]]; then
    ln -sfn "$(type -P uwsgi)" "$PYTHON_BIN/uwsgi"
fi
sudo mkdir -p "$PYTHON_SITE"

run_phase stack pre-install
source "$TOP_DIR/inc/note-shell" 2-pre-install

if is_service_enabled tls-proxy; then
    init_cert
fi
install_apache_uwsgi

if is_service_enabled keystone; then
    echo_summary "Configuring Keystone"
    configure_keystone
fi
if is_service_enabled glance; then
    echo_summary "Configuring Glance"
    configure_glance
fi
if is_service_enabled cinder; then
    echo_summary "Configuring Cinder"
    configure_cinder
fi
if is_service_enabled nova; then
    echo_summary "Configuring Nova"
    configure_nova
fi
if is_service_enabled placement; then
    echo_summary "Configuring Placement"
    configure_placement
fi
source "$TOP_DIR/inc/note-shell" 3-configured

run_phase stack install
source "$TOP_DIR/inc/note-shell" 4-install

# Keystone, and what needs it
# ---------------------------

if is_service_enabled tls-proxy; then
    start_tls_proxy http-services '*' 443 "$SERVICE_HOST" 80
fi
if is_service_enabled keystone; then
    echo_summary "Starting Keystone"
    start_keystone
fi
if is_service_enabled neutron; then
    echo_summary "Configuring Neutron"
    configure_neutron
fi

run_phase stack post-config
source "$TOP_DIR/inc/note-shell" 5-post-config
merge_config_group "$TOP_DIR/local.conf" post-config

# The other services
# ------------------

if is_service_enabled n-api; then
    echo_summary "Starting Nova API"
    start_nova_api
fi
if is_service_enabled placement; then
    echo_summary "Starting Placement"
    start_placement
fi
if is_service_enabled neutron; then
    echo_summary "Starting Neutron"
    start_neutron
fi
if is_service_enabled nova; then
    echo_summary "Starting Nova"
    start_nova
fi
if is_service_enabled cinder; then
    echo_summary "Starting Cinder"
    start_cinder
fi
if is_service_enabled glance; then
    echo_summary "Starting Glance"
    start_glance
fi
source "$TOP_DIR/inc/note-shell" 6-started

merge_config_group "$TOP_DIR/local.conf" extra
run_phase stack extra
source "$TOP_DIR/inc/note-shell" 7-extra
merge_config_group "$TOP_DIR/local.conf" post-extra
service_check

run_phase stack test-config
source "$TOP_DIR/inc/note-shell" 8-test-config
merge_config_group "$TOP_DIR/local.conf" test-config
echo_summary "stack.sh completed in $SECONDS seconds"
