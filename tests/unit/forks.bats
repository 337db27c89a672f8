#!/usr/bin/env bats
#
# the cost of a service: no process

load ../helpers/load
load ../helpers/unit

function setup {
    fake_system
}

# Records of many services, of all kinds, as 'wsgi deploy' would leave them.
#
# Usage: write_records NUMBER
function write_records {
    local i folder=$WSGI_SYSROOT/etc/devstack-wsgi/services
    mkdir -p "$folder"
    for (( i = 100; i < 100 + $1; i++ )); do
        {
            printf '%s\n' "name=s$i" app=m:application "user=$ACCOUNT" \
                "group=$ACCOUNT" "env=A=$i" 'env=B=two words' arg=x \
                set=harakiri=60 healthcheck=/healthcheck
            case $(( i % 3 )) in
                0) printf '%s\n' "path=/s$i" ;;
                1) printf '%s\n' "path=/s$i" transport=uwsgi ;;
                2) printf '%s\n' "listen=127.0.0.1:9$i" ;;
            esac
        } > "$folder/s$i.conf"
    done
}

# How many processes each step of a run starts, in a PID namespace in which
# nothing else runs: a process gets the next number there.
#
# Usage: count_forks    Sets FORKS, e.g. FORKS[plan]
function count_forks {
    local -a alone=(unshare --pid --fork)
    local step number
    requires unshare
    [[ "$EUID" -eq 0 ]] || alone=(unshare --user --map-current-user \
        --pid --fork)
    declare -gA FORKS=()
    while read -r step number; do
        FORKS[$step]=$number
    done < <(
        # shellcheck disable=SC2016  # that shell expands it
        "${alone[@]}" bash -c '
            source "$1" || exit
            function forks {
                local before after step=$1
                before=$(echo "$BASHPID")
                "${@:2}" > /dev/null || return
                after=$(echo "$BASHPID")
                echo "$step $(( after - before - 1 ))"
            }
            function three {
                /bin/true
                ( : )
                : "$(:)"
            }
            # the lock goes with the shell
            function verb {
                ( _wsgi_verbs_run "$@" )
            }
            forks nothing :
            forks three three
            forks plan _wsgi_engine plan - apply
            forks apply verb apply
            forks again verb apply' _ "$REPO/lib/verbs"
    )
}

@test "forks: writing a service takes none, nor does anything before it" {
    local step number
    local -A few=()
    local -a bad=()
    # the very first run enables Apache's modules as well
    for number in 4 4 40; do
        for step in "${!FORKS[@]}"; do
            few[$step]=${FORKS[$step]}
        done
        rm -rf "$WSGI_SYSROOT"/{etc,var/lib}/devstack-wsgi \
            "$WSGI_SYSROOT"/etc/systemd/system/devstack@* \
            "$WSGI_SYSROOT"/etc/apache2/sites-*/s1*
        write_records "$number"
        count_forks
    done

    assert_equal "${FORKS[nothing]}" 0
    assert_equal "${FORKS[three]}" 3
    for step in plan apply again; do
        printf '# forks, 4 and 40 services: %s %s %s\n' "$step" \
            "${few[$step]}" "${FORKS[$step]}" >&3
        [[ "${FORKS[$step]}" == "${few[$step]}" ]] ||
            bad+=("$step: ${few[$step]}, ${FORKS[$step]};")
    done
    assert_none "${bad[@]}"
}
