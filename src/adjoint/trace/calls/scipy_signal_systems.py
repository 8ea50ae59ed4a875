"""scipy.signal where its code decides on values: simulated systems, delays, waves and windows.

What is given as recorded is taken to be regular: an input that is there, a chirp whose ends
differ.
"""

from __future__ import annotations

from types import FunctionType
from typing import Any

import numpy as np
import scipy.linalg
import scipy.signal
import scipy.special

from adjoint.primitives.choose import stop_gradient
from adjoint.trace.borrow import borrowed
from adjoint.trace.borrow_scipy import (
    borrow_names,
    given_a_holder,
    is_unknown,
    own_code,
    when_unknown,
)
from adjoint.trace.calls.scipy_signal import _convolution, _refused
from adjoint.trace.calls.scipy_special import floating
from adjoint.trace.calls.scipy_values import valued_rule
from adjoint.trace.calls.support import as_operand, is_traced, moved_as
from adjoint.trace.indexing import known_value
from adjoint.trace.scipy_gate import scipy_rule

borrow_names(
    "scipy.signal.windows._windows",
    "kaiser gaussian general_gaussian general_cosine general_hamming exponential chebwin taylor "
    "kaiser_bessel_derived get_window",
)
_simulated = own_code("scipy.signal.lsim")


@scipy_rule("scipy.signal.lsim", wanted=given_a_holder)
def lsim(system: Any, U: Any, T: Any, X0: Any = None, interp: bool = True) -> Any:
    """The output of a system; an input that is zero just now still moves it."""
    known = known_value(U)
    if not is_traced(U) or np.shape(T)[0] == 1 or (known is not None and np.any(known)):
        return _simulated(system, U, T, X0, interp)
    parts = (system,) if isinstance(system, scipy.signal.lti) else tuple(system)
    states = (parts[0] if len(parts) == 1 else scipy.signal.lti(*parts)).to_ss()
    a, b, c, d = (as_operand(m) for m in (states.A, states.B, states.C, states.D))
    n, count = b.shape
    t = as_operand(T)
    u = np.reshape(U, (t.shape[0], -1))
    step = t[1] - t[0]
    start = np.zeros(n) if X0 is None else np.broadcast_to(as_operand(X0), (n,))
    x = start @ scipy.linalg.expm(np.swapaxes(a, 0, 1) * t[0])
    inner = np.concatenate([a * step, b * step, np.zeros((n, count))], axis=1)
    held = np.concatenate([np.zeros((count, n + count)), np.eye(count)], axis=1)
    whole = np.concatenate([inner, held, np.zeros((count, n + 2 * count))])
    power = np.swapaxes(scipy.linalg.expm(whole), 0, 1)
    along, now, rise = power[:n, :n], power[n : n + count, :n], power[n + count :, :n]
    pushed = u[:-1] @ (now - rise) + u[1:] @ rise if interp else u[:-1] @ now
    rows = [x]
    for k in range(t.shape[0] - 1):
        rows.append(rows[-1] @ along + pushed[k])
    xs = np.stack(rows)
    y = xs @ np.swapaxes(c, 0, 1) + u @ np.swapaxes(d, 0, 1)
    return T, np.squeeze(y), np.squeeze(xs)


def _answers(name: str, made: Any, place: Any) -> None:
    """A system's answer to waves.

    SciPy drops coefficients that are 0 just now, and double poles have no derivative: the answer
    of a system of states moves as C (z - A)^-1 B + D does.
    """
    follow = own_code(f"scipy.signal.{name}")

    @scipy_rule(f"scipy.signal.{name}", wanted=given_a_holder)
    def rule(system: Any, w: Any = None, *settings: Any, **named: Any) -> Any:
        of = scipy.signal.lti | scipy.signal.dlti
        states = system if isinstance(system, of) else made(system)
        if not isinstance(states, scipy.signal.StateSpace):
            return follow(system, w, *settings, **named)
        parts = [as_operand(m) for m in (states.A, states.B, states.C, states.D)]
        if w is not None and is_unknown(w, *parts):
            w = np.atleast_1d(floating(w))
            return w, _through(place(w), parts)
        w, answer = follow(system, w, *settings, **named)
        away = np.where(np.isfinite(answer), 0.0, 1 + np.linalg.norm(stop_gradient(parts[0])))
        return w, moved_as(answer, _through(place(w) + away, parts))  # a pole itself cannot move


def _through(z: Any, parts: Any) -> Any:
    a, b, c, d = parts
    inner = z[:, None, None] * np.eye(a.shape[0]) - a
    return (c @ np.linalg.solve(inner, b + 0j) + d)[:, 0, 0]


