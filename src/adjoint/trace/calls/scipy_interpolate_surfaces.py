"""Splines and scattered data in several dimensions, on stand-in arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.trace import borrow
from adjoint.trace.borrow_scipy import borrow_class, borrow_classes, holds_itself
from adjoint.trace.calls.scipy_interpolate import held, pick, recorded, refused
from adjoint.trace.calls.scipy_interpolate_smoothing import splrep
from adjoint.trace.calls.scipy_interpolate_splines import (
    basis,
    made_spline,
    make_interp_spline,
    make_lsq_spline,
    splev,
    splint,
)
from adjoint.trace.calls.scipy_special import doubled, floating
from adjoint.trace.calls.support import as_operand
from adjoint.trace.indexing import concrete_value
from adjoint.trace.scipy_gate import holds_traced, scipy_rule

borrow_classes(
    "scipy.interpolate", "Akima1DInterpolator KroghInterpolator BarycentricInterpolator Rbf"
)
borrow_class("scipy.interpolate._polyint._Interpolator1D", without=("__call__",))
borrow_class("scipy.interpolate._polyint._Interpolator1DWithDerivatives")
borrow_class("scipy.interpolate._bary_rational.FloaterHormannInterpolator")
borrow_class("scipy.interpolate._bary_rational._BarycentricRational")


def tensor_value(knots: Any, c: Any, degrees: Any, places: list[Any]) -> Any:
    """A tensor product of splines at scattered places, one array of them for each axis."""
    n = len(degrees)
    c = floating(c)
    firsts, weights = [], []
    for t, k, x in zip(knots, degrees, places, strict=True):
        first, values = basis(floating(t), k, x)
        firsts.append(first)
        weights.append(values)
    flat = np.reshape(c, (-1, *c.shape[n:]))
    total: Any = 0.0
    for index in np.ndindex(*[k + 1 for k in degrees]):
        at: Any = 0
        weight: Any = 1.0
        for axis, j in enumerate(index):
            at = at * c.shape[axis] + (firsts[axis] + j)
            weight = weight * weights[axis][j]
        total = total + np.reshape(weight, weight.shape + (1,) * (c.ndim - n)) * pick(flat, at)
    return total


def tensor_fit(grid: Any, values: Any, degree: int) -> tuple[list[Any], Any]:
    """Knots and coefficients of the splines through values on a grid, axis by axis."""
    knots = []
    c = floating(values)
    for axis, points in enumerate(grid):
        spline = make_interp_spline(points, np.moveaxis(c, axis, 0), degree)
        knots.append(held(spline, "t"))
        c = np.moveaxis(floating(held(spline, "c")), 0, axis)
    return knots, c


# *** one dimension, FITPACK's classes ***

_U = "scipy.interpolate.UnivariateSpline"


def _holds_tck(self: Any, *args: Any, **kwargs: Any) -> bool:
    return holds_traced(self.__dict__.get("_eval_args", ()))


@scipy_rule("scipy.interpolate.InterpolatedUnivariateSpline.__init__")
def interpolated(
    self: Any, x: Any, y: Any, w: Any = None, bbox: Any = (None, None), k: int = 3, ext: Any = 0,
    check_finite: bool = False,
) -> None:  # fmt: skip
    """Through all the data."""
    self._eval_args = splrep(x, y, w=w, xb=bbox[0], xe=bbox[1], k=k, s=0)
    self.ext = _extension(ext)


@scipy_rule(f"{_U}.__init__")
def smoothed(
    self: Any, x: Any, y: Any, w: Any = None, bbox: Any = (None, None), k: int = 3,
    s: Any = None, ext: Any = 0, check_finite: bool = False,
) -> None:  # fmt: skip
    """Near to the data; through all of them for s=0."""
    s = np.shape(x)[0] if s is None else s
    self._eval_args = splrep(x, y, w=w, xb=bbox[0], xe=bbox[1], k=k, s=s)
    self.ext = _extension(ext)


def _extension(ext: Any) -> int:
    names = {"extrapolate": 0, "zeros": 1, "raise": 2, "const": 3}
    return names[ext] if isinstance(ext, str) else int(ext)


@scipy_rule(f"{_U}.__call__", wanted=_holds_tck)
def univariate_call(self: Any, x: Any, nu: int = 0, ext: Any = None) -> Any:
    """The value, or a derivative, at places."""
    return splev(x, self._eval_args, nu, self.ext if ext is None else _extension(ext))


@scipy_rule(f"{_U}.integral", wanted=_holds_tck)
def univariate_integral(self: Any, a: Any, b: Any) -> Any:
    """The integral between two places."""
    return splint(a, b, self._eval_args)


def _turned_into(name: str) -> None:
    """Another spline made from this one."""

    @scipy_rule(f"{_U}.{name}", wanted=_holds_tck)
    def rule(self: Any, n: int = 1) -> Any:
        import scipy.interpolate as si

        t, c, k = self._eval_args
        made = getattr(made_spline(floating(t), floating(c), k), name)(n)
        kind = si.UnivariateSpline
        found = kind.__new__(kind)
        found._eval_args = (held(made, "t"), held(made, "c"), made.k)
        # what is constant beyond the ends has no slope there
        found.ext = 1 if name == "derivative" and self.ext == 3 else self.ext
        return found


_turned_into("derivative")
_turned_into("antiderivative")


@scipy_rule("scipy.interpolate.LSQUnivariateSpline.__init__")
def least_squares(
    self: Any, x: Any, y: Any, t: Any, w: Any = None, bbox: Any = (None, None), k: int = 3,
    ext: Any = 0, check_finite: bool = False,
) -> None:  # fmt: skip
    """Nearest to the data, with given inner knots."""
    x = floating(x)
    low, high = (end if end is not None else x[at] for end, at in zip(bbox, (0, -1), strict=True))
    inner = floating(t)
    ends = [np.full(k + 1, 1.0) * low, inner, np.full(k + 1, 1.0) * high]
    spline = make_lsq_spline(x, y, np.concatenate(ends), k, w)
    self._eval_args = (held(spline, "t"), held(spline, "c"), k)
    self.ext = _extension(ext)


# *** two dimensions ***


@scipy_rule("scipy.interpolate.RectBivariateSpline.__init__")
def rectangle(
    self: Any, x: Any, y: Any, z: Any, bbox: Any = (None,) * 4, kx: int = 3, ky: int = 3,
    s: Any = 0, maxit: int = 20,
) -> None:  # fmt: skip
    """Through values on a grid."""
    if s or kx != ky or kx % 2 == 0 or any(b is not None for b in bbox):
        raise refused("RectBivariateSpline", "smoothing, bbox, or degrees other than kx = ky odd")
    knots, c = tensor_fit((x, y), z, kx)
    self.tck = (*knots, np.reshape(c, (-1,)))
    self.degrees = (kx, ky)
    self.fp = 0.0


def _holds_surface(self: Any, *_: Any, **__: Any) -> bool:
    return holds_traced(self.__dict__.get("tck", ()))


def _surface(self: Any, x: Any, y: Any, dx: int, dy: int) -> Any:
    tx, ty, c = self.tck[:3]
    kx, ky = self.degrees
    c = np.reshape(floating(c), (np.shape(tx)[0] - kx - 1, np.shape(ty)[0] - ky - 1))
    if dx or dy:
        raise refused(type(self).__name__, "dx or dy", "ad.grad of the value")
    tx, ty = as_operand(tx), as_operand(ty)
    x = np.clip(x, tx[kx], tx[tx.shape[0] - kx - 1])
    y = np.clip(y, ty[ky], ty[ty.shape[0] - ky - 1])
    return tensor_value((tx, ty), c, (kx, ky), [x, y])


@scipy_rule("scipy.interpolate._fitpack2._BivariateSplineBase.__call__", wanted=_holds_surface)
def surface_call(self: Any, x: Any, y: Any, dx: int = 0, dy: int = 0, grid: bool = True) -> Any:
    """The value at places, or on the grid of them."""
    x, y = floating(x), floating(y)
    if not grid:
        return surface_ev(self, x, y, dx, dy)
    whole = np.broadcast_arrays(x[:, None], y[None, :])
    flat = [np.reshape(v, (-1,)) for v in whole]
    return np.reshape(_surface(self, flat[0], flat[1], dx, dy), (x.shape[0], y.shape[0]))


@scipy_rule("scipy.interpolate.BivariateSpline.ev", wanted=_holds_surface)
def surface_ev(self: Any, xi: Any, yi: Any, dx: int = 0, dy: int = 0) -> Any:
    """The value at scattered places."""
    xi, yi = np.broadcast_arrays(floating(xi), floating(yi))
    flat = _surface(self, np.reshape(xi, (-1,)), np.reshape(yi, (-1,)), dx, dy)
    return np.reshape(flat, xi.shape)


@scipy_rule("scipy.interpolate.NdBSpline.__init__")
def nd_spline(self: Any, t: Any, c: Any, k: Any, *, extrapolate: Any = None) -> None:
    """From recorded coefficients."""
    n = len(t)
    self._k = np.asarray([int(k)] * n if np.ndim(k) == 0 else [int(v) for v in k])
    self.adjoint_knots = tuple(as_operand(part) for part in t)
    self._c = floating(c)
    self.extrapolate = True if extrapolate is None else bool(extrapolate)


@scipy_rule("scipy.interpolate.NdBSpline.__call__", wanted=holds_itself)
def nd_spline_call(self: Any, xi: Any, *, nu: Any = None, extrapolate: Any = None) -> Any:
    """The value at places."""
    if nu is not None:
        raise refused("NdBSpline", "nu", "ad.grad of the value")
    knots = self.__dict__.get("adjoint_knots") or self.t
    xi = floating(xi)
    flat = np.reshape(xi, (-1, len(knots)))
    value = tensor_value(knots, self._c, tuple(self.k), [flat[:, i] for i in range(len(knots))])
    return np.reshape(value, xi.shape[:-1] + tuple(value.shape[1:]))


# *** scattered data ***


@scipy_rule("scipy.interpolate.RBFInterpolator.__init__")
def radial(
    self: Any, y: Any, d: Any, neighbors: Any = None, smoothing: Any = 0.0,
    kernel: str = "thin_plate_spline", epsilon: Any = None, degree: Any = None,
) -> None:  # fmt: skip
    """A sum of radial functions through data, and a polynomial."""
    from scipy.interpolate import _rbfinterp as code
    from scipy.interpolate import _rbfinterp_xp as backend

    if neighbors is not None:
        raise refused("RBFInterpolator", "neighbors=", "all the data: neighbors=None")
    y, d = floating(y), floating(d)
    if d.dtype.kind == "c":
        raise refused("RBFInterpolator", "complex data", "the real and the imaginary part")
    if epsilon is None:
        if kernel not in code._SCALE_INVARIANT:
            raise ValueError("`epsilon` must be specified for this kernel")
        epsilon = 1.0
    if degree is None:
        degree = max(code._NAME_TO_MIN_DEGREE.get(kernel, -1), 0)
    powers = backend._monomial_powers(y.shape[1], degree, np)
    flat = np.reshape(d, (d.shape[0], -1))
    spread = np.zeros(y.shape[0]) + smoothing
    solve = borrow.borrowed(backend._build_and_solve_system)
    shift, scale, coefficients = solve(y, flat, spread, kernel, epsilon, powers, np)
    self.__dict__["adjoint_radial"] = (
        y, kernel, epsilon, powers, shift, scale, coefficients, d.shape[1:],
    )  # fmt: skip


@scipy_rule(
    "scipy.interpolate.RBFInterpolator.__call__",
    wanted=lambda self, *_, **__: "adjoint_radial" in self.__dict__,
)
def radial_call(self: Any, x: Any) -> Any:
    """The value at places."""
    from scipy.interpolate import _rbfinterp_xp as backend

    found = self.__dict__.get("adjoint_radial")
    if found is None:
        if self.neighbors is not None:
            raise refused("RBFInterpolator", "neighbors=", "all the data: neighbors=None")
        found = (self.y, self.kernel, self.epsilon, self.powers, self._shift, self._scale,
                 self._coeffs, self.d_shape)  # fmt: skip
    y, kernel, epsilon, powers, shift, scale, coefficients, shape = found
    x = floating(x)
    compute = borrow.borrowed(backend.compute_interpolation)
    value = compute(x, y, kernel, epsilon, powers, shift, scale, coefficients, np)
    return np.reshape(value, (x.shape[0], *shape))


def _fixed_points(points: Any, name: str) -> Any:
    if holds_traced([points]):
        raise refused(name, "recorded data points (their triangles are chosen by their places)",
                      "RBFInterpolator, which moves with its points")  # fmt: skip
    points = np.stack(points, axis=-1) if isinstance(points, tuple) else np.asarray(points, float)
    return points[:, None] if points.ndim == 1 else points


def _linear(points: Any, values: Any, xi: Any, fill: Any, name: str) -> Any:
    """Barycentric coordinates in Delaunay's triangles; both values and places may be recorded."""
    from scipy.spatial import Delaunay

    mesh = Delaunay(_fixed_points(points, name))
    xi = np.stack(np.broadcast_arrays(*xi), axis=-1) if isinstance(xi, tuple) else xi
    xi, values = doubled(xi), doubled(values)
    flat = np.reshape(xi, (-1, xi.shape[-1]))
    known = concrete_value(flat) if recorded(flat) else flat
    if known is None:
        raise refused(name, "places that are not known, inside jit or vmap,", "RBFInterpolator")
    cell = mesh.find_simplex(known)
    n = flat.shape[-1]
    turn = mesh.transform[cell]
    share = np.sum(turn[:, :n, :] * (flat - turn[:, n, :])[:, None, :], axis=-1)
    share = np.concatenate([share, 1 - np.sum(share, axis=-1, keepdims=True)], axis=-1)
    corners = mesh.simplices[cell]
    extra = (1,) * (values.ndim - 1)
    total: Any = 0.0
    for j in range(n + 1):
        total = total + np.reshape(share[:, j], (-1, *extra)) * pick(values, corners[:, j])
    total = np.where(np.reshape(cell >= 0, (-1, *extra)), total, fill)
    return np.reshape(total, xi.shape[:-1] + tuple(values.shape[1:]))


