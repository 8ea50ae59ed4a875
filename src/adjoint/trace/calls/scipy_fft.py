"""scipy.fft on stand-in arrays: through numpy.fft's rules; cosine and sine transforms.

The public functions are uarray multimethods: a call arrives at the plain functions of
SciPy's own backend, which is where the rules are. SciPy rounds otherwise than NumPy: where
values are known they are its own.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from adjoint.primitives.linear_map import LinearMap, linear_map
from adjoint.trace.borrow_scipy import borrow_names
from adjoint.trace.calls.axis_maps import along_axis, axis_pattern
from adjoint.trace.calls.scipy_special import floating
from adjoint.trace.calls.scipy_values import valued_rule
from adjoint.trace.scipy_gate import holds_traced, scipy_rule
from adjoint.trace.views import detached

_BASIC = "scipy.fft._basic_backend"


def _one_axis(name: str) -> None:
    function = getattr(np.fft, name)

    @valued_rule(f"{_BASIC}.{name}")
    def rule(
        x: Any,
        n: Any = None,
        axis: int = -1,
        norm: Any = None,
        overwrite_x: bool = False,
        workers: Any = None,
        *,
        plan: Any = None,
    ) -> Any:
        return function(floating(x), n, axis, norm)


def _axes_of(x: Any, s: Any, axes: Any) -> Any:
    if axes is None and s is not None:
        return tuple(range(-len(s), 0))
    if axes is None:
        return None
    return (axes,) if np.ndim(axes) == 0 else tuple(axes)  # any sequence, and an array


def _many_axes(name: str, default: Any) -> None:
    function = getattr(np.fft, name)

    @valued_rule(f"{_BASIC}.{name}")
    def rule(
        x: Any,
        s: Any = None,
        axes: Any = default,
        norm: Any = None,
        overwrite_x: bool = False,
        workers: Any = None,
        *,
        plan: Any = None,
    ) -> Any:
        x = floating(x)
        s = (s,) if s is not None and np.ndim(s) == 0 else s
        return function(x, s, _axes_of(x, s, axes), norm)


for _name in ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft"):
    _one_axis(_name)
for _name in ("fftn", "ifftn", "rfftn", "irfftn"):
    _many_axes(_name, None)
for _name in ("fft2", "ifft2", "rfft2", "irfft2"):
    _many_axes(_name, (-2, -1))


@scipy_rule("scipy.fft.fftshift")
def fftshift(x: Any, axes: Any = None) -> Any:
    """The zero frequency in the middle."""
    return np.fft.fftshift(x, axes)


@scipy_rule("scipy.fft.ifftshift")
def ifftshift(x: Any, axes: Any = None) -> Any:
    """The zero frequency in front."""
    return np.fft.ifftshift(x, axes)


# *** cosine and sine transforms ***

_SWAPPED = {None: "forward", "backward": "forward", "forward": None, "ortho": "ortho"}


def _size(kind: str, type: int, n: int) -> int:
    """What the forward norm divides by."""
    if type != 1:
        return 2 * n
    return 2 * (n - 1) if kind == "dct" else 2 * (n + 1)


def _transposed(kind: str, type: int, n: int, axis: int, norm: Any, orthogonal: bool) -> Any:
    """The transpose of a transform of one axis."""
    import scipy.fft

    function = getattr(scipy.fft, kind)
    other = {1: 1, 2: 3, 3: 2, 4: 4}[type]
    size = _size(kind, type, n)
    scale = {"forward": 1 / size, "ortho": 1 / math.sqrt(size)}.get(norm, 1.0)
    if orthogonal:
        # an orthogonal matrix, whose transpose is the other type's
        scale *= math.sqrt(size)
        return lambda y: scale * function(y, other, axis=axis, norm="ortho", orthogonalize=True)
    # The ends that are counted half or once, in front of the other type or behind it.
    before, after = np.ones(n), np.ones(n)
    last = 0 if kind == "dct" else n - 1
    if type == 1 and kind == "dct":
        after[[0, -1]], before[[0, -1]] = 0.5, 2.0
    elif type == 2:
        before[last] = 2.0
    elif type == 3:
        after[last] = 0.5
    before, after = scale * before, after

    def apply(y: Any) -> Any:
        shape = [1] * y.ndim
        shape[axis] = n
        inner = function(y * before.reshape(shape), other, axis=axis, orthogonalize=False)
        return inner * after.reshape(shape)

    return apply


def _transform(x: Any, kind: str, type: int, axis: int, norm: Any, orthogonal: bool) -> Any:
    import scipy.fft

    if x.dtype.kind == "c":
        parts = [_transform(part, kind, type, axis, norm, orthogonal) for part in (x.real, x.imag)]
        return parts[0] + 1j * parts[1]
    function = getattr(scipy.fft, kind)
    n = x.shape[axis]
    made = LinearMap(
        kind,
        (type, axis, norm, orthogonal),
        (x.shape, x.shape),
        lambda v: function(v, type, axis=axis, norm=norm, orthogonalize=orthogonal),
        _transposed(kind, type, n, axis, norm, orthogonal),
        axis_pattern(x.shape, axis, lambda: np.ones((n, n))),
    )
    return linear_map(detached(x), map=made)


def _resized(x: Any, n: Any, axis: int) -> Any:
    if n is None or n == x.shape[axis]:
        return x
    if n < x.shape[axis]:
        return x[(slice(None),) * axis + (slice(0, n),)]
    pad = [(0, 0)] * x.ndim
    pad[axis] = (0, n - x.shape[axis])
    return np.pad(x, pad)


def _settings(kind: str, type: int, norm: Any, orthogonalize: Any) -> tuple[str, int, Any, bool]:
    orthogonal = norm == "ortho" if orthogonalize is None else bool(orthogonalize)
    if kind[0] == "i":  # the inverse is the other type with the norms exchanged
        return kind[1:], {1: 1, 2: 3, 3: 2, 4: 4}[type], _SWAPPED[norm], orthogonal
    return kind, type, None if norm == "backward" else norm, orthogonal


def _real_transform(kind: str) -> None:
    @valued_rule(f"scipy.fft._realtransforms_backend.{kind}")
    def rule(
        x: Any,
        type: int = 2,
        n: Any = None,
        axis: int = -1,
        norm: Any = None,
        overwrite_x: bool = False,
        workers: Any = None,
        orthogonalize: Any = None,
    ) -> Any:
        x = floating(x)
        axis %= x.ndim
        name, type, norm, orthogonal = _settings(kind, type, norm, orthogonalize)
        return _transform(_resized(x, n, axis), name, type, axis, norm, orthogonal)

    @valued_rule(f"scipy.fft._realtransforms_backend.{kind}n")
    def several(
        x: Any,
        type: int = 2,
        s: Any = None,
        axes: Any = None,
        norm: Any = None,
        overwrite_x: bool = False,
        workers: Any = None,
        orthogonalize: Any = None,
    ) -> Any:
        x = floating(x)
        axes = _axes_of(x, s, axes)
        axes = [a % x.ndim for a in (range(x.ndim) if axes is None else axes)]
        sizes = [None] * len(axes) if s is None else list(np.atleast_1d(s))
        name, type, norm, orthogonal = _settings(kind, type, norm, orthogonalize)
        for axis, n in zip(axes, sizes, strict=True):
            x = _transform(_resized(x, n, axis), name, type, axis, norm, orthogonal)
        return x


for _name in ("dct", "idct", "dst", "idst"):
    _real_transform(_name)


# *** hermitian transforms of several axes, and Hankel's ***

_INVERSE_NORM = {None: "forward", "backward": "forward", "ortho": "ortho", "forward": "backward"}


def _hermitian(name: str, several: Any) -> None:
    """Real spectra of hermitian signals, and back: the real transforms with the other norm."""

    @valued_rule(f"scipy.fft._basic_backend.{name}")
    def rule(
        x: Any, s: Any = None, axes: Any = several, norm: Any = None, overwrite_x: bool = False,
        workers: Any = None, *, plan: Any = None,
    ) -> Any:  # fmt: skip
        kind: Any = _INVERSE_NORM[norm]
        s = (s,) if s is not None and np.ndim(s) == 0 else s
        axes = _axes_of(x, s, axes)
        if name.startswith("i"):
            return np.conjugate(np.fft.rfftn(x, s, axes, norm=kind))
        return np.fft.irfftn(np.conjugate(x), s, axes, norm=kind)


for _name, _axes in (("hfftn", None), ("hfft2", (-2, -1)), ("ihfftn", None), ("ihfft2", (-2, -1))):
    _hermitian(_name, _axes)


def _hankel(name: str) -> None:
    """Linear in the samples, along the last axis."""

    @scipy_rule(f"scipy.fft._fftlog_backend.{name}")
    def rule(a: Any, dln: Any, mu: Any, offset: Any = 0.0, bias: Any = 0.0) -> Any:
        import scipy.fft

        function = getattr(scipy.fft, name)
        x = floating(a)
        if holds_traced((dln, mu, offset, bias)):
            return _hankel_that_moves(name, x, dln, mu, offset, bias)
        settings = (float(dln), float(mu), float(offset), float(bias))
        x = x.astype(function(np.zeros(x.shape[-1:], x.dtype), *settings).dtype)

        def apply(v: Any, axis: int) -> Any:
            return np.moveaxis(function(np.moveaxis(v, axis, -1), *settings), -1, axis)

        made = along_axis(name, settings, x.shape, x.ndim - 1, apply)
        return linear_map(detached(x), map=made)


def _hankel_that_moves(name: str, x: Any, dln: Any, mu: Any, offset: Any, bias: Any) -> Any:
    """The transform by its formula: a product with gamma functions between two Fourier ones."""
    import scipy.special as sp

    n, there = x.shape[-1], name == "fht"
    away = (np.arange(float(n)) - (n - 1) / 2) * dln
    turns = np.linspace(0.0, np.pi * (n // 2) / n, n // 2 + 1) / dln
    upper, lower = ((mu + 1 + q) / 2 + 1j * turns for q in (bias, -bias))
    grown = sp.loggamma(upper) - np.conj(sp.loggamma(lower))
    factor = np.exp(grown + np.log(2) * bias + 2j * turns * (np.log(2) - offset))
    if n % 2 == 0:  # the last one is real
        factor = np.concatenate([factor[:-1], np.real(factor[-1:]) + 0j])
    if there:
        spectrum = np.fft.rfft(x * np.exp(-bias * away)) * factor
        return np.flip(np.fft.irfft(spectrum, n), -1) * np.exp(-bias * (away + offset))
    spectrum = np.fft.rfft(x * np.exp(bias * (away + offset))) / np.conj(factor)
    return np.flip(np.fft.irfft(spectrum, n), -1) * np.exp(bias * away)


_hankel("fht")
_hankel("ifht")
borrow_names("scipy.fft", "fhtoffset")
