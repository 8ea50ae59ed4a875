"""NumPy's indexing: an index becomes a plan of a few primitives, for reading and writing."""

from __future__ import annotations

import operator
from typing import Any, NamedTuple

import numpy as np

from adjoint.graph.types import ArrayType, type_of
from adjoint.primitives.linear import (
    gather,
    gathered_shape,
    reshape,
    scatter_set,
    set_slice,
    slice_,
)
from adjoint.primitives.windows import windows
from adjoint.trace import recorder as core
from adjoint.trace.calls.support import as_operand, with_sequence_as_list
from adjoint.trace.masked import MaskedSelection, unknown
from adjoint.trace.overwriting import overwrite


class Plan(NamedTuple):
    """An index in normal form, applied from the first field to the last."""

    start: tuple[int, ...]  # one slice for each axis
    step: tuple[int, ...]
    extent: tuple[int, ...]
    expanded: tuple[int, ...]  # the shape with new axes, and without integer-indexed ones
    axes: tuple[int, ...]  # of the expanded array, those with index arrays
    arrays: tuple[Any, ...]  # of one common shape
    scalar: bool  # one element: NumPy gives a scalar, which is no view


def _entries(index: Any) -> list[Any]:
    """The index as a list; lists become arrays, boolean masks integer arrays."""
    items = list(index) if isinstance(index, tuple) else [index]
    entries: list[Any] = []
    for item in items:
        if isinstance(item, range | tuple):
            item = list(item)  # a sequence within an index picks as a list does
        if isinstance(item, list | np.ndarray) or (
            type(item) is core.TracedArray and (item.ndim > 0 or item.dtype == bool)
        ):
            array = as_operand(item)
            if type(array) is np.ndarray and array.size == 0 and isinstance(item, list):
                array = array.astype(np.intp)
            if array.dtype == bool and not array.shape:
                entries.append(_Flag(_known_mask(array)))
            elif array.dtype == bool:
                entries.extend(np.nonzero(_known_mask(array)))
            elif array.dtype.kind in "iu":
                entries.append(array)
            else:
                raise IndexError("arrays used as indices must be of integer (or boolean) type")
        elif isinstance(item, bool | np.bool_):
            entries.append(_Flag(item))
        else:
            entries.append(item)
    return entries


def _known_mask(mask: Any) -> Any:
    known = concrete_value(mask)
    if known is None:
        raise unknown("x[mask]")
    return known


class _Flag:
    """``x[True]`` and ``x[False]``: a new first axis of one element, or of none."""

    def __init__(self, chosen: Any) -> None:
        self.places = np.zeros(int(bool(chosen)), np.intp)


def concrete_value(x: Any) -> Any:
    """The array behind a stand-in, or None where values are not known."""
    while type(x) is core.TracedArray:
        if x.tie is not None:
            x.tie.refresh(x)
        if x.recorder.watches:  # only Python is told values there, and that is noted
            return None
        x = x.payload
    return x if isinstance(x, np.ndarray | np.generic) else None


def value_behind(x: Any) -> Any:
    """The same, also where only Python's decisions are told: for what decides nothing."""
    while type(x) is core.TracedArray:
        if x.tie is not None:
            x.tie.refresh(x)
        x = x.payload
    return x if isinstance(x, np.ndarray | np.generic) else None


def known_value(x: Any) -> Any:
    """The array behind a stand-in, or None where it is not known; anything else as it is."""
    return concrete_value(x) if hasattr(x, "recorder") else x


def known_parts(x: Any) -> Any:
    """The same for arguments that may be lists and tuples of stand-ins."""
    if isinstance(x, list | tuple):
        return type(x)(known_parts(part) for part in x)
    return known_value(x)


RECORDED: Any = object()  # an index or a value that is under recording


def plain_value(x: Any) -> Any:
    """A plain stand-in's array, other arrays and numbers as they are; RECORDED if recorded."""
    if type(x) is core.TracedArray:
        if x.tie is not None:
            x.tie.refresh(x)
        return x.payload if x.recorder is core.PLAIN else RECORDED
    if type(x) is MaskedSelection:
        return RECORDED
    if isinstance(x, list | tuple):
        made = [plain_value(part) for part in x]
        return RECORDED if any(part is RECORDED for part in made) else made
    held = with_sequence_as_list(x)
    return x if held is x else plain_value(held)


