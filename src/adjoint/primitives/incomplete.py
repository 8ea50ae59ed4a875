"""Derivatives of the incomplete gamma and beta functions in their shapes, to full precision.

They are integrals of the density times a polynomial of the log density's derivatives, over
the logarithm of t (gamma) or the logit (beta), where the density is log-concave. The first
derivative's weight changes sign once; the side without the change is taken, so that nothing
cancels and small tails come out right. The interval is laid out from its end in panels that
double, scaled by the density's decay there, with Gauss points in each.
"""

from __future__ import annotations

from typing import Any

import numpy as np

# This module is first imported when such a derivative is first evaluated.
_EDGES = np.concatenate([[0.0], 2.0 ** np.arange(0, 26)])
_GAUSS = np.polynomial.legendre.leggauss(14)
_HALF = 0.5 * np.diff(_EDGES)[:, None]
_NODES = ((_EDGES[:-1, None] + _HALF) + _HALF * _GAUSS[0]).ravel()
_WEIGHTS = (_HALF * _GAUSS[1]).ravel()
_CHUNK = 4096  # elements at a time, so that nodes times elements stay small


def _by_chunks(function: Any, operands: list[Any]) -> Any:
    arrays = np.broadcast_arrays(*operands)
    dtype = np.result_type(*[x.dtype for x in arrays if x.dtype.kind == "f"])
    flat = [np.ravel(x) if x.dtype.kind in "iu" else np.ravel(x).astype(float) for x in arrays]
    out = np.empty(flat[0].shape)
    with np.errstate(all="ignore"):
        for at in range(0, out.size, _CHUNK):
            part = slice(at, at + _CHUNK)
            out[part] = function(*[x[part] for x in flat])
    return out.reshape(arrays[0].shape).astype(dtype)[()]


def _scale(slope: Any, curvature: Any) -> Any:
    """The distance in which a log-concave density falls by about 1/e."""
    slope = np.maximum(slope, 0)
    return 2 / (slope + np.sqrt(slope * slope + 2 * curvature))


def _bell(order: Any, w: Any, second: Any, third: Any) -> Any:
    """Derivatives of exp(l) over exp(l), from those of l."""
    return np.where(
        order == 1,
        w,
        np.where(order == 2, w * w + second, w * (w * w + 3 * second) + third),
    )


def gamma_shape_derivative(n: Any, a: Any, x: Any) -> Any:
    """The n-th derivative (1, 2 or 3) of gammainc(a, x) in a."""
    return _by_chunks(_gamma_part, [n, a, x])


def _gamma_part(n: Any, a: Any, x: Any) -> Any:
    from scipy.special import psi

    # Small a and x: the density is flat and then falls steeply; one and two up it is not.
    shift = (a < 2) & (x < 1.5) & (x > np.exp(psi(a)))
    total = np.zeros_like(x)
    for up in (0.0, 1.0):
        total = total + np.where(shift, _gamma_step(n, a + up, x), 0)
    result = total + _gamma_integral(n, np.where(shift, a + 2, a), x)
    result = np.where((x <= 0) | np.isposinf(x), 0, result)
    return np.where((a > 0) & (n <= 3), result, np.nan)


def _gamma_step(n: Any, a: Any, x: Any) -> Any:
    """The n-th derivative of P(a, x) - P(a + 1, x) = x^a exp(-x) / gamma(a + 1)."""
    from scipy.special import gammaln, polygamma, psi

    w = np.log(x) - psi(a + 1)
    value = np.exp(a * np.log(x) - x - gammaln(a + 1))
    return value * _bell(n, w, -polygamma(1, a + 1), -polygamma(2, a + 1))


def _log_gamma_kernel(a: Any, log_t: Any) -> Any:
    """A log t - t - log gamma(a), by the distance from the mode where a is large."""
    from scipy.special import gammaln

    big = a >= 16
    wide = np.where(big, a, 16.0)
    off = log_t - np.log(wide)
    inverse = 1 / (wide * wide)
    error = (1 / 12 - inverse * (1 / 360 - inverse * (1 / 1260 - inverse / 1680))) / wide
    saddle = wide * (off - np.expm1(off)) - error + 0.5 * np.log(wide / (2 * np.pi))
    small = np.where(big, 1.0, a)
    return np.where(big, saddle, small * log_t - np.exp(log_t) - gammaln(small))


def _gamma_integral(n: Any, a: Any, x: Any) -> Any:
    from scipy.special import polygamma, psi

    n, a, x = n[:, None], a[:, None], x[:, None]
    center = psi(a)
    end = np.log(x)
    lower = end <= center
    side = np.where(lower, -1.0, 1.0)
    step = _scale(side * (x - a), x)
    log_t = end + side * step * _NODES
    density = np.exp(_log_gamma_kernel(a, log_t))
    weight = _bell(n, log_t - center, -polygamma(1, a), -polygamma(2, a))
    product = np.where(density > 0, density * weight, 0)
    return -side[:, 0] * step[:, 0] * (product @ _WEIGHTS)


def beta_shape_derivative(m: Any, n: Any, a: Any, b: Any, x: Any) -> Any:
    """The derivative of betainc(a, b, x), m times in a and n times in b, m + n up to 3."""
    return _by_chunks(_beta_part, [m, n, a, b, x])


