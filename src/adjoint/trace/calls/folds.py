"""Folds of associative ufuncs, in few operations on long arrays instead of one an element.

NumPy works from the first element to the last. Where values are known they are NumPy's own;
the derivatives are those of another order of working, equal but for rounding.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from adjoint.primitives import linear
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


EXTREMES = frozenset([np.maximum, np.minimum, np.fmax, np.fmin])


def running_extremes(ufunc: Any, parts: Any) -> Any:
    """Accumulated extremes along the first axis as elements that were picked.

    None where values are not known, or where elements tie and share the derivative.
    """
    known = concrete_value(parts)
    if known is None or ufunc not in EXTREMES:
        return None
    value = ufunc.accumulate(known, 0)
    taken = known == value
    tied = taken[1:] & (value[1:] == value[:-1])
    if tied.any() or not taken[:1].all() or (value != value).any():
        return None
    places = np.arange(known.shape[0]).reshape(-1, *[1] * (known.ndim - 1))
    return np.take_along_axis(parts, np.maximum.accumulate(np.where(taken, places, 0), 0), 0)


def of_segments(ufunc: Any, parts: Any, starts: Any, lengths: Any) -> Any:
    """Folded parts along the first axis in two steps: sums, and extremes without ties.

    None where the ufunc, ties or unknown values ask for another way.

    Args:
        ufunc: what folds.
        parts: an array of real or complex numbers.
        starts: where each segment begins.
        lengths: of the segments, none empty; they may overlap.
    """
    firsts = np.cumsum(lengths) - lengths
    segments = np.repeat(np.arange(len(lengths)), lengths)
    elements = np.arange(len(segments)) - firsts[segments] + starts[segments]
    shape = (len(lengths), *parts.shape[1:])
    if ufunc == np.add:
        return linear.scatter_add(np.take(parts, elements, 0), segments, axes=(0,), shape=shape)
    known = concrete_value(parts)
    if known is None or ufunc not in EXTREMES:
        return None
    taken = known[elements] == ufunc.reduceat(known, starts, 0)[segments]
    if not (np.add.reduceat(taken, firsts, 0, np.intp) == 1).all():
        return None
    places = elements.reshape(-1, *[1] * (known.ndim - 1))
    return np.take_along_axis(parts, np.add.reduceat(np.where(taken, places, 0), firsts, 0), 0)


def as_numpy(own: Callable[[Any], Any], x: Any, moving: Any) -> Any:
    """What NumPy makes of a value where that is known, with the derivatives of ``moving``."""
    known = concrete_value(x)
    if known is None or moving.dtype.kind not in "fc":
        return moving
    value = own(known)
    found = concrete_value(moving)
    if np.array_equal(value, found, equal_nan=True) and np.array_equal(
        np.signbit(np.real(value)), np.signbit(np.real(found))
    ):
        return moving
    if np.isfinite(value).all():
        return moved_as(value, moving)
    return np.where(np.isfinite(value), moved_as(value, moving), moving)
