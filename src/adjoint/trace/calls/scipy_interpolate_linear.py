"""scipy.interpolate on stand-in arrays: interp1d and regular grids."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import Any

import numpy as np

from adjoint.graph.types import ArrayType
from adjoint.primitives.choose import stop_gradient
from adjoint.trace.borrow_scipy import holds_itself, own_code
from adjoint.trace.calls.looked_up import found_in
from adjoint.trace.calls.scipy_interpolate import (
    cubic_slopes,
    evaluate,
    from_slopes,
    held,
    interval,
    pchip_slopes,
    pick,
    places_in,
    recorded,
)
from adjoint.trace.calls.scipy_interpolate_splines import make_interp_spline, spline_value
from adjoint.trace.calls.scipy_interpolate_surfaces import tensor_fit, tensor_value
from adjoint.trace.calls.scipy_special import floating
from adjoint.trace.calls.scipy_values import keep_twin, twins_digits
from adjoint.trace.calls.support import as_operand, moved_as
from adjoint.trace.indexing import known_value
from adjoint.trace.scipy_gate import scipy_rule


class _Data:
    """What interp1d was given, with stand-ins in it."""

    def __init__(self, x: Any, y: Any, kind: str, axis: int, error: bool, fill: Any) -> None:
        self.x, self.y, self.kind, self.axis, self.error, self.fill = x, y, kind, axis, error, fill

    @property
    def rest(self) -> tuple[str, int, bool, Any]:
        """All but the data."""
        return self.kind, self.axis, self.error, self.fill


_ORDERS = {"zero": 0, "slinear": 1, "quadratic": 2, "cubic": 3}
_STEPS = ("nearest", "nearest-up", "previous", "next", 0)


@scipy_rule("scipy.interpolate.interp1d.__init__")
def interp1d_init(
    self: Any, x: Any, y: Any, kind: Any = "linear", axis: int = -1, copy: bool = True,
    bounds_error: Any = None, fill_value: Any = np.nan, assume_sorted: bool = False,
) -> None:  # fmt: skip
    """Keep recorded data."""
    x, y = floating(x), floating(y)
    axis %= y.ndim
    if not assume_sorted:
        order = np.argsort(stop_gradient(x), kind="stable")
        x, y = x[order], np.take(y, order, axis=axis)
    extrapolate = isinstance(fill_value, str)
    error = (not extrapolate and np.ndim(fill_value) == 0 and bool(np.isnan(known(fill_value)))
             if bounds_error is None else bool(bounds_error))  # fmt: skip
    if extrapolate and kind in ("previous", "next"):  # nothing is before, or after, the data
        first, last = np.take(y, 0, axis=axis), np.take(y, -1, axis=axis)
        fill_value = (np.nan, last) if kind == "previous" else (first, np.nan)
    self.__dict__["adjoint_data"] = _Data(x, y, kind, axis, error, fill_value)
    self.x, self.y, self.axis, self.bounds_error = x, y, axis, error


def known(x: Any) -> Any:
    """The value of a stand-in, 0 where it has none."""
    value = known_value(x)
    return 0.0 if value is None else value


def _interp1d_recorded(self: Any, *_: Any, **__: Any) -> bool:
    return "adjoint_data" in self.__dict__ or holds_itself(self)


_others = own_code("scipy.interpolate.interp1d.__call__")  # it is that of a base class


@scipy_rule("scipy.interpolate.interp1d.__call__", wanted=_interp1d_recorded)
def interp1d_call(self: Any, x: Any) -> Any:
    """The value at places."""
    if type(self).__name__ != "interp1d":
        return _others(self, x)
    data = self.__dict__.get("adjoint_data")
    if data is None:
        fill = self.fill_value if self._extrapolate is False else "extrapolate"
        if isinstance(fill, np.ndarray) and fill.ndim == 0:
            fill = fill[()]
        kind = self._kind
        if kind == "spline":
            kind = self._spline.k
        data = _Data(self.x, self.y, kind, self.axis % self.y.ndim, self.bounds_error, fill)
    elif data.kind in ("linear", 1) and data.y.ndim == 1 and self.y is not data.y:
        data = _Data(data.x, floating(self.y), *data.rest)  # SciPy reads the attribute then
    places = floating(x)
    grid, y = data.x, np.moveaxis(as_operand(data.y), data.axis, 0)
    value = _between(data.kind, grid, y, places)
    value = _filled(data, grid, places, value)
    order = list(range(value.ndim))
    n = places.ndim
    return np.transpose(value, order[n : n + data.axis] + order[:n] + order[n + data.axis :])


def _between(kind: Any, grid: Any, y: Any, x: Any) -> Any:
    flat = np.reshape(x, (-1,))
    stretched = (flat.shape[0],) + (1,) * (y.ndim - 1)
    kind = _ORDERS.get(kind, kind)
    if kind in ("linear", 1):
        at = interval(grid, flat, grid.shape[0] - 1)
        low, high = pick(grid, at), pick(grid, at + 1)
        first, second = pick(y, at), pick(y, at + 1)
        slope = (second - first) / np.reshape(high - low, stretched)
        value = slope * np.reshape(flat - low, stretched) + first
    elif kind not in _STEPS:
        degree = operator.index(kind)
        if recorded(grid) and degree == 3:
            c = from_slopes(grid, y, cubic_slopes(grid, y, "not-a-knot"))
            value = evaluate(c, grid, flat, 0, True, 0)
        else:
            spline = make_interp_spline(grid, y, degree)
            value = spline_value(held(spline, "t"), held(spline, "c"), degree, flat)
    else:
        value = pick(y, _step(kind, grid, flat))
    return np.reshape(value, x.shape + tuple(y.shape[1:]))


def _step(kind: Any, grid: Any, x: Any) -> Any:
    grid, x = stop_gradient(as_operand(grid)), stop_gradient(x)
    n = grid.shape[0]
    if kind in ("nearest", "nearest-up"):
        middle = grid[:-1] + np.diff(grid) / 2.0
        return np.clip(places_in(middle, x, "left" if kind == "nearest" else "right"), 0, n - 1)
    if kind in ("previous", 0):
        return np.clip(places_in(grid, x, "right") - 1, 0, n - 1)
    return np.clip(places_in(grid, x, "left"), 0, n - 1)


def _filled(data: _Data, grid: Any, x: Any, value: Any) -> Any:
    """Outside: an error, a number on each side, or the last interval's line."""
    below, above = x < grid[0], x > grid[-1]
    if data.error:
        outside = known(np.any(below | above)) if recorded(below) or recorded(above) else np.any(
            below | above
        )  # fmt: skip
        if outside:
            raise ValueError("A value in x_new is outside the interpolation range.")
        return value
    if isinstance(data.fill, str):
        return value
    low, high = data.fill if isinstance(data.fill, tuple) else (data.fill, data.fill)
    shape = x.shape + (1,) * (value.ndim - x.ndim)
    value = np.where(np.reshape(below, shape), low, value)
    return np.where(np.reshape(above, shape), high, value)


