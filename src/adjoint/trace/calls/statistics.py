"""Order statistics, and statistics that pass over NaN."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from adjoint.primitives.choose import stop_gradient
from adjoint.trace.borrow import borrowed
from adjoint.trace.calls.reductions import _given, _keep, _root_of, _store
from adjoint.trace.calls.selection import sort, take, take_along_axis
from adjoint.trace.calls.support import (
    as_operand,
    counted_axes,
    extent,
    moved_as,
    real_operand,
)
from adjoint.trace.calls.weighted import along_line, weighted_quantile
from adjoint.trace.indexing import concrete_value
from adjoint.trace.tables import implements

_own: Any = importlib.import_module("numpy.lib._function_base_impl")


def _one_axis(x: Any, axis: Any) -> tuple[Any, tuple[int, ...]]:
    """The axes of a reduction as one axis, last; and which they were."""
    axes = counted_axes(axis, x.ndim)
    rest = [i for i in range(x.ndim) if i not in axes]
    moved = np.transpose(x, [*rest, *axes])
    return np.reshape(moved, (*(x.shape[i] for i in rest), extent(x.shape, axes))), axes


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


def _quantile(scale: float) -> Any:
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
        x = real_operand(a, _REAL)
        levels, weights = _levels(q, scale), options.get("weights")
        if weights is not None:
            return _store(_by_weight(x, levels, axis, method, keepdims, weights, False), out)
        line, axes = _one_axis(x, axis)
        ordered = np.moveaxis(sort(line, -1), -1, 0)
        result = _at_levels(ordered, levels, ordered.shape[0], method, _is_weak(q))
        if x.dtype.kind in "fc":
            result = np.where(np.isnan(ordered[-1]), np.nan, result).astype(result.dtype)
        return _store(_kept_quantile(result, levels.shape, x, axes, keepdims), out)

    return quantile


def _by_weight(
    x: Any, levels: Any, axis: Any, method: str, keepdims: Any, weights: Any, nans: bool
) -> Any:
    line, axes = _one_axis(x, axis)
    each = along_line(weights, x, line, axes)
    result = weighted_quantile(line, each, levels, method, nans)
    return _kept_quantile(result, levels.shape, x, axes, keepdims)


def _is_weak(x: Any) -> bool:
    """Whether this is a Python number, recorded or not."""
    return type(x) in (int, float) or getattr(x, "weak", False)


_REAL = "a must be an array of real numbers"


def _levels(q: Any, scale: float) -> Any:
    """Levels from 0 to 1."""
    levels = as_operand(q) if scale == 1 else np.true_divide(q, scale)
    levels = as_operand(levels)
    known = concrete_value(levels)
    if known is not None and not np.all((known >= 0) & (known <= 1)):
        name = "Quantiles" if scale == 1 else "Percentiles"
        raise ValueError(f"{name} must be in the range [0, {scale:g}]")
    return levels


def _at_levels(ordered: Any, q: Any, n: Any, method: str, weak: bool) -> Any:
    """Quantiles of columns in order, of which the first n elements count: one n, or one each.

    A weak level, a Python number, has no say in the dtype of the result.
    """
    rules: Any = _own._QuantileMethods[method]
    each = np.ndim(n) > 0
    levels = np.reshape(q, q.shape + (1,) * (ordered.ndim - 1)) if each else q
    if not isinstance(n, int):
        n = n.astype(np.result_type(q.dtype, 1.0))

    def pick(places: Any) -> Any:
        places = places.astype(np.intp)
        if not each:
            return take(ordered, places, 0)
        rows = np.reshape(places, (q.size, *ordered.shape[1:]))
        return np.reshape(take_along_axis(ordered, rows, 0), places.shape)

    places = as_operand(borrowed(rules["get_virtual_index"])(n, levels))
    if places.dtype.kind in "iu":
        return pick(places)
    below = np.floor(places)
    low, high = np.clip(below, 0, n - 1), np.clip(below + 1, 0, n - 1)
    gamma = places - low
    if rules["fix_gamma"] is not None:
        gamma = as_operand(borrowed(rules["fix_gamma"])(gamma, places)).astype(places.dtype)
    if not each:
        gamma = np.reshape(gamma, gamma.shape + (1,) * (ordered.ndim - 1))
    first, second = pick(low), pick(high)
    step, near, back = second - first, gamma < 0.5, 1 - gamma
    if weak and ordered.dtype.kind == "f":
        gamma, back = gamma.astype(ordered.dtype), back.astype(ordered.dtype)
    return np.where(near, first + step * gamma, second - step * back)


def _kept_quantile(
    result: Any, lead: tuple[int, ...], x: Any, axes: tuple[int, ...], keepdims: Any
) -> Any:
    if not (_given(keepdims) and keepdims):
        return result
    shape = tuple(1 if i in axes else m for i, m in enumerate(x.shape))
    return np.reshape(result, lead + shape)


quantile = implements(np.quantile)(_quantile(1))
percentile = implements(np.percentile)(_quantile(100.0))


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
        if x.dtype.kind in "fc" and not _is_whole(x, where):
            lost = np.isnan(x)
            if _given(where) and where is not True:
                lost = lost | ~np.broadcast_to(where, x.shape)
            filled = np.where(lost, np.asarray(fill, x.dtype), x)
            options: dict[str, Any] = {"initial": initial} if _given(initial) else {}
            keep = bool(_given(keepdims) and keepdims)
            result = ufunc.reduce(filled, axis=_axes(axis), keepdims=keep, **options)
            empty = np.all(lost, axis=_axes(axis), keepdims=keep)
            known = concrete_value(empty)
            if not options and (known is None or np.any(known)):
                result = np.where(empty, np.nan, result)
            return _store(result, out)
        options = {"initial": initial} if _given(initial) else {}
        if _given(where) and where is not True:
            options["where"] = where
        keep = bool(_given(keepdims) and keepdims)
        return _store(ufunc.reduce(x, axis=_axes(axis), keepdims=keep, **options), out)

    return extreme


def _is_whole(x: Any, where: Any) -> bool:
    """Whether all elements count, as far as values are known: then nothing need be filled in."""
    known = concrete_value(x) if not _given(where) or where is True else None
    return known is not None and known.size > 0 and not np.isnan(known).any()


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
        x = real_operand(a, _REAL)
        levels, weights = _levels(q, scale), options.get("weights")
        if weights is not None:
            return _store(_by_weight(x, levels, axis, method, keepdims, weights, True), out)
        return _store(_nan_quantile(x, levels, axis, method, keepdims, _is_weak(q)), out)

    return quantile


nanquantile = implements(np.nanquantile)(_nan_quantile_rule(1))
nanpercentile = implements(np.nanpercentile)(_nan_quantile_rule(100.0))


def _nan_quantile(a: Any, q: Any, axis: Any, method: str, keepdims: Any, weak: bool = False) -> Any:
    """NaN is sorted to the end: each line has its own number of elements before it."""
    x = as_operand(a)
    if x.dtype.kind in "biu":
        x = x.astype(np.float64)
    line, axes = _one_axis(x, axis)
    if x.size == 0:  # NumPy gives one NaN for all levels
        none = np.full(line.shape[:-1], np.nan, x.dtype)
        return _kept_quantile(none, (), x, axes, keepdims)
    ordered = np.moveaxis(sort(line, -1), -1, 0)
    n = np.sum(~np.isnan(ordered), axis=0)
    if q is None:
        middle = (np.reshape(k // 2, (1, *line.shape[:-1])) for k in (n - 1, n))
        first, second = (take_along_axis(ordered, k, 0)[0] for k in middle)
        result = (first + second) / 2
    else:
        result = _at_levels(ordered, q, n, method, weak)
    result = np.where(n == 0, np.nan, result).astype(result.dtype)
    return _kept_quantile(result, () if q is None else q.shape, x, axes, keepdims)


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
    keep = bool(_given(keepdims) and keepdims)
    if x.dtype.kind not in "fc":
        return np.mean(x, axis=axis, dtype=dtype, out=out, keepdims=keep, where=where)
    there, filled = _there(x, where)
    count = np.sum(there, axis=_axes(axis), dtype=np.intp, keepdims=keep)
    total = np.sum(filled, axis=_axes(axis), dtype=dtype, keepdims=keep, where=where)
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
    **options: Any,
) -> Any:
    """The variance of the elements that are not NaN."""
    found, none_left = _nan_variance(a, axis, dtype, ddof, keepdims, **options)
    return _store(np.where(none_left, np.nan, found), out)


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
    found, none_left = _nan_variance(a, axis, dtype, ddof, keepdims, **options)
    found = _root_of(np.where(none_left, np.zeros((), found.dtype), found))
    return _store(np.where(none_left, np.nan, found), out)


def _nan_variance(
    a: Any,
    axis: Any,
    dtype: Any,
    ddof: Any,
    keepdims: Any,
    *,
    where: Any = True,
    mean: Any = np._NoValue,
    correction: Any = np._NoValue,
) -> tuple[Any, Any]:
    """Variances, and where too few elements are left for one: what stands there says nothing."""
    x = as_operand(a)
    keep = bool(_given(keepdims) and keepdims)
    if _given(correction):
        ddof = correction
    if x.dtype.kind not in "fc":
        whole = np.var(x, axis=axis, dtype=dtype, ddof=ddof, keepdims=keep, where=where, mean=mean)
        return whole, False
    there, filled = _there(x, where)
    axes = _axes(axis)
    count = np.sum(there, axis=axes, dtype=np.intp, keepdims=True)
    if _given(mean):
        centre = mean
    else:
        sums = np.sum(filled, axis=axes, dtype=dtype, keepdims=True, where=where)
        centre = (sums / count).astype(sums.dtype)
    moved = filled - centre
    if moved.dtype.kind == "c" and x.dtype.kind == "f":
        moved = np.real(moved)
    deviation = np.where(there, moved.astype(x.dtype), np.zeros((), x.dtype))
    if x.dtype.kind == "c":
        squares = np.real(deviation * np.conjugate(deviation))
    else:
        squares = deviation * deviation
    total = np.sum(squares, axis=axes, dtype=dtype, keepdims=keep, where=where)
    left = np.reshape(count, np.shape(total)) - ddof
    return (total / left).astype(total.dtype), left <= 0


@implements(np.corrcoef)
def corrcoef(x: Any, y: Any = None, rowvar: bool = True, *, dtype: Any = None) -> Any:
    """Correlations; the ends at which rounding is cut off are greatest values, not kinks."""
    c = np.cov(x, y, rowvar, dtype=dtype)
    if c.ndim == 0:
        return c / c
    deviation = np.sqrt(np.real(np.diagonal(c)))
    c = c / deviation[:, None] / deviation[None, :]
    still = stop_gradient(c)
    cut = np.clip(np.real(still), -1, 1)
    if c.dtype.kind == "c":
        cut = cut + 1j * np.clip(np.imag(still), -1, 1)
    return moved_as(cut, c)
