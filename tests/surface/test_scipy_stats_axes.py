"""Axes, kept dimensions and NaN for functions of scipy.stats that have formulas of our own."""

import numpy as np
import pytest
import scipy.stats as st

import adjoint as ad
from adjoint.errors import ConcreteValueError, UnsupportedError

RNG = np.random.default_rng(0)
DATA, OTHER = np.abs(RNG.normal(size=(4, 7))) + 0.1, RNG.normal(size=(4, 7))
FUNCTIONS = {
    "hmean": lambda x, **k: st.hmean(x, **k),
    "pmean": lambda x, **k: st.pmean(x, 2.5, **k),
    "shapiro": lambda x, **k: st.shapiro(x, **k).statistic,
    "siegelslopes": lambda x, **k: st.siegelslopes(x, **k)[0],
    "linregress": lambda x, **k: st.linregress(x, OTHER, **k).slope,
    "boxcox_llf": lambda x, **k: st.boxcox_llf(0.3, x, **k),
}
OPTIONS = {
    "no options": {},
    "rows": {"axis": 1},
    "all": {"axis": None},
    "kept": {"axis": 0, "keepdims": True},
    "without NaN": {"axis": 1, "nan_policy": "omit"},
}


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_options_are_heard(name, options):
    def f(x):
        return FUNCTIONS[name](x, **OPTIONS[options])

    x = DATA.copy()
    if options == "without NaN":
        if name == "linregress":
            pytest.skip("SciPy leaves out pairs, and x is then of another length")
        x[1, 2] = np.nan
    value = f(x)
    found = ad.value_and_grad(lambda x: (np.sum(f(x)), f(x)), has_aux=True)(x)[0][1]
    np.testing.assert_allclose(found, value, rtol=1e-14)
    assert np.shape(found) == np.shape(value)
    if options != "without NaN":
        compiled = ad.jit(f)(x)
        np.testing.assert_allclose(compiled, value, rtol=1e-12)
        assert np.shape(compiled) == np.shape(value)
        ad.check_grads(lambda x: np.sum(f(x) ** 2), (x,), order=1)


@pytest.mark.parametrize("mode", ["jit", "vmap"])
@pytest.mark.parametrize("options", ["kept", "without NaN"])
@pytest.mark.parametrize("name", ["kruskal", "mannwhitneyu", "ranksums", "wilcoxon"])
def test_tests_of_ranks_are_refused_by_name_with_their_options(name, options, mode):
    def f(x):
        return getattr(st, name)(x, x + OTHER, **OPTIONS[options]).statistic

    transformed = ad.jit(f) if mode == "jit" else ad.vmap(f)
    with pytest.raises(UnsupportedError, match=f"scipy.stats.{name} has no rule"):
        transformed(DATA if mode == "jit" else np.stack([DATA, DATA]))


REDUCING = {
    "tvar": lambda x, **k: st.tvar(x, (0.2, 5.0), **k),
    "tstd": st.tstd,
    "tsem": st.tsem,
    "trim_mean": lambda x, **k: st.trim_mean(x, 0.2, **k),
    "iqr": st.iqr,
    "quantile": lambda x, **k: st.quantile(x, [0.3, 0.6], **{"axis": 1, **k}),
    "quantile of one": lambda x, **k: st.quantile(x, 0.3, **k),
}


@pytest.mark.parametrize(
    "options", [{}, {"axis": 1}, {"axis": None}, {"axis": 1, "keepdims": True}]
)
@pytest.mark.parametrize("name", REDUCING)
def test_missing_numbers_are_seen_under_jit_and_vmap(name, options):
    def f(x):
        return REDUCING[name](x, **options)

    x = DATA.copy()
    x[1, 2] = np.nan
    value = f(x)
    assert np.any(np.isnan(value))
    np.testing.assert_allclose(ad.jit(f)(x), value, rtol=1e-12)
    np.testing.assert_allclose(ad.vmap(f)(np.stack([x, DATA])), [value, f(DATA)], rtol=1e-12)


OMITTING = ["tmin", "tmean", "tvar", "skew", "gmean", "sem", "kstat", "circmean", "entropy",
            "median_abs_deviation", "iqr", "describe", "jarque_bera"]  # fmt: skip


@pytest.mark.parametrize("mode", ["jit", "vmap"])
@pytest.mark.parametrize("name", [*OMITTING, "quantile"])
def test_leaving_missing_numbers_out_needs_their_values(name, mode):
    given = (0.3,) if name == "quantile" else ()

    def f(x):
        return getattr(st, name)(x, *given, axis=1, nan_policy="omit")

    transformed = ad.jit(f) if mode == "jit" else ad.vmap(f)
    with pytest.raises((ConcreteValueError, UnsupportedError), match="NaN"):
        transformed(DATA if mode == "jit" else np.stack([DATA, DATA]))


def test_ranks_of_single_numbers_have_no_correlation():
    def f(a, b):
        return st.spearmanr(a, b).statistic

    with np.errstate(all="ignore"):
        assert np.isnan(f(4.0, 2.0))
        assert np.isnan(ad.jit(f)(4.0, 2.0))
