"""Views whose elements are those of an array at any places."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from adjoint.trace import indexing
from adjoint.trace.recorder import is_plain, plain
from adjoint.trace.views import as_view, detached


def placed_view(
    x: Any,
    own: Callable[[Any], Any],
    read: Callable[[Any], Any] | None = None,
    *,
    writeable: bool = True,
) -> Any:
    """What NumPy's own function makes of an array, as a view of a stand-in.

    Args:
        x: the stand-in.
        own: gives a view of an array, in which each element is one of the array's.
        read: the same for recorded values, if that is quicker than to gather the places.
        writeable: whether the view may be written.
    """

    @cache  # an integer for each element: made only where they are needed
    def places() -> Any:
        return own(np.arange(x.size).reshape(x.shape))

    def look(base: Any) -> Any:
        if is_plain(base):
            return plain(own(base.payload))
        if type(base) is np.ndarray:  # asked how it lies in memory
            return own(base)
        return np.reshape(base, -1)[places()] if read is None else read(base)

    def write(base: Any, new: Any) -> Any:
        flat = np.reshape(base, -1)
        changed = indexing.write(flat, indexing.plan_index(flat.shape, places()), new)
        return np.reshape(changed, base.shape)

    @cache
    def twice() -> bool:
        return bool(np.unique(places()).size < places().size)

    first = look(x if is_plain(x) else detached(x))
    return as_view(first, x, look, write if writeable else None, twice if writeable else None)


def view_like(x: Any, whole: Any, part: Any) -> Any:
    """What a view of an array that lies in order is, of a stand-in of the same shape."""
    size = whole.itemsize
    first = (part.__array_interface__["data"][0] - whole.__array_interface__["data"][0]) // size
    shape, steps = part.shape, [step // size for step in part.strides]

    def own(array: Any) -> Any:
        scaled = [step * array.itemsize for step in steps]
        return np.lib.stride_tricks.as_strided(array.reshape(-1)[first:], shape, scaled)

    return placed_view(x, own)
