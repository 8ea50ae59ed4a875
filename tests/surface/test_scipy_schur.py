"""Schur's form where eigenvalues are equal, of small matrices, and compiled."""

import numpy as np
import pytest
import scipy.linalg as la

import adjoint as ad

rng = np.random.default_rng(4)
E = rng.uniform(-1, 1, (3, 3))


def middle(a):
    t, z = la.schur(a)
    return z @ (t @ t) @ z.T


def test_equal_eigenvalues_with_all_vectors() -> None:
    a = np.diag([2.0, 2.0, 1.0])
    _, dot = ad.jvp(middle, (a,), (E,))
    np.testing.assert_allclose(dot, a @ E + E @ a, atol=1e-12)


def test_too_few_vectors_have_no_derivative() -> None:
    a = np.array([[2.0, 1.0, 0.3], [0.0, 2.0, 0.5], [0.0, 0.0, 1.0]])
    value, dot = ad.jvp(middle, (a,), (E,))
    np.testing.assert_allclose(value, a @ a, atol=1e-12)
    assert np.isnan(dot).all()


@pytest.mark.parametrize("n", [0, 1, 2])
def test_small_and_single_precision(n: int) -> None:
    a = E[:n, :n].astype(np.float32)
    (t, z), (t_dot, _) = ad.jvp(lambda a: la.schur(a), (a,), (np.ones_like(a),))
    assert t.dtype == z.dtype == t_dot.dtype == np.float32
    wanted = la.schur(a) if n else (a, a)
    assert np.array_equal(t, wanted[0])
    assert np.array_equal(z, wanted[1])
    assert np.isclose(np.trace(t_dot), n)


def test_compiled_and_counted() -> None:
    a = E - np.diag([1.0, 0.0, -1.0])
    wanted = la.schur(a, sort="lhp")
    found = ad.jit(lambda a: la.schur(a, sort="lhp"))(a)
    assert found[2] == wanted[2]
    assert found[2].dtype.kind == "i"
    slope = ad.jit(ad.grad(lambda a: np.sum(la.schur(a, sort="lhp")[0])))(a)
    np.testing.assert_allclose(
        slope, ad.grad(lambda a: np.sum(la.schur(a, sort="lhp")[0]))(a), rtol=1e-9
    )
