"""scipy.stats on stand-in arrays: tests whose statistic moves, resampling, robust slopes."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import scipy.special as sp

from adjoint.graph.types import ArrayType
from adjoint.trace import borrow
from adjoint.trace.borrow_scipy import (
    borrow_names,
    borrow_scipy,
    is_unknown,
    own_code,
    prepare,
    when_unknown,
)
from adjoint.trace.calls.from_values import from_values
from adjoint.trace.calls.lines import along_lines
from adjoint.trace.calls.scipy_special import doubled, floating
from adjoint.trace.calls.scipy_stats import valid_at
from adjoint.trace.calls.scipy_stats_families import family
from adjoint.trace.calls.scipy_stats_numeric import plain
from adjoint.trace.calls.support import moved_as, root
from adjoint.trace.indexing import known_value
from adjoint.trace.scipy_gate import holds_traced, scipy_rule
from adjoint.trace.without_rule import no_rule

borrow_names(
    "scipy.stats",
    "boxcox_normplot yeojohnson_normplot ppcc_max",
    "ks_1samp kstest cramervonmises anderson tukey_hsd goodness_of_fit bayes_mvs mvsdist dunnett",
    "bootstrap permutation_test monte_carlo_test",
)


def _recorded_model(*, func: Any, dists: Any = None, **_: Any) -> bool:
    """Whether a model gives recorded values."""
    return callable(func) and holds_traced([func(np.full((len(dists), 2), 0.5))])


borrow_scipy("scipy.stats.sobol_indices", wanted=_recorded_model)

# *** what SciPy's code asks of values, to warn or to correct them ***


@scipy_rule("scipy._lib._array_api.is_lazy_array")
def is_lazy(x: Any) -> bool:
    """No: what SciPy's own code then reaches says which function has no rule.

    For lazy arrays it raises an error of its own where it is told of NaN or of dimensions.
    """
    return False


class _Namespace:
    """NumPy as SciPy's code asks for it: nothing is wrong with values that are not known yet."""

    def __init__(self, real: Any) -> None:
        self._real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def any(self, x: Any, **options: Any) -> Any:
        """Whether something is true."""
        return False if not options and is_unknown(x) else self._real.any(x, **options)


def _lenient(module: Any) -> None:
    names = borrow.globals_for(vars(module))
    real = names.get("array_namespace")
    if real is not None:
        names["array_namespace"] = lambda *arrays, **options: _Namespace(real(*arrays, **options))


def _be_lenient() -> None:
    prepare()  # before their names are looked at
    for name in ("_quantile", "_resampling"):  # not every SciPy has both
        module = sys.modules.get(f"scipy.stats.{name}")
        if module is not None:
            _lenient(module)
    # The wrapper of tests gives keepdims and nan_policy up for arrays that are not known yet.
    wrapper = borrow.globals_for(vars(sys.modules["scipy.stats._axis_nan_policy"]))
    wrapper["is_lazy_array"] = lambda x: False


_be_lenient()


@when_unknown("scipy.stats._fit.FitResult.__init__")
def fit_result(self: Any, dist: Any, data: Any, discrete: bool, res: Any) -> None:
    """What was fitted; whether the likelihood is finite there is not known yet."""
    init = own_code("scipy.stats._fit.FitResult.__init__")
    init(self, dist, data, discrete, type(res)({**res, "success": False}))
    self.success = res.success


@scipy_rule("scipy.stats._distn_infrastructure.rv_generic.rvs")
def draws(self: Any, *args: Any, **kwds: Any) -> Any:
    """Standard numbers as they are drawn, or quantiles of drawn chances, moved by loc and scale."""
    kwds.pop("discrete", None)
    state = np.random.mtrand._rand if (seed := kwds.pop("random_state", None)) is None else seed
    shapes, loc, scale, size = self._parse_args_rvs(*args, **kwds)
    right = known_value(valid_at(self, shapes, scale) | (scale == 0))
    if right is not None and not np.all(right):
        raise ValueError(f"Domain error in arguments of scipy.stats.{self.name}.rvs")
    if isinstance(state, int | np.integer):
        state = np.random.RandomState(state)
    return family(self)._rvs(*shapes, size=size, random_state=state) * scale + loc


# *** the law of Cramer's and von Mises' statistic ***