# What is never recorded, and what most indices are made of: loops over elements ask often.
_SIMPLE = frozenset({int, slice, type(None), type(Ellipsis)})


def plain_index(index: Any) -> Any:
    """An index for a plain array; RECORDED if part of it is recorded."""
    kind = type(index)
    if kind in _SIMPLE or (kind is tuple and _SIMPLE.issuperset(map(type, index))):
        return index
    if kind is tuple:
        made = [plain_value(part) if type(part) is not slice else part for part in index]
        return RECORDED if any(part is RECORDED for part in made) else tuple(made)
    return plain_value(index)


_plans: dict[Any, Plan] = {}


def _key(entry: Any) -> Any:
    """What tells a plain entry of an index from others; NotImplemented for arrays."""
    kind = type(entry)
    if kind is slice:
        parts = (entry.start, entry.stop, entry.step)
        for part in parts:
            if part is not None and type(part) is not int:
                return NotImplemented
        return parts
    return entry if kind is int or entry is None or entry is Ellipsis else NotImplemented


def plan_index(shape: tuple[int, ...], index: Any) -> Plan:
    """Bring an index into normal form; raises IndexError as NumPy does."""
    key = tuple([_key(e) for e in index]) if type(index) is tuple else (_key(index),)
    if NotImplemented in key:
        return _plan(shape, index)
    found = _plans.get((shape, key))
    if found is None:
        found = _plan(shape, index)
        if len(_plans) > 10_000:
            _plans.clear()
        _plans[shape, key] = found
    return found


def _plan(shape: tuple[int, ...], index: Any) -> Plan:
    entries = _entries(index)
    used = sum(1 for e in entries if e is not None and e is not Ellipsis and type(e) is not _Flag)
    if used > len(shape):
        raise IndexError(
            f"too many indices for array: array is {len(shape)}-dimensional, "
            f"but {used} were indexed"
        )
    gap = [slice(None)] * (len(shape) - used)
    dots = [i for i, e in enumerate(entries) if e is Ellipsis]
    if len(dots) > 1:
        raise IndexError("an index can only have a single ellipsis ('...')")
    at = dots[0] if dots else len(entries)
    entries[at : at + 1 if dots else at] = gap
    fancy = any(_is_array(e) for e in entries)
    start, step, count, expanded = [], [], [], []
    axes, arrays = [], []
    axis = 0
    for entry in entries:
        if entry is None:
            expanded.append(1)
            continue
        if type(entry) is _Flag:
            axes.append(len(expanded))
            arrays.append(entry.places)
            expanded.append(1)
            continue
        extent = shape[axis]
        if isinstance(entry, slice):
            first, last, stride = entry.indices(extent)
            n = len(range(first, last, stride))
            start.append(first if n else 0)
            step.append(stride)
            count.append(n)
            expanded.append(n)
        elif _is_array(entry) or fancy:
            # Beside index arrays NumPy treats an integer as an array too.
            axes.append(len(expanded))
            arrays.append(entry if _is_array(entry) else np.asarray(_integer(entry)))
            start.append(0)
            step.append(1)
            count.append(extent)
            expanded.append(extent)
        else:
            i = _integer(entry)
            if not -extent <= i < extent:
                raise IndexError(f"index {i} is out of bounds for axis {axis} with size {extent}")
            start.append(i % extent)
            step.append(1)
            count.append(1)
        axis += 1
    common = np.broadcast_shapes(*[a.shape for a in arrays])
    stretched = tuple([a if a.shape == common else np.broadcast_to(a, common) for a in arrays])
    scalar = not dots and not expanded
    return Plan(
        tuple(start), tuple(step), tuple(count), tuple(expanded), tuple(axes), stretched, scalar
    )


def _is_array(entry: Any) -> bool:
    return isinstance(entry, np.ndarray) or type(entry) in (core.TracedArray, _Flag)


