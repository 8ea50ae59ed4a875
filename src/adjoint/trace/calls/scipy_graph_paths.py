"""Shortest paths and trees of graphs with recorded weights: SciPy chooses, chosen weights move.

A distance is the sum of the weights along its path. SciPy says from where each node is reached;
the sums over the way back, of twice as many edges in each round, have the derivatives.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from inspect import signature
from typing import Any

import numpy as np
import scipy.sparse
import scipy.sparse.csgraph as csgraph

from adjoint.graph.types import ArrayType
from adjoint.trace import replacing
from adjoint.trace.calls.from_values import from_values
from adjoint.trace.calls.looked_up import found_in, pick
from adjoint.trace.calls.scipy_sparse_forms import index_dtype
from adjoint.trace.calls.scipy_sparse_places import combined
from adjoint.trace.calls.scipy_sparse_recorded import fill, is_recorded, parts
from adjoint.trace.calls.scipy_special import floating
from adjoint.trace.calls.support import moved_as
from adjoint.trace.indexing import known_value
from adjoint.trace.scipy_gate import holds_traced
from adjoint.trace.views import detached
from adjoint.trace.without_rule import no_rule

_PACKAGE = "scipy.sparse.csgraph"
_GRAPHS = ("csgraph", "graph", "biadjacency")  # the names of the first argument
_OWN: dict[str, Callable[..., Any]] = {}


@dataclass(frozen=True)
class _Weights:
    """A graph by its weights: elements of a sparse matrix or of a whole one."""

    values: Any  # as vector
    rows: Any
    columns: Any
    n: int
    plain: Callable[[Any], Any]  # SciPy's argument from plain values

    def of_edges(self, before: Any, after: Any, directed: bool) -> Any:
        """The weights of edges between nodes that are joined; 0 elsewhere."""
        there, weight = self.looked_up(before, after)
        if directed:
            return np.where(there, weight, 0.0)
        back, other = self.looked_up(after, before)
        lesser = np.where(there & (~back | (weight <= other)), weight, other)
        return np.where(there | back, lesser, 0.0)

    def looked_up(self, before: Any, after: Any) -> tuple[Any, Any]:
        """Whether there are such edges, and their weights."""
        if not len(self.rows):
            return np.zeros(np.shape(before), bool), np.zeros(np.shape(before))
        places, wanted = self.rows * self.n + self.columns, before * self.n + after
        at = np.minimum(np.searchsorted(places, wanted), len(places) - 1)
        weight = pick(self.values, at)
        return (pick(places, at) == wanted) & (before >= 0) & self._counts(weight), weight

    def _counts(self, weight: Any) -> Any:
        return np.isfinite(weight) & (weight != 0) if type(self.plain) is _Whole else True


@dataclass(frozen=True)
class _Whole:
    """A whole matrix of values, where 0 and infinity stand for no edge."""

    shape: tuple[int, ...]

    def __call__(self, values: Any) -> Any:
        return np.reshape(values, self.shape)


class _Sparse:
    """A sparse matrix of values at fixed places."""

    def __init__(self, kind: Any, shape: Any, rows: Any, columns: Any) -> None:
        dtype = index_dtype(*shape, len(rows))  # some of SciPy's code takes no wider integers
        self.kind, self.shape = kind, shape
        self.places = rows.astype(dtype), columns.astype(dtype)

    def __call__(self, values: Any) -> Any:
        return self.kind((values, self.places), shape=self.shape)


def _edges(graph: Any) -> tuple[Any, Any, Any]:
    """The elements in order, each place once: of edges side by side the shortest, as in SciPy."""
    values, rows, columns = parts(graph)
    places, which = np.unique(
        np.asarray(rows, np.int64) * graph.shape[1] + columns, return_inverse=True
    )
    if graph.format not in ("csr", "csc") or len(places) == len(rows):
        return combined(graph)
    least = np.full(len(places), np.inf) + 0 * np.sum(values)
    np.minimum.at(least, which, floating(values))
    return least, places // graph.shape[1], places % graph.shape[1]


def _weights(graph: Any) -> _Weights:
    n = graph.shape[1]
    if is_recorded(graph):
        values, rows, columns = _edges(graph)
        matrix = scipy.sparse.isspmatrix(graph)
        kind = scipy.sparse.csr_matrix if matrix else scipy.sparse.csr_array
        plain = _Sparse(kind, graph.shape, rows, columns)
        return _Weights(values.astype(np.float64), rows, columns, n, plain)
    rows, columns = (np.ravel(x) for x in np.indices(graph.shape))
    values = np.ravel(floating(graph).astype(np.float64))
    return _Weights(values, rows, columns, n, _Whole(graph.shape))


# *** paths ***


@dataclass(frozen=True)
class _Search:
    """SciPy's search: distances, and from where each node is reached."""

    name: str
    plain: Callable[[Any], Any]
    settings: tuple[tuple[str, Any], ...]

    def __call__(self, values: Any) -> tuple[Any, ...]:
        settings = dict(self.settings)
        if "indices" in settings and settings["indices"] is not None:
            settings["indices"] = np.reshape(settings["indices"], settings.pop("shape"))
        else:
            settings.pop("shape", None)
        made = _OWN[self.name](self.plain(values), return_predecessors=True, **settings)
        return tuple(np.asarray(x) for x in made)


