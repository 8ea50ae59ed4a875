"""Python's numbers stay Python's through every recording around a computation."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import adjoint as ad

X = np.array([1.0, 2.5, 9.0], np.float32)
WAYS: dict[str, Callable[..., Any]] = {
    "negative": lambda x, p: x * -p,
    "sum": lambda x, p: x * (p + p),
    "power": lambda x, p: x * p**2,
    "clip": lambda x, p: np.clip(x, -p, 2 * p),
    "broken power": lambda x, p: x ** (-p),
    "hypot": lambda x, p: np.hypot(x, -p),
    "unwrap": lambda x, p: np.unwrap(x, period=p),
}


@pytest.mark.parametrize("f", WAYS.values(), ids=WAYS)
def test_arrays_of_single_precision_keep_it_where_recordings_are_nested(
    f: Callable[..., Any],
) -> None:
    plain = f(X, 3.1)
    assert plain.dtype == np.float32

    def both(x: Any, p: Any) -> Any:
        return ad.jvp(f, (x, p), (np.ones_like(x), 1.0))

    def total(x: Any, p: Any) -> Any:
        return np.sum(f(x, p))

    direct, slopes = both(X, 3.1), ad.grad(total, argnums=(0, 1))(X, 3.1)
    for value, slope in (ad.jit(both)(X, 3.1), ad.jvp(both, (X, 3.1), (X, 1.0))[0]):
        assert value.dtype == slope.dtype == np.float32
        np.testing.assert_allclose(value, plain, rtol=1e-5)
        np.testing.assert_allclose(slope, direct[1], rtol=1e-5)
    value, found = ad.jit(ad.value_and_grad(total, argnums=(0, 1)))(X, 3.1)
    assert value.dtype == found[0].dtype == np.float32
    np.testing.assert_allclose(found[0], slopes[0], rtol=1e-5)
    np.testing.assert_allclose(found[1], slopes[1], rtol=1e-5)


@pytest.mark.parametrize(
    ("choose", "slope"),
    [
        (lambda p: max(p, 1.0), 12.5),
        (lambda p: min(p, 1.0), 0.0),
        (lambda p: sorted([p, 1.0])[1], 12.5),
        (lambda p: sorted([(2.0, 1.0), (p, 2.0 * p)], key=lambda t: -t[0])[0][1], 25.0),
    ],
)
def test_pythons_extremes_follow_the_arrays_they_meet(
    choose: Callable[..., Any], slope: float
) -> None:
    def f(x: Any, p: Any) -> Any:
        return x * choose(p)

    compiled = ad.jit(f)(X, 3.1)
    assert compiled.dtype == np.float32
    np.testing.assert_allclose(compiled, f(X, 3.1), rtol=1e-6)
    found = ad.jit(ad.grad(lambda x, p: np.sum(f(x, p)), argnums=(0, 1)))(X, 3.1)
    assert found[0].dtype == np.float32
    assert float(found[1]) == slope
