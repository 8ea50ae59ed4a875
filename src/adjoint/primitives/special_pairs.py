"""Functions of scipy.special that come with their derivatives, as solutions of an equation.

Parabolic cylinder, Mathieu, Kelvin and spheroidal wave functions, modified Fresnel integrals;
and integrals of Bessel, Airy and Struve functions, whose derivatives are those functions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from adjoint.graph.primitive import primitives
from adjoint.graph.types import ArrayType
from adjoint.primitives.special import (
    POSITIVE,
    UNIT,
    SciPyFunction,
    order,
    polynomial,
    special,
)
from adjoint.primitives.special_bessel import at_least, i0, j0, jv, k0, modstruve, struve, y0
from adjoint.primitives.special_levels import counting, fixed, in_double
from adjoint.primitives.special_several import airy, several
from adjoint.primitives.special_slopes import along, of_order, of_place, slopes, wide

DEGREE = float(np.pi / 180)


def _pair(
    name: str,
    count: int,
    second: Callable[..., Any],
    unit: float = 1.0,
    moving: tuple[int, str] | None = None,
    still: tuple[int, ...] = (),
    right: Any = None,
) -> None:
    """Value and derivative in the last operand, by the second derivative.

    Args:
        name: of the function.
        count: of operands; the others count, but for the one in ``moving``.
        second: the derivative's derivative, of (value, derivative, *operands).
        unit: of the last operand, where the derivative is taken in another.
        moving: a parameter, and the function whose results' slopes in it these are.
        still: operands that follow from the others, and have no derivative of their own.
        right: whether SciPy's results are, of (value, derivative, *operands); if not they
            have the derivative NaN.
    """

    def jvp(primals: Any, tangents: Any, outputs: Any) -> Any:
        y, slope = outputs
        shares: list[Any] = []
        for i, t in enumerate(tangents):
            if t is None or i in still:
                continue
            if right is not None:
                t = t * np.where(right(y, slope, *primals), 1.0, np.nan)
            if i == count - 1:
                t = unit * t
                shares.append((slope * t, second(y, slope, *primals) * t))
            elif moving is not None and moving[0] == i:
                own = [x for k, x in enumerate(primals) if k not in still]
                parts = (along(f"{moving[1]}_{part}", i) for part in (0, 1))
                shares.append(tuple(part(None, *own) * t for part in parts))
            else:
                order(name, i)(t, None)
        if not shares:
            return tuple(np.zeros_like(x) for x in outputs)
        return tuple(sum(parts[1:], parts[0]) for parts in zip(*shares, strict=True))

    several(name, 2, jvp)


def _slopes_of_both(name: str, reaches: tuple[Any, ...], domain: Any) -> None:
    """Rows for the derivatives of both results in all operands, from SciPy's values."""
    for which in (0, 1):
        slopes(f"{name}_{which}", reaches, domain, _result(name, which))


def _result(name: str, which: int) -> Any:
    function = SciPyFunction(name)
    return lambda *xs: function(*xs)[which]


# *** parabolic cylinder functions ***

for _name in ("pbdv", "pbvv"):
    _slopes_of_both(_name, (wide, lambda v, x: 1 / (1 + np.abs(x))), ((0.5, 2.0), POSITIVE))
    _pair(_name, 2, lambda y, slope, v, x: (0.25 * x * x - v - 0.5) * y, moving=(0, _name))
_slopes_of_both("pbwa", (lambda a, x: 0.25 + 0 * x,) * 2, (POSITIVE, UNIT))
_pair("pbwa", 2, lambda y, slope, a, x: (a - 0.25 * x * x) * y, moving=(0, "pbwa"))

# *** Mathieu functions: of angles in degrees ***


