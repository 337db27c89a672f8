#!/usr/bin/env python3
"""What the house rules look up in the syntax of the engine's files.

    engine_rules.py functions FILE...    FILE:LINE:LENGTH:NAME for each function
    engine_rules.py doors FILE...        FILE:LINE:what is done outside of its module
"""

import ast
import re
import sys

PROGRAM = re.compile('subprocess|os[.](system|popen|exec|spawn|fork|posix_spawn)')
PRINT = re.compile('print|sys[.]std(out|err)')
CHANGE = re.compile('os[.](chdir|umask|putenv|environ[.](update|pop|setdefault|clear))')


def functions(tree: ast.AST):
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.lineno, f'{(node.end_lineno or 0) - node.lineno + 1}:{node.name}'


def doors(tree: ast.AST, file):
    for node in ast.walk(tree):
        line = getattr(node, 'lineno', 0)
        for said in _said(node):
            if PRINT.fullmatch(said) and not file.endswith('/verbs.py'):
                yield line, f'{said}: only in verbs.py'
            if PROGRAM.match(said) and not file.endswith('/host.py'):
                yield line, f'{said}: only in host.py'
            if CHANGE.match(said) or said.startswith('= os.environ['):
                yield line, f'{said}: changes its own process'


def _said(node):
    """The names that a node says; '= NAME' where it assigns."""
    if isinstance(node, (ast.Name, ast.Attribute)):
        yield ast.unparse(node)
    elif isinstance(node, ast.Import):
        yield from (each.name for each in node.names)
    elif isinstance(node, ast.ImportFrom):
        yield from (f'{node.module}.{each.name}' for each in node.names)
    elif isinstance(node, (ast.Assign, ast.Delete)):
        yield from ('= ' + ast.unparse(each) for each in node.targets)


def main(question, files):
    for file in files:
        with open(file, encoding='utf-8') as text:
            tree = ast.parse(text.read())
        found = functions(tree) if question == 'functions' else doors(tree, file)
        for line, what in sorted(set(found)):
            print(file, line, what, sep=':')


if __name__ == '__main__':
    main(sys.argv[1], sys.argv[2:])
