"""Functions and methods that write into their argument."""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.trace.calls.support import as_operand, axis_index, is_traced
from adjoint.trace.indexing import RECORDED, plain_value
from adjoint.trace.tables import WRITING, foreign, implements
from adjoint.trace.views import writable


def _target(a: Any, name: str) -> None:
    if not is_traced(a):
        raise foreign(name)


def _natively(function: Any, a: Any, *rest: Any, **options: Any) -> bool:
    """Let NumPy write into a plain stand-in's own memory, if nothing else is recorded."""
    made = [plain_value(x) for x in (a, *rest)]
    more = {name: plain_value(x) for name, x in options.items()}
    if any(x is RECORDED for x in (*made, *more.values())):
        return False
    function(writable(a) if is_traced(a) else a, *made[1:], **more)
    return True


@implements(np.copyto)
def copyto(dst: Any, src: Any, casting: str = "same_kind", where: Any = True) -> None:
    """``dst[where] = src``."""
    if _natively(np.copyto, dst, src, casting, where):
        return
    _target(dst, "np.copyto")
    value = as_operand(src)
    if not np.can_cast(value.dtype, dst.dtype, casting):
        raise TypeError(f"Cannot cast array data from {value.dtype} to {dst.dtype}")
    dst[...] = value if where is True else np.where(where, value.astype(dst.dtype), dst.copy())


@implements(np.putmask)
def putmask(a: Any, mask: Any, values: Any) -> None:
    """Values by position written where the mask holds; repeated if too few."""
    if _natively(np.putmask, a, mask, values):
        return
    _target(a, "np.putmask")
    source = np.resize(np.ravel(as_operand(values)), a.shape)
    a[...] = np.where(mask, source.astype(a.dtype), a.copy())


@implements(np.place)
def place(arr: Any, mask: Any, vals: Any) -> None:
    """Values one after the other written where the mask holds."""
    if _natively(np.place, arr, mask, vals):
        return
    _target(arr, "np.place")
    flat = as_operand(vals).reshape(-1)
    held = np.ravel(mask) != 0
    if flat.shape[0] == 0:
        if np.any(held):
            raise ValueError("Cannot insert from an empty array!")
        return
    nth = np.maximum(np.cumsum(held) - 1, 0) % flat.shape[0]
    chosen = np.take(flat, nth).astype(arr.dtype)
    arr[...] = np.where(held, chosen, np.ravel(arr)).reshape(arr.shape)


def _write_flat(a: Any, places: Any, values: Any) -> None:
    flat = a.copy().reshape(-1)
    flat[places] = values
    a[...] = flat.reshape(a.shape)


@implements(np.put, methods=("put",))
def put(a: Any, ind: Any, v: Any, mode: str = "raise") -> None:
    """``a.flat[ind] = v``."""
    if _natively(np.put, a, ind, v, mode):
        return
    _target(a, "np.put")
    places = as_operand(ind).reshape(-1)
    if mode == "clip":
        places = np.clip(places, 0, a.size - 1)
    elif mode == "wrap":
        places = places % a.size
    if places.shape[0] and np.size(v):
        _write_flat(a, places, np.resize(as_operand(v).reshape(-1), places.shape[0]))


@implements(np.put_along_axis)
def put_along_axis(arr: Any, indices: Any, values: Any, axis: Any = -1, mode: Any = None) -> None:
    """Elements written along an axis, by an index array of the same rank."""
    if _natively(np.put_along_axis, arr, indices, values, axis):
        return None
    _target(arr, "np.put_along_axis")
    if axis is None:
        return put(arr, indices, values)
    axis = axis_index(axis, arr.ndim)
    rows = np.indices(np.shape(indices), sparse=True)
    arr[tuple(indices if i == axis else rows[i] for i in range(arr.ndim))] = values
    return None


@implements(np.fill_diagonal)
def fill_diagonal(a: Any, val: Any, wrap: bool = False) -> None:
    """Values written on the main diagonal."""
    if _natively(np.fill_diagonal, a, val, wrap):
        return
    _target(a, "np.fill_diagonal")
    shadow = np.zeros(a.shape, bool)
    np.fill_diagonal(shadow, True, wrap)
    places = np.flatnonzero(shadow)
    if places.size:
        _write_flat(a, places, np.resize(as_operand(val).reshape(-1), places.size))


@implements(methods=("fill",))
def fill(a: Any, value: Any) -> None:
    """One value everywhere."""
    a[...] = value


WRITING.update((np.copyto, np.putmask, np.place, np.put, np.put_along_axis, np.fill_diagonal))
