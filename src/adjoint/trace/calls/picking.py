"""Picking by conditions and choices, sets, indices; and facts about arrays without derivative."""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.trace.calls.selection import take
from adjoint.trace.calls.shapes import known
from adjoint.trace.calls.support import (
    as_operand,
    axis_index,
    common_dtype,
    is_traced,
    real_operand,
)
from adjoint.trace.indexing import concrete_value
from adjoint.trace.tables import implements


@implements(np.compress)
def compress(condition: Any, a: Any, axis: Any = None, out: Any = None) -> Any:
    """Slices where a condition holds."""
    x = as_operand(a)
    if axis is None:
        x, axis = np.ravel(x), 0
    chosen = as_operand(condition) != 0
    if concrete_value(chosen) is None and out is None:
        short = x.shape[axis] - chosen.shape[0]  # what is not said is not taken
        mask = np.concatenate([chosen, np.zeros(short, bool)]) if short > 0 else chosen
        return x[(*(slice(None),) * axis_index(axis, x.ndim), mask)]
    return take(x, np.nonzero(known(chosen, "compress"))[0], axis, out)


@implements(np.extract)
def extract(condition: Any, arr: Any) -> Any:
    """The elements where a condition holds."""
    return compress(np.ravel(condition), np.ravel(arr))


@implements(methods=("compress",))
def compress_method(x: Any, condition: Any, axis: Any = None, out: Any = None) -> Any:
    """``x.compress(condition)``."""
    return compress(condition, x, axis, out)


@implements(np.choose)
def choose(a: Any, choices: Any, out: Any = None, mode: str = "raise") -> Any:
    """From the choices, by number."""
    dtype = common_dtype(*choices)
    parts = [as_operand(x).astype(dtype) for x in choices]
    n = len(parts)
    places = as_operand(a)
    if mode == "wrap":
        places = places % n
    elif mode == "clip":
        places = np.clip(places, 0, n - 1)
    shape = np.broadcast_shapes(np.shape(places), *[x.shape for x in parts])
    stacked = np.stack([np.broadcast_to(x, shape) for x in parts])
    index = np.broadcast_to(places, shape)
    result = np.take_along_axis(stacked, index[None], 0)[0]
    if out is not None:
        out[...] = result
        return out
    return result


@implements(methods=("choose",))
def choose_method(x: Any, choices: Any, out: Any = None, mode: str = "raise") -> Any:
    """``x.choose(choices)``."""
    return choose(x, choices, out, mode)


UniqueResults: Any = type(np.unique_all(np.ones(1)))
UniqueCounts: Any = type(np.unique_counts(np.ones(1)))
UniqueInverse: Any = type(np.unique_inverse(np.ones(1)))


@implements(np.unique)
def unique(
    ar: Any,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: Any = None,
    **options: Any,
) -> Any:
    """The elements that differ; each stands for its first occurrence."""
    x = as_operand(ar)
    plain = known(x, "unique")
    _, first, inverse, counts = np.unique(plain, True, True, True, axis=axis, **options)
    values = take(x, first, axis)
    extra = [
        part
        for part, wanted in (
            (first, return_index),
            (inverse, return_inverse),
            (counts, return_counts),
        )
        if wanted
    ]
    return (values, *extra) if extra else values


@implements(np.unique_values)
def unique_values(x: Any) -> Any:
    """The elements that differ, complex ones in the order in which NumPy meets them."""
    values = unique(x, equal_nan=False)
    own = np.unique_values(known(as_operand(x), "unique_values"))
    return take(values, np.argsort(np.argsort(own, kind="stable"), kind="stable"))


@implements(np.unique_counts)
def unique_counts(x: Any) -> Any:
    """The elements that differ, and how often each occurs."""
    return UniqueCounts(*unique(x, return_counts=True, equal_nan=False))


@implements(np.unique_inverse)
def unique_inverse(x: Any) -> Any:
    """The elements that differ, and where each element is among them."""
    return UniqueInverse(*unique(x, return_inverse=True, equal_nan=False))


