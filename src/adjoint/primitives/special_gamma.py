"""Gamma and beta functions, and their incomplete forms with every argument."""

from __future__ import annotations

from math import factorial
from typing import Any

import numpy as np

from adjoint.graph.primitive import Primitive
from adjoint.primitives.products import divide_no_nan
from adjoint.primitives.special import POSITIVE, UNIT, SciPyFunction, special

LOG_SQRT_2PI = float(0.5 * np.log(2 * np.pi))

# B_2j / (2j)!, j = 1, 2, ...
BERNOULLI = [
    1 / 12,
    -1 / 720,
    1 / 30240,
    -1 / 1209600,
    1 / 47900160,
    -691 / 1307674368000,
    1 / 74724249600,
    -3617 / 10670622842880000,
    43867 / 5109094217170944000,
    -174611 / 802857662698291200000,
]

# *** gamma, polygamma, beta ***


def _polygamma(n: Any, x: Any) -> Any:
    if np.iscomplexobj(x):
        return _complex_polygamma(np.asarray(n), np.asarray(x))
    return SciPyFunction("polygamma")(n, x).astype(np.result_type(x), copy=False)[()]


def _complex_polygamma(n: Any, z: Any) -> Any:
    """By recurrence to the right, then the asymptotic series; SciPy has the real ones only."""
    gamma_of = SciPyFunction("gamma")
    steps = 16 + int(max(0.0, np.ceil(-np.min(np.real(z), initial=0.0))))
    total = np.zeros(np.broadcast_shapes(n.shape, z.shape), complex)
    for k in range(steps):
        total = total + gamma_of(n + 1.0) / (z + k) ** (n + 1)
    end = z + steps
    total = total + gamma_of(n + 0.0) / end**n + gamma_of(n + 1.0) / (2 * end ** (n + 1))
    for j, c in enumerate(BERNOULLI, start=1):
        total = total + c * gamma_of(2.0 * j + n) / end ** (2 * j + n)
    value = np.where(n % 2 == 1, total, -total)
    return np.where(n == 0, SciPyFunction("psi")(z), value).astype(z.dtype)[()]


polygamma: Primitive = special(
    "polygamma",
    None,
    lambda out, n, x: polygamma(n + 1, x),
    integers=(0,),
    evaluate=_polygamma,
    domain=((0, 4), POSITIVE),
)


def trigamma(x: Any) -> Any:
    """The second derivative of log gamma."""
    return polygamma(np.broadcast_to(np.int64(1), x.shape), x)


def _rgamma_slope(out: Any, x: Any) -> Any:
    """Left of 1/2 by reflection, sin(pi x) gamma(1 - x) / pi, smooth at the poles of gamma."""
    real = np.real(x)
    left = (real < 0.5) & (np.abs(np.imag(x)) < 1)
    whole = np.round(real)
    angle = np.pi * np.where(left, x - whole, 0)
    other = np.where(left, 1 - x, 1)
    reflected = np.cos(angle) - np.sin(angle) * psi(other) / np.pi
    sign = np.where(whole % 2 == 0, 1, -1)
    return np.where(left, sign * gamma(other) * reflected, -out * psi(np.where(left, 1, x)))


def _over_gamma_slope(x: Any) -> Any:
    return _rgamma_slope(rgamma(x), x)


_FAR = 165.0  # beyond, factors may be infinite where their product is not


_LARGE = 16.0
_STIRLING = [b * factorial(2 * k - 1) for k, b in enumerate(BERNOULLI[:6], start=1)]


def _psi_gap(x: Any, step: Any) -> Any:
    """psi(x + step) - psi(x); of large x by the differences of the terms of Stirling's series."""
    far = (x >= _LARGE) & (x + step >= _LARGE)
    low, high = np.where(far, x, 1), np.where(far, x + step, 1)
    u, v = 1 / (low * low), 1 / (high * high)
    total, ratio, power = (np.full_like(low, value) for value in (0.5, 0.0, 1.0))
    share = 1 / low + 1 / high  # the difference of squares, over that of inverses
    for c in _STIRLING:
        ratio, power = u * ratio + power, v * power  # of differences of powers
        total = total + c * share * ratio
    moved = np.where(far, step, 0)
    series = np.log1p(moved / low) + total * moved / (low * high)
    return np.where(far, series, psi(np.where(far, 1, x + step)) - psi(np.where(far, 1, x)))


