#!/usr/bin/env python3
"""tests/standin/tools/outfilter.py - pass on what stack.sh prints, as text.

As DevStack's filter it decodes strictly: at a byte that is not UTF-8 it ends,
and stack.sh with it (SIGPIPE). Lines that switch the trace are left out.
"""

import re
import sys

SWITCH = re.compile(r'set \+o|xtrace')


def main():
    sys.stdin.reconfigure(encoding='utf-8', errors='strict')
    sys.stdout.reconfigure(encoding='utf-8', line_buffering=True)
    for line in sys.stdin:
        if not SWITCH.search(line):
            sys.stdout.write(line)


if __name__ == '__main__':
    main()
