#!/usr/bin/env bats
#
# tests/harness/zuul_check.py: this tree passes, and each fault is seen to be
# found
#
# For tox -e zuul, whose Python has Zuul.

# bats file_tags=zuul

load ../helpers/load

function setup_file {
    python3 -c 'import jinja2, yaml, zuul' ||
        fail 'no Zuul in this Python: tox -e zuul'
}

# A copy of all that it reads, to break.
function setup {
    TREE=$BATS_TEST_TMPDIR/tree
    mkdir "$TREE"
    cp -r "$REPO"/{zuul.d,playbooks,roles,devstack,doc,releasenotes,tests} \
        "$REPO"/{tools,.ci,README.rst,LICENSE,tox.ini,run_tests.sh} \
        "$REPO/.gitignore" "$TREE/"
    JOBS=$TREE/zuul.d/jobs.yaml
    PROJECT=$TREE/zuul.d/project.yaml
    COLLECT=$TREE/roles/devstack-wsgi-collect
}

# Check that copy.
#
# Usage: check [OPTION...]
function check {
    run python3 "$REPO/tests/harness/zuul_check.py" --tree "$TREE" "$@"
}

# Exchange a text that is there.
#
# Usage: change FILE OLD NEW
function change {
    local text
    text=$(<"$1")
    [[ "$text" == *"$2"* ]] || fail "$1 has no '$2'"
    printf '%s\n' "${text/"$2"/"$3"}" > "$1"
}

# The check finds a fault in the copy, and says so.
#
# Usage: assert_finds TEXT...
function assert_finds {
    check --no-loader
    assert_found "$@"
}

# Zuul finds a fault in the copy.
#
# Usage: assert_loader_finds TEXT...
function assert_loader_finds {
    check
    assert_found 'zuul: ' "$@"
}

# Usage: assert_found TEXT...
function assert_found {
    local text
    assert_failure 1
    for text; do
        assert_output --partial "$text"
    done
    refute_output --partial Traceback
}

@test "zuul: this tree has no fault" {
    run python3 "$REPO/tests/harness/zuul_check.py"

    assert_success
    assert_output --regexp '^zuul-check: [0-9]+ jobs, [0-9]+ roles: nothing'
}

@test "zuul: a copy without a change has none either" {
    check

    assert_success
}

@test "zuul: a file that is no YAML is found" {
    change "$PROJECT" '- project:' '- project: ['

    assert_finds 'zuul.d/project.yaml: no YAML'
}

@test "zuul: an attribute that does not exist is found" {
    change "$JOBS" 'voting: false' 'votes: false'

    assert_loader_finds votes
}

@test "zuul: a value of a wrong type is found" {
    change "$JOBS" 'timeout: &slow-platform 9000' \
        'timeout: &slow-platform long'

    assert_loader_finds 'expected int'
}

@test "zuul: a parent that does not exist is found" {
    change "$JOBS" 'parent: tempest-full-py3' 'parent: tempest-full-py2'

    assert_loader_finds tempest-full-py2
}

@test "zuul: a nodeset that does not exist is found" {
    change "$JOBS" openstack-two-node-noble openstack-two-node-nobel

    assert_loader_finds openstack-two-node-nobel
}

@test "zuul: a required project that does not exist is found" {
    change "$JOBS" '- openstack/devstack-plugin-wsgi' \
        '- openstack/devstack-plugin-wsgy'

    assert_loader_finds openstack/devstack-plugin-wsgy
}

@test "zuul: a template that does not exist is found" {
    change "$PROJECT" build-openstack-docs-pti build-openstack-docs

    assert_loader_finds build-openstack-docs
}

@test "zuul: a job that does not exist is found" {
    change "$PROJECT" '- devstack-plugin-wsgi-unit' \
        '- devstack-plugin-wsgi-units'

    assert_loader_finds 'Job devstack-plugin-wsgi-units not defined'
}

@test "zuul: a job that takes longer than it may is found" {
    change "$JOBS" 'timeout: 7200' 'timeout: 72000'

    assert_loader_finds 'exceeds tenant'
}

