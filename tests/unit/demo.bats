#!/usr/bin/env bats
#
# tools/demo: its options, its plan and its cache, without a machine

load ../helpers/load
load ../helpers/unit

# Source tools/demo in a shell of its own and run the given text there, in
# which "show NAME" prints an array.
function in_demo {
    run bash -c "source '$REPO/tools/demo'
        function show { local -n _array=\$1; printf '%s\n' \"\${_array[@]}\"; }
        $1"
}

# An empty cache, and a Python whose pip ends with the given status.
function fake_cache {
    sandbox
    fake_python "$@"
    CACHE=$BATS_TEST_TMPDIR/cache
    MAKE="CACHE=$CACHE PYTHON=fake-python; make_venv"
}

@test "demo: --help prints its usage" {
    run "$REPO/tools/demo" --help

    assert_success
    assert_output --partial "--services A,B"
    assert_output --partial "--keep"
}

@test "demo: wrong usage ends with 2 before anything is done" {
    local args problems=()
    for args in --nonsense --services "--services nova" "--mode nginx" \
        "--mode ../record" "--services ,"; do
        # shellcheck disable=SC2086  # words
        run "$REPO/tools/demo" $args
        [[ "$status" == 2 && "$output" == *'[ERROR] demo: '* ]] ||
            problems+=("$args: status $status, $output")
    done

    assert_none "${problems[@]}"
}

@test "demo: what a service needs is added, and that is said" {
    in_demo 'choose nova-api,glance-api; show CHOSEN'

    assert_success
    assert_line --regexp '^keystone is added: .* needs it$'
    assert_equal "${lines[*]:1}" "keystone glance-api nova-api"
}

@test "demo: the metadata service alone needs no Keystone" {
    in_demo 'choose nova-metadata; make_plan; show PLAN'

    assert_success
    assert_line "nova-metadata|prove metadata"
    refute_output --partial keystone
}

@test "demo: Keystone starts before the accounts, those before the others" {
    in_demo 'choose placement-api; make_plan; show PLAN'

    assert_equal "$(tail -n 6 <<< "$output")" "$(cat <<'END'
tools/wsgi start|start_services keystone
accounts|prove accounts placement-api
tools/wsgi start|start_services placement-api
keystone|prove token
placement-api|prove provider
restart of keystone under load|prove restart
END
)"
}

@test "demo: under both servers, every proof comes twice" {
    in_demo 'MODES=(uwsgi mod_wsgi); choose placement-api; make_plan; show PLAN'

    assert_equal "$(tail -n 7 <<< "$output")" "$(cat <<'END'
keystone|prove token
placement-api|prove provider
restart of keystone under load|prove restart
tools/wsgi switch mod_wsgi|switch_services mod_wsgi
keystone|prove token
placement-api|prove provider
restart of keystone under load|prove restart
END
)"
}

@test "demo: a proof that fails shows the journal, and the others follow" {
    in_demo "WORK=$BATS_TEST_TMPDIR
        PLAN=('one|prove token' 'two|prove provider' 'three|prove restart')
        function prove { echo seen; [[ \$1 != provider ]]; }
        function journal { echo journal \"\$@\"; }
        run_plan"

    assert_failure 1
    assert_line --regexp '^\[ 2/3\] two: .* s, FAILED: seen$'
    assert_line 'journal devstack@placement-api'
    assert_line --regexp '^\[ 3/3\] three: .* s, ok: seen$'
}

@test "demo: any other step that fails is the last" {
    in_demo "WORK=$BATS_TEST_TMPDIR PLAN=('one|boot_machine' 'two|deploy')
        function boot_machine { echo why >&2; return 1; }
        run_plan"

    assert_failure 1
    assert_line --regexp '^\[ 1/2\] one: .* s, FAILED$'
    assert_equal "${lines[1]}" why
}

@test "demo: the packages are those of bindep.txt for Debian and the demo" {
    local list=$BATS_TEST_TMPDIR/bindep.txt
    printf '%s\n' '# comment' 'for-all' 'deb [platform:dpkg]' \
        'rpm [platform:rpm]' 'testing [platform:dpkg test]' '' \
        'demonstrated [platform:dpkg test demo]' > "$list"

    in_demo "REPO=${list%/*}; read_packages; show PACKAGES"

    assert_equal "${lines[*]}" "for-all deb demonstrated"
}

@test "demo: a venv that is complete is used again" {
    fake_cache
    in_demo "$MAKE"
    assert_success
    in_demo "$MAKE"
    assert_success
    assert_output --partial "from the cache"
    assert_calls 1 pip install
}

@test "demo: a venv whose making was interrupted is made anew" {
    fake_cache 1
    in_demo "$MAKE"
    assert_failure
    local venv
    venv=$(echo "$CACHE"/venv-*)
    touch "$venv/rest"

    fake_cache
    in_demo "$MAKE"

    assert_success
    assert_file_not_exist "$venv/rest"
    assert_file_exist "$venv/.complete"
}

@test "demo: other releases make another venv" {
    fake_cache
    mkdir -p "$BATS_TEST_TMPDIR/tests/conformance"
    cp -r "$REPO/tests/harness" "$BATS_TEST_TMPDIR/tests/"
    echo 'other==1: demo' > "$BATS_TEST_TMPDIR/tests/conformance/pins.txt"
    in_demo "PYTHON=fake-python; find_venv; show VENV
        REPO=$BATS_TEST_TMPDIR; find_venv; show VENV"

    assert_success
    assert_not_equal "${lines[0]}" "${lines[1]}"
}

@test "demo: the catalogue has each of its services, by its name" {
    in_demo 'show SERVICES'
    local name problems=()
    for name in "${lines[@]}"; do
        grep -qx "name=$name" "$REPO/files/catalog/$name" ||
            problems+=("$name")
    done

    assert_none "${problems[@]}"
}
