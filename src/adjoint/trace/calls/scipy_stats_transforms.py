"""scipy.stats on stand-in arrays: transformations to normal data, with the power they choose.

The power is the best of a measure, which SciPy's minimisers of one variable find: their rules
give its derivatives.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import scipy.special as sp

from adjoint.graph.types import ArrayType
from adjoint.primitives.choose import stop_gradient
from adjoint.trace.calls.from_values import from_values
from adjoint.trace.calls.scipy_special import doubled, floating
from adjoint.trace.calls.scipy_stats_samples import yeojohnson_transform
from adjoint.trace.indexing import known_value
from adjoint.trace.scipy_gate import scipy_rule
from adjoint.trace.without_rule import refusing

refused = refusing("scipy.stats")


def _positive(x: Any) -> Any:
    x = floating(x)
    known = known_value(x)
    if known is not None and not np.all(np.isfinite(known) & (known > 0)):
        raise ValueError("Data must be positive.")
    return x


def _likelihood(power: Any, x: Any) -> Any:
    """Of normal data, minus a constant: on the scale of the geometric mean nothing overflows."""
    middle = np.exp(np.mean(np.log(x)))
    return -0.5 * len(x) * np.log(np.var(sp.boxcox(x / middle, power)))


def _unlike_a_line(power: Any, x: Any) -> Any:
    """One minus the correlation of ordered data with what normal ones would be."""
    n = len(x)
    last = 0.5 ** (1 / n)
    chances = np.concatenate([[1 - last], (np.arange(2, n) - 0.3175) / (n + 0.365), [last]])
    u, v = sp.ndtri(chances), np.sort(sp.boxcox(x, power))
    v = v - np.mean(v)
    return 1 - np.sum(u * v) / np.sqrt(np.sum(u * u) * np.sum(v * v))


_MEASURES: dict[str, Callable[..., Any]] = {
    "pearsonr": _unlike_a_line,
    "mle": lambda power, x: -_likelihood(power, x),
}


def _best(measure: Callable[[Any], Any], brack: Any, optimizer: Any) -> Any:
    import scipy.optimize

    if optimizer is None:
        return scipy.optimize.brent(measure, brack=(-2.0, 2.0) if brack is None else brack)
    if brack is not None:
        raise ValueError("`brack` must be None if `optimizer` is given")
    found = getattr(optimizer(measure), "x", None)
    if found is None:
        raise ValueError("`optimizer` must return an object with the optimal `lmbda` as `x`.")
    return found


def _not_beyond(power: Any, x: Any, greatest: Any, asked: bool) -> Any:
    """The power, or one whose transformed data do not exceed a number."""
    high, low = np.max(x), np.min(x)
    larger = sp.boxcox(high, power) > np.abs(sp.boxcox(low, power))
    extreme = np.where((low >= 1) | ((high > 1) & larger), high, low)
    beyond = np.abs(sp.boxcox(extreme, power)) > greatest
    known = known_value(beyond)
    if not (asked if known is None else np.any(known)):
        return power
    y = greatest * np.sign(extreme - 1)
    inner = -(extreme ** (-1 / y)) * np.log(extreme) / y
    held = np.real(-sp.lambertw(inner, k=-1) / np.log(extreme) - 1 / y)
    return np.where(beyond, held, power)


def _all_of(x: Any, nan_policy: str, name: str) -> None:
    """SciPy 1.18 has a policy for NaN; leaving them out would be a matter of values."""
    if nan_policy != "propagate" and known_value(np.any(np.isnan(x))) is not np.False_:
        raise refused(name, f"with nan_policy={nan_policy!r}", "leave NaN out before")


@scipy_rule("scipy.stats.boxcox_normmax")
def boxcox_normmax(
    x: Any, brack: Any = None, method: str = "pearsonr", optimizer: Any = None,
    *, nan_policy: str = "propagate", **given: Any,
) -> Any:  # fmt: skip
    """The power that makes positive data most like normal ones."""
    _all_of(x, nan_policy, "boxcox_normmax")
    x = doubled(_positive(x))
    if method not in (*_MEASURES, "all"):
        raise ValueError(f"Method {method} not recognized.")
    names = list(_MEASURES) if method == "all" else [method]
    made = [_best(partial(_MEASURES[name], x=x), brack, optimizer) for name in names]
    power = np.stack(made) if method == "all" else made[0]
    asked = isinstance(given.get("ymax"), int | float)
    greatest = given["ymax"] if asked else np.finfo(np.float64).max / 10000
    if not greatest > 0:
        raise ValueError("`ymax` must be strictly positive")
    return _not_beyond(power, x, greatest, asked)


def _brackets(x: Any, best: Any, drop: float) -> tuple[Any, ...]:
    """Powers on both sides at which the likelihood has fallen by more than that."""
    x, ends = np.asarray(x), []
    for step in (-0.1, 0.1):
        end = float(best) + 5 * step
        while _likelihood(end, x) > _likelihood(best, x) - drop and abs(end - best) < 50:
            end += step
        ends.append(np.float64(end))
    return tuple(ends)


def _interval(x: Any, best: Any, alpha: Any) -> tuple[Any, Any]:
    """Powers whose likelihood is not much less than the best."""
    import scipy.optimize

    drop = float(sp.gammaincinv(0.5, 1 - alpha))
    number = ArrayType((), np.dtype(np.float64))
    low, high = from_values(_brackets, (number, number), [x, best], drop)
    target = _likelihood(best, x) - drop

    def above(power: Any) -> Any:
        return _likelihood(power, x) - target

    start = stop_gradient(best)
    return scipy.optimize.brentq(above, low, start), scipy.optimize.brentq(above, start, high)


@scipy_rule("scipy.stats.boxcox")
def boxcox(
    x: Any, lmbda: Any = None, alpha: Any = None, optimizer: Any = None,
    *, nan_policy: str = "propagate",
) -> Any:  # fmt: skip
    """Powers of positive data: by a given exponent, or by the most likely one, which follows."""
    _all_of(x, nan_policy, "boxcox")
    if lmbda is not None:
        return sp.boxcox(x, lmbda)
    x = _positive(x)
    if x.ndim != 1:
        raise ValueError("Data must be 1-dimensional.")
    if x.size == 0:
        return x
    best = boxcox_normmax(x, method="mle", optimizer=optimizer)
    y = sp.boxcox(x, best)
    return (y, best) if alpha is None else (y, best, _interval(doubled(x), best, alpha))


@scipy_rule("scipy.stats.yeojohnson_normmax")
def yeojohnson_normmax(x: Any, brack: Any = None, *, nan_policy: str = "propagate") -> Any:
    """The most likely power of data of any sign."""
    _all_of(x, nan_policy, "yeojohnson_normmax")
    import scipy.optimize

    x = doubled(x)
    logs = np.sum(np.sign(x) * np.log1p(np.abs(x)))

    def unlikely(power: Any) -> Any:
        spread = np.var(yeojohnson_transform(x, power))
        return 0.5 * len(x) * np.log(spread) - (power - 1) * logs

    if brack is not None:
        return scipy.optimize.brent(unlikely, brack=brack)
    fixed = stop_gradient(x)
    size, info = np.log1p(20 * np.max(np.abs(fixed))), np.finfo(np.float64)
    least = (np.log(info.tiny) - np.log(info.eps)) / 2 / size
    most = (np.log(info.max) + np.log(info.eps)) / 2 / size
    some, all_below = np.any(fixed < 0), np.all(fixed < 0)
    low = np.where(all_below, 2 - most, np.where(some, np.maximum(2 - most, least), least))
    high = np.where(all_below, 2 - least, np.where(some, np.minimum(2 - least, most), most))
    return scipy.optimize.fminbound(unlikely, low, high, xtol=1.48e-8)