_answers("freqresp", lambda parts: scipy.signal.lti(*parts), lambda w: 1j * w)
_answers(
    "dfreqresp",
    lambda parts: scipy.signal.dlti(*parts[:-1], dt=parts[-1]),
    lambda w: np.exp(1j * w),
)


@when_unknown("scipy.signal.group_delay")
def group_delay(system: Any, w: Any = 512, whole: bool = False, fs: Any = 2 * np.pi) -> Any:
    """The delay, 0 where it is singular."""
    b, a = (np.atleast_1d(floating(v)) for v in system)
    if isinstance(w, int | np.integer):
        w = np.linspace(0, 2 * np.pi if whole else np.pi, w, endpoint=False)
    else:
        w = 2 * np.pi * np.atleast_1d(w) / fs
    c = np.convolve(b, np.conj(np.flip(a)))
    z = np.exp(-1j * w)
    below = np.polyval(np.flip(c), z)
    above = np.polyval(np.flip(c * np.arange(c.shape[0])), z)
    zero = below == 0
    delay = np.real(above / np.where(zero, 1, below)) - a.shape[0] + 1
    return w * fs / (2 * np.pi), np.where(zero, 0, delay)


_both_ways = own_code("scipy.signal.sosfiltfilt")


@valued_rule("scipy.signal.sosfiltfilt")
def sosfiltfilt(
    sos: Any, x: Any, axis: int = -1, padtype: Any = "odd", padlen: Any = None
) -> Any:  # fmt: skip
    """Forwards and backwards; what is put before and behind depends on zeros among them."""
    if not is_unknown(sos):
        return _both_ways(sos, x, axis, padtype, padlen)
    if padlen is None and padtype is not None:
        what = "sections that are not known, inside jit or vmap, without padlen="
        raise _refused("sosfiltfilt", what, "padlen=3 * (2 * len(sos) + 1)")
    from scipy.signal._signaltools import _validate_pad

    x = floating(x)
    edge, longer = borrowed(_validate_pad)(padtype, padlen, x, axis, 0)
    sections = scipy.signal.sosfilt_zi(sos)
    shape = [1] * x.ndim
    shape[axis] = 2
    state = np.reshape(sections, (-1, *shape))
    for _ in range(2):
        first = np.take(longer, np.array([0]), axis=axis)
        longer = np.flip(scipy.signal.sosfilt(sos, longer, axis, state * first)[0], axis)
    if not edge:
        return longer
    return np.take(longer, np.arange(edge, longer.shape[axis] - edge), axis=axis)


_phase = own_code("scipy.signal._waveforms._chirp_phase")


@scipy_rule("scipy.signal._waveforms._chirp_phase")
def chirp_phase(
    t: Any, f0: Any, t1: Any, f1: Any, method: str = "linear", vertex_zero: bool = True
) -> Any:  # fmt: skip
    """The phase of a wave whose frequency moves; SciPy's digits go where it hardly does."""
    turns = _turns(as_operand(t), f0, t1, f1, method, vertex_zero)
    if is_unknown(t, f0, t1, f1):
        return 2 * np.pi * turns
    theirs = _phase(*map(known_value, (t, f0, t1, f1)), method, vertex_zero)
    return moved_as(theirs, 2 * np.pi * turns)


def _turns(t: Any, f0: Any, t1: Any, f1: Any, method: str, vertex_zero: bool) -> Any:
    if method in ("linear", "lin", "li"):
        return f0 * t + 0.5 * ((f1 - f0) / t1) * t * t
    if method in ("quadratic", "quad", "q"):
        beta = (f1 - f0) / t1**2
        late = f1 * t + beta * ((t1 - t) ** 3 - t1**3) / 3
        return f0 * t + beta * t**3 / 3 if vertex_zero else late
    if method in ("logarithmic", "log", "lo"):
        return f0 * t * scipy.special.exprel(np.log(f1 / f0) * t / t1)
    if method in ("hyperbolic", "hyp"):
        way = t * (f1 - f0) / (f1 * t1)  # to the pole
        far = way > 0.5
        near = 1 / scipy.special.exprel(np.log1p(-np.where(far, 0.5, way)))
        beyond = np.where(far, way, 2.0)
        return f0 * t * np.where(far, -np.log(np.abs(1 - beyond)) / beyond, near)
    known = "'linear', 'quadratic', 'logarithmic', or 'hyperbolic'"
    raise ValueError(f"method must be {known}, but a value of {method!r} was given.")


