"""Laws of test statistics in scipy.stats that are compiled: Smirnov's, Kolmogorov's, Tukey's."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import scipy.special as sp

from adjoint.graph.primitive import primitives
from adjoint.primitives.choose import stop_gradient
from adjoint.primitives.special_inverse import kolmogorov_slope
from adjoint.trace.calls.scipy_special import floating, static
from adjoint.trace.calls.scipy_stats_formulas import FORMULAS
from adjoint.trace.calls.scipy_stats_noncentral import _full, scales
from adjoint.trace.calls.scipy_stats_numeric import plain
from adjoint.trace.calls.support import moved_as
from adjoint.trace.elementwise import elementwise


def _of(name: str, n: Any, x: Any, order: int = 0) -> Any:
    """A row at a sample of size n, or one of its derivatives."""
    n = np.asarray(static(n, "scipy.stats.kstwo", "n")).astype(np.int64)
    if order:
        return elementwise(primitives[f"{name}_slopes"], np.int64(order), n, floating(x))
    return elementwise(primitives[name], n, floating(x))


# *** the range of normal numbers over an estimate of their spread ***


@cache
def _places() -> tuple[Any, Any]:
    """Places of the least of them, and weights with the normal density."""
    z = np.arange(-9.0, 9.01, 0.15)
    return z, 0.15 * np.exp(-0.5 * z * z) / np.sqrt(2 * np.pi)


def _ranges(q: Any, k: Any, df: Any, density: bool) -> Any:
    q, k, df = _full(q, k, df)
    s, chance = scales(df)
    z, weights = _places()
    reach = (q[..., None] * s)[..., None]
    k = k[..., None, None]
    inner = sp.ndtr(z + reach) - sp.ndtr(z)
    if density:
        bell = np.exp(-0.5 * (z + reach) ** 2) / np.sqrt(2 * np.pi)
        chance = chance * s
        inside = (k - 1) * inner ** (k - 2) * bell
    else:
        inside = inner ** (k - 1)
    return np.sum(chance * np.sum(k * weights * inside, axis=-1), axis=-1)


# *** a skewed normal number ***


def _skewed(name: str, x: Any, a: Any) -> Any:
    """SciPy's chance, which has its digits in the tail too, moved as by Owen's function."""
    import scipy.stats

    sign = 1.0 if name == "cdf" else -1.0
    moving = sp.ndtr(sign * x) - sign * 2 * sp.owens_t(x, a)
    return moved_as(plain(scipy.stats.skewnorm, name, x, a), moving)


FORMULAS["skewnorm"] |= {
    "_cdf": lambda x, a: _skewed("cdf", x, a),
    "_sf": lambda x, a: _skewed("sf", x, a),
}


# *** fatigue: x = exp(2 arcsinh(c z / 2)) of a normal number z, whose tails carry the entropy ***


def _fatigue_entropy(c: Any) -> Any:
    """By places even in arcsinh(c z / 2), where nothing is narrow whatever the shape."""
    import scipy.stats

    c = floating(c)
    wide = c[..., None]
    places, weight = np.linspace(-1.0, 1.0, 401), 1 / 200
    reach = stop_gradient(np.arcsinh(4.6 * wide))
    u = reach * places
    z, stretch = 2 / wide * np.sinh(u), 2 / wide * np.cosh(u)
    bell = np.exp(-0.5 * z * z) / np.sqrt(2 * np.pi) * stretch * reach * weight
    moving = np.log(c) - np.sum(bell * np.log(np.cosh(u)), axis=-1)
    value = plain(scipy.stats.fatiguelife, "entropy", c)
    return moved_as(value, moving)


FORMULAS["fatiguelife"] = {**FORMULAS.get("fatiguelife", {}), "_entropy": _fatigue_entropy}

# *** balls of unequal weight, taken one after the other ***


def _wallenius_pmf(x: Any, total: Any, good: Any, taken: Any, odds: Any) -> Any:
    """Wallenius' integral over the time at which the last is taken."""
    x, total, good, taken, odds = (v[..., None] for v in _full(x, total, good, taken, odds))
    others, rest = total - good, taken - x
    possible = (rest >= 0) & (rest <= others) & (x >= 0) & (x <= good)
    x, rest = np.where(possible, x, 0.0), np.where(possible, rest, 0.0)
    left = odds * (good - x) + others - rest
    logs = np.arange(-40.0, 6.0, 0.01)  # of the time
    time = np.exp(logs)
    left = np.where(left > 0, left, 1.0)  # else all are taken, with certainty
    chance = sp.xlog1py(x, -np.exp(-odds * time)) + sp.xlog1py(rest, -np.exp(-time))
    logs = np.log(0.01 * left) + logs - left * time + chance
    ways = sum(
        sp.gammaln(a + 1) - sp.gammaln(b + 1) - sp.gammaln(a - b + 1)
        for a, b in ((good, x), (others, rest))
    )
    value = np.sum(np.where(possible, np.exp(logs + ways), 0.0), axis=-1)
    return np.where(((x == good) & (rest == others))[..., 0], 1.0, value)


FORMULAS["nchypergeom_wallenius"] = {"_pmf": _wallenius_pmf}
FORMULAS["ksone"] = {
    "_sf": lambda x, n: _of("smirnov", n, x),
    "_cdf": lambda x, n: 1 - _of("smirnov", n, x),
    "_pdf": lambda x, n: -_of("smirnov", n, x, 1),
    "_isf": lambda q, n: _of("smirnovi", n, q),
    "_ppf": lambda q, n: _of("smirnovi", n, 1 - q),
}
FORMULAS["kstwo"] = {
    "_cdf": lambda x, n: _of("kolmogn", n, x),
    "_sf": lambda x, n: _of("kolmognc", n, x),
    "_pdf": lambda x, n: _of("kolmogn", n, x, 1),
}
FORMULAS["kstwobign"] = {"_pdf": lambda x: -kolmogorov_slope(x)}
FORMULAS["studentized_range"] = {
    "_cdf": lambda q, k, df: _ranges(q, k, df, density=False),
    "_sf": lambda q, k, df: 1 - _ranges(q, k, df, density=False),
    "_pdf": lambda q, k, df: _ranges(q, k, df, density=True),
}