def _sums(weights: _Weights, before: Any, directed: bool) -> Any:
    """The sums of weights along the ways on which nodes are reached, for rows of such ways."""
    nodes = np.arange(weights.n)
    total = weights.of_edges(before, np.broadcast_to(nodes, before.shape), directed)
    at = np.where(before >= 0, before, nodes)
    for _ in range(max(weights.n - 1, 1).bit_length()):
        total = total + np.take_along_axis(total, at, -1)
        at = np.take_along_axis(at, at, -1)
    return total


def _along(weights: _Weights, far: Any, before: Any, directed: bool) -> Any:
    """SciPy's distances, moving with the weights; infinite ones stay."""
    rows = np.reshape(before, (-1, weights.n))
    total = np.reshape(_sums(weights, rows, directed), far.shape)
    reached = np.isfinite(far)
    moved = moved_as(np.where(reached, far, 0.0), np.where(reached, total, 0.0))
    return np.where(reached, moved, far)


def _paths(name: str) -> Callable[..., Any]:
    def rule(graph: Any, settings: dict[str, Any]) -> Any:
        weights, told = _weights(graph), settings.pop("return_predecessors", False)
        settings.pop("overwrite", None)
        indices = settings.get("indices")
        if holds_traced([indices]):
            raise no_rule(f"{_PACKAGE}.{name}", "a recorded index")
        if indices is not None:
            settings["indices"] = tuple(np.ravel(indices).tolist())
            settings["shape"] = np.shape(indices)
        least = bool(settings.get("min_only", False))
        n, front = weights.n, np.shape(indices) if indices is not None else (weights.n,)
        shape = (n,) if least else (*front, n)
        whole = np.dtype(np.int32)
        types = [ArrayType(shape, np.dtype(np.float64))] + [ArrayType(shape, whole)] * (1 + least)
        search = _Search(name, weights.plain, tuple(settings.items()))
        far, *places = found_in(search, types, weights.values)
        if not settings.get("unweighted", False):
            far = _along(weights, far, places[0], bool(settings.get("directed", True)))
        return (far, *places) if told else far

    return rule


def _reconstructed(graph: Any, settings: dict[str, Any]) -> Any:
    """Distances by ways that are given."""
    before = settings.pop("predecessors")
    far = from_values(
        _distances, (ArrayType(np.shape(before), np.dtype(np.float64)),),
        [_weights(graph).values, before], _weights(graph).plain, tuple(settings.items()),
    )  # fmt: skip
    return _along(_weights(graph), far[0], before, bool(settings.get("directed", True)))


def _distances(values: Any, before: Any, plain: Any, settings: Any) -> list[Any]:
    made = _OWN["construct_dist_matrix"](plain(values), np.int32(before), **dict(settings))
    return [made]


def _several(graph: Any, settings: dict[str, Any]) -> Any:
    """The K shortest paths between two nodes; how many there are must be known."""
    weights, told = _weights(graph), settings.pop("return_predecessors", False)
    _known("yen", weights)
    sink = int(settings["sink"])
    search = _Search("yen", weights.plain, tuple(settings.items()))
    far, before = search(known_value(weights.values))
    if len(far) and not settings.get("unweighted", False):
        total = _sums(weights, before, bool(settings.get("directed", True)))
        far = moved_as(far, total[:, sink])
    return (far, before) if told else far


def _known(name: str, weights: _Weights) -> Any:
    known = known_value(weights.values)
    if known is None:
        what = f"{_PACKAGE}.{name} where weights are not known, inside jit or vmap,"
        raise no_rule(f"{_PACKAGE}.{name}", what, "shortest_path, dijkstra, minimum_spanning_tree")
    return weights.plain(known)


# *** trees ***


