"""Hulls, triangulations and Voronoi cells of recorded points: Qhull decides who is next to whom."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.spatial import ConvexHull, Delaunay, HalfspaceIntersection, Voronoi

from adjoint.graph.types import ArrayType
from adjoint.trace.borrow_scipy import is_unknown
from adjoint.trace.calls.looked_up import found_in
from adjoint.trace.calls.scipy_special import floating
from adjoint.trace.calls.support import moved_as
from adjoint.trace.indexing import known_parts, known_value
from adjoint.trace.scipy_gate import holds_traced
from adjoint.trace.without_rule import no_rule


def _moving(kind: type, follow: Callable[[Any, Any], None], refused: Sequence[str]) -> None:
    """Have a compiled class build itself of the values, and then move with what it is built of.

    It asks nobody before it reads its points, and keeps no code that could be exchanged.
    """
    own: Any = kind.__init__  # type: ignore[misc]
    moving = _of_moving(kind, refused)
    public = f"scipy.spatial.{kind.__name__}"

    @functools.wraps(own)
    def build(self: Any, points: Any, *args: Any, **kwargs: Any) -> None:
        if not holds_traced([points, *args, *kwargs.values()]):
            own(self, points, *args, **kwargs)
            return
        points = floating(points)
        if is_unknown(points, *args, *kwargs.values()):
            what = f"{public} of what is not known, inside jit or vmap (it says how many facets),"
            raise no_rule(public, what, remedy="call it outside jit and vmap")
        options = {key: known_parts(x) for key, x in kwargs.items()}
        own(self, known_value(points), *known_parts(args), **options)
        follow(self, points)
        self.__class__ = moving

    kind.__init__ = build  # type: ignore[misc]


def _edges(corners: Any) -> Any:
    """The edges of simplices from their last corners, (simplex, edge, axis)."""
    return corners[:, :-1] - corners[:, -1:]


def _content(edges: Any) -> Any:
    """Length, area, volume of simplices in space, by their edges."""
    gram = edges @ np.swapaxes(edges, -1, -2)
    return np.sqrt(np.linalg.det(gram)) / math.factorial(edges.shape[-2])


def _planes(known: Any, corners: Any) -> Any:
    """Unit normals that point outward, and offsets: ``normal @ x + offset = 0`` on a facet."""
    edges = _edges(corners)
    d = corners.shape[-1]
    others = [[j for j in range(d) if j != axis] for axis in range(d)]
    parts = [(-1) ** i * np.linalg.det(edges[:, :, keep]) for i, keep in enumerate(others)]
    normal = np.stack(parts, axis=-1)
    normal = normal / np.linalg.norm(normal, axis=-1, keepdims=True)
    normal = normal * np.sign(np.sum(known_value(normal) * known[:, :d], axis=-1))[:, None]
    offset = -np.sum(normal * corners[:, 0], axis=-1)
    return moved_as(known, np.concatenate([normal, offset[:, None]], axis=1))


def _hull(self: Any, points: Any) -> None:
    corners = points[self.simplices]
    inside = np.mean(known_value(points)[self.vertices], axis=0)
    contents = np.abs(np.linalg.det(corners - inside)) / math.factorial(points.shape[1])
    self.volume = moved_as(self.volume, np.sum(contents))
    self.area = moved_as(self.area, np.sum(_content(_edges(corners))))
    self.equations = _planes(self.equations, corners)
    self._points = points


def _triangulation(self: Any, points: Any) -> None:
    known = self.transform
    corners = points[self.simplices]
    # The rows of a flat simplex are NaN in SciPy's too.
    flat = np.isnan(known[:, 0, 0])
    edges = np.where(flat[:, None, None], np.eye(points.shape[1]), _edges(corners))
    inverse = np.linalg.inv(np.swapaxes(edges, -1, -2))
    self._transform = moved_as(known, np.concatenate([inverse, corners[:, -1:]], axis=1))
    self._points = points


def _cells(self: Any, points: Any) -> None:
    """Every vertex is as far from one of the points around it as from all the others."""
    around: list[list[int]] = [[] for _ in self.vertices]
    for point, region in enumerate(self.point_region):
        for vertex in self.regions[region]:
            if vertex >= 0:
                around[vertex].append(point)
    d = points.shape[1]
    if any(len(places) != d + 1 for places in around):
        public = "scipy.spatial.Voronoi"
        what = f"{public} of more points on a circle or sphere than make one (its vertices split)"
        raise no_rule(public, what, remedy="move the points a little")
    corners = points[np.array(around, np.intp).reshape(-1, d + 1)]
    edges, last = _edges(corners), corners[:, -1]
    right = np.sum(edges * edges, axis=-1) / 2
    centers = last + np.linalg.solve(edges, right[:, :, None])[:, :, 0]
    self.vertices = moved_as(self.vertices, centers)
    self._points = points


def _meeting(self: Any, planes: Any) -> None:
    """A corner is where as many planes meet as there are axes."""
    d = planes.shape[1] - 1
    if any(len(meeting) != d for meeting in self.dual_facets):
        public = "scipy.spatial.HalfspaceIntersection"
        what = f"{public} where more planes meet in a corner than there are axes"
        raise no_rule(public, what, remedy="move the planes a little")
    meeting = planes[np.array(self.dual_facets, np.intp).reshape(-1, d)]
    corners = np.linalg.solve(meeting[:, :, :d], -meeting[:, :, d:])[:, :, 0]
    self.intersections = moved_as(self.intersections, corners)


# *** what is asked of them later ***


@dataclass(frozen=True)
class _Where:
    """SciPy's search for the simplices that places lie in."""

    triangulation: Any
    settings: tuple[Any, ...]

    def __call__(self, places: Any) -> tuple[Any]:
        return (np.asarray(self.triangulation.find_simplex(places, *self.settings), np.int32),)


_find_simplex: Any = Delaunay.find_simplex


@functools.wraps(_find_simplex)
def find_simplex(self: Any, xi: Any, bruteforce: bool = False, tol: Any = None) -> Any:
    """Which simplices places lie in: whole numbers, of the values."""
    if not holds_traced([xi, self.points]):
        return _find_simplex(self, xi, bruteforce, tol)
    places, fixed = floating(xi), self
    if holds_traced([self.points]):
        fixed = Delaunay(known_value(self.points), self.furthest_site)
    types = [ArrayType(places.shape[:-1], np.dtype(np.int32))]
    return found_in(_Where(fixed, (bruteforce, tol)), types, places)[0]


def _of_moving(kind: type, refused: Sequence[str]) -> type:
    """The class of those that move; what would stand still in it is refused."""

    def refuse(name: str) -> Any:
        function = f"scipy.spatial.{kind.__name__}.{name}"

        def ask(self: Any) -> Any:
            raise no_rule(function, f"{function} of recorded points")

        return property(ask)

    return type(kind.__name__, (kind,), {name: refuse(name) for name in refused})


def _load() -> None:
    lifted = ("equations", "paraboloid_scale", "paraboloid_shift", "plane_distance", "lift_points")
    duals = ("dual_points", "dual_equations", "dual_volume", "dual_area", "add_halfspaces")
    _moving(ConvexHull, _hull, ("add_points",))
    _moving(Delaunay, _triangulation, ("add_points", *lifted))
    _moving(Voronoi, _cells, ("add_points",))
    _moving(HalfspaceIntersection, _meeting, duals)
    Delaunay.find_simplex = find_simplex


_load()
