"""Legendre functions of SciPy's that give their own first two derivatives.

Each is three rows: value, slope and bend (the second derivative), all evaluated by SciPy; what
comes after the bend follows from the functions' equations.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np

from adjoint.graph.primitive import Primitive, primitives
from adjoint.primitives.special import special
from adjoint.primitives.special_polynomial import INSIDE, eval_jacobi
from adjoint.primitives.special_slopes import along, slopes, wide

PARTS = ("", "_slope", "_bend")


def _rows(
    name: str, domain: tuple[Any, ...], evaluate: Callable[..., Any], beyond: Callable[..., Any]
) -> None:
    """Value, slope and bend: ``evaluate(diff_n, *operands)``, and ``beyond`` for the third."""
    counts = len(domain) - 1

    def row(which: int) -> Primitive:
        def slope(out: Any, *xs: Any) -> Any:
            return primitives[name + PARTS[which + 1]](*xs) if which < 2 else beyond(out, *xs)

        def value(*xs: Any) -> Any:  # SciPy's of float32 and whole numbers is float64
            kind = np.result_type(np.asarray(xs[-1]).dtype, np.float32)
            return np.asarray(evaluate(which, *xs)[which]).astype(kind)[()]

        return special(
            name + PARTS[which],
            *(None,) * counts,
            slope,
            integers=tuple(range(counts)),
            evaluate=value,
            domain=domain,
        )

    for which in range(3):
        row(which)


def _scipy(name: str) -> Any:
    return getattr(importlib.import_module("scipy.special"), name)


def _third(out: Any, n: Any, z: Any) -> Any:
    """Of a Legendre polynomial, finite at the ends too: a Jacobi polynomial."""
    three = np.full(z.shape, 3.0, z.dtype)
    lower = eval_jacobi(np.maximum(n - 3, 0), three, three, z)
    return np.where(n < 3, 0.0, 0.125 * (n + 1) * (n + 2) * (n + 3) * lower)


_rows(
    "legendre_p",
    ((0, 5), INSIDE),
    lambda k, n, z: _scipy("legendre_p")(n, z, diff_n=k),
    _third,
)


def _assoc(k: int, norm: Any, cut: Any, n: Any, m: Any, z: Any) -> Any:
    """Functions of both normalizations and branch cuts."""
    normal = bool(np.any(norm))
    return _scipy("assoc_legendre_p")(n, m, z, branch_cut=cut, norm=normal, diff_n=k)


def _assoc_third(out: Any, norm: Any, cut: Any, n: Any, m: Any, z: Any) -> Any:
    """By Legendre's equation, differentiated once."""
    value, slope = (primitives["assoc_legendre_p" + part](norm, cut, n, m, z) for part in PARTS[:2])
    room = 1 - z * z
    level, square = n * (n + 1.0), m * (1.0 * m) / room
    return (4 * z * out + (2 - level + square) * slope + 2 * z * square / room * value) / room


_rows("assoc_legendre_p", ((0, 0), (2, 2), (2, 4), (-2, 2), INSIDE), _assoc, _assoc_third)


def _sph_third(out: Any, n: Any, m: Any, angle: Any) -> Any:
    """By the neighbours in the order; SciPy's functions are even in the angle."""
    bend = primitives["sph_legendre_p_bend"]
    down = np.sqrt(np.maximum((n + m) * (n - m + 1), 0) * 1.0)
    up = np.sqrt(np.maximum((n - m) * (n + m + 1), 0) * 1.0)
    side = np.where(np.sin(angle) < 0, -0.5, 0.5)
    return side * (up * bend(n, m + 1, angle) - down * bend(n, m - 1, angle))


_rows(
    "sph_legendre_p",
    ((2, 4), (-2, 2), (0.2, 2.8)),
    lambda k, n, m, angle: _scipy("sph_legendre_p")(n, m, angle, diff_n=k),
    _sph_third,
)

# *** of real degrees, of one kind and cut ***


def _lpmv_slope(out: Any, m: Any, v: Any, x: Any) -> Any:
    """By the degree below; at the ends by SciPy's own slope, for whole degrees."""
    ends = x * x == 1
    inside = np.where(ends, 0.5, x)
    # Of negative orders there is none of a degree below: v + m = 0 there, lpmv is NaN.
    lowest = v + m == 0
    below = lpmv(m, np.where(lowest, v, v - 1), inside)
    moved = (v * inside * out - np.where(lowest, 0, (v + m) * below)) / (inside * inside - 1)
    whole = [np.round(k).astype(np.int64) for k in (v, m)]
    counts = [np.broadcast_to(np.int64(k), x.shape) for k in (0, 2)]
    limit = primitives["assoc_legendre_p_slope"](*counts, *whole, x)
    return np.where(ends, np.where(v == np.round(v), limit, np.nan), moved)


slopes(
    "lpmv",
    (
        lambda m, v, x: np.zeros_like(x),
        lambda m, v, x: wide(v),
        lambda m, v, x: 0.13 * (1 - np.abs(x)),
    ),
    ((1.0, 1.0), (2.0, 4.0), INSIDE),
)
lpmv: Primitive = special(
    "lpmv",
    None,
    along("lpmv", 1),
    _lpmv_slope,
    integers=(0, 1),
    domain=((0, 2), (2, 4), INSIDE),
)