def _mathieu(name: str, characteristic: str, modified: bool) -> None:
    value = SciPyFunction(characteristic)
    row = special(
        f"{name}_value",
        None,
        along(characteristic, 1),
        evaluate=lambda m, q: value(m, q),
        domain=((1, 3), UNIT),
    )

    def second(y: Any, slope: Any, m: Any, q: Any, x: Any) -> Any:
        if modified:
            return (row(m, q) - 2 * q * np.cosh(2 * x)) * y
        return (2 * q * np.cos(2 * DEGREE * x) - row(m, q)) * y

    def of_angle(m: Any, q: Any, x: Any) -> Any:
        if modified:
            return np.minimum(0.3, 1 / (1 + np.sqrt(np.abs(q)) * np.exp(np.abs(x))))
        return 1 / (DEGREE * (1 + np.abs(m)))

    # a modified one is like a power of q
    of_q = (lambda m, q, x: np.minimum(0.2, 0.25 * np.abs(q))) if modified else fixed
    _slopes_of_both(name, (counting, of_q, of_angle), ((1.0, 1.0), UNIT, UNIT))
    _pair(name, 3, second, unit=1.0 if modified else DEGREE, moving=(1, name))


for _name, _value in (("cem", "mathieu_a"), ("sem", "mathieu_b")):
    _mathieu(f"mathieu_{_name}", _value, modified=False)
    for _kind in "12":
        _mathieu(f"mathieu_mod{_name}{_kind}", _value, modified=True)

# *** spheroidal wave functions ***


def _spheroidal(name: str, oblate: bool, radial: bool, given: bool) -> None:
    row = special(
        f"{name}_value",
        *(None,) * 2,
        along("obl_cv" if oblate else "pro_cv", 2),
        evaluate=in_double("obl_cv" if oblate else "pro_cv"),
        domain=((1, 1), (2, 3), UNIT),
    )

    def second(y: Any, slope: Any, m: Any, n: Any, c: Any, *rest: Any) -> Any:
        x = rest[-1]
        level = rest[0] if given else row(m, n, c)
        if oblate and radial:
            around = x * x + 1
            return ((level - c * c * x * x - m * m / around) * y - 2 * x * slope) / around
        sign = -1.0 if oblate else 1.0
        around = 1 - x * x
        bend = (2 * x * slope - (level - sign * c * c * x * x - m * m / around) * y) / around
        return np.where(right(y, slope, m, n, c, *rest), bend, np.nan) if second_kind else bend

    def right(y: Any, slope: Any, m: Any, n: Any, c: Any, *rest: Any) -> Any:
        """Wronski's determinant; SciPy's functions of the second kind may be off.

        Oblate ones may be far off; prolate ones keep SciPy's slope near 1, but not the equation.
        """
        first, rise = primitives[name.replace("rad2", "rad1")](m, n, c, *rest)
        around = rest[-1] * rest[-1] + (1 if oblate else -1)
        return np.abs((first * slope - rise * y) * c * around - 1) < 1e-6

    def of_place(m: Any, n: Any, c: Any, x: Any) -> Any:
        room = 1 - np.abs(x) if not radial else x if oblate else x - 1
        return np.minimum(0.25, 0.3 * np.abs(room))

    second_kind = "rad2" in name
    least = 0.25 if second_kind else 1.0  # these are like a power of c below 0
    if not given:

        def of_c(m: Any, n: Any, c: Any, x: Any) -> Any:
            return np.minimum(0.25, least * np.abs(c))

        start = 2.0 if radial else 0.3
        domain = ((1.0, 1.0), (2.0, 2.0), (1.5, 2.5), (start, 1.5 * start))
        _slopes_of_both(name, (counting, counting, of_c, of_place), domain)
    _pair(
        name,
        5 if given else 4,
        second,
        moving=(2, name.removesuffix("_cv")),
        still=(3,) if given else (),  # the characteristic value of c, and of no other
        right=right if second_kind and oblate else None,
    )


for _name in ("ang1", "rad1", "rad2"):
    for _shape in ("pro", "obl"):
        _radial = _name != "ang1"
        _spheroidal(f"{_shape}_{_name}", _shape == "obl", _radial, given=False)
        _spheroidal(f"{_shape}_{_name}_cv", _shape == "obl", _radial, given=True)

# *** with complex results ***


def _complex(*types: ArrayType) -> ArrayType:
    return ArrayType(types[-1].shape, np.result_type(types[-1].dtype, np.complex64))


def _kelvin(primals: Any, tangents: Any, outputs: Any) -> Any:
    (x,), (t,), (be, ke, bep, kep) = primals, tangents, outputs
    bend = np.where(x == 0, 0.5j, 1j * be - bep / at_least(x))
    return bep * t, kep * t, bend * t, (1j * ke - kep / x) * t


several("kelvin", 4, _kelvin, _complex)