def _pole(x: Any) -> Any:
    return (x <= 0) & (x == np.round(x))


def _binom_slope(which: int) -> Any:
    """With 1 / gamma as factors where those are near poles: binom is smooth there."""

    def partial(out: Any, n: Any, k: Any) -> Any:
        near = ((n - k < -0.5) | (k < -0.5)) & (n < _FAR) & (np.abs(k) < _FAR)
        top, low, rest = (np.where(near, v, 1) for v in (n + 1, k + 1, n - k + 1))
        if which == 0:
            smooth = rgamma(low) * (psi(top) * rgamma(rest) + _over_gamma_slope(rest))
            inside = _psi_gap(np.where(near, 1, n - k + 1), np.where(near, 1, k))
        else:
            smooth = _over_gamma_slope(low) * rgamma(rest) - rgamma(low) * _over_gamma_slope(rest)
            inside = psi(np.where(near, 1, n - k + 1)) - psi(np.where(near, 1, k + 1))
        return np.where(near, gamma(top) * smooth, out * inside)

    return partial


def _beta_slope(which: int) -> Any:
    def partial(out: Any, a: Any, b: Any) -> Any:
        own, other = (b, a) if which else (a, b)
        near = (a + b < 0.5) & (a > -_FAR) & (b > -_FAR)
        first, second, total = (np.where(near, v, 1) for v in (a, b, a + b))
        smooth = psi(np.where(near, own, 1)) * rgamma(total) + _over_gamma_slope(total)
        inside = -out * _psi_gap(np.where(near, 1, own), np.where(near, 1, other))
        return np.where(near, gamma(first) * gamma(second) * smooth, inside)

    return partial


def _poch_slope(out: Any, z: Any, m: Any) -> Any:
    """Of whole m a polynomial in z, and smooth at the poles of gamma(z)."""
    left = (z < 0.5) & (z > -_FAR) & (np.abs(m) < _FAR)
    counts = left & (z == np.round(z)) & _pole(z + m)
    near = left & ~counts
    below = np.where(counts, 1 - z, 1)
    rest = np.where(counts, below - m, 1)
    sign = np.where(np.round(m) % 2 == 0, -1, 1)
    turned = sign * gamma(below) * (psi(below) * rgamma(rest) + _over_gamma_slope(rest))
    low, top = np.where(near, z, 1), np.where(near, z + m, 1)
    smooth = gamma(top) * (psi(top) * rgamma(low) + _over_gamma_slope(low))
    inside = out * _psi_gap(np.where(left, 1, z), np.where(left, 1, m))
    return np.where(counts, turned, np.where(near, smooth, inside))


psi = special("psi", lambda out, x: trigamma(x), domain=(POSITIVE,))
gamma = special("gamma", lambda out, x: out * psi(x), domain=(POSITIVE,))
gammaln = special("gammaln", lambda out, x: psi(x), domain=(POSITIVE,))
loggamma = special("loggamma", lambda out, x: psi(x), domain=(POSITIVE,))
rgamma = special("rgamma", _rgamma_slope, domain=(POSITIVE,))
beta = special(
    "beta",
    _beta_slope(0),
    _beta_slope(1),
    domain=(POSITIVE, POSITIVE),
)
betaln = special(
    "betaln",
    lambda out, a, b: -_psi_gap(a, b),
    lambda out, a, b: -_psi_gap(b, a),
    domain=(POSITIVE, POSITIVE),
)
binom = special(
    "binom",
    _binom_slope(0),
    _binom_slope(1),
    domain=((5.0, 9.0), (1.1, 3.9)),
)
poch = special(
    "poch",
    _poch_slope,
    lambda out, z, m: out * psi(z + m),
    domain=(POSITIVE, POSITIVE),
)

# *** incomplete gamma: P(a, x) and Q(a, x) = 1 - P(a, x) ***


def _stirling_error(a: Any) -> Any:
    """Log gamma(a + 1) - (a + 1/2) log a + a - log sqrt(2 pi), for a >= 16."""
    inverse = 1 / (a * a)
    series = 1 / 1188 - inverse * (691 / 360360 - inverse * (1 / 156))
    series = 1 / 1260 - inverse * (1 / 1680 - inverse * series)
    return (1 / 12 - inverse * (1 / 360 - inverse * series)) / a