def _cvm_chance(x: Any, n: Any) -> tuple[Any, ...]:
    from scipy.stats import _hypotests

    return (np.asarray(_hypotests._cdf_cvm(x, n)),)


def _cvm_series(x: Any, n: float) -> Any:
    """By Csorgo and Faraway (1996): the law of infinitely many data, and what n of them change."""
    k = np.arange(14.0)
    x = x[..., None]
    u = np.sqrt(x)

    def second(y: Any) -> Any:
        z = y * y / 4
        return np.exp(-z) * (y / 2) ** 1.5 * (sp.kv(0.25, z) + sp.kv(0.75, z)) / np.sqrt(np.pi)

    def third(y: Any) -> Any:
        z = y * y / 4
        inner = 2 * sp.kv(0.25, z) + 3 * sp.kv(0.75, z) - sp.kv(1.25, z)
        return np.exp(-z) / np.sqrt(np.pi) * (y / 2) ** 2.5 * inner

    q = (4 * k + 1) ** 2 / (16 * x)
    share = np.exp(sp.gammaln(k + 0.5) - sp.gammaln(k + 1))
    whole = share / (np.pi**1.5 * u) * np.sqrt(4 * k + 1) * np.exp(-q) * sp.kv(0.25, q)
    m = 2 * k + 1
    near, middle, far = ((4 * k + j) / (2 * u) for j in (1, 3, 5))
    parts = (
        m * second(middle) / (9 * x**0.75)
        + third(near) / (72 * x**1.25)
        + 2 * (m + 2) * (k + 0.5) * third(far) / (12 * x**1.25)
        + 7 * m * (second(near) + second(far)) / (144 * x**0.75)
    )
    total, change = np.sum(whole, axis=-1), -np.sum(share * parts, axis=-1) / np.pi
    return total * (1 + 1 / (12 * n)) + change / n


@when_unknown("scipy.stats._hypotests._cdf_cvm")
def cvm_chance(x: Any, n: Any = None, *, xp: Any = None) -> Any:
    """Of a smaller statistic of n data."""
    known = known_value(n)
    count = float("inf") if known is None else float(np.ravel(known)[0])
    kind = ArrayType(np.shape(x), np.dtype(np.float64))
    (value,) = from_values(_cvm_chance, (kind,), [x], count)
    inside = (x > 1 / (12 * count)) & (x < count / 3)
    return moved_as(value, np.where(inside, _cvm_series(np.where(inside, x, 0.5), count), 0.0))


# *** Siegel's slopes ***


def _others(x: Any) -> list[Any]:
    """For each place those at other abscissae."""
    n = x.shape[0]
    known = known_value(x)
    apart = ~np.eye(n, dtype=bool) if known is None else known[:, None] != known[None, :]
    return [np.flatnonzero(row) for row in apart]


@scipy_rule("scipy.stats.siegelslopes.__wrapped__")
@along_lines(2)
def siegelslopes(y: Any, x: Any = None, method: str = "hierarchical") -> Any:
    """The median of medians of slopes."""
    from scipy.stats._stats_mstats_common import SiegelslopesResult

    y = np.ravel(floating(y))
    x = np.arange(float(y.shape[0])) if x is None else np.ravel(floating(x))
    slopes, heights = [], []
    for i, j in enumerate(_others(x)):
        if not j.size:
            continue
        over = x[j] - x[i]
        slopes.append(np.median((y[j] - y[i]) / over))
        heights.append(np.median((y[i] * x[j] - y[j] * x[i]) / over))
    slope = np.median(np.stack(slopes))
    if method == "separate":
        return SiegelslopesResult(slope=slope, intercept=np.median(np.stack(heights)))
    return SiegelslopesResult(slope=slope, intercept=np.median(y - slope * x))


# *** Shapiro's and Wilk's test ***

# Royston's polynomials (1995) in n, and in log n for more than eleven.
_CENTER = ((0.544, -0.39978, 0.025054, -6.714e-4), (-1.5861, -0.31082, -0.083751, 0.0038915))
_SPREAD = ((1.3822, -0.77857, 0.062767, -0.0020322), (-0.4803, -0.082676, 0.0030302))


def _shapiro(x: Any) -> tuple[Any, Any]:
    import scipy.stats

    return tuple(scipy.stats.shapiro(x))


