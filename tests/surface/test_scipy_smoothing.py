"""Smoothing splines: SciPy's values, and the derivatives of the minimum at its knots."""

from typing import Any

import numpy as np
import pytest
import scipy.interpolate as si
from scipy.optimize import brentq

import adjoint as ad

rng = np.random.default_rng(3)
x = np.sort(rng.uniform(0, 3, 25))
y = np.sin(2 * x) + 0.1 * rng.standard_normal(25)
w = rng.uniform(0.8, 1.4, 25)
q = np.linspace(0.2, 2.8, 7)
dx, dy, dw = (h * rng.uniform(-1, 1, 25) for h in (0.05, 1.0, 0.3))


def minimum(t: Any, k: int, x: Any, y: Any, w: Any, reached: float) -> Any:
    """The coefficients with the least jumps whose squares of residuals have this sum."""
    n = len(t) - k - 1
    base = [si.BSpline(t, row, k) for row in np.eye(n)]
    rows = np.stack([b(x) for b in base], axis=1) * w[:, None]
    middle = (t[k:n] + t[k + 1 : n + 1]) / 2
    jumps = np.diff(np.stack([b(middle, k) for b in base], axis=1), axis=0)

    def solve(log: float) -> Any:
        weight = np.exp(log / 2) if log > -80 else 0.0
        system = np.concatenate([rows, weight * jumps])
        return np.linalg.lstsq(system, np.concatenate([y * w, 0 * jumps[:, 0]]), rcond=None)[0]

    def gap(log: float) -> float:
        return float(np.sum((y * w - rows @ solve(log)) ** 2) - reached)

    return solve(-100.0 if n == k + 1 else brentq(gap, -60, 40, xtol=1e-13, rtol=1e-13))


@pytest.mark.parametrize(
    ("k", "s"),
    [(3, 0.3), (2, 0.4), (4, 0.3), (1, 0.5), (3, 1e3)],
)
def test_moves_as_the_minimum_does(k: int, s: float) -> None:
    t, c, _ = si.splrep(x, y, w, k=k, s=s)
    n = len(t) - k - 1
    reached = float(np.sum((w * (y - si.splev(x, (t, c, k)))) ** 2))
    at = np.searchsorted(x, t[k + 1 : n])

    def oracle(h: float) -> Any:
        places = x + h * dx
        knots = np.r_[[places[0]] * (k + 1), places[at], [places[-1]] * (k + 1)]
        found = minimum(knots, k, places, y + h * dy, w + h * dw, reached)
        return si.BSpline(knots, found, k)(q)

    def ours(h: Any) -> Any:
        return si.splev(q, si.splrep(x + h * dx, y + h * dy, w + h * dw, k=k, s=s))

    values = [oracle(h) for h in (-2e-3, -1e-3, 0.0, 1e-3, 2e-3)]
    first = (8 * (values[3] - values[1]) - (values[4] - values[0])) / 12e-3
    second = (16 * (values[3] + values[1]) - values[4] - values[0] - 30 * values[2]) / 12e-6
    out, pull = ad.vjp(ours, 0.0)
    np.testing.assert_allclose(out, si.splev(q, (t, c, k)), rtol=1e-13)
    np.testing.assert_allclose(values[2], out, atol=1e-8)
    slope = ad.jacobian(ours)(0.0)
    np.testing.assert_allclose(slope, first, atol=2e-6 * np.max(np.abs(first)))
    np.testing.assert_allclose(pull(q)[0], q @ slope, rtol=1e-9)
    bend = ad.jacobian(ad.jacobian(ours))(0.0)
    np.testing.assert_allclose(bend, second, atol=2e-4 * np.max(np.abs(second)))


def test_one_rule_under_every_name() -> None:
    def by_class(y: Any) -> Any:
        return si.UnivariateSpline(x, y, w, s=0.4)(q)

    def by_fitpack(y: Any) -> Any:
        return si.splev(q, si.splrep(x, y, w, s=0.4))

    def by_new_name(y: Any) -> Any:
        return si.make_splrep(x, y, w=w, s=0.4)(q)

    wanted = ad.jacobian(by_fitpack)(y)
    for f in (by_class, by_new_name):
        np.testing.assert_allclose(ad.vjp(f, y)[0], f(y), rtol=1e-13)
        np.testing.assert_allclose(ad.jacobian(f)(y), wanted, atol=1e-9)
    default = ad.vjp(lambda y: si.UnivariateSpline(x, 10 * y)(q), y)[0]
    np.testing.assert_allclose(default, si.UnivariateSpline(x, 10 * y)(q), rtol=1e-13)


