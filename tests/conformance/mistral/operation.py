"""Mistral: a workflow, defined and read."""

import os

from harness.client import Failed

NAME = 'demo_%d' % os.getpid()
WORKFLOW = f'''version: '2.0'
{NAME}:
  tasks:
    first:
      action: std.noop
'''


def workflow(service):
    service.call('POST', '/v2/workflows', 201, WORKFLOW.encode(),
                 {'Content-Type': 'text/plain'})
    seen = service.call('GET', '/v2/workflows/' + NAME, 200).json()
    if seen['definition'].strip() != WORKFLOW.strip():
        raise Failed('read {!r}'.format(seen['definition']))
    return 'workflow: {} defined and read'.format(seen['name'])


PROOFS = {'mistral-api': workflow}
