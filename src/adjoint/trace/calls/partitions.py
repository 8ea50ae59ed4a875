"""Elements parted by their order."""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.trace.calls.selection import sort
from adjoint.trace.calls.support import as_operand, axis_index
from adjoint.trace.indexing import concrete_value
from adjoint.trace.tables import implements
from adjoint.trace.views import lying_as


@implements(np.partition)
def partition(
    a: Any, kth: Any, axis: Any = -1, kind: str = "introselect", order: Any = None
) -> Any:
    """Elements before and after the kth; in NumPy's order where the values are known."""
    x = as_operand(a)
    if axis is None:
        x, axis = np.ravel(x), 0
    axis = axis_index(axis, x.ndim)
    known = concrete_value(x)
    if known is None:
        return sort(x, axis)
    # Of equal elements any will do: stable orders would take thrice as long.
    wanted = np.argsort(np.partition(known, kth, axis, kind), axis=axis)
    places = np.empty_like(wanted)
    np.put_along_axis(places, wanted, np.argsort(known, axis=axis), axis)
    return lying_as(np.take_along_axis(x, places, axis), x)


@implements(methods=("partition",))
def partition_in_place(x: Any, kth: Any, axis: int = -1, kind: str = "introselect") -> None:
    """``x.partition(kth)`` writes into x."""
    x[...] = partition(x.copy(), kth, axis, kind)


@implements(np.argpartition, methods=("argpartition",))
def argpartition(
    a: Any, kth: Any, axis: Any = -1, kind: str = "introselect", order: Any = None
) -> Any:
    """The indices that part; those that sort where the values are not known."""
    known = concrete_value(as_operand(a))
    if known is None:
        return np.argsort(a, axis=axis)
    return np.argpartition(known, kth, axis, kind)
