"""Error functions, normal distribution, exponential integrals, entropies, transformations."""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.graph.primitive import Primitive
from adjoint.primitives.products import divide_no_nan
from adjoint.primitives.special import (
    POSITIVE,
    SQRT_2PI,
    SQRT_HALF,
    TWO_OVER_SQRT_PI,
    UNIT,
    WIDE,
    SciPyFunction,
    erf,
    order,
    polynomial,
    special,
)

SQRT_PI_HALF = float(np.sqrt(np.pi) / 2)
DEGREE = float(np.pi / 180)
LN2 = float(np.log(2.0))
LN10 = float(np.log(10.0))

# *** the error function's relatives ***

# (2k-1)!! (-1/2)^k: the asymptotic series of 2 x dawsn and sqrt(pi) x erfcx, in 1 / x^2
_TAIL = [1.0]
for _k in range(1, 24):
    _TAIL.append(_TAIL[-1] * (2 * _k - 1) / 2)
_FAR = 7.0  # from here on the series is exact, and the closed form loses digits


def _erfcx_slope(out: Any, x: Any) -> Any:
    """2 x erfcx(x) - 2/sqrt(pi); far out the two cancel."""
    if x.dtype.kind == "c":
        return 2 * x * out - TWO_OVER_SQRT_PI
    far = x > _FAR
    inverse = 1 / np.where(far, x, np.asarray(_FAR, x.dtype))
    square = -(inverse * inverse)
    series = TWO_OVER_SQRT_PI * square * polynomial(square, _TAIL[1:])
    return np.where(far, series, 2 * x * out - TWO_OVER_SQRT_PI)


def _dawsn_slope(out: Any, x: Any) -> Any:
    """1 - 2 x dawsn(x), likewise."""
    if x.dtype.kind == "c":
        return 1 - 2 * x * out
    far = np.abs(x) > _FAR
    inverse = 1 / np.where(far, x, np.asarray(_FAR, x.dtype))
    square = inverse * inverse
    return np.where(far, -square * polynomial(square, _TAIL[1:]), 1 - 2 * x * out)


erfcx = special("erfcx", _erfcx_slope, domain=(WIDE,))
erfi = special("erfi", lambda out, x: TWO_OVER_SQRT_PI * np.exp(x * x), domain=(WIDE,))
dawsn = special("dawsn", _dawsn_slope, domain=(WIDE,))
erfinv = special("erfinv", lambda out, x: SQRT_PI_HALF * np.exp(out * out), domain=((-0.9, 0.9),))
erfcinv = special("erfcinv", lambda out, x: -SQRT_PI_HALF * np.exp(out * out), domain=((0.1, 1.9),))
wofz = special("wofz", lambda out, z: 1j * TWO_OVER_SQRT_PI - 2 * z * out, domain=(WIDE,))


def _ndtr_slope(out: Any, x: Any) -> Any:
    return np.exp(-0.5 * (x * x)) / SQRT_2PI


def _log_ndtr_slope(out: Any, x: Any) -> Any:
    # density over distribution, the inverse of Mills' ratio: no difference of exponents
    far = np.real(x) > 5  # where the logarithm is nearly 0, and the inverse would overflow
    near = (SQRT_HALF * TWO_OVER_SQRT_PI) / erfcx(-SQRT_HALF * np.where(far, 0, x))
    return np.where(far, np.exp(-0.5 * x * x - out) / SQRT_2PI, near)


ndtr = special("ndtr", _ndtr_slope, domain=(WIDE,))
log_ndtr = special("log_ndtr", _log_ndtr_slope, domain=(WIDE,))
ndtri = special("ndtri", lambda out, p: SQRT_2PI * np.exp(0.5 * (out * out)), domain=(UNIT,))
ndtri_exp = special(
    "ndtri_exp",
    lambda out, y: erfcx(-SQRT_HALF * out) / (SQRT_HALF * TWO_OVER_SQRT_PI),
    domain=((-3.0, -0.2),),
)
owens_t = special(
    "owens_t",
    lambda out, h, a: -0.5 * np.exp(-0.5 * (h * h)) / SQRT_2PI * erf(SQRT_HALF * a * h),
    lambda out, h, a: np.exp(-0.5 * (h * h) * (1 + a * a)) / (2 * np.pi * (1 + a * a)),
    domain=(WIDE, WIDE),
)


# Of w(z) = i / sqrt(pi) (1/z + 1/(2 z^3) + 3/(4 z^5) + ...)
_FAR_TERMS = [float(np.prod(np.arange(1.0, 2 * k, 2)) / 2**k) for k in range(15)]


def _faddeeva_slopes(z: Any) -> tuple[Any, Any]:
    """w'(z), and w + z w', of which little is left far out."""
    far = np.real(z) ** 2 + np.imag(z) ** 2 > 64
    out, near = np.where(far, z, 9.0 + 0j), np.where(far, 1j, z)
    inverse = 1 / (out * out)
    factor = 0.5j * TWO_OVER_SQRT_PI
    first = [-(2 * k + 1) * c for k, c in enumerate(_FAR_TERMS)]
    both = [-2 * k * c for k, c in enumerate(_FAR_TERMS)]
    slope = 1j * TWO_OVER_SQRT_PI - 2 * near * wofz(near)
    return (
        np.where(far, factor * inverse * polynomial(inverse, first), slope),
        np.where(far, factor / out * polynomial(inverse, both), wofz(near) + near * slope),
    )


