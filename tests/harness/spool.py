#!/usr/bin/python3
"""Watch whether somebody spools what is sent to him into a file.

Until --until-file exists, looks again and again at the open files of every
process of the units, and at how full the file systems are. Prints, as JSON,
"looks" (how often it looked), "largest" (bytes of the largest temporary file
that was open: one that has no name any more, or one below /tmp or /var/tmp),
"file" (which one that was) and "grown" (bytes by which the file systems grew
at most).

Standard library only; run it as root.
"""

import argparse
import json
import os
import subprocess
import time

FOLDERS = ('/', '/tmp', '/var/tmp')
CGROUPS = ('/sys/fs/cgroup/systemd', '/sys/fs/cgroup')


def cgroup_of(unit):
    path = subprocess.run(
        ['systemctl', 'show', '--value', '-p', 'ControlGroup', unit],
        check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    for root in CGROUPS:
        if path and os.path.isdir(root + path):
            return root + path
    raise SystemExit(f'spool: {unit}: does not run')


def processes(folder):
    """The PIDs below a cgroup, a string each."""
    for where, _, _ in os.walk(folder):
        with open(os.path.join(where, 'cgroup.procs')) as file:
            yield from file.read().split()


def temporary(pid):
    """Size and name of each temporary file that a process has open."""
    try:
        entries = list(os.scandir(f'/proc/{pid}/fd'))
    except OSError:
        return      # it has ended
    for entry in entries:
        try:
            name = os.readlink(entry.path)
            if name.startswith(('/tmp/', '/var/tmp/')) or (
                    name.startswith('/') and name.endswith(' (deleted)')):
                yield os.stat(entry.path).st_size, name
        except OSError:
            pass    # closed meanwhile


def used():
    """Bytes in use on the file systems of FOLDERS."""
    systems = {}
    for folder in FOLDERS:
        stat = os.statvfs(folder)
        systems[os.stat(folder).st_dev] = stat.f_frsize * (
            stat.f_blocks - stat.f_bfree)
    return sum(systems.values())


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--until-file', required=True, metavar='F')
    parser.add_argument('units', nargs='+', metavar='UNIT')
    args = parser.parse_args()
    cgroups = [cgroup_of(unit) for unit in args.units]
    before = used()
    looks, largest, grown = 0, (0, ''), 0
    while not os.path.exists(args.until_file):
        for folder in cgroups:
            for pid in processes(folder):
                largest = max([largest, *temporary(pid)])
        grown = max(grown, used() - before)
        looks += 1
        time.sleep(0.02)
    print(json.dumps({'looks': looks, 'largest': largest[0],
                      'file': largest[1], 'grown': grown}))


if __name__ == '__main__':
    main()
