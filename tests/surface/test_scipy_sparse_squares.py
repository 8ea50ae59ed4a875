"""lsqr and lsmr: SciPy's values, and the derivatives of the damped least squares."""

from typing import Any

import numpy as np
import pytest
import scipy.sparse
import scipy.sparse.linalg as ssl

import adjoint as ad
from adjoint.errors import ConvergenceError, UnsupportedError

RNG = np.random.default_rng(11)
A, B, START = RNG.normal(size=(5, 3)), RNG.normal(size=5), RNG.normal(size=3)
TIGHT = {"atol": 1e-14, "btol": 1e-14}


def _dense(t: Any, b: Any) -> Any:
    return t * A


def _sparse(t: Any, b: Any) -> Any:
    return scipy.sparse.csr_array(A) * t


def _operator(t: Any, b: Any) -> Any:
    return ssl.LinearOperator(
        (5, 3), matvec=lambda v: t * (A @ v), rmatvec=lambda v: t * (A.T @ v), dtype=float
    )


def _fixed(t: Any, b: Any) -> Any:
    return scipy.sparse.csr_array(A)


@pytest.mark.parametrize("solver", [ssl.lsqr, ssl.lsmr])
@pytest.mark.parametrize("make", [_dense, _sparse, _operator, _fixed])
@pytest.mark.parametrize("damp", [0.0, 0.7])
def test_it_moves_as_the_least_squares(solver: Any, make: Any, damp: float) -> None:
    left = 3 if solver is ssl.lsmr else 4

    def f(t: Any, b: Any) -> Any:
        found = solver(make(t, b), b, damp=damp, x0=START, **TIGHT)
        return np.append(found[0], [found[left], found[7 if left == 3 else 8]])

    at, t = (1.3, B), (0.4, RNG.normal(size=5))
    value, moved = ad.jvp(f, at, t)
    np.testing.assert_allclose(value, f(*at), rtol=1e-9)
    e = 1e-5
    ahead, back = (f(*[v + s * d for v, d in zip(at, t, strict=True)]) for s in (e, -e))
    np.testing.assert_allclose(moved, (ahead - back) / (2 * e), rtol=1e-6, atol=1e-8)
    bar = RNG.normal(size=5)
    pulled = ad.vjp(f, *at)[1](bar)
    total = pulled[0] * t[0] + np.sum(pulled[1] * t[1])
    assert np.isclose(total, np.sum(bar * moved))
    np.testing.assert_allclose(
        ad.jit(ad.jacobian(f))(*at), ad.jacobian(f)(*at), rtol=1e-8, atol=1e-12
    )
    many = ad.vmap(lambda b: f(1.3, b))(np.stack([B, 2 * B]))
    np.testing.assert_allclose(many[1], f(1.3, 2 * B), rtol=1e-9)


@pytest.mark.parametrize("solver", [ssl.lsqr, ssl.lsmr])
def test_a_damping_that_moves_and_more_unknowns_than_rows(solver: Any) -> None:
    slope = ad.grad(lambda d: solver(A, B, damp=d, **TIGHT)[0].sum())(0.6)
    inverse = np.linalg.inv(A.T @ A + 0.36 * np.eye(3))
    assert np.isclose(slope, np.sum(-1.2 * inverse @ inverse @ A.T @ B))
    wide = ad.jacobian(lambda b: solver(A.T, b, **TIGHT)[0])(START)
    np.testing.assert_allclose(wide, np.linalg.pinv(A.T), rtol=1e-9)


def test_what_the_steps_leave_behind_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="anorm"):
        ad.grad(lambda b: ssl.lsqr(A, b)[5] * 1.0)(B)
    with pytest.raises(UnsupportedError, match="calc_var"):
        ad.grad(lambda b: ssl.lsqr(A, b, calc_var=True)[0].sum())(B)
    with pytest.raises(ConvergenceError, match="most steps"):
        ad.grad(lambda b: ssl.lsqr(A, b, iter_lim=1)[0].sum())(B)
