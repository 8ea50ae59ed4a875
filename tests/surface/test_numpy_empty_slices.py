"""Variances as NumPy computes them: the dtype that is asked for, and slices with no elements."""

import warnings
from typing import Any

import numpy as np
import pytest

import adjoint as ad

X = np.random.default_rng(5).normal(size=(3, 5))


@pytest.mark.filterwarnings("ignore::numpy.exceptions.ComplexWarning")  # NumPy's own
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.complex64, complex])
@pytest.mark.parametrize("given", [np.float16, np.float32, np.float64, np.complex64])
@pytest.mark.parametrize("name", ["var", "std", "nanvar", "nanstd"])
def test_sums_in_the_dtype_that_is_asked_for(name: str, given: Any, dtype: Any) -> None:
    x = X.astype(given)

    def f(x: Any) -> Any:
        return getattr(np, name)(x, axis=1, dtype=dtype)

    plain, value = f(x), ad.jvp(f, (x,), (x,))[0]
    assert value.dtype == plain.dtype == ad.jit(f)(x).dtype
    np.testing.assert_array_equal(value, plain)
    slope = ad.grad(lambda x: np.sum(np.real(f(x))))(x)
    wide = ad.grad(lambda x: np.sum(getattr(np, name)(x, axis=1)))(x.astype(np.result_type(x, 1.0)))
    np.testing.assert_allclose(slope, wide, atol=5e-3)


@pytest.mark.parametrize("name", ["mean", "var", "std", "nanmean", "nanvar", "nanstd"])
def test_nothing_moves_where_there_is_nothing(name: str) -> None:
    def f(x: Any) -> Any:
        return getattr(np, name)(x, axis=1)

    def tangent(x: Any) -> Any:
        return ad.jvp(f, (x,), (x,))[1]

    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for g in (tangent, ad.jit(tangent)):
            np.testing.assert_array_equal(g(np.zeros((2, 0))), [0.0, 0.0])


@pytest.mark.parametrize("name", ["nanmean", "nanvar", "nanstd"])
def test_slices_of_nan_alone_move_in_no_mode(name: str) -> None:
    x = np.array([[np.nan, np.nan], [1.0, 3.0]])

    def f(x: Any) -> Any:
        return getattr(np, name)(x, axis=1)

    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        value, tangent = ad.jvp(f, (x,), (np.array([[1.0, 1.0], [0.0, 2.0]]),))
        np.testing.assert_array_equal(value, [np.nan, f(x)[1]])
        slope = ad.grad(lambda x: f(x)[1] + f(x)[0])(x)
    np.testing.assert_array_equal(slope[0], [0.0, 0.0])
    np.testing.assert_allclose(tangent, [0.0, 2.0 * slope[1, 1]])
