#!/usr/bin/env bats
#
# tests/bin/machine: throwaway machines, and the host that stays as it was

load ../helpers/load

# Each test has machines of its own, so that the file may run beside another.
function setup {
    requires root systemd-nspawn
    MACHINE=$REPO/tests/bin/machine
    M=t$BATS_TEST_NUMBER-$$
}

function teardown {
    "$MACHINE" stop "$M"
    "$MACHINE" stop "$M-2"
}

# What a machine could have changed on the host.  Other machines may come and
# go meanwhile.
function host_state {
    cat /proc/self/mountinfo
    find /sys/fs/cgroup -type d -name 'devstack-wsgi-*' -prune -o \
        -type d -print
    find /sys/fs/cgroup -type d -name "devstack-wsgi-*$M*"
    ss -Hltn | sort
    ip -o address
    sysctl kernel.hostname net.ipv4.ip_forward
    find /etc/systemd /etc/hosts /etc/hostname /etc/machine-id \
        -printf '%p %T@\n'
}

@test "machine: it boots the real systemd, with the bus and a journal" {
    "$MACHINE" start "$M"

    run "$MACHINE" run "$M" -- ps -o comm= -p 1
    assert_output systemd
    "$MACHINE" run "$M" busctl --system status > /dev/null
    "$MACHINE" run "$M" -- systemd-run --quiet --wait --unit=hello echo bonjour
    run "$MACHINE" journal "$M" --unit=hello --output=cat
    assert_line bonjour
    # every process is in a cgroup of the machine
    run "$MACHINE" run "$M" systemctl status
    assert_success
    assert_line --partial 'run.scope'
    refute_output --partial 'Failed to dump'
}

@test "machine: run passes the command's status, input, output and words" {
    "$MACHINE" start "$M"

    run "$MACHINE" run "$M" -- bash -c 'exit 7'
    assert_failure 7
    run -127 "$MACHINE" run "$M" no-such-command
    run "$MACHINE" run "$M" cat <<< 'through standard input'
    assert_output 'through standard input'
    run "$MACHINE" run "$M" -- printf '<%s>' 'a b' '' '--user'
    assert_output '<a b><><--user>'
}

@test "machine: run has a clean environment, a user and a folder" {
    "$MACHINE" start "$M"

    LEAKED=1 run "$MACHINE" run "$M" env
    refute_output --partial LEAKED
    assert_line HOME=/root
    assert_line LANG=C.UTF-8
    run "$MACHINE" run "$M" --user nobody --cwd /etc -- bash -c 'id -un; pwd'
    assert_output $'nobody\n/etc'
    run "$MACHINE" run "$M" --user no-such-user true
    assert_failure 1
    assert_output --partial no-such-user
    run "$MACHINE" run "$M" --cwd "$REPO" -- test -x tests/bin/machine
    assert_success
}

@test "machine: a command ends with the run that started it" {
    "$MACHINE" start "$M"

    run timeout 2 "$MACHINE" run "$M" sleep 4711

    assert_failure 124
    run "$MACHINE" run "$M" pgrep -f 'sleep 4711'
    assert_failure 1
}

@test "machine: it has loopback only, and no look-up of a name hangs" {
    "$MACHINE" start "$M"

    run "$MACHINE" run "$M" -- ip -brief address
    assert_line --regexp '^lo .* 127\.0\.0\.1/8 ::1/128'
    assert_equal "${#lines[@]}" 1
    run timeout 3 "$MACHINE" run "$M" getent hosts www.example.org
    assert_failure 2
    run "$MACHINE" run "$M" getent hosts "$M" localhost
    assert_line --regexp "^127\.0\.1\.1 +$M"
    assert_line --regexp '^::1 +localhost'
}

