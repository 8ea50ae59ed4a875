"""Squares of roots have the derivatives of what stands under the root, also at 0."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.spatial.distance import cdist

import adjoint as ad
from adjoint.differentiate.tape import Tape

AT = np.array([0.3, -0.7])


def _with_itself(r: Any) -> Any:
    return r @ r * np.exp(np.dot(r, r))


def _of_roots(s: Any) -> Any:
    return np.sum(np.sqrt(s) * np.sqrt(s) * [1, 3])


def _filled(x: Any) -> Any:
    """Distances written one by one, as programs do."""
    points = [x, AT, np.zeros(2)]
    d = np.zeros((3, 3))
    for i in range(3):
        for j in range(i):
            d[i, j] = d[j, i] = np.linalg.norm(points[i] - points[j])
    return np.sum(np.exp(-0.5 * (d / 0.9) ** 2))


def _looped(x: Any) -> Any:
    def step(carry: Any, row: Any) -> Any:
        return carry + np.exp(-(np.sqrt(np.sum((x - row) ** 2)) ** 2)), carry

    return ad.scan(step, 0.0, np.array([[0.3, -0.7], [1.0, 0.5]]))[0]


# Functions of x, and the same without a root: at AT the roots are of 0.
FUNCTIONS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "norm": (lambda x: np.linalg.norm(x - AT) ** 2, lambda x: np.sum((x - AT) ** 2)),
    "fourth": (
        lambda x: np.sum((x[:1] - AT[:1]) ** 2 + 1) * np.linalg.norm(x - AT) ** 4,
        lambda x: np.sum((x[:1] - AT[:1]) ** 2 + 1) * np.sum((x - AT) ** 2) ** 2,
    ),
    "written out": (
        lambda x: np.exp(-np.square(np.sqrt(np.sum((x - AT) ** 2)))),
        lambda x: np.exp(-np.sum((x - AT) ** 2)),
    ),
    "product of two": (
        lambda x: _of_roots((x - AT) ** 2) + x[1],
        lambda x: np.sum((x - AT) ** 2 * [1, 3]) + x[1],
    ),
    "hypot": (
        lambda x: np.cos(np.hypot(*(x - AT)) ** 2) + np.hypot(*(x - AT)) ** 2,
        lambda x: np.cos(np.sum((x - AT) ** 2)) + np.sum((x - AT) ** 2),
    ),
    "abs": (lambda x: np.sum(np.abs(x - AT) ** 2 * x), lambda x: np.sum((x - AT) ** 2 * x)),
    "modulus": (
        lambda x: np.abs((x[0] - AT[0]) + 2j * (x[1] - AT[1])) ** 2,
        lambda x: (x[0] - AT[0]) ** 2 + 4 * (x[1] - AT[1]) ** 2,
    ),
    "matmul": (lambda x: _with_itself(np.abs(x - AT)), lambda x: _with_itself(x - AT)),
    "cdist": (
        lambda x: np.sum(np.exp(-0.5 * (cdist(x[None], AT[None] * [[1], [2]]) / x[1]) ** 2)),
        lambda x: np.sum(np.exp(-0.5 * np.sum((x - AT * [[1], [2]]) ** 2, axis=1) / x[1] ** 2)),
    ),
    "scaled": (
        lambda x: (x[0] * -np.linalg.norm(x - AT, keepdims=True)[0]) ** 2,
        lambda x: x[0] ** 2 * np.sum((x - AT) ** 2),
    ),
    "filled": (
        _filled,
        lambda x: (
            3
            + 2 * np.exp(-0.5 * np.sum((x - AT) ** 2) / 0.81)
            + 2 * np.exp(-0.5 * np.sum(x**2) / 0.81)
            + 2 * np.exp(-0.5 * np.sum(AT**2) / 0.81)
        ),
    ),
    "looped": (
        _looped,
        lambda x: sum(np.exp(-np.sum((x - r) ** 2)) for r in np.array([AT, [1.0, 0.5]])),
    ),
    "chosen": (
        lambda x: np.sum(np.where(x > 0, np.abs(x - AT), x) ** 4 * x),
        lambda x: np.sum(np.where(x > 0, (x - AT) ** 4, x**4) * x),
    ),
}


def _of_both(name: str, derivative: Callable[[Any], Any], x: Any) -> None:
    root, plain = FUNCTIONS[name]
    np.testing.assert_allclose(derivative(root)(x), derivative(plain)(x), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("x", [AT, np.add(AT, [0.25, 0.125])], ids=["at 0", "beside"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_squares_of_roots_move_as_what_is_under_them(name: str, x: Any) -> None:
    """First and second derivatives, in both modes and inside jit."""
    _of_both(name, ad.grad, x)
    _of_both(name, ad.hessian, x)
    _of_both(name, lambda f: ad.grad(lambda y: np.sum(ad.grad(f)(y) * [1.0, 3.0])), x)
    _of_both(name, lambda f: lambda y: ad.jvp(f, (y,), (np.array([1.0, 3.0]),))[1], x)


@pytest.mark.parametrize("name", ["norm", "written out", "abs", "filled", "looped"])
def test_inside_jit_and_vmap(name: str) -> None:
    """Where values are not known beforehand."""
    _of_both(name, lambda f: ad.jit(ad.grad(f)), AT)
    _of_both(name, lambda f: ad.jit(ad.hessian(f)), AT)
    _of_both(name, lambda f: ad.vmap(ad.hessian(f)), np.stack([AT, AT + 0.5]))


def test_the_slope_of_a_squared_root_at_zero() -> None:
    """It is 1, though that of the root is infinite."""
    f = lambda x: np.sqrt(x) ** 2  # noqa: E731
    assert ad.grad(f)(0.0) == 1.0
    assert ad.jvp(f, (0.0,), (1.0,))[1] == 1.0
    assert ad.jit(ad.grad(f))(0.0) == 1.0
    assert ad.grad(ad.grad(f))(0.0) == 0.0


# Functions of a number, and their first and second derivatives at 0.
STEEP: dict[str, tuple[Callable[[Any], Any], float, float]] = {
    "cube of cbrt": (lambda x: np.exp(x) * np.cbrt(x) ** 3, 1, 2),
    "scaled": (lambda x: (2 * np.cbrt(x) / (1 + x)) ** 3, 8, -48),
    "square of cbrt": (lambda x: np.cbrt(x) ** 2, np.inf, -np.inf),
    "higher": (lambda x: np.cbrt(x) ** 6, 0, 2),
    "fourth root": (lambda x: (x**0.25) ** 8 + 3 * (x**0.25) ** 4, 3, 2),
    "less than a square": (lambda x: np.sqrt(x) ** 1.5, np.inf, -np.inf),
    "by np.power": (lambda x: np.power(np.abs(x), np.array([2, 3])).sum(), 0, 2),
    "one time and another": (lambda x: np.sqrt(x) * np.sqrt(x) * np.cos(x), 1, 0),
    "below a power": (lambda x: (x**2) ** 0.75 + np.power(x**4, 0.5), 0, np.nan),
    "below cbrt": (lambda x: np.cbrt(x**2 * x**2), 0, np.nan),
}


@pytest.mark.parametrize("name", STEEP)
def test_roots_of_other_degrees(name: str) -> None:
    """Their slope at 0 is infinite, that of what is made of them need not be."""
    f, first, second = STEEP[name]
    for derivative in (ad.grad(f), ad.jit(ad.grad(f)), lambda x: ad.jvp(f, (x,), (1.0,))[1]):
        assert derivative(0.0) == first
    if not np.isnan(second):
        assert ad.grad(ad.grad(f))(0.0) == second


def test_third_derivatives() -> None:
    """Of a square and of a cube."""
    f = lambda x: np.exp(x) * np.abs(x) ** 2  # noqa: E731
    assert ad.grad(ad.grad(ad.grad(f)))(0.0) == 6.0
    assert ad.grad(ad.grad(lambda x: np.abs(x) ** 3))(0.0) == 0.0


def test_a_matrix_of_roots_times_itself_is_no_square() -> None:
    """A matrix product is not elementwise."""
    a = np.array([[1.0, 4.0], [9.0, 0.25]])
    f = lambda a: np.sum(np.sqrt(a) @ np.sqrt(a) * [[1.0, 2.0], [3.0, 4.0]])  # noqa: E731
    eps = 1e-6 * np.array([[0.3, -1.0], [0.7, 0.2]])
    slope = (f(a + eps) - f(a - eps)) / 2
    np.testing.assert_allclose(np.sum(ad.grad(f)(a) * eps), slope, rtol=1e-7)


MIXED = {
    "product": lambda x: (x[0] ** 0.69 * x[1] ** 0.31) ** 2.5,
    "quotient": lambda x: (np.sqrt(x[0]) / (1 + x[1]) * np.cbrt(x[1])) ** 3,
    "choice": lambda x: np.sum(np.concatenate([np.sqrt(x), np.cbrt(x)]) ** 4),
    "length": lambda x: np.hypot(np.sqrt(x[0]), np.cbrt(x[1])) ** 2,
    "absolute": lambda x: np.sum(np.abs(np.cbrt(x)) ** 2),
    "nested": lambda x: np.sqrt(np.cbrt(x[0]) * x[1] ** 0.2) ** 2,
}


@pytest.mark.parametrize("name", MIXED)
def test_factors_may_be_roots_of_different_degrees(name):
    f, x, t = MIXED[name], np.array([1.7, 0.6]), np.array([0.3, -0.8])
    slope = ad.grad(f)(x)
    np.testing.assert_allclose(slope @ t, (f(x + 1e-6 * t) - f(x - 1e-6 * t)) / 2e-6, rtol=1e-7)
    np.testing.assert_allclose(ad.jit(ad.grad(f))(x), slope, rtol=1e-12)
    np.testing.assert_allclose(ad.jit(lambda v: ad.jvp(f, (v,), (t,))[1])(x), slope @ t, rtol=1e-12)
    rows = [(ad.grad(f)(x + h) - ad.grad(f)(x - h)) / 2e-6 for h in 1e-6 * np.eye(2)]
    for hessian in (ad.hessian(f)(x), ad.jit(ad.hessian(f))(x)):
        np.testing.assert_allclose(hessian, rows, rtol=1e-6, atol=1e-8)


def test_factors_of_different_degrees_meet_zero():
    def f(x):
        return (np.sqrt(x[0]) * np.cbrt(x[1])) ** 6  # x0^3 x1^2

    for slope in (ad.grad(f), ad.jit(ad.grad(f))):
        np.testing.assert_allclose(slope(np.array([0.0, 2.0])), [0.0, 0.0], atol=1e-12)
        np.testing.assert_allclose(slope(np.array([2.0, 0.0])), [0.0, 0.0], atol=1e-12)
    np.testing.assert_allclose(ad.hessian(f)(np.array([2.0, 0.0]))[1, 1], 16.0, atol=1e-12)


def test_powers_of_absolute_values_need_no_care_in_first_derivatives(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A program of many steps that meets a zero there is differentiated by its patterns."""

    def f(x: Any) -> Any:
        return np.sum(np.abs(x) ** 3) + np.linalg.norm(x) ** 2

    x = np.zeros(3)
    assert np.array_equal(ad.hvp(f, x, np.ones(3)), np.full(3, 2.0))
    monkeypatch.delattr(Tape, "_as_one_graph")
    assert np.array_equal(ad.grad(f)(x), np.zeros(3))
    assert ad.jvp(f, (x,), (np.ones(3),))[1] == 0.0
    with pytest.raises(AttributeError):
        ad.hvp(f, x + 0.0, np.ones(3))
