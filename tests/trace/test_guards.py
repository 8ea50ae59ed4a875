"""Checks of SciPy's that raise are passed over under jit; short cuts at one value are refused."""

import numpy as np
import pytest
import scipy.signal
import scipy.stats

import adjoint as ad

X = np.array([0.4, 0.9, 1.3, 0.7, 1.1])


def test_a_check_is_passed_over_where_values_are_unknown() -> None:
    def f(w: float) -> float:
        return scipy.signal.lp2lp_zpk(np.array([0.2]), np.array([-0.4, -0.3]), 0.7, w)[2]

    assert ad.trace(f, 1.3).output_types[0].shape == ()
    assert abs(ad.grad(f)(1.3) - 0.7) < 1e-15


def test_a_check_still_raises_where_values_are_known() -> None:
    with pytest.raises(ValueError, match=r"[Cc]utoff"):
        ad.grad(lambda c: np.sum(scipy.signal.firwin(5, c)))(-0.3)


def test_a_short_cut_at_one_value_is_refused() -> None:
    with pytest.raises(ad.errors.UnsupportedError, match="short cut"):
        ad.grad(lambda p: scipy.stats.pmean(X, p))(0.0)
    h = 1e-6
    slope = (scipy.stats.pmean(X, 0.5 + h) - scipy.stats.pmean(X, 0.5 - h)) / (2 * h)
    assert abs(ad.grad(lambda p: scipy.stats.pmean(X, p))(0.5) - slope) < 1e-8


def test_the_users_own_comparisons_are_free() -> None:
    assert ad.grad(lambda x: x * x if x == 2.0 else x)(2.0) == 4.0


def test_place_with_a_mask_that_is_not_known() -> None:
    def f(x: np.ndarray) -> np.ndarray:
        y = np.zeros(5)
        np.place(y, x > 0.8, [1.0, 2.0])
        return y * x

    assert np.array_equal(ad.jit(f)(X), f(X))
    assert f(X).tolist() == [0.0, 0.9, 2.6, 0.0, 1.1]
