#!/usr/bin/env bats
#
# tools/demo: its options, its plan and its cache, without a machine

load ../helpers/load
load ../helpers/unit

# Run Python in which all of tools/demo.d/demo.py is at hand.
function in_demo {
    run env PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$REPO/tools/demo.d" \
        /usr/bin/python3 -c "from demo import *
$1" "${@:2}"
}

# A demo of steps that do as told.
FAKE='
class Fake(Demo):
    def prove(self, proof):
        if proof == "provider":
            raise Failed("seen", "seen\nwhy")
        return "seen"

    def boot(self):
        raise Failed("no boot", "why")

demo = Fake([*SERVICES], ["uwsgi"])
demo.machine.journal = lambda unit, lines: "journal of " + unit
'

@test "demo: --help prints its usage" {
    run "$REPO/tools/demo" --help

    assert_success
    assert_output --partial "--services A,B"
    assert_output --partial "--keep"
}

@test "demo: wrong usage ends with 2 before anything is done" {
    assert_misuse "$REPO/tools/demo" '\[ERROR] demo: *' \
        --nonsense --services "--services nova" "--mode nginx" \
        "--mode ../record" "--services ,"
}

@test "demo: what a service needs is added, and that is said" {
    in_demo 'print(*choose("nova-api,glance-api"))'

    assert_success
    assert_line --regexp '^keystone is added: .* needs it$'
    assert_line --index 1 "keystone glance-api nova-api"
}

@test "demo: the metadata service alone needs no Keystone" {
    in_demo 'print(*Demo(choose("nova-metadata"), ["uwsgi"]).plan(), sep="\n")'

    assert_success
    assert_line "nova-metadata: prove metadata"
    refute_output --partial keystone
}

@test "demo: Keystone starts before the accounts, those before the others" {
    in_demo 'print(*Demo(choose("placement-api"), ["uwsgi"]).plan(), sep="\n")'

    assert_equal "$(tail -n 7 <<< "$output")" "$(cat <<'END'
tools/wsgi start: wsgi start keystone
accounts: prove accounts placement-api
tools/wsgi start: wsgi start placement-api
keystone: prove token
placement-api: prove provider
restart of keystone under load: prove restart
keystone while others hang: prove hung placement-api=/placement
END
)"
}

@test "demo: under both servers, every proof comes twice" {
    in_demo 'print(*Demo(choose("placement-api"), ["uwsgi", "mod_wsgi"]).plan(),
                   sep="\n")'

    assert_equal "$(tail -n 9 <<< "$output")" "$(cat <<'END'
keystone: prove token
placement-api: prove provider
restart of keystone under load: prove restart
keystone while others hang: prove hung placement-api=/placement
tools/wsgi switch mod_wsgi: wsgi switch mod_wsgi
keystone: prove token
placement-api: prove provider
restart of keystone under load: prove restart
keystone while others hang: prove hung placement-api=/placement
END
)"
}

@test "demo: a proof that fails shows the journal, and the others follow" {
    in_demo "$FAKE"'
sys.exit(demo.take([Step("one", "prove", ("token",)),
                    Step("two", "prove", ("provider",)),
                    Step("three", "prove", ("restart",))]))'

    assert_failure 1
    assert_line --regexp '^\[ 2/3\] two: .* s, FAILED: seen$'
    assert_line 'journal of placement-api'
    assert_line --regexp '^\[ 3/3\] three: .* s, ok: seen$'
}

@test "demo: any other step that fails is the last" {
    in_demo "$FAKE"'
sys.exit(demo.take([Step("one", "boot"), Step("two", "venv")]))'

    assert_failure 1
    assert_line --regexp '^\[ 1/2\] one: .* s, FAILED: no boot$'
    assert_line why
    refute_output --partial two
}

@test "demo: its venv is of exactly its requirements" {
    sandbox
    fake_python
    export XDG_CACHE_HOME=$BATS_TEST_TMPDIR/cache
    in_demo '
venvs.PYTHON = "fake-python"
demo = Demo([*SERVICES], ["uwsgi"])
print(demo.venv(), demo.venv(), sep="\n")'

    assert_output "installed
from the cache"
    run grep -c -- ' --no-deps .*keystone==.*nova==' "$CALLS"
    assert_output 1
}

@test "demo: the catalogue has each of its services, by its name" {
    in_demo 'print(*SERVICES, sep="\n")'
    local name problems=()
    for name in "${lines[@]}"; do
        grep -qx "name=$name" "$REPO/files/catalog/$name" ||
            problems+=("$name")
    done

    assert_none "${problems[@]}"
}
