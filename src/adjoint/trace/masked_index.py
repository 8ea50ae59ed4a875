"""Indices with a boolean mask of unknown values: ``x[mask]``, ``x[:, mask]``, ``x[mask, 1]``.

Slices, integers and new axes beside the mask are an index of their own, with whole slices in
the mask's place; what the mask picks is then a selection of the result (``trace/masked.py``).

``np.nonzero(mask)`` gives selections too: of the places along each axis of the mask. All of
them together are the mask again. Other selections of integers, such as ``np.nonzero(mask)[0] +
1``, are index arrays in which some entries do not count.
"""

from __future__ import annotations

import operator
from typing import Any, NamedTuple

import numpy as np

from adjoint.primitives.choose import stop_gradient
from adjoint.trace import recorder as core
from adjoint.trace.indexing import concrete_value
from adjoint.trace.masked import MaskedSelection, same, spread, unknown
from adjoint.trace.recorder import plain
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


def coordinates(mask: Any) -> tuple[MaskedSelection, ...]:
    """``np.nonzero`` of a mask whose values are not known."""
    grids = np.indices(mask.shape)
    return tuple([MaskedSelection(_safe(g, mask, 0), mask, 0, k) for k, g in enumerate(grids)])


def _with_masks(shape: tuple[int, ...], index: Any) -> list[Any]:
    """The parts of an index, the places of a mask's elements as the mask itself."""
    parts = list(index) if type(index) is tuple else [index]
    i = 0
    while i < len(parts):
        first = parts[i]
        mask = first._mask if type(first) is MaskedSelection else None
        if mask is not None and first._axis == 0:
            run = parts[i : i + mask.ndim]
            whole = [part._axis if type(part) is MaskedSelection else None for part in run]
            after = sum(1 for part in parts[i:] if part is not None)
            before = sum(_width(part) for part in parts[:i])
            axis = len(shape) - after if Ellipsis in _kinds(parts[:i]) else before
            if (
                whole == list(range(mask.ndim))
                and shape[axis : axis + mask.ndim] == mask.shape
                and all(same(mask, part._mask) for part in run)
            ):
                parts[i : i + mask.ndim] = [mask]
        i += 1
    return parts


def _kinds(parts: list[Any]) -> list[Any]:
    return [Ellipsis if part is Ellipsis else None for part in parts]


def _width(part: Any) -> int:
    """How many axes of an array a part of an index takes."""
    if part is None:
        return 0
    return part.ndim if type(part) is core.TracedArray and part.dtype == bool else 1


def _place(ndim: int, parts: list[Any]) -> _Place | None:
    """None for what stands beside the mask and is no basic index, as index arrays."""
    at = next(i for i, part in enumerate(parts) if _is_unknown_mask(part))
    mask = parts[at]
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


def _selections(parts: list[Any]) -> list[MaskedSelection]:
    """The selections of integers in an index."""
    found = [part for part in parts if type(part) is MaskedSelection]
    if any(part.dtype == bool for part in found):
        raise IndexError("a mask of picked elements fits no whole array")
    return found


def _gathered(x: Any, parts: list[Any], found: list[MaskedSelection]) -> MaskedSelection:
    """``x[parts]`` with selections of integers among the parts."""
    mask = found[0]._mask
    others = [part for part in parts if type(part) is not MaskedSelection]
    fits = all(part.ndim == 1 and same(mask, part._mask) for part in found)
    if not fits or not all(map(_is_basic, others)):
        raise unknown("x[mask]")
    fancy = [i for i, part in enumerate(parts) if not _keeps_axis(part)]
    together = fancy == list(range(fancy[0], fancy[-1] + 1))
    before = parts[: fancy[0]]
    lead = len(before) if together else 0
    if together and Ellipsis in _kinds(before):
        used = sum(1 for part in parts if part is not None and part is not Ellipsis)
        lead += x.ndim - used - 1
    whole = tuple([p._values if type(p) is MaskedSelection else p for p in parts])
    return MaskedSelection(detached(x)[whole], mask, lead)


def _keeps_axis(part: Any) -> bool:
    return part is None or part is Ellipsis or type(part) is slice


def apart(x: Any, picked: MaskedSelection) -> tuple[Any, Any]:
    """All elements in a row with one more, and where a selection of places writes in it.

    Args:
        x: an array.
        picked: some of its places, counted through all elements.
    """
    flat = np.concatenate([np.ravel(x), np.zeros(1, x.dtype)])
    return flat, np.where(picked._all(), picked._values, x.size)


def _scattered(x: Any, parts: list[Any], value: Any) -> Any:
    """All of x after ``x[parts] = value`` with selections of integers among the parts."""
    numbers = plain(np.arange(x.size).reshape(x.shape))
    picked = _gathered(numbers, parts, _selections(parts))
    flat, places = apart(detached(x), picked)
    flat[places] = picked._fitting(value, "indexing")
    return np.reshape(flat[:-1], x.shape)


def select(x: Any, index: Any) -> MaskedSelection | None:
    """``x[index]``; None if the index is more than a mask and a basic index."""
    parts = _with_masks(x.shape, index)
    if found := _selections(parts):
        return _gathered(x, parts, found)
    place = _place(x.ndim, parts)
    if place is None:
        return None
    lead, mask = 0 if place.first else place.lead, detached(place.mask)
    values = _moved(_inner(x, place), place)
    return MaskedSelection(_safe(values, mask, lead), mask, lead)


def assigned(x: Any, index: Any, value: Any) -> tuple[tuple[Any, ...], Any] | None:
    """The basic index to write at and all that is there after ``x[index] = value``; or None."""
    parts = _with_masks(x.shape, index)
    if _selections(parts):
        return (Ellipsis,), _scattered(x, parts, value)
    place = _place(x.ndim, parts)
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