@test "zuul: a playbook that is missing is found" {
    rm "$TREE/playbooks/post.yaml"

    assert_finds 'devstack-plugin-wsgi-base: post-run: no playbook' \
        'devstack-plugin-wsgi-grenade: post-run: no playbook'
}

@test "zuul: a playbook that no job runs is found" {
    cp "$TREE/playbooks/post.yaml" "$TREE/playbooks/pre.yaml"

    assert_finds 'playbooks/pre.yaml: no job runs this playbook'
}

@test "zuul: a role that is missing is found, however it is used" {
    change "$TREE/playbooks/post.yaml" '- devstack-wsgi-collect' \
        '- devstack-wsgi-colect'
    printf '  tasks:\n    - include_role:\n        name: nowhere\n' \
        >> "$TREE/playbooks/post.yaml"

    assert_finds "playbooks/post.yaml: no role 'devstack-wsgi-colect'" \
        "playbooks/post.yaml: no role 'nowhere'"
}

@test "zuul: a variable that a role does not have is found in a playbook" {
    change "$TREE/playbooks/post.yaml" '- devstack-wsgi-collect' \
        '- role: devstack-wsgi-collect
      devstack_wsgi_colect_dir: logs'

    assert_finds "role 'devstack-wsgi-collect' has no variable \
'devstack_wsgi_colect_dir'"
}

@test "zuul: a pipeline that does not exist is found" {
    change "$PROJECT" 'periodic:' 'periodical:'

    assert_finds "project: no pipeline 'periodical'"
}

@test "zuul: two jobs of one name are found" {
    change "$JOBS" 'name: devstack-plugin-wsgi-mod-wsgi-noble' \
        'name: devstack-plugin-wsgi-uwsgi-noble'

    assert_finds 'devstack-plugin-wsgi-uwsgi-noble: there are two such jobs'
}

@test "zuul: a job that nothing runs is found" {
    change "$PROJECT" '        - devstack-plugin-wsgi-multinode
' ''

    assert_finds 'devstack-plugin-wsgi-multinode: nothing runs this job'
}

@test "zuul: an abstract job that is to be run is found" {
    change "$PROJECT" '- devstack-plugin-wsgi-multinode' \
        '- devstack-plugin-wsgi-grenade'

    assert_finds 'devstack-plugin-wsgi-grenade: abstract, and to be run'
}

@test "zuul: a job in gate that does not vote is found, and one not in check" {
    change "$PROJECT" '    gate:
      jobs:
' '    gate:
      jobs:
        - devstack-plugin-wsgi-multinode
'

    assert_finds "'devstack-plugin-wsgi-multinode' is in gate and does not" \
        "'devstack-plugin-wsgi-multinode' is in gate, but not in check"
}

@test "zuul: a job's variable that nobody reads is found" {
    change "$JOBS" 'tox_envlist: unit' 'tox_envlists: unit'

    assert_finds "devstack-plugin-wsgi-unit: vars: nobody reads 'tox_envlists'"
}

@test "zuul: a role's variable may be set by a job, a misspelt one not" {
    change "$JOBS" 'vars: &wsgi-vars' 'vars: &wsgi-vars
      devstack_wsgi_segfault_fatal: false'
    check --no-loader
    assert_success
    change "$JOBS" devstack_wsgi_segfault_fatal devstack_wsgi_segfault_fatale

    assert_finds "nobody reads 'devstack_wsgi_segfault_fatale'"
}

@test "zuul: variables for a group that the nodeset lacks are found" {
    change "$JOBS" 'subnode:' 'subnodes:'

    assert_finds "group-vars: nodeset openstack-two-node-noble has no \
'subnodes'"
}

@test "zuul: a toggle that subnodes do not get is found" {
    change "$JOBS" '    group-vars:
      # a subnode has a devstack_localrc of its own, not the one above
      subnode:
        devstack_localrc:
          DEVSTACK_WSGI_MODE: mod_wsgi
          WSGI_MODE_q_svc: uwsgi
' ''

    assert_finds "subnodes do not get 'DEVSTACK_WSGI_MODE'"
}

