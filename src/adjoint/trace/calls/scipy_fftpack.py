"""SciPy's older transforms: those of ``scipy.fft`` by other parameters, and a packed spectrum."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from adjoint.trace.calls.scipy_special import floating
from adjoint.trace.scipy_gate import scipy_rule

_TYPE_OF_INVERSE = {1: 1, 2: 3, 3: 2, 4: 4}  # inverses are not divided by anything, unless "ortho"


def _newer(name: str) -> Callable[..., Any]:
    import scipy.fft

    function: Callable[..., Any] = getattr(scipy.fft, name)
    return function


def _spectrum(name: str) -> None:
    @scipy_rule(f"scipy.fftpack.{name}")
    def rule(x: Any, n: Any = None, axis: int = -1, overwrite_x: bool = False) -> Any:
        return _newer(name)(x, n, axis)


def _spectra(name: str, default: Any) -> None:
    @scipy_rule(f"scipy.fftpack.{name}")
    def rule(x: Any, shape: Any = None, axes: Any = default, overwrite_x: bool = False) -> Any:
        return _newer(name)(x, shape, axes)


def _waves(name: str) -> None:
    function, inverse = name.removeprefix("i"), name.startswith("i")

    @scipy_rule(f"scipy.fftpack.{name}")
    def rule(
        x: Any,
        type: int = 2,
        n: Any = None,
        axis: Any = -1 if name[-1] == "t" else None,
        norm: Any = None,
        overwrite_x: bool = False,
    ) -> Any:
        kind = _TYPE_OF_INVERSE[type] if inverse else type
        return _newer(function)(x, kind, n, axis, norm)


for _name in ("fft", "ifft"):
    _spectrum(_name)
for _name, _axes in (("fftn", None), ("ifftn", None), ("fft2", (-2, -1)), ("ifft2", (-2, -1))):
    _spectra(_name, _axes)
for _name in ("dct", "idct", "dst", "idst", "dctn", "idctn", "dstn", "idstn"):
    _waves(_name)


@scipy_rule("scipy.fftpack.rfft")
def rfft(x: Any, n: Any = None, axis: int = -1, overwrite_x: bool = False) -> Any:
    """The half spectrum of real numbers as real numbers: first, then real and imaginary parts."""
    x = np.moveaxis(floating(x), axis, -1)
    size = x.shape[-1] if n is None else n
    spectrum = np.fft.rfft(x, size)
    pairs = np.stack([spectrum.real, spectrum.imag], -1)[..., 1:, :]
    pairs = np.reshape(pairs, (*pairs.shape[:-2], -1))
    packed = np.concatenate([spectrum.real[..., :1], pairs], -1)[..., :size]
    return np.moveaxis(packed, -1, axis)


@scipy_rule("scipy.fftpack.irfft")
def irfft(x: Any, n: Any = None, axis: int = -1, overwrite_x: bool = False) -> Any:
    """Real numbers from their packed spectrum."""
    x = np.moveaxis(floating(x), axis, -1)
    size = x.shape[-1] if n is None else n
    zeros = np.zeros_like(x[..., :1])
    x = np.concatenate([x[..., :size]] + [zeros] * max(size - x.shape[-1], 0), -1)
    x = np.concatenate([x, zeros], -1) if size % 2 == 0 else x  # half the rate is real
    spectrum = np.concatenate([x[..., :1] + 0j, x[..., 1::2] + 1j * x[..., 2::2]], -1)
    return np.moveaxis(np.fft.irfft(spectrum, size), -1, axis)
