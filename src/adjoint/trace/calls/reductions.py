"""Sums, means, extremes and products over axes, in the order of operations NumPy uses."""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.primitives import choose, linear
from adjoint.primitives.choose import stop_gradient
from adjoint.trace.calls.folds import as_numpy
from adjoint.trace.calls.support import (
    as_operand,
    axis_index,
    axis_tuple,
    counted_axes,
    extent,
    is_traced,
    root,
)
from adjoint.trace.indexing import concrete_value
from adjoint.trace.recorder import bind
from adjoint.trace.tables import implements
from adjoint.trace.views import detached

_no_value = np._NoValue  # what NumPy passes for an argument that was not given


def _given(value: Any) -> bool:
    return value is not None and value is not _no_value


def _keep(result: Any, x: Any, axes: tuple[int, ...], keepdims: Any) -> Any:
    if not _given(keepdims) or not keepdims:
        return result
    return np.reshape(result, linear.kept(x.shape, axes))


def _store(result: Any, out: Any) -> Any:
    if not _given(out):
        return result
    out[...] = result
    return out


def _masked(x: Any, where: Any, fill: Any) -> Any:
    if not _given(where) or where is True:
        return x
    return np.where(where, x, np.asarray(fill, x.dtype))


@implements(np.sum, methods=("sum",))
def sum_(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    """The sum over axes."""
    if out is None and dtype is None and not _given(initial) and where is True:
        x = as_operand(a)  # the short way
        if x.dtype.kind in "fc":
            axes = tuple(range(len(x.shape))) if axis is None else axis_tuple(axis, x.ndim)
            return _keep(bind(linear.sum_, (x,), (axes,)), x, axes, keepdims)
    given = as_operand(a)
    x = _masked(given, where, 0)
    if not _given(dtype):
        dtype = _summed_dtype(x.dtype)
    if x.dtype != dtype:
        x = x.astype(dtype)
    axes = axis_tuple(axis, x.ndim)
    result = linear.sum_(x, axes=axes)
    if _given(initial):
        result = result + as_operand(initial).astype(result.dtype)
    options = _known_options(where, initial)
    if options:  # with which NumPy adds up in another order
        result = as_numpy(lambda y: np.add.reduce(y, axes, dtype, **options), given, result)
    return _store(_keep(result, x, axes, keepdims), out)


def _known_options(where: Any, initial: Any) -> dict[str, Any]:
    """Those of ``where=`` and ``initial=`` that were given, if their values are known."""
    given = {"where": where} if _given(where) and where is not True else {}
    if _given(initial):
        given["initial"] = initial
    known = {name: concrete_value(x) if is_traced(x) else x for name, x in given.items()}
    return {} if any(x is None for x in known.values()) else known


def _summed_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Small integers and booleans are summed in the platform's integers."""
    return np.add.reduce(np.zeros(0, dtype)).dtype if dtype.kind in "biu" else dtype


@implements(np.mean, methods=("mean",))
def mean(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = False,
    *,
    where: Any = True,
) -> Any:
    """The mean over axes."""
    x = _at_rest_if_empty(as_operand(a))
    result_dtype = np.dtype(dtype) if _given(dtype) else None
    if result_dtype is None:
        result_dtype = np.dtype(np.float64) if x.dtype.kind in "biu" else x.dtype
    inner = np.dtype(np.float32) if x.dtype == np.float16 and not _given(dtype) else result_dtype
    whole = not _given(where) or where is True
    axes = (counted_axes if whole else axis_tuple)(axis, x.ndim)
    if whole:
        count: Any = extent(x.shape, axes)
    else:
        count = np.sum(np.broadcast_to(where, x.shape), axis=axes)
        count = _keep(count, x, axes, keepdims)
    total = sum_(x, axes, None if inner == x.dtype else inner, None, keepdims, None, where)
    return _store(_quotient(total, count, result_dtype), out)


def _quotient(total: Any, count: Any, dtype: Any) -> Any:
    """A sum by a count, in double precision as NumPy divides; that rounds as real numbers do."""
    if total.dtype == np.complex64:
        total = total.astype(np.complex128)
    result = total / count
    return result if result.dtype == dtype else result.astype(dtype)


@implements(np.var, methods=("var",))
def var(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    ddof: Any = 0,
    keepdims: Any = False,
    *,
    where: Any = True,
    mean: Any = None,
    correction: Any = None,
) -> Any:
    """The variance over axes."""
    x = _at_rest_if_empty(as_operand(a))
    dtype = dtype if _given(dtype) else None
    if dtype is None and x.dtype.kind in "biu":
        dtype = np.float64
    if _given(correction):
        ddof = correction
    ddof = ddof.item() if isinstance(ddof, np.generic) else ddof
    masked = _given(where) and where is not True
    axes = (axis_tuple if masked else counted_axes)(axis, x.ndim)
    count: Any = extent(x.shape, axes)
    if masked:
        count = np.sum(np.broadcast_to(where, x.shape), axis=axes, keepdims=True)
    if _given(mean):
        centre = mean
    else:
        total = sum_(x, axes, dtype, None, True, None, where)
        centre = _quotient(total, count, total.dtype)
    deviation = x - centre
    if x.dtype.kind == "c":
        squares = np.square(np.real(deviation)) + np.square(np.imag(deviation))
    else:
        squares = deviation * deviation
    total = sum_(squares, axes, dtype, None, keepdims, None, where)
    if masked:
        left = np.maximum(np.reshape(count, np.shape(total)), ddof) - ddof
    else:
        left = max(count, ddof) - ddof or np.zeros((), total.dtype)
    return _store(_quotient(total, left, total.dtype), out)


@implements(np.std, methods=("std",))
def std(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    ddof: Any = 0,
    keepdims: Any = False,
    **options: Any,
) -> Any:
    """The standard deviation over axes."""
    return _store(_root_of(var(a, axis, dtype, None, ddof, keepdims, **options)), out)


def _root_of(variance: Any) -> Any:
    """Complex where a complex dtype was asked for; a variance has no imaginary part."""
    if variance.dtype.kind == "c":
        return root(np.real(variance)).astype(variance.dtype)
    return root(variance)


def _at_rest_if_empty(x: Any) -> Any:
    """Where there are no elements nothing moves; sums of none by their number would be NaN."""
    return x if x.size else stop_gradient(x)


def _extreme(primitive: Any, join: Any) -> Any:
    def extreme(
        a: Any,
        axis: Any = None,
        out: Any = None,
        keepdims: Any = False,
        initial: Any = None,
        where: Any = True,
    ) -> Any:
        x = as_operand(a)
        if _given(initial):
            initial = as_operand(initial).astype(x.dtype)
        if _given(where) and where is not True:
            x = np.where(where, x, initial)
        axes = axis_tuple(axis, x.ndim)
        if extent(x.shape, axes) == 0:
            if not _given(initial):
                raise ValueError("zero-size array to reduction operation which has no identity")
            rest = tuple(n for i, n in enumerate(x.shape) if i not in axes)
            result = np.broadcast_to(initial, rest)
        else:
            result = primitive(x, axes=axes)
            if _given(initial):
                result = join(result, initial)
        return _store(_keep(result, x, axes, keepdims), out)

    return extreme


max_ = implements(np.max, np.amax, methods=("max",))(_extreme(choose.max_, np.maximum))
min_ = implements(np.min, np.amin, methods=("min",))(_extreme(choose.min_, np.minimum))


@implements(np.ptp)
def ptp(a: Any, axis: Any = None, out: Any = None, keepdims: Any = False) -> Any:
    """Largest minus smallest."""
    return _store(max_(a, axis, None, keepdims) - min_(a, axis, None, keepdims), out)


@implements(np.prod, methods=("prod",))
def prod(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    """The product over axes."""
    given = as_operand(a)
    x = _masked(given, where, 1)
    if not _given(dtype):
        dtype = _summed_dtype(x.dtype)
    if x.dtype != dtype:
        x = x.astype(dtype)
    axes = axis_tuple(axis, x.ndim)
    result = choose.prod(x, axes=axes)
    if _given(initial):
        result = result * as_operand(initial).astype(result.dtype)
    options = _known_options(where, initial)
    if options:
        result = as_numpy(lambda y: np.multiply.reduce(y, axes, dtype, **options), given, result)
    return _store(_keep(result, x, axes, keepdims), out)


def _along(primitive: Any) -> Any:
    def accumulate(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
        x = as_operand(a)
        if axis is None or x.ndim == 0:
            x, axis = np.ravel(x), 0 if axis is None else axis
        if not _given(dtype):
            dtype = _summed_dtype(x.dtype)
        if x.dtype != dtype:
            x = x.astype(dtype)
        return _store(primitive(x, axis=axis_index(axis, x.ndim)), out)

    return accumulate


cumsum = implements(np.cumsum, methods=("cumsum",))(_along(linear.cumsum))
cumprod = implements(np.cumprod, methods=("cumprod",))(_along(choose.cumprod))


def _truth(primitive: Any) -> Any:
    def truth(
        a: Any, axis: Any = None, out: Any = None, keepdims: Any = False, *, where: Any = True
    ) -> Any:
        x = _masked(as_operand(a), where, primitive is choose.all_)
        axes = axis_tuple(axis, x.ndim)
        return _store(_keep(primitive(x, axes=axes), x, axes, keepdims), out)

    return truth


any_ = implements(np.any, methods=("any",))(_truth(choose.any_))
all_ = implements(np.all, methods=("all",))(_truth(choose.all_))


def _arg(primitive: Any) -> Any:
    def arg(a: Any, axis: Any = None, out: Any = None, *, keepdims: Any = False) -> Any:
        x = as_operand(a)
        if axis is None or (x.ndim == 0 and axis in (0, -1)):
            flat = primitive(np.ravel(x), axis=0)
            return np.reshape(flat, (1,) * x.ndim) if _given(keepdims) and keepdims else flat
        axis = axis_index(axis, x.ndim)
        result = primitive(x, axis=axis)
        return _store(_keep(result, x, (axis,), keepdims), out)

    return arg


argmax = implements(np.argmax, methods=("argmax",))(_arg(choose.argmax))
argmin = implements(np.argmin, methods=("argmin",))(_arg(choose.argmin))


@implements(np.count_nonzero)
def count_nonzero(a: Any, axis: Any = None, *, keepdims: Any = False) -> Any:
    """How many elements are not zero."""
    return np.sum(detached(a) != 0, axis=axis, keepdims=bool(keepdims))
