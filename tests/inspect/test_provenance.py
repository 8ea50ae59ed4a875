"""Where a NaN was born."""

import numpy as np
import pytest

import adjoint as ad
from adjoint.errors import StructureError
from adjoint.inspect import find_nan


def chain(x, y):
    z = x / y  # born here
    return np.sum(z * 2 + 1)


def test_line_index_and_operands():
    birth = find_nan(chain, np.array([1.0, 2.0, 0.0]), np.array([4.0, 0.0, 0.0]))
    assert (birth.direction, birth.operation, birth.index) == ("forward", "div", (1,))
    assert birth.operands == (2.0, 0.0)
    assert (birth.count, birth.size) == (2, 3)
    assert "# born here" in str(birth)
    assert "test_provenance.py" in str(birth)


def test_finite_is_none():
    assert find_nan(chain, np.ones(3), np.ones(3)) is None


def test_the_one_that_reaches_the_result_is_blamed():
    def f(x):
        harmless = np.where(x > 0, np.log(x), 0.0)
        return np.sum(harmless) + np.arcsin(x[0])

    birth = find_nan(f, np.array([3.0, -1.0]))
    assert birth.operation == "arcsin"
    assert birth.operands == (3.0,)


def test_infinity_before_the_nan():
    birth = find_nan(lambda x: np.exp(x) - np.exp(x), 800.0)
    assert (birth.operation, birth.value) == ("exp", np.inf)


def test_arguments_are_named():
    birth = find_nan(lambda p, x: np.sum(p["w"] * x), {"w": np.ones(2)}, np.array([1.0, np.inf]))
    assert (birth.direction, birth.index) == ("argument", (1,))
    assert "argument [1]" in birth.operation


def test_constants_are_blamed_where_they_are_used():
    table = np.array([1.0, np.nan])
    birth = find_nan(lambda x: np.sum(x * table), np.ones(2))
    assert (birth.direction, birth.operation, birth.index) == ("argument", "a constant", (1,))
    assert "x * table" in birth.source.text
    # A mask of minus infinity that exp turns into 0 harms nothing.
    assert find_nan(lambda x: np.sum(np.exp(x + np.array([0.0, -np.inf]))), np.ones(2)) is None


def test_backward_with_the_cotangent_that_arrived():
    birth = find_nan(lambda x: 3.0 * np.sum(np.sqrt(x)), np.array([4.0, 0.0]))
    assert (birth.direction, birth.operation, birth.index) == ("backward", "sqrt", (1,))
    assert birth.operands == (3.0, 0.0)
    assert find_nan(lambda x: np.sum(np.sqrt(x)), np.array([4.0, 0.0]), gradient=False) is None


def test_an_infinity_that_was_harmless_on_the_way_out():
    birth = find_nan(lambda x: np.sum(np.exp(-1.0 / x)), np.array([2.0, 0.0]))
    assert (birth.direction, birth.operation, birth.index) == ("backward", "div", (1,))


def test_python_branches_and_long_chains():
    def f(x):
        for _ in range(2000):
            x = x * 2.0 if x < 1e300 else x * x
        return x

    assert find_nan(f, 1.0).value == np.inf


@pytest.mark.parametrize(("reverse", "step", "number"), [(False, 1, -2.0), (True, 3, 0.0)])
def test_inside_a_scan(reverse, step, number):
    def body(carry, row):
        harmless = np.where(row == 1, 0.0, 1 / (row - 1))
        return carry + harmless + np.log(row), row  # born in the body

    def f(x):
        return ad.scan(body, x[0], x, reverse=reverse)[0]

    birth = find_nan(f, np.array([1.0, -2.0, 2.0, 0.0, 1.0]))
    assert birth.operation == f"log, in step {step} of a scan"
    assert birth.operands == (number,)
    assert "# born in the body" in birth.source.text


def test_nothing_to_follow():
    with pytest.raises(StructureError, match="floating"):
        find_nan(lambda n: n, 3)