def _nearest(points: Any, values: Any, xi: Any, name: str) -> Any:
    from scipy.spatial import KDTree

    xi = np.stack(np.broadcast_arrays(*xi), axis=-1) if isinstance(xi, tuple) else xi
    known = concrete_value(xi) if recorded(xi) else np.asarray(xi, float)
    if known is None:
        raise refused(name, "places that are not known, inside jit or vmap,", "fixed places")
    _, at = KDTree(_fixed_points(points, name)).query(known)
    return doubled(values)[at]


@scipy_rule("scipy.interpolate.griddata")
def griddata(
    points: Any, values: Any, xi: Any, method: str = "linear", fill_value: Any = np.nan,
    rescale: bool = False, simplex_tolerance: float = 1.0,
) -> Any:  # fmt: skip
    """Scattered data at other places."""
    if rescale or method not in ("linear", "nearest"):
        raise refused("griddata", f"method={method!r} or rescale", "linear, or RBFInterpolator")
    if method == "nearest":
        return _nearest(points, values, xi, "griddata")
    return _linear(points, values, xi, fill_value, "griddata")


@scipy_rule("scipy.interpolate.bisplrep")
def bisplrep(*_: Any, **__: Any) -> Any:
    """Compiled code that has its own word for what is no array."""
    raise refused("bisplrep", "a fit whose knots are chosen by the data", "RectBivariateSpline")
