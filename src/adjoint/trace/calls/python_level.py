"""Functions of NumPy's that ask no stand-in: reached like SciPy's (``trace/scipy_gate.py``)."""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.errors import UnsupportedError
from adjoint.graph.source import source_here
from adjoint.trace.calls.support import as_operand
from adjoint.trace.making import joined
from adjoint.trace.scipy_gate import scipy_rule
from adjoint.trace.tables import implements


@scipy_rule("numpy.vectorize.__call__")
def vectorize(self: Any, *args: Any, **options: Any) -> Any:
    """A Python function of numbers, called for each element."""
    if self.signature is not None or options or self.excluded:
        raise UnsupportedError(
            "signatures, excluded and keyword arguments have no rule",
            function="np.vectorize",
            source=source_here(),
            remedy="write a Python loop and np.stack",
        )
    arrays = [as_operand(x) for x in args]
    shape = np.broadcast_shapes(*[x.shape for x in arrays])
    columns = [np.reshape(np.broadcast_to(x, shape), (-1,)) for x in arrays]
    count = columns[0].shape[0]
    results = [self.pyfunc(*[c[i] for c in columns]) for i in range(count)]
    if results and isinstance(results[0], tuple):
        parts = [list(part) for part in zip(*results, strict=True)]
        return tuple(np.reshape(joined(part), shape) for part in parts)
    return np.reshape(joined(results), shape)


@implements(np.lib.stride_tricks.sliding_window_view)
def sliding_window_view(
    x: Any, window_shape: Any, axis: Any = None, *, subok: bool = False, writeable: bool = False
) -> Any:
    """Windows along axes, as new last axes."""
    a = as_operand(x)
    sizes = (window_shape,) if np.ndim(window_shape) == 0 else tuple(window_shape)
    axes = tuple(range(a.ndim)) if axis is None else (axis,) if np.ndim(axis) == 0 else axis
    if len(sizes) != len(axes):
        raise ValueError("window_shape and axis must have the same length")
    for size, place in zip(sizes, axes, strict=True):
        place = place % np.ndim(x)
        count = a.shape[place] - size + 1
        if size < 0 or count < 1:
            raise ValueError("window shape cannot be larger than input array shape")
        steps = np.arange(count)[:, None] + np.arange(size)
        a = np.moveaxis(np.take(a, steps, axis=place), place + 1, -1)
    return a
