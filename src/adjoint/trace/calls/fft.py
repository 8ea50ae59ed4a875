"""numpy.fft: one axis here; several axes by NumPy's own code."""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.primitives import fft as f
from adjoint.primitives import linear
from adjoint.trace.calls.support import as_operand, axis_index
from adjoint.trace.tables import implements
from adjoint.trace.views import detached


def _fitted(x: Any, n: int, axis: int) -> Any:
    """The axis cut to n, or filled up with zeros."""
    if x.shape[axis] > n:
        return x[(slice(None),) * axis + (slice(0, n),)]
    if x.shape[axis] < n:
        shape = tuple(n if i == axis else m for i, m in enumerate(x.shape))
        return linear.unslice(detached(x), start=(0,) * x.ndim, step=(1,) * x.ndim, shape=shape)
    return x


def _prepared(a: Any, n: Any, axis: int, kinds: str) -> tuple[Any, int, int]:
    x = as_operand(a)
    axis = axis_index(axis, x.ndim)
    n = x.shape[axis] if n is None else int(n)
    if n < 1:
        raise ValueError(f"Invalid number of FFT data points ({n}) specified.")
    if x.dtype.kind in "biu":
        x = x.astype(np.float64)
    return x, n, axis


def _stored(result: Any, out: Any) -> Any:
    if out is None:
        return result
    out[...] = result
    return out


def _complex_of(x: Any) -> Any:
    return x if x.dtype.kind == "c" else x.astype(f._dtype(np.fft.fft, x.dtype))


def _factor(dtype: Any, n: int, norm: Any, inverse: bool) -> float:
    """What NumPy multiplies by, rounded as NumPy rounds it: in the precision of the signal."""
    if norm == "ortho":
        return float(np.reciprocal(np.sqrt(n, dtype=dtype)))
    divided = norm in (None, "backward") if inverse else norm == "forward"
    return float(np.reciprocal(n, dtype=dtype)) if divided else 1.0


def _transformed(
    transform: Any, x: Any, axis: int, norm: Any, inverse: bool, size: int, **more: int
) -> Any:
    """A transform of complex numbers, with NumPy's bits also of real ones.

    Real signals below double precision NumPy transforms in double, and multiplies by a factor
    that has their own precision.
    """
    at = axis - x.ndim
    if x.dtype.char not in "ef":
        return transform(_complex_of(detached(x)), axis=at, norm=norm or "backward", **more)
    function = np.fft.irfft if "n" in more else np.fft.fft
    unscaled = "forward" if inverse else "backward"
    wide = transform(_complex_of(detached(x).astype(np.float64)), axis=at, norm=unscaled, **more)
    scaled = wide * _factor(x.dtype, size, norm, inverse)
    return scaled.astype(f._dtype(function, x.dtype))


@implements(np.fft.fft)
def fft(a: Any, n: Any = None, axis: int = -1, norm: Any = None, out: Any = None) -> Any:
    """The discrete Fourier transform."""
    x, n, axis = _prepared(a, n, axis, "fc")
    x = _fitted(x, n, axis)
    return _stored(_transformed(f.fft, x, axis, norm, False, n), out)


@implements(np.fft.ifft)
def ifft(a: Any, n: Any = None, axis: int = -1, norm: Any = None, out: Any = None) -> Any:
    """Its inverse."""
    x, n, axis = _prepared(a, n, axis, "fc")
    x = _fitted(x, n, axis)
    return _stored(_transformed(f.ifft, x, axis, norm, True, n), out)


@implements(np.fft.rfft)
def rfft(a: Any, n: Any = None, axis: int = -1, norm: Any = None, out: Any = None) -> Any:
    """The transform of a real signal: the frequencies from 0 up."""
    x, n, axis = _prepared(a, n, axis, "f")
    if x.dtype.kind == "c":
        raise TypeError("rfft takes real input")
    x = _fitted(x, n, axis)
    return _stored(f.rfft(detached(x), axis=axis - x.ndim, norm=norm or "backward"), out)


@implements(np.fft.irfft)
def irfft(a: Any, n: Any = None, axis: int = -1, norm: Any = None, out: Any = None) -> Any:
    """The real signal of a spectrum."""
    x = as_operand(a)
    axis = axis_index(axis, x.ndim)
    n = 2 * (x.shape[axis] - 1) if n is None else int(n)
    if n < 1:
        raise ValueError(f"Invalid number of FFT data points ({n}) specified.")
    if x.dtype.kind in "biu":
        x = x.astype(np.float64)
    x = _fitted(x, n // 2 + 1, axis)
    return _stored(_transformed(f.irfft, x, axis, norm, True, n, n=n), out)
