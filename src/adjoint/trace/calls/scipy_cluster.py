"""scipy.cluster on stand-in arrays: SciPy chooses the clusters; how far apart they are moves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.spatial.distance import pdist, squareform

from adjoint.graph.types import ArrayType
from adjoint.trace.borrow_scipy import borrow_names
from adjoint.trace.calls.looked_up import found_in, pick
from adjoint.trace.calls.scipy_special import floating
from adjoint.trace.calls.support import as_operand, moved_as
from adjoint.trace.indexing import known_value
from adjoint.trace.scipy_gate import entries, scipy_rule
from adjoint.trace.without_rule import no_rule

borrow_names("scipy.cluster.vq", "whiten")


def _codes(observations: Any, book: Any) -> tuple[Any, Any]:
    codes, far = entries["scipy.cluster.vq.vq"].original(observations, book)
    return np.asarray(codes, np.int32), far


@scipy_rule("scipy.cluster.vq.vq", "scipy.cluster.vq.py_vq")
def vq(obs: Any, code_book: Any, check_finite: bool = True) -> tuple[Any, Any]:
    """The nearest of the book's vectors to each observation, and how far it is."""
    observations, book = floating(obs), floating(code_book)
    kind = np.result_type(observations.dtype, book.dtype)
    shape = observations.shape[:1]
    types = [ArrayType(shape, np.dtype(np.int32)), ArrayType(shape, kind)]
    codes, far = found_in(_codes, types, observations, book)
    near = pick(book, codes)
    gap = observations - near
    length = np.linalg.norm(gap, axis=-1) if gap.ndim > 1 else np.abs(gap)
    return codes, moved_as(far, length)


# *** trees of clusters ***

# By the sizes of the clusters that are joined (m, n) and of a third one (k): how far that is from
# the joined one, by its distances from both (a, b) and theirs from each other (c).
_JOINED: dict[str, Any] = {
    "single": lambda a, b, c, m, n, k: np.minimum(a, b),
    "complete": lambda a, b, c, m, n, k: np.maximum(a, b),
    "average": lambda a, b, c, m, n, k: (m * a + n * b) / (m + n),
    "weighted": lambda a, b, c, m, n, k: (a + b) / 2,
    "centroid": lambda a, b, c, m, n, k: np.sqrt(
        ((m * a * a + n * b * b) - m * n * c * c / (m + n)) / (m + n)
    ),
    "median": lambda a, b, c, m, n, k: np.sqrt((a * a + b * b) / 2 - c * c / 4),
    "ward": lambda a, b, c, m, n, k: np.sqrt(
        ((m + k) * a * a + (n + k) * b * b - k * c * c) / (m + n + k)
    ),
}


def _linkage(name: str) -> None:
    public = f"scipy.cluster.hierarchy.{name}"

    @scipy_rule(public)
    def rule(y: Any, *args: Any, **kwargs: Any) -> Any:
        """The pairs of clusters that SciPy joins, and how far apart they are, which moves."""
        y = floating(y)
        known = known_value(y)
        if known is None:
            what = "a tree of points that are not known, inside jit or vmap,"
            raise no_rule(public, what, remedy="call it outside jit and vmap")
        tree = entries[public].original(known, *args, **kwargs)
        by_name = dict(zip(("method", "metric"), args, strict=False), **kwargs)
        method = by_name.get("method", "single") if name == "linkage" else name
        apart = y if y.ndim == 1 else pdist(y, by_name.get("metric", "euclidean"))
        return _with_heights(tree, moved_as(tree[:, 2], _heights(tree, apart, _JOINED[method])))


for _name in ("linkage", *_JOINED):
    _linkage(_name)


def _heights(tree: Any, apart: Any, joined: Callable[..., Any]) -> Any:
    """How far apart the joined clusters are: merge by merge, as SciPy has chosen them."""
    n = tree.shape[0] + 1
    between = squareform(apart)
    row = dict(enumerate(range(n)))  # of each cluster in the matrix
    size = np.ones(n)  # of the clusters in its rows
    heights = []
    for step, (left, right) in enumerate(tree[:, :2].astype(int)):
        i, j = row.pop(left), row.pop(right)
        height = between[i, j]
        rest = np.array(list(row.values()), np.intp)
        new = joined(between[i, rest], between[j, rest], height, size[i], size[j], size[rest])
        between[i, rest] = new
        between[rest, i] = new
        size[i] += size[j]
        row[n + step] = i
        heights.append(height)
    return np.stack(heights)


