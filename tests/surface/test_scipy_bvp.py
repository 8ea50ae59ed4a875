"""solve_bvp: boundary value problems whose equations and ends depend on recorded values."""

from typing import Any

import numpy as np
import pytest
from scipy.integrate import solve_bvp

import adjoint as ad

MESH = np.linspace(0, 1, 6)


def damped(a: Any, b: Any) -> Any:
    """``y'' = a^2 y`` from 0 to b: ``b sinh(a x) / sinh(a)``."""
    found = solve_bvp(
        lambda x, y: np.vstack([y[1], a * a * y[0]]),
        lambda left, right: np.stack([left[0], right[0] - b]),
        MESH,
        np.zeros((2, 6)),
        tol=1e-9,
    )
    return np.concatenate([found.sol(np.array([0.3, 0.8]))[0], found.y[1, :1], found.sol(0.5)])


def exact(a: Any, b: Any) -> Any:
    shape = b / np.sinh(a)
    places = np.array([0.3, 0.8, 0.5])
    values, slopes = shape * np.sinh(a * places), shape * a * np.cosh(a * np.array([0.0, 0.5]))
    return np.concatenate([values[:2], slopes[:1], values[2:], slopes[1:]])


def test_both_modes_and_orders() -> None:
    at, t = (1.3, 0.7), (0.4, -1.1)
    np.testing.assert_allclose(damped(*at), exact(*at), rtol=1e-8)
    np.testing.assert_allclose(ad.jvp(damped, at, t)[1], ad.jvp(exact, at, t)[1], rtol=1e-7)
    bar = np.array([0.3, -1.0, 0.7, 0.2, 1.1])
    back = [ad.vjp(f, *at)[1](bar) for f in (damped, exact)]
    np.testing.assert_allclose(back[0], back[1], rtol=1e-7)

    def second(f: Any) -> Any:
        return ad.jvp(lambda *p: ad.vjp(f, *p)[1](bar), at, t)[1]

    np.testing.assert_allclose(second(damped), second(exact), rtol=1e-6)


def test_an_unknown_parameter() -> None:
    def frequency(c: Any) -> Any:
        guess = np.stack([np.sin(np.pi * MESH), np.pi * np.cos(np.pi * MESH)])
        found = solve_bvp(
            lambda x, y, k: np.vstack([y[1], -c * k[0] ** 2 * y[0]]),
            lambda left, right, k: [left[0], right[0], left[1] - k[0]],
            MESH,
            guess,
            p=[3.0],
            tol=1e-7,
        )
        return found.p[0]

    value, slope = ad.value_and_grad(frequency)(1.2)  # pi / sqrt(c)
    np.testing.assert_allclose([value, slope], [np.pi * 1.2**-0.5, -0.5 * np.pi * 1.2**-1.5],
                               rtol=1e-6)  # fmt: skip


def test_the_ends_of_the_mesh_move_it() -> None:
    def f(end: Any) -> Any:
        return solve_bvp(
            lambda x, y: np.vstack([y[1], 1.69 * y[0]]),
            lambda left, right: np.stack([left[0], right[0] - 0.7]),
            MESH * end, np.zeros((2, 6)), tol=1e-6,
        ).sol(0.3)[0]  # fmt: skip

    def by_hand(end: Any) -> Any:
        return 0.7 * np.sinh(1.3 * 0.3) / np.sinh(1.3 * end)

    for transform in (lambda g: g, ad.jit):
        got = transform(ad.grad(f))(1.1)
        np.testing.assert_allclose(got, ad.grad(by_hand)(1.1), rtol=1e-5)


def test_inside_jit_and_vmap_it_is_solved_when_the_program_runs() -> None:
    def f(a: Any, b: Any) -> Any:
        found = solve_bvp(
            lambda x, y: np.vstack([y[1], a * a * y[0]]),
            lambda left, right: np.stack([left[0], right[0] - b]),
            MESH, np.zeros((2, 6)), tol=1e-4, max_nodes=30,
        )  # fmt: skip
        ends = np.stack([found.y[1, 0], found.y[1, -1], found.x[-1]])
        return np.concatenate([found.sol(np.array([0.0, 0.3, 0.8, 1.0]))[0], found.sol(0.5), ends])

    at = (1.3, 0.7)
    np.testing.assert_allclose(ad.jit(f)(*at), f(*at), rtol=1e-12, atol=1e-14)
    slopes = ad.jacobian(f)(*at)
    np.testing.assert_allclose(ad.jit(ad.jacobian(f))(*at), slopes, rtol=1e-10, atol=1e-13)
    rows = ad.vmap(ad.jacobian(f), in_axes=(0, None))(np.array([0.4, 1.3]), 0.7)
    np.testing.assert_allclose(rows[1], slopes, rtol=1e-10, atol=1e-13)


def test_inside_jit_the_mesh_is_refused_by_name() -> None:
    def f(b: Any) -> Any:
        return np.sum(solve_bvp(
            lambda x, y: np.vstack([y[1], y[0]]),
            lambda left, right: np.stack([left[0], right[0] - b]), MESH, np.zeros((2, 6)),
        ).y)  # fmt: skip

    with pytest.raises(ad.errors.ConcreteValueError, match=r"solve_bvp[\s\S]*sol\.sol"):
        ad.jit(f)(0.7)
