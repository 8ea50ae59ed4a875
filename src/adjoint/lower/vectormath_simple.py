"""Functions that are one instruction or a few: rounding, signs, extremes, remainders."""

from __future__ import annotations

from collections.abc import Callable

from adjoint.lower.vectormath_lanes import Lanes, copysign, fma, rarely, where


def _intrinsic(name: str) -> Callable[[Lanes], Lanes]:
    return lambda x: x.body.call(name, x.kind, x)


def absolute(x: Lanes) -> Lanes:
    """|x|."""
    return abs(x)


def square(x: Lanes) -> Lanes:
    """The square."""
    return x * x


def reciprocal(x: Lanes) -> Lanes:
    """1 / x."""
    return 1 / x


def sign(x: Lanes) -> Lanes:
    """-1, 0 or 1; NaN for NaN."""
    # 0 for both zeros, NaN for NaN.
    return where(x.is_nan(), x, where(x > 0, 1.0, where(x < 0, x.like(-1.0), 0.0)))


def maximum(x: Lanes, y: Lanes) -> Lanes:
    """The larger, or NaN if either is NaN."""
    return where(x.is_nan(), x, where(x > y, x, y))


def minimum(x: Lanes, y: Lanes) -> Lanes:
    """The smaller, or NaN if either is NaN."""
    return where(x.is_nan(), x, where(x < y, x, y))


def fmax(x: Lanes, y: Lanes) -> Lanes:
    """The larger, or the other if one is NaN."""
    return where(y.is_nan(), x, where(x > y, x, y))


def fmin(x: Lanes, y: Lanes) -> Lanes:
    """The smaller, or the other if one is NaN."""
    return where(y.is_nan(), x, where(x < y, x, y))


def hypot(x: Lanes, y: Lanes) -> Lanes:
    """``sqrt(x^2 + y^2)`` without overflow; infinite if either is, even beside NaN."""
    x, y = abs(x), abs(y)
    big, small = maximum(x, y), where(x > y, y, x)
    # Powers of two far apart: beyond an edge, everything moves by the reach.
    edge, reach = (500, 600) if x.kind == "double" else (60, 80)
    huge, tiny = big > 2.0**edge, big < 2.0**-edge
    scale = where(huge, x.like(2.0**-reach), where(tiny, x.like(2.0**reach), 1.0))
    back = where(huge, x.like(2.0**reach), where(tiny, x.like(2.0**-reach), 1.0))
    a, b = big * scale, small * scale
    root = _intrinsic("sqrt")(fma(a, a, b * b)) * back
    infinite = x.equals(float("inf")) | y.equals(float("inf"))
    return where(infinite, x.like(float("inf")), root)


def fmod(x: Lanes, y: Lanes) -> Lanes:
    """What is left of x after taking off whole multiples of y: exact, with the sign of x."""
    a, b = abs(x), abs(y)
    ratio = a / b
    # A rounded quotient may be one too large but never too small, so r is at least -b, and
    # every difference here is a number that can be represented.
    r = fma(-_intrinsic("trunc")(ratio), b, a)
    r = where(r < 0, r + b, r)
    r = where(b.equals(float("inf")) & (a < float("inf")), a, r)
    beyond = ratio >= (2.0**53 if x.kind == "double" else 2.0**24)
    return rarely(beyond, copysign(r, x), "frem", (x, y))


def remainder(x: Lanes, y: Lanes) -> Lanes:
    """Python's ``%``: the sign of y."""
    rest = fmod(x, y)
    zero = rest.equals(0.0)
    apart = (y < 0).differs(rest < 0)
    return where(zero, copysign(y.like(0.0), y), where(apart, rest + y, rest))


WRITERS: dict[str, tuple[int, Callable[..., Lanes]]] = {
    "sqrt": (1, _intrinsic("sqrt")),
    "norm_sqrt": (1, _intrinsic("sqrt")),
    "floor": (1, _intrinsic("floor")),
    "ceil": (1, _intrinsic("ceil")),
    "trunc": (1, _intrinsic("trunc")),
    "rint": (1, _intrinsic("roundeven")),
    "abs": (1, absolute),
    "square": (1, square),
    "reciprocal": (1, reciprocal),
    "sign": (1, sign),
    "abs_slope": (1, sign),
    "copysign": (2, copysign),
    "maximum": (2, maximum),
    "minimum": (2, minimum),
    "fmax": (2, fmax),
    "fmin": (2, fmin),
    "hypot": (2, hypot),
    "fmod": (2, fmod),
    "remainder": (2, remainder),
}
