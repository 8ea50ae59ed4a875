"""scipy.stats on stand-in arrays: statistics of samples, by SciPy's own code."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special as sp
import scipy.stats

from adjoint.graph.types import ArrayType
from adjoint.trace import borrow
from adjoint.trace.borrow_scipy import (
    borrow_class,
    borrow_names,
    borrow_scipy,
    is_unknown,
    own_code,
    when_unknown,
)
from adjoint.trace.calls.from_values import from_values
from adjoint.trace.calls.lines import along_lines
from adjoint.trace.calls.scipy_special import floating
from adjoint.trace.calls.support import moved_as
from adjoint.trace.indexing import known_value
from adjoint.trace.scipy_gate import scipy_rule
from adjoint.trace.without_rule import refusing

refused = refusing("scipy.stats")

_SUMMARIES = (
    "gmean zscore gzscore zmap moment skew kurtosis variation tmean tvar tstd tsem sem gstd "
    "circmean circvar circstd describe trim_mean trimboth trim1 sigmaclip tmin tmax iqr "
    "median_abs_deviation scoreatpercentile lmoment kstat kstatvar entropy "
    "differential_entropy directional_stats obrientransform binned_statistic binned_statistic_2d "
    "binned_statistic_dd"
)
_RELATIONS = (
    "pearsonr theilslopes wasserstein_distance energy_distance probplot "
    "combine_pvalues false_discovery_control pointbiserialr"
)
_TESTS = (
    "ttest_1samp ttest_ind ttest_rel ttest_ind_from_stats f_oneway chisquare power_divergence "
    "bartlett levene jarque_bera skewtest kurtosistest normaltest alexandergovern "
    "chi2_contingency epps_singleton_2samp"
)
borrow_scipy("scipy.stats.yeojohnson_llf")
borrow_names("scipy.stats", _SUMMARIES, _RELATIONS, _TESTS)


def _spearman(*given: Any) -> Any:
    import scipy.stats

    *arrays, axis, nan_policy, alternative = given
    options = {"axis": axis, "nan_policy": nan_policy, "alternative": alternative}
    return tuple(scipy.stats.spearmanr(*arrays, **options))


@when_unknown("scipy.stats.spearmanr")
def spearmanr(
    a: Any, b: Any = None, axis: Any = 0, nan_policy: str = "propagate",
    alternative: str = "two-sided",
) -> Any:  # fmt: skip
    """The correlation of ranks, which do not move."""
    from scipy.stats._stats_py import SignificanceResult

    arrays = [floating(x) for x in (a, b) if x is not None]
    along = (0, 1)[axis] if axis is not None and arrays[0].ndim == 2 else 0
    count = sum(1 if axis is None or x.ndim < 2 else x.shape[1 - along] for x in arrays)
    kind = ArrayType(() if count == 2 else (count, count), np.dtype(np.float64))
    made = from_values(_spearman, (kind, kind), arrays, axis, nan_policy, alternative)
    result = SignificanceResult(*made)
    result.correlation = made[0]
    return result


# *** what sorting or SciPy's helpers leave NaN out of: NaN, where values are not known ***


def _missing(value: Any, x: Any, axis: Any) -> Any:
    """NaN where there is one along an axis that the value has been taken along."""
    missing = np.any(np.isnan(x), axis=axis, keepdims=True)
    if np.ndim(value) < np.ndim(x):
        missing = np.squeeze(missing, axis=axis)
    return np.where(missing, np.nan, value)


def _reducing(name: str) -> None:
    place = f"scipy.stats.{name}.__wrapped__"
    known = own_code(place)

    @scipy_rule(place)
    def rule(a: Any, *args: Any, **kwargs: Any) -> Any:
        value = known(a, *args, **kwargs)
        return _missing(value, a, -1) if is_unknown(a) else value  # theirs is the last axis


for _name in ("tvar", "tstd", "tsem", "trim_mean"):
    _reducing(_name)

_known_quantile = own_code("scipy.stats.quantile")


@scipy_rule("scipy.stats.quantile")
def quantile(
    x: Any, p: Any, *, method: str = "linear", axis: Any = 0, nan_policy: str = "propagate",
    keepdims: bool | None = None, **weights: Any,
) -> Any:  # fmt: skip
    """SciPy's own code; as it asks for NaN only where values are known, that is done after it."""
    if is_unknown(x) and nan_policy == "omit":
        raise refused("quantile", "leaving NaN out", "np.nanquantile")
    options = {"method": method, "axis": axis, "nan_policy": nan_policy, "keepdims": keepdims}
    value = _known_quantile(x, p, **options, **weights)
    return _missing(value, x, axis) if is_unknown(x) else value


