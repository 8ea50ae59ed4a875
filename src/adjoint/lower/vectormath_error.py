"""The error function and its complement.

Near 0 ``erf(x) = x + x E(x^2)``. Elsewhere ``erfc(x) = exp(-x^2) Q(t) / (1 + 9 x / 8)`` for x >= 0,
where Q is all but flat at 0 and varies little, and t = (x - 4) / (x + 4) maps the half line to
an interval.
"""

from __future__ import annotations

from collections.abc import Callable

from adjoint.lower import vectormath_coefficients as c
from adjoint.lower.vectormath_exponential import exp_parts, ldexp
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


def _complement(x: Lanes) -> Lanes:
    """Erfc of a number >= 0 and not beyond its underflow."""
    t = (x - _MIDDLE) / (x + _MIDDLE)
    first, *others = c.ERFCX[x.kind]
    q, q_low = sum_ordered(x.like(first), t * horner(t, tuple(others)))
    bottom = fma(x, _SLOPE, x.like(1.0))
    g, g_low = quotient(q, bottom, q_low, fma(x, _SLOPE, 1 - bottom))
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
    beyond = 1 - _complement(_bounded(size, 6.0 if x.kind == "double" else 4.0))
    return copysign(where(near, inside, beyond), x)


def erfc(x: Lanes) -> Lanes:
    """1 - erf(x) without cancellation."""
    e = _complement(_bounded(abs(x), 27.5 if x.kind == "double" else 10.5))
    return where(x < 0, 2 - e, e)


WRITERS: dict[str, tuple[int, Callable[..., Lanes]]] = {"erf": (1, erf), "erfc": (1, erfc)}
