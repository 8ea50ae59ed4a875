"""scipy.signal on stand-in arrays: convolution and linear filters."""

from __future__ import annotations

from functools import wraps
from typing import Any

import numpy as np

from adjoint.primitives.linear_map import LinearMap, linear_map
from adjoint.primitives.recursion import recursion
from adjoint.trace.calls.axis_maps import along_axis, axis_pattern
from adjoint.trace.calls.scipy_special import floating, is_traced_float
from adjoint.trace.calls.scipy_values import valued_rule
from adjoint.trace.calls.support import as_operand, common_dtype
from adjoint.trace.scipy_gate import scipy_rule
from adjoint.trace.views import detached
from adjoint.trace.without_rule import refusing

_refused = refusing("scipy.signal")


# *** convolution ***


def _window(shape: Any, first: Any, mode: str, other: Any) -> tuple[slice, ...]:
    """The part of the full convolution that a mode keeps."""
    parts = []
    for full, m, n in zip(shape, first, other, strict=True):
        length = {"full": full, "same": m, "valid": max(m, n) - min(m, n) + 1}[mode]
        start = (full - length) // 2
        parts.append(slice(start, start + length))
    return tuple(parts)


def _convolution(a: Any, b: Any, mode: str) -> Any:
    """N-dimensional, by transforms where it is large and by shifted products where not."""
    a, b = floating(a), floating(b)
    if mode == "valid" and any(m < n for m, n in zip(a.shape, b.shape, strict=True)):
        if any(m > n for m, n in zip(a.shape, b.shape, strict=True)):
            raise ValueError("For 'valid' mode, one must be at least as large as the other")
        a, b = b, a
    if a.ndim == 0:
        return a * b
    if a.size == 0 or b.size == 0:
        return np.zeros(0)
    shape = tuple(m + n - 1 for m, n in zip(a.shape, b.shape, strict=True))
    small, large = (b, a) if b.size <= a.size else (a, b)
    if small.size <= 16:
        pad = [(n - 1, n - 1) for n in small.shape]
        padded = np.pad(large, pad)
        full: Any = 0.0
        for index in np.ndindex(*small.shape):
            part = tuple(slice(n - 1 - i, n - 1 - i + k)
                         for i, n, k in zip(index, small.shape, shape, strict=True))  # fmt: skip
            full = full + small[index] * padded[part]
    else:
        full = _by_transform(a, b, shape)
    return full[_window(shape, a.shape, mode, b.shape)]


def _by_transform(a: Any, b: Any, shape: Any, axes: Any = None) -> Any:
    """The full convolution; the transforms are of lengths that have small factors only."""
    from scipy.fft import next_fast_len

    axes = tuple(range(a.ndim)) if axes is None else axes
    real = a.dtype.kind != "c" and b.dtype.kind != "c"
    there, back = (np.fft.rfftn, np.fft.irfftn) if real else (np.fft.fftn, np.fft.ifftn)
    lengths = [next_fast_len(shape[axis], real) for axis in axes]
    full = back(there(a, lengths, axes) * there(b, lengths, axes), lengths, axes)
    return full[tuple([slice(n if i in axes else None) for i, n in enumerate(shape)])]


def _whole(rule: Any) -> Any:
    """Integers stay integers: their sums are exact in float64, and are cut as SciPy cuts them."""

    @wraps(rule)
    def of_integers_too(in1: Any, in2: Any, *args: Any, **options: Any) -> Any:
        result = rule(in1, in2, *args, **options)
        kept = common_dtype(as_operand(in1), as_operand(in2))
        return result if kept.kind not in "iu" else np.rint(result).astype(np.int64).astype(kept)

    return of_integers_too


@valued_rule("scipy.signal.convolve")
@_whole
def convolve(in1: Any, in2: Any, mode: str = "full", method: str = "auto") -> Any:
    """The convolution of two arrays."""
    return _convolution(in1, in2, mode)


@valued_rule("scipy.signal.fftconvolve", "scipy.signal.oaconvolve")
def fftconvolve(in1: Any, in2: Any, mode: str = "full", axes: Any = None) -> Any:
    """The convolution along axes, by Fourier transforms."""
    if axes is None:
        return _convolution(in1, in2, mode)
    a, b = floating(in1), floating(in2)
    axes = tuple(axis % a.ndim for axis in np.atleast_1d(axes).tolist())
    shape = tuple(
        m + n - 1 if i in axes else max(m, n)
        for i, (m, n) in enumerate(zip(a.shape, b.shape, strict=True))
    )
    full = _by_transform(a, b, shape, axes)
    keep = _window(shape, a.shape, mode, b.shape)
    return full[tuple(p if i in axes else slice(None) for i, p in enumerate(keep))]


def _reversed(x: Any) -> Any:
    x = np.flip(floating(x))
    return np.conjugate(x) if x.dtype.kind == "c" else x