@pytest.mark.parametrize("name", ["splprep", "make_splprep"])
def test_a_curve_turns_and_grows_with_its_points(name: str) -> None:
    points = np.stack([np.cos(x) + 0.1 * y, np.sin(x)])

    def curve(a: Any, sum_of_squares: Any = 0.05) -> Any:
        made, u = getattr(si, name)([a[0], a[1]], s=sum_of_squares)
        return np.stack(si.splev(q / 3, made)) if name == "splprep" else made(q / 3), u

    (out, u), pull = ad.vjp(curve, points)
    wanted = curve(points)
    np.testing.assert_allclose(out, wanted[0], rtol=1e-13)
    np.testing.assert_array_equal(u, wanted[1])
    turn = np.array([[0.0, -1.0], [1.0, 0.0]])
    _, (dot, u_dot) = ad.jvp(curve, (points,), (turn @ points,))
    np.testing.assert_allclose(dot, turn @ out, atol=1e-9)
    np.testing.assert_allclose(u_dot, 0, atol=1e-12)
    bar = rng.uniform(-1, 1, out.shape)
    back = pull((bar, 0 * u))[0]
    assert np.isclose(np.sum(back * (turn @ points)), np.sum(bar * dot))


def test_the_chosen_penalty_is_the_one_of_scipy() -> None:
    def f(y: Any) -> Any:
        return si.make_smoothing_spline(x, y, w)(q)

    np.testing.assert_allclose(ad.vjp(f, y)[0], f(y), rtol=1e-4)
    np.testing.assert_allclose(ad.jit(f)(y), ad.vjp(f, y)[0], rtol=1e-8)
    # the penalty has no scale of the data
    np.testing.assert_allclose(ad.jvp(f, (y,), (y,))[1], ad.vjp(f, y)[0], rtol=1e-7)


def test_how_many_knots_is_not_known_inside_jit() -> None:
    with pytest.raises(ad.errors.UnsupportedError, match="inside jit or vmap"):
        ad.jit(lambda y: si.splrep(x, y, s=0.3)[1])(y)


gx, gy = np.linspace(0, 1, 9) ** 1.2, np.linspace(0, 2, 7)
grid = np.sin(4 * gx)[:, None] * np.cos(2 * gy) + 0.1 * rng.standard_normal((9, 7))
far = rng.uniform(0, 1, (2, 60))
heights = np.sin(5 * far[0]) * np.cos(4 * far[1]) + 0.1 * rng.standard_normal(60)


def base(t: Any, at: Any) -> tuple[Any, Any]:
    """The values of a cubic base at places, and FITPACK's jumps of its third derivatives."""
    n = len(t) - 4
    rows = [si.BSpline(t, row, 3) for row in np.eye(n)]
    middle = (t[3:n] + t[4 : n + 1]) / 2
    thirds = np.stack([b(middle, 3) for b in rows], axis=1)
    return np.stack([b(at) for b in rows], axis=1), np.diff(thirds, axis=0) * (
        (t[n] - t[3]) / (n - 3)
    ) ** 3


def surface(kind: str, tx: Any, ty: Any, z: Any, reached: float) -> Any:
    """The coefficients of the least penalty that reaches a residual."""
    (a, r), (b, v) = (base(tx, gx), base(ty, gy)) if kind == "grid" else (
        base(tx, far[0]), base(ty, far[1]))  # fmt: skip

    def solve(weight: float) -> Any:
        if kind == "grid":
            first, second = a.T @ a + weight * r.T @ r, b.T @ b + weight * v.T @ v
            return np.linalg.solve(first, a.T @ z @ b) @ np.linalg.inv(second)
        rows = np.einsum("ij,ik->ijk", a, b).reshape(len(z), -1)
        rough = np.kron(r.T @ r, np.eye(b.shape[1])) + np.kron(np.eye(a.shape[1]), v.T @ v)
        return np.linalg.solve(rows.T @ rows + weight * rough, rows.T @ z).reshape(a.shape[1], -1)

    def gap(log: float) -> float:
        c = solve(np.exp(log))
        near = a @ c @ b.T if kind == "grid" else np.einsum("ij,jk,ik->i", a, c, b)
        return float(np.sum((z - near) ** 2) - reached)

    return solve(np.exp(brentq(gap, -30, 15, xtol=1e-13, rtol=1e-13)))


