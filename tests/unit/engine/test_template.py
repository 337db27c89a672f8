"""Templates: marks are filled, and no value becomes anything but itself."""

from __future__ import annotations

import pytest
from conftest import shaped
from shapes import OF_MOD_WSGI, SHAPES

from devstack_wsgi import adopt, manual, plan, template
from devstack_wsgi.registry import Registry


@pytest.fixture
def written(tmp_path):
    """Write a template of these lines; returns its name."""
    def write(*lines: str) -> str:
        path = tmp_path / 'template'
        path.write_text('\n'.join(lines) + '\n', encoding='utf-8')
        template.read.cache_clear()
        return str(path)
    return write


@pytest.mark.parametrize('text', ['', 'a', 'a\n', 'a\n\n\n', '\n', ' a \n b', 'a\\nb\\\n', '-n',
                                  '\t', 'ü'], ids=repr)
def test_a_file_is_read_to_its_last_byte(tmp_path, text):
    (tmp_path / 'file').write_text(text, encoding='utf-8')

    assert template.read(str(tmp_path / 'file')) == text


def test_a_template_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(OSError):
        template.fill(str(tmp_path / 'none'))


def test_marks_are_filled_and_the_rest_stays(written):
    name = written('# @NAME@', 'A=@NAME@-@NAME@@UNIT_X@', '', 'mail=a@b@c', 'x=@lower@ @ @@ 5@',
                   '    <@PATH@>')

    assert template.fill(name, name='hello', unit_x='h', path='/hello') == (
        '# hello\nA=hello-helloh\n\nmail=a@b@c\nx=@lower@ @ @@ 5@\n    </hello>\n')


@pytest.mark.parametrize('value', [
    '&', 'a&b', '\\', '\\x', '\\&', '\\0', '\\1', '\\g<0>', '$HOME', '${X}', '$(id)', '`id`', '%s',
    '%%', '*', '?', '[a]', '#', '/', '"', "'", '@NAME@', '@OTHER@', '@NONE@', '@', 'a@B', '!', '~',
    ' ', 'a  b', 'a\tb', '{name}'])
def test_a_value_is_literal_whatever_it_holds(written, value):
    name = written('X=@NAME@; @OTHER@', '@NAME@')

    assert template.fill(name, name=value, other=f'<{value}>') == (
        f'X={value}; <{value}>\n{value}\n')


def test_a_mark_that_nothing_fills_is_an_error_and_is_named(written):
    name = written('a', '@NAME@', 'b=@NONE@')

    with pytest.raises(KeyError, match=f'{name}: nothing fills @NONE@'):
        template.fill(name, name='hello')


def test_a_line_with_one_mark_is_left_out_if_that_is_empty(written):
    name = written('a', 'b=@EMPTY@', '@EMPTY@', 'c=@EMPTY@;', 'd=@FULL@', 'e')

    assert template.fill(name, empty='', full='x') == 'a\nd=x\ne\n'


def test_a_line_with_several_marks_stays(written):
    name = written('a=@EMPTY@,@ALSO@;', 'b=@EMPTY@@FULL@', 'c=@FULL@@EMPTY@', 'd')

    assert template.fill(name, empty='', also='', full='x') == 'a=,;\nb=x\nc=x\nd\n'


def test_a_line_behind_a_condition_is_there_if_that_is_not_empty(written):
    name = written('@EMPTY?@a', '@FULL?@', '@FULL?@  b', '@FULL?@c=@EMPTY@', '@FULL?@@EMPTY@@FULL@',
                   '@EMPTY?@d=@FULL@', 'e @FULL?@')

    assert template.fill(name, empty='', full='x') == '\n  b\nx\ne @FULL?@\n'
    with pytest.raises(KeyError, match='nothing fills @FULL@'):
        template.fill(name, empty='')


def test_several_lines_may_take_the_place_of_a_mark(written):
    assert template.fill(written('a', '@BLOCK@', 'd'), block='b\nc') == 'a\nb\nc\nd\n'


def test_the_same_template_serves_again_with_other_values(written):
    name = written('a', 'n=@NAME@', 'b')
    template.fill(name, name='one')

    assert template.fill(name, name='two') == 'a\nn=two\nb\n'


def test_every_template_is_filled_by_some_service(system, tmp_path, monkeypatch):
    """A template that no shape needs would be one that no golden file shows."""
    filled = set()
    fill = template.fill

    def watched(name, /, **marks):
        filled.add(name)
        return fill(name, **marks)

    monkeypatch.setattr(template, 'fill', watched)
    for mode, shapes in (('uwsgi', SHAPES), ('mod_wsgi', OF_MOD_WSGI)):
        for shape in shapes:
            (tmp_path / f'{mode}-{shape}').mkdir()
            registry = Registry()
            registry.put(shaped(shape, tmp_path / f'{mode}-{shape}', '--mode', mode))
            plan.wanted(registry, ['thing-api'])
    adopt.proxy_text('proxied', 'http://127.0.0.1:1', '/p')
    manual.completion('wsgi')

    have = set()
    for file in template.FILES.rglob('*'):
        if file.is_file() and 'catalog' not in file.parts:
            if template._MARK.search(file.read_text(encoding='utf-8')) and file.suffix != '.py':
                have.add(str(file.relative_to(template.FILES)))
    assert filled == have
