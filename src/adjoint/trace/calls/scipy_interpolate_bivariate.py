"""FITPACK's splines of two variables, on stand-ins: values, derivatives, integrals and fits.

A fit has SciPy's knots and SciPy's value. Its derivatives are those of the least squares at these
knots; where it is smoothed, those of the least jumps that reach the same sum of squares.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from adjoint.primitives.choose import stop_gradient
from adjoint.trace.borrow_scipy import given_a_holder
from adjoint.trace.calls.scipy_interpolate import refused
from adjoint.trace.calls.scipy_interpolate_smoothing import (
    jumps,
    known_data,
    moving_knots,
    penalised,
)
from adjoint.trace.calls.scipy_interpolate_splines import (
    bspline_integrate,
    derived,
    design,
    made_spline,
    not_a_knot,
)
from adjoint.trace.calls.scipy_interpolate_surfaces import tensor_value
from adjoint.trace.calls.scipy_special import floating
from adjoint.trace.calls.support import as_operand, moved_as
from adjoint.trace.indexing import known_value
from adjoint.trace.scipy_gate import holds_traced, scipy_rule

Parts = tuple[Any, Any, Any, int, int]  # knots of both axes, coefficients as a matrix, degrees


def _parts(tx: Any, ty: Any, c: Any, kx: int, ky: int) -> Parts:
    tx, ty = as_operand(tx), as_operand(ty)
    return tx, ty, np.reshape(floating(c), (tx.shape[0] - kx - 1, ty.shape[0] - ky - 1)), kx, ky


def _derived(parts: Parts, dx: int, dy: int) -> Parts:
    tx, ty, c, kx, ky = parts
    if dx < 0 or dy < 0 or (dx >= kx and dx) or (dy >= ky and dy):
        raise ValueError("order of derivative must be less than degree of spline")
    tx, c, kx = derived(tx, c, kx, dx)
    ty, turned, ky = derived(ty, np.swapaxes(c, 0, 1), ky, dy)
    return tx, ty, np.swapaxes(turned, 0, 1), kx, ky


def _inside(t: Any, k: int, x: Any) -> Any:
    return np.clip(x, t[k], t[t.shape[0] - k - 1])


def _scattered(parts: Parts, x: Any, y: Any) -> Any:
    tx, ty, c, kx, ky = parts
    return tensor_value((tx, ty), c, (kx, ky), [_inside(tx, kx, x), _inside(ty, ky, y)])


def _on_grid(parts: Parts, x: Any, y: Any) -> Any:
    tx, ty, c, kx, ky = parts
    across = np.swapaxes(design(ty, ky, _inside(ty, ky, y)), 0, 1)
    return design(tx, kx, _inside(tx, kx, x)) @ c @ across


@scipy_rule("scipy.interpolate.bisplev")
def bisplev(x: Any, y: Any, tck: Any, dx: int = 0, dy: int = 0) -> Any:
    """The values on a grid."""
    x, y = floating(x), floating(y)
    value = _on_grid(_derived(_parts(*tck), dx, dy), np.atleast_1d(x), np.atleast_1d(y))
    shape = tuple(n for n in value.shape if n > 1)
    return np.reshape(value, shape)


# *** FITPACK's classes ***

_BASE = "scipy.interpolate._fitpack2._BivariateSplineBase"


def _of(self: Any) -> Parts:
    return _parts(*self.tck[:3], *self.degrees)


def _holds(self: Any, *_: Any, **__: Any) -> bool:
    return holds_traced(self.__dict__.get("tck", ()))


@scipy_rule(f"{_BASE}.__call__", wanted=_holds)
def surface_call(self: Any, x: Any, y: Any, dx: int = 0, dy: int = 0, grid: bool = True) -> Any:
    """The value at places, or on the grid of them."""
    x, y = floating(x), floating(y)
    if not grid:
        return surface_ev(self, x, y, dx, dy)
    return _on_grid(_derived(_of(self), dx, dy), np.atleast_1d(x), np.atleast_1d(y))


@scipy_rule("scipy.interpolate.BivariateSpline.ev", wanted=_holds)
def surface_ev(self: Any, xi: Any, yi: Any, dx: int = 0, dy: int = 0) -> Any:
    """The value at scattered places."""
    xi, yi = np.broadcast_arrays(floating(xi), floating(yi))
    flat = _scattered(_derived(_of(self), dx, dy), np.reshape(xi, (-1,)), np.reshape(yi, (-1,)))
    return np.reshape(flat, xi.shape)


@scipy_rule(f"{_BASE}.partial_derivative", wanted=_holds)
def partial_derivative(self: Any, dx: int, dy: int) -> Any:
    """A derivative as another surface."""
    import scipy.interpolate as si

    tx, ty, c, kx, ky = _derived(_of(self), dx, dy)
    made = si.BivariateSpline.__new__(si.BivariateSpline)
    made.tck, made.degrees = (tx, ty, np.reshape(c, (-1,))), (kx, ky)
    return made


@scipy_rule("scipy.interpolate.BivariateSpline.integral", wanted=_holds)
def integral(self: Any, xa: Any, xb: Any, ya: Any, yb: Any) -> Any:
    """The integral over a rectangle, as far as the surface reaches."""
    tx, ty, c, kx, ky = _of(self)
    rows = bspline_integrate(made_spline(tx, c, kx), xa, xb, False)
    return bspline_integrate(made_spline(ty, rows, ky), ya, yb, False)


# *** fits ***


def _moved(tx: Any, ty: Any, c: Any, k: tuple[int, int], x: Any, y: Any, z: Any, w: Any) -> Any:
    """SciPy's coefficients of scattered data, with the derivatives of the fit at its knots."""
    weight = np.ones(x.shape) if w is None else floating(w)
    first, second = design(tx, k[0], x), design(ty, k[1], y)
    n, m = first.shape[1], second.shape[1]
    rows = np.reshape(first[:, :, None] * second[:, None, :], (-1, n * m)) * weight[:, None]
    rough = np.concatenate([
        np.kron(jumps(tx, k[0]), np.eye(m)), np.kron(np.eye(n), jumps(ty, k[1])),
    ])  # fmt: skip
    return penalised(rows, (z * weight)[:, None], rough, np.reshape(c, (-1, 1)))[:, 0]


