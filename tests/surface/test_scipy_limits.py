"""Limits and losses of SciPy's optimisers that are recorded themselves, and the best pairs."""

from typing import Any

import numpy as np
import pytest
import scipy.optimize as so

import adjoint as ad

X = np.linspace(0, 2, 9)
Y = 1.3 * np.exp(-0.7 * X) + 0.05 * np.random.default_rng(0).normal(size=9)


def bowl(v: Any) -> Any:
    return (v[0] - 0.7) ** 2 + 2 * (v[1] - 0.5) ** 2 + 0.1 * v[0] ** 4


def curve(x: Any, a: Any, b: Any) -> Any:
    return a * np.exp(-b * x)


LIMITED = {
    "minimize": lambda b: so.minimize(bowl, [0.1, 0.1], bounds=so.Bounds([-1.0, -1], [b, 1.0])).x,
    "constrained": lambda b: so.minimize(
        bowl, [0.1, 0.1], bounds=so.Bounds([-1.0, -1], [b, 1.0]),
        constraints={"type": "ineq", "fun": lambda v: 0.8 - v[0] - v[1]},
    ).x,
    "linear": lambda b: so.minimize(
        bowl, [0.1, 0.1], constraints=so.LinearConstraint([[1, 1]], -np.inf, b)
    ).x,
    "matrix": lambda b: so.minimize(
        bowl, [0.1, 0.1], constraints=so.LinearConstraint(np.stack([b, 2 * b])[None], -1, 0.4)
    ).x,
    "curved": lambda b: so.minimize(
        bowl, [0.1, 0.1], constraints=so.NonlinearConstraint(lambda v: v @ v, -np.inf, b)
    ).x,
    "least_squares": lambda b: so.least_squares(
        lambda v: v - 0.7, [0.1, 0.1], bounds=([-1.0, -1], [b, 1.0])
    ).x,
    "curve_fit": lambda b: so.curve_fit(curve, X, Y, bounds=so.Bounds([-1.0, -1], [3.0, b]))[0],
    "differential_evolution": lambda b: so.differential_evolution(
        bowl, so.Bounds([-1.0, -1], [b, 2.0]), rng=1, maxiter=40
    ).x,
    "lsq_linear": lambda b: so.lsq_linear(
        np.eye(2) + 0.2, np.ones(2), bounds=so.Bounds([-1.0, -1], [b, 2.0])
    ).x,
}  # fmt: skip


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", LIMITED)
def test_a_recorded_limit(name: str) -> None:
    f = LIMITED[name]
    value, slope = ad.jvp(f, (0.4,), (1.0,))
    rough = (np.asarray(f(0.42)) - np.asarray(f(0.38))) / 0.04
    np.testing.assert_allclose(value, f(0.4), atol=2e-4)
    np.testing.assert_allclose(slope, rough, atol=3e-2)
    assert np.max(np.abs(slope)) > 0.1
    both = np.array([1.0, 0.3])
    assert np.isclose(ad.grad(lambda b: both @ f(b))(0.4), both @ slope, rtol=1e-8)


def residuals(v: Any, y: Any) -> Any:
    return curve(X, *v) - y


@pytest.mark.parametrize("loss", ["soft_l1", "huber", "cauchy", "arctan"])
def test_a_loss_and_its_scale(loss: str) -> None:
    tight = {"loss": loss, "xtol": 1e-15, "ftol": 1e-15, "gtol": 1e-15}

    def f(y: Any, scale: Any) -> Any:
        found = so.least_squares(residuals, [1, 1.0], args=(y,), f_scale=scale, **tight)
        return found.x, found.cost, found.fun, found.jac, found.grad

    value, pull = ad.vjp(f, Y, 0.03)
    for ours, theirs in zip(value, f(Y, 0.03), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=2e-6, atol=1e-8)
    slope = pull((np.ones(2), 1.0, np.zeros(9), np.ones((9, 2)), np.zeros(2)))

    def total(y: Any, scale: Any) -> Any:
        x, cost, _, jac, _ = f(y, scale)
        return np.sum(x) + cost + np.sum(jac)

    h = 1e-4
    for k, step in ((0, np.eye(9)[3] * h), (1, h)):
        up, down = [Y, 0.03], [Y, 0.03]
        up[k], down[k] = up[k] + step, down[k] - step
        rough = (total(*up) - total(*down)) / (2 * h)
        ours = slope[0][3] if k == 0 else slope[1]
        assert np.isclose(ours, rough, rtol=1e-2, atol=2e-3)


def test_a_curve_fit_with_a_loss() -> None:
    def f(y: Any) -> Any:
        return so.curve_fit(curve, X, y, method="trf", loss="soft_l1", f_scale=0.03, xtol=1e-15)

    for ours, theirs in zip(ad.vjp(f, Y)[0], f(Y), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5)


@pytest.mark.parametrize("wrap", [lambda f: f, ad.jit])
def test_the_best_pairs_are_places(wrap: Any) -> None:
    cost = np.random.default_rng(2).uniform(size=(3, 4))

    def least(c: Any) -> Any:
        return np.sum(c[so.linear_sum_assignment(c)]) - np.sum(c[so.linear_sum_assignment(c, True)])

    value, slope = wrap(ad.value_and_grad(least))(cost)
    assert np.isclose(value, least(cost))
    wanted = np.zeros((3, 4))
    wanted[so.linear_sum_assignment(cost)] += 1
    wanted[so.linear_sum_assignment(cost, True)] -= 1
    np.testing.assert_array_equal(slope, wanted)