# *** regular grids ***


def _corner(values: Any, corner: tuple[Any, ...]) -> Any:
    """The values at places given axis by axis; the places may be recorded, the values fixed."""
    n = len(corner)
    place: Any = 0
    for at, extent in zip(corner, values.shape, strict=False):
        place = place * extent + at
    return pick(np.reshape(values, (-1, *values.shape[n:])), place)


@dataclass(frozen=True)
class _Coefficients:
    """SciPy's coefficients of the splines through values on a grid, by its iterative solver."""

    degree: int
    solver: Any
    settings: tuple[tuple[str, Any], ...]

    def __call__(self, values: Any, *grid: Any) -> tuple[Any]:
        from scipy.interpolate import RegularGridInterpolator

        kind = {1: "slinear", 3: "cubic", 5: "quintic"}[self.degree]
        given = {"solver": self.solver, "solver_args": dict(self.settings)} if self.solver else {}
        made = RegularGridInterpolator(grid, values, kind, **given)
        return (np.asarray(made._spline.c),)


def _spline_on(grid: Any, values: Any, method: str, solver: Any, settings: Any) -> Any:
    """Knots and coefficients; the latter are SciPy's, which are good to some six digits."""
    degree = _DEGREES[method]
    knots, c = tensor_fit(grid, values, degree)
    if method in ("slinear", "cubic", "quintic"):
        look = _Coefficients(degree, solver, tuple((settings or {}).items()))
        (own,) = found_in(look, [ArrayType(c.shape, c.dtype)], values, *grid)
        c = moved_as(own, c)
    return knots, c


