"""Bessel, Airy, Kelvin and Struve functions, in their argument; hypergeometric functions."""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.graph.primitive import Primitive
from adjoint.primitives.special import POSITIVE, UNIT, SciPyFunction, special
from adjoint.primitives.special_gamma import gamma
from adjoint.primitives.special_slopes import (
    along,
    from_poles,
    of_order,
    of_place,
    of_struve_order,
    positive,
    slopes,
    wide,
)

ORDER = (0.5, 2.5)
SQRT_PI = float(np.sqrt(np.pi))


def _two(like: Any) -> Any:
    """The order 2, as many as there are arguments."""
    return np.full(like.shape, 2.0, like.dtype)


def _central(row: Any, sign: float) -> Any:
    """(f_(v-1) + sign f_(v+1)) / 2, the slope of most of them; finite at 0 too."""

    def partial(out: Any, v: Any, z: Any) -> Any:
        return 0.5 * (row()(v - 1, z) + sign * row()(v + 1, z))

    return partial


def _scaled(row: Any, sign: float, part: Any) -> Any:
    """Of a function times exp(-abs(part of z)), which is not analytic."""

    def term(t: Any, out: Any, v: Any, z: Any) -> Any:
        moved = _central(row, sign)(out, v, z) * t
        if part is np.imag and z.dtype.kind != "c":
            return moved
        return moved - np.sign(part(z)) * part(t) * out

    return term


def _scaled_order(name: str, part: Any) -> Any:
    """In the order; of complex z by the function without its scale, which is analytic in z."""

    def partial(out: Any, v: Any, z: Any) -> Any:
        if z.dtype.kind != "c":
            return along(name, 0)(out, v, z)
        return along(name[:2], 0)(out, v, z) * np.exp(-np.abs(part(z)))

    return partial


def _scaled_row(name: str, sign: float, part: Any) -> Primitive:
    row: Primitive = special(
        name,
        _scaled_order(name, part),
        None,
        linear={1: _scaled(lambda: row, sign, part)},
        real=(0,),
        domain=(ORDER, POSITIVE),
    )
    return row


# *** of the first and second kind ***

j0 = special("j0", lambda out, x: -j1(x), domain=(POSITIVE,))
j1: Primitive = special("j1", lambda out, x: 0.5 * (j0(x) - jv(_two(x), x)), domain=(POSITIVE,))
y0 = special("y0", lambda out, x: -y1(x), domain=(POSITIVE,))
y1: Primitive = special("y1", lambda out, x: 0.5 * (y0(x) - yv(_two(x), x)), domain=(POSITIVE,))
jv: Primitive = special(
    "jv", along("jv", 0), _central(lambda: jv, -1.0), real=(0,), domain=(ORDER, POSITIVE)
)
yv: Primitive = special(
    "yv", along("yv", 0), _central(lambda: yv, -1.0), real=(0,), domain=(ORDER, POSITIVE)
)
yn: Primitive = special(
    "yn",
    lambda out, n, x: np.zeros_like(out),
    lambda out, n, x: 0.5 * (yn(np.trunc(n) - 1, x) - yn(np.trunc(n) + 1, x)),
    integers=(0,),
    domain=((1, 3), POSITIVE),
)
jve: Primitive = _scaled_row("jve", -1.0, np.imag)
yve: Primitive = _scaled_row("yve", -1.0, np.imag)
hankel1: Primitive = special(
    "hankel1",
    along("hankel1", 0),
    _central(lambda: hankel1, -1.0),
    real=(0,),
    domain=(ORDER, POSITIVE),
)
hankel2: Primitive = special(
    "hankel2",
    along("hankel2", 0),
    _central(lambda: hankel2, -1.0),
    real=(0,),
    domain=(ORDER, POSITIVE),
)
hankel1e: Primitive = special(
    "hankel1e",
    along("hankel1e", 0),
    lambda out, v, z: _central(lambda: hankel1e, -1.0)(out, v, z) - 1j * out,
    real=(0,),
    domain=(ORDER, POSITIVE),
)
hankel2e: Primitive = special(
    "hankel2e",
    along("hankel2e", 0),
    lambda out, v, z: _central(lambda: hankel2e, -1.0)(out, v, z) + 1j * out,
    real=(0,),
    domain=(ORDER, POSITIVE),
)

# *** modified ***

