"""scipy.linalg as called with its options: shapes, dtypes and unread places are SciPy's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.linalg as sl

import adjoint as ad

rng = np.random.default_rng(12)
A, T = rng.normal(size=(4, 4)), rng.normal(size=(5, 3))


def _as_scipy(f: Any, x: Any) -> None:
    wanted, (made, pull) = f(x), ad.vjp(f, x)
    assert (made.dtype, made.shape) == (wanted.dtype, wanted.shape)
    np.testing.assert_allclose(made, wanted, rtol=1e-9, atol=1e-9)
    to, away = rng.normal(size=x.shape), rng.normal(size=wanted.shape)
    slope = np.sum(away * (f(x + 1e-6 * to) - f(x - 1e-6 * to)).real) / 2e-6
    moved = np.sum(away * ad.jvp(f, (x,), (to,))[1].real)
    np.testing.assert_allclose(moved, slope, rtol=1e-5, atol=1e-6)
    back = pull(away.astype(wanted.dtype))[0]
    np.testing.assert_allclose(np.sum(np.real(back) * to), slope, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("mode", ["full", "r", "economic"])
def test_rq_of_matrices_of_every_shape(mode: str) -> None:
    for a in (A, T, T.T):
        _as_scipy(lambda x: sl.rq(x, mode="r") if mode == "r" else sl.rq(x, mode=mode)[0], a)
        if mode == "economic" or a.shape[0] >= a.shape[1]:
            _as_scipy(lambda x: sl.rq(x, mode=mode)[-1], a)


def test_what_least_squares_leaves_is_a_number_for_one_right_side() -> None:
    b = np.arange(5.0) ** 2
    _as_scipy(lambda x: sl.lstsq(x, b)[1], T)
    _as_scipy(lambda x: sl.lstsq(x, np.stack([b, -b + 1], 1))[1], T)
    _as_scipy(lambda x: sl.lstsq(x, b, lapack_driver="gelsy")[0], T)
    rest: Any = ad.vmap(lambda x: np.zeros(len(sl.lstsq(x, b, lapack_driver="gelsy")[1])))(T[None])
    assert rest.shape == (1, 0)


def test_a_banded_factor_keeps_what_no_band_reaches() -> None:
    ab = np.abs(rng.normal(size=(3, 5)))
    for lower in (True, False):
        heavy = ab + np.array([9.0, 0, 0])[:: 1 if lower else -1, None]
        _as_scipy(lambda x, lower=lower: sl.cholesky_banded(x, lower=lower), heavy)


@pytest.mark.filterwarnings("ignore:logm result may be inaccurate")
def test_powers_of_real_matrices_are_complex_where_scipys_are() -> None:
    turning = 0.5 * np.array([[0, -1.0, 0.3], [1.0, 0, 0.2], [0.1, 0, 1.0]]) + 2 * np.eye(3)
    _as_scipy(lambda x: sl.fractional_matrix_power(x, 0.7), turning)
    _as_scipy(lambda x: sl.fractional_matrix_power(x, 0.7), np.diag([1.0, 2.0, 3.5]))
    for of in (sl.logm, sl.sqrtm):
        single = turning.astype(np.float32)
        assert ad.vjp(of, single)[0].dtype == of(single).dtype


def test_eigenvalues_between_two_numbers() -> None:
    d, e = np.arange(5.0), np.array([0.3, 0.8, 0.2, 0.5])
    wide = np.stack([d, np.append(e, 0.0)])
    for ends in ((0.5, 3.0), (-9.0, -8.0)):
        given: Any = {"select": "v", "select_range": ends}
        _as_scipy(lambda x, g=given: sl.eigvalsh_tridiagonal(x, e, **g), d)
        _as_scipy(lambda x, g=given: sl.eigvals_banded(x, lower=True, **g), wide)
        if ends[0] > 0:
            _as_scipy(lambda x, g=given: sl.eigh_tridiagonal(x, e, **g)[1] ** 2, d)
            _as_scipy(lambda x, g=given: sl.eig_banded(x, lower=True, **g)[1] ** 2, wide)
        with pytest.raises(ad.errors.UnsupportedError, match="select='v'"):
            ad.jit(lambda x, g=given: sl.eigvalsh_tridiagonal(x, e, **g))(d)
