"""Scattered data on stand-ins: in the values, the places and, if linear, the points.

Triangles are found by SciPy: at once where points and places are known, and otherwise when the
program runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import FunctionType
from typing import Any

import numpy as np
import scipy.interpolate as si

from adjoint.graph.types import ArrayType
from adjoint.primitives.choose import stop_gradient
from adjoint.trace.calls.looked_up import found_in
from adjoint.trace.calls.scipy_interpolate import pick, refused
from adjoint.trace.calls.scipy_special import doubled, floating
from adjoint.trace.calls.scipy_values import valued_rule
from adjoint.trace.calls.support import as_operand, moved_as
from adjoint.trace.scipy_gate import holds_traced, scipy_rule

_INTEGER, _DOUBLE = np.dtype(np.int64), np.dtype(np.float64)


def _types(shapes: tuple[tuple[int, ...], ...], first: Any) -> list[ArrayType]:
    """What is looked up: the third is whether there is something, the others are numbers."""
    kinds = (first, _DOUBLE, np.dtype(bool), _DOUBLE)
    return [ArrayType(shape, kind) for shape, kind in zip(shapes, kinds, strict=False)]


@dataclass(frozen=True)
class _Corners:
    """The corners of the triangle around each place, its map to their shares, and if there is one.

    Shares are ``map[:-1] @ (place - map[-1])``.
    """

    mesh: Any

    def __call__(self, points: Any, places: Any) -> tuple[Any, Any, Any]:
        from scipy.spatial import Delaunay

        mesh = self.mesh or Delaunay(points)
        cell = mesh.find_simplex(places)
        inside = cell >= 0
        maps = np.where(inside[:, None, None], mesh.transform[cell], 0.0)
        return np.where(inside[:, None], mesh.simplices[cell], 0), maps, inside


@dataclass(frozen=True)
class _Nearest:
    """The point that is next to each place."""

    def __call__(self, points: Any, places: Any) -> tuple[Any]:
        from scipy.spatial import KDTree

        return (KDTree(points).query(places)[1],)


@dataclass(frozen=True)
class _Cubic:
    """Clough and Tocher's surface at ten places of the part of the triangle around each place.

    It is cubic there, so ten values say what it is. The places are the corners and thirds of the
    sides of a small triangle around the place; what comes back is how much each of the data
    counts for them, the corners of the small triangle, whether there is one, and the value.
    """

    mesh: Any
    settings: tuple[tuple[str, Any], ...]

    def __call__(self, points: Any, places: Any, rows: Any) -> tuple[Any, ...]:
        from scipy.spatial import Delaunay

        mesh, settings = self.mesh or Delaunay(points), dict(self.settings)
        cell = mesh.find_simplex(places)
        whole = points[np.where(cell[:, None] >= 0, mesh.simplices[cell], mesh.simplices[0])]
        middle = whole.mean(axis=1)
        best, parts = np.full(len(places), -np.inf), whole.copy()
        for j in range(3):  # the part whose smallest coordinate of the place is largest
            part = whole.copy()
            part[:, j] = middle
            least = _coordinates(part, places).min(axis=-1)
            parts = np.where((least > best)[:, None, None], part, parts)
            best = np.maximum(best, least)
        inner = 0.98 * parts + 0.02 * parts.mean(axis=1, keepdims=True)  # off the sides
        lattice = np.einsum("ij,njk->nik", _LATTICE / 3, inner)
        counts = si.CloughTocher2DInterpolator(mesh, np.eye(len(points)), **settings)(lattice)
        value = si.CloughTocher2DInterpolator(mesh, rows, **settings)(places)
        return counts, inner, cell >= 0, value


def _coordinates(corners: Any, places: Any) -> Any:
    """The shares of three corners in each place."""
    a, b = corners[:, 0] - corners[:, 2], corners[:, 1] - corners[:, 2]
    off = places - corners[:, 2]
    area = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
    first = (off[:, 0] * b[:, 1] - off[:, 1] * b[:, 0]) / area
    second = (a[:, 0] * off[:, 1] - a[:, 1] * off[:, 0]) / area
    return np.stack([first, second, 1 - first - second], axis=-1)


_LATTICE = np.array([(i, j, 3 - i - j) for i in range(4) for j in range(4 - i)])


def _cubic_shares(share: Any) -> Any:
    """How much each of the ten places counts: Lagrange's polynomials of the third degree."""
    made = []
    for counts in _LATTICE:
        value: Any = 1.0
        for axis, n in enumerate(counts):
            for m in range(n):
                value = value * (3 * share[:, axis] - m) / (n - m)
        made.append(value)
    return np.stack(made, axis=-1)