@test "machine: what is written in it stays in it, /tmp too" {
    local name=written-by-$M
    local -a files=("/root/$name" "/tmp/$name")
    # of a checkout below /tmp, which is the machine's own, it has a view
    [[ "$REPO" == /tmp/* ]] || files+=("$REPO/$name")
    "$MACHINE" start "$M"

    "$MACHINE" run "$M" -- touch "${files[@]}"

    assert_file_not_exists "/root/$name"
    assert_file_not_exists "/tmp/$name"
    assert_file_not_exists "$REPO/$name"
}

@test "machine: --bind shows a folder of the host, --bind-ro keeps it" {
    mkdir "$BATS_TEST_TMPDIR/rw" "$BATS_TEST_TMPDIR/ro"
    "$MACHINE" start "$M" --bind "$BATS_TEST_TMPDIR/rw:/mnt/rw" \
        --bind-ro "$BATS_TEST_TMPDIR/ro:/mnt/ro"

    "$MACHINE" run "$M" touch /mnt/rw/file
    run "$MACHINE" run "$M" touch /mnt/ro/file

    assert_failure
    assert_file_exists "$BATS_TEST_TMPDIR/rw/file"
    assert_file_not_exists "$BATS_TEST_TMPDIR/ro/file"
}

@test "machine: two at once leave each other's units and ports alone" {
    local name
    "$MACHINE" start "$M"
    "$MACHINE" start "$M-2"
    for name in "$M" "$M-2"; do
        "$MACHINE" run "$name" -- systemd-run --quiet --unit=same \
            python3 -m http.server 8123 --directory /etc
        "$MACHINE" run "$name" -- curl --silent --output /dev/null \
            --retry 50 --retry-connrefused --retry-delay 1 \
            http://127.0.0.1:8123/hostname
    done

    "$MACHINE" run "$M" systemctl stop same

    run "$MACHINE" run "$M" systemctl is-active same
    assert_failure
    run "$MACHINE" run "$M-2" systemctl is-active same
    assert_output active
    run "$MACHINE" run "$M-2" curl --silent http://127.0.0.1:8123/hostname
    assert_output "$M-2"
    "$MACHINE" stop "$M"
    run "$MACHINE" run "$M-2" systemctl is-active same
    assert_output active
}

@test "machine: the host is afterwards as it was before" {
    host_state > "$BATS_TEST_TMPDIR/before"

    "$MACHINE" start "$M"
    "$MACHINE" run "$M" -- bash -c 'echo x > /etc/systemd/system/x.service'
    "$MACHINE" reboot "$M"
    "$MACHINE" kill "$M"
    "$MACHINE" boot "$M"
    run host_state
    refute_output --partial "devstack-wsgi-machines/$M"
    "$MACHINE" stop "$M"

    host_state > "$BATS_TEST_TMPDIR/after"
    assert_same "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
    assert_dir_not_exists "/run/devstack-wsgi-machines/$M"
    run pgrep --full "devstack-wsgi-machines/$M"
    assert_failure 1
}

@test "machine: a reboot keeps files and starts enabled units again" {
    local unit=/etc/systemd/system/kept.service
    "$MACHINE" start "$M"
    "$MACHINE" run "$M" -- bash -c "printf '%s\n' '[Service]' \
        'ExecStart=/bin/sleep infinity' '[Install]' \
        'WantedBy=multi-user.target' > $unit; systemctl enable --quiet kept"
    "$MACHINE" run "$M" -- touch /run/forgotten
    run "$MACHINE" run "$M" systemctl is-active kept
    assert_output inactive

    "$MACHINE" reboot "$M"

    run "$MACHINE" run "$M" systemctl is-active kept
    assert_output active
    run "$MACHINE" run "$M" test -e /run/forgotten
    assert_failure 1
}

@test "machine: kill ends it at once, boot finds its files again" {
    "$MACHINE" start "$M"
    "$MACHINE" run "$M" -- bash -c 'echo kept > /root/kept'

    "$MACHINE" kill "$M"

    run "$MACHINE" list
    assert_line "$(printf '%s\toff\t-' "$M")"
    run "$MACHINE" run "$M" true
    assert_failure 1
    assert_output "machine: $M: is not running; boot it first"
    "$MACHINE" boot "$M"
    run "$MACHINE" run "$M" cat /root/kept
    assert_output kept
}

@test "machine: stop succeeds where there is none, and where it was killed" {
    "$MACHINE" stop "$M"

    "$MACHINE" start "$M"
    "$MACHINE" kill "$M"
    "$MACHINE" stop "$M"

    run "$MACHINE" list
    refute_output --partial "$M"
}

@test "machine: a name that is taken is refused, and the machine goes on" {
    "$MACHINE" start "$M"

    run "$MACHINE" start "$M"

    assert_failure 1
    assert_output "machine: $M: is there already; stop it first"
    "$MACHINE" run "$M" true
    run "$MACHINE" boot "$M"
    assert_failure 1
    assert_output "machine: $M: is running already"
}

@test "machine: a root that cannot boot fails, shows why, and leaves nothing" {
    mkdir -p "$BATS_TEST_TMPDIR/root/etc/systemd"

    run "$MACHINE" start "$M" --root "$BATS_TEST_TMPDIR/root"

    assert_failure 1
    assert_line --partial 'os-release file is missing'
    assert_line --partial "machine: $M: systemd-nspawn ended"
    assert_dir_not_exists "/run/devstack-wsgi-machines/$M"
}

@test "machine: wrong usage ends with 2 and one line, and does nothing" {
    assert_misuse "$MACHINE" '*' '' 'bogus' 'start' 'start A' 'start a' \
        'start -x' 'start a/b' 'start aa --nosuch x' 'start aa --network' \
        'start aa --network public' 'start aa --capability some' \
        'start aa --tmpfs-size big' 'start aa --root' 'run' 'run aa' \
        'run aa --nosuch true' 'run aa --user' 'stop' 'stop aa bb' \
        'reboot aa bb' 'kill aa bb' 'boot aa bb' 'list aa'
    assert_dir_not_exists /run/devstack-wsgi-machines/aa
}

@test "machine: --help lists every verb" {
    local verb

    run "$MACHINE" --help

    assert_success
    for verb in start run journal reboot kill boot stop list; do
        assert_line --partial "tests/bin/machine $verb"
    done
}
