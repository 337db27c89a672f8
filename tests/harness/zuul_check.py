#!/usr/bin/env python3
"""Check this repository's Zuul configuration, without a Zuul.

First Zuul's own loader reads it, beside small stand-ins of the repositories
that it refers to (tests/fixtures/zuul): what is no YAML, an attribute that
does not exist or has a wrong type, a parent, a nodeset, a template or a
required project that is not known. Then what the loader does not look at:

playbooks  that are missing, and those that no job runs
roles      that a playbook uses and that are nowhere; a role whose README.rst,
           defaults and tasks do not agree on its variables
jobs       of the same name, that nothing runs, that use the plugin without
           requiring it, with variables for a group that the nodeset lacks
pipelines  that do not exist; what does not vote in gate, what is in gate but
           not in check
variables  of jobs, playbooks and roles that nobody reads; toggles of the
           plugin that do not exist or have no such value
files      patterns that match no file of the tree

Prints one line for each finding. Exit status: 0 none, 1 some, 2 wrong usage.

Depends on zuul, PyYAML and Jinja2 (tox.ini has which).
"""

import argparse
import collections
import contextlib
import logging
import os
import pathlib
import re
import sys
from typing import Any, Iterator

import jinja2
import yaml

STUBS = pathlib.Path(__file__).resolve().parents[1] / 'fixtures' / 'zuul'
PROJECT = 'openstack/devstack-plugin-wsgi'
PLUGIN = PROJECT.rpartition('/')[2]
CONFIG = 'openstack/project-config'
PHASES = ('pre-run', 'run', 'post-run', 'cleanup-run')
# of a project, beside pipelines
PROJECT_ATTRIBUTES = {
    'name', 'description', 'templates', 'vars', 'queue', 'merge-mode',
    'default-branch'}
SETTING = re.compile(r'^([A-Z_]*WSGI_[A-Z_]+)=', re.MULTILINE)
INCLUDES = tuple(prefix + word for prefix in ('', 'ansible.builtin.')
                 for word in ('include_role', 'import_role'))
# what a task says without braces
EXPRESSIONS = ('when', 'changed_when', 'failed_when', 'until', 'that')
ROLEVAR = re.compile(r'^\.\. zuul:rolevar:: (\S+)$', re.MULTILINE)


def as_list(value: Any) -> list:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def read(path: pathlib.Path) -> Any:
    return yaml.safe_load(path.read_text())