i0 = special("i0", lambda out, x: i1(x), domain=(POSITIVE,))
i1: Primitive = special("i1", lambda out, x: 0.5 * (i0(x) + iv(_two(x), x)), domain=(POSITIVE,))
i0e = special("i0e", lambda out, x: i1e(x) - np.sign(x) * out, domain=(POSITIVE,))
i1e: Primitive = special(
    "i1e",
    lambda out, x: 0.5 * (i0e(x) + ive(_two(x), x)) - np.sign(x) * out,
    domain=(POSITIVE,),
)
k0 = special("k0", lambda out, x: -k1(x), domain=(POSITIVE,))
k1: Primitive = special("k1", lambda out, x: -0.5 * (k0(x) + kv(_two(x), x)), domain=(POSITIVE,))
k0e = special("k0e", lambda out, x: out - k1e(x), domain=(POSITIVE,))
k1e: Primitive = special(
    "k1e", lambda out, x: out - 0.5 * (k0e(x) + kve(_two(x), x)), domain=(POSITIVE,)
)
iv: Primitive = special(
    "iv", along("iv", 0), _central(lambda: iv, 1.0), real=(0,), domain=(ORDER, POSITIVE)
)
kv: Primitive = special(
    "kv",
    along("kv", 0),
    lambda out, v, z: -_central(lambda: kv, 1.0)(out, v, z),
    real=(0,),
    domain=(ORDER, POSITIVE),
)
kn: Primitive = special(
    "kn",
    lambda out, n, x: np.zeros_like(out),
    lambda out, n, x: -0.5 * (kn(np.abs(np.trunc(n) - 1), x) + kn(np.trunc(n) + 1, x)),
    integers=(0,),
    domain=((0, 3), POSITIVE),
)
ive: Primitive = _scaled_row("ive", 1.0, np.real)
kve: Primitive = special(
    "kve",
    along("kve", 0),
    lambda out, v, z: out - _central(lambda: kve, 1.0)(out, v, z),
    real=(0,),
    domain=(ORDER, POSITIVE),
)


# *** spherical ***


def _spherical(name: str, down: float, up: float) -> Any:
    def partial(out: Any, n: Any, z: Any) -> Any:
        below = row(np.maximum(n - 1, 0), z)
        return (down * n * below + up * (n + 1) * row(n + 1, z)) / (2 * n + 1)

    function = SciPyFunction(name)
    row = special(
        name,
        None,
        partial,
        integers=(0,),
        # SciPy keeps single precision's numbers in arrays of double precision
        evaluate=lambda n, z: np.asarray(function(n, z)).astype(z.dtype),
        domain=((0, 4), POSITIVE),
    )
    return row


spherical_jn = _spherical("spherical_jn", 1.0, -1.0)
spherical_yn = _spherical("spherical_yn", 1.0, -1.0)
spherical_in = _spherical("spherical_in", 1.0, 1.0)
spherical_kn = _spherical("spherical_kn", -1.0, -1.0)

# *** Kelvin ***


def at_least(x: Any) -> Any:
    """X, and 1 where it is 0 and what is over it is 0 as well."""
    return np.where(x == 0, 1, x)


ber = special("ber", lambda out, x: berp(x), domain=(POSITIVE,))
bei = special("bei", lambda out, x: beip(x), domain=(POSITIVE,))
ker = special("ker", lambda out, x: kerp(x), domain=(POSITIVE,))
kei = special("kei", lambda out, x: keip(x), domain=(POSITIVE,))
berp: Primitive = special("berp", lambda out, x: -bei(x) - out / at_least(x), domain=(POSITIVE,))
beip: Primitive = special(
    "beip",
    lambda out, x: np.where(x == 0, 0.5, ber(x) - out / at_least(x)),
    domain=(POSITIVE,),
)
kerp: Primitive = special("kerp", lambda out, x: -kei(x) - out / x, domain=(POSITIVE,))
keip: Primitive = special("keip", lambda out, x: ker(x) - out / x, domain=(POSITIVE,))

# *** Struve ***


def _struve_rest(v: Any, x: Any) -> Any:
    return (0.5 * x) ** v / (SQRT_PI * gamma(v + 1.5))