def _voigt_slope(which: int) -> Any:
    def partial(out: Any, x: Any, sigma: Any, gamma: Any) -> Any:
        slope, both = _faddeeva_slopes((x + 1j * gamma) * (SQRT_HALF / sigma))
        scale = 1 / (2 * SQRT_2PI * SQRT_HALF * sigma * sigma)
        if which == 0:
            return np.real(slope) * scale
        if which == 2:
            return -np.imag(slope) * scale
        return -np.real(both) / (SQRT_2PI * sigma * sigma)

    return partial


voigt_profile = special(
    "voigt_profile", *map(_voigt_slope, range(3)), domain=(WIDE, POSITIVE, POSITIVE)
)

# *** exponential integrals and logarithms ***


def _expn_slope(out: Any, n: Any, x: Any) -> Any:
    whole = np.trunc(n)  # as SciPy takes it
    first = -np.exp(-x) * (1 + 1 / x) / x
    return np.where(whole == 0, first, -expn(np.maximum(whole - 1, 0), x))


_EXPREL = [1.0 / ((k + 2) * float(np.prod(np.arange(1.0, k + 1)))) for k in range(16)]


def exprel_slope(x: Any) -> Any:
    """The derivative of (exp(x) - 1) / x."""
    near = np.abs(x) < 0.7
    series = polynomial(np.where(near, x, np.zeros_like(x)), _EXPREL)
    safe = np.where(near, np.ones_like(x), x)
    return np.where(near, series, (np.exp(safe) - exprel(safe)) / safe)


def log_ratio(x: Any, y: Any) -> Any:
    """log(x / y), also where x and y nearly agree."""
    near = np.abs(x - y) < 0.5 * y
    small = np.where(near, (x - y) / y, np.zeros_like(x))
    return np.where(near, np.log1p(small), np.log(np.where(near, np.ones_like(x), x / y)))


exp1 = special("exp1", lambda out, x: -np.exp(-x) / x, domain=(POSITIVE,))
expi = special("expi", lambda out, x: np.exp(x) / x, domain=(POSITIVE,))
expn = special(
    "expn",
    lambda out, n, x: np.zeros_like(out),
    _expn_slope,
    integers=(0,),
    domain=((0, 4), POSITIVE),
)
exprel = special("exprel", lambda out, x: exprel_slope(x), domain=(WIDE,))
# SciPy's round in another way than NumPy's, and keep the digits of complex numbers near 0.
for _name, _slope, _of in (
    ("expm1", lambda out, z: np.exp(z), WIDE),
    ("log1p", lambda out, z: 1 / (1 + z), UNIT),
    ("exp2", lambda out, x: LN2 * out, WIDE),
):
    special(f"scipy_{_name}", _slope, evaluate=SciPyFunction(_name), domain=(_of,))
special(
    "scipy_cbrt",
    None,
    linear={0: lambda t, out, x: divide_no_nan(t, 3 * (out * out))},
    evaluate=SciPyFunction("cbrt"),
    domain=(POSITIVE,),
)
exp10 = special("exp10", lambda out, x: LN10 * out, domain=(WIDE,))
_SPENCE = [(-1.0) ** (k + 1) / (k + 1) for k in range(18)]


def _spence_slope(x: Any) -> Any:
    """log(x) / (1 - x), by its series near 1."""
    near = np.abs(x - 1) < 0.1
    series = polynomial(np.where(near, x - 1, 0), _SPENCE)
    apart = np.where(near, 2, x)
    return np.where(near, series, np.log(apart) / (1 - apart))


spence = special(
    "spence",
    lambda out, x: _spence_slope(x),
    domain=((0.2, 0.8),),
)
powm1 = special(
    "powm1",
    lambda out, x, y: y * x ** (y - 1),
    lambda out, x, y: (out + 1) * np.log(np.where((x == 0) & (y > 0), 1, x)),
    domain=(POSITIVE, WIDE),
)
cosm1 = special("cosm1", lambda out, x: -np.sin(x), domain=(WIDE,))
sindg = special("sindg", lambda out, x: DEGREE * cosdg(x), domain=(WIDE,))
cosdg: Primitive = special("cosdg", lambda out, x: -DEGREE * sindg(x), domain=(WIDE,))
tandg = special("tandg", lambda out, x: DEGREE * (1 + out * out), domain=(WIDE,))
cotdg = special("cotdg", lambda out, x: -DEGREE * (1 + out * out), domain=(POSITIVE,))
radian = special(
    "radian",
    lambda out, d, m, s: DEGREE,
    lambda out, d, m, s: DEGREE / 60,
    lambda out, d, m, s: DEGREE / 3600,
    domain=(WIDE, WIDE, WIDE),
)
wrightomega = special("wrightomega", lambda out, z: out / (1 + out), domain=(WIDE,))

# *** entropies and robust losses ***