def _shapiro_chance(w: Any, n: int) -> Any:
    """Of a smaller statistic, for normal numbers."""
    if n == 3:
        return 6 / np.pi * (np.arcsin(np.sqrt(w)) - np.arcsin(np.sqrt(0.75)))
    y, many = np.log1p(-w), n > 11
    place = np.log(n) if many else float(n)
    if not many:
        y = -np.log(-2.273 + 0.459 * n - y)
    center = np.polyval(_CENTER[many][::-1], place)
    return sp.ndtr((center - y) / np.exp(np.polyval(_SPREAD[many][::-1], place)))


# Royston (1995): corrections of the last two weights, by powers of 1 / sqrt(n).
_LAST = (-2.706056, 4.434685, -2.071190, -0.147981, 0.221157, 0.0)
_LAST_BUT_ONE = (-3.582633, 5.682633, -1.752461, -0.293762, 0.042981, 0.0)


def _shapiro_weights(n: int) -> Any:
    """What ordered data are multiplied by; the squares add up to 1."""
    if n == 3:
        return np.array([-np.sqrt(0.5), 0.0, np.sqrt(0.5)])
    means = sp.ndtri((np.arange(1, n + 1) - 0.375) / (n + 0.25))
    size = np.sum(means**2)
    ends = [means[-1] / np.sqrt(size) + np.polyval(_LAST, n**-0.5)]
    if n > 5:
        ends.append(means[-2] / np.sqrt(size) + np.polyval(_LAST_BUT_ONE, n**-0.5))
    last, ends_size = len(ends), 2 * np.sum(np.square(ends))
    weights = means * np.sqrt((1 - ends_size) / (size - 2 * np.sum(means[-last:] ** 2)))
    weights[-last:], weights[:last] = ends[::-1], np.negative(ends)
    return weights


@scipy_rule("scipy.stats.shapiro.__wrapped__")
@along_lines(1)
def shapiro(x: Any) -> Any:
    """How near ordered data are to what normal ones would be on average."""
    from scipy.stats._morestats import ShapiroResult

    x = np.ravel(doubled(x))
    n = x.shape[0]
    weights = _shapiro_weights(n)
    off = np.sort(x) - np.mean(x)
    moving = np.sum(weights * off) ** 2 / (np.sum(weights**2) * np.sum(off * off))
    kind = ArrayType((), np.dtype(np.float64))
    w, p = from_values(_shapiro, (kind, kind), [x])
    statistic = moved_as(w, moving)
    return ShapiroResult(statistic, moved_as(p, _shapiro_chance(statistic, n)))


# *** the distance of two clouds ***


def _transport(u: Any, v: Any, u_weights: Any, v_weights: Any) -> tuple[Any, ...]:
    """SciPy's distance, and the pairs of a best plan: as many as decide all prices."""
    import scipy.optimize
    import scipy.spatial
    import scipy.stats

    m, n = len(u), len(v)
    value = scipy.stats.wasserstein_distance_nd(u, v, u_weights, v_weights)
    if not np.isfinite(value):  # infinite places or NaN: there is no plan, so any tree will do
        pairs = _tree(np.arange(m * n), m, n)
        return value, pairs // n, pairs % n
    cost = scipy.spatial.distance.cdist(u, v)
    rows = np.kron(np.eye(m), np.ones((1, n)))
    columns = np.kron(np.ones((1, m)), np.eye(n))
    shares = np.concatenate([u_weights, v_weights])
    found = scipy.optimize.linprog(
        cost.ravel(), A_eq=np.concatenate([rows, columns]), b_eq=shares, method="highs"
    )
    prices = found.eqlin.marginals
    loose = np.abs(cost - prices[:m, None] - prices[None, m:]).ravel()
    pairs = _tree(np.lexsort((loose, -found.x)), m, n)
    return value, pairs // n, pairs % n


