"""Order statistics, and statistics that pass over NaN."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from adjoint.trace.borrow import borrowed
from adjoint.trace.calls.reductions import _given, _keep, _store
from adjoint.trace.calls.selection import sort, take
from adjoint.trace.calls.support import as_operand, axis_index, axis_tuple
from adjoint.trace.indexing import concrete_value
from adjoint.trace.tables import implements

_own: Any = importlib.import_module("numpy.lib._function_base_impl")


def _one_axis(x: Any, axis: Any) -> tuple[Any, tuple[int, ...]]:
    """The axes of a reduction as one axis, last; and which they were."""
    axes = axis_tuple(axis, x.ndim)
    rest = [i for i in range(x.ndim) if i not in axes]
    moved = np.transpose(x, [*rest, *axes])
    return np.reshape(moved, (*(x.shape[i] for i in rest), -1)), axes


def _has_nan(ordered: Any) -> Any:
    """NaN is sorted to the end."""
    return np.isnan(ordered[..., -1])


@implements(np.median)
def median(
    a: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, keepdims: Any = False
) -> Any:
    """The middle of the sorted elements, or the mean of the two in the middle."""
    x = as_operand(a)
    if x.dtype.kind in "biu":
        x = x.astype(np.float64)
    line, axes = _one_axis(x, axis)
    n = line.shape[-1]
    if n == 0:
        result = np.mean(line, axis=-1)
        return _store(_keep(result, x, axes, keepdims), out)
    ordered = sort(line, -1)
    middle = ordered[..., (n - 1) // 2 : n // 2 + 1]
    result = np.mean(middle, axis=-1)
    if x.dtype.kind in "fc":
        result = np.where(_has_nan(ordered), ordered[..., -1], result)
    return _store(_keep(result, x, axes, keepdims), out)


def _quantile(function: Any, scale: float) -> Any:
    def quantile(
        a: Any,
        q: Any,
        axis: Any = None,
        out: Any = None,
        overwrite_input: bool = False,
        method: str = "linear",
        keepdims: bool = False,
        **options: Any,
    ) -> Any:
        x = as_operand(a)
        if concrete_value(x) is not None or options.get("weights") is not None:
            return borrowed(function)(a, q, axis, out, False, method, keepdims, **options)
        levels = np.asarray(q) if scale == 1 else np.true_divide(q, scale)
        result = _unknown_quantile(x, levels, axis, method, keepdims)
        if type(q) in (int, float) and x.dtype.kind == "f":
            result = result.astype(x.dtype)
        return _store(result, out)

    return quantile


def _unknown_quantile(x: Any, q: Any, axis: Any, method: str, keepdims: bool) -> Any:
    """NumPy's steps, with the search for NaN as a choice and no branch."""
    line, axes = _one_axis(x, axis)
    n = line.shape[-1]
    ordered = np.moveaxis(sort(line, -1), -1, 0)
    rules: Any = _own._QuantileMethods[method]
    places = np.asanyarray(rules["get_virtual_index"](n, q))
    if np.issubdtype(places.dtype, np.integer):
        result = take(ordered, places, 0)
    else:
        low, high = _own._get_indexes(np.empty(n), places, n)
        gamma = _own._get_gamma(places, low, rules)
        gamma = np.asarray(gamma).reshape(places.shape + (1,) * (ordered.ndim - 1))
        first, second = take(ordered, low, 0), take(ordered, high, 0)
        step = second - first
        result = np.where(gamma < 0.5, first + step * gamma, second - step * (1 - gamma))
    result = np.where(np.isnan(ordered[-1]), np.nan, result)
    if not keepdims:
        return result
    shape = tuple(1 if i in axes else m for i, m in enumerate(x.shape))
    return np.reshape(result, q.shape + shape)


quantile = implements(np.quantile)(_quantile(np.quantile, 1))
percentile = implements(np.percentile)(_quantile(np.percentile, 100.0))


