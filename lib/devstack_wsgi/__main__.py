"""The door: 'python3 -IS lib/devstack_wsgi VERB ARGUMENT...', as lib/verbs calls it."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from devstack_wsgi import verbs  # the folder is known now

if __name__ == '__main__':
    sys.exit(verbs.main(sys.argv[1:]))