def _with_heights(tree: Any, heights: Any) -> Any:
    return np.concatenate([tree[:, :2], heights[:, None], tree[:, 3:]], axis=1)


@scipy_rule("scipy.cluster.hierarchy.cophenet")
def cophenet(Z: Any, Y: Any = None) -> Any:
    """How far apart the clusters of two points are where they are joined."""
    Z = as_operand(Z)
    known = known_value(Z)
    public = "scipy.cluster.hierarchy.cophenet"
    if known is None:
        what = "a tree that is not known, inside jit or vmap,"
        raise no_rule(public, what, remedy="call it outside jit and vmap")
    order = np.arange(float(known.shape[0]))
    merge = entries[public].original(_with_heights(known, order)).astype(np.intp)
    far = Z[:, 2][merge]
    if Y is None:
        return far
    y, z = as_operand(Y) - np.mean(Y), far - np.mean(far)
    return np.sum(y * z) / np.sqrt(np.sum(y * y) * np.sum(z * z)), far


@scipy_rule("scipy.cluster.hierarchy.optimal_leaf_ordering")
def optimal_leaf_ordering(Z: Any, y: Any, *args: Any, **kwargs: Any) -> Any:
    """The same clusters, with those that are joined in another order."""
    public = "scipy.cluster.hierarchy.optimal_leaf_ordering"
    Z = as_operand(Z)
    tree, points = _known(public, Z, as_operand(y))
    return _with_heights(entries[public].original(tree, points, *args, **kwargs), Z[:, 2])


@scipy_rule("scipy.cluster.hierarchy.from_mlab_linkage")
def from_mlab_linkage(Z: Any) -> Any:
    """The tree with its clusters' sizes."""
    public = "scipy.cluster.hierarchy.from_mlab_linkage"
    Z = as_operand(Z)
    (tree,) = _known(public, Z)
    return _with_heights(entries[public].original(tree), Z[:, 2])


def _known(public: str, *operands: Any) -> list[Any]:
    """The values of what decides on clusters."""
    values = [known_value(x) for x in operands]
    if any(value is None for value in values):
        what = "what is not known, inside jit or vmap,"
        raise no_rule(public, what, remedy="call it outside jit and vmap")
    return values


# *** k-means: SciPy finds the clusters, and their means move with what belongs to them ***


@scipy_rule("scipy.cluster.vq.kmeans")
def kmeans(obs: Any, k_or_guess: Any, *args: Any, **kwargs: Any) -> tuple[Any, Any]:
    """The means of clusters that stay as they are, and how far they are from their members."""
    public = "scipy.cluster.vq.kmeans"
    points = floating(obs)
    values = _known(public, points, as_operand(k_or_guess))
    book, far = entries[public].original(*values, *args, **kwargs)
    codes, _ = _codes(values[0], book)
    means = _means(public, points, codes, book)
    gap = points - means[codes]
    length = np.linalg.norm(gap, axis=-1) if gap.ndim > 1 else np.abs(gap)
    return means, moved_as(far, np.mean(length))


@scipy_rule("scipy.cluster.vq.kmeans2")
def kmeans2(data: Any, k: Any, *args: Any, **kwargs: Any) -> tuple[Any, Any]:
    """The means of the clusters of the last round, and which one each observation is in."""
    public = "scipy.cluster.vq.kmeans2"
    points = floating(data)
    values = _known(public, points, as_operand(k))
    book, codes = entries[public].original(*values, *args, **kwargs)
    return _means(public, points, codes, book), codes


def _means(public: str, points: Any, codes: Any, book: Any) -> Any:
    """The book, which moves as the means of the clusters do."""
    members = (codes == np.arange(len(book))[:, None]).astype(points.dtype)
    counts = np.sum(members, axis=1)
    means = (members @ points) / (counts[:, None] if points.ndim > 1 else counts)
    if not np.allclose(known_value(means), book, rtol=1e-6, atol=1e-6 * np.max(np.abs(book))):
        raise no_rule(
            public,
            "clusters that are empty, or still change,",
            remedy="start from other means, or give it more rounds",
        )
    return moved_as(book, means)