def _tree(order: Any, m: int, n: int) -> Any:
    """The first pairs, in an order, that join all of both sides without a circle."""
    group = list(range(m + n))
    kept = []
    for pair in order:
        i, j = group[pair // n], group[m + pair % n]
        if i != j:
            group = [i if g == j else g for g in group]
            kept.append(pair)
    return np.array(kept)


@scipy_rule("scipy.stats.wasserstein_distance_nd")
def wasserstein_distance_nd(
    u_values: Any, v_values: Any, u_weights: Any = None, v_weights: Any = None
) -> Any:
    """The least work that moves one cloud to the other; the pairs of the best plan stay."""
    import scipy.stats

    u, v = doubled(u_values), doubled(v_values)
    if u.ndim == 1:
        return scipy.stats.wasserstein_distance(u, v, u_weights, v_weights)
    given = [np.ones(len(z)) if w is None else doubled(w)
             for z, w in ((u, u_weights), (v, v_weights))]  # fmt: skip
    shares = [w / np.sum(w) for w in given]
    m, n = len(u), len(v)
    count = ArrayType((m + n - 1,), np.dtype(np.int64))
    kinds = (ArrayType((), np.dtype(np.float64)), count, count)
    value, i, j = from_values(_transport, kinds, [u, v, *shares])
    apart = u[i] - v[j]
    squares = np.sum(apart * apart, axis=-1)
    # prices on both sides, the first of which is 0, add up to the work of each pair
    one = np.eye(m + n)
    sides = np.take(one, i, axis=0) + np.take(one, m + j, axis=0)
    system = np.concatenate([sides, one[:1]])
    prices = np.linalg.solve(system, np.concatenate([root(squares), np.zeros(1)]))
    work = np.sum(prices * np.concatenate(shares))
    return np.where(np.isfinite(value), moved_as(value, work), value)


# *** the rates of two counts ***


def _chances_of_counts(mean: Any, most: float) -> tuple[Any, Any]:
    """Counts with a chance that SciPy adds up, and the chances."""
    import scipy.stats

    law = scipy.stats.poisson
    counts = np.arange(law.ppf(1 - 1e-16, most) + 1)
    low, high = (plain(law, "ppf", np.float64(q), mean) for q in (1e-10, 1 - 1e-16))
    inside = (counts >= low) & (counts <= high)
    logs = sp.xlogy(counts, mean) - sp.gammaln(counts + 1) - mean
    return counts, np.where(inside, np.exp(logs), 0.0)


@scipy_rule("scipy.stats.poisson_means_test")
def poisson_means_test(
    k1: Any, n1: Any, k2: Any, n2: Any, *, diff: Any = 0, alternative: str = "two-sided"
) -> Any:
    """Whether two rates differ, by times of observation and a difference that may move."""
    from scipy.stats._stats_py import SignificanceResult

    n1, n2, diff = (doubled(v) for v in (n1, n2, diff))
    second = (k1 + k2) / (n1 + n2) - diff * n1 / (n1 + n2)
    means = [n1 * (second + diff), n2 * second]
    known = [known_value(m) for m in means]
    fixed = known_value(diff)
    if fixed is None or (fixed != 0 and any(m is None for m in known)):
        raise no_rule(
            "scipy.stats.poisson_means_test", "how many counts have a chance, not known yet,",
            remedy="call it outside jit and vmap, or with diff=0",
        )  # fmt: skip
    if fixed < 0:
        raise ValueError("diff must be greater than or equal to 0.")
    statistic = (k1 / n1 - k2 / n2 - diff) / np.sqrt(k1 / n1**2 + k2 / n2**2)
    (x1, p1), (x2, p2) = (
        _chances_of_counts(mean, max(0.0, float(k1 + k2 if m is None else m)))
        for mean, m in zip(means, known, strict=True)
    )
    x1, p1, x2, p2 = x1[:, None], p1[:, None], x2[None], p2[None]
    squares = x1 / n1**2 + x2 / n2**2
    apart = (x1 / n1 - x2 / n2 - diff) / np.sqrt(np.where(squares > 0, squares, 1.0))
    apart = np.where(squares > 0, apart, np.where(diff == 0, np.nan, -np.inf))
    here = np.where((x1 == k1) & (x2 == k2), statistic, apart)  # as it moves it stays the same
    counted = {
        "two-sided": np.abs(here) >= np.abs(statistic),
        "less": here <= statistic,
        "greater": here >= statistic,
    }[alternative]
    chance = np.sum(np.where(counted, p1 * p2, 0.0))
    none = second <= 0
    return SignificanceResult(np.where(none, 0.0, statistic), np.where(none, 1.0, chance))


# What they are told of axes, of NaN and of dimensions is SciPy's own code.
borrow_names("scipy.stats", "shapiro siegelslopes")
