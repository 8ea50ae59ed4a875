"""Losses for numbers: element by element, the mean over all elements unless said otherwise."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from adjoint.errors import StructureError
from adjoint.nn.losses.reduce import reduce, same_shape
from adjoint.primitives.choose import stop_gradient
from adjoint.settings import check_range


def mean_squared_error(
    output: Any, target: Any, *, reduction: str = "mean", weights: Any = None
) -> Any:
    """``(y - t)^2``.

    Args:
        output: [...] y.
        target: [...] t.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        weights: one for each example or element, or a boolean mask.

    >>> float(mean_squared_error(np.array([1.0, 3.0]), np.array([0.0, 1.0])))
    2.5
    """
    same_shape("mean_squared_error", output, target)
    return reduce(np.square(output - target), reduction, weights)


def half_squared_error(
    output: Any, target: Any, *, reduction: str = "mean", weights: Any = None
) -> Any:
    """``1/2 |y - t|^2`` summed over each example, then the mean over examples.

    The cost of the textbooks, whose delta at a linear output is just ``y - t``.

    Args:
        output: [batch, ...] y.
        target: [batch, ...] t.
        reduction: over examples: ``"mean"``, ``"sum"`` or ``"none"``.
        weights: [batch], or a boolean mask.
    """
    same_shape("half_squared_error", output, target)
    squares = np.square(output - target)
    if squares.ndim > 1:
        squares = np.sum(squares, axis=tuple(range(1, squares.ndim)))
    return reduce(0.5 * squares, reduction, weights)


def mean_absolute_error(
    output: Any, target: Any, *, reduction: str = "mean", weights: Any = None
) -> Any:
    """``|y - t|``; slope 0 at 0."""
    same_shape("mean_absolute_error", output, target)
    return reduce(np.abs(output - target), reduction, weights)


def huber(
    output: Any,
    target: Any,
    *,
    delta: float = 1.0,
    reduction: str = "mean",
    weights: Any = None,
) -> Any:
    """``r^2 / 2`` for ``|r| <= delta``, else ``delta (|r| - delta / 2)`` (Huber, 1964)."""
    same_shape("huber", output, target)
    check_range("huber", "(0, inf)", delta=delta)
    rest = output - target
    inner = np.where(np.abs(rest) <= delta, rest, np.copysign(delta, rest))
    return reduce(inner * (rest - 0.5 * inner), reduction, weights)


def log_cosh(output: Any, target: Any, *, reduction: str = "mean", weights: Any = None) -> Any:
    """``log cosh(r) = |r| + log((1 + exp(-2 |r|)) / 2)``: smooth, linear far out."""
    same_shape("log_cosh", output, target)
    rest = output - target
    # logaddexp(r, -r) is log(2 cosh r) for both signs, and smooth at 0.
    return reduce(np.logaddexp(rest, -rest) - math.log(2), reduction, weights)


def quantile(
    output: Any,
    target: Any,
    *,
    q: float | tuple[float, ...] = 0.5,
    reduction: str = "mean",
    weights: Any = None,
) -> Any:
    """``max(q r, (q - 1) r)`` with ``r = t - y``; its best constant is the q-quantile.

    Args:
        output: [...]; for several quantiles [..., n].
        target: [...], without the axis of quantiles.
        q: a quantile in 0..1, or n of them.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        weights: one for each example or element, or a boolean mask.
    """
    for level in q if isinstance(q, tuple) else (q,):
        check_range("quantile", "[0, 1]", q=level)
    if isinstance(q, tuple):
        if tuple(output.shape) != (*target.shape, len(q)):
            raise StructureError(
                "the output must have one column for each quantile",
                function="quantile",
                got=f"output {tuple(output.shape)}, target {tuple(target.shape)}",
                wanted=f"output {(*target.shape, len(q))}",
            )
        rest = target[..., None] - output
        levels: Any = np.array(q, dtype=rest.dtype)
    else:
        same_shape("quantile", output, target)
        rest, levels = target - output, q
    return reduce(np.where(rest > 0, levels * rest, (levels - 1) * rest), reduction, weights)


def cosine_distance(
    output: Any, target: Any, *, reduction: str = "mean", weights: Any = None, eps: float = 1e-12
) -> Any:
    """``1 - cos`` of the angle between the vectors of the last axis.

    Args:
        output: [..., n].
        target: [..., n].
        reduction: over vectors: ``"mean"``, ``"sum"`` or ``"none"``.
        weights: one for each vector, or a boolean mask.
        eps: the least length; a zero vector has cosine 0 with everything.
    """
    same_shape("cosine_distance", output, target)
    return reduce(1 - cosine_similarity(output, target, eps=eps), reduction, weights)


def cosine_similarity(x: Any, y: Any, eps: float = 1e-12) -> Any:
    """Cosine of the angle between vectors: [..., n], [..., n] -> [...]."""
    return np.sum(unit(x, eps) * unit(y, eps), axis=-1)


def unit(x: Any, eps: float = 1e-12) -> Any:
    """The vectors of the last axis at length 1; zero vectors stay zero."""
    # The largest entry goes out first: squares of 1e200 overflow, and of 1e-200 vanish.
    scale = stop_gradient(np.max(np.abs(x), axis=-1, keepdims=True))
    scaled = x / np.where(scale <= eps, 1, scale)
    square = np.sum(np.square(scaled), axis=-1, keepdims=True)
    zero = scale <= eps
    return np.where(zero, 0, scaled / np.sqrt(np.where(zero, 1, square)))
