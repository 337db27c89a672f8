#!/usr/bin/env bats
#
# the plugin as a guest in stack.sh: what it leaves in that shell hurts no
# program that prints, dumps, decodes, exports or sources it

load ../helpers/load
load ../helpers/unit

function setup {
    fake_system
    export STACK_USER=$ACCOUNT SERVICE_LOCAL_HOST=127.0.0.1
    export SERVICE_IP_VERSION=4 API_WORKERS=2 WORKER_TIMEOUT=80
    mkdir "$BATS_TEST_TMPDIR/shell"
}

# Run bash text at the end of a stack.sh: DevStack's options and traps, its
# functions, the plugin in each phase, verbs that work and one that fails.
# The array ours has the names that are new in the shell; what else it was like
# is in the files state-before and state-after.
#
# Usage: after_stack LOCALE [TEXT] << 'END'
#   TEXT  what is run before the plugin
function after_stack {
    {
        cat << 'END'
set -o errexit
trap 'status=$?; [[ $status == 0 ]] || echo "Error on exit"' EXIT
trap 'echo "stack.sh failed"; exit 1' ERR
function names {
    compgen -v
    compgen -A function
}
function state {
    set +o
    shopt -p || true  # 1 says that one is off
    trap -p
    umask
    pwd
    export -p
    readonly -p
    alias
}
cd "$2"
source "$1/tests/standin/functions"
source "$1/tests/standin/lib/apache"
ENABLED_SERVICES=key,n-api Q_AGENT=openvswitch
END
        printf '%s\n' "${2:-}"
        cat << 'END'
phase='' files=(/proc/$$/fd/*) later=() ours=()
state >| state-before
names | sort >| before
source "$1/devstack/settings"
for phase in pre-install install post-config extra test-config; do
    source "$1/devstack/plugin.sh" stack "$phase" > /dev/null
done
wsgi_deploy one --app m:a --path /one --user daemon > /dev/null
write_uwsgi_config /etc/two.ini two:a /two '' two > /dev/null
! wsgi_deploy Bad: 2> /dev/null
wsgi_status > /dev/null
names | sort >| after
state >| state-after
later=(/proc/$$/fd/*)
mapfile -t ours < <(comm -13 before after)
END
        cat
    } > "$BATS_TEST_TMPDIR/script"
    run env "LC_ALL=$1" bash "$BATS_TEST_TMPDIR/script" "$REPO" \
        "$BATS_TEST_TMPDIR/shell"
}

# Export all that is ours: in the script of after_stack.
# shellcheck disable=SC2016  # that shell expands it
EXPORT='
for name in "${ours[@]}"; do
    case $(type -t "$name") in
        function) export -f "$name" ;;
        *)        export "$name" ;;
    esac
done
'

# Decode standard input as DevStack's output filter does, or fail.
function strict {
    python3 -c 'import sys
sys.stdin.buffer.read().decode("utf-8", "strict")'
}

@test "guest: whatever a plugin dumps of the shell is text, in any locale" {
    local locale dump
    local -a bad=()

    for locale in C.UTF-8 C; do
        after_stack "$locale" << END
$EXPORT
(set -o posix; set) > dump-posix
set > dump-set
declare -p > dump-declare
declare -f > dump-functions
names > dump-names
export -p > dump-export
env > dump-env
END
        assert_success
        for dump in "$BATS_TEST_TMPDIR"/shell/dump-*; do
            run strict < "$dump"
            [[ "$status" == 0 && -s "$dump" ]] ||
                bad+=("$locale, ${dump##*/}: ${lines[-1]:-};")
        done
    done

    assert_none "${bad[@]}"
}

@test "guest: a child with all of it exported starts, and is not changed" {
    local options
    local -a bad=()

    for options in '' --posix '-o errexit' '-o nounset'; do
        after_stack C.UTF-8 << END
$EXPORT
bash $options -c 'echo child; printf "%s\n" "\${-//[^x]/}"' 2>&1
END
        [[ "$status" == 0 && "$output" == child ]] ||
            bad+=("$options: $status ${output:0:200};")
    done

    assert_none "${bad[@]}"
}

@test "guest: its dump can be sourced again, in that shell and in another" {
    after_stack C.UTF-8 << 'END'
variables=()
for name in "${ours[@]}"; do
    case $(type -t "$name") in
        function) declare -f "$name" ;;
        *)        variables+=("$name") ;;
    esac
done > dump
declare -p "${variables[@]}" >> dump
source dump
wsgi_status one | grep -o '^one'
wsgi_show two | grep -o '^name=two'
bash -o errexit -c 'source ./dump; wsgi_status one' | grep -o '^one'
END

    assert_success
    assert_output $'one\nname=two\none'
}

@test "guest: what it leaves is what doc/source/devstack.rst lists" {
    local -a listed=()
    after_stack C.UTF-8 << 'END'
printf '%s\n' "${ours[@]}"
END
    assert_success
    # the first column of the table
    # shellcheck disable=SC2016  # what stands around a name
    mapfile -t listed < <(
        sed -n '/^What stays in a shell$/,/^CONF under/s/^|//p' \
            "$REPO/doc/source/devstack.rst" | cut -d '|' -f 1 |
            grep -o '``[^`]*``' | tr -d '`' | LC_ALL=C sort
    )

    assert_output "$(printf '%s\n' "${listed[@]}")"
}

@test "guest: it works in a shell of any temper" {
    local temper
    local -a bad=()

    for temper in 'set -o nounset -o pipefail' 'set -o posix' \
        'set -o noglob -o noclobber' 'set -o errtrace -o functrace' \
        'IFS=/_-' "IFS=''" 'shopt -s nocasematch failglob' \
        'exec 2> /dev/null; set -o xtrace'; do
        after_stack C.UTF-8 "$temper" << 'END'
unset IFS
function _wsgi_stock_write_uwsgi_config { printf 'stock'; printf ' %s' "$@"; }
write_uwsgi_config '/etc/a b.ini' m:a /x '' x 2> /dev/null
END
        # in posix mode the stand-in has something to say
        [[ "$status" == 0 && \
            "${lines[-1]}" == 'stock /etc/a b.ini m:a /x  x' ]] ||
            bad+=("$temper: $status ${output:0:300};")
    done

    assert_none "${bad[@]}"
}

@test "guest: options, traps, exports and descriptors are as they were" {
    after_stack C.UTF-8 << 'END'
comm -23 before after
diff -u state-before state-after
[[ "${later[*]}" == "${files[*]}" ]]
END

    assert_success
    assert_output ''
}
