"""Declaring a service: the catalogue's entry, the toggles, the caller's options, the defaults."""

from __future__ import annotations

import dataclasses
import os
from typing import Sequence

from devstack_wsgi import catalogue, fields, host, servers, venv
from devstack_wsgi.record import Draft, Record
from devstack_wsgi.refused import Misuse, Refused
from devstack_wsgi.registry import Registry, choose_port, normalize

# the toggles for all services, where there are any
FOR_ALL = {'mode': ('DEVSTACK_WSGI_MODE', 'WSGI_MODE'), 'transport': (),
           'processes': ('WSGI_PROCESSES',), 'threads': ('WSGI_THREADS',),
           'in-flight': ('WSGI_IN_FLIGHT',),
           'hardening': ('WSGI_HARDENING',)}


def declare(registry: Registry, word: str, options: Sequence[str]) -> Record:
    """Declare a service and put it into the registry.

    word:    its name, or a name of a catalogue entry
    options: as 'wsgi deploy' takes them
    Raises Refused, or Misuse for words that are no options.
    """
    draft = _begin(registry, word, options)
    given = take_options(draft, options)
    if not given & {'app', 'script'}:
        _offer(draft)
    for field in ('unit', 'site', 'key'):
        draft.default(field, draft['name'])
    take_toggles(draft, given)
    limit(draft)
    return admit(registry, draft)


def _begin(registry: Registry, word: str, options: Sequence[str]) -> Draft:
    """What the catalogue and the present record say of a service."""
    fields.refuse('', 'name', 'name', word)
    draft, name = Draft(), word
    entry = catalogue.find(word)
    # a service of one's own may be called like a catalogue's key
    if entry and (entry == word or not {'--app', '--script'} & set(options)):
        draft, name = catalogue.entry(entry), entry
    draft['name'] = name
    present = registry.records.get(name)
    if present:
        # what was chosen for good, or by a switch
        for field in ('port', 'secret', 'mode'):
            if getattr(present, field):
                draft[field] = getattr(present, field)
    return draft


def take_options(draft: Draft, options: Sequence[str]) -> set[str]:
    """Put the caller's options into a draft; returns the names of the fields that were given."""
    name = draft['name']
    given: set[str] = set()
    words = iter(options)
    for option in words:
        field = fields.OPTIONS.get(option)
        if not field:
            raise Misuse(name, f"unknown option '{option}'", 'deploy')
        value = 'yes' if field.flag else next(words, None)
        if value is None:
            raise Misuse(name, f'{option} needs a value', 'deploy')
        fields.refuse(name, option, field.name, value)
        if field.many:
            # arguments are a whole; variables and settings are single
            if field.name == 'arg' and 'arg' not in given:
                draft.drop('arg')
            draft.add(field.name, value)
        elif field.name in given:
            raise Misuse(name, f'{option} is given twice', 'deploy')
        else:
            draft[field.name] = value
        given.add(field.name)
        draft.origin[field.name] = option
    # one way to say it takes the place of the catalogue's other way
    for one, other in (('script', 'app'), ('app', 'script')):
        if one in given and other not in given:
            draft.drop(other)
    return given


def _offer(draft: Draft) -> None:
    """Take what the catalogue offers to run: nothing, where the API is no more; the console script,
    where the venv has a release without the module.
    """
    if 'removed' in draft:
        raise Refused(draft['name'], draft['removed'])
    folder = draft['venv']
    if not (folder and 'legacy' in draft and 'app' in draft):
        return
    script = f"{folder}/bin/{draft['legacy'].split(' ')[0]}"
    if os.path.isfile(script) and os.access(script, os.X_OK) \
            and not venv.has_module(folder, draft['app'].partition(':')[0]):
        draft.drop('app')
        draft['script'] = script
        draft.origin['script'] = draft.origin['legacy']


def toggle(names: Sequence[str], variable: str, for_all: Sequence[str] = ()) -> tuple[str, str]:
    """The value of a toggle, and the variable that gives it: a service's own before those for all.

    names:    of the service; any character that a variable cannot have is written '_'
    variable: e.g. WSGI_MODE, for WSGI_MODE_<service>
    Both are '' where none is set.
    """
    own = (f'{variable}_{fields.as_toggle(name)}' for name in names)
    for each in (*own, *for_all):
        if os.environ.get(each):
            return os.environ[each], each
    return '', ''


