"""Axes of examples in trees: of parts of an argument, and of results that are the same for all."""

from typing import Any

import numpy as np
import pytest

import adjoint as ad
from adjoint.errors import StructureError

X = np.arange(3.0)


def _line(p: Any, y: Any) -> Any:
    return p["a"] * y + np.sum(p["b"])


def test_parts_of_an_argument() -> None:
    b = np.array([2.0, 5.0])
    expected = [_line({"a": a, "b": b}, a) for a in X]
    mapped = ad.vmap(_line, in_axes=({"a": 0, "b": None}, 0))
    np.testing.assert_array_equal(mapped({"a": X, "b": b}, X), expected)
    slope = ad.grad(lambda p: np.sum(mapped(p, X)))({"a": X, "b": b})
    np.testing.assert_array_equal(slope["a"], X)
    np.testing.assert_array_equal(slope["b"], [3.0, 3.0])
    np.testing.assert_array_equal(ad.jit(mapped)({"a": X, "b": b}, X), expected)


def test_what_is_no_array_is_handed_on() -> None:
    def named(p: Any, y: Any) -> Any:
        return p[0] * y if p[1] == "times" else p[0] + y

    mapped = ad.vmap(named, in_axes=((0, None), None))
    np.testing.assert_array_equal(mapped((X, "times"), 2.0), 2 * X)
    np.testing.assert_array_equal(mapped((X, "plus"), 2.0), 2 + X)


def test_axes_that_end_above_the_leaves() -> None:
    def f(x: Any) -> Any:
        return x, (x * np.ones(2), {"b": x - np.ones(2)})

    first, (second, third) = ad.vmap(f, out_axes=(0, 1))(X)
    np.testing.assert_array_equal(first, X)
    np.testing.assert_array_equal(second, np.stack([X, X]))
    np.testing.assert_array_equal(third["b"], np.stack([X, X]) - 1)


def test_results_that_are_the_same_for_all() -> None:
    def f(x: Any, y: Any) -> Any:
        return x * y, np.exp(y) * np.ones(2)

    both = ad.vmap(f, in_axes=(0, None), out_axes=(0, None))(X, 2.0)
    np.testing.assert_array_equal(both[0], 2 * X)
    np.testing.assert_allclose(both[1], np.exp(2.0) * np.ones(2), rtol=1e-15)
    with pytest.raises(StructureError, match="depends on the example"):
        ad.vmap(f, in_axes=(0, None), out_axes=None)(X, 2.0)


def test_axes_that_do_not_fit() -> None:
    with pytest.raises(StructureError, match="in_axes must be one axis, or a tree of axes"):
        ad.vmap(_line, in_axes=((0, 0, 0), 0))({"a": X, "b": X}, X)
    with pytest.raises(StructureError, match="out_axes must be one axis, or a tree of axes"):
        ad.vmap(lambda x: (x, x, x), out_axes=(0, 1))(X)
