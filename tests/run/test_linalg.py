"""Linear systems and determinants in machine code: values, layouts, shared factors, faults."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import linalg

import adjoint as ad


def matrices(rng: np.random.Generator, *shape: int) -> Any:
    """Stacks of matrices that are far from singular."""
    return rng.normal(size=(*shape, shape[-1])) + shape[-1] * np.eye(shape[-1])


def positive(f: Callable[..., Any]) -> Callable[..., Any]:
    return lambda a: f(a @ np.swapaxes(a, -1, -2))


def triangles(a: Any) -> Any:
    """Every kind of triangular system, with a matrix as it lies and turned."""
    b = a[:, :3] * 2
    kinds = [(i, j, k) for i in (True, False) for j in (0, 1) for k in (True, False)]
    return [
        linalg.solve_triangular(x, b, lower=i, trans=j, unit_diagonal=k)
        for i, j, k in kinds
        for x in (a / len(a), a.T / len(a), a[::-1, ::-1] / len(a))
    ]


CASES: dict[str, Callable[[Any], Any]] = {
    "solve": lambda a: np.linalg.solve(a, a[..., :2] + 1),
    "vector": lambda a: np.linalg.solve(a, a[..., :1])[..., 0],
    "turned": lambda a: np.linalg.solve(np.swapaxes(a, -1, -2), a[..., :2] + 1),
    "both": lambda a: (
        np.linalg.solve(a, a[..., :1]),
        np.linalg.solve(np.swapaxes(a, -1, -2), a[..., :3]),
        np.linalg.inv(a),
        np.linalg.slogdet(a),
    ),
    "inv": lambda a: np.linalg.inv(a[..., ::-1, :]),
    "det": lambda a: np.linalg.det(a / a.shape[-1]),
    "slogdet": lambda a: np.linalg.slogdet(a[..., ::-1, :]),
    "cholesky": positive(np.linalg.cholesky),
    "upper": positive(lambda a: np.linalg.cholesky(a, upper=True)),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", CASES)
def test_values(name: str, dtype: str, rng: np.random.Generator) -> None:
    tolerance = 1e-10 if dtype == "float64" else 2e-3
    f = ad.jit(CASES[name])
    for shape in ((1,), (5,), (3, 2, 4), (33,)):
        a = matrices(rng, *shape).astype(dtype)
        assert not f.lower(a).python
        for found, plain in zip(ad.tree.leaves(f(a)), ad.tree.leaves(CASES[name](a)), strict=True):
            assert found.dtype == plain.dtype
            np.testing.assert_allclose(found, plain, rtol=tolerance, atol=tolerance)


def test_triangular_systems(rng: np.random.Generator) -> None:
    a = matrices(rng, 6)
    f = ad.jit(triangles)
    assert not f.lower(a).python
    for found, plain in zip(f(a), triangles(a), strict=True):
        np.testing.assert_allclose(found, plain, rtol=1e-11, atol=1e-11)


def test_factors_are_shared_with_the_gradient(rng: np.random.Generator) -> None:
    def likelihood(k: Any, y: Any) -> Any:
        return y @ np.linalg.solve(k, y) + np.linalg.slogdet(k)[1]

    k, y = positive(lambda a: a)(matrices(rng, 7)), rng.normal(size=7)
    run = ad.jit(ad.value_and_grad(likelihood, (0, 1)))
    text = run.lower(k, y).llvm
    assert text.count("call i64 @factor.d") == 1
    for found, plain in zip(
        ad.tree.leaves(run(k, y)),
        ad.tree.leaves(ad.value_and_grad(likelihood, (0, 1))(k, y)),
        strict=True,
    ):
        np.testing.assert_allclose(found, plain, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(
    ("f", "bad", "says"),
    [
        (lambda a: np.linalg.solve(a, a[0]), np.ones((3, 3)), "Singular matrix"),
        (np.linalg.inv, np.stack([np.eye(3), np.zeros((3, 3))]), "Singular matrix"),
        (np.linalg.cholesky, -np.eye(3), "not positive definite"),
        (lambda a: linalg.solve_triangular(a, a[0]), np.zeros((3, 3)), "singular matrix"),
    ],
)
def test_unfit_matrices_are_reported_with_the_line(f: Any, bad: Any, says: str) -> None:
    run = ad.jit(f)
    good = np.broadcast_to(np.eye(3), bad.shape).copy()
    for _ in range(2):
        with pytest.raises(np.linalg.LinAlgError, match=f"(?s){says}.*test_linalg.py"):
            run(bad)
        np.testing.assert_allclose(run(good), f(good))


def test_singular_matrices_have_determinants() -> None:
    a = np.ones((2, 3, 3)) * np.array([1.0, 0.0])[:, None, None]
    sign, log = ad.jit(np.linalg.slogdet)(a)
    np.testing.assert_array_equal(sign, [0, 0])
    np.testing.assert_array_equal(log, [-np.inf, -np.inf])
    np.testing.assert_array_equal(ad.jit(np.linalg.det)(a), [0, 0])


@pytest.mark.parametrize("n", [2, 3])
def test_slopes_of_small_determinants_where_they_vanish(n: int) -> None:
    """The second derivative is exact there, too: the determinant is a polynomial."""
    a = np.arange(1.0, n * n + 1).reshape(n, n)
    a[-1] = a[0] * 2
    f = lambda a: np.linalg.det(a) ** 2 + np.linalg.det(a)  # noqa: E731
    ad.check_grads(f, (a,), order=2)
    np.testing.assert_allclose(ad.jit(ad.grad(f))(a), ad.grad(f)(a), atol=1e-13)


def test_large_matrices_are_left_to_numpy(rng: np.random.Generator) -> None:
    a = matrices(rng, 401)
    f = ad.jit(lambda a: np.linalg.solve(a, a[0]))
    assert f.lower(a).python
    np.testing.assert_allclose(f(a), np.linalg.solve(a, a[0]), atol=1e-12)
