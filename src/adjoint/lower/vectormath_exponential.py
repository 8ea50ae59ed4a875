"""Exponentials and hyperbolic functions.

``x = n ln 2 + r`` with n whole and |r| <= ln(2)/2, so ``e^x = 2^n e^r`` and e^r is a short
polynomial. n is read off the bits of ``x / ln 2 + magic``: adding 1.5 2^52 (1.5 2^23 in single
precision) pushes the fraction out of the number, and no conversion is needed.
"""

from __future__ import annotations

from collections.abc import Callable

from adjoint.lower import vectormath_coefficients as c
from adjoint.lower.vectormath_lanes import (
    Lanes,
    clamp,
    copysign,
    fma,
    horner,
    quotient,
    sum_ordered,
    where,
)

_LOG2_E = 1.4426950408889634
# ln 2 in two parts; n times the first is exact for every n that occurs.
_LN2 = {
    "double": (0.693147180559890330187045037746429443359375, 5.497923018708371174712471e-14),
    "float": (0.693145751953125, 1.42860682030941723212e-6),
}
_MAGIC = {"double": 6755399441055744.0, "float": 12582912.0}
# Beyond these the result is 0 or infinite.
_EXP_RANGE = {"double": (-746.0, 712.0), "float": (-104.0, 90.0)}


def whole_part(scaled: Lanes) -> tuple[Lanes, Lanes]:
    """The nearest whole number, as floating point and as 32-bit integer; |scaled| < 2^22."""
    magic = scaled.like(_MAGIC[scaled.kind])
    shifted = scaled + magic
    return shifted - magic, (shifted.bits() - magic.bits()).to_i32()


def ldexp(x: Lanes, n: Lanes) -> Lanes:
    """``x 2^n``, rounded once."""
    return x.body.make(
        x.kind,
        f"call {x.type} @llvm.ldexp.{x.body.suffix(x.kind)}.{x.body.suffix('i32')}"
        f"({x.type} {x.name}, {n.type} {n.name})",
    )


def reduce_exp(x: Lanes) -> tuple[Lanes, Lanes, Lanes]:
    """R and its rounding error, and n, with ``x = n ln 2 + r``; x is within the range of exp."""
    n, whole = whole_part(x * _LOG2_E)
    high, low = _LN2[x.kind]
    r = fma(-n, high, x)
    short = fma(-n, low, r)
    return short, fma(-n, low, r - short), whole


def exp_parts(x: Lanes, x_low: Lanes) -> tuple[Lanes, Lanes, Lanes]:
    """``exp(x + x_low) = (p + p_low) 2^n`` as (p, p_low, n), for any x and a small x_low."""
    low, high = _EXP_RANGE[x.kind]
    r, r_low, n = reduce_exp(clamp(x, low, high))
    r, r_low = sum_ordered_by_size(r, r_low + x_low)
    tail = fma(r * r, horner(r, c.EXPM1[x.kind]), fma(r, r_low, r_low))
    p, rest = sum_ordered(x.like(1.0), r)
    return p, rest + tail, n


def exp_of(x: Lanes, x_low: Lanes | None = None, shift: int = 0) -> Lanes:
    """``2^shift exp(x + x_low)`` for any x and a small x_low."""
    low, high = _EXP_RANGE[x.kind]
    x = clamp(x, low, high)
    n, whole = whole_part(x * _LOG2_E)
    part_high, part_low = _LN2[x.kind]
    r = fma(-n, part_low, fma(-n, part_high, x))
    if x_low is not None:
        r = r + x_low
    p = fma(r * r, horner(r, c.EXP[x.kind]), r) + 1
    return ldexp(p, whole + shift if shift else whole)


def exp(x: Lanes) -> Lanes:
    """e^x."""
    return exp_of(x)


def exp2(x: Lanes) -> Lanes:
    """2^x."""
    x = clamp(x, *((-1076.0, 1024.0) if x.kind == "double" else (-151.0, 128.0)))
    n, whole = whole_part(x)
    r = x - n
    return ldexp(fma(r, horner(r, c.EXP2[x.kind]), x.like(1.0)), whole)


def expm1_parts(x: Lanes) -> tuple[Lanes, Lanes]:
    """``exp(x) - 1`` as a rounded sum and its error, for x <= 709 (88 in single precision)."""
    r, r_low, n = reduce_exp(x)
    p, p_low = sum_ordered(r, fma(r * r, horner(r, c.EXPM1[x.kind]), r_low))
    scale = ldexp(x.like(1.0), n)
    s, s_low = sum_ordered_by_size(scale - 1, p * scale)
    return s, fma(p_low, scale, s_low)


def sum_ordered_by_size(a: Lanes, b: Lanes) -> tuple[Lanes, Lanes]:
    """The rounded sum and its error, in any order of size."""
    s = a + b
    t = s - a
    return s, (a - (s - t)) + (b - t)


def expm1(x: Lanes) -> Lanes:
    """e^x - 1 without cancellation."""
    limit = 709.0 if x.kind == "double" else 88.0
    # Half of e^x - 1 near overflow, so that the scale itself does not overflow.
    bounded = clamp(x, -60.0, limit)
    r, r_low, n = reduce_exp(bounded)
    p = fma(r * r, horner(r, c.EXPM1[x.kind]), r_low) + r
    scale = ldexp(x.like(1.0), n)
    result = fma(p, scale, scale - 1)
    result = where(x > limit, exp_of(x), result)
    # The sum r + 0 loses the sign of -0.
    return where(x.equals(0.0), x, result)


def tanh(x: Lanes) -> Lanes:
    """(e^2x - 1) / (e^2x + 1)."""
    # (e - 1) / (e + 1) with e = exp(2 |x|); beyond 20 (9.1) it rounds to 1.
    size = abs(x)
    a, a_low = expm1_parts(2 * clamp(size, 0.0, 20.0 if x.kind == "double" else 9.5))
    b, b_low = sum_ordered_by_size(a, x.like(2.0))
    if x.kind == "float":
        q = a / b
    else:
        q, rest = quotient(a, b, a_low, b_low + a_low)
        q = q + rest
    return copysign(q, x)


def expit(x: Lanes) -> Lanes:
    """1 / (1 + e^-x), from e^-|x| so that nothing overflows."""
    e = exp_of(-abs(x))
    top, bottom = where(x < 0, e, 1.0), e + 1
    if x.kind == "float":
        return top / bottom
    q, rest = quotient(top, bottom, 0.0, (1 - bottom) + e)
    return q + rest


def sinh(x: Lanes) -> Lanes:
    """(e^x - e^-x) / 2."""
    size = abs(x)
    half = exp_of(size, shift=-1)
    z = x * x
    small = fma(size * z, horner(where(size < 1, z, 0.0), c.SINH[x.kind]), size)
    return copysign(where(size < 1, small, half - 0.25 / half), x)


def cosh(x: Lanes) -> Lanes:
    """(e^x + e^-x) / 2."""
    half = exp_of(abs(x), shift=-1)
    return half + 0.25 / half


WRITERS: dict[str, tuple[int, Callable[..., Lanes]]] = {
    "exp": (1, exp),
    "exp2": (1, exp2),
    "expm1": (1, expm1),
    "tanh": (1, tanh),
    "expit": (1, expit),
    "sinh": (1, sinh),
    "cosh": (1, cosh),
}
