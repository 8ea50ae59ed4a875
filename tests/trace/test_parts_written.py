"""Writing ``z.real`` and ``z.imag``: bits as NumPy's, derivatives also where parts are infinite."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import adjoint as ad

PARTS = np.array([0.0, -0.0, 1.5, -2.0, np.inf, -np.inf, np.nan])
REAL, IMAG = (a.ravel() for a in np.meshgrid(PARTS, PARTS))


def with_imag(x: Any, y: Any) -> Any:
    z = x.astype(complex)
    z.imag = y
    return z


def with_real(x: Any, y: Any) -> Any:
    z = np.zeros(x.shape, complex)
    z.imag = y
    z.real = x
    return z


def with_elements(x: Any, y: Any) -> Any:
    z = x.astype(complex)
    z.imag[::2] = y[::2]
    z.imag[1::2] = y[1::2]
    return z


WRITERS = pytest.mark.parametrize("write", [with_imag, with_real, with_elements])


def bits(z: Any) -> Any:
    return [np.signbit(z.real), np.signbit(z.imag), np.nan_to_num(z.real), np.nan_to_num(z.imag)]


@WRITERS
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_signs_of_zero_infinities_and_nan_stay(write: Callable[..., Any], dtype: str) -> None:
    x, y = REAL.astype(dtype), IMAG.astype(dtype)
    plain = write(x, y)
    for got in (
        ad.vjp(write, x, y)[0],
        ad.jvp(write, (x, y), (np.ones_like(x), np.ones_like(y)))[0],
        ad.jit(write)(x, y),
        ad.vmap(write)(np.stack([x, x]), np.stack([y, y]))[1],
        ad.vmap(write, in_axes=(0, None))(np.stack([x, x]), y)[1],
    ):
        assert got.dtype == plain.dtype
        np.testing.assert_array_equal(bits(got), bits(plain))


@WRITERS
def test_branch_cut_is_met_on_the_side_of_the_sign(write: Callable[..., Any]) -> None:
    x, y = np.array([-4.0, -4.0]), np.array([0.0, -0.0])
    for run in (write, ad.jit(write)):

        def root(x: Any, y: Any, run: Any = run) -> Any:
            return np.sqrt(run(x, y)).imag

        np.testing.assert_array_equal(ad.vjp(root, x, y)[0], [2.0, -2.0])


@WRITERS
@pytest.mark.parametrize("change", [lambda f: f, ad.jit])
def test_a_part_moves_where_either_is_infinite(write: Callable[..., Any], change: Any) -> None:
    def both(x: Any, y: Any) -> Any:
        z = write(x, y)
        return z.real * 2, z.imag * 3

    f = change(both)
    ones = np.ones_like(REAL)
    np.testing.assert_array_equal(ad.jvp(f, (REAL, IMAG), (ones, ones))[1], [ones * 2, ones * 3])
    got = ad.vjp(f, REAL, IMAG)[1]((ones, ones))
    np.testing.assert_array_equal(got, [ones * 2, ones * 3])


@WRITERS
def test_every_order_of_derivative(write: Callable[..., Any]) -> None:
    rng = np.random.default_rng(0)
    ad.check_grads(
        lambda x, y: np.sum(np.abs(np.exp(write(x, y) * (0.3 + 0.2j))) ** 2),
        (rng.standard_normal(4), rng.standard_normal(4)),
        order=2,
    )
