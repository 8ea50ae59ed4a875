"""The exception tree and its page."""

import re
from pathlib import Path

import numpy as np
import pytest

import adjoint as ad
from adjoint import errors

CLASSES = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, errors.AdjointError)
]
PAGE = Path(__file__).parents[1] / "docs" / "errors.md"


@pytest.mark.parametrize("kind", CLASSES)
def test_every_class_has_its_section_with_code_and_stands_in_the_drawing(kind):
    text = PAGE.read_text(encoding="utf-8")
    sections = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL))
    assert kind.__name__ in sections
    assert ">>>" in sections[kind.__name__]
    assert kind.__name__ in errors.__doc__
    assert kind.__doc__


def test_the_page_names_no_class_that_is_not_there():
    text = PAGE.read_text(encoding="utf-8")
    assert set(re.findall(r"^## (\w+)$", text, re.MULTILINE)) == {k.__name__ for k in CLASSES}


def test_the_message_has_all_parts_in_order():
    error = errors.StructureError("no", function="f", got="a", wanted="b", remedy="c")
    assert str(error) == "f: no\n  got: a\n  wanted: b\n  remedy: c"
    assert error.one_line() == "f: no; got: a; wanted: b; remedy: c"
    assert isinstance(error, ValueError)


def test_of_a_long_line_what_is_around_the_place_is_shown():
    f = lambda x: [x + 0, x + 1, x + 2, x + 3, x + 4, x + 5, x + 6, x + 7, x + 8, int(x[0]), x + 10, x + 11, x + 12]  # noqa: E501, E731 # fmt: skip
    with pytest.raises(errors.ConcreteValueError) as caught:
        ad.jit(f)(np.ones(2))
    line = str(caught.value).splitlines()[1]
    assert "int(x[0])" in line
    assert "x + 0," not in line
    assert "`... " in line
    assert len(line.partition("`")[2]) < 140
