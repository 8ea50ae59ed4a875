"""scipy.interpolate where grids descend, knots and ends move, and triangles are given."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.interpolate as si
from scipy.spatial import Delaunay

import adjoint as ad

_spec = importlib.util.spec_from_file_location("checking", Path(__file__).with_name("checking.py"))
assert _spec is not None
assert _spec.loader is not None
checking = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(checking)

r = np.random.default_rng(11)
X = np.array([0.0, 0.7, 1.5, 2.1, 3.3, 4.0])
T = np.array([0.31, 1.93, 2.87, 3.71, -0.2, 4.3])
C = r.normal(size=(4, 5))
KNOTS = np.array([0, 0, 0, 0, 1.2, 2.5, 4, 6, 6, 6, 6.0])
AT = np.array([0.31, 1.93, 2.87, 4.66, 5.75])
A, B = X, np.array([0.0, 1.0, 1.8, 3.0, 4.1])
V = r.normal(size=(6, 5))
P = r.uniform(1.13, 2.87, (4, 2))
OFF = np.array([[1.0, 0.3], [5.0, 1.3], [-1.0, 4.5]])  # two beyond the ends
PLACES = r.uniform(0, 4, (20, 2))
MESH = Delaunay(PLACES)
ND = r.normal(size=(3, 2, 4, 3))
XN, YN = np.linspace(0, 1, 5), np.linspace(0, 1, 4)
PN = r.uniform(0.1, 0.9, (4, 2))
CASES: dict[str, tuple[Callable[..., Any], tuple[Any, ...], str]] = {}


def case(name: str, f: Callable[..., Any], *args: Any, skip: str = "bits") -> None:
    CASES[name] = (f, args, skip)


for kind in (si.PPoly, si.BPoly):
    name = kind.__name__
    case(f"{name} down", lambda c, x, t, kind=kind: kind(c, x[::-1])(t), C, X, T)
    case(f"{name} down nu", lambda c, x, t, kind=kind: kind(c, x[::-1])(t, 1), C, X, T)
    case(
        f"{name} down ends",
        lambda c, x, t, kind=kind: np.nan_to_num(kind(c, x[::-1])(t, extrapolate=False)),
        C, X, T,
    )  # fmt: skip
    case(
        f"{name} down integral",
        lambda c, x, a, b, kind=kind: kind(c, x[::-1]).integrate(a, b),
        C, X, 0.4, 3.5,
    )  # fmt: skip
case(
    "PPoly down solve",
    lambda c, x: si.PPoly(c, x[::-1]).solve(0.3, extrapolate=False),
    C, X, skip="bits jit vmap",
)  # fmt: skip
case(
    "BPoly periods", lambda c, x, a, b: si.BPoly(c, x).integrate(a, b, "periodic"), C, X, -1.3, 9.4
)
for method in ("linear", "nearest", "slinear", "cubic", "pchip"):
    case(
        f"grid down {method}",
        lambda a, b, v, p, m=method: si.RegularGridInterpolator((a[::-1], b), v, method=m)(p),
        A, B, V, P, skip="bits nohess" if method in ("cubic", "slinear") else "bits",
    )  # fmt: skip
case("surface beyond", lambda a, b, v, x, y: si.RectBivariateSpline(a, b, v)(x, y, grid=False),
     A, B, V, OFF[:, 0], OFF[:, 1])  # fmt: skip
case("design", lambda s, x: si.BSpline.design_matrix(x, s * KNOTS, 3).toarray(), 1.1, AT)
case(
    "design product",
    lambda s, x: si.BSpline.design_matrix(x, s * KNOTS, 3) @ np.arange(7.0),
    1.1,
    AT,
)
case(
    "design of two",
    lambda s, x: si.NdBSpline.design_matrix(x, (s * KNOTS, KNOTS[1:-1]), (3, 2)).toarray(),
    1.1, np.vstack([P, [[5.9, 5.9]]]),
)  # fmt: skip
case("steps", lambda x, y, t: si.make_interp_spline(x, y, k=0)(t), X, V[:, 0], T[:4])
case("lines", lambda x, y, t: si.make_interp_spline(x, y, k=1)(t), X, V[:, 0], T[:4])
case("NdPPoly integrals", lambda c, t: si.NdPPoly(c, (XN, YN)).antiderivative((1, 2))(t), ND, PN)
case("NdPPoly line", lambda c, t: si.NdPPoly(c, (XN, YN)).integrate_1d(0.2, 0.8, 0)(t),
     ND, PN[:, 0])  # fmt: skip
case("given triangles", lambda v, p: si.LinearNDInterpolator(MESH, v)(p), PLACES[:, 0] ** 2, P)
case("given triangles, smooth", lambda v, p: si.CloughTocher2DInterpolator(MESH, v)(p),
     PLACES[:, 0] ** 2, P)  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_function(name: str, rng: np.random.Generator) -> None:
    f, args, skip = CASES[name]
    checking.check(checking.Case(name, f, args, frozenset(skip.split()), 3e-5), rng)


@pytest.mark.parametrize("nu", [-2, -1, 0, 1, 3])
@pytest.mark.parametrize("way", ["derivative", "antiderivative"])
def test_splines_made_of_splines_keep_scipys_coefficients(way: str, nu: int) -> None:
    def parts(c: Any) -> Any:
        made = getattr(si.BSpline(KNOTS, c, 3), way)(nu)
        return made.t, made.c

    c = np.cos(np.arange(7.0))
    out, _ = ad.jvp(parts, (c,), (c,))
    for got, wanted in zip(out, parts(c), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-13, atol=1e-13)


def test_what_scipy_refuses_is_refused() -> None:
    with pytest.raises(ValueError, match="Order of derivative"):
        ad.grad(lambda c: si.BSpline(KNOTS, c, 3).derivative(4)(1.0))(np.ones(7))
    with pytest.raises(ValueError, match="Out of bounds"):
        ad.grad(lambda x: np.sum(si.BSpline.design_matrix(x, KNOTS, 3).toarray()))(AT + 3)
    with pytest.raises(ad.errors.UnsupportedError, match="recorded points"):
        ad.grad(lambda p: np.sum(si.griddata((p[:, 0], p[:, 1]), PLACES[:, 0], P, method="cubic")))(
            PLACES
        )


def test_design_matrices_lie_as_scipys() -> None:
    def parts(x: Any) -> Any:
        made = si.BSpline.design_matrix(x, KNOTS, 3)
        return made.data, made.indices, made.indptr

    out, _ = ad.jvp(parts, (AT,), (AT,))
    for got, wanted in zip(out, parts(AT), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-14, atol=1e-15)


def test_smoothed_surfaces_move_with_the_places_at_their_knots() -> None:
    """FITPACK puts knots at the data; a sum of squares wide of its goal is not iterated far."""
    at = np.array([1.0, 2.0, 3.3]), np.array([0.7, 2.0, 3.0])

    def f(a: Any, b: Any, v: Any) -> Any:
        return si.RectBivariateSpline(a, b, v, s=2.0)(*at, grid=False)

    x = (A, B, V)
    assert len(si.RectBivariateSpline(*x, s=2.0).get_knots()[0]) > 8  # there are inner ones
    for which in range(3):
        d = tuple(np.sin(1.0 + np.arange(v.size)).reshape(v.shape) * (i == which)
                  for i, v in enumerate(x))  # fmt: skip
        h = 1e-4
        near = [f(*[v + s * h * w for v, w in zip(x, d, strict=True)]) for s in (1, -1)]
        wanted = (near[0] - near[1]) / (2 * h)
        np.testing.assert_allclose(ad.jvp(f, x, d)[1], wanted, rtol=2e-3, atol=2e-3)


def test_ends_that_fitpack_puts_beyond_the_data() -> None:
    """They depend on the places and the inner knots; inside jit too, and where these move."""
    r = np.random.default_rng(3)
    x, y, z = r.uniform(0.2, 1, 60), r.uniform(1, 3, 60), r.normal(size=60)

    def f(x: Any, y: Any, z: Any, s: Any, t: Any) -> Any:
        return si.LSQBivariateSpline(x, y, z, s, t, kx=2, ky=3)(0.1, [1.1, 2.5])

    given = (x, y, z, np.array([0.6]), np.array([1.8, 2.2]))
    assert si.LSQBivariateSpline(*given, kx=2, ky=3).get_knots()[0][0] < 0
    d = tuple(np.cos(np.arange(v.size) + 0.3) for v in given)
    h = 1e-5
    near = [f(*[v + s * h * w for v, w in zip(given, d, strict=True)]) for s in (1, -1)]
    for run in (lambda g: g, ad.jit):
        value, slope = run(lambda *v: ad.jvp(f, v, d))(*given)
        np.testing.assert_allclose(value, f(*given), rtol=1e-9)
        np.testing.assert_allclose(slope, (near[0] - near[1]) / (2 * h), rtol=1e-6)
    np.testing.assert_allclose(ad.jit(lambda z: f(x, y, z, *given[3:]))(z), f(*given), rtol=1e-9)


@pytest.mark.filterwarnings("ignore")
def test_ends_of_data_that_do_not_determine_the_fit() -> None:
    x, y = np.repeat([1.0, 2, 3], 3), np.tile([1.0, 2, 3], 3)
    knots = [1.1, 2.9]

    def f(z: Any, s: Any) -> Any:
        return si.LSQBivariateSpline(x, y, z, [s, 2.9], knots, kx=1, ky=1)(1.5, 2.2)[0, 0]

    z, h = np.array([0.0, 7, 8, 3, 4, 7, 1, 3, 4]), 1e-5
    assert np.isclose(ad.jit(lambda z: f(z, 1.1))(z), f(z, 1.1), rtol=1e-9)
    wanted = (f(z, 1.1 + h) - f(z, 1.1 - h)) / (2 * h)
    assert np.isclose(ad.grad(f, argnums=1)(z, 1.1), wanted, rtol=1e-6)


def test_settings_that_are_not_known_are_refused() -> None:
    places = np.linspace(-1, 1, 9)
    with pytest.raises(ad.errors.UnsupportedError, match="settings inside jit"):
        ad.jit(lambda s: si.AAA(places, np.exp(places), rtol=s)(0.3))(1e-8)
