"""``np.gradient``: NumPy's own code, and ours where the coordinates themselves are recorded."""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.trace.borrow import borrowed
from adjoint.trace.calls.support import as_operand, is_traced
from adjoint.trace.indexing import concrete_value
from adjoint.trace.recorder import is_plain
from adjoint.trace.tables import implements


@implements(np.gradient)
def gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: Any = 1) -> Any:
    """Differences along axes.

    NumPy asks whether coordinates lie evenly and then looks at the first step alone. Where they
    are recorded, the answer may not be known, and all steps have a part in the derivative.
    """
    numpys = borrowed(np.gradient)
    axes = () if axis is None else axis if isinstance(axis, tuple) else (axis,)
    places = [np.arange(np.ndim(f))[k] for k in axes] or range(np.ndim(f))
    moving = [is_traced(x) and x.ndim == 1 and not _uneven_or_plain(x) for x in varargs]
    if not any(moving) or len(varargs) != len(places):
        return numpys(f, *varargs, axis=axis, edge_order=edge_order)
    values = as_operand(f)
    found = [
        (_along if moves else numpys)(values, x, axis=int(k), edge_order=edge_order)
        for k, x, moves in zip(places, varargs, moving, strict=True)
    ]
    return found[0] if len(found) == 1 else tuple(found)


def _uneven_or_plain(x: Any) -> bool:
    known = concrete_value(x)
    steps = np.zeros(1) if known is None else np.diff(known)
    return is_plain(x) or bool(np.any(steps != steps[:1]))


def _along(f: Any, x: Any, axis: int, edge_order: Any) -> Any:
    """The slopes of parabolas through three neighbours: slopes between them, weighted."""
    if len(x) != f.shape[axis]:
        raise ValueError("when 1d, distances must match the length of the corresponding dimension")
    if edge_order > 2:
        raise ValueError("'edge_order' greater than 2 not supported")
    if len(x) < edge_order + 1:
        raise ValueError(
            "Shape of array too small to calculate a numerical gradient, "
            "at least (edge_order + 1) elements are required."
        )
    dtype = f.dtype if f.dtype.kind in "fc" else np.dtype(float)
    last = np.moveaxis(f.astype(dtype), axis, -1)
    step = np.diff(x)
    slope = np.diff(last) / step
    bend = np.diff(slope) / (step[:-1] + step[1:])
    inner = slope[..., :-1] + step[:-1] * bend
    first, final = slope[..., :1], slope[..., -1:]
    if edge_order == 2:
        first = first - step[0] * bend[..., :1]
        final = final + step[-1] * bend[..., -1:]
    return np.moveaxis(np.concatenate([first, inner, final], -1).astype(dtype), -1, axis)
