"""Ellipsoidal harmonics: functions of Lamé's equation, in their place and in both axes.

The first kind is a polynomial times roots of abs(s^2 - h^2) and abs(s^2 - k^2): its slopes are
differences of SciPy's values, which keep away from those roots. The second kind and the norms
are integrals of it, done here by Gauss's points in variables where they are smooth, so that
differences of them are good too. SciPy's degree and order are counts.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from adjoint.graph.primitive import Primitive
from adjoint.primitives.special import SciPyFunction, special
from adjoint.primitives.special_slopes import along, slopes

_POINTS = 48
_AXES = ((2.0, 3.0), (5.0, 6.0))  # of the squares, for sampling
_harm = SciPyFunction("ellip_harm")


def _first(n: Any, p: Any, signm: Any, signn: Any, h2: Any, k2: Any, s: Any) -> Any:
    """SciPy's, with counts before the rest; they come as numbers among operands of slopes."""
    n, p = (np.asarray(v).astype(np.int64) for v in (n, p))
    return _harm(h2, k2, n, p, s, 1.0 * np.asarray(signm), 1.0 * np.asarray(signn))


def _roots(n: Any, p: Any) -> tuple[Any, Any]:
    """Whether there is the root that is 0 at h, and the one at k: by the class of the order."""
    half = np.floor(n / 2)
    in_l = (p > half + 1) & (p <= n + 1)
    in_m = (p > n + 1) & (p <= 2 * n - half + 1)
    in_n = p > 2 * n - half + 1
    return in_l | in_n, in_m | in_n


def _room(n: Any, p: Any, h2: Any, k2: Any, s: Any) -> tuple[Any, Any]:
    """How far the squares of s and h, and of s and k, are apart where it matters."""
    at_h, at_k = _roots(n, p)
    near_h = np.where(at_h, np.abs(s * s - h2), np.inf)
    near_k = np.where(at_k, np.abs(s * s - k2), np.inf)
    return near_h, near_k


def _of_h2(n: Any, p: Any, a: Any, b: Any, h2: Any, k2: Any, s: Any) -> Any:
    between = np.minimum(np.abs(h2), np.abs(k2 - h2))
    return 0.25 * np.minimum(between, _room(n, p, h2, k2, s)[0])


def _of_k2(n: Any, p: Any, a: Any, b: Any, h2: Any, k2: Any, s: Any) -> Any:
    return 0.25 * np.minimum(np.abs(k2 - h2), _room(n, p, h2, k2, s)[1])


def _of_s(n: Any, p: Any, a: Any, b: Any, h2: Any, k2: Any, s: Any) -> Any:
    near = np.minimum(*_room(n, p, h2, k2, s))
    return np.minimum(0.5 * np.sqrt(np.abs(k2)), 0.1 * near / (np.abs(s) + np.sqrt(np.abs(k2))))


def _none(*xs: Any) -> Any:
    return np.zeros_like(xs[-1])


_COUNTS = ((2.0, 3.0), (1.0, 4.0), (1.0, 1.0), (1.0, 1.0))
slopes("ellip_harm", (*(_none,) * 4, _of_h2, _of_k2, _of_s), (*_COUNTS, *_AXES, (3.0, 4.0)), _first)
ellip_harm: Primitive = special(
    "ellip_harm",
    *(None,) * 4,
    *(along("ellip_harm", i) for i in (4, 5, 6)),
    integers=(0, 1, 2, 3),
    evaluate=_first,
    domain=((2, 3), (1, 4), (1, 1), (1, 1), *_AXES, (3.0, 4.0)),
)


@cache
def _gauss() -> tuple[Any, Any]:
    """Points and weights on [0, 1]."""
    points, weights = np.polynomial.legendre.leggauss(_POINTS)
    return 0.5 * (1 + points), 0.5 * weights


def _square(n: Any, p: Any, h2: Any, k2: Any, s: Any) -> Any:
    return _first(n, p, 1, 1, h2, k2, s) ** 2


def _second(n: Any, p: Any, h2: Any, k2: Any, s: Any) -> Any:
    """(2 n + 1) E(s) times an integral over u from 0 to 1/s; u = (1 - w^2) / s is smooth at k."""
    w, weights = _gauss()
    outer = [np.asarray(v)[..., None] for v in (n, p, h2, k2, s)]
    n_, p_, h2_, k2_, s_ = outer
    u = (1 - w * w) / s_
    roots = np.sqrt((1 - u * u * k2_) * (1 - u * u * h2_))
    inner = 2 * w / (s_ * _square(n_, p_, h2_, k2_, 1 / u) * roots)
    return (2 * n + 1) * _first(n, p, 1, 1, h2, k2, s) * np.sum(inner * weights, axis=-1)


def _norm(n: Any, p: Any, h2: Any, k2: Any) -> Any:
    """Integrals over x below h and y between h and k, each in an angle."""
    points, weights = _gauss()
    n_, p_, h2_, k2_ = (np.asarray(v)[..., None] for v in (n, p, h2, k2))
    share = np.sin(0.5 * np.pi * points) ** 2
    x2, y2 = h2_ * share, h2_ + (k2_ - h2_) * share
    in_x = weights * _square(n_, p_, h2_, k2_, np.sqrt(x2)) / np.sqrt(k2_ - x2)
    in_y = weights * _square(n_, p_, h2_, k2_, np.sqrt(y2)) / np.sqrt(y2)
    low, high = np.sum(in_x, axis=-1), np.sum(in_x * x2, axis=-1)
    return 2 * np.pi**2 * (np.sum(in_y * y2, axis=-1) * low - np.sum(in_y, axis=-1) * high)


def _second_slope(out: Any, n: Any, p: Any, h2: Any, k2: Any, s: Any) -> Any:
    """By Wronski's determinant, with SciPy's value."""
    one = np.broadcast_to(np.int64(1), n.shape)
    value = ellip_harm(n, p, one, one, h2, k2, s)
    slope = along("ellip_harm", 6)(None, n, p, one, one, h2, k2, s)
    root = np.sqrt((s * s - h2) * (s * s - k2))
    return (slope * out - (2 * n + 1) / root) / value


def _narrow(n: Any, p: Any, h2: Any, k2: Any, *s: Any) -> Any:
    room = np.minimum(np.abs(h2), np.abs(k2 - h2))
    return 0.2 * (np.minimum(room, np.abs(s[0] * s[0] - k2)) if s else room)


def _outside(n: Any, p: Any, h2: Any, k2: Any, s: Any) -> Any:
    return 0.1 * np.abs(np.abs(s) - np.sqrt(np.abs(k2)))


def _integral(name: str, function: Any, reaches: tuple[Any, ...], *last: Any) -> None:
    """A row for an integral of squares, whose slopes are those of ours."""
    scipy = SciPyFunction(name)
    domain = (*_AXES, *((3.0, 4.0),) * len(reaches[2:]))
    slopes(name, (_none, _none, *reaches), (*_COUNTS[:2], *domain), function)

    def evaluate(n: Any, p: Any, h2: Any, k2: Any, *s: Any) -> Any:
        value = scipy(h2, k2, np.asarray(n).astype(int), np.asarray(p).astype(int), *s)
        return np.asarray(value).astype(np.result_type(h2))[()]

    special(
        name,
        None,
        None,
        along(name, 2),
        along(name, 3),
        *last,
        integers=(0, 1),
        evaluate=evaluate,
        domain=((2, 3), (1, 4), *domain),
    )


_integral("ellip_harm_2", _second, (_narrow, _narrow, _outside), _second_slope)
_integral("ellip_normal", _norm, (_narrow, _narrow))
