#!/bin/bash
#
# tests/helpers/devstack.bash - the stand-in of DevStack in a machine
#
# A file that loads this has such a machine, as with functional.bash; its
# units are explained where a test fails.
#
# tests/standin is the stand-in: DevStack's phases, functions and callers,
# with tests/fixtures/apps/probe.py in the place of OpenStack.
#
# Depends on: tests/helpers/functional.bash, tests/standin; sudo
# Reads:      nothing
# Writes:     the machine; $BATS_TEST_TMPDIR
# Sets:       DEVSTACK, CALLERS, and by devstack_apis APIS
# Public:     setup_file, devstack_up, lift_start_limit, devstack_conf,
#             devstack, as_stack, in_devstack, devstack_apis,
#             devstack_answers, devstack_units, devstack_stopped, server_of,
#             devstack_servers, proxied_once, shell_unchanged,
#             functions_changed, process_of, callers_in_force, clone_answers,
#             system_files

load ../helpers/functional

# where the stand-in lies in the machine
DEVSTACK=/opt/stack/devstack

# the callers that are plugins and that DevStack's own functions can serve
readonly CALLERS=(aodh cloudkitty designate federation heat ironic mistral
    monasca octavia printer stranger trove zaqar)

# the keys of what runs by itself or by DevStack's own functions in every mode
readonly THEIRS='ir-http odd-site odd-env odd-own odd-bare'

# What bats calls before the tests of a file that has nothing of its own.
function setup_file {
    devstack_up
}

# Boot a machine with a user stack, the stand-in and a copy of this checkout's
# plugin.
#
# Usage:   devstack_up
# Sets:    M
# Returns: 0; 1 it did not boot
# Example: devstack_up
function devstack_up {
    requires sudo openssl || return
    machine_up || return
    # the modules that DevStack enables itself stay enabled ever after
    # shellcheck disable=SC2016  # expanded in the machine
    machine_sh '
        set -e
        useradd --create-home --home-dir /opt/stack --shell /bin/bash stack
        chmod 0755 /opt/stack
        printf "stack ALL=(root) NOPASSWD:ALL\n" > /etc/sudoers.d/50_stack_sh
        chmod 0440 /etc/sudoers.d/50_stack_sh
        cp -r "$1/tests/standin" "$2"
        mkdir "$2/files" /opt/stack/wsgi
        cp "$1/tests/fixtures/apps/probe.py" "$2/files/"
        cp -r "$1/devstack" "$1/files" "$1/lib" "$1/tools" /opt/stack/wsgi/
        chown -R stack: /opt/stack
        a2enmod -q headers proxy proxy_http proxy_uwsgi ssl
        # get_random_port takes ports that the kernel gives to clients too,
        # and where one has been within a minute nobody can listen
        echo net.ipv4.ip_local_reserved_ports = 60900-60999 \
            > /etc/sysctl.d/standin.conf
        sysctl --quiet --load /etc/sysctl.d/standin.conf
        # the plugin writes it
        rm /etc/apache2/conf-enabled/devstack-wsgi.conf
        systemctl restart apache2' "$REPO" "$DEVSTACK" > /dev/null || return
    lift_start_limit
}

# Let Apache be restarted as often as one likes, until the next boot: what
# DevStack spreads over minutes, the stand-in does in seconds.
#
# Usage:   lift_start_limit
# Returns: 0
# Example: lift_start_limit
function lift_start_limit {
    machine_sh 'mkdir -p /run/systemd/system/apache2.service.d
        printf "[Unit]\nStartLimitIntervalSec=0\n" \
            > /run/systemd/system/apache2.service.d/standin.conf
        systemctl daemon-reload'
}