def gamma_density(a: Any, x: Any) -> Any:
    """x^(a-1) exp(-x) / gamma(a), without loss of digits for large a; at 0 as it is written."""
    end = x == 0
    written = np.where(end, x, 0) ** (np.where(end, a, 2) - 1) * np.exp(-x) * rgamma(a)
    return np.where(end, written, _inner_gamma_density(a, np.where(end, 1, x)))


def _inner_gamma_density(a: Any, x: Any) -> Any:
    large = a >= 16
    wide = np.where(large, a, np.full_like(a, 16.0))
    ratio = x / wide
    off = (x - wide) / wide
    # log1p(off) - off, which is the exponent over a, near and far from the mode
    near = np.abs(off) < 0.5
    close = np.log1p(np.where(near, off, np.zeros_like(off))) - off
    apart = np.log(np.where(near, np.ones_like(off), ratio)) - off
    exponent = wide * np.where(near, close, apart) - _stirling_error(wide)
    saddle = np.exp(exponent) * np.sqrt(wide / (2 * np.pi)) / x
    small = np.where(large, np.ones_like(a), a)
    plain = np.exp((small - 1) * np.log(x) - x - gammaln(small))
    return np.where(large, saddle, plain)


def _p_shape(out: Any, a: Any, x: Any) -> Any:
    return gammainc_shape(np.broadcast_to(np.int64(1), a.shape), a, x)


gammainc = special(
    "gammainc",
    _p_shape,
    lambda out, a, x: gamma_density(a, x),
    domain=(POSITIVE, POSITIVE),
)
gammaincc = special(
    "gammaincc",
    lambda out, a, x: -_p_shape(out, a, x),
    lambda out, a, x: -gamma_density(a, x),
    domain=(POSITIVE, POSITIVE),
)
gammaincinv = special(
    "gammaincinv",
    lambda out, a, y: divide_no_nan(-_p_shape(None, a, out), gamma_density(a, out)),
    lambda out, a, y: 1 / gamma_density(a, out),
    domain=(POSITIVE, UNIT),
)
gammainccinv = special(
    "gammainccinv",
    lambda out, a, y: divide_no_nan(-_p_shape(None, a, out), gamma_density(a, out)),
    lambda out, a, y: -1 / gamma_density(a, out),
    domain=(POSITIVE, UNIT),
)


def _gamma_moments(n: Any, a: Any, x: Any) -> Any:
    from adjoint.primitives.incomplete import gamma_shape_derivative

    return gamma_shape_derivative(n, a, x)


def _density_shape(out: Any, n: Any, a: Any, x: Any) -> Any:
    """The n-th derivative in a of the density: Bell polynomials of the log density's."""
    end = x == 0
    w = np.log(np.where(end, 1, x)) - psi(a)
    second, third = -trigamma(a), -polygamma(np.broadcast_to(np.int64(2), a.shape), a)
    square = w * w
    bell = np.where(n == 1, w, square + second)
    bell = np.where(n == 3, square * w + 3 * w * second + third, bell)
    inside = gamma_density(a, x) * np.where(n > 3, np.nan, bell)
    return np.where(end, np.where(a > 1, 0, -np.inf), inside)


gammainc_shape: Primitive = special(
    "gammainc_shape",
    None,
    lambda out, n, a, x: gammainc_shape(n + 1, a, x),
    _density_shape,
    integers=(0,),
    evaluate=_gamma_moments,
    doc="the n-th derivative of gammainc(a, x) in a, n = 1, 2, 3",
    domain=((1, 3), POSITIVE, POSITIVE),
)

# *** incomplete beta: I_x(a, b) ***


def beta_density(a: Any, b: Any, x: Any) -> Any:
    """x^(a-1) (1-x)^(b-1) / B(a, b); at 0 and 1 as it is written."""
    end = (x == 0) | (x == 1)
    at, first, second = (np.where(end, v, w) for v, w in ((x, 0.5), (a, 1), (b, 1)))
    written = at ** (first - 1) * (1 - at) ** (second - 1) / beta(a, b)
    return np.where(end, written, _inner_beta_density(a, b, np.where(end, 0.5, x)))


