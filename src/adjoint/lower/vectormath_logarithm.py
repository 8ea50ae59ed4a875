"""Logarithms and the inverse hyperbolic functions.

``x = m 2^k`` with m between sqrt(1/2) and sqrt(2), so ``ln x = k ln 2 + ln(1 + f)``, f = m - 1.
In double precision ``ln(1 + f) = 2 atanh(s)`` with s = f / (2 + f), whose series is short; in
single precision a polynomial in f needs no division. Results come as a sum of two registers,
the larger first, for those who go on computing with them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from adjoint.lower import vectormath_coefficients as c
from adjoint.lower.vectormath_exponential import exp, exp2, ldexp
from adjoint.lower.vectormath_lanes import (
    INTEGER,
    Lanes,
    copysign,
    fma,
    horner,
    product_exact,
    quotient,
    sum_exact,
    sum_ordered,
    where,
)

INFINITY, NAN = float("inf"), float("nan")
MANTISSA = {"double": 52, "float": 23}
BIAS = {"double": 1023, "float": 127}
# The bits of sqrt(1/2), rounded so that twice the number rounds the same way.
_ROOT_HALF = {"double": 0x3FE6A09E667F3BCD, "float": 0x3F3504F3}
# ln 2 in two parts; k times the first is exact.
_LN2 = {
    "double": (0.693147180559890330187045037746429443359375, 5.497923018708371174712471e-14),
    "float": (0.693145751953125, 1.42860682030941723212e-6),
}
# 1 / ln 2 and 1 / ln 10 in two parts, the first with half the bits.
_LOG2_E = {
    "double": (1.442695040888963387, 2.035527374093103311e-17),
    "float": (1.4426950216293335, 1.9259629911266175e-8),
}
_LOG10_E = {
    "double": (0.4342944819032518167, 1.098319650216765071e-17),
    "float": (0.4342944920063019, -1.0103050052231684e-8),
}
# log10(2) in two parts; k times the first is exact.
_LOG10_2 = {
    "double": (0.30102999566395283181, 2.8363394551042263094e-14),
    "float": (0.301025390625, 4.6050389811952137e-6),
}
_SUBNORMAL = {"double": (2.0**-1022, 54), "float": (2.0**-126, 25)}
# From here on 1 + x is x, and x^2 does not overflow yet.
_LARGE = {"double": 2.0**60, "float": 2.0**30}


def split(x: Lanes) -> tuple[Lanes, Lanes]:
    """M and k of a normal positive number; k is a 32-bit integer."""
    bits, size = x.bits(), MANTISSA[x.kind]
    moved = bits + ((BIAS[x.kind] << size) - _ROOT_HALF[x.kind])
    k = moved.shift_down(size).to_i32() - BIAS[x.kind]
    m = (moved & ((1 << size) - 1)) + _ROOT_HALF[x.kind]
    return m.as_float(x.kind), k


def split_any(x: Lanes) -> tuple[Lanes, Lanes]:
    """M and k of any positive number, subnormal ones too."""
    smallest, power = _SUBNORMAL[x.kind]
    tiny = x < smallest
    m, k = split(where(tiny, x * 2.0**power, x))
    return m, where(tiny, k - power, k)


def log_one_plus(f: Lanes, f_low: Any = None) -> tuple[Lanes, Lanes]:
    """``ln(1 + f + f_low)`` as a sum of two, for 1 + f between sqrt(1/2) and sqrt(2)."""
    if f.kind == "float":
        low = f * f * fma(f, horner(f, c.LOG_DIRECT[f.kind]), f.like(-0.5))
        if f_low is not None:
            low = fma(f_low, fma(f, f - 1, f.like(1.0)), low)
        return f, low
    s = f / (f + 2)
    z = s * s
    half_square = 0.5 * (f * f)
    low = s * fma(z, horner(z, c.LOG[f.kind]), half_square) - half_square
    if f_low is not None:
        low = fma(f_low, fma(s, 2 * s - 2, f.like(1.0)), low)
    return f, low


def with_power(high: Lanes, low: Lanes, k: Lanes, ln2: tuple[float, float]) -> tuple[Lanes, Lanes]:
    """``k ln 2 + high + low`` as a sum of two; |k ln 2| > |high| unless k is 0."""
    whole = k.to_float(high.kind)
    s, rest = sum_ordered(whole * ln2[0], high)
    return s, fma(whole, ln2[1], low) + rest


def _edges(x: Lanes, result: Lanes) -> Lanes:
    """A logarithm's values at and below 0, at infinity and NaN."""
    result = where(x.equals(INFINITY), x, result)
    return where(x > 0, result, where(x.equals(0.0), x.like(-INFINITY), x.like(NAN)))


def log(x: Lanes) -> Lanes:
    """The natural logarithm."""
    m, k = split_any(x)
    high, low = with_power(*log_one_plus(m - 1), k, _LN2[x.kind])
    return _edges(x, high + low)


def _scaled(high: Lanes, low: Lanes, by: tuple[float, float]) -> tuple[Lanes, Lanes]:
    """``(high + low)`` times a constant of two parts."""
    p, p_low = product_exact(high, by[0])
    return p, fma(high, by[1], fma(low, by[0], p_low))


