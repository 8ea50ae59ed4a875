"""``np.pad``."""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.primitives import linear
from adjoint.trace.borrow import borrowed
from adjoint.trace.calls.selection import take
from adjoint.trace.calls.support import as_operand, is_traced
from adjoint.trace.tables import implements
from adjoint.trace.views import detached, memory_of


@implements(np.pad)
def pad(array: Any, pad_width: Any, mode: str = "constant", **options: Any) -> Any:
    """Values added at the edges; modes that repeat the array's own elements, or constants."""
    x = as_operand(array)
    made = _padded(x, pad_width, mode, options)
    lies = memory_of(made).flags
    if memory_of(x).flags.fnc:
        return made if lies.f_contiguous else made.copy("F")
    return made if lies.c_contiguous else made.copy()


def _padded(x: Any, pad_width: Any, mode: str, options: dict[str, Any]) -> Any:
    widths: Any
    if isinstance(pad_width, dict):
        widths = [pad_width.get(i, pad_width.get(i - x.ndim, 0)) for i in range(x.ndim)]
        widths = [(w, w) if np.ndim(w) == 0 else tuple(w) for w in widths]
    else:
        widths = np.broadcast_to(pad_width, (x.ndim, 2)).tolist()
    if mode == "constant":
        shape = tuple(n + a + b for n, (a, b) in zip(x.shape, widths, strict=True))
        start = tuple(a for a, _ in widths)
        result = linear.unslice(detached(x), start=start, step=(1,) * x.ndim, shape=shape)
        values = options.get("constant_values", 0)
        if not is_traced(values) and not np.any(values):
            return result
        return _with_constants(x, result, widths, values)
    if mode not in ("edge", "wrap", "reflect", "symmetric") or options.get("reflect_type") == "odd":
        return borrowed(np.pad)(x, pad_width, mode, **options)
    # Other modes pick elements: NumPy pads the positions, and the elements follow.
    for axis, (before, after) in enumerate(widths):
        order = np.pad(np.arange(x.shape[axis]), (before, after), mode=mode, **options)
        x = take(x, order, axis)
    return x


def _with_constants(x: Any, result: Any, widths: Any, values: Any) -> Any:
    pairs = np.broadcast_to(values, (x.ndim, 2))
    for axis, (before, after) in enumerate(widths):
        at = np.arange(result.shape[axis])
        shape = tuple(-1 if i == axis else 1 for i in range(x.ndim))
        low = (at < before).reshape(shape)
        high = (at >= result.shape[axis] - after).reshape(shape)
        result = np.where(low, pairs[axis, 0].astype(x.dtype), result)
        result = np.where(high, pairs[axis, 1].astype(x.dtype), result)
    return result