def _struve_slope(row: Any, sign: float) -> Any:
    """By both neighbours; of order 0 at 0 by one, since the bend of order -1 has a pole there."""

    def partial(out: Any, v: Any, x: Any) -> Any:
        above, rest = row()(v + 1, x), _struve_rest(v, x)
        alone = (v == 0) & (x == 0)
        below = row()(np.where(alone, 1, v) - 1, np.where(alone, 1, x))
        return np.where(alone, rest + sign * above, 0.5 * (below + sign * above + rest))

    return partial


struve: Primitive = special(
    "struve",
    along("struve", 0),
    _struve_slope(lambda: struve, -1.0),
    real=(0,),
    domain=(ORDER, POSITIVE),
)
modstruve: Primitive = special(
    "modstruve",
    along("modstruve", 0),
    _struve_slope(lambda: modstruve, 1.0),
    real=(0,),
    domain=(ORDER, POSITIVE),
)

# *** hypergeometric ***

hyp0f1: Primitive = special(
    "hyp0f1",
    along("hyp0f1", 0),
    lambda out, v, z: hyp0f1(v + 1, z) / v,
    real=(0,),
    domain=(POSITIVE, POSITIVE),
)
hyp1f1: Primitive = special(
    "hyp1f1",
    along("hyp1f1", 0),
    along("hyp1f1", 1),
    lambda out, a, b, z: a / b * hyp1f1(a + 1, b + 1, z),
    real=(0, 1),
    domain=(POSITIVE, POSITIVE, POSITIVE),
)
hyp2f1: Primitive = special(
    "hyp2f1",
    along("hyp2f1", 0),
    along("hyp2f1", 1),
    along("hyp2f1", 2),
    lambda out, a, b, c, z: a * b / c * hyp2f1(a + 1, b + 1, c + 1, z),
    real=(0, 1, 2),
    domain=(POSITIVE, POSITIVE, POSITIVE, (-0.6, 0.6)),
)
wright_bessel: Primitive = special(
    "wright_bessel",
    along("wright_bessel", 0),
    along("wright_bessel", 1),
    lambda out, a, b, x: wright_bessel(a, a + b, x),
    real=(0, 1),
    domain=(POSITIVE, POSITIVE, UNIT),
)
log_wright_bessel: Primitive = special(
    "log_wright_bessel",
    along("log_wright_bessel", 0),
    along("log_wright_bessel", 1),
    lambda out, a, b, x: np.exp(log_wright_bessel(a, a + b, x) - out),
    real=(0, 1),
    domain=(POSITIVE, POSITIVE, UNIT),
)


# *** in orders and parameters ***

for _name in (
    "jv", "yv", "jve", "yve", "iv", "kv", "ive", "kve", "hankel1", "hankel2", "hankel1e",
    "hankel2e",
):  # fmt: skip
    slopes(_name, (of_order, of_place), (ORDER, POSITIVE), real=(0,))
for _name in ("struve", "modstruve"):
    slopes(_name, (of_struve_order, of_place), (ORDER, POSITIVE), real=(0,))


def _beside(z: Any) -> Any:
    """How far away hypergeometric series meet their branch point at 1."""
    return np.log(np.maximum(np.abs(1 - z), 1e-9))


slopes(
    "hyp0f1",
    (lambda v, z: from_poles(v) * wide(z), lambda v, z: 1 / (1 + np.sqrt(np.abs(z)))),
    (POSITIVE, POSITIVE),
    real=(0,),
)
slopes(
    "hyp1f1",
    (
        lambda a, b, z: wide(a, z),
        lambda a, b, z: from_poles(b) * wide(z),
        lambda a, b, z: wide(a),
    ),
    (POSITIVE, POSITIVE, POSITIVE),
    real=(0, 1),
)
slopes(
    "hyp2f1",
    (
        lambda a, b, c, z: wide(a, _beside(z)),
        lambda a, b, c, z: wide(b, _beside(z)),
        lambda a, b, c, z: from_poles(c) * wide(_beside(z)),
        lambda a, b, c, z: 0.13 * np.abs(1 - z),
    ),
    (POSITIVE, POSITIVE, POSITIVE, (-0.6, 0.6)),
    real=(0, 1, 2),
)
for _name in ("wright_bessel", "log_wright_bessel"):
    slopes(
        _name,
        (
            lambda a, b, x: positive(a) * wide(x),
            lambda a, b, x: positive(b) * wide(x),
            lambda a, b, x: positive(x),
        ),
        (POSITIVE, POSITIVE, UNIT),
    )
