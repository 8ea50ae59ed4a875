"""scipy.stats: the common families by name, in the argument, the shapes, loc and scale."""

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.stats as st

import adjoint as ad

_spec = importlib.util.spec_from_file_location("checking", Path(__file__).with_name("checking.py"))
assert _spec is not None
assert _spec.loader is not None
checking = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(checking)

DENSITIES = ("pdf", "logpdf")
ALL = (*DENSITIES, "cdf", "sf", "logcdf", "logsf", "ppf", "isf")
NO_QUANTILE = ALL[:6]
FAMILIES: dict[str, tuple[tuple[float, ...], tuple[str, ...]]] = {
    "norm": ((), ALL),
    "t": ((2.7,), ALL),
    "gamma": ((1.9,), ALL),
    "beta": ((2.3, 0.6), ALL),
    "expon": ((), ALL),
    "lognorm": ((0.9,), ALL),
    "cauchy": ((), ALL),
    "laplace": ((), ALL),
    "logistic": ((), ALL),
    "uniform": ((), ALL),
    "weibull_min": ((1.8,), ALL),
    "weibull_max": ((2.8,), ALL),
    "chi2": ((5.3,), ALL),
    "chi": ((3.3,), ALL),
    "f": ((4.3, 6.1), ALL),
    "pareto": ((2.6,), ALL),
    "genpareto": ((0.4,), ALL),
    "genextreme": ((-0.1,), ALL),
    "gumbel_r": ((), ALL),
    "gumbel_l": ((), ALL),
    "halfnorm": ((), ALL),
    "invgamma": ((4.1,), ALL),
    "invgauss": ((0.6,), NO_QUANTILE),
    "rayleigh": ((), ALL),
    "maxwell": ((), ALL),
    "hypsecant": ((), ALL),
    "powerlaw": ((1.7,), ALL),
    "skewnorm": ((4.0,), ("pdf", "logpdf", "cdf", "sf", "logcdf")),
    "truncnorm": ((-1.2, 2.1), NO_QUANTILE),
    "vonmises": ((3.9,), DENSITIES),
    "gompertz": ((0.9,), ALL),
    "exponnorm": ((1.5,), NO_QUANTILE),
    "betaprime": ((5.0, 6.0), NO_QUANTILE),
    "rice": ((0.8,), DENSITIES),
    "johnsonsu": ((2.5, 2.2), ALL),
    "burr": ((10.5, 4.3), ALL),
    "gennorm": ((1.3,), ALL),
    "kappa3": ((1.2,), ALL),
    "moyal": ((), ALL),
}
CONTINUOUS = [(name, method) for name, (_, methods) in FAMILIES.items() for method in methods]


@pytest.mark.parametrize(("name", "method"), CONTINUOUS)
def test_continuous(name: str, method: str, rng: np.random.Generator) -> None:
    shapes = FAMILIES[name][0]
    dist = getattr(st, name)
    q = np.array([0.2, 0.35, 0.7])
    x = q if method in ("ppf", "isf") else dist.ppf(q, *shapes, loc=0.3, scale=1.7)

    def f(x: Any, loc: Any, scale: Any, *shapes: Any) -> Any:
        return getattr(dist, method)(x, *shapes, loc=loc, scale=scale)

    args = (x, np.float64(0.3), np.float64(1.7), *map(np.float64, shapes))
    skip = {"bits"} if method == "logpdf" else {"bits", "second", "vmap", "jit"}
    checking.check(checking.Case(name, f, args, frozenset(skip), 2e-6), rng, h=2e-4)


DISCRETE = {
    "poisson": ((4.3,), (0,)),
    "binom": ((7, 0.4), (1,)),
    "bernoulli": ((0.3,), (0,)),
    "nbinom": ((5.0, 0.5), (0, 1)),
    "geom": ((0.3,), (0,)),
    "betabinom": ((7, 2.3, 0.63), (1, 2)),
    "skellam": ((6.0, 8.0), (0, 1)),
    "zipfian": ((1.3, 10), (0,)),
    "nchypergeom_fisher": ((20, 7, 12, 0.8), (3,)),
    "logser": ((0.6,), (0,)),
    "planck": ((0.51,), (0,)),
}


