"""Circular functions and their inverses.

``x = n pi/2 + r`` with |r| <= pi/4, n from the same trick as in ``vectormath_exponential``.
pi/2 is held in three parts; a fused multiply-add of the first is exact because x and n times
it nearly cancel. Arguments too large for that go to the C library, behind a branch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from adjoint.lower import vectormath_coefficients as c
from adjoint.lower.vectormath_lanes import (
    Lanes,
    copysign,
    fma,
    horner,
    product_exact,
    quotient,
    rarely,
    sum_exact,
    sum_ordered,
    where,
)

_MAGIC = {"double": 6755399441055744.0, "float": 12582912.0}
_HALF_PI = {
    "double": (1.5707963267948966, 6.123233995736766e-17, -1.4973849048591698e-33),
    "float": (1.5707963705062866, -4.371138828673793e-08, -1.7151245100058819e-15),
}
_TWO_OVER_PI = 0.6366197723675814
# Beyond these the C library reduces the argument.
_HUGE = {"double": 2.0**31, "float": 2.0**17}
_TOP_BIT = {"double": 1 << 63, "float": 1 << 31}


def _reduce(x: Lanes) -> tuple[Lanes, Any, Lanes]:
    """r, its rounding error (in double precision), and n in the low bits of an integer."""
    magic = x.like(_MAGIC[x.kind])
    shifted = x * _TWO_OVER_PI + magic
    n = shifted - magic
    first, second, third = _HALF_PI[x.kind]
    exact = fma(-n, first, x)
    if x.kind == "float":
        return fma(-n, third, fma(-n, second, exact)), None, shifted.bits()
    p, p_low = product_exact(-n, x.like(second))
    r, rest = sum_exact(exact, p)
    rest = rest + fma(-n, third, p_low)
    r, rest = sum_ordered(r, rest)
    return r, rest, shifted.bits()


def _sine(r: Lanes, rest: Any) -> tuple[Lanes, Lanes]:
    """sin(r + rest) as a sum of two, |r| <= pi/4."""
    z = r * r
    low = r * z * horner(z, c.SIN[r.kind])
    if rest is not None:
        low = low + fma(rest, -0.5 * z, rest)
    return r, low


def _cosine(r: Lanes, rest: Any) -> tuple[Lanes, Lanes]:
    """cos(r + rest) as a sum of two, |r| <= pi/4."""
    z = r * r
    half = 0.5 * z
    high = 1 - half
    low = (1 - high) - half
    if rest is not None:
        low = fma(-r, rest, low)
    return high, fma(z * z, horner(z, c.COS[r.kind]), low)


def _flipped(x: Lanes, mask_bits: Lanes) -> Lanes:
    """X with its sign changed where bit 1 of an integer is set."""
    size = 62 if x.kind == "double" else 30
    return (x.bits() ^ ((mask_bits << size) & -_TOP_BIT[x.kind])).as_float(x.kind)


def _is_odd(n: Lanes) -> Lanes:
    return (n & 1).differs(0)


def _safe(x: Lanes) -> tuple[Lanes, Lanes]:
    """Where the argument is finite but huge; and the argument, 0 there."""
    huge = abs(x) > _HUGE[x.kind]
    return huge, where(huge, 0.0, x)


def sin(x: Lanes) -> Lanes:
    """The sine."""
    huge, some = _safe(x)
    r, rest, n = _reduce(some)
    s, s_low = _sine(r, rest)
    k, k_low = _cosine(r, rest)
    odd = _is_odd(n)
    usual = _flipped(where(odd, k + k_low, s + s_low), n)
    usual = where(x.equals(0.0), x, usual)
    return rarely(huge, usual, "llvm.sin", (x,))


def cos(x: Lanes) -> Lanes:
    """The cosine."""
    huge, some = _safe(x)
    r, rest, n = _reduce(some)
    s, s_low = _sine(r, rest)
    k, k_low = _cosine(r, rest)
    odd = _is_odd(n)
    usual = _flipped(where(odd, s + s_low, k + k_low), n + 1)
    return rarely(huge, usual, "llvm.cos", (x,))


def tan(x: Lanes) -> Lanes:
    """The tangent, sine over cosine as sums of two."""
    huge, some = _safe(x)
    r, rest, n = _reduce(some)
    s, s_low = sum_ordered(*_sine(r, rest))
    k, k_low = sum_ordered(*_cosine(r, rest))
    odd = _is_odd(n)
    # tan(r + pi/2) = -cos(r) / sin(r)
    top, top_low = where(odd, -k, s), where(odd, -k_low, s_low)
    bottom, bottom_low = where(odd, s, k), where(odd, s_low, k_low)
    q, q_low = quotient(top, bottom, top_low, bottom_low)
    usual = where(x.equals(0.0), x, q + q_low)
    return rarely(huge, usual, "llvm.tan", (x,))


# *** inverses ***


def _add_constant(high: float, low: float, x: Lanes) -> Lanes:
    """A constant of two parts plus x, |x| not larger."""
    s, rest = sum_ordered(x.like(high), x)
    return s + (rest + low)


def _pi(kind: str, quarters: int) -> tuple[float, float]:
    high, low, _ = _HALF_PI[kind]
    return high * quarters / 2, low * quarters / 2


def _angle(small: Lanes, big: Lanes) -> tuple[Lanes, Lanes]:
    """``arctan(small / big)`` as a sum of two, for 0 <= small <= big.

    From 1/2 upwards by ``pi/4 + arctan((small - big) / (small + big))``.
    """
    far = small + small > big
    # Halves, so that the sum of two huge numbers does not overflow; only where numbers are
    # huge, so that subnormal ones lose nothing.
    shrink = where(big > (2.0**1000 if big.kind == "double" else 2.0**100), big.like(0.5), 1.0)
    top = where(far, small * shrink - big * shrink, small)
    bottom = where(far, small * shrink + big * shrink, big)
    t = top / bottom
    z = t * t
    turn = where(far, t.like(_pi(t.kind, 1)[0]), 0.0)
    turn_low = where(far, t.like(_pi(t.kind, 1)[1]), 0.0)
    low = fma(t * z, horner(z, c.ATAN[t.kind]), turn_low)
    high, rest = sum_ordered(turn, t)
    return high, rest + low


def _quarter_turned(high: Lanes, low: Lanes, swapped: Lanes) -> tuple[Lanes, Lanes]:
    """``pi/2 - angle`` where two sides had been swapped."""
    half, half_low = _pi(high.kind, 2)
    turned, rest = sum_ordered(high.like(half), -high)
    return where(swapped, turned, high), where(swapped, rest - low + half_low, low)


def arctan(x: Lanes) -> Lanes:
    """The arc tangent."""
    size = abs(x)
    swapped = size > 1
    small, big = where(swapped, x.like(1.0), size), where(swapped, size, 1.0)
    high, low = _quarter_turned(*_angle(small, big), swapped)
    return copysign(high + low, x)


def arctan2(y: Lanes, x: Lanes) -> Lanes:
    """The angle of the point (x, y)."""
    rise, run = abs(y), abs(x)
    swapped = rise > run
    small, big = where(swapped, run, rise), where(swapped, rise, run)
    # Both infinite count as equal, both zero as an angle of 0.
    equal = small.equals(float("inf"))
    small = where(equal, small.like(1.0), small)
    big = where(equal, small.like(1.0), where(big.equals(0.0), small.like(1.0), big))
    high, low = _quarter_turned(*_angle(small, big), swapped)
    whole, whole_low = _pi(x.kind, 4)
    turned, rest = sum_ordered(x.like(whole), -high)
    left = x.bits() < 0
    result = where(left, turned + (rest - low + whole_low), high + low)
    result = where(x.is_nan() | y.is_nan(), x + y, result)
    return where(x.is_nan() | y.is_nan(), result, copysign(result, y))


def _arcsine_parts(x: Lanes) -> tuple[Lanes, Lanes, Lanes, Lanes]:
    """Whether |x| > 1/2, and ``arcsin`` of |x| or of sqrt((1 - |x|) / 2) as a sum of two."""
    size = abs(x)
    far = size > 0.5
    half = fma(size, -0.5, x.like(0.5))
    z = where(far, half, size * size)
    root = x.body.call("sqrt", x.kind, half)
    rest = fma(-root, root, half) / where(root.equals(0.0), 1.0, root + root)
    s = where(far, root, size)
    low = fma(s * z, horner(z, c.ASIN[x.kind]), where(far, rest, 0.0))
    return far, size, s, low


def arcsin(x: Lanes) -> Lanes:
    """The arc sine."""
    far, size, s, low = _arcsine_parts(x)
    half, half_low = _pi(x.kind, 2)
    turned, rest = sum_ordered(x.like(half), -2 * s)
    beyond = turned + (rest - 2 * low + half_low)
    result = where(far, beyond, s + low)
    return where(size <= 1, copysign(result, x), x.like(float("nan")))


def arccos(x: Lanes) -> Lanes:
    """The arc cosine."""
    far, size, s, low = _arcsine_parts(x)
    half, half_low = _pi(x.kind, 2)
    signed = copysign(s, x)
    signed_low = where(x < 0, -low, low)
    middle, rest = sum_ordered(x.like(half), -signed)
    near = middle + (rest - signed_low + half_low)
    whole, whole_low = _pi(x.kind, 4)
    turned, turned_rest = sum_ordered(x.like(whole), -2 * s)
    left = turned + (turned_rest - 2 * low + whole_low)
    result = where(far, where(x < 0, left, 2 * s + 2 * low), near)
    return where(size <= 1, result, x.like(float("nan")))


WRITERS: dict[str, tuple[int, Callable[..., Lanes]]] = {
    "sin": (1, sin),
    "cos": (1, cos),
    "tan": (1, tan),
    "arctan": (1, arctan),
    "arctan2": (2, arctan2),
    "arcsin": (1, arcsin),
    "arccos": (1, arccos),
}
