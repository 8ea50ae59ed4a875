"""Arithmetic and scalar functions, by local partials.

Each row gives, for every operand, its *term*: the local partial times the tangent ``t``,
from the output and the operands. ``t`` enters linearly, so the transposed term is the
cotangent. One row stands for one NumPy ufunc, so the interpreter returns NumPy's own bits.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from adjoint.graph.primitive import Primitive
from adjoint.primitives.choose import shared
from adjoint.primitives.conventions import current
from adjoint.primitives.infer import ufunc_rule
from adjoint.primitives.products import divide_no_nan, multiply_no_nan, over_length

LN2 = float(np.log(2.0))
LN10 = float(np.log(10.0))

Term = Callable[..., Any] | None


def elementwise(name: str, ufunc: Any, *terms: Term, **more: Any) -> Primitive:
    """A row for a ufunc with one term for each operand."""
    return Primitive(
        name,
        "elementwise",
        ufunc_rule(ufunc),
        ufunc,
        terms=terms,
        ufunc=ufunc,
        stretches=True,
        **more,
    )


def of_same_type(name: str, function: Any, term: Term, **more: Any) -> Primitive:
    """A row for a function of one operand that is no ufunc, or not the ufunc's only row."""
    return Primitive(
        name, "elementwise", lambda x: (x,), function, terms=(term,), stretches=True, **more
    )


def constant(name: str, ufunc: Any, **more: Any) -> Primitive:
    """A row for a ufunc whose derivative is zero or that gives no real numbers."""
    return Primitive(
        name, "constant", ufunc_rule(ufunc), ufunc, ufunc=ufunc, stretches=True, **more
    )


# *** kinks ***


def _abs_term(t: Any, out: Any, x: Any) -> Any:
    if x.dtype.kind == "c":
        # |z| = sqrt(z conj z); at 0 the convention is the smallest subgradient, 0.
        return over_length(np.real(t * np.conj(x)), out)
    choice = current().abs_at_zero
    if choice == "zero":
        return t * abs_slope(x)
    at_zero = t if choice == "one" else -t
    return np.where(x > 0, t, np.where(x < 0, -t, at_zero))


def _extreme_term(wins: Any, holds: Any, position: int) -> Any:
    """The larger (or smaller) operand takes the tangent; ties by convention.

    Args:
        wins: whether the first of two operands is taken.
        holds: the same, or both are equal.
        position: which operand the term is for.
    """

    def term(t: Any, out: Any, x: Any, y: Any) -> Any:
        mine, other = (x, y) if position == 0 else (y, x)
        if current().ties == "split":
            taken, tie = holds(mine, other), x == y  # the ties of both operands are the same
            if t.dtype.kind == "c":
                return np.where(taken, np.where(tie, t * 0.5, t), 0)
            return shared(t, taken, tie)
        return np.where(wins(mine, other) if position else holds(mine, other), t, 0)

    return term


def _or_other_lost(compare: Any) -> Any:
    """A comparison that holds against NaN too."""
    return lambda a, b: compare(a, b) | np.isnan(b)


def _sqrt_term(t: Any, out: Any, x: Any) -> Any:
    if current().sqrt_at_zero == "zero":
        return _norm_sqrt_term(t, out, x)
    return divide_no_nan(0.5 * t, out)


def _norm_sqrt_term(t: Any, out: Any, x: Any) -> Any:
    # A length has a kink at 0: 0 is its smallest subgradient.
    return over_length(0.5 * t, out)


def _plus_one(x: Any) -> Any:
    """``x + 1``, and on the cut of a root the sign of zero that x has: 0 would take it away."""
    return -(-x - 1) if x.dtype.kind == "c" else x + 1


def _side(x: Any) -> Any:
    """The root of ``1 - x**2``, on NumPy's side of its cuts."""
    if x.dtype.kind == "c":
        return np.sqrt(-(x - 1)) * np.sqrt(_plus_one(x))
    return np.sqrt((1 - x) * (1 + x))


def _hypot_term(position: int) -> Any:
    def term(t: Any, out: Any, x: Any, y: Any) -> Any:
        # At the origin every direction is a kink: 0, the smallest subgradient.
        return t * over_length(y if position else x, out)

    return term


def _arctan2_term(position: int) -> Any:
    def term(t: Any, out: Any, y: Any, x: Any) -> Any:
        # Divided by the radius twice: its square may overflow where the quotient does not.
        radius = np.hypot(x, y)
        origin = radius == 0
        radius = np.where(origin, 1, radius)
        # At the origin derivatives of all orders are 0, or the second ones would not commute.
        other = np.where(origin, 0, -y if position else x)
        return t * (other / radius / radius)

    return term


def _logaddexp_term(exponential: Any, position: int) -> Any:
    def term(t: Any, out: Any, x: Any, y: Any) -> Any:
        # Where the result is infinite, x - out would be inf - inf.
        mine = y if position else x
        return t * np.where(
            np.isinf(out) & (mine == out),
            1,
            exponential(mine - np.where(np.isinf(out) & (mine == out), 0, out)),
        )

    return term