@pytest.mark.parametrize("method", ["pmf", "logpmf", "cdf", "sf"])
@pytest.mark.parametrize("name", [name for name, (_, moving) in DISCRETE.items() if moving])
def test_discrete(name: str, method: str, rng: np.random.Generator) -> None:
    shapes, moving = DISCRETE[name]
    dist = getattr(st, name)
    k = dist.ppf([0.2, 0.5, 0.8], *shapes)

    def f(*parameters: Any) -> Any:
        given = list(shapes)
        for i, value in zip(moving, parameters, strict=True):
            given[i] = value
        return getattr(dist, method)(k, *given)

    args = tuple(np.float64(shapes[i]) for i in moving)
    skip = frozenset({"bits", "second", "vmap", "jit"})
    checking.check(checking.Case(name, f, args, skip, 2e-6), rng, h=2e-4)


def test_trials_of_different_chances(rng: np.random.Generator) -> None:
    def f(p: Any) -> Any:
        return st.poisson_binom.logpmf([0, 1, 2], [p[0], p[1], 0.3])

    checking.check(
        checking.Case("trials", f, (np.array([0.2, 0.6]),), frozenset({"bits"}), 1e-6), rng
    )


def test_frozen_distributions(rng: np.random.Generator) -> None:
    def f(p: Any) -> Any:
        return (
            st.norm(p[0], p[1]).logpdf(np.arange(3.0))
            + st.gamma(p[1], scale=p[0]).cdf(2.0)
            + st.norm(p[0], p[1]).ppf(0.3)
        )

    case = checking.Case("frozen", f, (np.array([0.7, 1.3]),), frozenset({"bits"}), 1e-6)
    checking.check(case, rng)


def test_moments_and_entropies() -> None:
    assert ad.grad(lambda a: st.gamma.mean(a, scale=2.0))(0.5) == 2.0
    assert ad.grad(lambda s: st.norm.var(0.0, s))(3.0) == 6.0
    assert ad.grad(lambda s: st.norm.entropy(0.0, s))(0.5) == 2.0


@pytest.mark.parametrize("name", ["anglit", "arcsine", "cosine", "chi2"])
def test_moments_about_0_have_scipys_digits(name: str) -> None:
    shapes = (78.0,) if name == "chi2" else ()
    for order in (2, 3, 4):

        def f(p: Any, order: int = order) -> Any:
            return getattr(st, name)(*shapes, loc=p[0], scale=p[1]).moment(order)

        p = np.array([0.3, 1.7])
        value, slope = ad.jvp(f, (p,), (np.array([1.0, 0.0]),))
        assert value == f(p)
        lower = getattr(st, name)(*shapes, *p).moment(order - 1)
        np.testing.assert_allclose(slope, order * lower, rtol=1e-12)


def test_outside_the_support_the_slope_is_zero() -> None:
    g = ad.grad(lambda x: np.sum(st.gamma.pdf(x, 2.5)))(np.array([-1.0, 0.5]))
    assert g[0] == 0.0
    assert np.isfinite(g[1])
    assert st.gamma.pdf(-1.0, 2.5) == 0.0
    assert np.isnan(ad.vjp(lambda s: st.norm.pdf(1.0, scale=s), -1.0)[0])


def test_likelihood_of_a_sample_has_its_maximum_at_the_moments() -> None:
    x = np.random.default_rng(0).normal(2.0, 3.0, 200)

    def loss(p: Any) -> Any:
        return -np.sum(st.norm.logpdf(x, p[0], p[1]))

    g = ad.grad(loss)(np.array([x.mean(), x.std()]))
    np.testing.assert_allclose(g, 0, atol=1e-10)


SAMPLES = {
    "entropy": lambda x: st.entropy(x * x, x**4 + 1.0, base=2, axis=1),
    "zscore": lambda x: st.zscore(x, axis=1, ddof=1),
    "gmean": lambda x: st.gmean(x * x + 0.1, axis=1),
    "hmean": lambda x: st.hmean(x * x + 0.1, axis=0),
    "skew": lambda x: st.skew(x, axis=1, bias=False),
    "kurtosis": lambda x: st.kurtosis(x, axis=1, bias=False),
    "moment": lambda x: st.moment(x, order=3, axis=1),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_samples(name: str, rng: np.random.Generator) -> None:
    x = np.random.default_rng(4).normal(size=(3, 6))
    checking.check(checking.Case(name, SAMPLES[name], (x,), frozenset({"bits"}), 1e-5), rng)
