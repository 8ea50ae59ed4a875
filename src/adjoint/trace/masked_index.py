"""Indices with a boolean mask of unknown values: ``x[mask]``, ``x[:, mask]``, ``x[mask, 1]``.

Slices, integers and new axes beside the mask are an index of their own, with whole slices in
the mask's place; what the mask picks is then a selection of the result (``trace/masked.py``).
"""

from __future__ import annotations

import operator
from typing import Any, NamedTuple

import numpy as np

from adjoint.primitives.choose import stop_gradient
from adjoint.trace import recorder as core
from adjoint.trace.indexing import concrete_value
from adjoint.trace.masked import MaskedSelection, spread
from adjoint.trace.views import detached


def has_unknown_mask(index: Any) -> bool:
    """Whether an index is, or has in it, a mask whose values are not known."""
    if type(index) is tuple:
        return any(map(_is_unknown_mask, index))
    return _is_unknown_mask(index)


def _is_unknown_mask(part: Any) -> bool:
    if type(part) is MaskedSelection:
        return True
    return type(part) is core.TracedArray and part.dtype == bool and concrete_value(part) is None


class _Place(NamedTuple):
    """Where a mask stands in an index."""

    mask: Any
    basic: tuple[Any, ...]  # the index of slices, integers and new axes
    lead: int  # how many axes of the result of ``basic`` stand before the mask's own
    first: bool  # integers apart from the mask: NumPy puts the picked axis first


def _place(ndim: int, index: Any) -> _Place | None:
    """None for what stands beside the mask and is no basic index, as index arrays."""
    parts = list(index) if type(index) is tuple else [index]
    at = next(i for i, part in enumerate(parts) if _is_unknown_mask(part))
    mask = parts[at]
    if type(mask) is MaskedSelection:
        raise IndexError("a mask of picked elements fits no whole array")
    others = parts[:at] + parts[at + 1 :]
    if not all(map(_is_basic, others)):
        return None
    used = mask.ndim + sum(1 for part in others if part is not None and part is not Ellipsis)
    gap = [slice(None)] * (ndim - used)
    parts[at : at + 1] = [slice(None)] * mask.ndim
    dots = next((i for i, part in enumerate(parts) if part is Ellipsis), None)
    if dots is None:
        parts += gap
    else:
        parts[dots : dots + 1] = gap
        at += len(gap) - 1 if dots < at else 0
    numbers = [i for i, part in enumerate(parts) if part is not None and type(part) is not slice]
    before, after = [i for i in numbers if i < at], [i for i in numbers if i >= at]
    together = len(numbers) == 0 or (
        before == list(range(at - len(before), at))
        and after == list(range(at + mask.ndim, at + mask.ndim + len(after)))
    )
    return _Place(mask, tuple(parts), at - len(before), not together)


def _is_basic(part: Any) -> bool:
    if part is None or part is Ellipsis or type(part) is slice:
        return True
    if isinstance(part, bool | np.bool_) or getattr(part, "shape", ()):
        return False
    try:
        operator.index(part)
    except TypeError:
        return False
    return True


def _inner(x: Any, place: _Place) -> Any:
    """What the basic part of an index gives: the mask's axes are whole in it."""
    whole = all(type(part) is slice and part == slice(None) for part in place.basic)
    inner = detached(x) if whole and len(place.basic) == x.ndim else detached(x[place.basic])
    there = inner.shape[place.lead : place.lead + place.mask.ndim]
    if place.mask.shape != there:
        raise IndexError(
            f"boolean index did not match indexed array: the array has shape {x.shape}, "
            f"the mask {place.mask.shape}"
        )
    return inner


def _moved(inner: Any, place: _Place) -> Any:
    """With the mask's axes where NumPy puts the picked one."""
    if not place.first:
        return inner
    depth = place.mask.ndim
    return np.moveaxis(inner, range(place.lead, place.lead + depth), range(depth))


def select(x: Any, index: Any) -> MaskedSelection | None:
    """``x[index]``; None if the index is more than a mask and a basic index."""
    place = _place(x.ndim, index)
    if place is None:
        return None
    lead, mask = 0 if place.first else place.lead, detached(place.mask)
    values = _moved(_inner(x, place), place)
    return MaskedSelection(_safe(values, mask, lead), mask, lead)


def assigned(x: Any, index: Any, value: Any) -> tuple[tuple[Any, ...], Any] | None:
    """The basic index to write at and all that is there after ``x[index] = value``; or None."""
    place = _place(x.ndim, index)
    if place is None:
        return None
    inner = _inner(x, place)
    picked = MaskedSelection(
        _moved(inner, place), detached(place.mask), 0 if place.first else place.lead
    )
    new = picked.replaced(value)
    if place.first:
        depth = place.mask.ndim
        new = np.moveaxis(new, range(depth), range(place.lead, place.lead + depth))
    return place.basic, new


def _safe(x: Any, mask: Any, lead: int) -> Any:
    """The first picked element in all places that are not picked."""
    if 0 in x.shape:
        return x
    depth = mask.ndim
    rows = np.reshape(x, (*x.shape[:lead], mask.size, *x.shape[lead + depth :]))
    first = np.take(rows, np.argmax(mask), axis=lead)
    first = np.reshape(first, (*x.shape[:lead], *(1,) * depth, *x.shape[lead + depth :]))
    return np.where(spread(mask, lead, x.ndim), x, stop_gradient(first))