@valued_rule("scipy.signal.correlate")
@_whole
def correlate(in1: Any, in2: Any, mode: str = "full", method: str = "auto") -> Any:
    """The cross-correlation of two arrays."""
    a, b = floating(in1), floating(in2)
    if mode == "valid" and any(m < n for m, n in zip(a.shape, b.shape, strict=True)):
        return _reversed(_convolution(b, _reversed(a), mode))
    return _convolution(a, _reversed(b), mode)


@valued_rule("scipy.signal.convolve2d")
@_whole
def convolve2d(
    in1: Any, in2: Any, mode: str = "full", boundary: str = "fill", fillvalue: Any = 0
) -> Any:
    """The convolution of two images."""
    if boundary == "fill" and not is_traced_float(fillvalue) and fillvalue == 0:
        return _convolution(in1, in2, mode)
    a, b = floating(in1), floating(in2)
    if mode == "valid":
        return _convolution(a, b, mode)
    pads = [(n - 1, n - 1) for n in b.shape]
    kind: Any = {"wrap": "wrap", "symm": "symmetric"}.get(boundary)
    padded = np.pad(a, pads, mode=kind) if kind else np.pad(a, pads, constant_values=fillvalue)
    full = _convolution(padded, b, "valid")
    return full[_window(full.shape, a.shape, mode, b.shape)]