def _nan_extreme(ufunc: Any, fill: float) -> Any:
    def extreme(
        a: Any,
        axis: Any = None,
        out: Any = None,
        keepdims: Any = False,
        initial: Any = None,
        where: Any = True,
    ) -> Any:
        x = as_operand(a)
        if x.dtype.kind in "fc":
            lost = np.isnan(x)
            if _given(where) and where is not True:
                lost = lost | ~np.broadcast_to(where, x.shape)
            filled = np.where(lost, np.asarray(fill, x.dtype), x)
            options = {"initial": initial} if _given(initial) else {}
            keep = bool(_given(keepdims) and keepdims)
            result = ufunc.reduce(filled, axis=_axes(axis), keepdims=keep, **options)
            empty = np.all(lost, axis=_axes(axis), keepdims=keep)
            known = concrete_value(empty)
            if not options and (known is None or np.any(known)):
                result = np.where(empty, np.nan, result)
            return _store(result, out)
        return _store(ufunc.reduce(x, axis=_axes(axis), keepdims=bool(keepdims)), out)

    return extreme


def _axes(axis: Any) -> Any:
    return tuple(axis) if isinstance(axis, list) else axis


nanmax = implements(np.nanmax)(_nan_extreme(np.maximum, -np.inf))
nanmin = implements(np.nanmin)(_nan_extreme(np.minimum, np.inf))


def _nan_arg(function: Any, fill: float) -> Any:
    def arg(a: Any, axis: Any = None, out: Any = None, *, keepdims: Any = False) -> Any:
        x = as_operand(a)
        if x.dtype.kind in "fc":
            x = np.where(np.isnan(x), np.asarray(fill, x.dtype), x)
        return _store(function(x, axis=axis, keepdims=bool(_given(keepdims) and keepdims)), out)

    return arg


nanargmax = implements(np.nanargmax)(_nan_arg(np.argmax, -np.inf))
nanargmin = implements(np.nanargmin)(_nan_arg(np.argmin, np.inf))


@implements(np.nanmedian)
def nanmedian(
    a: Any,
    axis: Any = None,
    out: Any = None,
    overwrite_input: bool = False,
    keepdims: Any = np._NoValue,
) -> Any:
    """The median of the elements that are not NaN."""
    return _store(_nan_quantile(a, None, axis, "linear", keepdims), out)


def _nan_quantile_rule(scale: float) -> Any:
    def quantile(
        a: Any,
        q: Any,
        axis: Any = None,
        out: Any = None,
        overwrite_input: bool = False,
        method: str = "linear",
        keepdims: Any = np._NoValue,
        **options: Any,
    ) -> Any:
        levels = q if type(q) in (int, float) else np.asarray(q)
        levels = levels if scale == 1 else levels / scale
        return _store(_nan_quantile(a, levels, axis, method, keepdims), out)

    return quantile


nanquantile = implements(np.nanquantile)(_nan_quantile_rule(1))
nanpercentile = implements(np.nanpercentile)(_nan_quantile_rule(100))


def _nan_quantile(a: Any, q: Any, axis: Any, method: str, keepdims: Any) -> Any:
    """One line after the other, as NumPy does it: each has its own number of elements."""
    x = as_operand(a)
    if x.dtype.kind in "biu":
        x = x.astype(np.float64)
    line, axes = _one_axis(x, axis)
    lead = line.shape[:-1]
    rows = np.reshape(line, (-1, line.shape[-1]))
    known = concrete_value(rows)
    lost = np.isnan(rows) if known is None else np.isnan(known)
    results = []
    for i in range(rows.shape[0]):
        row = rows[i][np.nonzero(~lost[i])[0]] if known is not None else rows[i][~lost[i]]
        if row.shape[0] == 0:
            results.append(np.full(np.shape(q) if q is not None else (), np.nan, x.dtype))
        elif q is None:
            results.append(median(row))
        else:
            results.append(quantile(row, q, method=method))
    tail = np.shape(results[0]) if results else (np.shape(q) if q is not None else ())
    joined = np.stack(results) if results else np.zeros((0, *tail), x.dtype)
    made = np.moveaxis(np.reshape(joined, (*lead, *tail)), range(len(lead)), range(-len(lead), 0))
    if not (_given(keepdims) and keepdims):
        return made
    shape = tuple(1 if i in axes else m for i, m in enumerate(x.shape))
    return np.reshape(made, tail + shape)


