"""Carlson's symmetric elliptic integrals, and the arithmetic-geometric mean."""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.graph.primitive import Primitive
from adjoint.primitives.choose import stop_gradient
from adjoint.primitives.special import POSITIVE, special
from adjoint.primitives.special_slopes import along, positive, slopes


def _at(which: int) -> Any:
    return lambda *xs: positive(xs[which])


for _name, _count in (("elliprd", 3), ("elliprj", 4)):
    slopes(_name, tuple(map(_at, range(_count))), (POSITIVE,) * _count)


elliprd: Primitive = special(
    "elliprd", *(along("elliprd", i) for i in range(3)), domain=(POSITIVE, POSITIVE, POSITIVE)
)
elliprf = special(
    "elliprf",
    lambda out, x, y, z: elliprd(y, z, x) / -6,
    lambda out, x, y, z: elliprd(x, z, y) / -6,
    lambda out, x, y, z: elliprd(x, y, z) / -6,
    domain=(POSITIVE, POSITIVE, POSITIVE),
)


def _elliprc_slope(which: int) -> Any:
    """Where y is below 0, Cauchy's value: sqrt(x / (x - y)) of the function at (x - y, -y)."""

    def partial(out: Any, x: Any, y: Any) -> Any:
        below = (y < 0) & (y.dtype.kind == "f")
        first, second = np.where(below, x - y, x), np.where(below, -y, y)
        in_x, in_y = elliprd(second, second, first) / -6, elliprd(first, second, second) / -3
        size, apart = np.sqrt(np.where(below, x / first, 1)), np.where(below, first, 1)
        if which == 0:
            turned = 0.5 * out * (1 / x - 1 / apart) + size * in_x
            return np.where(below, turned, in_x)
        return np.where(below, 0.5 * out / apart - size * (in_x + in_y), in_y)

    return partial


elliprc = special(
    "elliprc",
    _elliprc_slope(0),
    _elliprc_slope(1),
    domain=(POSITIVE, POSITIVE),
)


def _elliprg_slope(which: int) -> Any:
    """(R_F - x R_D / 3) / 4: what is far smaller than the others loses no digits."""

    def partial(out: Any, *xs: Any) -> Any:
        mine, others = xs[which], [x for i, x in enumerate(xs) if i != which]
        none = mine == 0  # R_D is infinite there, of a lower power
        share = mine * elliprd(*others, np.where(none, 1, mine)) / 3
        return (elliprf(*xs) - share) / 4

    return partial


elliprg = special(
    "elliprg", *(_elliprg_slope(i) for i in range(3)), domain=(POSITIVE, POSITIVE, POSITIVE)
)
elliprj = special("elliprj", *(along("elliprj", i) for i in range(4)), domain=(POSITIVE,) * 4)


def _agm_slope(which: int) -> Any:
    """By an integral of squares, in which nothing cancels; of numbers of one sign, scaled by it."""

    def partial(out: Any, a: Any, b: Any) -> Any:
        mine, other = (b, a) if which else (a, b)
        size = stop_gradient(np.where(np.abs(a) > np.abs(b), a, b))
        none = mine * other == 0  # the mean with 0 is 0, whatever the other one is
        edge = np.where(other == 0, 0.0, np.inf)
        mine, other, mean = (np.where(none, 1, x / size) for x in (mine, other, out))
        slope = mean * mean * mine * elliprd(np.zeros_like(mine), other * other, mine * mine)
        return np.where(none, edge, slope * (2 / (3 * np.pi)))

    return partial


agm = special("agm", _agm_slope(0), _agm_slope(1), domain=(POSITIVE, POSITIVE))