@valued_rule("scipy.signal.correlate2d")
@_whole
def correlate2d(
    in1: Any, in2: Any, mode: str = "full", boundary: str = "fill", fillvalue: Any = 0
) -> Any:
    """The cross-correlation of two images."""
    a, b = floating(in1), floating(in2)
    if mode == "valid":
        if any(m < n for m, n in zip(a.shape, b.shape, strict=True)):
            # SciPy changes the two, and conjugates the one that is second then
            return np.flip(correlate(b, a, mode))
        return correlate(a, b, mode)
    if mode == "same" and any(n % 2 == 0 for n in b.shape):
        # turned over, an even kernel has its middle on the other side
        full = convolve2d(a, _reversed(b), "full", boundary, fillvalue)
        part = tuple(slice(n // 2, n // 2 + m) for m, n in zip(a.shape, b.shape, strict=True))
        return full[part]
    return convolve2d(a, _reversed(b), mode, boundary, fillvalue)


# *** filters ***


def _lfilter_map(b: Any, a: Any, shape: Any, axis: int) -> LinearMap:
    import scipy.signal

    def apply(x: Any) -> Any:
        return scipy.signal.lfilter(b, a, x, axis=axis)

    n = shape[axis]
    finite = not np.any(a[1:])

    def matrix() -> Any:
        from scipy import sparse

        taps = min(len(b), n) if finite else n
        ones = [np.ones(n - k) for k in range(taps)]
        return sparse.diags_array(ones, offsets=-np.arange(taps), shape=(n, n))

    return LinearMap(
        "lfilter",
        (b.tobytes(), a.tobytes(), len(b), axis),
        (shape, shape),
        apply,
        lambda y: np.flip(apply(np.flip(y, axis)), axis),
        axis_pattern(shape, axis, matrix, sparse=finite),
    )


def _started_map(b: Any, a: Any, shape: Any) -> LinearMap:
    """The filter along the last axis from a state: the state and the samples, one after another."""
    import scipy.signal

    held = max(len(a), len(b)) - 1
    length = shape[-1]

    def apply(v: Any) -> Any:
        return scipy.signal.lfilter(b, a, v[..., held:], axis=-1, zi=v[..., :held])[0]

    def transposed(y: Any) -> Any:
        back = np.flip(y, -1)
        to_state = np.zeros((*shape[:-1], held))
        inner = np.flip(scipy.signal.lfilter([1.0], a, back, axis=-1), -1)
        to_state[..., : min(held, length)] = inner[..., :held] * a[0]
        to_samples = np.flip(scipy.signal.lfilter(b, a, back, axis=-1), -1)
        return np.concatenate([to_state, to_samples], axis=-1)

    whole = (*shape[:-1], held + length)
    key = (b.tobytes(), a.tobytes(), len(b))
    return LinearMap("lfilter from a state", key, (whole, shape), apply, transposed)


def _last_state(b: Any, a: Any, x: Any, y: Any, state: Any) -> Any:
    """What the delays hold after the last sample; b and a of one length, ``a[0]`` is 1."""
    n, order = x.shape[-1], b.shape[0] - 1
    made = []
    for k in range(order):
        value: Any = state[..., k + n] if k + n < order else 0.0 * state[..., 0]
        for j in range(k + 1, min(order, k + n) + 1):
            at = n - (j - k)
            value = value + b[j] * x[..., at] - a[j] * y[..., at]
        made.append(value)
    return np.stack(made, axis=-1) if made else state


@scipy_rule("scipy.signal.lfilter")
def lfilter(b: Any, a: Any, x: Any, axis: int = -1, zi: Any = None) -> Any:
    """A recursive filter along an axis; also its coefficients and its state have derivatives."""
    x = floating(x)
    axis %= x.ndim
    b, a = np.atleast_1d(floating(b)), np.atleast_1d(floating(a))
    x = x.astype(common_dtype(b, a, x, *(() if zi is None else (floating(zi),))))
    real = b.dtype.kind != "c" and a.dtype.kind != "c"
    fixed = real and not is_traced_float(b) and not is_traced_float(a)
    if fixed and zi is None:
        return linear_map(detached(x), map=_lfilter_map(b, a, x.shape, axis))
    moved = np.moveaxis(x, axis, -1)
    order = max(b.shape[0], a.shape[0]) - 1
    lead = a[0]
    given_b, given_a = b, a
    b, a = (np.pad(c, (0, order + 1 - c.shape[0])) / lead for c in (b, a))
    state = None
    if zi is not None:
        state = np.moveaxis(floating(zi), axis, -1).astype(x.dtype)
        state = np.broadcast_to(state, (*moved.shape[:-1], order))
    if fixed:
        both = np.concatenate([state, moved], axis=-1)
        y = linear_map(detached(both), map=_started_map(given_b, given_a, moved.shape))
    else:
        kernel = np.reshape(b, (1,) * (moved.ndim - 1) + b.shape)
        driven = _convolution(moved, kernel, "full")[..., : moved.shape[-1]]
        if state is not None:
            known = state[..., : moved.shape[-1]]
            rest = np.zeros((*moved.shape[:-1], moved.shape[-1] - known.shape[-1]), x.dtype)
            driven = driven + np.concatenate([known, rest], axis=-1)
        finite = order == 0 or given_a.shape[0] == 1
        y = driven if finite else recursion(detached(driven), a.astype(driven.dtype))
    if zi is None:
        return np.moveaxis(y, -1, axis)
    last = _last_state(b, a, moved, y, state)
    return np.moveaxis(y, -1, axis), np.moveaxis(last, -1, axis)


@scipy_rule("scipy.signal.sosfilt")
def sosfilt(sos: Any, x: Any, axis: int = -1, zi: Any = None) -> Any:
    """Second-order filters one after another."""
    sos, x = floating(sos), floating(x)
    states = []
    for i in range(sos.shape[0]):
        if zi is None:
            x = lfilter(sos[i, :3], sos[i, 3:], x, axis)
        else:
            x, state = lfilter(sos[i, :3], sos[i, 3:], x, axis, zi[i])
            states.append(state)
    return x if zi is None else (x, np.stack(states))


@scipy_rule("scipy.signal.detrend")
def detrend(
    data: Any, axis: int = -1, type: str = "linear", bp: Any = 0, overwrite_data: bool = False
) -> Any:
    """Take a constant or a line out."""
    import scipy.signal

    x = floating(data)
    axis %= x.ndim

    def apply(v: Any) -> Any:
        return scipy.signal.detrend(v, axis, type, bp)

    # What is left beside a least-squares fit: an orthogonal projection, its own transpose.
    pattern = axis_pattern(x.shape, axis, lambda: np.ones((x.shape[axis],) * 2))
    key = (type, np.asarray(bp).tobytes(), axis)
    made = LinearMap("detrend", key, (x.shape, x.shape), apply, apply, pattern)
    return linear_map(detached(x), map=made)


@scipy_rule("scipy.signal.savgol_filter")
def savgol_filter(
    x: Any,
    window_length: int,
    polyorder: int,
    deriv: int = 0,
    delta: float = 1.0,
    axis: int = -1,
    mode: str = "interp",
    cval: float = 0.0,
) -> Any:
    """Savitzky's and Golay's smoothing."""
    import scipy.signal

    if hasattr(delta, "recorder"):
        unit = scipy.signal.savgol_filter(x, window_length, polyorder, deriv, 1.0, axis, mode, cval)
        return unit * delta**-deriv
    options = {
        "window_length": window_length, "polyorder": polyorder, "deriv": deriv,
        "delta": delta, "mode": mode,
    }  # fmt: skip
    x = floating(x)
    made = along_axis(
        "savgol_filter",
        tuple(options.values()),
        x.shape,
        axis % x.ndim,
        lambda v, k: scipy.signal.savgol_filter(v, axis=k, **options),
        window_length,
    )
    inner = linear_map(detached(x), map=made)
    if mode != "constant" or (not hasattr(cval, "recorder") and cval == 0):
        return inner
    nothing = np.zeros(x.shape, x.dtype)
    around = scipy.signal.savgol_filter(nothing, axis=axis, cval=1.0, **options)
    return inner + cval * around


@valued_rule("scipy.signal.hilbert")
def hilbert(x: Any, N: Any = None, axis: int = -1, *_: Any) -> Any:
    """The analytic signal."""
    x = floating(x)
    n = x.shape[axis] if N is None else N
    weights = np.zeros(n, x.dtype)
    weights[0] = 1
    weights[1 : (n + 1) // 2] = 2
    if n % 2 == 0:
        weights[n // 2] = 1
    shape = [1] * x.ndim
    shape[axis] = n
    return np.fft.ifft(np.fft.fft(x, n, axis) * weights.reshape(shape), axis=axis)
