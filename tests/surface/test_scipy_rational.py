"""AAA: rational functions whose nodes a greedy search has chosen, with their poles and zeros."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.interpolate import AAA

import adjoint as ad

X = np.linspace(-1, 1, 30)
Y = np.exp(X) / (X - 1.5)
AT = np.array([-0.93, 0.111, 0.5])
DRAW = np.random.default_rng(1)
DX, DY = 1e-2 * DRAW.normal(size=30), DRAW.normal(size=30)

CASES: dict[str, Callable[..., Any]] = {
    "values": lambda x, y: AAA(x, y, rtol=1e-2)(AT),
    "at the data": lambda x, y: AAA(x, y, rtol=1e-2)(x),
    "poles": lambda x, y: np.sort(AAA(x, y, rtol=1e-2).poles().real),
    "roots": lambda x, y: AAA(x, y, rtol=1e-2).roots(),
    "residues": lambda x, y: AAA(x, y, rtol=1e-2).residues(),
    "two nodes": lambda x, y: AAA(x, y, rtol=0.5)(AT),
}


def both_ways(f: Callable[..., Any], at: Any, t: Any, rtol: float) -> None:
    value, moved = ad.jvp(f, at, t)
    np.testing.assert_allclose(value, f(*at), rtol=1e-10)
    e = 1e-6
    ahead, back = (f(*[v + s * d for v, d in zip(at, t, strict=True)]) for s in (e, -e))
    np.testing.assert_allclose(moved, (ahead - back) / (2 * e), rtol=rtol, atol=1e-6)
    bar = np.linspace(0.5, 1.5, value.size)
    pulled = ad.vjp(lambda *v: np.real(f(*v)), *at)[1](bar)
    total = sum(np.sum(p * d) for p, d in zip(pulled, t, strict=True))
    np.testing.assert_allclose(total, np.sum(bar * np.real(moved)), rtol=1e-8)


@pytest.mark.parametrize("name", CASES)
def test_it_moves_as_scipys(name: str) -> None:
    both_ways(CASES[name], (X, Y), (DX, DY), 1e-5)


def test_many_nodes_follow_a_smooth_function() -> None:
    def f(a: Any) -> Any:
        return AAA(X, np.exp(a * X) / (X - 1.5))(AT)

    moved = ad.jvp(f, (1.0,), (1.0,))[1]
    np.testing.assert_allclose(moved, AT * np.exp(AT) / (AT - 1.5), rtol=1e-8)
    around = np.exp(2j * np.pi * np.arange(25) / 25)
    inside = AT + 0.2j

    def on_a_circle(a: Any) -> Any:
        return np.real(AAA(around, np.exp(a * around), rtol=1e-8)(inside))

    moved = ad.jvp(on_a_circle, (1.0,), (1.0,))[1]
    np.testing.assert_allclose(moved, np.real(inside * np.exp(inside)), rtol=1e-6)


def test_second_order_and_data_that_are_left_out() -> None:
    def f(a: Any) -> Any:
        y = np.exp(a * X) / (X - 1.5)
        return AAA(X, np.where(np.arange(30) == 7, np.nan, y), rtol=1e-3)(0.21)

    e = 1e-4
    bend = (ad.grad(f)(1 + e) - ad.grad(f)(1 - e)) / (2 * e)
    np.testing.assert_allclose(ad.grad(ad.grad(f))(1.0), bend, rtol=1e-6)


def test_what_is_refused() -> None:
    with pytest.raises(ad.errors.UnsupportedError, match="how many nodes"):
        ad.jit(lambda a: AAA(X, np.exp(a * X))(0.3))(1.0)
    with pytest.raises(ad.errors.UnsupportedError, match="fewer data than nodes"):
        ad.grad(lambda a: AAA(X[:5], np.abs(a * X[:5] + 0.7) ** 0.3, rtol=0)(0.3))(1.0)
    with pytest.raises(ad.errors.UnsupportedError, match=r"scipy\.interpolate\.AAA: errors"):
        ad.grad(lambda a: np.sum(AAA(X, np.exp(a * X)).errors))(1.0)
