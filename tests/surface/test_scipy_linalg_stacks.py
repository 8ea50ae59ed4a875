"""scipy.linalg on stacks of matrices, and SciPy's own digits, dtypes and unread halves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.linalg as sl

import adjoint as ad
from adjoint.trace.scipy_gate import entries

RNG = np.random.default_rng(4)
A, B = RNG.normal(size=(2, 3, 4, 4)), RNG.normal(size=(3, 4, 4))
POSITIVE = A @ np.swapaxes(A, -1, -2) + 4 * np.eye(4)
D, E = RNG.normal(size=(3, 4)), RNG.normal(size=(3, 3))
BANDS = np.abs(RNG.normal(size=(2, 2, 5))) + np.array([[0.0], [4.0]])
Q, R = sl.qr(RNG.normal(size=(2, 4, 4)))

STACKS: dict[str, tuple[Callable[..., Any], Any]] = {
    "hessenberg": (sl.hessenberg, A),
    "ldl": (lambda x: sl.ldl(x)[1], POSITIVE),
    "balance": (lambda x: sl.matrix_balance(x)[0], A),
    "schur": (lambda x: sl.schur(x)[0], A),
    "qz": (lambda x: sl.qz(x, B)[0], A),
    "funm": (lambda x: sl.funm(x, np.exp), POSITIVE / 9),
    "power": (lambda x: sl.fractional_matrix_power(x, 0.5), POSITIVE),
    "frechet": (lambda x: sl.expm_frechet(x, B)[1], A),
    "lyapunov": (lambda x: sl.solve_discrete_lyapunov(x, B), A / 3),
    "riccati": (lambda x: sl.solve_continuous_are(x, B, np.eye(4), np.eye(4)), A),
    "banded": (sl.eigvals_banded, BANDS),
    "banded factor": (sl.cholesky_banded, BANDS),
    "banded solve": (lambda x: sl.cho_solve_banded((x, False), np.ones(5)), BANDS),
    "tridiagonal": (lambda x: sl.eigvalsh_tridiagonal(x, E), D),
    "deleted": (lambda x: sl.qr_delete(Q, np.triu(x), 1)[1], R),
    "inserted": (lambda x: sl.qr_insert(Q, R, x, [0, 2])[1], np.ones(4)),
    "updated": (lambda x: sl.qr_update(Q, R, x, np.ones(4))[1], np.arange(4.0)),
    "cosine": (sl.cosm, A),
    "factored": (lambda x: sl.cho_solve(sl.cho_factor(x), B), POSITIVE),
    "factored outside": (lambda x: sl.cho_solve(sl.cho_factor(POSITIVE), x), B),
    "named": (lambda x: sl.logm(A=x), POSITIVE),
    "angles": (lambda x: sl.subspace_angles(x[..., :2], B[:, :, :1]), A),
}

# SciPy's code adds in another order
DIGITS = {"funm", "angles", "factored", "factored outside"}


@pytest.mark.parametrize("name", STACKS)
def test_stacks_of_matrices_go_one_after_another(name: str) -> None:
    f, x = STACKS[name]
    wanted = f(x)
    made, pull = ad.vjp(f, x)
    np.testing.assert_allclose(made, wanted, rtol=1e-10, atol=1e-12)
    if name not in DIGITS:
        np.testing.assert_array_equal(made, wanted)
    to, away = RNG.normal(size=x.shape), RNG.normal(size=wanted.shape)

    def along(h: float) -> float:
        return float(np.sum(away * (f(x + h * to) - f(x - h * to))) / (2 * h))

    slope = (4 * along(1e-4) - along(2e-4)) / 3
    assert np.sum(away * ad.jvp(f, (x,), (to,))[1]) == pytest.approx(slope, rel=1e-6, abs=1e-7)
    assert np.sum(pull(away)[0] * to) == pytest.approx(slope, rel=1e-6, abs=1e-7)
    native = ad.jit(ad.grad(lambda x: np.sum(away * f(x))))(x)
    np.testing.assert_allclose(native, pull(away)[0], rtol=1e-7, atol=1e-9)


def test_the_half_that_nobody_reads_is_lapacks() -> None:
    for lower in (True, False):
        made = ad.jvp(lambda x, low=lower: sl.cho_factor(x, low)[0], (POSITIVE[0, 0],), (B[0],))
        plain = sl.cho_factor(POSITIVE[0, 0], lower)[0]
        np.testing.assert_array_equal(made[0], plain)
        rest = np.triu(B[0], 1) if lower else np.tril(B[0], -1)
        if plain[0, -1] * plain[-1, 0] == 0:  # SciPy 1.18 leaves zeros there, not the matrix
            rest = np.zeros_like(rest)
        kept = np.triu(made[1], 1) if lower else np.tril(made[1], -1)
        np.testing.assert_array_equal(kept, rest)


@pytest.mark.parametrize("lower", [True, False])
def test_imaginary_parts_of_the_diagonal_are_not_read(lower: bool) -> None:
    bands = np.array([[9.0 + 1j, 8 - 2j, 7 + 3j], [1 + 1j, 2 - 1j, 0.5j]])
    bands = bands if lower else bands[::-1].copy()
    right = np.array([1.0 + 1j, 2, 3])

    def f(x: Any) -> Any:
        return np.sum(np.abs(sl.solveh_banded(x, right, lower=lower)) ** 2)

    def g(x: Any) -> Any:
        return np.sum(sl.eigvals_banded(x, lower=lower) ** 3)

    to = np.array([[0.3 + 1j, 1 - 2j, 1 + 1j], [1j, 1, 2 - 1j]])
    for of in (f, g):
        assert of(bands) == pytest.approx(ad.vjp(of, bands)[0], rel=1e-12)
        slope = (of(bands + 1e-6 * to) - of(bands - 1e-6 * to)) / 2e-6
        assert ad.jvp(of, (bands,), (to,))[1] == pytest.approx(slope, rel=1e-6)


def test_norms_are_blas() -> None:
    single = np.array([3.0, 4.0], np.float32)
    made = ad.jit(sl.norm)(single)
    assert np.asarray(made).dtype == np.asarray(sl.norm(single)).dtype == np.float64
    huge = np.array([3e200, 4e200])
    value, slope = ad.value_and_grad(sl.norm)(huge)
    assert value == sl.norm(huge)
    np.testing.assert_allclose(slope, [0.6, 0.8])


def test_second_derivatives_of_logarithms_with_negative_eigenvalues() -> None:
    a = np.array([[1.0, 2.0, 0.3], [0.4, -0.5, 0.1], [0.7, 0.2, 0.6]]) + 0j
    assert np.min(np.linalg.eigvals(a).real) < -0.5
    to = np.ones((3, 3)) + 0j

    def f(x: Any) -> Any:
        return np.sum(np.real(sl.logm(x)) * np.arange(9.0).reshape(3, 3))

    def along(x: Any) -> Any:
        return ad.jvp(f, (x,), (to,))[1]

    # above the cut, so that differences stay on one side of it
    tilt = 1e-3j * np.eye(3)
    wanted = (along(a + tilt + 1e-5 * to) - along(a + tilt - 1e-5 * to)) / 2e-5
    assert np.sum(np.real(ad.grad(along)(a))) == pytest.approx(wanted, rel=2e-2)


def test_large_matrices_are_not_computed_twice(monkeypatch) -> None:
    ad.grad(lambda x: sl.det(x))(np.eye(2))
    called = []
    entry = entries["scipy.linalg.inv"]
    own = entry.original
    monkeypatch.setattr(entry, "original", lambda *a, **k: called.append(0) or own(*a, **k))
    for n in (5, 300):
        ad.grad(lambda x: sl.inv(x).sum())(np.eye(n))
        assert len(called) == 1
