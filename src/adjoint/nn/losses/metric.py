"""Losses that compare embeddings."""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.nn.losses.classification import cross_entropy
from adjoint.nn.losses.labels import within
from adjoint.nn.losses.reduce import reduce, same_shape
from adjoint.nn.losses.regression import unit


def _distance(x: Any, y: Any) -> Any:
    """Euclidean length of x - y over the last axis; slope 0 where they are equal."""
    square = np.sum(np.square(x - y), axis=-1)
    same = square == 0
    return np.where(same, 0, np.sqrt(np.where(same, 1, square)))


def triplet(
    output: tuple[Any, Any, Any],
    target: Any = None,
    *,
    margin: float = 1.0,
    reduction: str = "mean",
    weights: Any = None,
) -> Any:
    """``max(0, |a - p| - |a - n| + margin)``: the positive nearer than the negative.

    Args:
        output: three arrays [batch, n]: anchor a, positive p, negative n.
        target: not used; there so that it can be called as every loss is.
        margin: how much nearer.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        weights: [batch], or a boolean mask.
    """
    anchor, positive, negative = output
    same_shape("triplet", anchor, positive)
    same_shape("triplet", anchor, negative)
    missing = _distance(anchor, positive) - _distance(anchor, negative) + margin
    return reduce(np.where(missing <= 0, 0, missing), reduction, weights)


def contrastive(
    output: tuple[Any, Any],
    target: Any,
    *,
    margin: float = 1.0,
    reduction: str = "mean",
    weights: Any = None,
) -> Any:
    """``t d^2 + (1 - t) max(0, margin - d)^2``, d the distance (Hadsell et al., 2006).

    Args:
        output: two arrays [batch, n].
        target: [batch] t: 1 for pairs that belong together, 0 for others.
        margin: how far apart others must be to cost nothing.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        weights: [batch], or a boolean mask.
    """
    x, y = output
    same_shape("contrastive", x, y)
    square = np.sum(np.square(x - y), axis=-1)
    same_shape("contrastive", square, target)
    target = within("contrastive", target, 0, 1, weights, "1 for pairs that belong together")
    target = target.astype(square.dtype)
    missing = margin - _distance(x, y)
    short = np.where(missing <= 0, 0, missing)
    return reduce(target * square + (1 - target) * short * short, reduction, weights)


def info_nce(
    output: tuple[Any, Any],
    target: Any = None,
    *,
    temperature: float = 0.1,
    reduction: str = "mean",
    weights: Any = None,
) -> Any:
    """Each vector must find its partner among all partners of the batch (van den Oord, 2018).

    Args:
        output: two arrays [batch, n]; rows of the same number are partners.
        target: not used; there so that it can be called as every loss is.
        temperature: divides the cosines.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        weights: [batch], or a boolean mask.
    """
    x, y = output
    same_shape("info_nce", x, y)
    scores = unit(x) @ unit(y).T / temperature  # [b, n] @ [n, b] -> [b, b]
    labels = np.arange(x.shape[0])
    return cross_entropy(scores, labels, reduction=reduction, weights=weights)
