"""How Sphinx builds the documents of devstack-plugin-wsgi."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent / '_ext'))

project = 'devstack-plugin-wsgi'
copyright = 'the authors of devstack-plugin-wsgi'  # the name Sphinx asks for
extensions = ['catalogue', 'conformance_table', 'openstackdocstheme',
              'performance_table', 'shell_reference', 'zuul_sphinx']
html_theme = 'openstackdocs'
pygments_style = 'native'
# an option is --app, not a dash
smartquotes = False

openstackdocs_repo_name = 'openstack/devstack-plugin-wsgi'
openstackdocs_auto_name = False
openstackdocs_auto_version = False
openstackdocs_use_storyboard = False