@test "zuul: toggles that do not exist, or not with that value, are found" {
    local row
    local -a bad=() rows=(
        'WSGI_MODE: mod_wsgi|DevStack refuses WSGI_MODE'
        "DEVSTACK_WSGI_MOD: mod_wsgi|no toggle 'DEVSTACK_WSGI_MOD'"
        'DEVSTACK_WSGI_MODE: mod-wsgi|not one of: uwsgi mod_wsgi'
        'WSGI_MODE_n_api: nginx|not one of: uwsgi mod_wsgi'
        'WSGI_PROCESSES_n_api: many|not one of: number'
        "WSGI_TAKE_OVER: 'No'|not one of: True False"
    )

    for row in "${rows[@]}"; do
        cp "$REPO/zuul.d/jobs.yaml" "$JOBS"
        change "$JOBS" 'DEVSTACK_WSGI_MODE: uwsgi' "${row%%|*}"
        check --no-loader
        [[ "$status" == 1 && "$output" == *"${row#*|}"* ]] ||
            bad+=("$row: $output;")
    done

    assert_none "${bad[@]}"
}

@test "zuul: a toggle that the plugin has and the check does not is found" {
    echo 'WSGI_PALETTE=green' >> "$TREE/devstack/settings"

    assert_finds "devstack/settings: toggle 'WSGI_PALETTE' is not known"
}

@test "zuul: the plugin in a job that does not require it is found" {
    change "$JOBS" '    required-projects: *wsgi-projects
' ''

    assert_finds 'devstack-plugin-wsgi-tempest: devstack_plugins has the plugin'
}

@test "zuul: an output that is none is found" {
    change "$JOBS" "/devstack-wsgi': logs" "/devstack-wsgi': log"

    assert_finds "'log' is none of"
}

@test "zuul: a pattern that is none, or matches no file, is found" {
    change "$JOBS" '- ^LICENSE$' '- ^LICENCE$'
    change "$JOBS" '- ^roles/.*$' '- ^roles/(.*$'

    assert_finds "irrelevant-files: no file matches '^LICENCE$'" \
        "files: '^roles/(.*$': missing )"
}

@test "zuul: a role's README and defaults that differ are found" {
    change "$COLLECT/README.rst" 'rolevar:: devstack_wsgi_collect_since' \
        'rolevar:: devstack_wsgi_collect_begin'

    assert_finds "README.rst has 'devstack_wsgi_collect_begin', defaults" \
        "defaults has 'devstack_wsgi_collect_since', README.rst has not"
}

@test "zuul: a role's variable that is nowhere, or unused, is found" {
    change "$COLLECT/tasks/main.yaml" '{{ devstack_wsgi_collect_more }}' \
        '{{ devstack_wsgi_collect_moar }}'

    assert_finds "uses 'devstack_wsgi_collect_moar', which is nowhere" \
        "no task uses 'devstack_wsgi_collect_more'"
}

@test "zuul: a template that cannot be read is found" {
    change "$COLLECT/tasks/main.yaml" '{{ devstack_wsgi_collect_more }}' \
        '{{ devstack_wsgi_collect_more }'

    assert_finds "roles/devstack-wsgi-collect: 'Collect what"
}

@test "zuul: a role without a README is found" {
    rm "$COLLECT/README.rst"

    assert_finds 'roles/devstack-wsgi-collect: no README.rst'
}

@test "zuul: the jobs that the documents show are right" {
    local jobs
    # the blocks of YAML that begin a job, with three columns before them
    jobs=$(sed -n '/^   - job:$/,/^$/s/^   //p' "$REPO/doc/source/zuul.rst")
    assert_equal "$(grep -c '^- job:' <<< "$jobs")" 3
    printf '%s\n' "$jobs" >> "$JOBS"
    : > "$TREE/playbooks/wsgi-post.yaml"

    check

    assert_output "$(sed -n 's/^    name: \(.*\)/\1: nothing runs this job/p' \
        <<< "$jobs")"
}

@test "zuul: a folder that is not there is wrong usage" {
    run python3 "$REPO/tests/harness/zuul_check.py" --tree "$TREE/none"

    assert_failure 2
    assert_output --partial 'no such folder'
}