def take_toggles(draft: Draft, given: set[str]) -> None:
    """Put the toggles over what the catalogue said; what the caller gave wins. The toggle for all
    services asks no more of one than the catalogue's sandbox.
    """
    most = draft['hardening'] or fields.SANDBOXES[-1]
    names = [draft[field] for field in ('name', 'key', 'unit', 'site')]
    for field, for_all in FOR_ALL.items():
        if field in given:
            continue
        value, variable = toggle(names, f'WSGI_{fields.as_toggle(field.upper())}', for_all)
        if variable == 'WSGI_HARDENING' and value in fields.SANDBOXES \
                and fields.SANDBOXES.index(value) > fields.SANDBOXES.index(most):
            continue
        if value:
            draft[field] = value
            draft.origin[field] = variable
    if 'processes' not in draft and os.environ.get('API_WORKERS'):
        draft['processes'] = os.environ['API_WORKERS']
        draft.origin['processes'] = 'API_WORKERS'


def limit(draft: Draft) -> None:
    """Refuse what the catalogue says a service cannot do. The toggle for all services asks nothing
    of one: that stays at one thread.
    """
    name, threads = draft['name'], draft['threads'] or '1'
    if 'no-preload' in draft and draft['preload'] == 'yes':
        raise Refused(name, f"--preload: {draft['no-preload']}", 'leave it out')
    # what is no number is refused with the other values
    if 'no-threads' not in draft or threads == '1' or fields.advice('threads', threads):
        return
    if draft.origin.get('threads') != 'WSGI_THREADS':
        raise Refused(name, f"{draft.origin.get('threads', 'threads')} '{threads}':"
                      f" {draft['no-threads']}", 'leave it at 1')
    draft['threads'] = '1'


def admit(registry: Registry, draft: Draft) -> Record:
    """Check a declaration as a whole, fill in what it leaves open, and put it into the registry."""
    name = draft['name']
    if 'user' not in draft:
        draft['user'] = _default_user(name)
    normalize(draft)
    if not fields.advice('mode', draft['mode']):
        choose_port(draft, registry)
    for field, value in draft.given():
        if not field.many:
            fields.refuse(name, draft.origin.get(field.name, field.name), field.name, value)
    draft.default('group', host.group_of(draft['user']) or '')
    record = draft.record()
    registry.refuse_shared(record)
    check_system(record)
    registry.put(record)
    return record


def _default_user(name: str) -> str:
    """The user that a service runs as when nobody says it."""
    user = os.environ.get('STACK_USER') or os.environ.get('SUDO_USER') or host.me()
    if user == 'root':
        raise Refused(name, 'say whom it runs as', '--user USER (root only if you name it)', ': ')
    return user


def check_system(record: Record) -> None:
    """What can only be told by asking the system; of a declaration, not of every load."""
    name = record.name
    if host.group_of(record.user) is None:
        raise Refused(name, f"no user '{record.user}' on this system",
                      'create it or give another with --user')
    if host.group_id(record.group) is None:
        raise Refused(name, f"no group '{record.group}' on this system",
                      'create it or give another with --group')
    if record.script and not os.path.isfile(record.script):
        raise Refused(name, f'--script {record.script}: no such file')
    folders = [('venv', record.venv), ('chdir', record.chdir)]
    folders += [('python-path', each) for each in record.python_path]
    for option, folder in folders:
        if folder and not os.path.isdir(folder):
            raise Refused(name, f'--{option} {folder}: no such folder')
    if record.venv and not os.path.isfile(f'{record.venv}/pyvenv.cfg'):
        raise Refused(name, f'--venv {record.venv}: no virtual environment (it has no pyvenv.cfg)',
                      'make it with /usr/bin/python3 -m venv')
    if record.conf and not os.path.isdir(os.path.dirname(record.conf)):
        raise Refused(name, f'--conf {record.conf}: no such folder')
    if record.conf and host.is_dir(record.conf):
        raise Refused(name, f'--conf {record.conf}: a folder', 'name a file in it')
    servers.get(record.mode).check(record)


def canary(record: Record, registry: Registry) -> Record:
    """The service that stands in for another while that goes over to another server: the same
    application under a name, an address and a configuration of its own, whatever CONF and the
    command of the other say.
    """
    draft = Draft(record)
    # an address of its own and nothing of the caller's; a path, so that a unix socket will do
    draft.drop('listen', 'conf', 'on-demand', 'port', 'secret', 'by')
    draft['command'] = record.command.partition(' ')[0]
    draft.default('path', f'/{record.name}')
    for field in ('name', 'unit', 'site', 'key'):
        draft[field] += '.switch'
    choose_port(draft, registry)
    return dataclasses.replace(draft.record(), stands_in=record.name)
