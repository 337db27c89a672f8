#!/usr/bin/python3
"""Use a service as a client would, and print a line with what was seen.

  operate.py PROJECT NAME URL

The module tests/conformance/PROJECT/operation.py tells how. It has PROOFS, a
function for each NAME (see client.py), and, where the API asks no Keystone,
HEADERS: what all of them send.

Standard library only; it runs in the machine, where the services are.
"""

import argparse
import importlib
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from harness.client import Service, tell


def operation(project):
    """The module of a project."""
    return importlib.import_module(f'conformance.{project}.operation')


def main():
    parser = argparse.ArgumentParser(
        description=__doc__.partition('\n')[0])
    parser.add_argument('project', help='a folder of tests/conformance')
    parser.add_argument('name', help='of its PROOFS')
    parser.add_argument('url', help='where it answers')
    args = parser.parse_args()
    module = operation(args.project)
    if args.name not in module.PROOFS:
        parser.error('{}: choose from {}'.format(
            args.name, ', '.join(sorted(module.PROOFS))))
    service = Service(args.url, getattr(module, 'HEADERS', {}))
    return tell(module.PROOFS[args.name], service)


if __name__ == '__main__':
    sys.exit(main())
