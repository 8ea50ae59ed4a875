"""Formulas of families of counts, where SciPy's are compiled."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special as sp

from adjoint.trace.indexing import known_value

_MOST = 100_000  # terms of a sum that are written out


def _skellam_logpmf(k: Any, mu1: Any, mu2: Any) -> Any:
    root = np.sqrt(mu1 * mu2)
    tilt = 0.5 * k * (np.log(mu1) - np.log(mu2))
    return tilt - (np.sqrt(mu1) - np.sqrt(mu2)) ** 2 + np.log(sp.ive(np.abs(k), 2 * root))


def _skellam_cdf(k: Any, mu1: Any, mu2: Any) -> Any:
    below = sp.chndtr(2 * mu2, -2 * np.where(k < 0, k, -1.0), 2 * mu1)
    above = 1 - sp.chndtr(2 * mu1, 2 * (np.where(k < 0, 0.0, k) + 1), 2 * mu2)
    return np.where(k < 0, below, above)


def _harmonic(n: Any, a: Any) -> Any:
    """The sum of ``j**-a`` to n."""
    known = known_value(n)
    most = _MOST + 1 if known is None else int(np.max(known, initial=1))
    if most > _MOST:
        return sp.zeta(a, 1.0) - sp.zeta(a, n + 1.0)
    j = np.arange(1.0, most + 1)
    return np.sum(np.where(j <= np.expand_dims(n, -1), j ** -np.expand_dims(a, -1), 0.0), axis=-1)


def _poisson_binom_pmf(k: Any, *chances: Any) -> Any:
    """One trial after the other: the counts so far, and those with one more."""
    shape = np.broadcast_shapes(*map(np.shape, chances))
    row: Any = np.ones((*shape, 1))
    for chance in chances:
        p = np.broadcast_to(chance, shape)[..., None]
        none = np.zeros((*shape, 1))
        row = np.concatenate([row * (1 - p), none], -1) + np.concatenate([none, row * p], -1)
    counts = np.arange(len(chances) + 1.0)
    return np.sum(np.where(counts == np.expand_dims(k, -1), row, 0.0), axis=-1)


def _choose(n: Any, k: Any) -> Any:
    return sp.gammaln(n + 1) - sp.gammaln(k + 1) - sp.gammaln(n - k + 1)


def _fisher_logpmf(k: Any, M: Any, n: Any, N: Any, odds: Any) -> Any:
    """Fisher's noncentral hypergeometric chances: over the sum of all that may be."""
    known = known_value(N)
    most = int(np.max(known, initial=0)) if known is not None else _MOST
    counts = np.arange(most + 1.0)
    M_, n_, N_, odds_ = (np.expand_dims(x, -1) for x in (M, n, N, odds))
    possible = (counts >= N_ - (M_ - n_)) & (counts <= n_) & (counts <= N_)
    safe = np.where(possible, counts, np.maximum(0.0, N_ - (M_ - n_)))
    terms = _choose(n_, safe) + _choose(M_ - n_, N_ - safe) + safe * np.log(odds_)
    total = sp.logsumexp(np.where(possible, terms, -np.inf), axis=-1)
    return _choose(n, k) + _choose(M - n, N - k) + k * np.log(odds) - total


COUNTS: dict[str, dict[str, Any]] = {
    "skellam": {"_logpmf": _skellam_logpmf, "_cdf": _skellam_cdf},
    "zipfian": {
        "_logpmf": lambda k, a, n: -a * np.log(k) - np.log(_harmonic(n, a)),
        "_cdf": lambda k, a, n: _harmonic(k, a) / _harmonic(n, a),
    },
    "poisson_binom": {"_pmf": _poisson_binom_pmf},
    "nchypergeom_fisher": {"_logpmf": _fisher_logpmf},
}