# Write local.conf: its localrc, with a line for each caller and one for the
# plugin under test, and what follows it.
#
# Usage:   devstack_conf [--stock] [--callers NAME,...] [LINE...]
#   --stock    without the plugin under test
#   --callers  these plugins only
#   LINE       in [[local|localrc]]; from the first that begins with [[ on, a
#              part of its own
# Returns: 0
# Example: devstack_conf DEVSTACK_WSGI_MODE=mod_wsgi
function devstack_conf {
    local name text='[[local|localrc]]'$'\n' wsgi=/opt/stack/wsgi
    local -a callers=("${CALLERS[@]}")
    while [[ "${1:-}" == --* ]]; do
        case $1 in
            --stock)
                wsgi=''
                shift
                ;;
            --callers)
                IFS=, read -ra callers <<< "$2"
                shift 2
                ;;
        esac
    done
    text+='ENABLED_SERVICES=key,g-api,g-api-r,n-api,n-api-meta,'
    text+='placement-api,c-api,neutron-api'$'\n'
    # with OVN it would have to be under uWSGI
    text+=Q_AGENT=openvswitch$'\n'
    [[ -z "$wsgi" ]] || callers+=(devstack-plugin-wsgi)
    # as Zuul does, in alphabetical order
    while IFS= read -r name; do
        [[ -n "$name" ]] || continue
        text+="enable_plugin $name $DEVSTACK/plugins/$name"$'\n'
    done < <(printf '%s\n' "${callers[@]}" | sort)
    text=${text/"$DEVSTACK/plugins/devstack-plugin-wsgi"/"$wsgi"}
    text+=$(printf '%s\n' "$@")
    # shellcheck disable=SC2016  # expanded in the machine
    as_stack 'printf "%s\n" "$1" > "$2/local.conf"' "$text" "$DEVSTACK"
}

# Run bash text in the machine as the stack user, in its home.
#
# Usage:   as_stack TEXT [ARGUMENT...]
# Returns: the status of TEXT
# Example: as_stack 'cat "$1"' /etc/keystone/keystone.conf
function as_stack {
    "$REPO/tests/bin/machine" run "$M" --user stack -- bash -c "$1" as_stack \
        "${@:2}" < /dev/null
}

# Run a script of the stand-in; what it prints goes to a log, whose end is
# shown if it fails.
#
# Usage:   devstack SCRIPT [ARGUMENT...]
# Sets:    TOOK, how many milliseconds
# Returns: its status
# Example: devstack stack.sh
function devstack {
    local status=0 log=$BATS_FILE_TMPDIR/$1.log
    TOOK=$(date +%s%3N)
    "$REPO/tests/bin/machine" run "$M" --user stack --cwd "$DEVSTACK" -- \
        "./$1" "${@:2}" < /dev/null > "$log" 2>&1 || status=$?
    TOOK=$(( $(date +%s%3N) - TOOK ))
    [[ "$status" == 0 ]] || tail -n 60 "$log"
    return "$status"
}