def _inner_beta_density(a: Any, b: Any, x: Any) -> Any:
    """By Stirling's formula where both are large."""
    large = (a >= 16) & (b >= 16)
    wide_a = np.where(large, a, np.full_like(a, 16.0))
    wide_b = np.where(large, b, np.full_like(a, 16.0))
    n = wide_a + wide_b
    off = n * x - wide_a  # distance from the mode
    exponent = (
        wide_a * np.log1p(off / wide_a)
        + wide_b * np.log1p(-off / wide_b)
        + _stirling_error(n)
        - _stirling_error(wide_a)
        - _stirling_error(wide_b)
    )
    scale = np.sqrt(wide_a * wide_b / (2 * np.pi * n)) / (x * (1 - x))
    small_a = np.where(large, np.ones_like(a), a)
    small_b = np.where(large, np.ones_like(a), b)
    plain = np.exp(
        (small_a - 1) * np.log(x) + (small_b - 1) * np.log1p(-x) - betaln(small_a, small_b)
    )
    return np.where(large, np.exp(exponent) * scale, plain)


def _constant(n: int, like: Any) -> Any:
    return np.broadcast_to(np.int64(n), like.shape)


def _i_shape(which: int) -> Any:
    def partial(out: Any, a: Any, b: Any, x: Any) -> Any:
        return betainc_shape(_constant(1 - which, a), _constant(which, a), a, b, x)

    return partial


_i_a, _i_b = _i_shape(0), _i_shape(1)
betainc = special(
    "betainc",
    _i_a,
    _i_b,
    lambda out, a, b, x: beta_density(a, b, x),
    domain=(POSITIVE, POSITIVE, UNIT),
)
betaincc = special(
    "betaincc",
    lambda out, a, b, x: -_i_a(out, a, b, x),
    lambda out, a, b, x: -_i_b(out, a, b, x),
    lambda out, a, b, x: -beta_density(a, b, x),
    domain=(POSITIVE, POSITIVE, UNIT),
)
betaincinv = special(
    "betaincinv",
    lambda out, a, b, y: divide_no_nan(-_i_a(None, a, b, out), beta_density(a, b, out)),
    lambda out, a, b, y: divide_no_nan(-_i_b(None, a, b, out), beta_density(a, b, out)),
    lambda out, a, b, y: 1 / beta_density(a, b, out),
    domain=(POSITIVE, POSITIVE, UNIT),
)
betainccinv = special(
    "betainccinv",
    lambda out, a, b, y: divide_no_nan(-_i_a(None, a, b, out), beta_density(a, b, out)),
    lambda out, a, b, y: divide_no_nan(-_i_b(None, a, b, out), beta_density(a, b, out)),
    lambda out, a, b, y: -1 / beta_density(a, b, out),
    domain=(POSITIVE, POSITIVE, UNIT),
)


def _beta_moments(m: Any, n: Any, a: Any, b: Any, x: Any) -> Any:
    from adjoint.primitives.incomplete import beta_shape_derivative

    return beta_shape_derivative(m, n, a, b, x)


def _beta_density_shape(out: Any, m: Any, n: Any, a: Any, b: Any, x: Any) -> Any:
    both = psi(a + b)
    low, high = x == 0, x == 1
    u = np.log(np.where(low, 1, x)) - psi(a) + both
    v = np.log1p(-np.where(high, 0, x)) - psi(b) + both
    cross = trigamma(a + b)
    uu, vv = cross - trigamma(a), cross - trigamma(b)
    bell = np.where(m == 1, np.where(n == 1, u * v + cross, u), v)
    bell = np.where(m == 2, u * u + uu, np.where(n == 2, v * v + vv, bell))
    inside = beta_density(a, b, x) * np.where(m + n > 2, np.nan, bell)
    inside = np.where(low & (m > 0), np.where(a > 1, 0, -np.inf), inside)
    return np.where(high & (n > 0), np.where(b > 1, 0, -np.inf), inside)


betainc_shape: Primitive = special(
    "betainc_shape",
    None,
    None,
    lambda out, m, n, a, b, x: betainc_shape(m + 1, n, a, b, x),
    lambda out, m, n, a, b, x: betainc_shape(m, n + 1, a, b, x),
    _beta_density_shape,
    integers=(0, 1),
    evaluate=_beta_moments,
    doc="the derivative of betainc(a, b, x), m times in a and n times in b, m + n = 1, 2, 3",
    domain=((1, 2), (0, 1), POSITIVE, POSITIVE, UNIT),
)
