"""Landau's density, which SciPy has as compiled code, by two integrals on stand-in arrays.

Both are of ``exp(s log s + l s)`` over s: along the negative axis, whose sides differ, for places
to the right, and along the line through the saddle point for those to the left.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from adjoint.primitives.choose import stop_gradient
from adjoint.trace.calls.scipy_special import doubled
from adjoint.trace.calls.scipy_stats_formulas import FORMULAS


@cache
def _half_line() -> tuple[Any, Any]:
    """Points and weights on (0, 40): trapezia after a double exponential map."""
    s = np.arange(-4.0, 1.6, 0.03)
    u, slope = np.pi / 2 * np.sinh(s), np.pi / 2 * np.cosh(s) * 0.03
    return np.exp(u), np.exp(u) * slope


def _right(place: Any) -> Any:
    points, weights = _half_line()
    place = place[..., None]
    scale = stop_gradient(np.maximum(place, 1.0))
    t = points / scale
    return np.sum(weights / scale * np.exp(-t * np.log(t) - place * t) * np.sin(np.pi * t), axis=-1)


def _left(place: Any) -> Any:
    place = place[..., None]
    saddle = stop_gradient(np.exp(-1 - np.maximum(place, -8.0)))
    step = np.minimum(saddle / 6, np.sqrt(saddle) / 2.5)
    y = step * np.arange(256)
    weights = step * np.where(np.arange(256) > 0, 1.0, 0.5)
    length, angle = 0.5 * np.log(saddle**2 + y**2), np.arctan2(y, saddle)
    size = np.exp(saddle * length - y * angle + place * saddle)
    return np.sum(weights * size * np.cos(saddle * angle + y * length + place * y), axis=-1)


def _pdf(x: Any) -> Any:
    """The density of the standard law."""
    place = np.pi / 2 * doubled(x) + np.log(np.pi / 2)
    left = place < -1.1
    one, other = _left(np.where(left, place, -1.1)), _right(np.where(left, 0.0, place))
    return 0.5 * np.where(left, one, other)


FORMULAS["landau"] = {"_pdf": _pdf, "_logpdf": lambda x: np.log(_pdf(x))}
