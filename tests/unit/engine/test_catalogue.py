"""The catalogue: every entry says what a reader asks, and can be deployed as it is."""

from __future__ import annotations

import ast
import os
import subprocess
import sys

import pytest
from conftest import ACCOUNT

from devstack_wsgi import catalogue, declare, plan, servers, template
from devstack_wsgi.registry import Registry

SCRIPTS = sorted(os.listdir(template.FILES / 'catalog.d'))


def test_it_is_the_files_of_its_folder():
    assert list(catalogue.names()) == sorted(os.listdir(template.FILES / 'catalog'))


def test_an_entry_can_be_read_by_a_program_that_imports_nothing_else():
    subprocess.run(
        [sys.executable, '-c',
         "from devstack_wsgi import catalogue; catalogue.entry('glance-api')"],
        env={'PYTHONPATH': str(template.FILES.parent / 'lib')}, check=True)


@pytest.mark.parametrize('mode', servers.known())
def test_all_entries_can_be_deployed_together_as_they_are(system, mode):
    registry = Registry()
    for name in catalogue.names():
        if 'removed' not in catalogue.entry(name):
            declare.declare(registry, name, ['--user', ACCOUNT, '--mode', mode])

    assert plan.wanted(registry, list(registry.records))


@pytest.mark.parametrize('name', catalogue.names())
def test_an_entry_says_all_that_a_reader_asks(name):
    said = catalogue.entry(name)
    text = (template.FILES / 'catalog' / name).read_text(encoding='utf-8')

    assert text.startswith('# ') and said['name'] == name, 'a comment and its name come first'
    assert said['app'] or said['script'] or said['removed'], 'it has something to run'
    if 'removed' not in said:
        for field in ('unit', 'site', 'key', 'package', 'healthcheck', 'config'):
            assert field in said, field
    assert 'app' not in said or 'since' in said
    assert 'no-preload' not in said or 'preload' not in said
    assert 'no-threads' not in said or said['threads'] in ('', '1')
    assert 'script' not in said or os.path.isfile(said['script'])


@pytest.mark.parametrize('file', SCRIPTS)
def test_the_librarys_own_scripts_are_short_python_and_an_entrys(file):
    text = (template.FILES / 'catalog.d' / file).read_text(encoding='utf-8')
    tree = ast.parse(text)

    names = {name.id for node in tree.body if isinstance(node, ast.Assign) for name in node.targets
             if isinstance(name, ast.Name)}
    names |= {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert 'application' in names and ast.get_docstring(tree)
    assert text.count('\n') <= 30
    assert catalogue.entry(file[:-len('.wsgi')])['script'].endswith(f'files/catalog.d/{file}')


def test_the_services_that_are_not_to_have_every_sandbox_are_these():
    assert {name: catalogue.entry(name)['hardening'] for name in catalogue.names()
            if 'hardening' in catalogue.entry(name)} == {
        'kuryr-libnetwork': 'off', 'solum-api': 'standard', 'tacker-api': 'standard'}


@pytest.mark.parametrize(('word', 'wanted'), [
    ('nova-api', 'nova-api'), ('n-api', 'nova-api'), ('key', 'keystone'),
    ('keystone-api', 'keystone'), ('nosuch', None), ('', None)])
def test_an_entry_is_found_by_any_of_its_names(word, wanted):
    assert catalogue.find(word) == wanted


def test_an_entry_is_found_by_its_application():
    assert catalogue.find_application('nova.wsgi.osapi_compute:application') == 'nova-api'
    assert catalogue.find_application('nova.wsgi:x') is None


def test_no_two_entries_have_a_name_in_common():
    seen = {}
    for name in catalogue.names():
        said = catalogue.entry(name)
        for word in {said[field] for field in ('name', 'unit', 'site', 'key')} - {''}:
            assert seen.setdefault(word, name) == name
    assert set(seen) == catalogue.all_words()