# APIS = what the callers serve: KEY=ADDRESS=ANSWER, KEY being the unit's.
#
# Usage:   devstack_apis [--tls] [--ipv6] [KEY...]
#   KEY     only these
# Returns: 0
# Example: devstack_apis keystone g-api
function devstack_apis {
    local front=http host=127.0.0.1 row
    local -a rows=(
        keystone=/identity=keystone g-api=/image=glance
        n-api=/compute=nova-api n-api-meta=:8775=nova-metadata
        placement-api=/placement=placement c-api=/volume=cinder
        neutron-api=/networking=neutron h-api=/heat-api=heat
        h-api-cfn=/heat-api-cfn=heat-cfn o-api=/load-balancer=octavia
        designate-api=/dns=designate aodh-api=/alarming=aodh
        tr-api=/database=trove zaqar-wsgi=/messaging=zaqar
        ck-api=/rating=cloudkitty monasca-api=/metrics=monasca
        mistral-api=/workflow=mistral ir-http=/baremetal/=ironic
        Foo_HTTP=/foo-upper=foo-upper foo-http=/foo-lower=foo-lower
        odd-site=/odd-site=odd-site odd-env=/odd-env=odd-env
        odd-own=/odd-own=odd-own odd-bare=/odd-bare=odd-bare
    )
    while [[ "${1:-}" == --* ]]; do
        case $1 in
            --tls)  front=https ;;
            --ipv6) host='[::1]' ;;
        esac
        shift
    done
    APIS=()
    for row in "${rows[@]}"; do
        [[ $# == 0 || " $* " == *" ${row%%=*} "* ]] || continue
        case $row in
            *=:*) row=${row/=:/=http://$host:} ;;
            *)    row=${row/=\//=$front://$host/} ;;
        esac
        APIS+=("$row")
    done
}

# Every one of APIS answers with the name of its own service.
#
# Usage:   devstack_answers
# Returns: 0; 1 some do not, each named
# Example: devstack_apis; devstack_answers
function devstack_answers {
    local row url key said
    local -a bad=()
    for row in "${APIS[@]}"; do
        IFS='=' read -r key url _ <<< "$row"
        said=$(in_machine curl -gks --max-time 30 "$url" | head -n 1)
        [[ "$said" == "${row##*=}" ]] || bad+=("$key at $url: '$said';")
    done
    assert_none "${bad[@]}"
}

# Run bash text in a shell that has sourced what unstack.sh sources, and the
# settings of plugins.
#
# Usage:   in_devstack TEXT [ARGUMENT...]
# Returns: the status of TEXT
# Example: in_devstack 'remove_uwsgi_config "$KEYSTONE_PUBLIC_UWSGI_CONF"'
function in_devstack {
    # shellcheck disable=SC2016  # expanded in the machine
    as_stack 'TOP_DIR=$1
        shift
        PATH=$PATH:/usr/sbin:/sbin
        source "$TOP_DIR/inc/scripts"
        load_plugin_settings > /dev/null
        '"$1" "$DEVSTACK" "${@:2}"
}

# The units of APIS are what they are to be.
#
# Usage:   devstack_units ENABLED ACTIVE
#   ENABLED  what 'systemctl is-enabled' says; empty: there is no unit
#   ACTIVE   what 'systemctl is-active' says
# Returns: 0; 1 some are not, each named
# Example: devstack_units enabled active
function devstack_units {
    local row key said
    local -a bad=()
    for row in "${APIS[@]}"; do
        key=${row%%=*}
        # shellcheck disable=SC2016  # expanded in the machine
        said=$(machine_sh 'systemctl is-enabled "$1" 2>/dev/null
            systemctl is-active "$1"' "devstack@$key.service") ||
            true  # its words are read
        [[ "${said//$'\n'/ }" == "${1:+$1 }$2" ]] ||
            bad+=("$key: ${said//$'\n'/ };")
    done
    assert_none "${bad[@]}"
}

# The units of APIS are stopped and disabled, or gone with what cinder, neutron
# and nova remove in unstack.sh.
#
# Usage:   devstack_stopped
# Returns: 0; 1 some are not, each named
# Example: devstack unstack.sh; devstack_stopped
function devstack_stopped {
    local row
    local -a all=("${APIS[@]}") gone=() APIS=()
    for row in "${all[@]}"; do
        case ${row%%=*} in
            n-api|n-api-meta|c-api|neutron-api) gone+=("$row") ;;
            *)                                  APIS+=("$row") ;;
        esac
    done
    devstack_units disabled inactive || return
    APIS=("${gone[@]}")
    devstack_units '' inactive
}

# REPLY = the server that a unit runs: uwsgi, mod_wsgi, or the program.
#
# Usage:   server_of KEY
# Returns: 0
# Example: server_of n-api; [[ "$REPLY" == mod_wsgi ]]
function server_of {
    # shellcheck disable=SC2016  # expanded in the machine
    REPLY=$(machine_sh 'pid=$(systemctl show --value -p MainPID "$1")
        readlink "/proc/$pid/exe"' "devstack@$1.service") || true
    case ${REPLY##*/} in
        uwsgi*)        REPLY=uwsgi ;;
        apache2|httpd) REPLY=mod_wsgi ;;
    esac
}

# The units of APIS all run one server.
#
# Usage:   devstack_servers SERVER
# Returns: 0; 1 some do not, each named
# Example: devstack_servers mod_wsgi
function devstack_servers {
    local row key
    local -a bad=()
    for row in "${APIS[@]}"; do
        key=${row%%=*}
        [[ " $THEIRS " != *" $key "* ]] || continue
        server_of "$key"
        [[ "$REPLY" == "$1" ]] || bad+=("$key: $REPLY;")
    done
    assert_none "${bad[@]}"
}

# No path is proxied twice, and Apache finds no fault. What is left to
# DevStack's own function is appended at each call.
#
# Usage:   proxied_once
# Returns: 0; 1 those that are, each named
# Example: proxied_once
function proxied_once {
    run machine_sh 'grep -hoE "^[[:blank:]]*ProxyPass +[^ ]+" \
        /etc/apache2/sites-enabled/*.conf | tr -d "\"" | sort | uniq -d |
        grep -v " /odd-site$"'
    assert_output '' && in_machine apache2ctl -t
}

