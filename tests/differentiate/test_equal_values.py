"""Functions made of eigenvectors and values by hand, where values are equal: every mode."""

import numpy as np
import pytest
import scipy.linalg as la

import adjoint as ad

rng = np.random.default_rng(11)
W = rng.normal(size=(3, 3))
C = rng.normal(size=(3, 3)) + 1j * rng.normal(size=(3, 3))
E = rng.normal(size=(3, 3))
TURN = la.qr(W)[0]
POINTS = {
    "one": np.eye(3),
    "two": (TURN * np.array([1.5, 1.5, 4.0])) @ TURN.T,
}


def mean(a):
    return (a + np.conj(a.T)) / 2


def function(a, f=np.sqrt):
    w, v = np.linalg.eigh(mean(a))
    return (v * f(w)) @ np.conj(v.T)


def by_products(a):
    w, v = np.linalg.eigh(mean(a))
    return np.sum(W * (v @ np.diag(np.exp(w)) @ v.T)) + np.einsum("ik,k,ik->", v, 1 / w, W @ v)


def by_projections(a):
    w, v = la.eigh(mean(a))
    return np.sum((v.T @ W[0]) ** 2 / w) + np.sum(np.log(w))


def by_singular_values(a):
    u, s, vh = np.linalg.svd(a)
    return np.sum(W * ((u * s**3) @ vh))


def by_any_vectors(a):
    w, v = np.linalg.eig(a)
    return np.real(np.sum(W * ((v * np.exp(w)) @ np.linalg.inv(v))))


def in_turn(a):
    for _ in range(2):
        a = function(a, lambda w: w / (1 + w)) + 1
    return np.sum(W * a)


def in_a_loop(a):
    def step(x, _):
        return function(x, lambda w: w / (1 + w)) + a, 0.0

    return np.tanh(np.sum(W * ad.scan(step, a, np.arange(2.0))[0]))


FUNCTIONS = {
    "root": lambda a: np.sum(W * function(a)),
    "products": by_products,
    "projections": by_projections,
    "singular values": by_singular_values,
    "any vectors": by_any_vectors,
    "in turn": in_turn,
    "eigenvalues alone": lambda a: np.sum(np.log(np.linalg.eigvalsh(mean(a)))),
    "any eigenvalues": lambda a: np.real(np.sum(np.log(np.linalg.eigvals(a)))),
    "singular values alone": lambda a: np.sum(np.exp(np.linalg.svd(a, compute_uv=False))),
    "nearest rotation": lambda a: (lambda u, _, vh: np.sum(W * (u @ vh)))(*np.linalg.svd(a)),
}


def difference(f, a, t, h=2e-3):
    one, two = ((f(a + k * h * t) - f(a - k * h * t)) / (2 * k * h) for k in (1, 2))
    return (4 * one - two) / 3


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_first_and_second_derivatives_are_those_of_differences(name, point):
    f, a = FUNCTIONS[name], POINTS[point]
    gradient = ad.grad(f)
    wanted = difference(f, a, E)
    assert np.sum(gradient(a) * E) == pytest.approx(wanted, rel=1e-7)
    assert ad.jvp(f, (a,), (E,))[1] == pytest.approx(wanted, rel=1e-7)
    curved = difference(gradient, a, E)
    np.testing.assert_allclose(ad.hvp(f, a, E), curved, rtol=1e-6, atol=1e-6)
    twice = ad.grad(lambda a: np.sum(gradient(a) * E))(a)
    np.testing.assert_allclose(twice, ad.hvp(f, a, E), rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("point", POINTS)
def test_a_loop_of_scan_has_first_derivatives(point):
    a = POINTS[point]
    wanted = difference(in_a_loop, a, E)
    assert np.sum(ad.grad(in_a_loop)(a) * E) == pytest.approx(wanted, rel=1e-7)
    assert ad.jvp(in_a_loop, (a,), (E,))[1] == pytest.approx(wanted, rel=1e-7)


@pytest.mark.parametrize("name", ["root", "singular values", "any vectors"])
def test_compiled_and_batched(name):
    f, a = FUNCTIONS[name], POINTS["two"]
    wanted = ad.grad(f)(a)
    np.testing.assert_allclose(ad.jit(ad.grad(f))(a), wanted, rtol=1e-9)
    both = ad.vmap(ad.grad(f))(np.stack([a + 0.3 * W @ W.T, a]))
    np.testing.assert_allclose(both[1], wanted, rtol=1e-9)
    np.testing.assert_allclose(both[0], ad.grad(f)(a + 0.3 * W @ W.T), rtol=1e-9)


def test_complex_and_single_precision():
    t = C.T

    def f(a):
        return np.real(np.sum(C * function(a, np.exp)))

    a = np.eye(3) + 0j
    assert np.real(np.sum(ad.grad(f)(a) * t)) == pytest.approx(difference(f, a, t), rel=1e-7)
    small = ad.grad(lambda a: np.sum(W.astype(np.float32) * function(a)))(np.eye(3, dtype="f"))
    assert small.dtype == np.float32
    np.testing.assert_allclose(small, mean(W) / 2, rtol=1e-5)


@pytest.mark.parametrize("shape", [(3, 3), (4, 3), (2, 4)])
@pytest.mark.parametrize("rank", [0, 1, 2])
def test_matrices_of_lower_rank(shape, rank):
    """Values that LAPACK gives as rounding errors instead of 0 count as equal."""
    weight, t = rng.normal(size=shape), rng.normal(size=shape)
    a = rng.normal(size=(shape[0], rank)) @ rng.normal(size=(rank, shape[1])) / 4
    for full in (False, True):

        def f(a, full=full):
            u, s, vh = np.linalg.svd(a, full_matrices=full)
            k = s.size
            return np.sum(weight * ((u[:, :k] * np.sinh(s)) @ vh[:k]))

        assert np.sum(ad.grad(f)(a) * t) == pytest.approx(difference(f, a, t), rel=1e-6)
    square = a @ a.T
    exact = ad.grad(lambda a: np.sum(weight[:, :1] * la.expm(mean(a))))(square)
    by_hand = ad.grad(lambda a: np.sum(weight[:, :1] * function(a, np.exp)))(square)
    np.testing.assert_allclose(by_hand, exact, rtol=1e-9, atol=1e-9)


def test_what_is_not_equal_is_computed_as_before():
    a = np.diag([1.0, 2.0, 4.0])
    weights = 1 / (np.sqrt(np.diag(a))[:, None] + np.sqrt(np.diag(a)))
    np.testing.assert_allclose(ad.grad(FUNCTIONS["root"])(a), weights * mean(W), rtol=1e-14)


@pytest.mark.parametrize("n", [0, 1])
def test_small_matrices(n):
    slope = ad.grad(lambda a: np.sum(function(a)) + np.sum(np.linalg.svd(a)[0] ** 2))(np.eye(n))
    np.testing.assert_allclose(slope, 0.5 * np.eye(n))

    def both(a):
        w, v = np.linalg.eig(a)
        return np.real(np.sum(w * v) + np.sum(np.linalg.eigvals(a)))

    np.testing.assert_allclose(ad.grad(both)(np.eye(n)), 2 * np.eye(n))
