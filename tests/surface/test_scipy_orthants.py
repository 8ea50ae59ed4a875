"""The normal and Student's distribution function in several dimensions."""

from typing import Any

import numpy as np
import pytest
import scipy.stats as st

import adjoint as ad

U = np.array([0.4, 0.2, 0.3, 0.9])
LOW = np.array([-1.0, -np.inf, -2.0, -0.5])
A = np.array([[1.0, 0.3, 0.1, 0.2], [0.0, 1.2, -0.4, 0.1], [0.2, 0.0, 0.9, 0.0], [0.1, 0, 0, 1]])
V = np.array([0.3, -0.5, 0.2, 0.4])


def by_axes(n: int, df: float | None) -> Any:
    """The same chance for independent numbers: a product, or the mixture of one."""
    s, chance = np.ones(1), np.ones(1)
    if df is not None:
        s = np.linspace(1e-3, 4.0, 4001)
        chance = s ** (df - 1) * np.exp(-0.5 * df * s * s)
        chance /= np.sum(chance)

    def cdf(u: Any) -> Any:
        return np.sum(chance * np.prod(st.norm.cdf(u[:, None] * s), axis=0))

    return cdf


@pytest.mark.parametrize(("n", "df"), [(3, None), (4, None), (2, 5.0), (3, 5.0)])
def test_independent_numbers(n: int, df: float | None) -> None:
    u, v, exact = U[:n], V[:n], by_axes(n, df)
    if df is None:
        moved = ad.jvp(lambda x: st.multivariate_normal.cdf(x, np.zeros(n), np.eye(n)), (u,), (v,))
    else:
        moved = ad.jvp(lambda x: st.multivariate_t.cdf(x, None, np.eye(n), df), (u,), (v,))
    wanted = (exact(u + 1e-4 * v) - exact(u - 1e-4 * v)) / 2e-4
    assert moved[0] == pytest.approx(exact(u), abs=1e-3 if df else 2e-5)
    assert moved[1] == pytest.approx(wanted, rel=1e-6 if n == 3 and not df else 2e-4)


@pytest.mark.parametrize("df", [None, 4.0])
def test_boxes_of_dependent_numbers(df: float | None) -> None:
    def f(m: Any, a: Any) -> Any:
        given = {"lower_limit": LOW[:3]}
        if df is None:
            return st.multivariate_normal.cdf(U[:3], m, a @ a.T, rng=1, abseps=1e-9, **given)
        return st.multivariate_t.cdf(U[:3], m, a @ a.T, df, random_state=1, maxpts=10**5, **given)

    m, a = V[:3], A[:3, :3]
    _, moved = ad.jvp(f, (m, a), (U[:3], np.outer(V[:3], U[:3])))
    h = 1e-2
    near = [f(m + h * k * U[:3], a + h * k * np.outer(V[:3], U[:3])) for k in (1, -1, 2, -2)]
    wanted = (8 * (near[0] - near[1]) - (near[2] - near[3])) / (12 * h)
    assert moved == pytest.approx(wanted, rel=2e-3)


def test_second_order_and_vectors_of_points() -> None:
    """Where limits are wide open in one dimension the chance is that of the others."""
    R = A[:2, :2] @ A[:2, :2].T

    def three(x: Any) -> Any:
        wide = np.stack([x[0], x[1], x[0] * 0 + np.inf])
        return st.multivariate_normal.cdf(wide, np.zeros(3), np.pad(R, (0, 1)) + np.diag([0, 0, 1]))

    def two(x: Any) -> Any:
        return st.multivariate_normal.cdf(x, np.zeros(2), R)

    x = U[:2]
    assert np.allclose(ad.grad(three)(x), ad.grad(two)(x), rtol=1e-10)
    assert np.allclose(ad.hessian(three)(x), ad.hessian(two)(x), rtol=1e-9)
    rows = ad.vmap(ad.grad(two))(np.stack([x, x + 0.1]))
    assert np.allclose(rows[1], ad.grad(two)(x + 0.1))


@pytest.mark.parametrize("n", [3, 4])
def test_degrees_of_freedom(n: int) -> None:
    """By the mixture of independent numbers, and as the box opens by that of two dimensions."""
    u = U[:n]

    def f(df: Any) -> Any:
        return st.multivariate_t.cdf(u, None, np.eye(n), df, random_state=1)

    wanted = (by_axes(n, 4.01)(u) - by_axes(n, 3.99)(u)) / 0.02
    assert ad.grad(f)(4.0) == pytest.approx(wanted, rel=1e-4)
    if n == 4:
        return
    assert ad.jit(ad.grad(f))(4.0) == pytest.approx(ad.grad(f)(4.0), rel=1e-12)
    bend = (ad.grad(f)(4.01) - ad.grad(f)(3.99)) / 0.02
    assert ad.grad(ad.grad(f))(4.0) == pytest.approx(bend, rel=1e-4)


def test_degrees_of_freedom_as_a_dimension_opens() -> None:
    R = A[:2, :2] @ A[:2, :2].T

    def three(df: Any) -> Any:
        shape = np.pad(R, (0, 1)) + np.diag([0, 0, 1])
        return st.multivariate_t.cdf([*U[:2], np.inf], None, shape, df, random_state=1)

    def two(df: Any) -> Any:
        return st.multivariate_t.cdf(U[:2], None, R, df)

    assert ad.grad(three)(4.3) == pytest.approx(ad.grad(two)(4.3), rel=1e-9)
