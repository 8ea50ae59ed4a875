"""Choosing, ordering and picking elements."""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.primitives import choose, linear
from adjoint.trace.calls.reductions import _store
from adjoint.trace.calls.support import as_operand, axis_index, common_dtype, is_traced
from adjoint.trace.indexing import concrete_value
from adjoint.trace.masked import MaskedSelection
from adjoint.trace.masked_index import coordinates
from adjoint.trace.recorder import bind, is_plain, plain
from adjoint.trace.tables import implements
from adjoint.trace.views import as_view, detached, lying_as, memory_of

# Elements that machine code sorts itself, by their indices: more are quicker by a call of NumPy.
_FEW = 1024


@implements(np.where)
def where(condition: Any, /, x: Any = None, y: Any = None) -> Any:
    """``x`` where the condition holds, ``y`` elsewhere."""
    if x is None or y is None:
        return nonzero(condition)
    dtype = common_dtype(x, y)
    test = as_operand(condition)
    if test.dtype != bool:
        test = test != 0
    parts = [as_operand(v) for v in (x, y)]
    parts = [v if v.dtype == dtype else v.astype(dtype) for v in parts]
    shape = np.broadcast_shapes(test.shape, parts[0].shape, parts[1].shape)
    fitted = [v if v.shape == shape else np.broadcast_to(v, shape) for v in (test, *parts)]
    return bind(choose.where, [detached(v) for v in fitted], ())


@implements(np.nonzero, methods=("nonzero",))
def nonzero(a: Any) -> Any:
    """Indices of the elements that are not zero."""
    known = concrete_value(a) if is_traced(a) else np.asarray(a)
    if known is None and np.ndim(a) > 0:
        return coordinates(detached(a if a.dtype == bool else a != 0))
    return np.nonzero(as_operand(a) if known is None else known)


@implements(np.flatnonzero)
def flatnonzero(a: Any) -> Any:
    """Indices of the elements that are not zero, in the flattened array."""
    return nonzero(np.ravel(a))[0]


@implements(np.argwhere)
def argwhere(a: Any) -> Any:
    """Indices of the elements that are not zero, one row for each."""
    places = nonzero(np.atleast_1d(a))
    if type(places[0]) is not MaskedSelection:
        return np.stack(places, axis=-1)[:, : np.ndim(a)]
    return MaskedSelection(np.stack([p._values for p in places], axis=-1), places[0]._mask)


@implements(np.clip, methods=("clip",))
def clip(
    a: Any,
    a_min: Any = None,
    a_max: Any = None,
    out: Any = None,
    *,
    min: Any = None,
    max: Any = None,
    **options: Any,
) -> Any:
    """Values limited to an interval."""
    low = a_min if a_min is not None else min
    high = a_max if a_max is not None else max
    result = a
    if low is not None and low is not np._NoValue:
        result = np.maximum(result, low)
    if high is not None and high is not np._NoValue:
        result = np.minimum(result, high)
    if out is not None:
        out[...] = result
        return out
    return result if result is not a else detached(a)


@implements(np.isposinf)
def isposinf(x: Any, out: Any = None) -> Any:
    """Whether each element is +inf."""
    return _store(np.logical_and(np.isinf(x), x > 0), out)


@implements(np.isneginf)
def isneginf(x: Any, out: Any = None) -> Any:
    """Whether each element is -inf."""
    return _store(np.logical_and(np.isinf(x), x < 0), out)


@implements(np.take, methods=("take",))
def take(a: Any, indices: Any, axis: Any = None, out: Any = None, mode: str = "raise") -> Any:
    """Elements or slices by index."""
    x = as_operand(a)
    if axis is None or x.ndim == 0:
        x, axis = np.ravel(x), 0 if axis is None else axis
    axis = axis_index(axis, x.ndim)
    places = as_operand(indices)
    if mode == "clip":
        places = np.clip(places, 0, x.shape[axis] - 1)
    elif mode == "wrap":
        places = places % x.shape[axis]
    result = _in_order(linear.gather(detached(x), places, axes=(axis,)))
    if out is not None:
        out[...] = result
        return out
    return result


def _in_order(x: Any) -> Any:
    """The same array in C order."""
    return x if memory_of(x).flags.c_contiguous else x.copy()


