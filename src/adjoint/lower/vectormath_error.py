"""The error function and its complement.

Near 0 ``erf(x) = x + x E(x^2)``. Elsewhere ``erfc(x) = exp(-x^2) Q(t) / (1 + 9 x / 8)`` for x >= 0,
where Q is all but flat at 0 and varies little, and t = (x - 4) / (x + 4) maps the half line to
an interval.
"""

from __future__ import annotations

from collections.abc import Callable

from adjoint.lower import vectormath_coefficients as c
from adjoint.lower.vectormath_exponential import exp_of, exp_parts, ldexp
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

_MIDDLE, _SLOPE = 4.0, 1.125


def _fraction(x: Lanes) -> tuple[Lanes, Lanes, Lanes, Lanes]:
    """Q(t) as a sum of two, and 1 + 9 x / 8 as a sum of two."""
    t = (x - _MIDDLE) / (x + _MIDDLE)
    first, *others = c.ERFCX[x.kind]
    q, q_low = sum_ordered(x.like(first), t * horner(t, tuple(others)))
    bottom = fma(x, _SLOPE, x.like(1.0))
    return q, q_low, bottom, fma(x, _SLOPE, 1 - bottom)


def _complement(x: Lanes) -> Lanes:
    """The complement for a number >= 0 and not beyond its underflow."""
    q, q_low, bottom, bottom_low = _fraction(x)
    g, g_low = quotient(q, bottom, q_low, bottom_low)
    square, square_low = product_exact(x, x)
    e, e_low, n = exp_parts(-square, -square_low)
    p, p_low = product_exact(e, g)
    return ldexp(p + fma(e, g_low, fma(e_low, g, p_low)), n)


def _bounded(x: Lanes, high: float) -> Lanes:
    return where(x.like(high) < x, high, x)


def erf(x: Lanes) -> Lanes:
    """The error function."""
    size = abs(x)
    near = size < 1
    z = x * x
    inside = fma(size, horner(where(near, z, 0.0), c.ERF[x.kind]), size)
    # From 1 on erfc is small beside 1, and its last digits do not count.
    far = _bounded(size, 6.0 if x.kind == "double" else 4.0)
    q, _, bottom, _ = _fraction(far)
    beyond = 1 - exp_of(-(far * far)) * (q / bottom)
    return copysign(where(near, inside, beyond), x)


def erfc(x: Lanes) -> Lanes:
    """1 - erf(x) without cancellation."""
    e = _complement(_bounded(abs(x), 27.5 if x.kind == "double" else 10.5))
    return where(x < 0, 2 - e, e)


WRITERS: dict[str, tuple[int, Callable[..., Lanes]]] = {"erf": (1, erf), "erfc": (1, erfc)}