# *** where SciPy's code decides on values: the formula of regular ones ***


@when_unknown("scipy.stats.hmean.__wrapped__")
def hmean(a: Any, axis: Any = 0, dtype: Any = None, *, weights: Any = None) -> Any:
    """The harmonic mean of numbers that are not negative."""
    return 1 / np.average(1 / floating(a), axis=axis, weights=weights)


@when_unknown("scipy.stats.pmean.__wrapped__")
def pmean(a: Any, p: Any, *, axis: Any = 0, dtype: Any = None, weights: Any = None) -> Any:
    """The mean of powers, for a power other than 0."""
    return np.average(floating(a) ** p, axis=axis, weights=weights) ** (1 / p)


def _likelihood(y: Any, axis: Any, weight: Any) -> Any:
    """Of normal numbers with the best mean and spread, and the transform's own share."""
    return weight - 0.5 * y.shape[axis] * np.log(np.var(y, axis=axis))


@scipy_rule("scipy.stats._morestats._boxcox_llf.__wrapped__")
def boxcox_llf(data: Any, axis: int = 0, *, lmb: Any) -> Any:
    """Box's and Cox's likelihood, also at 0, where SciPy's code takes the logarithm's branch."""
    x = floating(data)
    weight = (lmb - 1) * np.sum(np.log(x), axis=axis)
    likely = _likelihood(sp.boxcox(x, lmb), axis, weight)
    known = known_value(x), known_value(lmb)
    if any(value is None for value in known):
        return likely
    own = scipy.stats.boxcox_llf(known[1], known[0], axis=axis)  # digits at small powers differ
    return moved_as(own, likely)


borrow_scipy("scipy.stats.boxcox_llf", "scipy.stats._morestats._boxcox_llf")


@scipy_rule("scipy.stats._morestats._yeojohnson_transform")
def yeojohnson_transform(x: Any, lmbda: Any, xp: Any = None) -> Any:
    """Yeo's and Johnson's transform, with its derivative also at 0 and 2."""
    x = floating(x)
    rises, falls = np.where(x >= 0, x, 0.0), np.where(x >= 0, 0.0, -x)
    return np.where(x >= 0, sp.boxcox1p(rises, lmbda), -sp.boxcox1p(falls, 2 - lmbda))


borrow_scipy("scipy.stats.yeojohnson")


# Since 1.18 it is wrapped: what it is told of axes and of NaN is SciPy's own code there.
_wrapped = hasattr(scipy.stats.expectile, "__wrapped__")


@scipy_rule("scipy.stats.expectile.__wrapped__" if _wrapped else "scipy.stats.expectile")
def expectile(a: Any, alpha: Any = 0.5, *, weights: Any = None, axis: Any = None) -> Any:
    """The mean with other weights above itself, which SciPy searches for."""
    a, weights = floating(a), None if weights is None else floating(weights)
    if a.ndim > 1 and axis is not None:
        rows = np.moveaxis(a, axis, -1)
        shares = np.ones_like(rows) if weights is None else np.moveaxis(weights, axis, -1)
        found = [
            expectile(rows[place], alpha, weights=shares[place])
            for place in np.ndindex(rows.shape[:-1])
        ]
        return np.reshape(np.stack(found), rows.shape[:-1])
    if is_unknown(a, alpha, weights):
        return _expectile(a, alpha, weights)
    value = scipy.stats.expectile(*map(known_value, (a, alpha)), weights=known_value(weights))
    return moved_as(value, _expectile(a, alpha, weights))