@when_unknown("scipy.signal.windows._windows.tukey")
def tukey(M: int, alpha: Any = 0.5, sym: bool = True, *, xp: Any = None, device: Any = None) -> Any:
    """A flat window with ends of a cosine's form."""
    if M <= 1:
        return np.ones(M)
    n = np.arange(M) if sym else np.arange(M + 1)
    last = n.shape[0] - 1
    n = np.minimum(n, last - n)[:M]
    width = np.where((alpha > 0) & (alpha < 1), alpha, 1.0) * last / 2.0
    rising = 0.5 * (1 + np.cos(np.pi * (-1 + n / width)))
    return np.where((n < stop_gradient(width)) & (alpha > 0), rising, 1.0)


_slepian = own_code("scipy.signal.windows._windows.dpss")


@scipy_rule("scipy.signal.windows._windows.dpss")
def dpss(
    M: int, NW: Any, Kmax: Any = None, sym: bool = True, norm: Any = None,
    return_ratios: bool = False, *, xp: Any = None, device: Any = None,
) -> Any:  # fmt: skip
    """Eigenvectors of a tridiagonal matrix whose diagonal moves with the width of the band."""
    known = known_value(NW)
    if known is not None:
        scipy.signal.windows.dpss(M, float(known), Kmax, sym, norm)  # raises what it raises
    count = 1 if Kmax is None else int(Kmax)
    if M <= 1:
        return _slepian(M, 0.25, Kmax, sym, norm, return_ratios)
    n = M if sym else M + 1
    at, width = np.arange(float(n)), floating(NW) / n
    diagonal = ((n - 1 - 2 * at) / 2) ** 2 * np.cos(2 * np.pi * width)
    chosen = {"select": "i", "select_range": (n - count, n - 1)}
    _, found = scipy.linalg.eigh_tridiagonal(diagonal, at[1:] * (n - at[1:]) / 2, **chosen)
    tapers = np.flip(found.T, 0)
    plain = stop_gradient(tapers)
    lobes = np.argmax(plain**2 > max(1e-7, 1 / n), axis=1)
    first = np.take_along_axis(plain, lobes[:, None], axis=1)[:, 0]
    below = np.where(np.arange(count) % 2 == 0, np.sum(plain, axis=1), first) < 0
    tapers = np.where(below[:, None], -tapers, tapers)
    power = np.abs(np.fft.rfft(tapers, 2 * n)) ** 2
    ratios = np.fft.irfft(power)[:, :n] @ (
        np.where(at == 0, 2, 4) * width * np.sinc(2 * width * at)
    )
    kind = norm or ("approximate" if Kmax is None else 2)
    if kind != 2:
        tapers = tapers / np.max(tapers)
        if n % 2 == 0:
            tapers = tapers * _to_one(tapers[0], n, NW, kind)
    tapers = tapers[:, :M]
    if Kmax is None:
        tapers, ratios = tapers[0], ratios[0]
    return (tapers, ratios) if return_ratios else tapers