class Checker:
    """The findings about one tree."""

    def __init__(self, tree: pathlib.Path):
        self.tree = tree
        self.found: list[str] = []
        self.known = read(STUBS / 'known.yaml')
        self.stubs = {path.stem: read(path) for path in STUBS.glob('*.yaml')
                      if path.stem != 'known'}
        self.jobs: dict[str, dict] = {}
        self.projects: list[dict] = []
        self.defaults: dict[str, dict] = {}

    def say(self, where: Any, what: str, *values: Any) -> None:
        self.found.append(f'{where}: {what % values}')

    # -- what there is --

    def load(self) -> bool:
        """Read our own files; False if they are not to be read."""
        paths = sorted((self.tree / 'zuul.d').glob('*.yaml'))
        if not paths:
            self.say('zuul.d', 'no configuration there')
        for path in paths:
            try:
                items = read(path) or []
            except yaml.YAMLError as error:
                self.say(path.relative_to(self.tree), 'no YAML: %s',
                         ' '.join(str(error).split()))
                return False
            for item in items:
                [(kind, value)] = item.items()
                if kind == 'project':
                    self.projects.append(value)
                elif kind == 'job':
                    if value['name'] in self.jobs:
                        self.say(value['name'], 'there are two such jobs')
                    self.jobs[value['name']] = value
        for path in sorted((self.tree / 'roles').glob('*')):
            defaults = path / 'defaults' / 'main.yaml'
            self.defaults[path.name] = (
                read(defaults) or {}) if defaults.exists() else {}
        return bool(paths)

    def stub(self, kind: str) -> dict:
        """The items of one kind that others have, by name."""
        return {item[kind]['name']: item[kind]
                for items in self.stubs.values() for item in items
                if kind in item}

    def ancestry(self, name: str) -> Iterator[dict]:
        """A job, its parent, and so on; those of others too."""
        theirs = self.stub('job')
        seen: set = set()
        while name and name not in seen:
            seen.add(name)
            job = self.jobs.get(name) or theirs.get(name) or {}
            yield job
            name = job.get('parent') or ''

    def inherited(self, name: str, attribute: str) -> Any:
        for job in self.ancestry(name):
            if attribute in job:
                return job[attribute]
        return None

    # -- what is right --

    def check_playbooks(self) -> None:
        used = set()
        for name, job in self.jobs.items():
            for phase in PHASES:
                for item in as_list(job.get(phase)):
                    path = item['name'] if isinstance(item, dict) else item
                    used.add(path)
                    if not (self.tree / path).is_file():
                        self.say(name, '%s: no playbook %s', phase, path)
        for path in sorted((self.tree / 'playbooks').rglob('*.yaml')):
            name = str(path.relative_to(self.tree))
            if name not in used:
                self.say(name, 'no job runs this playbook')
            self.check_plays(name, read(path) or [])

    def check_plays(self, where: str, plays: list) -> None:
        for play in plays:
            given = set(play.get('vars') or {})
            for item in as_list(play.get('roles')):
                role = item if isinstance(item, str) else (
                    item.get('role') or item.get('name'))
                options = {} if isinstance(item, str) else {
                    **{key: value for key, value in item.items()
                       if key not in ('role', 'name', 'when', 'become',
                                      'tags', 'vars')},
                    **(item.get('vars') or {})}
                self.check_role_use(where, role, options)
            for part in ('pre_tasks', 'tasks', 'post_tasks', 'handlers'):
                self.check_tasks(where, as_list(play.get(part)), given)

    def check_role_use(self, where: str, role: str, options: dict) -> None:
        if role not in self.defaults:
            if role not in self.known['roles']:
                self.say(where, "no role '%s'", role)
            return
        for name in options:
            if name not in self.defaults[role]:
                self.say(where, "role '%s' has no variable '%s'", role, name)

    def check_tasks(self, where: str, tasks: list, given: set) -> set:
        """What tasks use is a variable of somebody's; all that they use."""
        given = given | set(self.known['given']) | set(self.known['variables'])
        used: set = set()
        for task in tasks:
            title = task.get('name', 'a task without a name')
            inner = [part for word in ('block', 'rescue', 'always')
                     for part in as_list(task.get(word))]
            used |= self.check_tasks(where, inner, given)
            for word in INCLUDES:
                if word in task:
                    self.check_role_use(where, task[word]['name'],
                                        task.get('vars') or {})
            own = {key: value for key, value in task.items()
                   if key not in ('block', 'rescue', 'always')}
            try:
                names = names_in(own)
            except jinja2.TemplateSyntaxError as error:
                self.say(where, "'%s': %s", title, error)
                continue
            used |= names
            for name in sorted(names - given - set(task.get('vars') or {})):
                self.say(where, "'%s' uses '%s', which is nowhere", title,
                         name)
            given |= set(as_list(task.get('register')))
            for word in ('set_fact', 'ansible.builtin.set_fact'):
                given |= set(task.get(word) or {})
        return used

    def check_roles(self) -> None:
        for role, defaults in self.defaults.items():
            folder = self.tree / 'roles' / role
            where = f'roles/{role}'
            readme = folder / 'README.rst'
            told = set(ROLEVAR.findall(readme.read_text())
                       if readme.exists() else '')
            if not readme.exists():
                self.say(where, 'no README.rst')
            for name in sorted(told - set(defaults)):
                self.say(where, "README.rst has '%s', defaults has not", name)
            for name in sorted(set(defaults) - told):
                self.say(where, "defaults has '%s', README.rst has not", name)
            tasks = folder / 'tasks' / 'main.yaml'
            if not tasks.exists():
                self.say(where, 'no tasks/main.yaml')
                continue
            listed = read(tasks) or []
            used = self.check_tasks(where, listed, set(defaults))
            for name in sorted(set(defaults) - used):
                self.say(where, "no task uses '%s'", name)

    def check_pipelines(self) -> None:
        pipelines = self.stub('pipeline')
        templates = self.stub('project-template')
        run: dict[str, set] = collections.defaultdict(set)
        for project in self.projects:
            for key, value in project.items():
                if key in PROJECT_ATTRIBUTES:
                    continue
                if key not in pipelines:
                    self.say('project', "no pipeline '%s'", key)
                    continue
                run[key] |= {name for item in value.get('jobs', [])
                             for name in as_list(
                                 item if isinstance(item, str)
                                 else list(item))}
            for name in as_list(project.get('templates')):
                for key, value in templates.get(name, {}).items():
                    if key in pipelines:
                        run[key] |= {str(job) for job in value['jobs']}
        for name in sorted(run['gate']):
            if name not in run['check']:
                self.say('project', "'%s' is in gate, but not in check", name)
            if self.inherited(name, 'voting') is False:
                self.say('project', "'%s' is in gate and does not vote", name)
        needed = {name for names in run.values() for name in names}
        needed |= {job.get('parent') for job in self.jobs.values()}
        for name, job in self.jobs.items():
            if name not in needed:
                self.say(name, 'nothing runs this job')
            if job.get('abstract') and any(name in names
                                           for names in run.values()):
                self.say(name, 'abstract, and to be run')

    def check_jobs(self) -> None:
        nodesets = self.stub('nodeset')
        for name, job in self.jobs.items():
            if not job.get('description'):
                self.say(name, 'no description')
            self.check_variables(name, job)
            nodeset = nodesets.get(self.inherited(name, 'nodeset'))
            if nodeset and not job.get('abstract'):
                groups = {group['name'] for group in nodeset.get('groups', [])}
                nodes = {node['name'] for node in as_list(nodeset['nodes'])}
                for kind, names in (('group-vars', groups),
                                    ('host-vars', nodes)):
                    for group in job.get(kind) or {}:
                        if group not in names:
                            self.say(name, "%s: nodeset %s has no '%s'",
                                     kind, nodeset['name'], group)
                if 'subnode' in groups:
                    self.check_subnode(name, job)
            plugins: set = set()
            projects: set = set()
            for other in self.ancestry(name):
                plugins |= set((other.get('vars') or {})
                               .get('devstack_plugins') or {})
                projects |= {item['name'] if isinstance(item, dict) else item
                             for item in other.get('required-projects', [])}
            if PLUGIN in plugins and PROJECT not in projects:
                self.say(name, 'devstack_plugins has the plugin, '
                         'required-projects has not')
            self.check_patterns(name, job)

    def check_subnode(self, name: str, job: dict) -> None:
        """A subnode has none of the toggles that only vars have."""
        here = toggles_of(job.get('vars') or {})
        there = toggles_of((job.get('group-vars') or {}).get('subnode') or {})
        for key in sorted(set(here) - set(there)):
            self.say(name, "subnodes do not get '%s': repeat it in "
                     "group-vars.subnode", key)

    def check_variables(self, name: str, job: dict) -> None:
        ours = {key for names in self.defaults.values() for key in names}
        parts = [('vars', job.get('vars')),
                 ('extra-vars', job.get('extra-vars'))]
        for kind in ('group-vars', 'host-vars'):
            parts += [(f'{kind}.{group}', values)
                      for group, values in (job.get(kind) or {}).items()]
        for where, values in parts:
            for key in values or {}:
                if key not in ours and key not in self.known['variables']:
                    self.say(name, "%s: nobody reads '%s'", where, key)
            for key, value in toggles_of(values or {}).items():
                self.check_toggle(f'{name}: {where}', key, value)
            outputs = (values or {}).get('zuul_copy_output') or {}
            for path, value in outputs.items():
                if value not in self.known['outputs']:
                    self.say(name, "zuul_copy_output: '%s': '%s' is none of "
                             "%s", path, value, self.known['outputs'])

    def check_toggle(self, where: str, key: str, value: Any) -> None:
        if key == 'WSGI_MODE':
            self.say(where, 'DevStack refuses WSGI_MODE: write '
                     'DEVSTACK_WSGI_MODE')
            return
        for pattern, allowed in self.known['toggles'].items():
            if not re.fullmatch(pattern, key):
                continue
            if allowed == 'number':
                right = bool(re.fullmatch('[1-9][0-9]*', str(value)))
            elif allowed == 'address':
                right = str(value).startswith(('http://', 'https://'))
            else:
                right = str(value) in allowed
            if not right:
                self.say(where, "%s: '%s' is not one of: %s", key, value,
                         allowed if isinstance(allowed, str)
                         else ' '.join(allowed))
            return
        self.say(where, "no toggle '%s'", key)

    def check_settings(self) -> None:
        """What a person may set is known to this check, too."""
        text = (self.tree / 'devstack' / 'settings').read_text()
        for key in SETTING.findall(text):
            if not any(re.fullmatch(pattern, key)
                       for pattern in self.known['toggles']):
                self.say('devstack/settings', "toggle '%s' is not known to "
                         'this check (known.yaml)', key)

    def check_patterns(self, name: str, job: dict) -> None:
        for kind in ('files', 'irrelevant-files'):
            for pattern in as_list(job.get(kind)):
                try:
                    regex = re.compile(pattern)
                except re.error as error:
                    self.say(name, "%s: '%s': %s", kind, pattern, error)
                    continue
                if not any(regex.match(path) for path in self.paths()):
                    self.say(name, "%s: no file matches '%s'", kind, pattern)

    def paths(self) -> list:
        if not hasattr(self, '_paths'):
            self._paths = [
                os.path.relpath(os.path.join(folder, name), self.tree)
                for folder, _, names in os.walk(self.tree) for name in names
                if '/.git/' not in folder and '/.tox/' not in folder]
        return self._paths

    # -- Zuul's own loader --

    def check_loader(self) -> None:
        files = {'openstack/' + name:
                 {'zuul.yaml': (STUBS / (name + '.yaml')).read_text()}
                 for name in self.stubs}
        for name in self.known['projects']:
            files.setdefault(name, {})
        files[PROJECT] = {
            'zuul.d/' + path.name: path.read_text()
            for path in (self.tree / 'zuul.d').glob('*.yaml')}
        for error in zuul_errors(files):
            self.found.append('zuul: ' + error)

    def check(self, loader: bool) -> list:
        if self.load():
            self.check_playbooks()
            self.check_roles()
            self.check_pipelines()
            self.check_jobs()
            self.check_settings()
        if loader:
            self.check_loader()
        return self.found


