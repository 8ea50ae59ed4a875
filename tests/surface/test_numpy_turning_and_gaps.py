"""The sign of complex numbers, which turns with them; interpolation beside infinite values."""

import numpy as np
import pytest

import adjoint as ad


def test_sign_of_complex_numbers_moves() -> None:
    z, dz = np.array([1 + 2j, 3 - 1j, -2j, 0]), np.array([1 + 0.5j, -0.3j, 1 - 1j, 0])
    value, moved = ad.jvp(np.sign, (z,), (dz,))
    np.testing.assert_array_equal(value, np.sign(z))
    step = 1e-6
    wanted = (np.sign(z + step * dz) - np.sign(z - step * dz)) / (2 * step)
    np.testing.assert_allclose(moved, wanted, atol=1e-9)
    np.testing.assert_allclose(ad.jit(np.sign)(z), np.sign(z))

    def f(x, y):
        return np.sum(np.imag(np.sign(x + 1j * y) ** 3))

    x, y = np.array([0.3, -1.2, 2.0]), np.array([1.1, 0.4, -0.7])
    ad.check_grads(f, (x, y), order=2)
    for got, expected in zip(
        ad.jit(ad.grad(f, argnums=(0, 1)))(x, y), ad.grad(f, argnums=(0, 1))(x, y), strict=True
    ):
        np.testing.assert_allclose(got, expected, rtol=1e-12)


def test_sign_keeps_its_values_at_the_ends() -> None:
    z = np.array([0, complex(np.inf, 0), complex(0, -np.inf), -3])
    np.testing.assert_array_equal(ad.vjp(np.sign, z)[0], np.sign(z))
    assert np.all(ad.grad(lambda x: np.sum(np.sign(x)))(np.array([-1.0, 0.0, 2.0])) == 0)


@pytest.mark.parametrize("infinite", [np.inf, -np.inf])
def test_interp_beside_an_infinite_value(infinite: float) -> None:
    knots, values = np.array([0.0, 1.0, 2.0, 3.0]), np.array([1.0, 2.0, infinite, 4.0])
    at = np.array([0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0])
    plain = np.interp(at, knots, values)
    np.testing.assert_array_equal(ad.vjp(lambda x: np.interp(x, knots, values), at)[0], plain)
    np.testing.assert_array_equal(ad.jit(np.interp)(at, knots, values), plain)
    slope = ad.grad(lambda x: np.sum(np.interp(x, knots, values)))(at[:2])
    np.testing.assert_array_equal(slope, [1, 1])


def test_interp_of_complex_values_with_an_infinite_part() -> None:
    knots, values = np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 2.0, np.inf, 4.0], complex)
    at = np.array([1.5, 2.0, 2.5])
    for made in (ad.vjp(np.interp, at, knots, values)[0], ad.jit(np.interp)(at, knots, values)):
        np.testing.assert_array_equal(made, np.interp(at, knots, values))
    assert ad.grad(lambda x: np.real(np.interp(x, knots, values)))(1.5) == 1.0
    finite = values[:2] * (0.3 - 0.7j)
    exact = ad.vjp(lambda x: np.interp(x, knots[:2], finite), at)[0]
    np.testing.assert_array_equal(exact, np.interp(at, knots[:2], finite))
