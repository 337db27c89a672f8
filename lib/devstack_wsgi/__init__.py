"""The engine of devstack-plugin-wsgi: it decides, lib/run does.

Records, the catalogue, toggles, CONF and what is on the disk come in; a plan comes out, as a folder
with a manifest (plan.py) or as text for a person. Nothing else on the machine is changed.
Standard library only, Python 3.9 and later.
"""
