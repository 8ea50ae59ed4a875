"""Products of many axes have NumPy's bits; counts and quantiles refuse what they cannot know."""

from typing import Any

import numpy as np
import pytest

import adjoint as ad
from adjoint.errors import DTypeError, UnsupportedError

RNG = np.random.default_rng(8)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, complex])
@pytest.mark.parametrize("shapes", [((3,), (2, 3, 4)), ((2, 2, 3), (3,)), ((4, 2, 3), (2, 3, 2))])
@pytest.mark.parametrize("name", ["dot", "inner"])
def test_products_of_many_axes(name: str, shapes: Any, dtype: Any) -> None:
    x, y = (RNG.normal(size=shape).astype(dtype) for shape in shapes)
    if name == "inner" and y.ndim > 1:
        y = np.swapaxes(y, -1, -2).copy()
    f = getattr(np, name)
    plain = f(x, y)
    value, tangent = ad.jvp(f, (x, y), (x, y))
    np.testing.assert_array_equal(value, plain)
    np.testing.assert_allclose(tangent, 2 * plain, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(ad.jvp(lambda x: f(x, y), (x,), (x,))[0], plain)
    slope = ad.grad(lambda x: np.sum(np.real(f(x, y))))(x)
    np.testing.assert_allclose(np.real(np.sum(slope * x)), np.sum(np.real(plain)), rtol=1e-4)


def test_the_number_of_bins_follows_the_spread() -> None:
    data = np.linspace(0.0, 1.0, 20)
    with pytest.raises(UnsupportedError, match="edges that follow the data"):
        ad.jit(lambda x: np.histogram(x, bins="auto", range=(0, 1))[0])(data)


@pytest.mark.parametrize("method", ["linear", "inverted_cdf"])
def test_quantiles_of_objects(method: Any) -> None:
    objects = np.array([15.0, 20.0, 35.0], dtype=object)
    with pytest.raises(DTypeError, match="no numbers to compute with"):
        ad.grad(lambda q: np.quantile(objects, q, method=method))(0.4)


def test_the_norm_of_a_condition_may_be_recorded() -> None:
    matrix = np.array([[1.0, 2.0], [3.0, 4.0]])
    for order in (1.0, np.inf, 2.0):
        slope = ad.grad(np.linalg.cond)(matrix, order)
        both = ad.grad(np.linalg.cond, argnums=(0, 1))(matrix, order)
        np.testing.assert_array_equal(both[0], slope)
        assert both[1] == 0.0
