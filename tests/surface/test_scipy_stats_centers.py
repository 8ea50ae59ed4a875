"""Families of scipy.stats where SciPy writes one formula for each side of the center."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.stats as st

import adjoint as ad

# A function of a place, and its first and second derivatives at the center.
CENTERS: dict[str, tuple[Any, float, float, float]] = {
    "logistic": (st.logistic.logpdf, 0.0, 0, -1 / 2),
    "genlogistic": (lambda x: st.genlogistic.logpdf(x, 0.4), 0.0, -0.3, -0.35),
    "gennorm cdf": (lambda x: st.gennorm.cdf(x, 4.0), 0.0, st.gennorm.pdf(0, 4.0), 0),
    "gennorm sf": (lambda x: st.gennorm.sf(x, 2.0), 0.0, -st.gennorm.pdf(0, 2.0), 0),
    "gennorm ppf": (lambda q: st.gennorm.ppf(q, 4.0), 0.5, 1 / st.gennorm.pdf(0, 4.0), 0),
    "dgamma": (lambda x: st.dgamma.cdf(x, 3.0), 0.0, 0, 0),
    "dgamma 1": (lambda x: st.dgamma.sf(x, 1.0), 0.0, -1 / 2, 1 / 2),
    "dweibull": (lambda x: st.dweibull.cdf(x, 1.0), 0.0, 1 / 2, -1 / 2),
    "pearson3 pdf": (lambda s: st.pearson3.logpdf(0.7, s), 0.0, (0.7**3 - 2.1) / 6, np.nan),
    "pearson3 ppf": (lambda s: st.pearson3.ppf(0.5, s), 0.0, -1 / 6, 0),
}


@pytest.mark.parametrize("name", CENTERS)
def test_derivatives_at_the_center(name: str) -> None:
    """Of both orders, outside and inside ``jit``."""
    f, x, first, second = CENTERS[name]
    assert abs(ad.grad(f)(x) - first) < 1e-13
    assert abs(ad.jit(ad.grad(f))(x) - first) < 1e-13
    if not np.isnan(second):
        assert abs(ad.grad(ad.grad(f))(x) - second) < 1e-12


@pytest.mark.parametrize("x", [0.0, 0.5, -1.7])
def test_the_skew_of_pearson3_moves_from_nothing(x: float) -> None:
    """By differences over a skew on both sides."""
    for method in (st.pearson3.cdf, st.pearson3.sf, lambda x, s: st.pearson3.isf(0.2, s)):
        wide = [(method(x, h) - method(x, -h)) / (2 * h) for h in (1e-2, 2e-2)]
        wanted = (4 * wide[0] - wide[1]) / 3
        assert abs(ad.grad(lambda s: method(x, s))(0.0) - wanted) < 1e-8  # noqa: B023


@pytest.mark.parametrize(
    ("family", "shapes"),
    [
        ("logistic", ()), ("genlogistic", (0.7,)), ("gennorm", (1.3,)), ("gennorm", (4.0,)),
        ("gennorm", (0.6,)), ("dgamma", (2.5,)), ("dweibull", (2.5,)), ("pearson3", (0.8,)),
        ("pearson3", (-1.3,)), ("pearson3", (0.0,)),
    ],
)  # fmt: skip
def test_values_are_those_of_scipy(family: str, shapes: tuple[float, ...]) -> None:
    """On both sides, in the tails and at the center."""
    x = np.array([0.0, 1e-9, -1e-9, 0.3, -0.8, 2.5, -3.5, 25.0, -25.0])
    law = getattr(st, family)
    for method in ("logpdf", "pdf", "cdf", "sf", "logsf", "ppf", "isf"):
        points = np.linspace(0.02, 0.98, 9) if method in ("ppf", "isf") else x
        wanted = getattr(law, method)(points, *shapes)
        got = ad.vmap(lambda y, m=method: getattr(law, m)(y, *shapes))(points)
        np.testing.assert_allclose(got, wanted, rtol=2e-13, atol=1e-16)


@pytest.mark.parametrize("shapes", [(2.0, 2.0, 1.0), (5.0, 7.0, 0.5), (1.0, 1.0, 1.0)])
def test_noncentral_f_with_few_degrees_of_freedom(shapes: tuple[float, ...]) -> None:
    """Its mixture has places that no Bessel function reaches."""
    value, slope = ad.value_and_grad(lambda x: st.ncf.logpdf(x, *shapes))(0.5)
    near = [st.ncf.logpdf(0.5 + h, *shapes) for h in (1e-5, -1e-5)]
    assert abs(value - st.ncf.logpdf(0.5, *shapes)) < 1e-12
    assert abs(slope - (near[0] - near[1]) / 2e-5) < 1e-8
