"""scipy.stats on stand-in arrays: tests whose statistic moves, resampling, robust slopes."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special as sp

from adjoint.graph.types import ArrayType
from adjoint.trace.borrow_scipy import borrow_names, borrow_scipy
from adjoint.trace.calls.from_values import from_values
from adjoint.trace.calls.scipy_special import doubled, floating
from adjoint.trace.calls.support import moved_as, root
from adjoint.trace.indexing import known_value
from adjoint.trace.scipy_gate import holds_traced, scipy_rule

borrow_names(
    "scipy.stats",
    "boxcox_normmax yeojohnson_normmax boxcox_normplot yeojohnson_normplot ppcc_max",
    "ks_1samp kstest cramervonmises anderson tukey_hsd goodness_of_fit bayes_mvs mvsdist dunnett",
    "bootstrap permutation_test monte_carlo_test",
)


def _recorded_model(*, func: Any, dists: Any = None, **_: Any) -> bool:
    """Whether a model gives recorded values."""
    return callable(func) and holds_traced([func(np.full((len(dists), 2), 0.5))])


borrow_scipy("scipy.stats.sobol_indices", wanted=_recorded_model)

# *** Siegel's slopes ***


def _others(x: Any) -> list[Any]:
    """For each place those at other abscissae."""
    n = x.shape[0]
    known = known_value(x)
    apart = ~np.eye(n, dtype=bool) if known is None else known[:, None] != known[None, :]
    return [np.flatnonzero(row) for row in apart]


@scipy_rule("scipy.stats.siegelslopes")
def siegelslopes(y: Any, x: Any = None, method: str = "hierarchical", **_: Any) -> Any:
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


@scipy_rule("scipy.stats.shapiro")
def shapiro(x: Any, **_: Any) -> Any:
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
    cost = scipy.spatial.distance.cdist(u, v)
    rows = np.kron(np.eye(m), np.ones((1, n)))
    columns = np.kron(np.ones((1, m)), np.eye(n))
    shares = np.concatenate([u_weights, v_weights])
    found = scipy.optimize.linprog(
        cost.ravel(), A_eq=np.concatenate([rows, columns]), b_eq=shares, method="highs"
    )
    value = scipy.stats.wasserstein_distance_nd(u, v, u_weights, v_weights)
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
    return moved_as(value, np.sum(prices * np.concatenate(shares)))
