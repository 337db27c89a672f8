#!/usr/bin/python3
"""Mistral: a workflow, defined and read."""

import os
import sys

sys.path.insert(0, os.path.join(
    os.path.dirname(os.path.abspath(__file__)), '../../tools'))

from client import Failed, main  # noqa: E402

NAME = 'demo_%d' % os.getpid()
WORKFLOW = '''version: '2.0'
%s:
  tasks:
    first:
      action: std.noop
''' % NAME


def workflow(service):
    service.call('POST', '/v2/workflows', 201, WORKFLOW.encode(),
                 {'Content-Type': 'text/plain'})
    seen = service.call('GET', '/v2/workflows/' + NAME, 200).json()
    if seen['definition'].strip() != WORKFLOW.strip():
        raise Failed('read %r' % seen['definition'])
    return 'workflow: %s defined and read' % seen['name']


if __name__ == '__main__':
    main({'mistral-api': workflow})
