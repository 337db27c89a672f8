"""How Sphinx builds the release notes of devstack-plugin-wsgi."""

project = 'devstack-plugin-wsgi release notes'
copyright = 'the authors of devstack-plugin-wsgi'  # the name Sphinx asks for
extensions = ['openstackdocstheme', 'reno.sphinxext']
html_theme = 'openstackdocs'
pygments_style = 'native'

openstackdocs_repo_name = 'openstack/devstack-plugin-wsgi'
openstackdocs_auto_name = False
openstackdocs_auto_version = False
openstackdocs_use_storyboard = False