@implements(np.partition)
def partition(
    a: Any, kth: Any, axis: Any = -1, kind: str = "introselect", order: Any = None
) -> Any:
    """Elements before and after the kth; in NumPy's order where the values are known."""
    x = as_operand(a)
    if axis is None:
        x, axis = np.ravel(x), 0
    axis = axis_index(axis, x.ndim)
    known = concrete_value(x)
    if known is None:
        return sort(x, axis)
    wanted = np.argsort(np.partition(known, kth, axis, kind), axis=axis, kind="stable")
    places = np.empty_like(wanted)
    np.put_along_axis(places, wanted, np.argsort(known, axis=axis, kind="stable"), axis)
    return np.take_along_axis(x, places, axis)


@implements(methods=("partition",))
def partition_in_place(x: Any, kth: Any, axis: int = -1, kind: str = "introselect") -> None:
    """``x.partition(kth)`` writes into x."""
    x[...] = partition(x.copy(), kth, axis, kind)


@implements(np.argpartition, methods=("argpartition",))
def argpartition(
    a: Any, kth: Any, axis: Any = -1, kind: str = "introselect", order: Any = None
) -> Any:
    """The indices that part; those that sort where the values are not known."""
    known = concrete_value(as_operand(a))
    if known is None:
        return np.argsort(a, axis=axis)
    return np.argpartition(known, kth, axis, kind)


@implements(np.nanmean)
def nanmean(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = np._NoValue,
    *,
    where: Any = True,
) -> Any:
    """The mean of the elements that are not NaN."""
    x = as_operand(a)
    if x.dtype.kind not in "fc":
        return np.mean(x, axis=axis, dtype=dtype, out=out, keepdims=bool(keepdims is True))
    keep = bool(_given(keepdims) and keepdims)
    there, filled = _there(x, where)
    count = np.sum(there, axis=_axes(axis), dtype=np.intp, keepdims=keep)
    total = np.sum(filled, axis=_axes(axis), dtype=dtype, keepdims=keep)
    return _store((total / count).astype(total.dtype), out)


def _there(x: Any, where: Any) -> tuple[Any, Any]:
    """Which elements count, and all of them with 0 in place of the others."""
    there = ~np.isnan(x)
    if _given(where) and where is not True:
        there = there & np.broadcast_to(where, x.shape)
    return there, np.where(there, x, np.zeros((), x.dtype))


@implements(np.nanvar)
def nanvar(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    ddof: Any = 0,
    keepdims: Any = np._NoValue,
    *,
    where: Any = True,
    mean: Any = np._NoValue,
    correction: Any = np._NoValue,
) -> Any:
    """The variance of the elements that are not NaN."""
    x = as_operand(a)
    keep = bool(_given(keepdims) and keepdims)
    if _given(correction):
        ddof = correction
    if x.dtype.kind not in "fc":
        return np.var(x, axis=axis, dtype=dtype, out=out, ddof=ddof, keepdims=keep)
    there, filled = _there(x, where)
    axes = _axes(axis)
    count = np.sum(there, axis=axes, dtype=np.intp, keepdims=True)
    if _given(mean):
        centre = mean
    else:
        sums = np.sum(filled, axis=axes, dtype=dtype, keepdims=True)
        centre = (sums / count).astype(sums.dtype)
    deviation = np.where(there, filled - centre, np.zeros((), x.dtype))
    if x.dtype.kind == "c":
        squares = np.real(deviation * np.conjugate(deviation))
    else:
        squares = deviation * deviation
    total = np.sum(squares, axis=axes, dtype=dtype, keepdims=keep)
    left = np.reshape(count, np.shape(total)) - ddof
    result = (total / left).astype(total.dtype)
    return _store(np.where(left <= 0, np.nan, result), out)


@implements(np.nanstd)
def nanstd(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    ddof: Any = 0,
    keepdims: Any = np._NoValue,
    **options: Any,
) -> Any:
    """The standard deviation of the elements that are not NaN."""
    return _store(np.sqrt(nanvar(a, axis, dtype, None, ddof, keepdims, **options)), out)
