"""Powers and the cube root.

``x^y = exp(y ln x)`` magnifies the error of the logarithm by the size of the exponent, up to
745, so in double precision the logarithm is computed to some 66 bits as a sum of two numbers.
In single precision double-precision lanes are enough without further care.
"""

from __future__ import annotations

from collections.abc import Callable

from adjoint.lower import vectormath_coefficients as c
from adjoint.lower.vectormath_exponential import exp_parts, ldexp, whole_part
from adjoint.lower.vectormath_lanes import (
    Lanes,
    copysign,
    fma,
    horner,
    product_exact,
    quotient,
    sum_ordered,
    where,
)
from adjoint.lower.vectormath_logarithm import split_any

INFINITY, NAN = float("inf"), float("nan")
_LN2 = (0.693147180559890330187045037746429443359375, 5.497923018708371174712471e-14)
_TWO_THIRDS = (0.6666666666666666, 3.700743415417188e-17)


def _log_long(m: Lanes, k: Lanes) -> tuple[Lanes, Lanes]:
    """``k ln 2 + ln m`` to some 66 bits, as a sum of two doubles."""
    f = m - 1
    bottom = m + 1
    s, s_low = quotient(f, bottom, 0.0, (1 - bottom) + m)
    # 2 atanh(s) = 2 s + s^3 (2/3 + s^2 (...)), the cubic term in two parts as well.
    z, z_low = product_exact(s, s)
    z_low = fma(s + s, s_low, z_low)
    tail = z * horner(z, c.ATANH_TAIL["double"])
    factor, factor_low = sum_ordered(m.like(_TWO_THIRDS[0]), tail)
    factor_low = factor_low + _TWO_THIRDS[1]
    cube, cube_low = product_exact(s, z)
    cube_low = fma(s, z_low, fma(s_low, z, cube_low))
    term, term_low = product_exact(cube, factor)
    term_low = fma(cube, factor_low, fma(cube_low, factor, term_low))
    whole = k.to_float("double")
    high, rest = sum_ordered(whole * _LN2[0], s + s)
    high, more = sum_ordered(high, term)
    low = (rest + more) + (fma(whole, _LN2[1], s_low + s_low) + term_low)
    return sum_ordered(high, low)


def _magnitude_double(size: Lanes, y: Lanes) -> Lanes:
    """``size^y`` for a positive finite size."""
    high, low = _log_long(*split_any(size))
    # An exponent so large that only 0, 1 and infinity are left must not overflow in between.
    y = where(abs(y) > 2.0**70, copysign(y.like(2.0**70), y), y)
    p, p_low = product_exact(high, y)
    far = abs(p) > 1000.0
    e, e_low, n = exp_parts(p, where(far, 0.0, fma(low, y, p_low)))
    return ldexp(e + e_low, n)


def _magnitude_single(size: Lanes, y: Lanes) -> Lanes:
    wide, exponent = size.to_double(), y.to_double()
    bits = wide.bits()
    moved = bits + ((1023 << 52) - 0x3FE6A09E667F3BCD)
    k = moved.shift_down(52).to_i32() - 1023
    m = ((moved & ((1 << 52) - 1)) + 0x3FE6A09E667F3BCD).as_float("double")
    s = (m - 1) / (m + 1)
    z = s * s
    log = fma(s * z, horner(z, c.LOG_SHORT["double"]), s + s)
    log = fma(k.to_float("double"), 0.6931471805599453, log)
    p = log * exponent
    p = where(p > 200.0, 200.0, where(p < -200.0, p.like(-200.0), p))
    n, whole = whole_part(p * 1.4426950408889634)
    r = fma(-n, 0.6931471805599453, p)
    e = fma(r * r, horner(r, c.EXP_SHORT["double"]), r) + 1
    return ldexp(e, whole).to_single()


def power(x: Lanes, y: Lanes) -> Lanes:
    """x^y."""
    size = abs(x)
    usual = _magnitude_double if x.kind == "double" else _magnitude_single
    inside = (size > 0) & (size < INFINITY)
    result = usual(where(inside, size, 1.0), y)
    # 0 and infinity: the exponent's sign decides.
    grows = (size > 1).body.make("i1", f"xor {(size > 1).type} {(size > 1).name}, {(y < 0).name}")
    limit = where(grows, x.like(INFINITY), 0.0)
    result = where(inside, result, limit)
    # An infinite exponent: 1 stays 1, the rest goes to 0 or infinity.
    limit = where(size.equals(1.0), x.like(1.0), limit)
    result = where(abs(y).equals(INFINITY), limit, result)
    # Negative bases: whole exponents only, odd ones keep the sign.
    whole = x.body.call("trunc", x.kind, y).equals(y)
    half = y * 0.5
    odd = whole & x.body.call("trunc", x.kind, half).differs(half)
    negative = x.bits() < 0
    result = where(negative & odd, -result, result)
    undefined = (x < 0) & ~whole & (size < INFINITY)
    result = where(undefined, x.like(NAN), result)
    result = where(x.is_nan() | y.is_nan(), x + y, result)
    return where(y.equals(0.0) | x.equals(1.0), x.like(1.0), result)


def cbrt(x: Lanes) -> Lanes:
    """By Newton's method for m^(-1/3), then one corrected step for m^(1/3)."""
    size = abs(x)
    m, k = split_any(size)
    # k = 3 third + left over, left over in 0, 1, 2; k + 3000 is positive.
    moved = k + 3000
    third = (moved.to_float("float") * (1 / 3 + 1e-6)).whole_i32()
    left = moved - third * 3
    m = ldexp(m, left)
    q = horner(m, c.CBRT_START[x.kind])
    for _ in range(3 if x.kind == "double" else 2):
        q = fma(q * fma(-m * q, q * q, m.like(1.0)), 1 / 3, q)
    y = m * q * q
    square, square_low = product_exact(y, y)
    error = fma(-square, y, m) - square_low * y
    y = fma(error, q * q * (1 / 3), y)
    result = copysign(ldexp(y, third - 1000), x)
    return where((size > 0) & (size < INFINITY), result, x)


WRITERS: dict[str, tuple[int, Callable[..., Lanes]]] = {
    "pow": (2, power),
    "cbrt": (1, cbrt),
}
