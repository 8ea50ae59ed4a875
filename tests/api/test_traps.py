"""Errors that say nothing, met in other libraries: none of them here, in any mode."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.special
from scipy.linalg import solve_triangular

import adjoint as ad

X = np.array([0.5, -1.5, 2.5, 0.7])
ROWS = np.array(
    [[0.3, 1.2, -0.7, 2.0, 0.4], [1.1, -0.2, 0.9, -1.3, 0.8], [-0.6, 0.5, 1.7, 0.1, 1.9]]
)
WEIGHTS = np.linspace(-1, 2, 40)
SQUARE = np.array([[3.0, 0.4, -0.5], [0.7, 2.5, 0.3], [-0.2, 0.6, 4.0]])
ZEROS = np.array([[0.0, 2.0, 3.0], [0.0, 0.0, 1.0], [4.0, 5.0, 6.0]])
FUNCTIONS: dict[str, tuple[Callable[[Any], Any], Any]] = {}


def trap(x: Any) -> Callable[[Callable[[Any], Any]], Callable[[Any], Any]]:
    def note(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
        FUNCTIONS[f.__name__] = (f, x)
        return f

    return note


def weighted(y: Any) -> Any:
    flat = np.ravel(y)
    return np.sum(flat * WEIGHTS[: flat.size]) + np.sum(flat**2)


# *** what is written is written, through every name ***


@trap(X)
def added_to_the_argument(x: Any) -> Any:
    y = x
    x += np.sin(x)
    y[1:] *= 2

    def step(v: Any) -> None:
        v -= 0.1 * v**2

    step(x)
    step(x[::2])
    np.multiply(x, 1.5, out=y)
    return np.sum(x**3)


@trap(X)
def steps_in_every_way(x: Any) -> Any:
    u = np.zeros((9, 4))
    u[0] = x
    u[1, :] += np.sin(u[0])
    np.multiply(u[1], 1.1, out=u[2])
    np.copyto(u[3], u[2], where=u[2] > 0)
    u.flat[16:20] = u[3] ** 2
    u[5].put([0, 3, 1, 2], u[4])
    np.put_along_axis(u[6], np.array([2, 0, 1, 3]), u[5], axis=0)
    np.place(u[7], np.array([True, True, False, True]), u[6])
    np.putmask(u[8], np.array([True, False, True, True]), u[7])
    u[2].__setitem__(0, u[8, 3])
    u.T[1].fill(u[0, 0])
    return weighted(u)


@trap(X)
def steps_in_arrays_of_every_make(x: Any) -> Any:
    made = [
        *(np.empty_like(x), np.empty_like(WEIGHTS[:4]), np.ones_like(x), np.full(4, 2.0)),
        *(np.array([0.0] * 4), np.asarray([1.0, 2, 3, 4]), np.copy(np.zeros(4)), np.tile(0.0, 4)),
        *(np.linspace(0, 1, 4), np.eye(4)[1], np.mgrid[0:2, 0:4][1] * 1.0, np.zeros((2, 4))[1]),
        *(np.outer(np.ones(2), np.ones(4))[0], np.zeros(4, complex).real),
    ]
    total: Any = 0.0
    for k, a in enumerate(made):
        a[:] = x * k
        a[1:3] += a[0] ** 2
        total = total + weighted(a)
    return total


@trap(X)
def buffers_that_change_places(x: Any) -> Any:
    u, v = np.zeros(4), np.empty(4)
    u[:] = x
    for _ in range(3):
        v[1:-1] = u[1:-1] + 0.1 * (u[2:] - 2 * u[1:-1] + u[:-2])
        v[0], v[-1] = u[0], u[-1]
        u, v = v, u
    return weighted(u)


@trap(X)
def state_in_objects(x: Any) -> Any:
    class State:
        def __init__(self) -> None:
            self.u, self.history = np.zeros(4), np.zeros((3, 4))

    state = State()
    for k in range(3):
        state.u[:] = state.u + np.cos(x) * 0.3
        state.history[k] = state.u
    return weighted(state.history)


# *** zeros ***


@trap(np.array([0.0, 2.0, 3.0, 4.0]))
def product_with_a_zero(x: Any) -> Any:
    return np.prod(x) + weighted(np.cumprod(x)) + np.multiply.reduce(x) ** 2


@trap(np.array([0.0, 0.0, 3.0, 4.0]))
def product_with_two_zeros(x: Any) -> Any:
    return np.prod(x) + weighted(np.cumprod(x)) + np.nanprod(x)


@trap(ZEROS)
def products_along_axes(x: Any) -> Any:
    parts = [np.prod(x, axis=0), x.prod(axis=-1, keepdims=True), np.prod(x, axis=(0, 1))]
    return sum(weighted(part) for part in parts)


@trap(np.outer([1.0, 2.0, 3.0], [1.0, 0.0, 1.0]))
def determinant_of_rank_one(a: Any) -> Any:
    return np.linalg.det(a) + np.linalg.det(a[:2, :2])


# *** options that are read ***


@trap(ROWS)
def real_transforms_of_other_lengths(x: Any) -> Any:
    total: Any = 0.0
    for n in (None, 3, 4, 5, 8, 9, 1):
        for y in (
            np.fft.rfft(x, n=n),
            np.fft.rfft(x, n=n, axis=0, norm="ortho"),
            np.fft.ihfft(x, n),
        ):
            total = total + weighted(y.real) + weighted(y.imag)
    return total + weighted(np.abs(np.fft.rfft2(x, s=(4, 7))))


@trap(ROWS)
def back_from_real_transforms(x: Any) -> Any:
    z, total = x * np.exp(0.5j * x), 0.0
    for n in (None, 2, 5, 6, 9, 12):
        total = total + weighted(np.fft.irfft(z, n=n)) + weighted(np.fft.hfft(z, n, norm="forward"))
    return total + weighted(np.fft.irfftn(z, s=(2, 9), axes=(1, 0)))


@trap(SQUARE)
def triangles(a: Any) -> Any:
    total: Any = 0.0
    for lower in (False, True):
        for unit in (False, True):
            for trans in (0, "T", 2):
                for b in (WEIGHTS[:3], a[:, :2]):
                    total = total + weighted(
                        solve_triangular(a, b, trans=trans, lower=lower, unit_diagonal=unit)
                    )
    return total


ORDERS = (np.inf, -np.inf, 1, -1, 2, -2)


@trap(ROWS)
def norms_of_vectors(x: Any) -> Any:
    total: Any = 0.0
    for order in (*ORDERS, 0.5, 3, -0.5, None):
        for axis in (0, -1):
            total = total + weighted(np.linalg.norm(x, ord=order, axis=axis))
    return total + weighted(np.linalg.vector_norm(x, ord=np.inf, axis=(0, 1), keepdims=True))


@trap(np.stack([ROWS, np.cos(ROWS)]))
def norms_of_matrices(x: Any) -> Any:
    total: Any = 0.0
    for order in (*ORDERS, "nuc", "fro", None):
        total = total + weighted(np.linalg.norm(x, ord=order, axis=(-1, -2), keepdims=True))
        total = total + weighted(np.linalg.norm(x, ord=order, axis=(2, 0)))
    return total


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_mode_gives_the_slope(name: str) -> None:
    f, x = FUNCTIONS[name]
    t = np.cos(np.arange(1.0, x.size + 1)).reshape(x.shape)
    h = 1e-3

    def difference(g: Callable[[Any], Any], h: float) -> Any:
        def central(h: float) -> Any:
            return (g(x + h * t) - g(x - h * t)) / (2 * h)

        return (64 * central(h) - 20 * central(2 * h) + central(4 * h)) / 45

    def slope(x: Any) -> Any:
        return ad.jvp(f, (x,), (t,))[1]

    def along(x: Any) -> Any:
        return np.sum(gradient(x) * t)

    gradient, before = ad.grad(f), x.copy()
    value, first = ad.value_and_grad(f)(x)
    np.testing.assert_array_equal(x, before)
    assert value == f(x.copy())
    wanted = difference(lambda x: f(x.copy()), h)
    assert np.sum(first * t) == pytest.approx(wanted, rel=1e-7, abs=1e-7)
    assert slope(x) == pytest.approx(np.sum(first * t), rel=1e-10)
    second = ad.hvp(f, x, t)
    np.testing.assert_allclose(second, difference(gradient, 1e-4), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(ad.grad(along)(x), second, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(ad.grad(slope)(x), second, rtol=1e-8, atol=1e-9)
    both = ad.jit(lambda x: (f(x.copy()), gradient(x), slope(x), ad.hvp(f, x, t)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        batch = ad.vmap(gradient)(np.stack([x, x]))[1]
    for got, known in zip((*both(x), batch), (value, first, slope(x), second, first), strict=True):
        np.testing.assert_allclose(got, known, rtol=1e-9, atol=1e-10)


# *** the last digits ***

# psi'(x) to psi'''(x) at 0.3, 5.2 and -0.7, computed with 40 digits.
POLYGAMMA = {
    1: (12.245364546107732, 0.21197559832777266, 14.28618087263834),
    2: (-75.27253658872604, -0.044769925599022584, -69.44163279863854),
    3: (743.1417646550498, 0.018843752208050388, 768.1313523268526),
}


@pytest.mark.parametrize("order", [0, 1, 2])
def test_polygamma_to_the_last_digits(order: int) -> None:
    x = np.array([0.3, 5.2, -0.7])

    def f(x: Any) -> Any:
        return np.sum(scipy.special.polygamma(order, x))

    np.testing.assert_allclose(ad.grad(f)(x), POLYGAMMA[order + 1], rtol=2e-15)
    np.testing.assert_allclose(ad.jit(ad.grad(f))(x), POLYGAMMA[order + 1], rtol=2e-15)


def test_memory_itself_is_refused() -> None:
    with pytest.raises(TypeError, match="memoryview"):
        ad.grad(lambda x: np.sum(np.asarray(memoryview(x))))(X)
