"""Views that choose elements by places: diagonals by einsum, windows, strides."""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.errors import UnsupportedError
from adjoint.graph.source import source_here
from adjoint.primitives.windows import windows
from adjoint.trace.calls.support import as_operand
from adjoint.trace.placed import placed_view
from adjoint.trace.scipy_gate import scipy_rule
from adjoint.trace.tables import implements
from adjoint.trace.views import memory_from_root


def _chosen(x: Any, shape: tuple[int, ...], axes: tuple[int, ...]) -> Any:
    """Windows of the given extents along axes, as new last axes."""
    if len(set(axes)) < len(axes):  # windows of windows
        for size, axis in zip(shape, axes, strict=True):
            x = _chosen(x, (size,), (axis,))
        return x
    lead = x.ndim - len(axes)
    last = range(lead, x.ndim)
    made = windows(
        np.moveaxis(x, axes, last), window=shape, stride=(1,) * len(axes), dilation=(1,) * len(axes)
    )
    return np.moveaxis(made, last, axes) if axes != tuple(last) else made


@implements(np.lib.stride_tricks.sliding_window_view)
def sliding_window_view(
    x: Any, window_shape: Any, axis: Any = None, *, subok: bool = False, writeable: bool = False
) -> Any:
    """Windows along axes, as new last axes."""
    a = as_operand(x)
    shape = (window_shape,) if np.ndim(window_shape) == 0 else tuple(window_shape)
    given = tuple(range(a.ndim)) if axis is None else (axis,) if np.ndim(axis) == 0 else axis
    axes = tuple([i % a.ndim for i in given])

    def own(array: Any) -> Any:
        return np.lib.stride_tricks.sliding_window_view(array, shape, axes, writeable=writeable)

    own(np.empty(a.shape, bool))  # refuses what does not fit
    return placed_view(a, own, lambda base: _chosen(base, shape, axes), writeable=writeable)


@scipy_rule("numpy.lib.stride_tricks.as_strided", takes_made=True)
def as_strided(
    x: Any,
    shape: Any = None,
    strides: Any = None,
    subok: bool = False,
    writeable: bool = True,
    **_: Any,
) -> Any:
    """Elements by their distance in memory from the first one of an array or a view."""
    a = as_operand(x)
    root, line, memory = memory_from_root(a)
    wanted = a.shape if shape is None else tuple(np.atleast_1d(shape))
    steps = memory.strides if strides is None else tuple(np.atleast_1d(strides))
    size = a.dtype.itemsize
    first = (memory.ctypes.data - line.ctypes.data) // size
    reach = [(n - 1) * (step // size) for n, step in zip(wanted, steps, strict=True)]
    low, high = first + sum(min(n, 0) for n in reach), first + sum(max(n, 0) for n in reach)
    inside = 0 in wanted or (low >= 0 and high < line.size)
    if not (inside and line.flags.c_contiguous and all(step % size == 0 for step in steps)):
        raise UnsupportedError(
            "strides that leave an array, or one that does not lie in order, reach elements "
            "that a recording does not know",
            function="np.lib.stride_tricks.as_strided",
            source=source_here(),
            remedy="use np.lib.stride_tricks.sliding_window_view, or index arrays",
        )

    def own(array: Any) -> Any:
        scaled = [step // size * array.itemsize for step in steps]
        flat = array.reshape(-1)[first:]
        return np.lib.stride_tricks.as_strided(flat, wanted, scaled, writeable=writeable)

    return placed_view(root, own, writeable=writeable)
