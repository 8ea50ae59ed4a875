"""scipy.stats.qmc on stand-in arrays: how evenly points fill a cube."""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.graph.types import ArrayType
from adjoint.trace.borrow_scipy import borrow_names
from adjoint.trace.calls.looked_up import found_in, pick
from adjoint.trace.calls.scipy_special import floating
from adjoint.trace.calls.scipy_values import valued_rule
from adjoint.trace.indexing import known_value

borrow_names("scipy.stats.qmc", "scale")


def _in_the_cube(sample: Any) -> Any:
    x = floating(sample)
    if x.ndim != 2:
        raise ValueError("Sample is not a 2D array")
    known = known_value(x)
    if known is not None and (np.any(known > 1.0) or np.any(known < 0.0)):
        raise ValueError("Sample is not in unit hypercube")
    return x


def _edges(apart: Any) -> tuple[Any]:
    """Which of the distances are those of the shortest tree through all points."""
    from scipy.sparse.csgraph import minimum_spanning_tree
    from scipy.spatial.distance import squareform

    number = squareform(np.arange(apart.size))
    return (np.asarray(number[minimum_spanning_tree(squareform(apart)).nonzero()], np.int64),)


@valued_rule("scipy.stats.qmc.geometric_discrepancy")
def geometric_discrepancy(sample: Any, method: str = "mindist", metric: str = "euclidean") -> Any:
    """The least distance of two points, or the mean length of the edges of their shortest tree."""
    from scipy.spatial.distance import pdist

    apart = pdist(_in_the_cube(sample), metric)
    if method == "mindist":
        return np.min(np.where(apart == 0, np.inf, apart))
    if method != "mst":
        raise ValueError(f"{method!r} is not a valid method. It must be one of {_LENGTHS}")
    kind = ArrayType((np.shape(sample)[0] - 1,), np.dtype(np.int64))
    (edges,) = found_in(_edges, [kind], apart)
    return np.mean(pick(apart, edges))


_LENGTHS = {"mindist", "mst"}


def _centred(x: Any, y: Any, n: int) -> Any:
    a, b = np.abs(x - 0.5), np.abs(y - 0.5)
    single = np.prod(1 + 0.5 * a - 0.5 * a * a, axis=-1)
    double = np.prod(1 + 0.5 * (a + b) - 0.5 * np.abs(x - y), axis=-1)
    return (13 / 12) ** x.shape[-1] - 2 / n * np.sum(single) + np.sum(double) / n**2


def _wrapped(x: Any, y: Any, n: int) -> Any:
    gap = np.abs(x - y)
    return np.sum(np.prod(1.5 - gap * (1 - gap), axis=-1)) / n**2 - (4 / 3) ** x.shape[-1]


def _mixed(x: Any, y: Any, n: int) -> Any:
    a, b, gap = np.abs(x - 0.5), np.abs(y - 0.5), np.abs(x - y)
    single = np.prod(5 / 3 - 0.25 * a - 0.25 * a * a, axis=-1)
    double = np.prod(15 / 8 - 0.25 * (a + b) - 0.75 * gap + 0.5 * gap * gap, axis=-1)
    return (19 / 12) ** x.shape[-1] - 2 / n * np.sum(single) + np.sum(double) / n**2


def _star(x: Any, y: Any, n: int) -> Any:
    d = x.shape[-1]
    single = np.prod(1 - x * x, axis=-1)
    double = np.prod(1 - np.maximum(x, y), axis=-1)
    square = 3.0**-d - 2.0 ** (1 - d) / n * np.sum(single) + np.sum(double) / n**2
    return np.sqrt(square)


_METHODS = {"CD": _centred, "WD": _wrapped, "MD": _mixed, "L2-star": _star}


@valued_rule("scipy.stats.qmc.discrepancy")
def discrepancy(
    sample: Any, *, iterative: bool = False, method: str = "CD", workers: int = 1
) -> Any:
    """How far the points are from an even filling of the unit cube.

    The kernels are those of Fang, Li and Sudjianto, "Design and Modeling for Computer
    Experiments", 2006, and of Zhou, Fang and Ning, "Mixture discrepancy for quasi-random point
    sets", 2013; each is a sum over points and one over pairs.
    """
    x = _in_the_cube(sample)
    if method not in _METHODS:
        raise ValueError(f"{method!r} is not a valid method. It must be one of {set(_METHODS)}")
    return _METHODS[method](x[:, None, :], x[None, :, :], x.shape[0] + bool(iterative))
