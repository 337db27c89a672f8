"""A plugin of pytest: results as TAP, which tests/bin/run-bats keeps and counts.

    PYTHONPATH=tests pytest -p harness.tap [--title REGEX] ...

A test's title is its function's name in words, with its case in brackets.
"""

import io
import re

import pytest


def pytest_addoption(parser):
    parser.addoption('--title', metavar='REGEX', default='',
                     help='only the tests whose title has it')


def title(item):
    """test_units.py: a service on demand is started by its socket [uwsgi]"""
    function, bracket, case = item.name.partition('[')
    words = function[len('test_'):].replace('_', ' ')
    # TAP has directives behind a number sign
    return f'{item.path.name}: {words}{" " + bracket if bracket else ""}{case}'.replace('#', '?')


def pytest_collection_modifyitems(config, items):
    wanted = re.compile(config.getoption('--title'))
    items[:] = [item for item in items if wanted.search(title(item))]


@pytest.hookimpl(trylast=True)
def pytest_configure(config):
    # in place of dots and a summary; some releases of pytest explain no assertion without one
    config.pluginmanager.unregister(name='terminalreporter')
    silent = pytest.TerminalReporter(config, io.StringIO())
    config.pluginmanager.register(silent, 'terminalreporter')
    config.pluginmanager.register(Results())


class Results:
    """A line for each test; the reason of a failure under it."""

    def __init__(self):
        self.titles = {}
        self.number = 0
        # of the test that runs
        self.reports = []

    def pytest_collection_finish(self, session):
        self.titles = {item.nodeid: title(item) for item in session.items}
        # with the files that could not be read, which were told before
        print(f'1..{len(session.items) + self.number}', flush=True)

    def pytest_collectreport(self, report):
        if report.failed:
            self.tell('not ok', f'{report.nodeid} is read', report.longreprtext)

    def pytest_runtest_logreport(self, report):
        self.reports.append(report)
        if report.when != 'teardown':
            return
        said, self.reports = self.reports, []
        failed = [each.longreprtext for each in said if each.failed]
        skipped = [str(each.longrepr[2]) for each in said if each.skipped]
        name = self.titles[report.nodeid]
        milliseconds = round(1000 * sum(each.duration for each in said))
        if failed:
            self.tell('not ok', f'{name} in {milliseconds}ms', '\n'.join(failed))
        elif skipped:
            self.tell('ok', f'{name} # skip {skipped[0]}')
        else:
            self.tell('ok', f'{name} in {milliseconds}ms')

    def tell(self, verdict, name, reason=''):
        self.number += 1
        lines = [f'{verdict} {self.number} {name}', *(f'# {each}' for each in reason.split('\n'))]
        print('\n'.join(lines if reason else lines[:1]), flush=True)