def _to_one(taper: Any, n: int, bandwidth: Any, kind: str) -> Any:
    """What makes the middle between two samples 1."""
    if kind == "approximate":
        return n**2 / (n**2 + bandwidth)
    spectrum = np.fft.rfft(taper)
    turn = 2 * np.exp(1j * np.pi * (1 - 1 / n) * np.arange(1, n // 2 + 1))
    return n / np.real(spectrum[0] + np.sum(spectrum[1:] * turn))


def _at_samples(name: str, base: Any, count: int, first: float) -> None:
    @when_unknown(f"scipy.signal.{name}1d_eval")
    def rule(cj: Any, newx: Any, dx: Any = 1.0, x0: Any = 0) -> Any:
        """A spline of samples at places, which is reflected at its ends."""
        cj, x = floating(cj), (floating(newx) - x0) / dx
        last = cj.shape[0] - 1
        x = last - np.abs(np.mod(x, 2 * last) - last)
        low = np.floor(stop_gradient(x) - first).astype(int) + 1
        total: Any = 0.0
        for i in range(count):
            total = total + np.take(cj, np.clip(low + i, 0, last)) * base(np.abs(x - (low + i)))
        return total


def _cubic(x: Any) -> Any:
    return np.where(x < 1, 2 / 3 - 0.5 * x**2 * (2 - x), np.where(x < 2, (2 - x) ** 3 / 6, 0.0))


def _quadratic(x: Any) -> Any:
    return np.where(x < 0.5, 0.75 - x**2, np.where(x < 1.5, (x - 1.5) ** 2 / 2, 0.0))


_at_samples("cspline", _cubic, 4, 2.0)
_at_samples("qspline", _quadratic, 3, 1.5)


def _reachable(compiled: Any) -> None:
    """A compiled function by its name in the package, that a rule can be put in the place of."""

    def call(input: Any, hrow: Any, hcol: Any) -> Any:
        return compiled(input, hrow, hcol)

    call.__name__, call.__doc__ = compiled.__name__, compiled.__doc__
    setattr(scipy.signal, compiled.__name__, call)


if not isinstance(scipy.signal.sepfir2d, FunctionType):
    _reachable(scipy.signal.sepfir2d)


@valued_rule("scipy.signal.sepfir2d")
def sepfir2d(input: Any, hrow: Any, hcol: Any) -> Any:
    """Filters along both axes; the image is reflected at its borders."""
    image, rows, columns = as_operand(input), floating(hrow), floating(hcol)
    image = image.astype(np.result_type(image.dtype, np.float32))
    if rows.shape[0] % 2 == 0 or columns.shape[0] % 2 == 0:
        raise ValueError("hrow and hcol must be odd length")
    for weights, axis in ((rows, 1), (columns, 0)):
        count, size = weights.shape[0], image.shape[axis]
        longer = np.take(image, np.pad(np.arange(size), count // 2, "symmetric"), axis=axis)
        parts = [
            weights[count - 1 - k].astype(image.dtype)
            * np.take(longer, np.arange(k, k + size), axis=axis)
            for k in range(count)
        ]
        image = sum(parts[1:], parts[0])
    return image


_designed = own_code("scipy.signal.iirdesign")


@scipy_rule("scipy.signal.iirdesign")
def iirdesign(wp: Any, ws: Any, gpass: Any, gstop: Any, *rest: Any, **settings: Any) -> Any:
    """A filter of the least order that keeps limits."""
    if is_unknown(wp, ws, gpass, gstop):
        what = "limits that are not known, inside jit or vmap (they choose the order),"
        raise _refused("iirdesign", what, "iirfilter of a given order")
    return _designed(wp, ws, gpass, gstop, *rest, **settings)


# *** samples put beyond the ends ***


def _reflected_oddly(n: int, p: int) -> tuple[Any, Any]:
    places = np.arange(-p, n + p)
    return np.pad(np.arange(n), p, "symmetric"), np.where(places // n % 2 == 0, 1.0, -1.0)


def _longer(x: Any, p: int, mode: str, cval: Any) -> Any:
    """P samples more on both sides of the last axis."""
    n = x.shape[-1]
    within = [(0, 0)] * (x.ndim - 1) + [(p, p)]
    if mode in ("symmetric", "reflect", "edge", "wrap"):
        return np.take(x, np.pad(np.arange(n), p, mode), axis=-1)
    if mode == "constant":
        return np.pad(x, within, constant_values=cval)
    if mode == "antisymmetric":
        at, sign = _reflected_oddly(n, p)
        return np.take(x, at, axis=-1) * sign
    if mode == "antireflect":
        return np.pad(x, within, "reflect", reflect_type="odd")
    away = np.arange(1, p + 1, dtype=x.dtype)
    first, last = x[..., :1], x[..., -1:]
    if mode == "line":
        falls = rises = (last - first) / max(n - 1, 1)
    elif mode == "smooth":
        falls, rises = x[..., 1:2] - first, last - x[..., -2:-1]
    else:
        raise ValueError(f"Unknown mode: {mode}")
    return np.concatenate([first - falls * np.flip(away), x, last + rises * away], axis=-1)


@scipy_rule("scipy.signal.upfirdn")
def upfirdn(
    h: Any, x: Any, up: int = 1, down: int = 1, axis: int = -1, mode: str = "constant",
    cval: Any = 0,
) -> Any:  # fmt: skip
    """Zeros put between the samples, a filter, and every so many samples kept."""
    h, x = floating(h), np.moveaxis(floating(x), axis, -1)
    n = x.shape[-1]
    length = ((n - 1) * up + h.shape[0] - 1) // down + 1
    p = 0 if mode == "constant" and not is_traced(cval) and cval == 0 else -(-h.shape[0] // up)
    x = _longer(x, p, mode, cval) if p else x
    wide = np.concatenate([x[..., None], np.zeros((*x.shape, up - 1), x.dtype)], axis=-1)
    wide = np.reshape(wide, (*x.shape[:-1], x.shape[-1] * up))[..., : (x.shape[-1] - 1) * up + 1]
    full = _convolution(wide, np.reshape(h, (1,) * (x.ndim - 1) + h.shape), "full")
    return np.moveaxis(full[..., p * up :: down][..., :length], -1, axis)
