"""scipy.signal on stand-in arrays: spectra, filter design and linear systems by SciPy's own code.

Where its code decides on values that a derivative must see (``if a[0] != 1``), or reaches for
compiled code, the rule stands here.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.signal import _filter_design, _polyutils

from adjoint.graph.types import ArrayType
from adjoint.primitives.choose import stop_gradient
from adjoint.trace import borrow
from adjoint.trace.borrow_scipy import (
    borrow_classes,
    borrow_names,
    is_unknown,
    own_code,
    trimmed,
    when_unknown,
)
from adjoint.trace.calls.from_values import from_values
from adjoint.trace.calls.scipy_signal import _refused
from adjoint.trace.calls.scipy_special import floating
from adjoint.trace.calls.scipy_values import borrow_valued, valued_rule
from adjoint.trace.calls.support import as_operand, common_dtype, moved_as
from adjoint.trace.indexing import known_value
from adjoint.trace.scipy_gate import scipy_rule

borrow.substitute(_polyutils._trim_zeros, trimmed)
_own_natural_frequency = _filter_design._find_nat_freq


def _natural_frequency(
    stopb: Any, passb: Any, gpass: Any, gstop: Any, filter_type: int, kind: str, **named: Any
) -> Any:
    """The frequency of the low-pass filter that a filter comes from, and the edges it passes.

    For a band that is stopped, SciPy searches the edges of the least order. There the products of
    both pairs of edges are equal, and one of the edges stays where it was.
    """
    known = [known_value(v) for v in (stopb, passb, gpass, gstop)]
    if filter_type != 3 or any(v is None for v in known):
        own = borrow.borrowed(_own_natural_frequency)
        return own(stopb, passb, gpass, gstop, filter_type, kind, **named)
    _, found = _own_natural_frequency(*known, filter_type, kind, **named)
    product = stopb[0] * stopb[1]
    low, high = np.maximum(passb[0], product / passb[1]), np.minimum(passb[1], product / passb[0])
    passb = moved_as(np.asarray(found), np.stack([low, high]))
    nat = stopb * (passb[0] - passb[1]) / (stopb**2 - passb[0] * passb[1])
    return np.min(np.abs(nat)), passb


borrow.substitute(_own_natural_frequency, _natural_frequency)
_SPECTRA = (
    "welch csd coherence periodogram spectrogram stft istft lombscargle czt zoom_fft hilbert2 "
    "envelope vectorstrength sweep_poly"
)
_FILTERS = "wiener cspline1d qspline1d gauss_spline gausspulse chirp medfilt order_filter square"
_DESIGN = (
    "freqz freqs freqz_zpk freqz_sos freqs_zpk buttord cheb1ord cheb2ord ellipord "
    "bilinear_zpk "
    "lp2lp lp2bp lp2bs lp2lp_zpk lp2hp_zpk lp2bp_zpk lp2bs_zpk zpk2tf tf2zpk zpk2sos "
    "sos2tf sos2zpk tf2sos tf2ss ss2tf zpk2ss abcd_normalize cont2discrete "
    "buttap cheb1ap cheb2ap ellipap besselap firwin_2d findfreqs gammatone sosfreqz"
)
_SYSTEMS = "impulse step dlsim dimpulse dstep bode dbode"
borrow_names("scipy.signal", _SPECTRA, _FILTERS, _DESIGN, _SYSTEMS)
borrow_valued(
    "scipy.signal", "resample resample_poly decimate deconvolve savgol_coeffs sosfilt_zi filtfilt"
)
borrow_classes("scipy.signal", "_czt.CZT _czt.ZoomFFT _short_time_fft.ShortTimeFFT")
borrow_classes(
    "scipy.signal._ltisys",
    "LinearTimeInvariant lti dlti TransferFunction TransferFunctionContinuous "
    "TransferFunctionDiscrete ZerosPolesGain ZerosPolesGainContinuous ZerosPolesGainDiscrete "
    "StateSpace StateSpaceContinuous StateSpaceDiscrete",
)


_of_least_phase = own_code("scipy.signal.minimum_phase")


@scipy_rule("scipy.signal.minimum_phase")
def minimum_phase(
    h: Any, method: Any = "homomorphic", n_fft: Any = None, *, half: bool = True
) -> Any:
    """The filter of least delay; by Hilbert's transform the lowest answer is 0 and stays so."""
    if method != "hilbert" or is_unknown(h):
        return _of_least_phase(h, method, n_fft, half=half)
    made = _of_least_phase(stop_gradient(h), method, n_fft, half=half)
    n = h.shape[0]
    count = int(n_fft or 2 ** np.ceil(np.log2(2 * (n - 1) / 0.01)))
    turn = np.exp(2j * np.pi / count * (n // 2) * np.arange(count))
    answer = np.real(np.fft.fft(h, count) * turn)
    low, high = np.min(answer), np.max(answer)
    raised = 4 * (answer - low) / (np.sqrt(high - low) + np.sqrt(2 - high - low)) ** 2
    plain = stop_gradient(raised)
    apart = plain > 1e-12 * np.max(plain)
    root = (
        np.where(apart, np.sqrt(np.where(apart, raised, 1.0)), np.sqrt(np.maximum(plain, 0.0)))
        + 1e-10
    )  # as SciPy keeps its logarithm finite
    sides = np.sign(np.fft.fftfreq(count)) * (np.arange(count) != count // 2)
    phase = np.fft.fft(sides * np.fft.ifft(np.log(root)))
    moving = np.real(np.fft.ifft(root * np.exp(phase)))[: n // 2 + n % 2]
    return moved_as(made, moving.astype(made.dtype))


_least_squares = own_code("scipy.signal.firls")


@scipy_rule("scipy.signal.firls")
def firls(
    numtaps: int, bands: Any, desired: Any, *, weight: Any = None, fs: Any = None
) -> Any:  # fmt: skip
    """A filter by least squares; SciPy takes other equations where these are nearly singular."""
    made = _least_squares(numtaps, bands, desired, weight=weight, fs=fs)
    given = [None if v is None else as_operand(v) for v in (bands, desired, weight, fs)]
    there = tuple(v is not None for v in given)
    arrays = [v for v in given if v is not None]
    kind = ArrayType((numtaps,), made.dtype)
    (theirs,) = from_values(_least_squares_of_values, (kind,), arrays, numtaps, there)
    if is_unknown(bands, desired, weight, fs):
        near = np.abs(theirs - made) <= 1e-4 * np.abs(theirs) + 1e-6 * np.max(np.abs(theirs))
        # Elsewhere SciPy takes the least solution, whose slope is lost in rounding: infinite here.
        lost = stop_gradient(made) + np.cbrt(made - stop_gradient(made))
        return moved_as(theirs, np.where(np.all(near), made, lost))
    if not np.allclose(theirs, known_value(made), rtol=1e-4, atol=1e-6 * np.max(np.abs(theirs))):
        what = "equations that are singular to rounding, of which SciPy takes the least solution,"
        raise _refused("firls", what, "fewer taps, or bands with less between them")
    return moved_as(theirs, made)


def _least_squares_of_values(*arrays: Any) -> Any:
    """SciPy's filter of plain bands, desired, weight and fs, as far as these are there."""
    import scipy.signal

    *values, numtaps, there = arrays
    rest = iter(values)
    bands, desired, weight, fs = (next(rest) if found else None for found in there)
    fs = fs if fs is None else float(fs)
    return [scipy.signal.firls(numtaps, bands, desired, weight=weight, fs=fs)]


@valued_rule("scipy.signal.bilinear")
def bilinear(b: Any, a: Any, fs: Any = 1.0) -> Any:
    """A digital filter of an analog one; leading zeros move too where they leave the order."""
    b, a = np.atleast_1d(floating(b)), np.atleast_1d(floating(a))
    known = [known_value(c) for c in (b, a)]
    shown = [
        c if value is None else np.trim_zeros(value, "f")
        for c, value in zip((b, a), known, strict=True)
    ]
    count = max(c.shape[0] for c in shown)
    root = np.sqrt(2.0 * as_operand(fs))
    plus, minus = np.stack([1 / root, 1 / root]), np.stack([root, -root])
    up, down = [np.ones(1)], [np.ones(1)]  # powers of (z + 1) / root and (z - 1) root
    for _ in range(count - 1):
        up.append(np.convolve(up[-1], plus))
        down.append(np.convolve(down[-1], minus))
    rows = np.stack([np.convolve(up[count - 1 - q], down[q]) for q in range(count)])
    import scipy.signal

    return scipy.signal.normalize(
        *[np.flip(c[-count:]) @ rows[: c[-count:].shape[0]] for c in (b, a)]
    )


@when_unknown("scipy.signal.normalize")
def normalize(b: Any, a: Any) -> Any:
    """Both over the leading coefficient of a, which is taken to be other than 0."""
    num, den = np.atleast_1d(floating(b)), np.atleast_1d(floating(a))
    num = num[0] if num.ndim == 2 and num.shape[0] == 1 else num
    return num / den[0], den / den[0]


@when_unknown("scipy.signal.ss2zpk")
def ss2zpk(A: Any, B: Any, C: Any, D: Any, input: int = 0) -> Any:
    """Zeros, poles and gain of a system of states; one less zero where D is known to be 0."""
    import scipy.signal

    num, den = scipy.signal.ss2tf(A, B, C, D, input)
    through = known_value(D)
    if through is not None and not np.any(np.atleast_2d(through)[:, input]):
        num = num[..., 1:]
    return scipy.signal.tf2zpk(num, den)


@valued_rule("scipy.signal.lfilter_zi")
def lfilter_zi(b: Any, a: Any) -> Any:
    """The state of a filter in the steady state of a step."""
    b, a = np.atleast_1d(floating(b)), np.atleast_1d(floating(a))
    n = max(b.shape[0], a.shape[0])
    b, a = (np.pad(c, (0, n - c.shape[0])) / a[0] for c in (b, a))
    # the transpose of the companion matrix of a: its coefficients in the first column
    kind = np.result_type(b.dtype, a.dtype)
    across = np.concatenate([-a[1:, None], np.eye(n - 1, k=1, dtype=kind)[:, 1:]], axis=1)
    return np.linalg.solve(np.eye(n - 1, dtype=kind) - across, b[1:] - a[1:] * b[0])


@scipy_rule("scipy.signal.lfiltic")
def lfiltic(b: Any, a: Any, y: Any, x: Any = None) -> Any:
    """The state of a filter after given inputs and outputs, the latest first."""
    kind = common_dtype(*[as_operand(v) for v in (b, a, y, x) if v is not None])
    kind = kind if kind.kind in "fc" else np.dtype(np.float64)
    b, a = np.atleast_1d(floating(b)), np.atleast_1d(floating(a))
    order = max(b.shape[0], a.shape[0]) - 1
    b, a = (np.pad(c, (0, order + 1 - c.shape[0])) / a[0] for c in (b, a))
    past = [np.zeros(0) if v is None else np.atleast_1d(floating(v))[:order] for v in (x, y)]
    x, y = (np.pad(v, (0, order - v.shape[0])) for v in past)
    made = [
        np.sum(b[m + 1 :] * x[: order - m]) - np.sum(a[m + 1 :] * y[: order - m])
        for m in range(order)
    ]
    return (np.stack(made) if made else np.zeros(0)).astype(kind)


@scipy_rule("scipy.signal.lp2hp")
def lp2hp(b: Any, a: Any, wo: Any = 1.0) -> Any:
    """A low-pass filter turned into a high-pass one with another cutoff."""
    b, a = np.atleast_1d(floating(b)), np.atleast_1d(floating(a))
    n = max(b.shape[0], a.shape[0])
    powers = np.reshape(wo, ()) ** np.arange(float(n))
    kind = np.result_type(b.dtype, a.dtype)
    turned = [np.pad(np.flip(c) * powers[: c.shape[0]], (0, n - c.shape[0])) for c in (b, a)]
    turned = [c.astype(kind) for c in turned]
    import scipy.signal

    return scipy.signal.normalize(*turned)


@scipy_rule("scipy.signal.medfilt2d")
def medfilt2d(input: Any, kernel_size: Any = 3) -> Any:
    """The median of a window, in two dimensions."""
    import scipy.signal

    return scipy.signal.medfilt(input, kernel_size)


@scipy_rule("scipy.signal.sawtooth")
def sawtooth(t: Any, width: Any = 1) -> Any:
    """A wave that rises for a share of its period, and falls for the rest."""
    import scipy.signal

    t, w = floating(t), floating(width)
    kind = scipy.signal.sawtooth(np.ones(1, t.dtype), np.ones(1, w.dtype)).dtype
    t, w = t.astype(kind), w.astype(kind)
    phase = np.mod(t, 2 * np.pi)
    rises = phase < w * 2 * np.pi
    safe = np.where(w > 0, w, 1.0)
    up = phase / (np.pi * safe) - 1
    down = (np.pi * (w + 1) - phase) / (np.pi * np.where(w < 1, 1 - w, 1.0))
    return np.where((w > 1) | (w < 0), np.nan, np.where(rises, up, down))
