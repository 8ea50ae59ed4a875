"""Fourier transforms along one axis: linear, and each the other's transpose.

Cotangents pair with tangents as ``Re(sum(a b))``, without conjugation, so the transform with
the symmetric matrix ``exp(-2 pi i j k / n)`` is its own transpose.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from adjoint.graph.primitive import Primitive
from adjoint.graph.types import ArrayType

_SWAPPED = {"backward": "forward", "ortho": "ortho", "forward": "backward"}


@lru_cache(maxsize=64)
def _dtype(function: Any, dtype: np.dtype[Any]) -> np.dtype[Any]:
    return function(np.zeros(2, dtype)).dtype  # type: ignore[no-any-return]


def _resized(x: ArrayType, axis: int, n: int, function: Any) -> tuple[ArrayType]:
    shape = list(x.shape)
    shape[axis] = n
    return (ArrayType(tuple(shape), _dtype(function, x.dtype)),)


fft: Primitive = Primitive(
    "fft",
    "linear",
    lambda x, axis, norm: _resized(x, axis, x.shape[axis], np.fft.fft),
    lambda x, axis, norm: np.fft.fft(x, axis=axis, norm=norm),
    ("axis", "norm"),
    transpose=lambda y_bar, operands, which, axis, norm: fft(y_bar, axis=axis, norm=norm),
    doc="complex to complex; axis counts from the end",
)
ifft: Primitive = Primitive(
    "ifft",
    "linear",
    lambda x, axis, norm: _resized(x, axis, x.shape[axis], np.fft.ifft),
    lambda x, axis, norm: np.fft.ifft(x, axis=axis, norm=norm),
    ("axis", "norm"),
    transpose=lambda y_bar, operands, which, axis, norm: ifft(y_bar, axis=axis, norm=norm),
    doc="the inverse of fft",
)


def _weights(n: int, axis: int, ndim: int, inner: float, dtype: Any) -> Any:
    """1 for the frequencies that stand once in a real signal's spectrum, inner for the others."""
    half = n // 2 + 1
    w = np.full(half, inner, dtype)
    w[0] = 1
    if n % 2 == 0:
        w[-1] = 1
    return w.reshape((half,) + (1,) * (-axis - 1))


def _rfft_transpose(y_bar: Any, operands: Any, which: int, axis: int, norm: str) -> Any:
    n = operands[0].shape[axis]
    w = _weights(n, axis, y_bar.ndim, 0.5, operands[0].dtype)
    x_bar = irfft(np.conjugate(y_bar) * w, axis=axis, n=n, norm=_SWAPPED[norm])
    return x_bar.astype(operands[0].dtype, copy=False)  # spectra of float16 are complex64


def _irfft_transpose(y_bar: Any, operands: Any, which: int, axis: int, n: int, norm: str) -> Any:
    w = _weights(n, axis, y_bar.ndim, 2.0, y_bar.dtype)
    return np.conjugate(rfft(y_bar, axis=axis, norm=_SWAPPED[norm])) * w


rfft: Primitive = Primitive(
    "rfft",
    "linear",
    lambda x, axis, norm: _resized(x, axis, x.shape[axis] // 2 + 1, np.fft.rfft),
    lambda x, axis, norm: np.fft.rfft(x, axis=axis, norm=norm),
    ("axis", "norm"),
    transpose=_rfft_transpose,
    doc="real to the non-negative frequencies",
)
irfft: Primitive = Primitive(
    "irfft",
    "linear",
    lambda x, axis, n, norm: _resized(x, axis, n, np.fft.irfft),
    lambda x, axis, n, norm: np.fft.irfft(x, n=n, axis=axis, norm=norm),
    ("axis", "n", "norm"),
    transpose=_irfft_transpose,
    doc="the non-negative frequencies, n // 2 + 1 of them, to n real numbers",
)