def _kept(self: Any, tx: Any, ty: Any, c: Any, k: tuple[int, int], fp: Any) -> None:
    self.tck, self.degrees, self.fp = (tx, ty, c), k, fp


def _fixed(name: str, *settings: Any) -> None:
    if holds_traced(settings):
        raise refused(name, "recorded s, knots or ends", "data alone")


@scipy_rule("scipy.interpolate.SmoothBivariateSpline.__init__")
def smooth(
    self: Any, x: Any, y: Any, z: Any, w: Any = None, bbox: Any = (None,) * 4, kx: int = 3,
    ky: int = 3, s: Any = None, eps: float = 1e-16,
) -> None:  # fmt: skip
    """Near to scattered data."""
    import scipy.interpolate as si

    _fixed("SmoothBivariateSpline", s, bbox)
    x, y, z = floating(x), floating(y), floating(z)
    known = known_data("SmoothBivariateSpline", x, y, z, w)
    found = si.SmoothBivariateSpline(*known, list(bbox), kx, ky, s, eps)
    tx, ty, c = found.tck
    _kept(self, tx, ty, _moved(tx, ty, c, (kx, ky), x, y, z, w), (kx, ky), found.fp)


def _around(x: Any, t: Any, k: int, times: int) -> tuple[Any, Any]:
    """The ends that SciPy chooses: beyond the data where its row of knots is not inside them.

    The row holds places that are not filled yet: at zero, or after one call at the ends of that
    call. SciPy calls twice where the data do not determine the fit.
    """
    low, high = as_operand(0.0), as_operand(0.0)
    least, most = np.min(x), np.max(x)
    n = 2 * k + 2 + t.shape[0]
    for _ in range(times):
        row = np.concatenate([np.stack([low, high]), t])
        below, above = np.min(row), np.max(row)
        step = (above - below) / n
        low = np.where(below > least, least, below - step)
        high = np.where(above < most, most, above + step)
    return low, high


def _nearest(end: float, candidates: tuple[Any, Any]) -> Any:
    """The one of two formulas that gave an end."""
    off = [abs(float(known_value(stop_gradient(c))) - end) for c in candidates]
    return candidates[1] if off[1] < off[0] else candidates[0]