def toggles_of(values: dict) -> dict:
    """What a job's variables set in a localrc that is the plugin's."""
    found = {}
    sides = [values.get('devstack_localrc')]
    sides += (values.get('grenade_devstack_localrc') or {}).values()
    for side in sides:
        found.update({key: value for key, value in (side or {}).items()
                      if 'WSGI' in key})
    return found


def names_in(value: Any, expression: bool = False) -> set:
    """The variables that a part of a playbook uses."""
    if isinstance(value, dict):
        return set().union(*(names_in(part, key in EXPRESSIONS)
                             for key, part in value.items()))
    if isinstance(value, list):
        return set().union(*(names_in(part, expression) for part in value))
    if not isinstance(value, str):
        return set()
    text = f'{{{{ {value} }}}}' if expression else value
    tree = jinja2.Environment().parse(text)
    return {node.name for node in tree.find_all(jinja2.nodes.Name)}


class Connection:
    """Stands for the connection to the code review, which is not asked."""

    connection_name = 'gerrit'
    canonical_hostname = 'opendev.org'

    def __init__(self):
        self.driver = Driver()


class Driver:
    def getSource(self, connection):
        return Source(connection)


class Source:
    """Projects that are what they are called, each with one branch."""

    projects: dict = {}
    canonical_hostname = Connection.canonical_hostname

    def __init__(self, connection):
        self.connection = connection

    def getProject(self, name):
        from zuul import model
        return self.projects.setdefault(name, model.Project(name, self))

    def getProjectBranches(self, project, tenant, min_ltime=-1):
        return ['master']

    def getProjectDefaultBranch(self, project, tenant, min_ltime=-1):
        return 'master'

    def getProjectMergeModes(self, project, tenant, min_ltime=-1):
        return None

    def getProjectDefaultMergeMode(self, project, valid_modes=None):
        return 'merge'


