#!/usr/bin/env bats
#
# lib/site: Apache as the front, its modules and its reload

load ../helpers/load
load ../helpers/unit

function setup {
    fake_system
    untraced load_lib lib/verbs
}

@test "site: every shape behind Apache is its golden copy" {
    assert_golden_shapes site .site.conf _wsgi_site_files
}

@test "site: a service with an address alone has none" {
    local -a _WSGI_FILES=()
    untraced shape listen

    _wsgi_site_files thing-api

    assert_equal "${_WSGI_FILES[*]}" ''
}

# Every shape at once, each a site of its own, with this machine's modules.
@test "site: the real Apache takes the sites of all shapes" {
    local name modules=/usr/lib/apache2/modules
    local -a _WSGI_FILES=()
    requires apache2
    {
        printf '%s\n' "ServerRoot $BATS_TEST_TMPDIR" 'ServerName localhost' \
            "PidFile $BATS_TEST_TMPDIR/pid" 'Listen 127.0.0.1:8099' \
            "ErrorLog $BATS_TEST_TMPDIR/log" "Mutex file:$BATS_TEST_TMPDIR"
        for name in mpm_event authz_core proxy proxy_uwsgi proxy_http \
            headers setenvif; do
            printf 'LoadModule %s_module %s\n' "$name" \
                "$modules/mod_$name.so"
        done
    } > "$BATS_TEST_TMPDIR/httpd.conf"
    for name in "${SHAPES[@]}"; do
        untraced shape "$name"
        [[ -n "${_WSGI_RECORD[thing-api,path]:-}" ]] || continue
        _WSGI_RECORD[thing-api,path]=/$name
        _WSGI_FILES=()
        _wsgi_site_files thing-api
        printf '%s' "${_WSGI_FILES[1]//thing-api/"$name"}" \
            > "$BATS_TEST_TMPDIR/$name.conf"
        printf 'Include %s\n' "$BATS_TEST_TMPDIR/$name.conf" \
            >> "$BATS_TEST_TMPDIR/httpd.conf"
    done

    run apache2 -t -f "$BATS_TEST_TMPDIR/httpd.conf"

    assert_output 'Syntax OK'
    assert_success
}

@test "site modules: what the transport needs and is not there yet" {
    local -a REPLY_MODULES=()
    deploy one
    deploy two --transport http
    deploy three --listen 127.0.0.1:9001
    rm "$WSGI_SYSROOT"/etc/apache2/mods-enabled/{proxy,headers}*
    untraced _wsgi_record_load_all

    _wsgi_site_modules one three
    assert_equal "$(printf '%s\n' "${REPLY_MODULES[@]}" | sort | xargs)" \
        'headers proxy proxy_uwsgi'

    _wsgi_site_modules two
    assert_equal "$(printf '%s\n' "${REPLY_MODULES[@]}" | sort | xargs)" \
        'headers proxy proxy_http'

    _wsgi_site_modules three
    assert_equal "${REPLY_MODULES[*]}" ''
}

@test "site modules: Fedora's Apache has them all" {
    local -a REPLY_MODULES=()
    untraced shape path
    rm -r "$WSGI_SYSROOT/etc/apache2"
    mkdir "$WSGI_SYSROOT/etc/httpd"

    _wsgi_site_modules thing-api

    assert_equal "${REPLY_MODULES[*]}" ''
}

@test "site group: asked of Apache, once" {
    _wsgi_site_group
    assert_equal "$REPLY" www-data

    REPLY=''
    _wsgi_site_group
    assert_equal "$REPLY" www-data
    calls apache2ctl
    assert_equal "$REPLY" 1
}

@test "site group: an Apache that is broken already is told in one line" {
    stub apache2ctl 'printf "AH00526: Syntax error\non line 3\n" >&2; exit 1'

    run _wsgi_site_group

    assert_failure 1
    assert_equal "${#lines[@]}" 1
    assert_output --partial 'broken already: AH00526: Syntax error; on line 3'
}

@test "site group: an Apache that says none is told" {
    stub apache2ctl 'echo "Group: id=33"'

    run _wsgi_site_group

    assert_failure 1
    assert_output --partial 'does not say its group'
}

@test "site: no Apache on the system" {
    local PATH=$BATS_TEST_TMPDIR/empty

    run _wsgi_site_ctl -t

    assert_failure 1
    assert_output --partial 'Apache is not installed; install apache2'
}

