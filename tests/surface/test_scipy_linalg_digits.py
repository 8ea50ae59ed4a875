"""Systems of scipy.linalg: SciPy's digits, by whichever driver the matrix asks for."""

import numpy as np
import pytest
from scipy import interpolate, linalg

import adjoint as ad

RNG = np.random.default_rng(1)
S = RNG.normal(size=(2, 6, 6))
MATRICES = {
    "general": S,
    "positive": S @ S.transpose(0, 2, 1) + 0.1 * np.eye(6),
    "symmetric": S + S.transpose(0, 2, 1),
    "lower": np.tril(S),
    "tridiagonal": np.triu(np.tril(S, 1), -1),
    "diagonal": S * np.eye(6),
    "complex": S + 1j * S.transpose(0, 2, 1),
}
RIGHT = RNG.normal(size=(6, 3))


def value_of(f, *arrays):
    def both(t):
        made = f(*[t * x for x in arrays])
        return np.sum(np.real(made)), made

    return ad.value_and_grad(both, has_aux=True)(1.0)[0][1]


@pytest.mark.parametrize("right", [RIGHT, RIGHT[:, 0]], ids=["matrix", "vector"])
@pytest.mark.parametrize("stacked", [False, True], ids=["one", "stack"])
@pytest.mark.parametrize("kind", MATRICES)
def test_systems_have_scipys_digits(kind, stacked, right):
    a = MATRICES[kind] if stacked else MATRICES[kind][0]
    np.testing.assert_array_equal(value_of(linalg.solve, a, right), linalg.solve(a, right))


@pytest.mark.parametrize("right", [RIGHT, RIGHT[:, 0]], ids=["matrix", "vector"])
def test_factors_have_scipys_digits(right):
    def by_lu(a, b):
        return linalg.lu_solve(linalg.lu_factor(a), b)

    def by_cholesky(a, b):
        return linalg.cho_solve(linalg.cho_factor(a), b)

    for solve, a in ((by_lu, S[0]), (by_cholesky, MATRICES["positive"][0])):
        np.testing.assert_array_equal(value_of(solve, a, right), solve(a, right))


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("imaginary", [0, 1j])
@pytest.mark.parametrize("shape", [(4,), (2, 4)])
def test_toeplitz_products_make_no_matrix(shape, imaginary, wide):
    column, row = RNG.normal(size=shape), RNG.normal(size=(*shape[:-1], 6)) + imaginary
    x = RNG.normal(size=(*shape[:-1], 6, 3) if wide or len(shape) > 1 else (6,))

    def f(t):
        return np.sum(np.sin(np.real(linalg.matmul_toeplitz((t * column, t * row), t * x))))

    assert ad.value_and_grad(f)(1.0)[0] == f(1.0)
    ad.check_grads(f, (1.0,), order=2)
    np.testing.assert_allclose(ad.jit(ad.grad(f))(1.0), ad.grad(f)(1.0), rtol=1e-12)


def test_long_toeplitz_products_take_little_memory():
    n = 1 << 17  # the matrix would have 128 GiB
    grad = ad.grad(lambda c: linalg.matmul_toeplitz(c, np.ones(n))[5])(np.ones(n))
    expected = np.zeros(n)
    np.add.at(expected, np.abs(5 - np.arange(n)), 1.0)
    np.testing.assert_allclose(grad, expected, atol=1e-12)


@pytest.mark.parametrize("method", [None, "direct", "bilinear"])
@pytest.mark.parametrize("n", [3, 10])
def test_discrete_lyapunov_by_both_methods(n, method):
    a, q = RNG.normal(size=(n, n)) / n, RNG.normal(size=(n, n))
    weights = np.cos(np.arange(n * n)).reshape(n, n)

    def f(a, q):
        return np.sum(weights * linalg.solve_discrete_lyapunov(a, q, method=method))

    assert ad.value_and_grad(f)(a, q)[0] == f(a, q)
    ad.check_grads(f, (a, q), order=1)
    np.testing.assert_allclose(ad.jit(ad.grad(f))(a, q), ad.grad(f)(a, q), rtol=1e-9, atol=1e-12)


def test_coefficients_of_a_spline_in_a_tuple():
    knots, numbers = (-2, -2, -2, -2, -1, 0, 1, 2, 2, 2, 2), (0, 0, 0, 6, 0, 0, 0)
    tck = (knots, numbers, 3)
    for order in range(4):
        found = ad.value_and_grad(lambda x, k=order: interpolate.spalde(x, tck)[k])(0.3)
        assert found[0] == interpolate.spalde(0.3, tck)[order]
        after = interpolate.spalde(0.3, tck)[order + 1] if order < 3 else 0.0
        np.testing.assert_allclose(found[1], after, rtol=1e-12)
