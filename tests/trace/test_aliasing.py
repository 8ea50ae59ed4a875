"""What NumPy gives as a view is one here, and what it copies is not: writing either way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import adjoint as ad

BASE = np.arange(1.0, 25).reshape(2, 3, 4)
WEIGHTS = np.arange(24.0).reshape(2, 3, 4)
windows = np.lib.stride_tricks.sliding_window_view

LOOKS: dict[str, Callable[[Any], Any]] = {
    "a.real": lambda a: a.real,
    "conj": lambda a: a.conj(),
    "conjugate": lambda a: a.conjugate(),
    "transpose": lambda a: np.transpose(a, (2, 0, 1)),
    "reshape": lambda a: a.reshape(4, -1),
    "reshape in the other order": lambda a: a.T.reshape(-1, order="F"),
    "reshape of what does not lie in order": lambda a: a[:, ::2].reshape(-1),
    "reshape as a copy": lambda a: np.reshape(a, (6, 4), copy=True),
    "ravel as it lies": lambda a: a.T.ravel("K"),
    "ravel": lambda a: a.T.ravel(),
    "flatten": lambda a: a.flatten(),
    "split": lambda a: np.array_split(a, 3, axis=2)[1],
    "unstack": lambda a: np.unstack(a, axis=1)[2],
    "rot90": lambda a: np.rot90(a, 3),
    "ascontiguousarray": lambda a: np.ascontiguousarray(a),
    "ascontiguousarray, transposed": lambda a: np.ascontiguousarray(a.T),
    "asfortranarray": lambda a: np.asfortranarray(a),
    "asfortranarray, transposed": lambda a: np.asfortranarray(a.T),
    "asarray in the other order": lambda a: np.asarray(a, order="F"),
    "array": lambda a: np.array(a),
    "array, no copy": lambda a: np.array(a, copy=None, ndmin=5),
    "require": lambda a: np.require(a, requirements=["C", "W"]),
    "require in the other order": lambda a: np.require(a, requirements="F"),
    "require its own": lambda a: np.require(a[1:], requirements="O"),
    "astype": lambda a: a.astype(float),
    "astype, no copy": lambda a: a.astype(float, copy=False),
    "np.astype, no copy": lambda a: np.astype(a, float, copy=False),
    "einsum in another order": lambda a: np.einsum("ijk->kij", a),
    "einsum of a diagonal": lambda a: np.einsum("iji->ij", a[:, :, :2]),
    "einsum by lists": lambda a: np.einsum(a, [0, 1, 2], [1, 0, 2]),
    "einsum, any order": lambda a: np.einsum("kji", a, optimize=True),
    "a sum by einsum": lambda a: np.einsum("ijk->ij", a),
    "diagonal": lambda a: a.diagonal(1, 1, 2),
    "diag": lambda a: np.diag(a[0]),
    "linalg.diagonal": lambda a: np.linalg.diagonal(a),
    "windows": lambda a: windows(a, (2, 3), (0, 2)),
    "windows to write": lambda a: windows(a, 2, axis=0, writeable=True),
    "strides": lambda a: np.lib.stride_tricks.as_strided(
        a, (2, 2, 3), (a.strides[0], a.strides[2], a.strides[1])
    ),
    "complex numbers": lambda a: a.view(complex),
    "parts of complex numbers": lambda a: a.view(complex).imag,
    "nan_to_num in place": lambda a: np.nan_to_num(a, copy=False),
    "clip": lambda a: np.clip(a, -9, 9),
    "rows": lambda a: next(iter(a)),
}
ORIGINS: dict[str, Callable[[Any], Any]] = {
    "argument": lambda x: x,
    "result": lambda x: x * 1.0,
    "made inside": lambda x: np.array(BASE),
    "filled": lambda x: _filled(x),
}


def _filled(x: Any) -> Any:
    a = np.zeros((2, 3, 4))
    a[:] = x
    return a


def write_to_view(a: Any, look: Any) -> Any:
    seen = look(a)
    seen[...] = seen * 2
    return np.sum(a * WEIGHTS), np.sum(seen.real), np.sum(seen.imag)


def write_to_base(a: Any, look: Any) -> Any:
    seen = look(a)
    a[...] = a * 3
    a[1, 1] += 1
    return np.sum(a * WEIGHTS), np.sum(seen.real), np.sum(seen.imag)


def outcome(f: Any) -> Any:
    """What comes out: numbers, or None where NumPy forbids the writing."""
    try:
        return np.array([float(np.real(y)) for y in f()])
    except ValueError as error:
        assert "read-only" in str(error)  # noqa: PT017
        return None


@pytest.mark.parametrize("write", [write_to_view, write_to_base], ids=lambda f: f.__name__)
@pytest.mark.parametrize("name", LOOKS)
def test_as_numpy(name: str, write: Any) -> None:
    look = LOOKS[name]
    if name == "strides" and write is write_to_base:
        look = LOOKS["windows"]  # an array without a recorded value is strided by NumPy itself
    wanted = outcome(lambda: write(BASE.copy(), look))
    for origin, start in ORIGINS.items():
        got = outcome(lambda start=start: ad.vjp(lambda x: write(start(x), look), BASE)[0])
        np.testing.assert_equal(got, wanted, err_msg=origin)
    np.testing.assert_equal(outcome(lambda: ad.jit(lambda x: write(x, look))(BASE)), wanted)


@pytest.mark.parametrize("name", ["einsum of a diagonal", "windows to write", "strides", "a.real"])
def test_derivatives_of_what_is_written(name: str, rng: np.random.Generator) -> None:
    def f(x: Any) -> Any:
        a = np.sin(x)
        seen = LOOKS[name](a)
        seen[..., 0] *= x[0, 1, 2]
        return np.sum(a**2 * WEIGHTS) + np.sum(seen[..., 0] ** 3)

    t = rng.normal(size=BASE.shape)
    h = 1e-6
    slope = (f(BASE + h * t) - f(BASE - h * t)) / (2 * h)
    gradient = ad.grad(f)(BASE)
    assert np.sum(gradient * t) == pytest.approx(slope, rel=1e-6)
    assert ad.jvp(f, (BASE,), (t,))[1] == pytest.approx(np.sum(gradient * t), rel=1e-11)
    np.testing.assert_allclose(ad.jit(ad.grad(f))(BASE), gradient, rtol=1e-11, atol=1e-11)
    batch = ad.vmap(ad.grad(f))(np.stack([BASE, BASE]))
    np.testing.assert_allclose(batch[1], gradient, rtol=1e-11, atol=1e-11)


def test_parts_of_complex_numbers_are_written() -> None:
    def f(x: Any) -> Any:
        a = np.zeros(4, complex)
        a.real = x
        a.imag[1:] = x[1:] ** 2
        a.real[0] += x[3]
        a.imag *= x[0]
        return np.sum(np.abs(a) ** 2 * np.arange(1, 5))

    x = np.array([0.5, -1.5, 2.5, 0.7])
    wanted = [(f(x + 1e-6 * e) - f(x - 1e-6 * e)) / 2e-6 for e in np.eye(4)]
    np.testing.assert_allclose(ad.grad(f)(x), wanted, rtol=1e-7)
    np.testing.assert_allclose(ad.jit(ad.grad(f))(x), wanted, rtol=1e-7)
    with pytest.raises(TypeError, match="imaginary part"):
        ad.grad(lambda x: setattr(x, "imag", x) or x.sum())(x)


def test_an_iterator_over_elements_goes_on_where_it_was():
    def f(x):
        square = np.outer(x, x)
        through = square.flat
        total = next(through) + 2 * next(through)
        assert (through.index, through.coords) == (2, (0, 2))
        total = total + sum(k * v for k, v in enumerate(through))
        row = square[1]
        for k, v in enumerate(row.flat):  # sees what is written on the way
            if k < 2:
                square[1, k + 1] += v
            total = total + v * v
        return total

    x = np.array([1.0, 2.0, 3.0])
    value, slope = ad.value_and_grad(f)(x)
    assert value == f(x)
    steps = 1e-6 * np.eye(3)
    wanted = [(f(x + step) - f(x - step)) / 2e-6 for step in steps]
    np.testing.assert_allclose(slope, wanted, rtol=1e-7)
    np.testing.assert_allclose(ad.jit(ad.grad(f))(x), slope, rtol=1e-12)


def test_nothing_is_placed_where_no_mask_holds():
    def f(x):
        kept = x * x
        np.place(kept, np.zeros(3, bool), x[:0])
        return kept.sum()

    x = np.array([1.0, 2.0, 3.0])
    np.testing.assert_array_equal(ad.grad(f)(x), 2 * x)
    with pytest.raises(ValueError, match="empty"):
        ad.grad(lambda x: np.place(x * x, np.ones(3, bool), x[:0]))(x)