def _ascending(points: Any, values: Any) -> tuple[Any, Any]:
    """Grids that descend are turned round, with the values on them."""
    grid = [as_operand(p) for p in points]
    values = floating(values)
    for axis, p in enumerate(grid):
        place = known_value(p)
        if place is None and p.shape[0] > 1:
            turned = stop_gradient(p[0] > p[-1])
            grid[axis] = np.where(turned, np.flip(p), p)
            values = np.where(turned, np.flip(values, axis), values)
        elif place is not None and place.shape[0] > 1 and place[0] > place[-1]:
            grid[axis], values = np.flip(p), np.flip(values, axis)
    return tuple(grid), values


def _folded(points: Any, values: Any, flat: Any) -> Any:
    """Monotone cubics along one axis after another, from the last, at each place."""
    n, count = len(points), flat.shape[0]
    values = np.broadcast_to(values[..., None], (*values.shape, count))
    values = np.moveaxis(values, -1, n)  # behind the axes of the grid: the places
    for axis in range(n - 1, -1, -1):
        grid, y, x = floating(points[axis]), np.moveaxis(values, axis, 0), flat[:, axis]
        at = interval(grid, x, grid.shape[0] - 1)
        c = from_slopes(grid, y, pchip_slopes(grid, y))
        c = np.moveaxis(c, 2 + axis, 2)  # powers, intervals, places, and the axes before
        c = np.reshape(c, (4, -1, *c.shape[3:]))
        c = pick(np.moveaxis(c, 0, 1), at * count + np.arange(count))
        off = np.reshape(x - pick(grid, at), (-1, *(1,) * (c.ndim - 2)))
        total = ((c[:, 0] * off + c[:, 1]) * off + c[:, 2]) * off + c[:, 3]
        values = np.moveaxis(total, 0, axis)
    return values


_DEGREES = {"slinear": 1, "cubic": 3, "quintic": 5, "slinear_legacy": 1, "cubic_legacy": 3,
            "quintic_legacy": 5, "splinef2d": 3}  # fmt: skip


