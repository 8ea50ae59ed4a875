"""Riccati's equations in full: a descriptor matrix, a cross term, complex matrices."""

from typing import Any

import numpy as np
import pytest
import scipy.linalg

import adjoint as ad


@pytest.mark.parametrize("complex_ones", [False, True])
@pytest.mark.parametrize("name", ["solve_continuous_are", "solve_discrete_are"])
def test_full_equations_move_with_every_matrix(name: str, complex_ones: bool) -> None:
    rng = np.random.default_rng(4)  # SciPy refuses many a pencil with e
    solve = getattr(scipy.linalg, name)

    def drawn(*shape: int) -> np.ndarray:
        x = 0.3 * rng.normal(size=shape)
        return x + 0.3j * rng.normal(size=shape) if complex_ones else x

    a, b, s, e = (drawn(*x) for x in ((3, 3), (3, 2), (3, 2), (3, 3)))
    da, db, ds, de = (drawn(*x.shape) for x in (a, b, s, e))
    q, r, weights = 3 * np.eye(3), 2 * np.eye(2), rng.normal(size=(3, 3))

    def f(t: float) -> Any:
        x = solve(a + t * da, b + t * db, q * (1 + t), r * (1 + t),
                  e=np.eye(3) + 0.2 * e + 0.1 * t * de, s=0.1 * s + 0.1 * t * ds)  # fmt: skip
        return np.sum(weights * (np.real(x) + 2 * np.imag(x)))

    h = 1e-4
    value, slope = ad.value_and_grad(f)(0.0)
    assert value == pytest.approx(f(0.0), rel=1e-9)
    assert slope == pytest.approx((f(h) - f(-h)) / (2 * h), rel=1e-5)
    assert ad.jit(ad.grad(f))(0.0) == pytest.approx(slope, rel=1e-9)
    bend = (ad.grad(f)(h) - ad.grad(f)(-h)) / (2 * h)
    assert ad.grad(ad.grad(f))(0.0) == pytest.approx(bend, rel=1e-5)


def test_a_cross_term_alone_of_whole_numbers() -> None:
    # a = 0, b = q = r = 1: (x + s)^2 = 1, so x = 1 - s.
    one = np.ones((1, 1), int)

    def f(s: float) -> Any:
        x = scipy.linalg.solve_continuous_are(0 * one, one, one, one, s=s * one)
        return x[0, 0]

    value, slope = ad.value_and_grad(f)(0.25)
    assert (value, slope) == (pytest.approx(0.75), pytest.approx(-1.0))