class _Surface:
    """What an interpolation of scattered data was given."""

    def __init__(self, kind: str, points: Any, values: Any, fill: Any, rescale: bool,
                 **settings: Any) -> None:  # fmt: skip
        self.mesh = points if hasattr(points, "simplices") else None  # given triangles
        points = points.points if self.mesh is not None else points
        points = np.stack(np.broadcast_arrays(*points), -1) if type(points) is tuple else points
        self.points = doubled(points)
        # SciPy holds the array that it is given, and sees what is written into it
        values = floating(values)
        self.values = values if values.dtype.char in "dD" else doubled(values)
        self.kind, self.fill, self.settings = kind, fill, tuple(settings.items())
        self.rows: Any = None  # the values as SciPy's attribute
        self.shift: Any = 0.0
        self.scale: Any = 1.0
        if rescale and self.mesh is not None:
            raise ValueError("Rescaling is not supported when passing a Delaunay triangulation.")
        if rescale:
            spread = np.max(self.points, axis=0) - np.min(self.points, axis=0)
            self.shift = np.mean(self.points, axis=0)
            self.scale = np.where(stop_gradient(spread) > 0, spread, 1.0)
        self.points = (self.points - self.shift) / self.scale

    def at(self, xi: Any) -> Any:
        """The values at places, which lie along the last axis."""
        xi = np.stack(np.broadcast_arrays(*xi), axis=-1) if type(xi) is tuple else xi
        xi = doubled(xi)
        flat = (np.reshape(xi, (-1, xi.shape[-1])) - self.shift) / self.scale
        rows = np.reshape(self.values, (self.values.shape[0], -1))
        value = getattr(self, f"_{self.kind}")(flat, rows)
        return np.reshape(value, (*xi.shape[:-1], *self.values.shape[1:]))

    def _nearest(self, flat: Any, rows: Any) -> Any:
        types = [ArrayType((flat.shape[0],), _INTEGER)]
        return pick(rows, found_in(_Nearest(), types, self.points, flat)[0])

    def _linear(self, flat: Any, rows: Any) -> Any:
        n, dims = flat.shape
        shapes = (n, dims + 1), (n, dims + 1, dims), (n,)
        corners, maps, inside = found_in(
            _Corners(self.mesh), _types(shapes, _INTEGER), self.points, flat
        )
        share = np.sum(maps[:, :dims] * (flat - maps[:, dims])[:, None, :], axis=-1)
        if hasattr(self.points, "recorder"):
            ends = np.reshape(pick(self.points, np.reshape(corners, (-1,))), (n, dims + 1, dims))
            sides = np.swapaxes(ends[:, :dims] - ends[:, dims:], 1, 2)
            sides = np.where(inside[:, None, None], sides, np.eye(dims))
            moving = np.linalg.solve(sides, (flat - ends[:, dims])[:, :, None])[:, :, 0]
            share = moved_as(share, moving)
        share = np.concatenate([share, 1 - np.sum(share, axis=-1, keepdims=True)], axis=-1)
        total: Any = 0.0
        for j in range(dims + 1):
            total = total + share[:, j : j + 1] * pick(rows, corners[:, j])
        return np.where(inside[:, None], total, self.fill)

    def _cubic(self, flat: Any, rows: Any) -> Any:
        n, count = flat.shape[0], rows.shape[0]
        if flat.shape[1] != 2:
            raise ValueError("Clough and Tocher's surface has two dimensions")
        shapes = (n, 10, count), (n, 3, 2), (n,), (n, rows.shape[1])
        look, types = _Cubic(self.mesh, self.settings), _types(shapes, _DOUBLE)
        counts, corners, inside, known = found_in(look, types, self.points, flat, rows)
        places = np.where(inside[:, None], flat, np.mean(corners, axis=1))
        weights = _cubic_shares(_coordinates(corners, places))
        heights = np.where(inside[:, None, None], counts, 0.0) @ rows
        moving = np.sum(weights[:, :, None] * heights, axis=1)
        return np.where(inside[:, None], moved_as(known, moving), self.fill)


# *** SciPy's names ***


def _reachable(cls: Any) -> None:
    """Methods of compiled classes, as Python functions that rules can be put in the place of."""
    first, call = cls.__init__, cls.__call__
    if isinstance(first, FunctionType):
        return

    def initialize(self: Any, *args: Any, **options: Any) -> None:
        first(self, *args, **options)

    def evaluate(self: Any, *args: Any, **options: Any) -> Any:
        return call(self, *args, **options)

    for own, ours in ((first, initialize), (call, evaluate)):
        ours.__doc__, ours.__name__ = own.__doc__, own.__name__
        setattr(cls, own.__name__, ours)


