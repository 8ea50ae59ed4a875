"""Smooth functions of a length have their second derivatives at 0, and kinks a finite part."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import special
from scipy.spatial.distance import cdist

import adjoint as ad
from adjoint.graph.text import format_graph

ZERO = np.zeros(2)
WEIGHTS = np.array([1.0, 3.0])


def _matern(r: Any, width: float = 0.7) -> Any:
    u = np.sqrt(5.0) * r / width
    return (1 + u + u**2 / 3) * np.exp(-u)


def _softplus(x: Any) -> Any:
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def _norm(x: Any) -> Any:
    return np.linalg.norm(x)


def _written(x: Any) -> Any:
    return np.sqrt(np.sum(x * x))


# Functions of two numbers, and their Hessians at 0.
SMOOTH: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "cos": (lambda x: np.cos(_norm(x)), [-1, -1]),
    "written out": (lambda x: np.cosh(_written(x)), [1, 1]),
    "by a power": (lambda x: np.log(np.cosh(np.sum(x**2) ** 0.5)), [1, 1]),
    "odd times odd": (lambda x: _norm(x) * np.sin(3 * _written(x)), [6, 6]),
    "Bessel": (lambda x: special.j0(_norm(x)) + special.i0(2 * _norm(x)), [1.5, 1.5]),
    "Matern 3/2": (lambda x: (1 + _norm(x)) * np.exp(-_norm(x)), [-1, -1]),
    "Matern 5/2": (lambda x: _matern(_written(x)), [-5 / 3 / 0.49] * 2),
    "hypot": (lambda x: np.cos(np.hypot(x[0], 2 * x[1])), [-1, -4]),
    "modulus": (lambda x: np.cos(np.abs(x[0] - 2j * x[1])), [-1, -4]),
    "axis": (lambda x: np.sum(np.cos(np.linalg.norm(x[:, None] * [[1, 2, 2]], axis=1))), [-9, -9]),
    "abs": (lambda x: np.sum(np.cos(np.abs(x)) * WEIGHTS), [-1, -3]),
    "softplus": (lambda x: np.sum(_softplus(x) * WEIGHTS), [0.25, 0.75]),
    "sigmoid": (lambda x: -np.sum(np.log(1 / (1 + np.exp(-np.abs(x)))) - x / 2), [0.25, 0.25]),
}
# Lengths with a kink at 0: what is infinite in their Hessians counts as 0.
KINKS: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "norm": (_norm, [0, 0]),
    "written out": (lambda x: np.sum(np.abs(x)) + np.hypot(x[0], x[1]), [0, 0]),
    "exponential": (lambda x: np.sum(np.exp(-np.abs(x)) * WEIGHTS), [1, 3]),
}


def _columns(column: Callable[[Any], Any]) -> Any:
    return np.stack([column(e) for e in np.eye(2)])


MODES: dict[str, Callable[[Any], Any]] = {
    "forward over reverse": lambda f: ad.hessian(f)(ZERO),
    "reverse over reverse": lambda f: ad.jacobian(ad.grad(f))(ZERO),
    "reverse over forward": lambda f: _columns(
        lambda e: ad.grad(lambda x: ad.jvp(f, (x,), (e,))[1])(ZERO)
    ),
    "forward over forward": lambda f: _columns(
        lambda e: _columns(lambda d: ad.jvp(lambda x: ad.jvp(f, (x,), (e,))[1], (ZERO,), (d,))[1])
    ),
    "jit": lambda f: ad.jit(ad.hessian(f))(ZERO),
    "jit of forward": lambda f: ad.jit(
        lambda x: _columns(lambda e: ad.grad(lambda y: ad.jvp(f, (y,), (e,))[1])(x))
    )(ZERO),
    "vmap": lambda f: ad.vmap(ad.hessian(f))(np.stack([ZERO + 1, ZERO]))[1],
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", SMOOTH)
def test_smooth_functions_of_lengths(name: str, mode: str) -> None:
    """Every mode gives the limit."""
    f, wanted = SMOOTH[name]
    np.testing.assert_allclose(MODES[mode](f), np.diag(wanted), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("mode", ["forward over reverse", "reverse over reverse", "jit"])
@pytest.mark.parametrize("name", KINKS)
def test_kinks_keep_the_finite_part(name: str, mode: str) -> None:
    """As the first derivative of a length is 0 at 0."""
    f, wanted = KINKS[name]
    np.testing.assert_allclose(MODES[mode](f), np.diag(wanted), atol=1e-14)


@pytest.mark.parametrize("name", SMOOTH)
def test_third_derivatives_vanish(name: str) -> None:
    """All these functions are even."""
    f = SMOOTH[name][0]
    third = ad.jacobian(ad.hessian(f))(ZERO)
    np.testing.assert_allclose(third, np.zeros((2, 2, 2)), atol=1e-14)


def _pairs(points: Any, kernel: Callable[[Any], Any], distance: str) -> Any:
    apart = points[:, None] - points[None]
    if distance == "cdist":
        r = cdist(points, points)
    else:
        r = np.sqrt(np.sum(apart**2, axis=-1)) if distance == "sqrt" else _along(apart)
    return np.sum(kernel(r) * np.arange(1.0, 10).reshape(3, 3))


def _along(apart: Any) -> Any:
    return np.linalg.norm(apart, axis=-1)


@pytest.mark.parametrize("distance", ["cdist", "sqrt", "norm"])
@pytest.mark.parametrize("kernel", [np.cos, _matern, lambda r: r * np.tanh(r)])
def test_points_that_meet(kernel: Callable[[Any], Any], distance: str) -> None:
    """Against differences of gradients, which are right at every place."""
    points = np.array([[0.5, -1.0], [0.5, -1.0], [2.0, 0.25]])
    f = lambda p: _pairs(p, kernel, distance)  # noqa: E731
    gradient, eps = ad.grad(f), 1e-4
    steps = [eps * np.eye(6)[k].reshape(3, 2) for k in range(6)]
    wanted = [(gradient(points + d) - gradient(points - d)) / (2 * eps) for d in steps]
    for hessian in (ad.hessian(f)(points), ad.jit(ad.hessian(f))(points)):
        np.testing.assert_allclose(hessian.reshape(6, 6), np.reshape(wanted, (6, 6)), atol=2e-3)


def test_covariance_of_slopes_at_one_point() -> None:
    """What Gaussian processes with observed slopes take from a kernel: d2 k / dx dy at x = y."""
    k = lambda x, y: _matern(np.linalg.norm(x - y))  # noqa: E731
    x = np.array([0.3, -0.2])
    covariance = ad.jacobian(lambda y: ad.grad(k)(x, y))(x)
    np.testing.assert_allclose(covariance, np.eye(2) * 5 / 3 / 0.49, rtol=1e-12)


def test_logistic_regression_from_zero_weights() -> None:
    """Where all logits are 0, as a training starts: the Hessian is A^T A / 4."""
    a = np.random.default_rng(0).normal(size=(5, 3))
    target = np.array([0, 1, 1, 0, 1.0])

    def loss(w: Any) -> Any:
        z = np.matmul(a, w)
        return np.sum(_softplus(z) - z * target)

    np.testing.assert_allclose(ad.hessian(loss)(np.zeros(3)), a.T @ a / 4, rtol=1e-12)
    np.testing.assert_allclose(ad.jit(ad.hessian(loss))(np.zeros(3)), a.T @ a / 4, rtol=1e-12)


# Odd functions made with a sign; their slopes at 0, and their second derivatives there.
ODD: dict[str, tuple[Callable[[Any], Any], float, float]] = {
    "symmetric logarithm": (lambda x: np.sign(x) * np.log1p(np.abs(x)), 1, 0),
    "scaled root": (lambda x: np.sign(x) * (np.sqrt(np.abs(x) + 1) - 1) + 0.001 * x, 0.501, 0),
    "copysign": (lambda x: np.copysign(np.expm1(2 * np.abs(x)), x), 2, 0),
    "times a smooth one": (lambda x: np.sign(x) * np.sinh(np.abs(x)) * np.exp(x), 1, 2),
    "its square": (lambda x: (np.sign(x) * np.log1p(np.abs(x))) ** 2, 0, 2),
    "with itself": (lambda x: (np.sign(x) * np.abs(x)) * (np.sign(x) * np.sinh(np.abs(x))), 0, 2),
    "root": (lambda x: np.sign(x) * np.sqrt(np.abs(x)), np.inf, np.nan),
}


@pytest.mark.parametrize("name", ODD)
def test_odd_functions_made_with_a_sign(name: str) -> None:
    """The sign is not known at 0, and of 0 the product has a slope."""
    f, first, second = ODD[name]
    for derivative in (ad.grad(f), ad.jit(ad.grad(f)), lambda x: ad.jvp(f, (x,), (1.0,))[1]):
        assert derivative(0.0) == first
    several = ad.grad(lambda x: np.sum(f(x) * [1, 2, 3]))(np.array([0.0, 0.5, 0.0]))
    np.testing.assert_allclose(several, [first, 2 * ad.grad(f)(0.5), 3 * first])
    if not np.isnan(second):
        assert ad.grad(ad.grad(f))(0.0) == second
        assert ad.jit(ad.grad(ad.grad(f)))(0.0) == second
        assert ad.vmap(ad.grad(ad.grad(f)))(np.array([0.5, 0.0]))[1] == second


def test_a_sign_that_was_written_to_is_a_constant() -> None:
    """It is no sign any more."""

    def f(x: Any) -> Any:
        side = np.sign(x)
        side[side == 0] = 1
        return np.sum(side * np.log1p(np.abs(x)))

    x = np.array([0.0, 1.0, -3.0])
    np.testing.assert_allclose(ad.grad(f)(x), [0, 0.5, 0.25])
    assert ad.grad(lambda x: int(np.sign(x)) * x)(-3.0) == -1.0


def test_kinks_that_cancel_and_are_used_again() -> None:
    """What is computed from max(x, 0) and abs(x) drifts as their sum does: not at all."""
    x = np.array([0.0, 0.25, 0.0])
    for made in (_softplus, lambda x: -np.minimum(-x, 0) + np.log1p(np.exp(-np.abs(-x)))):
        f = lambda x, made=made: np.sum(made(x)) ** 2 * np.exp(x[0])  # noqa: E731
        g = lambda x: np.sum(np.logaddexp(x, 0)) ** 2 * np.exp(x[0])  # noqa: E731
        np.testing.assert_allclose(ad.hessian(f)(x), ad.hessian(g)(x), rtol=1e-12)


def test_logarithm_of_two_exponentials_where_they_are_equal() -> None:
    """As a forward algorithm adds probabilities."""
    f = lambda x: np.maximum(*x) + np.log1p(np.exp(-np.abs(x[0] - x[1])))  # noqa: E731
    for outer in (lambda y: y, np.sin):
        wanted = ad.hessian(lambda x, outer=outer: outer(np.logaddexp(*x)))(ZERO + 0.3)
        found = ad.hessian(lambda x, outer=outer: outer(f(x)))(ZERO + 0.3)
        np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-14)


def test_inside_a_scan() -> None:
    """A length in each round of a loop, and the same loop unrolled."""

    def step(carry: Any, _: Any) -> Any:
        return carry * 1.5, np.cos(np.linalg.norm(carry))

    f = lambda x: np.sum(ad.scan(step, x, np.zeros(3))[1])  # noqa: E731
    wanted = -(1 + 1.5**2 + 1.5**4) * np.eye(2)
    np.testing.assert_allclose(ad.hessian(f)(ZERO), wanted, rtol=1e-12)


def test_other_float_types() -> None:
    """The limit has the dtype of the argument."""
    hessian = ad.hessian(SMOOTH["Matern 3/2"][0])(np.zeros(2, np.float32))
    assert hessian.dtype == np.float32
    np.testing.assert_allclose(hessian, -np.eye(2), rtol=1e-6)


def test_first_derivatives_are_left_as_they_are() -> None:
    """Limits stand in second derivatives only."""
    for name in ("cos", "written out", "Matern 5/2", "abs"):
        assert "equal(" not in format_graph(ad.trace(ad.grad(SMOOTH[name][0]), ZERO))
    text = format_graph(ad.trace(ad.hessian(SMOOTH["cos"][0]), ZERO))
    assert "equal(" in text
