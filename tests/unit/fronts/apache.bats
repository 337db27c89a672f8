#!/usr/bin/env bats
#
# lib/fronts/apache: Apache's check before a run, and its reload

load ../../helpers/load
load ../../helpers/unit

function setup {
    fake_system
    untraced load_lib lib/verbs
    NEW=$BATS_TEST_TMPDIR/staged/new
    CHECK=$BATS_TEST_TMPDIR/check
    mkdir -p "$NEW"
}

@test "front check: what Apache would have, links to what is there" {
    local etc=$WSGI_SYSROOT/etc/apache2 name
    # shellcheck disable=SC2034  # read by name
    local -a steps=(
        'write 0644 root:root /etc/apache2/sites-available/new.conf'
        'link /etc/apache2/sites-enabled/new.conf ../sites-available/new.conf'
        'remove /etc/apache2/sites-enabled/old.conf'
        'module proxy headers'
    )
    for name in old new; do
        : > "$etc/sites-available/$name.conf"
        ln -s "../sites-available/$name.conf" "$etc/sites-enabled/"
    done
    # what Apache sees, while it looks
    # shellcheck disable=SC2016  # the stub expands it
    stub apache2ctl 'cd "$2" && find . -type l -printf "%P %l\n" | sort \
        > "$WSGI_SYSROOT/../seen"'

    _wsgi_front_verify "$CHECK" "$NEW" steps

    run cat "$BATS_TEST_TMPDIR/seen"
    name=/etc/apache2/sites-available/new.conf
    assert_line "sites-enabled/new.conf $NEW$name"
    name=sites-enabled/000-default.conf
    assert_line "$name $etc/$name"
    refute_line --partial sites-enabled/old.conf
    assert_line "mods-enabled/proxy.load $etc/mods-available/proxy.load"
    assert_line "mods-enabled/proxy.conf $etc/mods-available/proxy.conf"
    assert_line "mods-enabled/headers.load $etc/mods-available/headers.load"
    name=mods-enabled/setenvif.load
    assert_line "$name $etc/$name"
    refute_line --partial mods-enabled/proxy_uwsgi
    assert_line "apache2.conf $etc/apache2.conf"
    assert_line "ports.conf $etc/ports.conf"
}

@test "front check: what Apache refuses is reported by its real place" {
    # shellcheck disable=SC2034  # read by name
    local -a steps=()
    # shellcheck disable=SC2016  # the stub expands it
    stub apache2ctl 'printf "Syntax error in %s\n" "$2/sites-enabled/a.conf" \
        "on line 3" >&2; exit 1'

    run _wsgi_front_verify "$CHECK" "$NEW" steps

    assert_failure 1
    assert_equal "${#lines[@]}" 1
    assert_output --partial 'nothing was changed'
    assert_output --partial \
        "error in $WSGI_SYSROOT/etc/apache2/sites-enabled/a.conf"
}

@test "front check: without an Apache that is reported" {
    # shellcheck disable=SC2034  # read by name
    local -a steps=()
    rm "$BATS_TEST_TMPDIR/stubs/apache2ctl"
    # all but Apache's own programs
    function type {
        [[ "$*" != *@(apache2ctl|apachectl|httpd) ]] || return 1
        builtin type "$@"
    }

    run _wsgi_front_verify "$CHECK" "$NEW" steps

    assert_failure 1
    assert_output --partial 'Apache is not installed; install apache2'
}

@test "front reload: a running Apache is reloaded, a stopped one is left" {
    _wsgi_front_reload
    assert_calls 1 systemctl reload apache2.service

    export APACHE_STATE=inactive
    _wsgi_front_reload
    assert_calls 1 systemctl reload apache2.service
}

@test "front reload: Apache's unit has the distribution's name" {
    rm -r "$WSGI_SYSROOT/etc/apache2"
    mkdir "$WSGI_SYSROOT/etc/httpd"

    _wsgi_front_start

    assert_calls 1 systemctl start httpd.service
}

@test "front reload: a reload that fails is reported" {
    export FAIL_AT='systemctl reload *'

    run _wsgi_front_reload

    assert_failure 1
    assert_line --partial '[ERROR] wsgi: apache2.service does not reload'
    assert_equal "${#lines[@]}" 1
}

@test "front reload: where Apache knows why, its words are reported" {
    stub apache2ctl 'echo "AH00526: line 3: no such thing" >&2; exit 1'
    export FAIL_AT='systemctl reload *'

    run _wsgi_front_reload

    assert_failure 1
    assert_output '[ERROR] wsgi: apache2.service does not reload: AH00526:'\
' line 3: no such thing'
}

# An Apache that is no more than its processes: its reload is a signal, at
# which it does what is asked for. Another waits for it, as systemd would.
#
# Usage: fake_apache COMMAND    Sets APACHE, its process
function fake_apache {
    local folder=$BATS_TEST_TMPDIR
    printf '%s\n' "trap '$1' USR1" 'setpriv --pdeathsig KILL sleep 30 &' \
        "echo \$\$ > '$folder/pid'" 'while :; do wait; done' \
        > "$folder/apache"
    printf '%s\n' "bash '$folder/apache' &" wait > "$folder/parent"
    bash "$folder/parent" 3>&- &
    until [[ -s "$folder/pid" ]]; do
        kill -0 "$!" || return
    done
    APACHE=$(< "$folder/pid")
    stub systemctl "case \$* in
            *MainPID*) echo ActiveState=active; echo MainPID=$APACHE ;;
            reload*)   kill -USR1 $APACHE ;;
        esac"
}

function teardown {
    [[ -z "${APACHE:-}" ]] || kill "$APACHE" 2> /dev/null ||
        true  # it has ended
}

@test "front reload: done when Apache has a child with the new configuration" {
    fake_apache 'setpriv --pdeathsig KILL sleep 30 &'

    run _wsgi_front_reload

    assert_success
    assert_output ''
}

@test "front reload: an Apache that ends at it is reported" {
    fake_apache exit

    run _wsgi_front_reload

    assert_failure 1
    assert_output --partial '[ERROR] wsgi: apache2.service ended at its reload'
}