def log2(x: Lanes) -> Lanes:
    """The logarithm to base 2."""
    m, k = split_any(x)
    high, low = _scaled(*log_one_plus(m - 1), _LOG2_E[x.kind])
    s, rest = sum_exact(k.to_float(x.kind), high)
    return _edges(x, s + (rest + low))


def log10(x: Lanes) -> Lanes:
    """The logarithm to base 10."""
    m, k = split_any(x)
    high, low = _scaled(*log_one_plus(m - 1), _LOG10_E[x.kind])
    whole = k.to_float(x.kind)
    s, rest = sum_exact(whole * _LOG10_2[x.kind][0], high)
    return _edges(x, s + (fma(whole, _LOG10_2[x.kind][1], low) + rest))


def log1p_of(x: Lanes, x_low: Any = None, doublings: Any = None) -> Lanes:
    """``ln(1 + x + x_low) + doublings ln 2`` for finite x > -1."""
    _, k = split(x + 1)
    scale = ldexp(x.like(1.0), 0 - k)
    f = fma(x, scale, scale - 1)
    f_low = None if x_low is None else x_low * scale
    if doublings is not None:
        k = k + doublings
    high, low = with_power(*log_one_plus(f, f_low), k, _LN2[x.kind])
    return high + low


def log1p(x: Lanes) -> Lanes:
    """The natural logarithm of 1 + x."""
    result = where(x.equals(INFINITY), x, log1p_of(x))
    result = where(x > -1, result, where(x.equals(-1.0), x.like(-INFINITY), x.like(NAN)))
    # Keeps the sign of -0.
    return where(x.equals(0.0), x, result)


# *** inverse hyperbolic functions ***


def _one_if(mask: Lanes) -> Lanes:
    one = mask.body.spread(1, "i32")
    return where(mask, one, 0)


def arcsinh(x: Lanes) -> Lanes:
    """``ln(1 + a + a^2 / (1 + sqrt(a^2 + 1)))`` with a = |x|."""
    a = abs(x)
    large = a > _LARGE[x.kind]
    some = where(large, 1.0, a)
    root = x.body.call("sqrt", x.kind, fma(some, some, x.like(1.0)))
    high, low = sum_exact(some, some * some / (root + 1))
    high, low = where(large, a, high), where(large, 0.0, low)
    result = where(a < INFINITY, log1p_of(high, low, _one_if(large)), a)
    return copysign(where(a.equals(0.0), a, result), x)


def arccosh(x: Lanes) -> Lanes:
    """``ln(1 + t + sqrt(2 t + t^2))`` with t = x - 1."""
    large = x > _LARGE[x.kind]
    t = where(large, 1.0, x - 1)
    square, square_low = product_exact(t, t)
    w, w_low = sum_exact(t + t, square)
    root = x.body.call("sqrt", x.kind, w)
    # At t = 0 the rest is 0 too; the divisor only has to be something else.
    rest = (fma(-root, root, w) + (w_low + square_low)) / where(w.equals(0.0), 1.0, root + root)
    high, low = sum_exact(t, root)
    high, low = where(large, x, high), where(large, 0.0, low + rest)
    result = where(x < INFINITY, log1p_of(high, low, _one_if(large)), x)
    return where(x.equals(1.0), 0.0, where(x < 1, x.like(NAN), result))


def arctanh(x: Lanes) -> Lanes:
    """``ln(1 + 2 a / (1 - a)) / 2`` with a = |x|."""
    a = abs(x)
    inside = a < 1
    some = where(inside, a, 0.5)
    below = 1 - some
    q, rest = quotient(some + some, below, 0.0, (1 - below) - some)
    result = 0.5 * log1p_of(q, rest)
    result = where(inside, result, where(a.equals(1.0), a.like(INFINITY), a.like(NAN)))
    small = a < (2.0**-30 if x.kind == "double" else 2.0**-14)
    return copysign(where(small, a, result), x)


# *** logarithms of sums of exponentials ***


def _sum_of_powers(x: Lanes, y: Lanes, power: Callable[[Lanes], Lanes], ln: float | None) -> Lanes:
    apart = x - y
    larger = where(apart > 0, x, y)
    e = power(-abs(apart))
    grown = log1p_of(e)
    if ln is not None:
        grown = grown * _LOG2_E[x.kind][0]
    result = larger + grown
    # Equal operands may both be infinite, where their difference is not a number.
    return where(x.equals(y), x + (1.0 if ln is not None else 0.6931471805599453), result)


def logaddexp(x: Lanes, y: Lanes) -> Lanes:
    """The natural logarithm of e^x + e^y."""
    return _sum_of_powers(x, y, exp, None)


def logaddexp2(x: Lanes, y: Lanes) -> Lanes:
    """log2(2^x + 2^y)."""
    return _sum_of_powers(x, y, exp2, 1.0)


WRITERS: dict[str, tuple[int, Callable[..., Lanes]]] = {
    "log": (1, log),
    "log2": (1, log2),
    "log10": (1, log10),
    "log1p": (1, log1p),
    "arcsinh": (1, arcsinh),
    "arccosh": (1, arccosh),
    "arctanh": (1, arctanh),
    "logaddexp": (2, logaddexp),
    "logaddexp2": (2, logaddexp2),
}

__all__ = ["INTEGER", "WRITERS", "log_one_plus", "split_any", "with_power"]
