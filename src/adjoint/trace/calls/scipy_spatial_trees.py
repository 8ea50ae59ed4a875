"""scipy.spatial.KDTree on stand-in arrays: which points are near is SciPy's, how far they move."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.spatial
from scipy.spatial import KDTree, cKDTree

from adjoint.graph.types import ArrayType
from adjoint.primitives.choose import stop_gradient
from adjoint.trace import replacing
from adjoint.trace.borrow_scipy import is_unknown, own_code
from adjoint.trace.calls.looked_up import found_in, pick
from adjoint.trace.calls.scipy_spatial import METRICS
from adjoint.trace.calls.scipy_special import floating
from adjoint.trace.calls.support import as_operand, moved_as
from adjoint.trace.indexing import known_parts, known_value
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


def _counting(name: str) -> Callable[..., Any]:
    """What finds a number of neighbours that values decide: SciPy's, of the values."""

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        given = (*args, *kwargs.values())
        trees = [x.adjoint_points for x in (self, *given) if isinstance(x, RecordedTree)]
        if is_unknown(*trees, *given):
            raise _refused(name, "of points recorded inside jit or vmap")
        options = {key: known_parts(x) for key, x in kwargs.items()}
        return compiled(self, *known_parts(args), **options)

    compiled = getattr(cKDTree, name)
    return method


def _another_moves(*trees: Any, **options: Any) -> bool:
    return any(isinstance(x, RecordedTree) for x in (*trees, *options.values()))


_methods: dict[str, Callable[..., Any]] = {"query": query}
for _name in ("query_ball_point", "query_ball_tree", "query_pairs", "count_neighbors"):
    _methods[_name] = _counting(_name)
    setattr(RecordedTree, _name, _methods[_name])
    scipy_rule(f"scipy.spatial.KDTree.{_name}", wanted=_another_moves)(_methods[_name])


def _asking(name: str, rule: Callable[..., Any]) -> Callable[..., Any]:
    """A method of the compiled class, whose own methods ask nobody."""
    compiled = getattr(cKDTree, name)

    @functools.wraps(compiled)
    def method(self: Any, *args: Any, **options: Any) -> Any:
        moves = holds_traced(args) or holds_traced(options.values()) or _another_moves(*args)
        return (rule if moves else compiled)(self, *args, **options)

    return method


put_methods(cKDTree, {name: _asking(name, rule) for name, rule in _methods.items()})


class _OfEither(type):
    """Trees of both classes count as what stands for the compiled one."""

    def __instancecheck__(cls, tree: Any) -> bool:
        return isinstance(tree, cKDTree)  # KDTree is a class below it

    def __subclasscheck__(cls, kind: type) -> bool:
        return issubclass(kind, cKDTree)


class _AnyTree(metaclass=_OfEither):
    """What the user's name ``cKDTree`` stands for while somebody records.

    The compiled class cannot keep points that move; SciPy's class in Python does all it does.
    """

    def __new__(cls, data: Any, leafsize: int = 16, *args: Any, **kwargs: Any) -> Any:
        kind = KDTree if holds_traced([data]) else cKDTree
        return kind(data, leafsize, *args, **kwargs)


replacing.also(vars(scipy.spatial), {"cKDTree": _AnyTree}, users_alone=True)
