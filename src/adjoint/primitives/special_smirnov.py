"""Smirnov's and Kolmogorov's distributions of the greatest gap between a law and a sample.

Both are polynomials between multiples of 1 / (2 n): every derivative is had exactly. One side is
a sum of positive terms; of two sides the chance is an element of a matrix power, after Durbin and
Marsaglia, or twice that of one side where both have almost no chance together.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from math import comb, factorial, prod
from typing import Any

import numpy as np

from adjoint.graph.primitive import Primitive
from adjoint.primitives.special import special

_FAR = 4.0  # n d^2 beyond which two sides are twice one side, to eleven digits
_LARGE = 2000  # size of a sample beyond which the matrices would be slow
_SMOOTH = (0.45, 0.8)  # for sampling: polynomials that differ in high derivatives only
Slope = Callable[[int, int, float], float]


def _falling(p: int, i: int) -> float:
    return float(prod(range(p - i + 1, p + 1)))


def _one_side(order: int, n: int, d: float) -> float:
    """A derivative of the chance of a gap above d, on one side."""
    if not 0 < d < 1:
        return 0.0 if d == d else np.nan
    gammaln = importlib.import_module("scipy.special").gammaln
    j: Any = np.arange(1, int(np.floor(n * (1 - d))) + 1)
    choose = gammaln(n + 1) - gammaln(j + 1) - gammaln(n - j + 1)
    up, down = d + j / n, 1 - d - j / n
    inside = down > 0
    j, choose, up, down = j[inside], choose[inside], up[inside], down[inside]
    a, b = j - 1, n - j

    def product(m: int) -> Any:
        """A derivative of up^a down^b, times the binomial coefficient."""
        total = np.zeros(len(j))
        for i in range(m + 1):
            # falling factorials of whole arrays
            share = np.ones(len(j))
            for s in range(i):
                share = share * (a - s)
            for s in range(m - i):
                share = share * -(b - s)
            power = (a - i) * np.log(up) + (b - m + i) * np.log(down)
            total += comb(m, i) * share * np.exp(choose + power)
        return np.sum(total)

    first = (-1) ** order * _falling(n, order) * (1 - d) ** (n - order) if order <= n else 0.0
    return float(first + d * product(order) + (order * product(order - 1) if order else 0.0))


def _two_sides(order: int, n: int, d: float) -> float:
    """A derivative of the chance of no gap above d, on either side."""
    if n < 1:
        return np.nan
    if not 0.5 / n < d < 1:
        return 0.0 if d == d else np.nan
    if n * d * d > _FAR or d > 0.5:
        return -2 * _one_side(order, n, d)
    if n > _LARGE:
        return _limit(order, n, d)
    k = int(np.ceil(n * d))
    m, h = 2 * k - 1, k - n * d
    i, j = np.indices((m, m))
    below = i - j + 1
    inverse = np.array([1.0 / factorial(p) if p < 170 else 0.0 for p in range(m + 1)])
    jet = np.zeros((order + 1, m, m))  # Taylor's coefficients in d
    jet[0] = np.where(below >= 0, inverse[np.maximum(below, 0)], 0.0)
    for t in range(order + 1):
        for p in range(t, m + 1):
            bent = comb(p, t) * h ** (p - t) * (-n) ** t * inverse[p]
            if p:
                jet[t, p - 1, 0] -= bent
                jet[t, m - 1, m - p] -= bent
        if h > 0.5 and t <= m:
            jet[t, m - 1, 0] += comb(m, t) * (2 * h - 1) ** (m - t) * (-2.0 * n) ** t * inverse[m]
    power, scale = _power(jet, n)
    log_size = importlib.import_module("scipy.special").gammaln(n + 1) - n * np.log(n)
    return float(factorial(order) * power[order, k - 1, k - 1] * np.exp(log_size + scale))


def _times(a: Any, b: Any) -> Any:
    return np.stack([sum(a[s] @ b[t - s] for s in range(t + 1)) for t in range(len(a))])


def _power(jet: Any, n: int) -> tuple[Any, float]:
    """A power of a matrix of series, and the logarithm of what it is to be multiplied by."""
    out, log_out, log_base = np.zeros_like(jet), 0.0, 0.0
    out[0] = np.eye(jet.shape[-1])
    while n:
        if n % 2:
            out, log_out = _times(out, jet), log_out + log_base
            size = np.max(np.abs(out[0]))
            out, log_out = out / size, log_out + float(np.log(size))
        jet, n = _times(jet, jet), n // 2
        size = np.max(np.abs(jet[0]))
        jet, log_base = jet / size, 2 * log_base + float(np.log(size))
    return out, log_out


def _limit(order: int, n: int, d: float) -> float:
    """For large samples: by differences of SciPy's series in 1 / sqrt(n)."""
    from adjoint.primitives.special_slopes import stencil

    cdf = importlib.import_module("scipy.stats").kstwo.cdf
    reach = [lambda x: 0.3 * x]
    return float(stencil(lambda x: cdf(x, n), [order], [np.array([d])], reach)[0])


def _each(slope: Slope) -> Callable[..., Any]:
    at_each = np.vectorize(
        lambda order, n, d: slope(int(order), int(n), float(d)), otypes=[np.float64]
    )

    def evaluate(order: Any, n: Any, d: Any) -> Any:
        places = np.asarray(d, np.float64)
        whole = at_each(np.asarray(order, np.int64), np.asarray(n).astype(np.int64), places)
        dtype = np.asarray(d).dtype
        return np.asarray(whole, dtype if dtype.kind == "f" else np.float64)[()]

    return evaluate


def _derivatives(name: str, slope: Slope) -> Primitive:
    row = special(
        f"{name}_slopes",
        None,
        None,
        lambda out, order, n, d: row(order + 1, n, d),
        integers=(0, 1),
        evaluate=_each(slope),
        domain=((0, 1), (8, 9), _SMOOTH),
    )
    return row


smirnov_slopes = _derivatives("smirnov", _one_side)
kolmogn_slopes = _derivatives("kolmogn", _two_sides)


def _slope(row: Primitive, n: Any, d: Any) -> Any:
    return row(np.broadcast_to(np.int64(1), n.shape), n, d)


smirnov = special(
    "smirnov",
    None,
    lambda out, n, d: _slope(smirnov_slopes, n, d),
    integers=(0,),
    domain=((8, 9), _SMOOTH),
)
smirnovi = special(
    "smirnovi",
    None,
    lambda out, n, p: 1 / _slope(smirnov_slopes, n, out),
    integers=(0,),
    domain=((8, 9), (0.22, 0.26)),
)


def _chance(name: str) -> Callable[..., Any]:
    def evaluate(n: Any, d: Any) -> Any:
        if np.asarray(d).dtype.kind == "c":
            raise TypeError("the gap is a real number")
        return getattr(importlib.import_module("scipy.stats").kstwo, name)(d, n)

    return evaluate


kolmogn = special(
    "kolmogn",
    None,
    lambda out, n, d: _slope(kolmogn_slopes, n, d),
    integers=(0,),
    evaluate=_chance("cdf"),
    domain=((8, 9), _SMOOTH),
)
kolmognc = special(
    "kolmognc",
    None,
    lambda out, n, d: -_slope(kolmogn_slopes, n, d),
    integers=(0,),
    evaluate=_chance("sf"),
    domain=((8, 9), _SMOOTH),
)