def _beta_part(m: Any, n: Any, a: Any, b: Any, x: Any) -> Any:
    # I_x(a, b) = 1 - I_(1-x)(b, a): the first derivative is always taken in the first shape.
    swap = m == 0
    first, second = np.where(swap, n, m), np.where(swap, m, n)
    p, q = np.where(swap, b, a), np.where(swap, a, b)
    t, rest = np.where(swap, 1 - x, x), np.where(swap, x, 1 - x)
    value = _beta_shifted(first, second, p, q, t, rest)
    value = np.where((x <= 0) | (x >= 1), 0, np.where(swap, -value, value))
    return np.where((a > 0) & (b > 0) & (m + n <= 3), value, np.nan)


def _beta_shifted(m: Any, n: Any, a: Any, b: Any, x: Any, rest: Any) -> Any:
    """A shape is moved up where on its side the density is flat and then falls steeply."""
    from scipy.special import psi

    above = np.log(x) > psi(a) - psi(a + b)
    shift = (a < 2) & (x < 0.5) & ((a + b) * x < 1.5) & above
    other = (b < 2) & (rest < 0.5) & ((a + b) * rest < 1.5) & ~above
    total = np.zeros_like(x)
    for up in (0.0, 1.0):
        total = total + np.where(shift, _beta_step(m, n, a + up, b, x, rest, 0), 0)
        total = total - np.where(other, _beta_step(m, n, a, b + up, x, rest, 1), 0)
    moved = np.where(shift, a + 2, a), np.where(other, b + 2, b)
    return total + _beta_integral(m, n, *moved, x, rest)


def _beta_step(m: Any, n: Any, a: Any, b: Any, x: Any, rest: Any, which: int) -> Any:
    """The derivative of x^a (1 - x)^b / (a B(a, b)), by which I_x(a, b) falls as a grows by 1.

    With which = 1 it is over b B(a, b): I_x(a, b) grows by that as b grows by 1.
    """
    from scipy.special import betaln, polygamma, psi

    up, other = (a + 1, b) if which == 0 else (a, b + 1)
    both = psi(a + b)
    v, w = np.log(x) + both - psi(up), np.log(rest) + both - psi(other)
    c1, c2 = polygamma(1, a + b), polygamma(2, a + b)
    second = [c1 - polygamma(1, up), c1 - polygamma(1, other), c1]
    third = [c2 - polygamma(2, up), c2 - polygamma(2, other), c2]
    shape = b if which else a
    value = np.exp(a * np.log(x) + b * np.log(rest) - np.log(shape) - betaln(a, b))
    return value * _bell2(m, n, v, w, second, third)


def _beta_integral(m: Any, n: Any, a: Any, b: Any, x: Any, rest: Any) -> Any:
    from scipy.special import log_expit, polygamma, psi

    m, n, a, b, x, rest = (y[:, None] for y in (m, n, a, b, x, rest))
    both = psi(a + b)
    center_a, center_b = psi(a) - both, psi(b) - both
    end = np.log(x) - np.log(rest)
    lower = np.log(x) <= center_a
    side = np.where(lower, -1.0, 1.0)
    # where the density is flat the weight is not: it changes over a distance of 1
    step = np.minimum(_scale(side * ((a + b) * x - a), (a + b) * x * rest), 1.0)
    u = end + side * step * _NODES
    log_t, log_rest = log_expit(u), log_expit(-u)
    density = np.exp(_log_beta_kernel(a, b, u, log_t, log_rest))
    c1, c2 = polygamma(1, a + b), polygamma(2, a + b)
    v, w = log_t - center_a, log_rest - center_b
    second = [c1 - polygamma(1, a), c1 - polygamma(1, b), c1]
    third = [c2 - polygamma(2, a), c2 - polygamma(2, b), c2]
    weight = _bell2(m, n, v, w, second, third)
    product = np.where(density > 0, density * weight, 0)
    return -side[:, 0] * step[:, 0] * (product @ _WEIGHTS)


def _log_beta_kernel(a: Any, b: Any, u: Any, log_t: Any, log_rest: Any) -> Any:
    """A log t + b log(1 - t) - log B(a, b), by the distance from the mode where both are large."""
    from scipy.special import betaln

    big = (a >= 16) & (b >= 16)
    p, q = np.where(big, a, 16.0), np.where(big, b, 16.0)
    n = p + q

    def error(z: Any) -> Any:
        inverse = 1 / (z * z)
        return (1 / 12 - inverse * (1 / 360 - inverse * (1 / 1260 - inverse / 1680))) / z

    off = u - np.log(p / q)
    # log t - log(p/n) and log(1-t) - log(q/n), from the difference of the logits
    rise = -np.log1p(q / n * np.expm1(-off))
    fall = -np.log1p(p / n * np.expm1(off))
    saddle = p * rise + q * fall + error(n) - error(p) - error(q)
    saddle = saddle + 0.5 * np.log(p * q / (2 * np.pi * n))
    small_a, small_b = np.where(big, 1.0, a), np.where(big, 1.0, b)
    return np.where(big, saddle, a * log_t + b * log_rest - betaln(small_a, small_b))


def _bell2(m: Any, n: Any, v: Any, w: Any, second: list[Any], third: list[Any]) -> Any:
    """Derivatives of exp(l(a, b)) over exp(l), m in a (at least 1) and n in b."""
    aa, bb, ab = second
    aaa, _, mixed = third
    pure = _bell(m, v, aa, aaa)
    once = np.where(m == 1, v * w + ab, (v * v + aa) * w + 2 * v * ab + mixed)
    twice = v * (w * w + bb) + 2 * w * ab + mixed
    return np.where(n == 0, pure, np.where(n == 1, once, twice))
