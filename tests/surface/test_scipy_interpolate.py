"""scipy.interpolate: in the places and in the data."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.interpolate as si

import adjoint as ad

_spec = importlib.util.spec_from_file_location("checking", Path(__file__).with_name("checking.py"))
assert _spec is not None
assert _spec.loader is not None
checking = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(checking)

CASES: list[Any] = []


def c(name: str, f: Callable[..., Any], *args: Any, skip: str = "", tol: float = 1e-6) -> None:
    """Note a case; values are compared to rounding unless ``exact`` is among skip."""
    left_out = {"bits", *skip.split()} - ({"bits"} if "exact" in skip else set())
    CASES.append(checking.Case(name, f, args, frozenset(left_out), tol))


def pair(*parts: Any) -> Any:
    return np.concatenate([np.ravel(x) for x in parts])


r = np.random.default_rng(3)
X = np.array([0.0, 0.5, 1.1, 2.0, 2.2, 3.0])
Y = r.normal(size=6)
Y2 = r.normal(size=(6, 2))
q = np.array([0.2, 0.7, 1.5, 2.9])
q0 = np.array([-0.3, 3.4])
for bc in ("not-a-knot", "natural", "clamped", ((1, 0.3), (2, -0.4)), ((2, 0.1), (1, 0.2))):
    c(
        f"spline-{bc}",
        lambda p, bc=bc: si.CubicSpline(p[:6], p[6:12], bc_type=bc)(p[12:]),
        pair(X, Y, q),
        tol=1e-5,
    )
    if isinstance(bc, str):
        c(
            f"spline-columns-{bc}",
            lambda p, bc=bc: si.CubicSpline(X, p.reshape(2, 6), axis=1, bc_type=bc)(
                q.reshape(2, 2), 1
            ),
            Y2.T,
        )
for n in (2, 3, 4):
    c(f"spline-{n}", lambda p, n=n: si.CubicSpline(X[:n], p)(q), Y[:n])
c("csx", lambda q: si.CubicSpline(X, Y2)(q), q)
c("csxn", lambda q: si.CubicSpline(X, Y, extrapolate=True)(q, 1), pair(q, q0))
c(
    "csper",
    lambda q: si.CubicSpline(X, np.r_[Y[:5], Y[0]], bc_type="periodic")(q),
    pair(q, q0 + 0.01),
)
c(
    "csint",
    lambda p: np.stack(
        [
            si.CubicSpline(X, p[:6]).integrate(p[6], p[7]),
            si.CubicSpline(X, p[:6]).derivative()(p[6]),
            si.CubicSpline(X, p[:6]).antiderivative()(p[7]),
        ]
    ),
    pair(Y, np.array([0.3, 2.5])),
)
c(
    "pchip",
    lambda p: si.PchipInterpolator(p[:6], p[6:12])(p[12:]),
    pair(X, np.array([0.0, 1, 3, 2.5, 2.6, 4]), q),
    tol=1e-5,
)
c("pchipx", lambda q: si.PchipInterpolator(X, Y)(q), q)
c("akx", lambda q: si.Akima1DInterpolator(X, Y)(q), q)
c(
    "herm",
    lambda p: si.CubicHermiteSpline(p[:6], p[6:12], p[12:18])(q),
    pair(X, Y, Y[::-1]),
    tol=1e-5,
)
for k in (1, 2, 3, 5):
    c(
        f"make_interp_spline-{k}",
        lambda p, k=k: si.make_interp_spline(X, p[:6], k=k)(p[6:]),
        pair(Y, q),
    )
    c(f"make_interp_spline-x-{k}", lambda q, k=k: si.make_interp_spline(X, Y2, k=k)(q), q)
c("bs", lambda q: si.splrep and si.BSpline(*si.splrep(X, Y))(q), q)
for kind in ("linear", "cubic", "quadratic", "nearest", "previous", "next"):
    c("i1" + kind, lambda p, kind=kind: si.interp1d(X, p[:6], kind=kind)(p[6:]), pair(Y, q))
    c("i1x" + kind, lambda q, kind=kind: si.interp1d(X, Y2.T, kind=kind)(q), q)
c(
    "i1xy",
    lambda p: si.interp1d(p[:6], p[6:12], fill_value="extrapolate")(p[12:]),
    pair(X, Y, q, q0),
)
c("i1f", lambda q: si.interp1d(X, Y, bounds_error=False, fill_value=(1.0, 2.0))(q), pair(q, q0))
c("i1ax", lambda p: si.interp1d(X, p, axis=0)(q.reshape(2, 2)), Y2)
c("i1us", lambda p: si.interp1d(X[::-1], p, axis=0)(q), Y2)
G = (X, np.array([0.0, 1.0, 1.5]))
V = r.normal(size=(6, 3))
Q = np.array([[0.2, 0.3], [1.5, 1.2], [2.7, 0.9]])
c(
    "rgi",
    lambda p: si.RegularGridInterpolator(G, p[:18].reshape(6, 3))(p[18:].reshape(3, 2)),
    pair(V, Q),
)
c("rgix", lambda p: si.RegularGridInterpolator(G, V)(p), Q)
c(
    "rgie",
    lambda p: si.RegularGridInterpolator(G, V, bounds_error=False, fill_value=None)(p),
    Q - 1.03,
)
c("interpn", lambda p: si.interpn(G, p[:18].reshape(6, 3), p[18:].reshape(3, 2)), pair(V, Q))
c("rgin", lambda p: si.RegularGridInterpolator(G, p, method="nearest")(Q), V)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_function(case: Any, rng: np.random.Generator) -> None:
    checking.check(case, rng)


def test_periodic_splines_through_recorded_data(rng: np.random.Generator) -> None:
    x = np.array([0.0, 0.7, 1.5, 2.9, 3.3])
    at = np.array([-1.2, 0.4, 2.0, 7.7])

    def f(y: Any) -> Any:
        return si.CubicSpline(x, np.concatenate([y, y[:1]]), bc_type="periodic")(at)

    y, d = rng.normal(size=(4, 2)), rng.normal(size=(4, 2))
    out, dot = ad.jvp(f, (y,), (d,))
    np.testing.assert_allclose(out, f(y), rtol=1e-12)
    np.testing.assert_allclose(dot, f(d), rtol=1e-12)
    np.testing.assert_allclose(ad.jit(f)(y), f(y), rtol=1e-12)
    with pytest.raises(ValueError, match="identical"):
        ad.grad(lambda v: np.sum(si.CubicSpline(x, v, bc_type="periodic")(at)))(rng.normal(size=5))


@pytest.mark.parametrize("ends", ["not-a-knot", "natural", ((1, 0.5), (2, -0.25))])
def test_a_spline_through_many_places_needs_its_bands_alone(ends) -> None:
    x = np.linspace(0, 1, 300) ** 1.5

    def loss(y):
        return np.sum(si.CubicSpline(x, y, bc_type=ends)(x[1:] * 0.9) ** 2)

    y = np.sin(7 * x)
    graph = ad.trace(ad.value_and_grad(loss), y)
    operands = [x for node in graph.nodes for x in node.operands]
    assert max(x.type.size for x in operands) < 300 * 20
    np.testing.assert_allclose(ad.value_and_grad(loss)(y)[0], loss(y), rtol=1e-13)
    ad.check_grads(loss, (y,), order=1)
