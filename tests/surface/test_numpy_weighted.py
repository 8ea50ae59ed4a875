"""Statistics whose weights are arguments, also where these are not known; and bits counted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import adjoint as ad

DATA = np.random.default_rng(0).normal(size=(3, 6))
SHARES = np.array([0.5, 1.0, 2.0, 0.3, 1.0, 1.5])


@pytest.mark.parametrize(
    "f",
    [
        lambda w: np.cov(DATA, aweights=w),
        lambda w: np.cov(DATA[0], DATA[1], aweights=w, ddof=0),
        lambda w: np.cov(DATA.T, rowvar=False, aweights=w, fweights=[1, 2, 1, 3, 1, 1]),
        lambda w: np.quantile(DATA, 0.3, axis=1, weights=w, method="inverted_cdf") * w[0],
        lambda w: np.percentile(DATA * w, [0, 30, 100], weights=DATA**2, method="inverted_cdf"),
        lambda w: np.nanquantile(
            w * [1, 2, np.nan, 4, 5, 6], 0.4, weights=w, method="inverted_cdf"
        ),
        lambda w: w * np.bitwise_count((w * 10 + 0.5).astype(np.uint64)),
    ],
)
def test_weights_that_are_arguments(f: Any) -> None:
    wanted = f(SHARES)
    np.testing.assert_allclose(ad.vjp(f, SHARES)[0], wanted, rtol=1e-15)
    np.testing.assert_allclose(ad.jit(f)(SHARES), wanted, rtol=1e-13)
    np.testing.assert_allclose(ad.vmap(f)(np.stack([SHARES] * 2))[1], wanted, rtol=1e-13)

    def total(w: Any) -> Any:
        return np.sum(f(w) * np.arange(1.0, np.size(wanted) + 1).reshape(np.shape(wanted)))

    gradient, h = ad.grad(total)(SHARES), 1e-6
    slopes = [(total(SHARES + h * e) - total(SHARES - h * e)) / (2 * h) for e in np.eye(6)]
    np.testing.assert_allclose(gradient, slopes, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(ad.jit(ad.grad(total))(SHARES), gradient, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("q", [0, 0.2, 0.5, 1, [0.1, 0.9]], ids=str)
def test_weighted_quantiles_have_numpys_bits(q: Any) -> None:
    weights = np.abs(DATA)
    weights[0, :3] = 0
    for axis, given in ((None, weights), (1, SHARES), (0, weights)):
        settings: Any = {"axis": axis, "weights": given, "method": "inverted_cdf"}
        got = ad.vjp(lambda d: np.quantile(d, q, **settings), DATA)[0]  # noqa: B023
        np.testing.assert_array_equal(got, np.quantile(DATA, q, **settings))
    with pytest.raises(ValueError, match="inverted_cdf"):
        ad.grad(lambda d: np.quantile(d, 0.5, weights=d))(SHARES)
    with pytest.raises(ValueError, match="non-negative"):
        ad.grad(lambda d: np.quantile(d, 0.5, weights=-d, method="inverted_cdf"))(SHARES)


@pytest.mark.parametrize("dtype", [np.uint64, np.int64, np.int8])
def test_bits_are_counted(dtype: Any) -> None:
    ends = np.iinfo(dtype)
    numbers = np.array([0, 1, 3, 100, ends.max, ends.min, ends.max // 3], dtype)
    got = ad.jit(np.bitwise_count)(numbers)
    np.testing.assert_array_equal(got, np.bitwise_count(numbers))
    assert got.dtype == np.uint8
