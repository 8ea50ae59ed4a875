"""Iterative solvers: SciPy's own steps, values and words, and the derivatives of the system."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.sparse
import scipy.sparse.linalg as ssl

import adjoint as ad
from adjoint.errors import ConvergenceError

RNG = np.random.default_rng(8)
HALF = RNG.normal(size=(6, 6))
A, B = HALF @ HALF.T + 6 * np.eye(6), RNG.normal(size=6)
SOLVERS = ["cg", "gmres", "bicg", "bicgstab", "cgs", "lgmres", "minres", "qmr", "gcrotmk", "tfqmr"]


def _dense(t: Any) -> Any:
    return t * A


def _sparse(t: Any) -> Any:
    return scipy.sparse.csr_array(A) * t


def _fixed(t: Any) -> Any:
    return ssl.aslinearoperator(A)


@pytest.mark.parametrize("name", SOLVERS)
@pytest.mark.parametrize("make", [_dense, _sparse, _fixed])
def test_values_are_scipys_and_move_as_the_solution(name: str, make: Any) -> None:
    def f(t: Any, b: Any) -> Any:
        return getattr(ssl, name)(make(t), b, rtol=1e-3)[0]

    made, moved = ad.jvp(f, (1.3, B), (1.0, np.ones(6)))
    wanted = f(1.3, B)
    if make is not _dense:  # whose products a sparse one adds in another order
        np.testing.assert_array_equal(made, wanted)
    np.testing.assert_allclose(made, wanted, rtol=1e-9)
    whole = A if make is _fixed else 1.3 * A
    slope = np.linalg.solve(whole, np.ones(6))
    if make is not _fixed:
        slope = slope - np.linalg.solve(whole, A @ np.linalg.solve(whole, B))
    np.testing.assert_allclose(moved, slope, rtol=1e-8)
    native = ad.jit(ad.grad(lambda t, b: np.sum(f(t, b)), argnums=1))(1.3, B)
    np.testing.assert_allclose(native, np.linalg.solve(whole, np.ones(6)), rtol=1e-8)


@pytest.mark.parametrize("name", SOLVERS)
def test_steps_that_end_early_are_refused(name: str) -> None:
    options = {"m": 1, "k": 1} if name == "gcrotmk" else {}
    options |= {"inner_m": 1} if name == "lgmres" else {"restart": 1} if name == "gmres" else {}

    def f(b: Any) -> Any:
        return np.sum(getattr(ssl, name)(A, b, maxiter=1, rtol=1e-12, **options)[0])

    with pytest.raises(ConvergenceError, match="maxiter"):
        ad.grad(f)(B)


def test_the_words_the_callback_and_the_shift_are_heard() -> None:
    steps: list[Any] = []

    def f(b: Any) -> Any:
        x, info = ssl.cg(A, b, rtol=1e-12, maxiter=5, callback=lambda xk: steps.append(1))
        words.append(int(info))
        return np.sum(x**2)

    words: list[int] = []
    ad.grad(f)(B)
    first = len(steps)
    f(B)
    assert first == len(steps) - first > 2
    assert words[0] == words[1] > 0

    def shifted(s: Any, b: Any) -> Any:
        return np.sum(ssl.minres(A, b, shift=s, rtol=1e-12)[0])

    for at in (shifted, lambda s, b: shifted(0.5, b)):
        moved = ad.jvp(at, (0.5, B), (1.0, B))[1]
        slope = (at(0.5 + 1e-6, B * (1 + 1e-6)) - at(0.5 - 1e-6, B * (1 - 1e-6))) / 2e-6
        assert moved == pytest.approx(slope, rel=1e-6)
