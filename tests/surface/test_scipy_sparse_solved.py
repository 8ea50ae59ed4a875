"""Sparse systems in every form of their two sides, an estimated norm, and axes that have none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
import scipy.sparse.linalg as ssl

import adjoint as ad
from adjoint.errors import UnsupportedError

RNG = np.random.default_rng(5)
A = RNG.normal(size=(5, 5)) * (RNG.uniform(size=(5, 5)) < 0.7) + 4 * np.eye(5)
ROWS, COLUMNS = np.nonzero(A)
VALUES, B = A[ROWS, COLUMNS], RNG.normal(size=5)


def _matrix(v: Any) -> Any:
    return sp.csc_array((v, (ROWS, COLUMNS)), shape=(5, 5))


FORMS: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "sparse right": (lambda v: ssl.spsolve(_matrix(VALUES), _matrix(v)).toarray(), VALUES),
    "both": (lambda v: ssl.spsolve(_matrix(v), _matrix(v**2)).toarray(), VALUES),
    "a column": (lambda v: ssl.spsolve(_matrix(v), sp.csc_array(B[:, None])), VALUES),
    "estimate": (lambda v: ssl.onenormest(_matrix(v)), VALUES),
    "estimate of a dense one": (ssl.onenormest, A),
    "estimate of an operator": (
        lambda v: ssl.onenormest(ssl.aslinearoperator(_matrix(v)), compute_w=True)[0],
        VALUES,
    ),
}


@pytest.mark.filterwarnings("ignore::scipy.sparse.SparseEfficiencyWarning")
@pytest.mark.parametrize("name", FORMS)
def test_forms_move_as_differences(name: str) -> None:
    f, x = FORMS[name]
    wanted = np.asarray(f(x))
    np.testing.assert_allclose(ad.vjp(f, x)[0], wanted, rtol=1e-12)
    weights, to = RNG.normal(size=wanted.shape), RNG.normal(size=x.shape)
    slope = np.sum(weights * (f(x + 1e-6 * to) - f(x - 1e-6 * to))) / 2e-6
    assert np.sum(weights * ad.jvp(f, (x,), (to,))[1]) == pytest.approx(slope, rel=1e-6)

    def loss(x: Any) -> Any:
        return np.sum(weights * f(x))

    assert np.sum(ad.grad(loss)(x) * to) == pytest.approx(slope, rel=1e-6)
    assert np.sum(ad.jit(ad.grad(loss))(x) * to) == pytest.approx(slope, rel=1e-6)
    assert np.sum(ad.vmap(ad.grad(loss))(np.stack([x, x]))[1] * to) == pytest.approx(slope)


@pytest.mark.filterwarnings("ignore::scipy.sparse.SparseEfficiencyWarning")
def test_a_dense_matrix_is_solved_as_well() -> None:
    np.testing.assert_allclose(
        ad.grad(lambda a: np.sum(ssl.spsolve(a, B)))(A),
        -np.outer(np.linalg.solve(A.T, np.ones(5)), np.linalg.solve(A, B)),
    )
    low = np.tril(A)
    np.testing.assert_allclose(
        np.tril(ad.grad(lambda a: np.sum(ssl.spsolve_triangular(a, B)))(low)),
        np.tril(-np.outer(np.linalg.solve(low.T, np.ones(5)), np.linalg.solve(low, B))),
    )


def test_one_axis_is_refused_by_name() -> None:
    for f in (lambda v: sp.coo_array((v, (np.arange(5),)), shape=(9,)), sp.coo_array):
        with pytest.raises(UnsupportedError, match="two axes"):
            ad.grad(lambda v, f=f: f(v).sum())(B)