def _expectile(a: Any, alpha: Any, weights: Any) -> Any:
    """The greatest (of a level below 1/2: the least) mean with other weights beyond a place."""
    w = np.broadcast_to(1.0 if weights is None else weights, a.shape).reshape(-1)
    order = np.argsort(a.reshape(-1))
    a, w = np.take(a.reshape(-1), order), np.take(w, order)
    moment, weight = np.cumsum(w * a), np.cumsum(w)
    if len(a) == 1:
        return a[0]
    means = ((1 - alpha) * moment + alpha * (moment[-1] - moment))[:-1]  # there is some beyond
    means = means / ((1 - alpha) * weight + alpha * (weight[-1] - weight))[:-1]
    found = np.where(alpha >= 0.5, np.max(means), np.min(means))
    return np.where((alpha >= 0) & (alpha <= 1), found, np.nan)


@when_unknown("scipy.stats.linregress.__wrapped__")
@along_lines(2)
def linregress(x: Any, y: Any, alternative: str = "two-sided") -> Any:
    """A line through points that are neither all above one another nor all on one height."""
    from scipy.stats._stats_py import LinregressResult

    x, y = floating(x), floating(y)
    n = x.shape[0]
    dx, dy = x - np.mean(x), y - np.mean(y)
    over = np.mean(dx * dx)
    slope = np.mean(dx * dy) / over
    r = np.clip(np.mean(dx * dy) / np.sqrt(over * np.mean(dy * dy)), -1.0, 1.0)
    if n == 2:  # two points are on a line, of which nothing is in doubt
        chance, spread = np.where(y[0] == y[1], 1.0, 0.0), 0.0 * over
        if np.isnan(scipy.stats.linregress([0.0, 1.0], [0.0, 1.0]).pvalue):  # since SciPy 1.18
            chance = spread = np.nan + spread
        return LinregressResult(slope, np.mean(y) - slope * np.mean(x), r, chance, spread,
                                intercept_stderr=spread)  # fmt: skip
    free = n - 2
    t = r * np.sqrt(free / ((1.0 - r + 1e-20) * (1.0 + r + 1e-20)))
    tails = {"two-sided": 2 * sp.stdtr(free, -np.abs(t)), "less": sp.stdtr(free, t),
             "greater": sp.stdtr(free, -t)}  # fmt: skip
    spread = np.sqrt((1 - r**2) * np.mean(dy * dy) / over / free)
    return LinregressResult(
        slope=slope, intercept=np.mean(y) - slope * np.mean(x), rvalue=r,
        pvalue=tails[alternative], stderr=spread,
        intercept_stderr=spread * np.sqrt(over + np.mean(x) ** 2),
    )  # fmt: skip


# What they are told of axes, of NaN and of dimensions is SciPy's own code.
borrow_scipy("scipy.stats.hmean", "scipy.stats.pmean", "scipy.stats.linregress")
if _wrapped:
    borrow_scipy("scipy.stats.expectile")


# *** densities from samples ***


class _ByType:
    """A compiled function that SciPy picks by the type of its data, as a formula."""

    def __init__(self, formula: Any) -> None:
        self.formula = formula

    def __getitem__(self, _: str) -> Any:
        return self.formula


def _exponents(points: Any, xi: Any, factor: Any) -> tuple[Any, Any]:
    """For each place and sample the exponent, and the logarithm of the normalisation."""
    d = points.shape[1]
    apart = xi[:, None, :] - points[None, :, :]
    white = np.linalg.solve(factor, np.reshape(apart, (-1, d)).T)
    squares = np.reshape(np.sum(white * white, axis=0), apart.shape[:2])
    norm = -0.5 * d * np.log(2 * np.pi) - np.sum(np.log(np.diagonal(factor)))
    return -0.5 * squares, norm


def _estimate(points: Any, values: Any, xi: Any, factor: Any, *_: Any) -> Any:
    exponents, norm = _exponents(points, xi, factor)
    return np.exp(exponents + norm) @ values


def _log_estimate(points: Any, values: Any, xi: Any, factor: Any, *_: Any) -> Any:
    exponents, norm = _exponents(points, xi, factor)
    weighted = exponents[..., None] + np.log(values)[None]
    return sp.logsumexp(weighted, axis=1) + norm


def _substitute() -> None:
    from scipy.stats import _stats

    borrow.substitute(_stats.gaussian_kernel_estimate, _ByType(_estimate))
    borrow.substitute(_stats.gaussian_kernel_estimate_log, _ByType(_log_estimate))


_substitute()
borrow_class("scipy.stats.gaussian_kde")
