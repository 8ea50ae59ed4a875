"""Sequences: convolution, interpolation, counts with weights, Fourier frequencies' kin."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from numpy.lib import _function_base_impl as _own_module

from adjoint.graph.source import is_hidden, library_code
from adjoint.primitives import linear
from adjoint.primitives.sequences import convolve as row
from adjoint.primitives.sequences import correlate as correlation
from adjoint.trace.borrow import borrowed
from adjoint.trace.calls.products import _same_dtype
from adjoint.trace.calls.selection import take
from adjoint.trace.calls.shapes import known
from adjoint.trace.calls.support import as_operand, complex_of, is_traced, real_operand
from adjoint.trace.indexing import concrete_value, known_value
from adjoint.trace.recorder import bind
from adjoint.trace.tables import implements
from adjoint.trace.views import detached


def _vectors(a: Any, v: Any) -> list[Any]:
    x, y = (np.reshape(z, (1,)) if np.ndim(z) == 0 else as_operand(z) for z in (a, v))
    if x.ndim != 1 or y.ndim != 1:
        raise ValueError("object too deep for desired array")
    if x.shape[0] == 0 or y.shape[0] == 0:
        raise ValueError("the arrays must not be empty")
    return _same_dtype(x, y)


_own: Any = _own_module
_MODES = {0: "valid", 1: "same", 2: "full", "v": "valid", "s": "same", "f": "full"}


@implements(np.convolve)
def convolve(a: Any, v: Any, mode: Any = "full") -> Any:
    """The convolution of two sequences."""
    return bind(row, _vectors(a, v), (_MODES.get(mode, mode),))


@implements(np.correlate)
def correlate(a: Any, v: Any, mode: Any = "valid") -> Any:
    """The correlation of two sequences, the second conjugated."""
    x, y = _vectors(a, v)
    if y.dtype.kind == "c":
        y = detached(np.conjugate(y))
    return bind(correlation, (x, y), (_MODES.get(mode, mode),))


@implements(np.interp)
def interp(
    x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None
) -> Any:
    """Piecewise linear interpolation, with derivatives in the points, the knots and the values."""
    at, knots = (real_operand(z, "np.interp: x and xp may not be complex") for z in (x, xp))
    values = as_operand(fp)
    kind = np.complex128 if values.dtype.kind == "c" else np.float64
    if kind == np.complex128 and not _all_finite(values):  # part by part: one may be infinite
        beyond = [(part(left), part(right)) for part in (_real_end, _imaginary_end)]
        real, imaginary = (
            interp(at, knots, part, *ends, period)
            for part, ends in zip((np.real(values), np.imag(values)), beyond, strict=True)
        )
        return complex_of(real, imaginary)
    at, knots, values = at.astype(float), knots.astype(float), values.astype(kind)
    if period is not None:
        left = right = None
        period = abs(period)
        at, knots = at % period, knots % period
        order = np.argsort(knots)
        knots, values = take(knots, order), take(values, order)
        knots = np.concatenate([knots[-1:] - period, knots, knots[:1] + period])
        values = np.concatenate([values[-1:], values, values[:1]])
    n = knots.shape[0]
    if n == 0:
        raise ValueError("array of sample points is empty")
    left = values[0] if left is None else left
    right = values[-1] if right is None else right
    if n == 1:
        result = np.broadcast_to(values[0], at.shape)
    else:
        j = np.clip(np.searchsorted(knots, at, side="right") - 1, 0, n - 2)
        j = j if is_traced(j) else np.asarray(j)
        low, base = take(knots, j), take(values, j)
        high, end = take(knots, j + 1), take(values, j + 1)
        with np.errstate(invalid="ignore"):  # NumPy's loop says nothing of infinite values
            slope = (end - base) / (high - low)
            result = slope * (at - low) + base
            if not _all_finite(values):
                back = slope * (at - high) + end
                back = np.where(np.isnan(back) & (base == end), base, back)
                back = np.where(at == low, base, back)
                result = np.where(np.isnan(result), back, result)
        result = np.where(at == knots[-1], values[-1], result)
    result = np.where(at < knots[0], left, result)
    result = np.where(at > knots[-1], right, result)
    return np.where(np.isnan(at), np.nan, result)


def _real_end(x: Any) -> Any:
    return None if x is None else np.real(x)


def _imaginary_end(x: Any) -> Any:
    return None if x is None else np.imag(x)


def _all_finite(values: Any) -> bool:
    value = known_value(values)
    return value is not None and bool(np.isfinite(value).all())


@implements(np.bincount)
def bincount(x: Any, /, weights: Any = None, minlength: int = 0) -> Any:
    """Sums of weights by bin; the bins must be known."""
    places = known(x, "bincount")
    if weights is None:
        return np.bincount(places, minlength=minlength)
    n = max(minlength, int(places.max()) + 1 if places.size else 0)
    w = real_operand(weights, "np.bincount: weights may not be complex")
    if w.shape != places.shape:
        raise ValueError("The weights and list don't have the same length.")
    return linear.scatter_add(detached(w.astype(float)), places, axes=(0,), shape=(n,))


@implements(np.i0)
def i0(x: Any) -> Any:
    """The modified Bessel function of order 0, by NumPy's own series."""
    x = real_operand(x, "i0 not supported for complex values")
    x = x if x.dtype.kind == "f" else x.astype(float)
    size = np.where(x < 0, -x, x)  # at 0 it must not stand still, as the absolute value does
    near, far = borrowed(_own._i0_1), borrowed(_own._i0_2)
    return np.where(size <= 8.0, near(np.minimum(size, 8.0)), far(np.maximum(size, 8.0)))


@implements(np.piecewise)
def piecewise(x: Any, condlist: Any, funclist: Any, *args: Any, **options: Any) -> Any:
    """A function by pieces; where the values are not known each is run on all elements."""
    x = as_operand(x)
    if concrete_value(x) is not None:
        return borrowed(np.piecewise)(x, condlist, funclist, *args, **options)
    several = isinstance(condlist, list | tuple) or np.ndim(condlist) > 0
    if not several or (np.ndim(condlist[0]) == 0 and x.ndim > 0):
        condlist = [condlist]
    conditions, pieces = [as_operand(c) for c in condlist], list(funclist)
    values = [piece(x, *args, **options) if callable(piece) else piece for piece in pieces]
    result: Any = np.zeros(x.shape, x.dtype)
    if len(values) == len(conditions) + 1:
        result = np.where(True, values.pop(), result)
    for condition, value in zip(conditions, values, strict=True):
        result = np.where(condition, value, result)
    return result.astype(x.dtype)


@implements(np.trim_zeros)
def trim_zeros(filt: Any, trim: str = "fb", axis: Any = None) -> Any:
    """Zeros at the ends cut off.

    NumPy's own polynomials cut leading coefficients that are zero: where the values are not
    known all are kept, which gives the same polynomial.
    """
    if is_traced(filt) and concrete_value(filt) is None and _asked_by_numpy():
        return filt
    return borrowed(np.trim_zeros)(filt, trim, axis)


def _asked_by_numpy() -> bool:
    frame = sys._getframe(2)
    while is_hidden(frame.f_code) and not library_code(frame.f_code):
        assert frame.f_back is not None
        frame = frame.f_back
    return library_code(frame.f_code)