class Connections:
    def __init__(self):
        self.connections = {'gerrit': Connection()}

    def getSource(self, name):
        return Source(self.connections[name])


class Keys:
    """No secrets, no keys."""

    def getProjectSecretsKeys(self, connection, name):
        return None, None

    getProjectSSHKeys = getProjectSecretsKeys

    def getTenantSSHKeys(self, name):
        return None, None


class Job:
    """A job of the merger that is done."""

    updated = True

    def __init__(self, files):
        self.files = files

    def wait(self, timeout=None):
        return True


class Merger:
    """Hands out the files of a project."""

    git_timeout = 1

    def __init__(self, files):
        self.files = files

    def getFiles(self, connection, project, branch, files=(), dirs=()):
        return Job(self.files[project])


class FilesCache(dict):
    ltime = -1

    def setValidFor(self, *words):
        pass


class Cache:
    def getFilesCache(self, project, branch):
        return FilesCache()

    def readLock(self, project):
        return contextlib.nullcontext()

    writeLock = readLock


class Clock:
    """Stands for ZooKeeper, of which only the time is asked."""

    client = None

    def getCurrentLtime(self):
        return 1


class Versions:
    """Any version of Ansible is there."""

    default_version = '11'

    def requestVersion(self, version):
        pass


class System:
    system_id = 'check'