@test "site check: what Apache would have, links to what is there" {
    local -a add=("$BATS_TEST_TMPDIR/new.conf") drop=(old.conf)
    local -a modules=(proxy headers)
    local etc=$WSGI_SYSROOT/etc/apache2 folder=$BATS_TEST_TMPDIR/staged name
    : > "$BATS_TEST_TMPDIR/new.conf"
    for name in old new; do
        : > "$etc/sites-available/$name.conf"
        ln -s "../sites-available/$name.conf" "$etc/sites-enabled/"
    done
    # what Apache sees, while it looks
    # shellcheck disable=SC2016  # the stub expands it
    stub apache2ctl 'cd "$2" && find . -type l -printf "%P %l\n" | sort \
        > "$WSGI_SYSROOT/../seen"'

    _wsgi_site_check "$folder" add drop modules

    run cat "$BATS_TEST_TMPDIR/seen"
    assert_line "sites-enabled/new.conf $BATS_TEST_TMPDIR/new.conf"
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

@test "site check: what Apache refuses is told by its real place" {
    local -a add=() drop=() modules=()
    # shellcheck disable=SC2016  # the stub expands it
    stub apache2ctl 'printf "Syntax error in %s\n" "$2/sites-enabled/a.conf" \
        "on line 3" >&2; exit 1'

    run _wsgi_site_check "$BATS_TEST_TMPDIR/staged" add drop modules

    assert_failure 1
    assert_equal "${#lines[@]}" 1
    assert_output --partial 'nothing was changed'
    assert_output --partial \
        "error in $WSGI_SYSROOT/etc/apache2/sites-enabled/a.conf"
}

@test "site reload: one that runs is reloaded, one that does not is left" {
    _wsgi_site_reload
    calls systemctl reload apache2.service
    assert_equal "$REPLY" 1

    export APACHE_STATE=inactive
    _wsgi_site_reload
    calls systemctl reload apache2.service
    assert_equal "$REPLY" 1
}

@test "site reload: a reload that fails is told" {
    export FAIL_AT='systemctl reload *'

    run _wsgi_site_reload

    assert_failure 1
    assert_line --partial '[ERROR] wsgi: apache2.service does not reload'
    assert_equal "${#lines[@]}" 1
}

@test "site reload: where Apache knows why, its words are told" {
    stub apache2ctl 'echo "AH00526: line 3: no such thing" >&2; exit 1'
    export FAIL_AT='systemctl reload *'

    run _wsgi_site_reload

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

@test "site reload: done when Apache has a child with the new configuration" {
    fake_apache 'setpriv --pdeathsig KILL sleep 30 &'

    run _wsgi_site_reload

    assert_success
    assert_output ''
}

@test "site reload: an Apache that ends at it is told" {
    fake_apache exit

    run _wsgi_site_reload

    assert_failure 1
    assert_output --partial '[ERROR] wsgi: apache2.service ended at its reload'
}

@test "site: Apache's unit, by the distribution's name" {
    _wsgi_site_unit
    assert_equal "$REPLY" apache2.service

    rm -r "$WSGI_SYSROOT/etc/apache2"
    mkdir "$WSGI_SYSROOT/etc/httpd"
    _wsgi_site_unit
    assert_equal "$REPLY" httpd.service
}

@test "site address: where a service answers" {
    local row ports url
    local -a bad=() rows=(
        'Listen 80|http://127.0.0.1/thing-api'
        'Listen 8080|http://127.0.0.1:8080/thing-api'
        'Listen 127.0.0.1:81|http://127.0.0.1:81/thing-api'
        'Listen [::]:82|http://127.0.0.1:82/thing-api'
        'listen 83 http|http://127.0.0.1:83/thing-api'
        '    Listen 84|http://127.0.0.1:84/thing-api'
        '# Listen 85|http://127.0.0.1/thing-api'
        '|http://127.0.0.1/thing-api'
    )
    untraced shape path

    for row in "${rows[@]}"; do
        IFS='|' read -r ports url <<< "$row"
        printf '# ports\n%s\n<IfModule ssl_module>\n    Listen 443\n%s\n' \
            "${row%%|*}" '</IfModule>' > "$WSGI_SYSROOT/etc/apache2/ports.conf"
        [[ "$row" == *Listen* && "$row" != '#'* || "$row" == listen* ]] ||
            : > "$WSGI_SYSROOT/etc/apache2/ports.conf"
        _wsgi_site_address thing-api
        [[ "$REPLY" == "$url" ]] || bad+=("$row: $REPLY;")
    done
    rm "$WSGI_SYSROOT/etc/apache2/ports.conf"
    _wsgi_site_address thing-api
    [[ "$REPLY" == http://127.0.0.1/thing-api ]] || bad+=("no file: $REPLY;")

    assert_equal "${bad[*]}" ''
}

@test "site address: WSGI_FRONT says another front" {
    local WSGI_FRONT=https://cloud.example:8443
    untraced shape path

    _wsgi_site_address thing-api

    assert_equal "$REPLY" https://cloud.example:8443/thing-api
}

@test "site address: of a service without Apache, one that can be called" {
    local row
    local -a bad=() rows=(
        '127.0.0.1:8775|http://127.0.0.1:8775' '0.0.0.0:1|http://127.0.0.1:1'
        '[::1]:2|http://[::1]:2' '[::]:3|http://[::1]:3'
        '10.0.0.0:4|http://10.0.0.0:4'
    )

    for row in "${rows[@]}"; do
        with_defaults thing-api --listen "${row%|*}"
        untraced _wsgi_record_declare "${REPLY_WORDS[@]}"
        _wsgi_site_address thing-api
        [[ "$REPLY" == "${row#*|}" ]] || bad+=("$row: $REPLY;")
    done

    assert_equal "${bad[*]}" ''
}
