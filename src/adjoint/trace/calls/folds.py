"""Folds of associative ufuncs, in few operations on long arrays instead of one an element.

NumPy works from the first element to the last. Where values are known they are NumPy's own;
the derivatives are those of another order of working, equal but for rounding.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from adjoint.trace.calls.support import moved_as
from adjoint.trace.indexing import concrete_value


def together(ufunc: Any, parts: Any) -> Any:
    """All of an array's parts along its first axis as one: halves upon halves."""
    rest = parts
    while (n := rest.shape[0]) > 1:
        half = n // 2
        pairs = ufunc(rest[:half], rest[half : 2 * half])
        rest = np.concatenate([pairs, rest[2 * half :]]) if n % 2 else pairs
    return rest


def from_the_first(ufunc: Any, parts: Any) -> Any:
    """Each part with all before it: pairs are accumulated, and what stands between put in."""
    levels, done = [], parts
    while done.shape[0] > 1:
        levels.append(done)
        whole = done.shape[0] // 2 * 2
        done = ufunc(done[0:whole:2], done[1:whole:2])
    for level in reversed(levels):
        n = level.shape[0]
        between = ufunc(done[: (n - 1) // 2], level[2::2])
        firsts = np.concatenate([level[:1], between])
        woven = np.stack([firsts[: n // 2], done], axis=1).reshape((n // 2 * 2, *level.shape[1:]))
        done = np.concatenate([woven, firsts[n // 2 :]]) if n % 2 else woven
    return as_numpy(lambda x: ufunc.accumulate(x, axis=0), parts, done)


def as_numpy(own: Callable[[Any], Any], x: Any, moving: Any) -> Any:
    """What NumPy makes of a value where that is known, with the derivatives of ``moving``."""
    known = concrete_value(x)
    if known is None or moving.dtype.kind not in "fc":
        return moving
    value = own(known)
    if np.array_equal(value, concrete_value(moving), equal_nan=True):
        return moving
    if np.isfinite(value).all():
        return moved_as(value, moving)
    return np.where(np.isfinite(value), moved_as(value, moving), moving)