xlogy = special(
    "xlogy",
    lambda out, x, y: np.log(y),
    lambda out, x, y: divide_no_nan(x, y),
    domain=(WIDE, POSITIVE),
    convention="0 log 0 is 0; its slope in x is -inf",
)
xlog1py = special(
    "xlog1py",
    lambda out, x, y: np.log1p(y),
    lambda out, x, y: divide_no_nan(x, 1 + y),
    domain=(WIDE, POSITIVE),
)
entr = special("entr", lambda out, x: -1 - np.log(x), domain=(POSITIVE,))
rel_entr = special(
    "rel_entr",
    lambda out, x, y: log_ratio(x, y) + 1,
    lambda out, x, y: -x / y,
    domain=(POSITIVE, POSITIVE),
)
kl_div = special(
    "kl_div",
    lambda out, x, y: log_ratio(x, y),
    lambda out, x, y: (y - x) / y,
    domain=(POSITIVE, POSITIVE),
)
huber = special(
    "huber",
    lambda out, delta, r: np.maximum(np.abs(r) - delta, 0),
    lambda out, delta, r: np.clip(r, -delta, delta),
    domain=(UNIT, WIDE),
)


def _pseudo_huber_delta(out: Any, delta: Any, r: Any) -> Any:
    # with u = delta / |r| and v = hypot(u, 1): |r| / (v (u + v)^2), which has a limit at u = 0
    still = r == 0
    size = np.where(still, np.ones_like(r), np.abs(r))
    u = delta / size
    v = np.sqrt(1 + u * u)
    return np.where(still, np.zeros_like(r), size / (v * (u + v) ** 2))


def _pseudo_huber_r(out: Any, delta: Any, r: Any) -> Any:
    # divided by the larger of the two, so that neither 0 nor a huge delta loses the slope
    large = np.abs(delta) >= np.abs(r)
    ratio = r / np.where(large & (delta != 0), delta, np.ones_like(r))
    size = np.where(large, np.ones_like(r), np.abs(r))
    u = delta / size
    steep = np.sign(r) * delta / np.sqrt(1 + u * u)
    return np.where(large, r / np.sqrt(1 + ratio * ratio), steep)


pseudo_huber = special(
    "pseudo_huber",
    _pseudo_huber_delta,
    _pseudo_huber_r,
    domain=(POSITIVE, WIDE),
)

# *** Box and Cox, Tukey ***


def _inverse_boxcox_lambda(one: float) -> Any:
    # (s / (1 + s) - log1p(s)) / s^2 with s = lambda y
    series = [(-1.0) ** (k + 1) * (k + 1) / (k + 2) for k in range(20)]

    def partial(out: Any, y: Any, lam: Any) -> Any:
        s = lam * y
        near = np.abs(s) < 0.12
        safe = np.where(near, np.ones_like(s), s)
        far = (safe / (1 + safe) - np.log1p(safe)) / (safe * safe)
        inner = polynomial(np.where(near, s, np.zeros_like(s)), series)
        return (out + one) * (y * y) * np.where(near, inner, far)

    return partial


def _log_square_slope(log: Any, lam: Any) -> Any:
    end = (log == -np.inf) & (lam > 0)  # the power is 0 there
    inside = np.where(end, 0, log)
    return np.where(
        end, 1 / np.where(end, lam, 1) ** 2, inside * inside * exprel_slope(lam * inside)
    )


boxcox = special(
    "boxcox",
    lambda out, x, lam: x ** (lam - 1),
    lambda out, x, lam: _log_square_slope(np.log(x), lam),
    domain=(POSITIVE, WIDE),
)
boxcox1p = special(
    "boxcox1p",
    lambda out, x, lam: (1 + x) ** (lam - 1),
    lambda out, x, lam: _log_square_slope(np.log1p(x), lam),
    domain=(POSITIVE, WIDE),
)
inv_boxcox = special(
    "inv_boxcox",
    lambda out, y, lam: out / (1 + lam * y),
    _inverse_boxcox_lambda(0.0),
    domain=(UNIT, UNIT),
)
inv_boxcox1p = special(
    "inv_boxcox1p",
    lambda out, y, lam: (out + 1) / (1 + lam * y),
    _inverse_boxcox_lambda(1.0),
    domain=(UNIT, UNIT),
)


def _tukey_slope(out: Any, x: Any, lam: Any) -> Any:
    inside = (out > 0) & (out < 1)
    share = np.where(inside, out, 0.5)
    return np.where(inside, 1 / (share ** (lam - 1) + (1 - share) ** (lam - 1)), 0)


def _tukey_shape(out: Any, x: Any, lam: Any) -> Any:
    inside = (out > 0) & (out < 1)
    share = np.where(inside, out, 0.5)
    moved = _log_square_slope(np.log(share), lam) - _log_square_slope(np.log1p(-share), lam)
    return -moved * _tukey_slope(out, x, lam)


tklmbda = special("tklmbda", _tukey_slope, _tukey_shape, domain=((-0.5, 0.5), UNIT))

__all__ = ["erfcx", "exprel_slope", "log_ratio", "ndtr", "order", "wofz"]
