"""scipy.spatial.KDTree on stand-in arrays: which points are near is SciPy's, how far they move."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.spatial import KDTree, cKDTree

from adjoint.graph.types import ArrayType
from adjoint.primitives.choose import stop_gradient
from adjoint.trace.borrow_scipy import own_code
from adjoint.trace.calls.looked_up import found_in, pick
from adjoint.trace.calls.scipy_spatial import METRICS
from adjoint.trace.calls.scipy_special import floating
from adjoint.trace.calls.support import as_operand, moved_as
from adjoint.trace.indexing import known_value
from adjoint.trace.outside import put_methods
from adjoint.trace.scipy_gate import holds_traced, scipy_rule
from adjoint.trace.without_rule import no_rule


@dataclass(frozen=True)
class _Near:
    """SciPy's search: how far the next points are, and which they are."""

    settings: tuple[tuple[str, Any], ...]
    sides: tuple[float, ...] | None

    def __call__(self, points: Any, places: Any, p: Any) -> tuple[Any, Any]:
        tree = KDTree(points, boxsize=self.sides)
        far, which = tree.query(places, p=float(p), **dict(self.settings))
        return np.asarray(far, np.float64), np.asarray(which, np.int64)


def _distances(points: Any, places: Any, settings: dict[str, Any], sides: Any) -> Any:
    """Distances that move, and plain indices."""
    k = settings["k"]
    many = None if isinstance(k, int | np.integer) and k == 1 else np.size(k) if np.ndim(k) else k
    shape = places.shape[:-1] + (() if many is None else (int(many),))
    settings = {**settings, "k": k if np.ndim(k) == 0 else tuple(k)}
    p = settings.pop("p")
    types = [ArrayType(shape, np.dtype(np.float64)), ArrayType(shape, np.dtype(np.int64))]
    far, which = found_in(_Near(tuple(settings.items()), sides), types, points, places, p)
    count = points.shape[0]
    missing = which == count  # SciPy's sign for none: an infinite distance
    near = pick(points, np.where(missing, 0, which))
    off = near - (places if many is None else places[..., None, :])
    if sides is not None:
        period = np.asarray(sides, float)
        turns = np.round(stop_gradient(off) / np.where(period > 0, period, 1.0))
        off = off - turns * period  # the shorter way round
    length = METRICS["minkowski"](off, np.zeros(off.shape), p)
    return np.where(missing, np.inf, moved_as(far, np.where(missing, 0.0, length))), which


class RecordedTree(KDTree):  # type: ignore[misc]
    """A tree of points that move."""

    adjoint_points: Any
    adjoint_sides: tuple[float, ...] | None

    @property
    def data(self) -> Any:
        """The points."""
        return self.adjoint_points

    def query(
        self, x: Any, k: Any = 1, eps: Any = 0, p: Any = 2, distance_upper_bound: Any = np.inf,
        workers: int = 1,
    ) -> Any:  # fmt: skip
        """The next points."""
        settings = {"k": k, "eps": eps, "p": p, "distance_upper_bound": distance_upper_bound,
                    "workers": workers}  # fmt: skip
        return _distances(self.adjoint_points, floating(x), settings, self.adjoint_sides)

    def _counted(self, name: str, *args: Any, **kwargs: Any) -> Any:
        if known_value(self.adjoint_points) is None:
            raise _refused(name, "of points recorded inside jit or vmap")
        return getattr(super(), name)(*args, **kwargs)

    def query_ball_point(self, *args: Any, **kwargs: Any) -> Any:
        """Which points are within a distance."""
        return self._counted("query_ball_point", *args, **kwargs)

    def query_ball_tree(self, *args: Any, **kwargs: Any) -> Any:
        """Which points of another tree are within a distance."""
        return self._counted("query_ball_tree", *args, **kwargs)

    def query_pairs(self, *args: Any, **kwargs: Any) -> Any:
        """Which pairs are within a distance."""
        return self._counted("query_pairs", *args, **kwargs)

    def count_neighbors(self, *args: Any, **kwargs: Any) -> Any:
        """How many pairs are within a distance."""
        return self._counted("count_neighbors", *args, **kwargs)

    def sparse_distance_matrix(self, *_: Any, **__: Any) -> Any:
        """How many entries there are depends on the points."""
        raise _refused("sparse_distance_matrix", "of recorded points")


def _refused(name: str, what: str) -> Exception:
    function = f"scipy.spatial.KDTree.{name}"
    return no_rule(function, f"{function} {what}", "scipy.spatial.distance.cdist, or query(k=)")


@scipy_rule("scipy.spatial.KDTree.__init__")
def tree_of(
    self: Any, data: Any, leafsize: int = 10, compact_nodes: bool = True, copy_data: bool = False,
    balanced_tree: bool = True, boxsize: Any = None,
) -> None:  # fmt: skip
    """A tree of recorded points: SciPy's of their values, where they are known."""
    points = floating(data)
    value = known_value(points)
    if value is None:
        # A search of whose answers nobody knows the number is refused below.
        value = np.zeros(points.shape)
    settings = (leafsize, compact_nodes, copy_data, balanced_tree, boxsize)
    own_code("scipy.spatial.KDTree.__init__")(self, value, *settings)
    self.__class__ = RecordedTree
    self.adjoint_points = points
    sides = None if boxsize is None else np.broadcast_to(boxsize, points.shape[1:])
    self.adjoint_sides = None if sides is None else tuple(float(side) for side in sides)


@scipy_rule("scipy.spatial.KDTree.query")
def query(
    self: Any, x: Any, k: Any = 1, eps: Any = 0, p: Any = 2, distance_upper_bound: Any = np.inf,
    workers: int = 1,
) -> Any:  # fmt: skip
    """The next points to recorded places."""
    settings = {"k": k, "eps": eps, "p": p, "distance_upper_bound": distance_upper_bound,
                "workers": workers}  # fmt: skip
    box = self.boxsize
    sides = None if box is None else tuple(float(side) for side in box)
    return _distances(as_operand(self.data), floating(x), settings, sides)


_compiled = cKDTree.query


@functools.wraps(_compiled)
def _query(self: Any, *args: Any, **options: Any) -> Any:
    """The same of the compiled class, whose methods ask nobody."""
    traced = holds_traced(args) or holds_traced(options.values())
    return query(self, *args, **options) if traced else _compiled(self, *args, **options)


put_methods(cKDTree, {"query": _query})