@implements(np.take_along_axis)
def take_along_axis(arr: Any, indices: Any, axis: Any = -1) -> Any:
    """Elements along an axis, by an index array of the same rank."""
    x, places = as_operand(arr), as_operand(indices)
    if axis is None:
        return take(np.ravel(x), places)
    axis = axis_index(axis, x.ndim)
    shape = tuple(
        places.shape[i] if i == axis else max(x.shape[i], places.shape[i]) for i in range(x.ndim)
    )
    rows = np.indices(shape, sparse=True)
    index = [np.broadcast_to(rows[i], shape) for i in range(x.ndim)]
    index[axis] = np.broadcast_to(places, shape)
    index = [
        np.zeros(shape, np.intp) if i != axis and x.shape[i] == 1 else v
        for i, v in enumerate(index)
    ]
    return linear.gather(detached(x), *index, axes=tuple(range(x.ndim)))


@implements(np.argsort, methods=("argsort",))
def argsort(
    a: Any, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: Any = None
) -> Any:
    """The indices that sort."""
    x = as_operand(a)
    if axis is None or x.ndim == 0:
        x, axis = np.ravel(x), 0 if axis is None else axis
    how = "stable" if stable else kind
    return bind(choose.argsort, [detached(x)], (axis_index(axis, x.ndim), how))


@implements(np.sort)
def sort(a: Any, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: Any = None) -> Any:
    """The elements in order; each keeps its derivative."""
    x = as_operand(a)
    if axis is None:
        x, axis = np.ravel(x), 0
    if concrete_value(x) is None and x.size <= _FEW:
        return lying_as(take_along_axis(x, argsort(x, axis, kind, stable=stable), axis), x)
    how = "stable" if stable else kind
    return lying_as(bind(choose.sort, [detached(x)], (axis_index(axis, x.ndim), how)), x)


@implements(methods=("sort",))
def sort_in_place(
    x: Any, axis: int = -1, kind: Any = None, order: Any = None, *, stable: Any = None
) -> None:
    """``x.sort()`` writes the order into x."""
    x[...] = sort(x.copy(), axis, kind, stable=stable)


@implements(np.diagonal, methods=("diagonal",))
def diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """The diagonal of two axes, last."""
    x = as_operand(a)
    i, j = axis_index(axis1, x.ndim), axis_index(axis2, x.ndim)
    rows, columns = max(0, -offset), max(0, offset)
    k = np.arange(max(0, min(x.shape[i] - rows, x.shape[j] - columns)))

    def read(base: Any) -> Any:
        if is_plain(base):
            return plain(np.diagonal(base.payload, offset, i, j))
        if type(base) is np.ndarray:
            return np.diagonal(base, offset, i, j)
        last = (x.ndim - 2, x.ndim - 1)
        moved = base if (i, j) == last else np.moveaxis(base, (i, j), last)
        return linear.gather(moved, k + rows, k + columns, axes=last)

    return as_view(read(x if is_plain(x) else detached(x)), x, read, None)


@implements(np.diag)
def diag(v: Any, k: int = 0) -> Any:
    """A diagonal as a matrix, or a matrix's diagonal."""
    if v.ndim == 2:
        return diagonal(v, k)
    if v.ndim != 1:
        raise ValueError("Input must be 1- or 2-d.")
    n = v.shape[0] + abs(k)
    places = np.arange(v.shape[0])
    return linear.scatter_add(
        detached(v), places + max(0, -k), places + max(0, k), axes=(0, 1), shape=(n, n)
    )


@implements(np.diagflat)
def diagflat(v: Any, k: int = 0) -> Any:
    """All elements as the diagonal of a matrix."""
    return diag(np.ravel(v), k)


@implements(np.trace, methods=("trace",))
def trace(
    a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None, out: Any = None
) -> Any:
    """The sum of a diagonal."""
    return np.sum(diagonal(a, offset, axis1, axis2), axis=-1, dtype=dtype, out=out)


@implements(np.tril)
def tril(m: Any, k: int = 0) -> Any:
    """The lower triangle, zeros above."""
    return np.where(np.tri(*m.shape[-2:], k=k, dtype=bool), m, np.zeros((), m.dtype))


@implements(np.triu)
def triu(m: Any, k: int = 0) -> Any:
    """The upper triangle, zeros below."""
    return np.where(np.tri(*m.shape[-2:], k=k - 1, dtype=bool), np.zeros((), m.dtype), m)