def _pow_base_term(t: Any, out: Any, x: Any, y: Any) -> Any:
    # x**0 is constant, also at x = 0 where x**-1 would be infinite. Where the slope is infinite,
    # a zero that meets it stays 0, as for sqrt.
    still = (y == 0) & ~(np.abs(x) > 0)
    return multiply_no_nan(t, np.where(still, 0, y * x ** np.where(still, 1, y - 1)))


def _pow_exponent_term(t: Any, out: Any, x: Any, y: Any) -> Any:
    # 0**y does not move with y > 0, though log 0 is infinite.
    return t * (out * np.log(np.where(x == 0, 1, x)))


def _copysign_term(t: Any, out: Any, x: Any, y: Any) -> Any:
    return t * (np.sign(x) * np.copysign(1.0, y))


def _sinc_term(t: Any, out: Any, x: Any) -> Any:
    # Near 0 the quotient would lose its digits, and its derivatives theirs at 0 altogether.
    y = np.pi * x
    near = np.abs(y) < 2
    square = np.where(near, y * y, 0)
    series: Any = 0.0
    for k in range(12, -1, -1):
        series = series * square + (-1) ** (k + 1) * (2 * k + 2) / math.factorial(2 * k + 3)
    far = np.where(near, 1, y)
    return t * np.where(near, np.pi * y * series, np.pi * (np.cos(far) - out) / far)


_WIDE = ((-2.0, 2.0),)
_POSITIVE = ((0.3, 3.0),)
_INSIDE = ((-0.9, 0.9),)

absolute = elementwise(
    "abs", np.absolute, _abs_term, convention="0 at 0 (abs_at_zero)", domain=_WIDE
)
abs_slope = of_same_type(
    "abs_slope", np.sign, None, doc="the sign, where it is the slope of a length: see zero_lengths"
)
maximum = elementwise(
    "maximum",
    np.maximum,
    _extreme_term(np.greater, np.greater_equal, 0),
    _extreme_term(np.greater, np.greater_equal, 1),
    convention="ties share the cotangent (ties)",
)
minimum = elementwise(
    "minimum",
    np.minimum,
    _extreme_term(np.less, np.less_equal, 0),
    _extreme_term(np.less, np.less_equal, 1),
    convention="ties share the cotangent (ties)",
)
fmax = elementwise(
    "fmax",
    np.fmax,
    _extreme_term(_or_other_lost(np.greater), _or_other_lost(np.greater_equal), 0),
    _extreme_term(_or_other_lost(np.greater), _or_other_lost(np.greater_equal), 1),
    convention="ties share the cotangent (ties)",
)
fmin = elementwise(
    "fmin",
    np.fmin,
    _extreme_term(_or_other_lost(np.less), _or_other_lost(np.less_equal), 0),
    _extreme_term(_or_other_lost(np.less), _or_other_lost(np.less_equal), 1),
    convention="ties share the cotangent (ties)",
)

# *** powers, exponentials, logarithms ***

square = elementwise("square", np.square, lambda t, out, x: t * (2 * x))
sqrt = elementwise(
    "sqrt", np.sqrt, _sqrt_term, convention="infinite at 0 (sqrt_at_zero)", domain=_POSITIVE
)
norm_sqrt = of_same_type(
    "norm_sqrt",
    np.sqrt,
    _norm_sqrt_term,
    domain=_POSITIVE,
    convention="0 at 0, of every order",
    doc="the root of a sum of squares, as norms and standard deviations take it",
)
cbrt = elementwise(
    "cbrt", np.cbrt, lambda t, out, x: divide_no_nan(t, 3 * (out * out)), domain=_POSITIVE
)
reciprocal = elementwise(
    "reciprocal", np.reciprocal, lambda t, out, x: -t * (out * out), domain=_POSITIVE
)
exp = elementwise("exp", np.exp, lambda t, out, x: t * out)
exp2 = elementwise("exp2", np.exp2, lambda t, out, x: t * (out * LN2))
expm1 = elementwise("expm1", np.expm1, lambda t, out, x: t * (out + 1))
log = elementwise("log", np.log, lambda t, out, x: t / x, domain=_POSITIVE)
log2 = elementwise("log2", np.log2, lambda t, out, x: t / (x * LN2), domain=_POSITIVE)
log10 = elementwise("log10", np.log10, lambda t, out, x: t / (x * LN10), domain=_POSITIVE)
log1p = elementwise("log1p", np.log1p, lambda t, out, x: t / (1 + x), domain=_INSIDE)
power = elementwise(
    "pow",
    np.power,
    _pow_base_term,
    _pow_exponent_term,
    convention="x**0 has slope 0 everywhere; 0**y has slope 0 in y",
    domain=((0.3, 3.0), (-2.0, 2.0)),
)
float_power = elementwise(
    "float_power",
    np.float_power,
    _pow_base_term,
    _pow_exponent_term,
    convention="x**0 has slope 0 everywhere; 0**y has slope 0 in y",
    domain=((0.3, 3.0), (-2.0, 2.0)),
)
logaddexp = elementwise(
    "logaddexp", np.logaddexp, _logaddexp_term(np.exp, 0), _logaddexp_term(np.exp, 1)
)
logaddexp2 = elementwise(
    "logaddexp2", np.logaddexp2, _logaddexp_term(np.exp2, 0), _logaddexp_term(np.exp2, 1)
)