@pytest.mark.parametrize("kind", ["grid", "scattered"])
def test_surfaces_move_as_the_minimum_does(kind: str) -> None:
    def fit(z: Any) -> Any:
        if kind == "grid":
            return si.RectBivariateSpline(gx, gy, z, s=0.3)
        return si.SmoothBivariateSpline(*far, z, s=0.6)

    z = grid if kind == "grid" else heights
    dz = rng.uniform(-1, 1, z.shape)
    found = fit(z)
    tx, ty, c = found.tck
    shape = len(tx) - 4, len(ty) - 4
    assert shape != (4, 4)
    np.testing.assert_allclose(surface(kind, tx, ty, z, found.fp), c.reshape(shape), rtol=2e-5)
    values = [surface(kind, tx, ty, z + h * dz, found.fp) for h in (-1e-4, 0.0, 1e-4)]
    first, second = (values[2] - values[0]) / 2e-4, (values[2] + values[0] - 2 * values[1]) / 1e-8

    def ours(h: Any) -> Any:
        return np.reshape(fit(z + h * dz).tck[2], shape)

    zero, one = np.float64(0.0), np.float64(1.0)
    got, dot = ad.jvp(ours, (zero,), (one,))
    assert np.array_equal(got, c.reshape(shape))
    np.testing.assert_allclose(dot, first, atol=2e-4 * np.max(np.abs(first)))
    bend = ad.jvp(lambda h: ad.jvp(ours, (h,), (one,))[1], (zero,), (one,))[1]
    np.testing.assert_allclose(bend, second, atol=2e-3 * np.max(np.abs(second)))


def test_a_univariate_spline_adds_knots_in_steps_of_its_own() -> None:
    many, values, weights = np.linspace(0, 3, 20), np.sin(np.linspace(0, 3, 20)), np.full(20, 5.0)
    values = values + 0.1 * np.random.default_rng(0).normal(size=20)

    def f(y: Any, s: Any) -> Any:
        spline = si.UnivariateSpline(many, y, weights, s=s)
        first = spline(q)
        spline.set_smoothing_factor(0.6 * s)
        return np.stack([first, spline(q)])

    # before SciPy 1.18 it has eleven knots here, where splrep has seventeen
    np.testing.assert_allclose(ad.vjp(f, values, 1.0)[0], f(values, 1.0), rtol=1e-12)


@pytest.mark.parametrize("name", ["class", "splrep", "make_splrep"])
def test_the_sum_of_squares_that_is_asked_for_moves(name: str) -> None:
    def spline(s: Any) -> Any:
        if name == "class":
            return si.UnivariateSpline(x, y, w, s=s)
        return si.make_splrep(x, y, w=w, s=s) if name == "make_splrep" else si.splrep(x, y, w, s=s)

    def f(s: Any) -> Any:
        return si.splev(q, spline(s)) if name == "splrep" else spline(s)(q)

    found = spline(0.3) if name == "make_splrep" else si.BSpline(*si.splrep(x, y, w, s=0.3))
    t, reached = found.t, float(np.sum((w * (y - found(x))) ** 2))
    values = [si.BSpline(t, minimum(t, 3, x, y, w, reached + h), 3)(q) for h in (-1e-4, 1e-4)]
    wanted = (values[1] - values[0]) / 2e-4
    slope = ad.jvp(f, (0.3,), (1.0,))[1]
    np.testing.assert_allclose(slope, wanted, atol=1e-2 * np.max(np.abs(wanted)))
    np.testing.assert_allclose(ad.vjp(f, 0.3)[1](q)[0], q @ slope, rtol=1e-9)