@scipy_rule("scipy.interpolate.LSQBivariateSpline.__init__")
def nearest(
    self: Any, x: Any, y: Any, z: Any, tx: Any, ty: Any, w: Any = None,
    bbox: Any = (None,) * 4, kx: int = 3, ky: int = 3, eps: Any = None,
) -> None:  # fmt: skip
    """Nearest to scattered data, with given inner knots."""
    import scipy.interpolate as si

    _fixed("LSQBivariateSpline", bbox)
    x, y, z = floating(x), floating(y), floating(z)
    tx, ty = floating(tx), floating(ty)
    ends = [*_around(x, tx, kx, 1), *_around(y, ty, ky, 1)]
    # The ends depend on the places and knots alone, so that the data need not be known.
    known = [known_value(stop_gradient(v)) for v in (x, y, tx, ty)]
    if all(v is not None for v in known):
        plain = (np.zeros(z.shape), *known[2:])
        kept = None if w is None else known_value(stop_gradient(as_operand(w)))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            first, second, _ = si.LSQBivariateSpline(
                *known[:2], *plain, w=kept, bbox=list(bbox), kx=kx, ky=ky, eps=eps
            ).tck
        told = (first[0], first[-1], second[0], second[-1])
        again = [*_around(x, tx, kx, 2), *_around(y, ty, ky, 2)]
        ends = [moved_as(end, _nearest(end, pair)) for end, pair in
                zip(told, zip(ends, again, strict=True), strict=True)]  # fmt: skip
    ends = [moving if given is None else given for moving, given in zip(ends, bbox, strict=True)]
    knots = [np.concatenate([np.ones(k + 1) * low, floating(t), np.ones(k + 1) * high])
             for t, k, low, high in ((tx, kx, *ends[:2]), (ty, ky, *ends[2:]))]  # fmt: skip
    weight = np.ones(x.shape) if w is None else floating(w)
    parts = design(knots[0], kx, x)[:, :, None] * design(knots[1], ky, y)[:, None, :]
    rows = np.reshape(parts, (x.shape[0], -1)) * weight[:, None]
    c, _, _, _ = np.linalg.lstsq(rows, z * weight)
    left = rows @ c - z * weight
    _kept(self, knots[0], knots[1], c, (kx, ky), np.sum(left * left))


@scipy_rule("scipy.interpolate.bisplrep", wanted=given_a_holder)
def bisplrep(
    x: Any, y: Any, z: Any, w: Any = None, xb: Any = None, xe: Any = None, yb: Any = None,
    ye: Any = None, kx: int = 3, ky: int = 3, task: int = 0, s: Any = None, eps: float = 1e-16,
    tx: Any = None, ty: Any = None, full_output: int = 0, nxest: Any = None, nyest: Any = None,
    quiet: int = 1,
) -> Any:  # fmt: skip
    """Near to scattered data."""
    import scipy.interpolate as si

    _fixed("bisplrep", s, tx, ty, xb, xe, yb, ye)
    if full_output or task == 1:
        raise refused("bisplrep", "full_output or task=1", "task=0 or -1")
    x, y, z = (np.reshape(floating(v), (-1,)) for v in (x, y, z))
    known = known_data("bisplrep", x, y, z, w)
    tx, ty, c, _, _ = si.bisplrep(*known, xb, xe, yb, ye, kx, ky, task, s, eps, tx, ty,
                                  nxest=nxest, nyest=nyest, quiet=quiet)  # fmt: skip
    return [tx, ty, _moved(tx, ty, c, (kx, ky), x, y, z, w), kx, ky]