@implements(np.unique_all)
def unique_all(x: Any) -> Any:
    """All that is known about the elements that differ."""
    return UniqueResults(*unique(x, True, True, True, equal_nan=False))


@implements(np.lexsort)
def lexsort(keys: Any, axis: int = -1) -> Any:
    """The indices that sort by several keys, the last one first."""
    parts = [as_operand(k) for k in keys]
    order = np.argsort(parts[0], axis=axis, kind="stable")
    for part in parts[1:]:  # a stable sort keeps the order of those before it
        again = np.argsort(np.take_along_axis(part, order, axis), axis=axis, kind="stable")
        order = np.take_along_axis(order, again, axis)
    return order


@implements(np.digitize)
def digitize(x: Any, bins: Any, right: bool = False) -> Any:
    """The bin of each element."""
    edges = as_operand(bins)
    x = real_operand(x, "x may not be complex")
    side = "left" if right else "right"
    rising = np.searchsorted(edges, x, side)
    if edges.shape[0] < 2:
        return rising
    falling = edges.shape[0] - np.searchsorted(edges[::-1], x, side)
    return np.where(edges[0] <= edges[-1], rising, falling)


# Answers that depend on shapes, dtypes and names, or on values only through a plain answer.
@implements(np.shares_memory, np.may_share_memory)
def shares_memory(a: Any, b: Any, /, max_work: Any = None) -> bool:
    """Whether two arrays look into the same memory, as far as views tell."""
    from adjoint.trace.recorder import root_of

    return is_traced(a) and is_traced(b) and root_of(a) is root_of(b)


@implements(np.can_cast)
def can_cast(from_: Any, to: Any, casting: Any = "safe") -> bool:
    """Whether a dtype may be cast to another."""
    return np.can_cast(from_.dtype if is_traced(from_) else from_, to, casting)


@implements(np.min_scalar_type)
def min_scalar_type(a: Any, /) -> Any:
    """The smallest dtype that holds a number."""
    return np.min_scalar_type(known(a, "min_scalar_type"))


@implements(np.common_type)
def common_type(*arrays: Any) -> Any:
    """A floating dtype for all."""
    return np.common_type(*[np.empty(0, x.dtype) for x in arrays])


@implements(np.array_repr, np.array_str, np.array2string)
def array_repr(a: Any, *args: Any, **options: Any) -> str:
    """What a stand-in shows."""
    return repr(a)


@implements(np.einsum_path)
def einsum_path(*operands: Any, optimize: Any = "greedy", **options: Any) -> Any:
    """The order of a contraction, from shapes alone."""
    plain = [np.empty(x.shape) if is_traced(x) else x for x in operands]
    return np.einsum_path(*plain, optimize=optimize, **options)


@implements(np.unravel_index)
def unravel_index(indices: Any, shape: Any, order: Any = "C") -> Any:
    """Flat indices to indices for each axis."""
    value = concrete_value(as_operand(indices))
    if value is not None:
        return np.unravel_index(value, shape, order)
    rest, found = as_operand(indices), []
    sizes = (shape,) if isinstance(shape, int) else tuple(shape)
    for n in reversed(sizes) if order == "C" else sizes:
        found.append(rest % n)
        rest = rest // n
    return tuple(found[::-1] if order == "C" else found)


@implements(np.ravel_multi_index)
def ravel_multi_index(multi_index: Any, dims: Any, mode: Any = "raise", order: Any = "C") -> Any:
    """Indices for each axis to flat indices."""
    parts = [as_operand(i) for i in multi_index]
    values = [concrete_value(i) for i in parts]
    if all(value is not None for value in values):
        return np.ravel_multi_index(tuple(values), dims, mode, order)
    modes = (mode,) * len(parts) if isinstance(mode, str) else mode
    total: Any = 0
    every = list(zip(parts, dims, modes, strict=True))
    for part, n, how in every if order == "C" else every[::-1]:
        place = np.clip(part, 0, n - 1) if how == "clip" else part % n if how == "wrap" else part
        total = total * n + place
    return total