class Globals:
    web_root = ''


def zuul_errors(files: dict) -> list:
    """What Zuul finds wrong in a tenant of these projects."""
    # here, so that --help needs no Zuul
    from zuul import configloader, model

    logging.disable(logging.CRITICAL)
    tenant = {
        'name': 'openstack',
        'source': {'gerrit': {
            'config-projects': [CONFIG],
            'untrusted-projects': sorted(set(files) - {CONFIG})}}}
    loader = configloader.ConfigLoader(
        Connections(), System(), Clock(), Globals(), Cache(),
        merger=Merger(files), keystorage=Keys())
    abide = model.Abide()
    unparsed = model.UnparsedAbideConfig()
    unparsed.extend([{'tenant': tenant}])
    loader.loadTPCs(abide, unparsed)
    loaded = loader.loadTenant(abide, 'openstack', Versions(), unparsed,
                               ignore_cat_exception=False)
    return [' '.join((error.short_error or error.error).split()) + where(error)
            for error in loaded.layout.loading_errors]


def where(error: Any) -> str:
    context = getattr(error.key, 'context', None)
    mark = getattr(error.key, 'mark', None)
    if not context:
        return ''
    line = '' if mark is None else ':%d' % (mark.line + 1)
    return f' ({context.project_name} {context.path}{line})'


def main(argv=None) -> int:
    about, _, rest = __doc__.partition('\n\n')
    parser = argparse.ArgumentParser(
        description=about, epilog=rest,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--tree', type=pathlib.Path, metavar='DIR',
                        default=pathlib.Path(__file__).resolve().parents[2],
                        help='the tree to check (that of this file)')
    parser.add_argument('--no-loader', dest='loader', action='store_false',
                        help='leave out what Zuul itself finds')
    args = parser.parse_args(argv)
    tree = args.tree.resolve()
    if not tree.is_dir():
        parser.error(f'{tree}: no such folder')
    checker = Checker(tree)
    for line in checker.check(args.loader):
        print(line)
    if not checker.found:
        print('zuul-check: %d jobs, %d roles: nothing found'
              % (len(checker.jobs), len(checker.defaults)))
    return 1 if checker.found else 0


if __name__ == '__main__':
    sys.exit(main())