@scipy_rule("scipy.interpolate.RectBivariateSpline.__init__")
def rectangle(
    self: Any, x: Any, y: Any, z: Any, bbox: Any = (None,) * 4, kx: int = 3, ky: int = 3,
    s: Any = 0, maxit: int = 20,
) -> None:  # fmt: skip
    """Through values on a grid, or near to them."""
    import scipy.interpolate as si

    _fixed("RectBivariateSpline", s, bbox)
    x, y, z = floating(x), floating(y), floating(z)
    if not s and holds_traced([x, y]):
        if kx % 2 == 0 or ky % 2 == 0 or any(end is not None for end in bbox):
            raise refused("RectBivariateSpline", "recorded places with bbox or an even degree",
                          "odd degrees, bbox=None")  # fmt: skip
        tx, ty, fp = not_a_knot(x, kx), not_a_knot(y, ky), 0.0
        c = _through((tx, ty), (kx, ky), x, y, z)
    elif not s:  # then the knots depend on the places alone
        tx, ty, _ = si.RectBivariateSpline(x, y, np.zeros(z.shape), list(bbox), kx, ky).tck
        fp, c = 0.0, _through((tx, ty), (kx, ky), x, y, z)
    else:
        known = known_data("RectBivariateSpline", x, y, z)
        found = si.RectBivariateSpline(*known, list(bbox), kx, ky, s, maxit)
        (tx, ty, start), fp = found.tck, found.fp
        tx, ty = moving_knots(tx, kx, x, tuple(bbox[:2])), moving_knots(ty, ky, y, tuple(bbox[2:]))
        c = _smoothed((tx, ty), (kx, ky), x, y, z, np.reshape(start, (-1,)), fp)
    _kept(self, tx, ty, np.reshape(c, (-1,)), (kx, ky), fp)


Pair = tuple[Any, Any]


def _through(knots: Pair, degrees: tuple[int, int], x: Any, y: Any, z: Any) -> Any:
    first, second = (design(t, k, v) for t, k, v in zip(knots, degrees, (x, y), strict=True))
    return np.swapaxes(np.linalg.solve(second, np.swapaxes(np.linalg.solve(first, z), 0, 1)), 0, 1)


def _smoothed(
    knots: Pair, degrees: tuple[int, int], x: Any, y: Any, z: Any, start: Any, reached: float
) -> Any:
    """FITPACK smooths along both axes with one penalty, whose residual is held."""
    first, second = (design(t, k, v) for t, k, v in zip(knots, degrees, (x, y), strict=True))
    rough = [(b := jumps(t, k)).T @ b for t, k in zip(knots, degrees, strict=True)]
    parts = (first, second, *rough, z)
    known = [known_value(stop_gradient(as_operand(v))) for v in parts]
    penalty = _penalty(lambda p: _grid_fit(p, *known)[1], reached)
    moving = penalty
    for _ in range(2 if penalty else 0):
        _, left, rise = _grid_fit(moving, *parts)
        moving = moving - (left - reached) / rise
    return moved_as(start, np.reshape(_grid_fit(moving, *parts)[0], (-1,)))


def _grid_fit(
    penalty: Any, first: Any, second: Any, rough_first: Any, rough_second: Any, z: Any
) -> tuple[Any, Any, Any]:
    """The coefficients for a penalty, what is left of the data, and how that grows with it."""
    one = np.swapaxes(first, 0, 1) @ first + penalty * rough_first
    other = np.swapaxes(second, 0, 1) @ second + penalty * rough_second

    def across(v: Any) -> Any:
        return np.swapaxes(np.linalg.solve(other, np.swapaxes(v, 0, 1)), 0, 1)

    c = across(np.linalg.solve(one, np.swapaxes(first, 0, 1) @ z @ second))
    left = z - first @ c @ np.swapaxes(second, 0, 1)
    fallen = np.linalg.solve(one, rough_first @ c) + across(c @ rough_second)
    rise = 2 * np.sum(left * (first @ fallen @ np.swapaxes(second, 0, 1)))
    return c, np.sum(left * left), rise


def _penalty(residual: Any, reached: float) -> float:
    """The penalty that leaves a residual; 0 where least squares itself is not nearer."""
    from scipy.optimize import brentq

    def above(log_penalty: float) -> float:
        return float(residual(np.exp(log_penalty))) - reached

    low, high = -35.0, 35.0
    while high > 1 and not _solvable(above, high):  # nothing is left of the data in the equations
        high -= 5
    if not above(low) < 0 < above(high):
        return 0.0
    return float(np.exp(brentq(above, low, high, xtol=1e-12)))


def _solvable(residual: Any, log_penalty: float) -> bool:
    try:
        residual(log_penalty)
    except np.linalg.LinAlgError:
        return False
    return True
