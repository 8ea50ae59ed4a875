"""Partial fractions of scipy.signal put together again from poles that are integers."""

import numpy as np
import pytest
from scipy import signal

import adjoint as ad

POLES = np.array([0, -2, -5])
NOTHING = np.array([])


@pytest.mark.parametrize("rtype", ["avg", "min", "max"])
def test_integer_poles_give_the_dtypes_of_scipy(rtype: str) -> None:
    def f(residues):
        return signal.invres(residues, POLES, NOTHING, rtype=rtype)

    residues = np.array([0.3, -1 / 6, -2 / 15])
    recorded, plain = ad.vjp(f, residues)[0], f(residues)
    for got, wanted in zip(recorded, plain, strict=True):
        assert got.dtype == wanted.dtype
        np.testing.assert_array_equal(got, wanted)


def _denominator(t):
    """A triple root, a double and a single one."""
    triple, single = np.stack([1 + 0 * t, 3 * t, 3 * t**2, t**3]), np.stack([1 + 0 * t, 3 + t])
    return np.convolve(np.convolve(triple, np.stack([1 + 0 * t, 4 * t, 4 * t * t])), single)


@pytest.mark.parametrize("name", ["residue", "residuez"])
def test_repeated_poles_move_as_the_factors_of_the_denominator(name: str) -> None:
    def f(t):
        r, p, k = getattr(signal, name)(np.stack([1.0, 2.0, t]), _denominator(t), tol=1e-2)
        return np.concatenate([r, p, k])

    def slope(t):
        return ad.jvp(f, (t,), (1.0,))[1]

    for derivative, function in ((slope, f), (lambda t: ad.jvp(slope, (t,), (1.0,))[1], slope)):
        up, down, up_2, down_2 = (function(0.8 + h) for h in (1e-3, -1e-3, 2e-3, -2e-3))
        wanted = (8 * (up - down) - (up_2 - down_2)) / 12e-3
        scale = np.max(np.abs(wanted))
        np.testing.assert_allclose(derivative(0.8), wanted, rtol=1e-5, atol=1e-6 * scale)
    weights = np.arange(len(f(0.8))) + 1.0
    back = ad.grad(lambda t: np.sum(weights * np.real(f(t))))(0.8)
    np.testing.assert_allclose(back, np.sum(weights * np.real(slope(0.8))), rtol=1e-9)
    with pytest.raises(ad.errors.UnsupportedError, match="repeated root"):
        ad.grad(
            lambda t: np.real(getattr(signal, name)([1.0], _denominator(t), 1e-2, "min")[0][0])
        )(0.8)


@pytest.mark.parametrize("rtype", ["avg", "min", "max"])
@pytest.mark.parametrize("turned", [1.0, 1.0 - 0.5j])
def test_unique_roots_are_the_roots_that_are_taken(rtype: str, turned: complex) -> None:
    roots = np.array([1.0, 1.05, 2.0, 3.0, 2.96, 1.02]) * turned

    def f(p):
        return signal.unique_roots(p, 0.1, rtype)

    found, pull = ad.vjp(lambda p: f(p)[0], roots)
    np.testing.assert_array_equal(found, f(roots)[0])
    away = np.array([1.0, 10.0, 100.0]).astype(found.dtype)
    wanted = {
        "avg": [1 / 3, 1 / 3, 10, 50, 50, 1 / 3], "min": [1, 0, 10, 0, 100, 0],
        "max": [0, 1, 10, 100, 0, 0],
    }  # fmt: skip
    np.testing.assert_allclose(pull(away)[0], wanted[rtype], rtol=1e-12)
    np.testing.assert_array_equal(ad.vjp(f, roots)[0][1], [3, 1, 2])
