"""Statistics with weights whose values may not be known."""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.trace.borrow import borrowed
from adjoint.trace.calls.support import as_operand
from adjoint.trace.indexing import concrete_value
from adjoint.trace.tables import implements


def along_line(weights: Any, x: Any, line: Any, axis: Any) -> Any:
    """Weights of the elements that a reduction takes, as these lie: along the last axis."""
    w = as_operand(weights)
    if w.shape == x.shape:
        rest = [i for i in range(x.ndim) if i not in axis]
        return np.reshape(np.transpose(w, [*rest, *axis]), line.shape)
    if w.ndim != 1 or len(axis) != 1 or w.shape[0] != line.shape[-1]:
        raise ValueError("Shape of weights must be consistent with shape of a along specified axis")
    return np.broadcast_to(w, line.shape)


def weighted_quantile(line: Any, weights: Any, levels: Any, method: str, nans: bool) -> Any:
    """The first element up to which the weights sum to a level; the levels' axes come first.

    Args:
        line: the elements along its last axis.
        weights: of all of them.
        levels: from 0 to 1.
        method: NumPy has weights for one.
        nans: whether NaN is passed over.
    """
    if method != "inverted_cdf":
        raise ValueError(f"Only method 'inverted_cdf' supports weights. Got: {method}.")
    known = concrete_value(weights)
    if known is not None and np.any(known < 0):
        raise ValueError("Weights must be non-negative.")
    order = np.argsort(line, axis=-1, kind="stable")
    ordered = np.take_along_axis(line, order, axis=-1)
    share = np.take_along_axis(weights, order, axis=-1).astype(np.float64)
    undefined: Any = np.isnan(ordered) if line.dtype.kind in "fc" else np.zeros(line.shape, bool)
    if nans:
        share = np.where(undefined, 0.0, share)
    reached = np.cumsum(share, axis=-1)
    reached = reached / reached[..., -1:]
    if levels.dtype.kind == "f":
        reached = reached.astype(levels.dtype)
    reached = np.where(reached == 0, -1, reached)  # what weighs nothing is never the first
    q = np.reshape(levels, -1)
    places = np.sum(reached[..., None, :] < q[:, None], axis=-1)
    last = np.sum(~undefined, axis=-1, keepdims=True) - 1 if nans else line.shape[-1] - 1
    picked = np.take_along_axis(ordered, np.maximum(np.minimum(places, last), 0), axis=-1)
    lost = undefined.all(axis=-1) if nans else undefined[..., -1]
    if line.dtype.kind in "fc":
        picked = np.where(lost[..., None], np.nan, picked).astype(line.dtype)
    return np.reshape(np.moveaxis(picked, -1, 0), levels.shape + line.shape[:-1])


@implements(np.cov)
def cov(
    m: Any,
    y: Any = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: Any = None,
    fweights: Any = None,
    aweights: Any = None,
    *,
    dtype: Any = None,
) -> Any:
    """Covariances: by NumPy's own code, unless it would decide on weights that are not known."""
    weights = [as_operand(w) for w in (fweights, aweights) if w is not None]
    if all(concrete_value(w) is not None for w in weights):
        settings = {"fweights": fweights, "aweights": aweights, "dtype": dtype}
        return borrowed(np.cov)(m, y, rowvar, bias, ddof, **settings)
    rows = [_rows(x, rowvar) for x in (m, y) if x is not None]
    kind = dtype or np.result_type(*[x.dtype for x in rows], np.float64)
    x = np.concatenate([part.astype(kind) for part in rows])
    w = weights[0] if len(weights) == 1 else weights[0] * weights[1]
    if any(part.shape != x.shape[1:] for part in weights):
        raise RuntimeError("incompatible numbers of samples and weights")
    lost = ddof if ddof is not None else int(not bias)
    mean, totals = np.average(x, axis=1, weights=w, returned=True)
    total = totals[0]
    if lost != 0:
        total = total - lost * (1 if aweights is None else np.sum(w * aweights) / total)
    centred = x - mean[:, None]
    product = np.dot(centred, np.conj(centred * w).T)
    return np.squeeze(product / np.where(total > 0, total, 0.0))


def _rows(x: Any, rowvar: bool) -> Any:
    made = as_operand(x)
    if made.ndim < 2:
        return np.reshape(made, (1, -1))
    return made if rowvar else made.T