for _kind in (si.LinearNDInterpolator, si.CloughTocher2DInterpolator):
    _reachable(_kind)


def _holds(self: Any, *places: Any) -> bool:
    return "adjoint_surface" in self.__dict__


@scipy_rule("scipy.interpolate.LinearNDInterpolator.__init__")
def linear(
    self: Any, points: Any, values: Any, fill_value: Any = np.nan, rescale: bool = False
) -> None:
    """Between the corners of triangles."""
    _keep(self, _Surface("linear", points, values, fill_value, rescale))


def _keep(self: Any, surface: _Surface) -> None:
    """Hold what was given, and the values as SciPy's attribute: another may be assigned."""
    self.adjoint_surface, self.fill_value = surface, surface.fill
    rows = surface.values
    if surface.kind != "nearest":
        rows = np.reshape(rows, (rows.shape[0], -1))
        self.values_shape = surface.values.shape[1:]
    self.values = surface.rows = rows


@scipy_rule("scipy.interpolate.CloughTocher2DInterpolator.__init__")
def cubic(
    self: Any, points: Any, values: Any, fill_value: Any = np.nan, tol: float = 1e-6,
    maxiter: int = 400, rescale: bool = False,
) -> None:  # fmt: skip
    """Smoothly over triangles."""
    if holds_traced([points]):
        raise refused("CloughTocher2DInterpolator", "recorded points", "RBFInterpolator")
    _keep(self, _Surface("cubic", points, values, fill_value, rescale, tol=tol, maxiter=maxiter))


@scipy_rule("scipy.interpolate.NearestNDInterpolator.__init__")
def nearest(self: Any, x: Any, y: Any, rescale: bool = False, tree_options: Any = None) -> None:
    """The value of the next point."""
    _keep(self, _Surface("nearest", x, y, None, rescale))


def _surface_of(self: Any) -> _Surface:
    """What an interpolator keeps that was made of plain data."""
    held = self.__dict__.get("adjoint_surface")
    if held is not None:
        if self.values is not held.rows:
            if held.kind == "cubic":  # whose slopes SciPy has from the values before
                raise refused("CloughTocher2DInterpolator", "other values", "a new one of them")
            held.rows, given = self.values, doubled(self.values)
            held.values = np.reshape(given, (given.shape[0], *held.values.shape[1:]))
        return held  # type: ignore[no-any-return]
    kinds = {"LinearNDInterpolator": "linear", "CloughTocher2DInterpolator": "cubic"}
    shape = (self.points.shape[0], *getattr(self, "values_shape", ()))
    values = self.values if self.values.ndim == 1 else np.reshape(self.values, shape)
    kind = kinds.get(type(self).__name__, "nearest")
    made = _Surface(kind, self.points, values, getattr(self, "fill_value", None), False)
    made.shift, made.scale = (0.0, 1.0) if self.scale is None else (self.offset, self.scale)
    return made


@scipy_rule(
    "scipy.interpolate.LinearNDInterpolator.__call__",
    "scipy.interpolate.CloughTocher2DInterpolator.__call__",
    "scipy.interpolate.NearestNDInterpolator.__call__",
    wanted=_holds,
)
def surface_call(self: Any, *places: Any) -> Any:
    """The value at places."""
    return _surface_of(self).at(places[0] if len(places) == 1 else tuple(places))


@valued_rule("scipy.interpolate.griddata")
def griddata(
    points: Any, values: Any, xi: Any, method: str = "linear", fill_value: Any = np.nan,
    rescale: bool = False, simplex_tolerance: float = 1.0,
) -> Any:  # fmt: skip
    """Scattered data at other places."""
    if simplex_tolerance != 1:  # since SciPy 1.18
        raise refused("griddata", "simplex_tolerance", "the default one")
    if type(points) is tuple and len(points) == 1:
        points = points[0]
    if type(points) is not tuple and (np.ndim(points) == 1 or np.shape(points)[-1] == 1):
        points, xi = as_operand(points), xi[0] if type(xi) is tuple else xi
        order = np.argsort(stop_gradient(np.reshape(points, (-1,))))
        grid, values = np.reshape(points, (-1,))[order], as_operand(values)[order]
        fill = "extrapolate" if method == "nearest" else fill_value
        along = si.interp1d(grid, values, method, 0, bounds_error=False, fill_value=fill)
        return along(xi)
    if method == "cubic" and holds_traced([points]):
        raise refused("griddata", "recorded points of method='cubic'", "RBFInterpolator")
    if method not in ("linear", "nearest", "cubic"):
        raise ValueError(f"Unknown interpolation method {method!r}")
    return _Surface(method, points, values, fill_value, rescale).at(xi)