# In every phase of the last stack.sh the shell was as before the plugins.
#
# Usage:   shell_unchanged
# Returns: 0; 1 with the difference
# Example: shell_unchanged
function shell_unchanged {
    # shellcheck disable=SC2016  # expanded in the machine
    run as_stack 'cd /opt/stack/status/shell
        for note in *; do
            diff -u 0-before "$note" || exit
        done'
    assert_success
}

# REPLY = which of the functions that stack.sh had before the plugins are
# others in a later phase.
#
# Usage:   functions_changed [PHASE]
# Returns: 0
# Example: functions_changed 1-source
function functions_changed {
    # one line for each function
    # shellcheck disable=SC2016  # awk's
    local program='/^[^ ].* \(\) *$/ { text = "" } { text = text $0 }
        /^}/ { print text }'
    # shellcheck disable=SC2016  # expanded in the machine
    REPLY=$(as_stack 'cd /opt/stack/status/functions
        awk "$1" 0-before | sort > /tmp/functions
        awk "$1" "$2" | sort | comm -23 /tmp/functions - | cut -d " " -f 1' \
        "$program" "${1:-1-source}")
    REPLY=${REPLY//$'\n'/ }
}

# What the process of a service says of itself, on standard output.
#
# Usage:   process_of URL
# Returns: 0; 1 no answer
# Example: process_of http://127.0.0.1/heat-api
function process_of {
    in_machine curl -gks --max-time 30 "$1/process"
}

# What callers set after a write call, or with a process, is in force.
#
# Usage:   callers_in_force
# Returns: 0; 1 with what is not
# Example: callers_in_force
function callers_in_force {
    run process_of http://127.0.0.1/heat-api
    assert_output --partial '"multithread": true'
    assert_output --partial '"prefix": "/opt/stack/data/venv"'
    run process_of http://127.0.0.1/volume
    assert_output --partial '"multithread": true'
    run process_of http://127.0.0.1/heat-api-cfn
    assert_output --partial '"HEAT_CFN": "one two"'
    assert_output --partial '"multithread": false'
    run process_of http://127.0.0.1/load-balancer
    assert_output --partial '"OCTAVIA_B": "2"'
    assert_status 307 http://127.0.0.1/federated
}

# Glance's clone answers, with a configuration of its own.
#
# Usage:   clone_answers
# Sets:    REPLY, its address
# Returns: 0; 1 it does not
# Example: clone_answers
function clone_answers {
    # shellcheck disable=SC2016  # expanded in the machine
    REPLY=$(in_devstack 'glance_address /etc/glance-remote/*.ini') || return
    run process_of "$REPLY"
    assert_output --partial '"OS_GLANCE_CONFIG_DIR": "/etc/glance-remote"'
}

# The system's own files, and who they belong to; not what they hold, and not
# what systemd, sudo and Apache write while they run.
#
# Usage:   system_files
# Returns: 0
# Example: system_files > "$BATS_FILE_TMPDIR/before"
function system_files {
    # shellcheck disable=SC2016  # expanded in the machine
    machine_sh 'find /etc /var/lib /run/uwsgi /run/devstack-wsgi \
        -printf "%p %y %m %u:%g %l\n" 2>/dev/null |
        grep -vE "^/var/lib/(systemd|sudo|apache2/(module|site))[/ ]" | sort'
}

# In the place of what functional.bash shows of a service: here each unit
# counts, and those that failed most.
#
# Usage: _functional_explain
function _functional_explain {
    # shellcheck disable=SC2016  # expanded in the machine
    machine_sh '
        systemctl list-units --all --plain --no-legend "devstack@*"
        for unit in $(systemctl list-units --failed --plain --no-legend \
                "devstack@*" | cut -d " " -f 1); do
            echo "-- $unit --"
            systemctl status --no-pager --lines=20 "$unit"
            systemctl cat "$unit" | grep -v "^#" | head -n 20
        done
        grep -ho "ProxyPass.*" /etc/apache2/sites-enabled/*.conf | sort -u
        grep -v "ssl:warn" /var/log/apache2/error.log | tail -n 8
        journalctl --no-pager --lines=20 --unit="devstack@*"' 2>&1
}
