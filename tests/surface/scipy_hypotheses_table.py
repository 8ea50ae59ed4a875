"""scipy.stats tests, laws of their statistics, and resampling: cases in every mode."""

from typing import Any

import numpy as np
import scipy.special as sp
import scipy.stats as st

rng = np.random.default_rng(0)
x = rng.gamma(2.0, 1.0, 20)
z = rng.normal(size=20)
X = rng.normal(size=(9, 3))
t = np.arange(20.0)
w = rng.uniform(0.5, 1.0, 5)
q = np.float64(0.27)


def seeded() -> Any:
    return np.random.default_rng(1)


def spread(a: Any, axis: int = -1) -> Any:
    return np.std(a, axis=axis)


CASES: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "smirnov": (lambda d: [sp.smirnov([3, 4], d), sp.smirnovi(3, d)], (np.array([0.28, 0.6]),)),
    "ksone": (lambda d: [f(d, 10) for f in (st.ksone.cdf, st.ksone.pdf, st.ksone.ppf)], (q,)),
    "kstwo": (lambda d: [f(d, 10) for f in (st.kstwo.cdf, st.kstwo.sf, st.kstwo.ppf)], (q,)),
    "kstwo many": (lambda d: st.kstwo.sf(d, 300), (np.float64(0.07),)),
    "kstwobign": (lambda d: [f(d) for f in (st.kstwobign.pdf, st.kstwobign.ppf)], (q,)),
    "studentized range": (
        lambda d, v: [st.studentized_range.sf(d, 3, v), st.studentized_range.cdf(d, 4, v)],
        (np.float64(2.5), np.float64(11.5)),
    ),
    "ks_1samp": (lambda x: tuple(st.ks_1samp(x, st.norm.cdf))[:2], (z,)),
    "kstest": (lambda x, m: st.kstest(x, "logistic", (m, 1.0), alternative="less").pvalue, (z, q)),
    "cramervonmises": (lambda x: st.cramervonmises(x, "norm").statistic, (z,)),
    "cramervonmises chance": (
        lambda x, m: [st.cramervonmises(x, "norm", (m,)).pvalue],
        (z, q),
    ),
    "fits of tests": (
        lambda x: [st.anderson(x, d, method="interpolate").statistic for d in ("expon", "gumbel_l")]
        + [st.goodness_of_fit(st.norm, x, statistic=s, n_mc_samples=5, rng=seeded()).statistic
           for s in ("ad", "cvm", "filliben")],
        (x,),
    ),
    "bootstrap others": (
        lambda x: [
            st.bootstrap((x,), np.mean, n_resamples=29, rng=seeded(), method=m).confidence_interval
            for m in ("percentile", "basic")
        ],
        (x,),
    ),
    "draws": (lambda m: st.gumbel_r.rvs(m, m, size=3, random_state=1), (q,)),
    "anderson": (lambda x: st.anderson(x, method="interpolate").statistic, (z,)),
    "shapiro": (lambda x: tuple(st.shapiro(x)), (z,)),
    "shapiro few": (lambda x: [*st.shapiro(x[:7]), *st.shapiro(x[:3])], (z,)),
    "tukey": (lambda X: [st.tukey_hsd(*X.T).statistic, st.tukey_hsd(*X.T).pvalue[0, 1:]], (X,)),
    "dunnett": (lambda X: st.dunnett(X[:, 0], X[:, 1], control=X[:, 2]).statistic, (X,)),
    "siegel": (lambda y, t: tuple(st.siegelslopes(y, t)), (x, t)),
    "siegel ties": (lambda y: st.siegelslopes(y, np.floor(t / 2), "separate")[1], (x,)),
    "wasserstein nd": (lambda X, w: st.wasserstein_distance_nd(X[:5], X[5:], w), (X, w)),
    "bayes_mvs": (lambda x: [tuple(part) for part in st.bayes_mvs(x)], (x,)),
    "mvsdist": (lambda x: [law.var() for law in st.mvsdist(x)], (x,)),
    "bootstrap": (
        lambda x: st.bootstrap((x,), spread, n_resamples=49, rng=seeded()).confidence_interval.low,
        (x,),
    ),
    "permutation": (
        lambda x: st.permutation_test(
            (x, z), lambda a, b: np.mean(a) - np.mean(b), n_resamples=9, rng=seeded()
        ).statistic,
        (x,),
    ),
    "sobol": (
        lambda a: st.sobol_indices(
            func=lambda v: np.sin(a * v[0]) + v[1] ** 2, n=16, dists=[st.uniform()] * 2,
            rng=seeded(),
        ).total_order,
        (q,),
    ),
    "boxcox plot": (lambda x: st.boxcox_normplot(x, -2, 2, N=5)[1], (x,)),
}  # fmt: skip
# What is left out, by case: SciPy adds in another order (bits), or its code chooses by values.
SKIP: dict[str, str] = {
    "kstwo many": "bits",
    "kstwobign": "bits",
    "ksone": "bits",
    "studentized range": "bits",
    "tukey": "bits second",
    "siegel ties": "bits",
    "wasserstein nd": "bits",
    "bayes_mvs": "bits",
}