def _integer(entry: Any) -> int:
    try:
        return operator.index(entry)
    except TypeError:
        raise IndexError(
            "only integers, slices (`:`), ellipsis (`...`), numpy.newaxis (`None`) and "
            "integer or boolean arrays are valid indices"
        ) from None


def is_basic(plan: Plan) -> bool:
    """Whether the index gives a view: slices, integers and new axes only."""
    return not plan.axes


def read(x: Any, plan: Plan) -> Any:
    """The elements an index picks."""
    if plan.extent != x.shape or any(s != 1 for s in plan.step):
        apart = _apart_windows(x, plan)
        x = core.bind(slice_, (x,), plan[:3]) if apart is None else apart
    if x.shape != plan.expanded:
        x = core.bind(reshape, (x,), (plan.expanded,))
    if plan.axes:
        x = gather(x, *plan.arrays, axes=plan.axes)
    return x


def _apart_windows(x: Any, plan: Plan) -> Any:
    """Some of the windows that were just made, as windows that lie further apart.

    Derivatives of a part of all windows would first fill the others with zeros.
    """
    recorder = x.recorder if type(x) is core.TracedArray else core.PLAIN
    if not recorder.records or recorder.records[-1][0] is not windows:
        return None
    _, (window, stride, dilation), (whole,), made = recorder.records[-1]
    axes, lead = len(window), x.ndim - 2 * len(window)
    array = recorder.payloads[whole]
    inside = plan.start[lead + axes :] == (0,) * axes and plan.extent[lead + axes :] == window
    fits = made == x.number and inside and 0 not in plan.extent and min(plan.step[lead:]) > 0
    if not fits or (recorder.concrete and type(array) is ArrayType):
        return None
    apart = tuple([s * t for s, t in zip(stride, plan.step[lead:], strict=False)])
    firsts = [f * s for f, s in zip(plan.start[lead:], stride, strict=False)]
    extents = [
        (n - 1) * s + (w - 1) * d + 1
        for n, s, w, d in zip(plan.extent[lead:], apart, window, dilation, strict=False)
    ]
    part = (
        (*plan.start[:lead], *firsts),
        (*plan.step[:lead], *[1] * axes),
        (*plan.extent[:lead], *extents),
    )
    reached = core.bind(slice_, (core.TracedArray(recorder, whole, array, False),), part)
    return core.bind(windows, (reached,), (window, apart, dilation))


def write(x: Any, plan: Plan, y: Any) -> Any:
    """What x is to stand for once y is written over the elements an index picks.

    Whoever calls this has x stand for the result at once: see ``overwriting``.
    """
    whole = plan.extent == x.shape and all(s == 1 for s in plan.step)
    if plan.axes:
        inner = x if whole else slice_(x, start=plan.start, step=plan.step, shape=plan.extent)
        if inner.shape != plan.expanded:
            inner = reshape(inner, shape=plan.expanded)
        target = _gathered_shape(plan)
        y = fit(y, target, x.dtype)
        y = overwrite(scatter_set, inner, y, *plan.arrays, axes=plan.axes)
        if y.shape != plan.extent:
            y = reshape(y, shape=plan.extent)
        if whole:
            return y
    else:
        y = fit(y, plan.expanded, x.dtype)
        if y.shape != plan.extent:
            y = reshape(y, shape=plan.extent)
    return overwrite(set_slice, x, y, start=plan.start, step=plan.step)


def _gathered_shape(plan: Plan) -> tuple[int, ...]:
    return gathered_shape(plan.expanded, tuple(type_of(a) for a in plan.arrays), plan.axes)


def fit(y: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """Cast and broadcast a value for assignment, as NumPy does."""
    y = as_operand(y)
    extra = len(y.shape) - len(shape)
    if extra > 0 and all(n == 1 for n in y.shape[:extra]):
        y = np.reshape(y, y.shape[extra:])
    if y.dtype != dtype:
        y = y.astype(dtype)
    if y.shape != shape:
        y = np.broadcast_to(y, shape)
    return y