@implements(np.diff)
def diff(
    a: Any, n: int = 1, axis: int = -1, prepend: Any = np._NoValue, append: Any = np._NoValue
) -> Any:
    """Differences of neighbours."""
    x = as_operand(a)
    if n <= 0:
        if n < 0:
            raise ValueError(f"order must be non-negative but got {n!r}")
        return a  # as it is, without what stands beside it
    axis = axis_index(axis, x.ndim)
    parts = [x]
    for extra, first in ((prepend, True), (append, False)):
        if extra is np._NoValue:
            continue
        part = as_operand(extra)
        if part.ndim == 0:
            shape = tuple(1 if i == axis else m for i, m in enumerate(x.shape))
            part = np.broadcast_to(part, shape)
        parts.insert(0 if first else len(parts), part)
    if len(parts) > 1:
        x = np.concatenate(parts, axis)
    lead = (slice(None),) * axis
    for _ in range(n):
        later, earlier = x[(*lead, slice(1, None))], x[(*lead, slice(None, -1))]
        x = later != earlier if x.dtype == bool else later - earlier
    return x


@implements(np.select)
def select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    """The choice of the first condition that holds."""
    parts = (*choicelist, default)
    dtype = common_dtype(*parts)
    *choices, result = (as_operand(x).astype(dtype) for x in parts)
    for condition, choice in zip(reversed(condlist), reversed(choices), strict=True):
        result = np.where(condition, choice, result)
    return result


_LONGEST_COUNTED = 64  # elements of a sorted array that are all looked at


def _is_before(x: Any, each: Any, side: str) -> Any:
    """Whether an element stands before the place of another."""
    before = x < each if side == "left" else x <= each
    if each.dtype.kind in "fc":  # NaN is sorted to the end
        before = before | (np.isnan(each) & (~np.isnan(x) if side == "left" else True))
    return before


def _by_halves(x: Any, each: Any, side: str) -> Any:
    """How many elements stand before each place: half of what is left is taken, or is not."""
    n = x.shape[0]
    count = np.zeros(each.shape, np.int64)
    step = 1 << (n.bit_length() - 1)
    while step:
        more = count + step
        last = take(x, np.minimum(more, n) - 1)
        count = np.where((more <= n) & _is_before(last, each, side), more, count)
        step //= 2
    return count


@implements(np.searchsorted, methods=("searchsorted",))
def searchsorted(a: Any, v: Any, side: str = "left", sorter: Any = None) -> Any:
    """Places in a sorted array; integers, without derivative."""
    known = [concrete_value(z) if is_traced(z) else np.asarray(z) for z in (a, v)]
    if any(z is None for z in known):
        x = as_operand(a) if sorter is None else take(a, sorter)
        each = as_operand(v)
        if x.shape[0] > _LONGEST_COUNTED:
            return _by_halves(x, each, side)
        return np.sum(_is_before(x, np.expand_dims(each, -1), side), axis=-1)
    return np.searchsorted(known[0], known[1], side=side, sorter=sorter)


def _answer(all_are: Any) -> Any:
    """A truth value as NumPy's functions return it; as it is where it is not known."""
    return all_are if concrete_value(all_are) is None else bool(all_are)


@implements(np.array_equal)
def array_equal(a1: Any, a2: Any, equal_nan: bool = False) -> Any:
    """Whether shapes and elements agree."""
    a1, a2 = as_operand(a1), as_operand(a2)
    if a1.shape != a2.shape:
        return False
    same = a1 == a2
    return _answer(np.all(same | (np.isnan(a1) & np.isnan(a2)) if equal_nan else same))


@implements(np.array_equiv)
def array_equiv(a1: Any, a2: Any) -> Any:
    """Whether elements agree where one is stretched to the other."""
    a1, a2 = as_operand(a1), as_operand(a2)
    try:
        np.broadcast_shapes(a1.shape, a2.shape)
    except ValueError:
        return False
    return _answer(np.all(a1 == a2))


@implements(np.isclose)
def isclose(a: Any, b: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Any:
    """Whether elements are nearly equal."""
    a, b = as_operand(a), as_operand(b)
    if b.dtype.kind in "biu":
        b = b.astype(np.float64)  # differences of integers may not fit into their dtype
    with np.errstate(invalid="ignore"):
        close = np.abs(a - b) <= atol + rtol * np.abs(b)
    close = (close & np.isfinite(b)) | (a == b)
    return close | (np.isnan(a) & np.isnan(b)) if equal_nan else close


@implements(np.allclose)
def allclose(
    a: Any, b: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Any:
    """Whether all elements are nearly equal."""
    return _answer(np.all(isclose(a, b, rtol, atol, equal_nan)))