def _on_grid(
    points: Any, values: Any, xi: Any, method: str, error: bool, fill: Any,
    nu: Any = None, spline: Any = None,
) -> Any:  # fmt: skip
    """Multilinear: every corner of the cell with its weight."""
    degree = _DEGREES.get(method)
    if degree is None and method not in ("linear", "nearest", "pchip"):
        raise ValueError(f"Method '{method}' is not defined")
    if isinstance(xi, tuple):
        shape = np.broadcast_shapes(*[np.shape(x) for x in xi])
        xi = np.stack([np.broadcast_to(as_operand(x), shape) for x in xi], axis=-1)
    xi, values = floating(xi), floating(values)
    n = len(points)
    if xi.ndim == 1 and n > 1:
        xi = xi[None, :]
    elif xi.ndim == 1:
        xi = xi[:, None]
    lead = xi.shape[:-1]
    flat = np.reshape(xi, (-1, n))
    cells, shares, outside = [], [], False
    for axis, grid in enumerate(points):
        grid = as_operand(grid)
        x = flat[:, axis]
        at = interval(grid, x, grid.shape[0] - 1)
        cells.append(at)
        low, high = pick(grid, at), pick(grid, at + 1)
        shares.append((x - low) / (high - low))
        outside = outside | (x < grid[0]) | (x > grid[-1])
    if error and bool(np.any(known(outside))):
        raise ValueError("One of the requested xi is out of bounds")
    extra = (1,) * (values.ndim - n)
    if degree is not None:
        knots, c = spline() if spline else _spline_on(points, values, method, None, None)
        total = tensor_value(knots, c, (degree,) * n, [flat[:, i] for i in range(n)], nu)
    elif method == "pchip":
        total = _folded(points, values, flat)
    elif method == "nearest":
        corner = tuple(np.where(stop_gradient(s) <= 0.5, at, at + 1)
                       for at, s in zip(cells, shares, strict=True))  # fmt: skip
        total = _corner(values, corner)
    else:
        total = 0.0
        for bits in np.ndindex(*(2,) * n):
            weight: Any = 1.0
            for bit, share in zip(bits, shares, strict=True):
                weight = weight * (share if bit else 1 - share)
            corner = tuple(at + bit for at, bit in zip(cells, bits, strict=True))
            total = total + _corner(values, corner) * np.reshape(weight, (-1, *extra))
    if not error and fill is not None:
        total = np.where(np.reshape(outside, (-1, *extra)), fill, total)
    return np.reshape(total, lead + tuple(values.shape[n:]))


@scipy_rule("scipy.interpolate.interpn")
def interpn(
    points: Any, values: Any, xi: Any, method: str = "linear", bounds_error: bool = True,
    fill_value: Any = np.nan,
) -> Any:  # fmt: skip
    """Interpolation on a regular grid."""
    points, values = _ascending(points, values)
    return _on_grid(points, values, xi, method, bounds_error, fill_value)


@scipy_rule("scipy.interpolate.RegularGridInterpolator.__init__")
def grid_init(
    self: Any, points: Any, values: Any, method: str = "linear", bounds_error: bool = True,
    fill_value: Any = np.nan, *, solver: Any = None, solver_args: Any = None,
) -> None:  # fmt: skip
    """Keep recorded values."""
    solving = {"solver": solver, "solver_args": solver_args}
    keep_twin(self, points, values, method, bounds_error, fill_value, **solving)
    grid, values = _ascending(points, values)
    held = (grid, values, bounds_error, fill_value)
    self.__dict__["adjoint_recorded"] = (*held, (solver, solver_args))
    self.method = method


@scipy_rule(
    "scipy.interpolate.RegularGridInterpolator.__call__",
    wanted=lambda self, *_, **__: "adjoint_recorded" in self.__dict__,
)
def grid_call(self: Any, xi: Any, method: Any = None, *, nu: Any = None) -> Any:
    """The value at places."""
    return twins_digits(self, "__call__", _grid_value(self, xi, method, nu), xi, method, nu=nu)


def _grid_value(self: Any, xi: Any, method: Any, nu: Any) -> Any:
    changed, method = method not in (None, self.method), method or self.method
    if nu is not None and method not in ("slinear", "cubic", "quintic"):
        raise ValueError(f"Can only compute derivatives for methods slinear, cubic and quintic, "
                         f"got {method!r}")  # fmt: skip
    spline = None
    if "adjoint_recorded" in self.__dict__:
        grid, values, error, fill, solver = self.__dict__["adjoint_recorded"]
        if method in _DEGREES and not changed:

            def spline() -> Any:
                return _spline_on(grid, values, method, *solver)
    else:
        grid, values, error, fill = self.grid, self.values, self.bounds_error, self.fill_value
        made = getattr(self, "_spline", None)
        if made is not None and not changed:

            def spline() -> Any:
                return made.t, made.c

    return _on_grid(grid, values, xi, method, error, fill, nu, spline)