def _modfresnel(sign: float) -> Any:
    turn = complex(np.exp(-0.25j * sign * np.pi) / np.sqrt(np.pi))

    def jvp(primals: Any, tangents: Any, outputs: Any) -> Any:
        (x,), (t,), (_, k) = primals, tangents, outputs
        wave = np.exp(1j * sign * x * x)
        return -wave * t, (-2j * sign * x * k - turn) * t

    return jvp


several("modfresnelp", 2, _modfresnel(1.0), _complex)
several("modfresnelm", 2, _modfresnel(-1.0), _complex)

# *** scaled Airy functions, and integrals ***


def _airye(primals: Any, tangents: Any, outputs: Any) -> Any:
    (x,), (t,), (ai, aip, bi, bip) = primals, tangents, outputs
    if x.dtype.kind == "c":
        s = np.sqrt(x)
        # Bi is scaled by a real part alone: not analytic
        real = np.sign(np.real(x * s)) * np.real(s * t)
        return (
            (aip + s * ai) * t, (x * ai + s * aip) * t, bip * t - real * bi, x * bi * t - real * bip
        )  # fmt: skip
    s = np.where(x > 0, np.sqrt(np.where(x > 0, x, 1.0)), 0.0)
    return (aip + s * ai) * t, (x * ai + s * aip) * t, (bip - s * bi) * t, (x * bi - s * bip) * t


def _integrals(*slopes_of: Callable[[Any], Any]) -> Any:
    def jvp(primals: Any, tangents: Any, outputs: Any) -> Any:
        (x,), (t,) = primals, tangents
        return tuple(f(x) * t for f in slopes_of)

    return jvp


def _zero(x: Any) -> Any:
    return np.zeros_like(x)


several("airye", 4, _airye)
several(
    "itairy",
    4,
    _integrals(
        lambda x: airy(x)[0], lambda x: airy(x)[2], lambda x: airy(-x)[0], lambda x: airy(-x)[2]
    ),
)
several("iti0k0", 2, _integrals(i0, k0))
several("itj0y0", 2, _integrals(j0, y0))
_QUARTERS = np.cumprod([0.25 / (k * k) for k in range(1, 9)]).tolist()  # of I0's series


def _over_place(sign: float, function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The slope sign (function(x) - 1) / x of a Bessel function, by its series near 0."""

    def slope(x: Any) -> Any:
        near = np.abs(x) < 0.5
        small = np.where(near, x, 0)
        series = small * polynomial(sign * small * small, _QUARTERS)
        return np.where(near, series, sign * (function(x) - 1) / np.where(near, 1, x))

    return slope


several("it2j0y0", 2, _integrals(_over_place(-1.0, j0), lambda x: -y0(x) / x))
several("it2i0k0", 2, _integrals(_over_place(1.0, i0), lambda x: -k0(x) / x))
itstruve0 = special("itstruve0", lambda out, x: struve(_zero(x), x), domain=(POSITIVE,))
it2struve0 = special(
    "it2struve0",
    lambda out, x: np.where(x == 0, -2 / np.pi, -struve(_zero(x), x) / at_least(x)),
    domain=(POSITIVE,),
)
itmodstruve0 = special("itmodstruve0", lambda out, x: modstruve(_zero(x), x), domain=(POSITIVE,))


def _from_poles(power: Any, v: Any) -> Any:
    """Each term x^(power + v + 2 k) of the series is integrated over 0 to 1."""
    first = power + v + 1
    return 0.13 * np.where(first > 0, first, np.abs(first - 2 * np.round(first / 2)))


def _mirrored(v: Any) -> Any:
    return np.where((v < 0) & (v == np.round(v)), -v, v)  # the same function but for a sign


slopes(
    "besselpoly",
    (
        lambda a, power, v: of_place(v, a),
        lambda a, power, v: _from_poles(power, _mirrored(v)),
        lambda a, power, v: np.minimum(of_order(v, a), _from_poles(power, v)),
    ),
    (POSITIVE, POSITIVE, POSITIVE),
)
besselpoly = special(
    "besselpoly",
    lambda out, a, power, v: (jv(v, 2 * a) - (power + 1) * out) / a,  # by parts
    along("besselpoly", 1),
    along("besselpoly", 2),
    domain=(POSITIVE,) * 3,
)
