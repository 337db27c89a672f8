#!/usr/bin/env bats
#
# lib/systemd: what is asked of systemd, and what is said when it fails

load ../helpers/load
load ../helpers/unit

function setup {
    fake_system
    untraced load_lib lib/verbs
}

@test "systemd verify: a unit that systemd refuses is reported in one line" {
    requires systemd-analyze
    rm "$BATS_TEST_TMPDIR/stubs/systemd-analyze"
    mkdir -p "$BATS_TEST_TMPDIR/new/etc/systemd/system"
    printf '[Service]\nExecStart=relative\n' \
        > "$BATS_TEST_TMPDIR/new/etc/systemd/system/a.service"

    run _wsgi_systemd_verify "$BATS_TEST_TMPDIR/new"

    assert_failure 1
    assert_output --partial '[ERROR] wsgi: systemd refuses the units: '
    assert_output --partial 'relative'
    assert_equal "${#lines[@]}" 1
}

@test "systemd start: a service that fails is shown with the end of its log" {
    deploy one --unit n-one
    export FAIL_AT='systemctl @(start|--quiet is-active)*'

    run _wsgi_systemd_start devstack@n-one.service

    assert_failure 1
    assert_line --index 0 --partial '[ERROR] wsgi: one: did not start'
    assert_line --index 0 --partial 'journalctl -u devstack@n-one'
    assert_line --index 1 '    the last line of its log'
}

@test "systemd start: a service that is up in the end has not failed" {
    deploy one
    export ACTIVE_STATE=active FAIL_AT='systemctl start*'

    run _wsgi_systemd_start devstack@one.service

    assert_failure 1
    assert_output ''
}

# A systemctl that fails for some units, and notes how many of it run.
# Usage: slow_systemctl [UNIT...]
function slow_systemctl {
    # shellcheck disable=SC2016  # the stub expands it
    stub systemctl 'for n in 1 2 3 4; do
            [[ "$1" == *start ]] || break
            mkdir "$CALLS.$n" 2> /dev/null || continue
            echo "$n" >> "$CALLS.beside"
            sleep 0.2
            rmdir "$CALLS.$n"
            break
        done
        [[ " '"$*"' " != *" ${!#} "* ]]'
}

@test "systemd start: so many at a time, with a line for each" {
    local verb
    slow_systemctl
    for verb in _wsgi_systemd_start '_wsgi_systemd_renew restart'; do
        rm -f "$CALLS.beside"

        # shellcheck disable=SC2086  # two words
        run $verb 2 devstack@{one,two,three,four,five}.service

        assert_success
        assert_equal "${#lines[@]}" 5
        assert_line --index 4 --regexp \
            '^wsgi: devstack@[a-z]+: (re)?started, 5 of 5, after [0-9]+ s$'
        run sort -u "$CALLS.beside"
        assert_output $'1\n2'
    done
}

@test "systemd start: of many, one that fails leaves the others started" {
    local verb
    deploy two
    slow_systemctl devstack@two.service
    set +o pipefail
    for verb in start 'renew restart'; do
        _WSGI_FAILED=()

        # shellcheck disable=SC2086  # two words
        _wsgi_systemd_$verb 2 devstack@{one,two,three}.service \
            > "$BATS_TEST_TMPDIR/out" 2>&1 && fail "it succeeds"

        run cat "$BATS_TEST_TMPDIR/out"
        assert_line --partial ', 2 of 3, after'
        assert_line --regexp '^\[ERROR\] wsgi: two: (did not start|restart failed)'
        assert_equal "${_WSGI_FAILED[*]}" devstack@two.service
    done
}

@test "systemd renew: restart and reload ask for all services at once" {
    local verb
    for verb in restart reload; do
        _wsgi_systemd_renew "$verb" devstack@one.service devstack@two.service
        assert_calls 1 systemctl "$verb" devstack@one.service devstack@two.service
    done
}

@test "systemd renew: a reload that fails is reported" {
    deploy one
    export ACTIVE_STATE=inactive FAIL_AT='systemctl reload*'

    run _wsgi_systemd_renew reload devstack@one.service

    assert_failure 1
    assert_line --index 0 --partial '[ERROR] wsgi: one: reload failed'
}

@test "systemd stop: a stop that fails is an error" {
    export FAIL_AT='systemctl stop*'

    run _wsgi_systemd_stop devstack@one.service

    assert_failure 1
    assert_line --partial '[ERROR] wsgi: devstack@one.service: did not stop'
}