# *** circular and hyperbolic functions ***

sin = elementwise("sin", np.sin, lambda t, out, x: t * np.cos(x))
cos = elementwise("cos", np.cos, lambda t, out, x: -t * np.sin(x))
tan = elementwise("tan", np.tan, lambda t, out, x: t * (1 + out * out), domain=_INSIDE)
arcsin = elementwise("arcsin", np.arcsin, lambda t, out, x: t / _side(x), domain=_INSIDE)
arccos = elementwise("arccos", np.arccos, lambda t, out, x: -t / _side(x), domain=_INSIDE)
arctan = elementwise("arctan", np.arctan, lambda t, out, x: t / (1 + x * x))
sinc = of_same_type("sinc", np.sinc, _sinc_term, domain=_WIDE)
sinh = elementwise("sinh", np.sinh, lambda t, out, x: t * np.cosh(x))
cosh = elementwise("cosh", np.cosh, lambda t, out, x: t * np.sinh(x))
tanh = elementwise("tanh", np.tanh, lambda t, out, x: t * (1 - out * out))
arcsinh = elementwise("arcsinh", np.arcsinh, lambda t, out, x: t / np.sqrt(x * x + 1))
arccosh = elementwise(
    "arccosh",
    np.arccosh,
    lambda t, out, x: t / (np.sqrt(x - 1) * np.sqrt(_plus_one(x))),
    domain=((1.2, 3.0),),
)
arctanh = elementwise(
    "arctanh", np.arctanh, lambda t, out, x: t / ((1 - x) * (1 + x)), domain=_INSIDE
)
hypot = elementwise("hypot", np.hypot, _hypot_term(0), _hypot_term(1), convention="0 at the origin")
arctan2 = elementwise(
    "arctan2", np.arctan2, _arctan2_term(0), _arctan2_term(1), convention="0 at the origin"
)

# *** quotients and remainders ***

div = elementwise(
    "div",
    np.true_divide,
    lambda t, out, x, y: t / y,
    lambda t, out, x, y: -t * (out / y),
    linear_in=(0,),
    transpose=lambda y_bar, operands, which: y_bar / operands[1],
    domain=((-2.0, 2.0), (0.4, 3.0)),
)
remainder = elementwise(
    "remainder",
    np.remainder,
    lambda t, out, x, y: t,
    lambda t, out, x, y: -t * np.floor_divide(x, y),
    convention="the slope to the right at multiples",
    domain=((-2.0, 2.0), (0.4, 3.0)),
)
fmod = elementwise(
    "fmod",
    np.fmod,
    lambda t, out, x, y: t,
    lambda t, out, x, y: -t * np.rint((x - out) / y),
    convention="the slope away from zero at multiples",
    domain=((-2.0, 2.0), (0.4, 3.0)),
)
copysign = elementwise("copysign", np.copysign, _copysign_term, None, convention="0 at 0")
ldexp = elementwise(
    "ldexp",
    np.ldexp,
    lambda t, out, x, i: np.ldexp(t, i),
    None,
    linear_in=(0,),
    transpose=lambda y_bar, operands, which: np.ldexp(y_bar, operands[1]),
)
nextafter = elementwise("nextafter", np.nextafter, lambda t, out, x, y: t, None)

# *** no derivative: piecewise constant, logical, integer ***

constants = {
    name: constant(name, ufunc)
    for name, ufunc in {
        "sign": np.sign,
        "floor": np.floor,
        "ceil": np.ceil,
        "rint": np.rint,
        "trunc": np.trunc,
        "floor_divide": np.floor_divide,
        "heaviside": np.heaviside,
        "spacing": np.spacing,
        "equal": np.equal,
        "not_equal": np.not_equal,
        "less": np.less,
        "less_equal": np.less_equal,
        "greater": np.greater,
        "greater_equal": np.greater_equal,
        "logical_and": np.logical_and,
        "logical_or": np.logical_or,
        "logical_xor": np.logical_xor,
        "logical_not": np.logical_not,
        "isnan": np.isnan,
        "isinf": np.isinf,
        "isfinite": np.isfinite,
        "signbit": np.signbit,
        "bitwise_and": np.bitwise_and,
        "bitwise_or": np.bitwise_or,
        "bitwise_xor": np.bitwise_xor,
        "invert": np.invert,
        "left_shift": np.left_shift,
        "right_shift": np.right_shift,
    }.items()
}