def _spanning(values: Any, plain: Callable[[Any], Any], places: Any) -> list[Any]:
    tree = _OWN["minimum_spanning_tree"](plain(values)).tocoo()
    n = tree.shape[0]
    return [np.isin(np.asarray(places), tree.row.astype(np.int64) * n + tree.col)]


def _spanning_tree(graph: Any, settings: dict[str, Any]) -> Any:
    """The edges of the tree; inside jit the others stay as zeros."""
    weights = _weights(graph)
    places = tuple((weights.rows * weights.n + weights.columns).tolist())
    kind = ArrayType(weights.values.shape, np.dtype(bool))
    (taken,) = from_values(_spanning, (kind,), [weights.values], weights.plain, places)
    made = scipy.sparse.csr_array if not scipy.sparse.isspmatrix(graph) else scipy.sparse.csr_matrix
    empty = made.__new__(made)
    if known_value(weights.values) is None:
        values, rows, columns = np.where(taken, weights.values, 0), weights.rows, weights.columns
    else:
        at = np.flatnonzero(taken)
        values, rows, columns = weights.values[at], weights.rows[at], weights.columns[at]
    return fill(empty, values, rows, columns, graph.shape)


def _tree(name: str) -> Callable[..., Any]:
    """Edges that are chosen by their places alone, or by ways that are given."""

    def rule(graph: Any, settings: dict[str, Any]) -> Any:
        weights = _weights(graph)
        chosen = _OWN[name](_known(name, weights), **settings)
        tree = chosen.tocoo()
        rows, columns = np.asarray(tree.row, np.int64), np.asarray(tree.col, np.int64)
        moving = weights.of_edges(rows, columns, bool(settings.get("directed", True)))
        kind = type(chosen)
        return fill(kind.__new__(kind), moving, rows, columns, graph.shape)

    return rule


def _from_dense(graph: Any, settings: dict[str, Any]) -> Any:
    """A sparse graph of a whole matrix, without what stands for no edge."""
    weights = _weights(graph)
    plain = _OWN["csgraph_from_dense"](_known("csgraph_from_dense", weights), **settings)
    entries = plain.tocoo()
    at = np.asarray(entries.row, np.int64) * weights.n + entries.col
    kind = type(plain)
    return fill(kind.__new__(kind), weights.values[at], entries.row, entries.col, graph.shape)


def _to_dense(graph: Any, settings: dict[str, Any]) -> Any:
    """The whole matrix, with a number where there is no edge."""
    weights = _weights(graph)
    rows, columns = np.indices(graph.shape)
    there, weight = weights.looked_up(rows, columns)
    return np.where(there, weight, settings.get("null_value", 0))


def _choice(name: str) -> Callable[..., Any]:
    """Orders, labels and matchings: chosen by values, which must be known."""
    return lambda graph, settings: _OWN[name](_known(name, _weights(graph)), **settings)


_RULES: dict[str, Callable[[Any, dict[str, Any]], Any]] = {
    **{name: _paths(name) for name in ("shortest_path", "dijkstra", "bellman_ford", "johnson",
                                       "floyd_warshall")},
    "yen": _several,
    "construct_dist_matrix": _reconstructed,
    "minimum_spanning_tree": _spanning_tree,
    **{name: _tree(name)
       for name in ("breadth_first_tree", "depth_first_tree", "reconstruct_path")},
    "csgraph_from_dense": _from_dense,
    "csgraph_to_dense": _to_dense,
    **{name: _choice(name)
       for name in ("connected_components", "breadth_first_order", "depth_first_order",
                    "reverse_cuthill_mckee", "min_weight_full_bipartite_matching",
                    "maximum_bipartite_matching", "structural_rank")},
}  # fmt: skip


def _asking(name: str) -> Callable[..., Any]:
    """SciPy's compiled function, which asks nobody; ours where the graph is recorded."""
    own = _OWN[name] = getattr(csgraph, name)
    parameters = list(signature(own).parameters)

    @functools.wraps(own)
    def call(*args: Any, **options: Any) -> Any:
        given = {**dict(zip(parameters, args, strict=False)), **options}
        graph = next((given[key] for key in _GRAPHS if key in given), None)
        if not (is_recorded(graph) or holds_traced([graph])):
            return own(*args, **options)
        rest = {k: x for k, x in given.items() if k not in _GRAPHS}
        return _RULES[name](graph if is_recorded(graph) else detached(floating(graph)), rest)

    return call


replacing.from_now_on(vars(csgraph), {name: _asking(name) for name in _RULES})
