"""From one loss an example to one number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from adjoint.errors import StructureError

REDUCTIONS = ("mean", "sum", "none")

# Stands for the logarithm of 0: exp of it is 0, and sums of it stay finite, so no difference of
# infinities can turn up in a derivative.
NEVER = -1e30


def reduce(values: Any, reduction: str, weights: Any = None, total: Any = None) -> Any:
    """Combine losses.

    Args:
        values: [batch, ...], the losses.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        weights: [batch] or [batch, ...]: a factor for each loss, or a boolean mask. The mean
            is divided by the sum of the weights; where a mask is False the loss may be NaN.
        total: what to divide the mean by, if not the number of values or sum of the weights.

    Returns:
        A scalar, or for ``"none"`` the weighted losses.
    """
    if reduction not in REDUCTIONS:
        raise StructureError(
            "unknown reduction",
            function="loss",
            got=repr(reduction),
            wanted=f"one of {REDUCTIONS}",
        )
    if weights is not None:
        weights = weights if hasattr(weights, "dtype") else np.array(weights)
        weights = _beside(weights, values)
        if weights.dtype.kind == "b":
            values = np.where(weights, values, 0)
        else:
            values = values * weights.astype(values.dtype)
        if total is None:
            spread = np.broadcast_to(weights.astype(values.dtype), values.shape)
            total = np.sum(spread)
    if reduction == "none":
        return values
    if reduction == "sum":
        return np.sum(values)
    if total is None:
        return np.mean(values)
    # A batch in which everything is masked has loss 0 and gradient 0.
    return np.sum(values) / np.where(total == 0, 1, total)


def _beside(weights: Any, values: Any) -> Any:
    """Weights with axes of length 1 added at the end, as one weight an example needs."""
    missing = values.ndim - weights.ndim
    if missing < 0 or any(
        w not in (1, v) for w, v in zip(weights.shape, values.shape, strict=False)
    ):
        raise StructureError(
            "the weights do not fit the losses",
            function="loss",
            got=f"weights of shape {tuple(weights.shape)}",
            wanted=f"leading axes of {tuple(values.shape)}",
        )
    return weights.reshape(*weights.shape, *(1,) * missing)


def same_shape(function: str, output: Any, target: Any) -> None:
    """Refuse an output and a target of different shapes, which would broadcast into nonsense."""
    arrays(function, output, target)
    if tuple(output.shape) != tuple(target.shape):
        raise StructureError(
            "output and target have different shapes",
            function=function,
            got=f"output {tuple(output.shape)}, target {tuple(target.shape)}",
            wanted="equal shapes",
            remedy="reshape the target, for example y[:, None] for a model with one output",
        )


def arrays(function: str, output: Any, target: Any) -> None:
    """Refuse lists: what a loss compares must have a shape and a dtype."""
    for name, value in (("output", output), ("target", target)):
        if not hasattr(value, "shape") or not hasattr(value, "dtype"):
            remedy = f"convert it once: np.array({name})"
            if isinstance(value, Mapping):
                remedy = f"give one loss for each entry: loss={{{next(iter(value), 'a')!r}: ...}}"
            raise StructureError(
                f"the {name} is no array",
                function=function,
                got=type(value).__name__,
                remedy=remedy,
            )
