"""``np.gradient`` at recorded coordinates; complex arrays of infinite parts."""

from __future__ import annotations

import numpy as np
import pytest

import adjoint as ad

X = np.array([[1.0, 2.0, 4.0, 5.5, 7.0], [2.0, 0.5, 1.0, -1.0, 3.0], [0.3, 0.2, 0.1, 4.0, 1.5]])


@pytest.mark.parametrize("edge_order", [1, 2])
@pytest.mark.parametrize("start", [0.0, 0.3])  # even steps, and uneven ones
def test_gradient_moves_with_its_coordinates(start, edge_order):
    places = np.arange(5.0) + start * np.arange(5.0) ** 2

    def f(y):
        down, along = np.gradient(X, 0.5, y, edge_order=edge_order)
        return np.sum(np.sin(along) + down)

    assert ad.jit(f)(places) == pytest.approx(f(places), rel=1e-12)
    steps = 1e-6 * np.diag([1.0, 0.7, 1.3, 0.9, 1.1])  # uneven steps on both sides
    wanted = [(f(places + s) - f(places - s)) / (2 * s.max()) for s in steps]
    slope = ad.grad(f)(places)
    np.testing.assert_allclose(slope, wanted, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(ad.jit(ad.grad(f))(places), slope, rtol=1e-12)
    both = ad.vmap(ad.grad(f))(np.stack([places, 2 * places]))
    np.testing.assert_allclose(both, [slope, ad.grad(f)(2 * places)], rtol=1e-12)


def test_gradient_says_what_numpy_says():
    for n, places in ((5, np.arange(3.0)), (2, np.arange(2.0)), (5, np.arange(5.0))):

        def f(y, n=n):
            return np.gradient(X[0, :n], y, edge_order=3 if len(y) == 5 else 2).sum()

        said = r"match the length|too small|greater than 2"
        with pytest.raises(ValueError, match=said):
            f(places)
        with pytest.raises(ValueError, match=said):
            ad.grad(f)(places)


ENDS = [0.0, 1.5, -2.0, np.inf, -np.inf, np.nan]


@pytest.mark.parametrize("part", ["real", "imag"])
@pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
def test_a_part_is_written_and_the_other_stays(part, dtype):
    reals, imags = (x.ravel() for x in np.meshgrid(ENDS, ENDS))
    z = np.empty(36, dtype)
    z.real, z.imag = reals, imags
    new = np.roll(reals, 7)

    def f(z, new):
        w = z.copy()
        setattr(w, part, new)
        return w

    for given in (ad.vjp(f, z, new)[0], ad.jit(f)(z, new), ad.vmap(f)(z[:, None], new[:, None])):
        np.testing.assert_array_equal(np.ravel(given).real, f(z, new).real)
        np.testing.assert_array_equal(np.ravel(given).imag, f(z, new).imag)
        assert given.dtype == dtype


def test_parts_of_infinite_numbers_stay_apart():
    z = np.array([complex(1.26, np.inf), complex(-np.inf, 2.04), complex(np.nan, 1.0)])
    for f in (lambda z: np.round(z, 1), lambda z: z.view(float).view(complex)):
        given = ad.jit(f)(z)
        np.testing.assert_array_equal(given.real, f(z).real)
        np.testing.assert_array_equal(given.imag, f(z).imag)
