"""The door: 'python3 -IS lib/devstack_wsgi VERB ARGUMENT...', as lib/engine calls it."""

import os
import sys

# an older one reads this file alone
if sys.version_info < (3, 9):  # noqa: UP036
    sys.exit('[ERROR] wsgi: /usr/bin/python3 is Python {}.{}; install Python 3.9 or later there'
             .format(*sys.version_info))
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from devstack_wsgi import verbs  # the folder is known now

if __name__ == '__main__':
    sys.exit(verbs.main(sys.argv[1:]))
