"""``np.float64(x)`` and its like, called with what is recorded; and ``np.rec.fromarrays``."""

from __future__ import annotations

import numpy as np
import pytest
from numpy import complex128, float32

import adjoint as ad
from adjoint.trace.python_numbers import is_called

X = np.array([1.5, 0.7])
NUMBER = np.float64  # held under another name
FUNCTIONS = {
    "float64": lambda x: np.float64(x[0]) * 2,
    "float64 of an array": lambda x: np.float64(x) * x,
    "float64 of a list": lambda x: np.float64([x[1], x[0]]) * x,
    "float16": lambda x: np.float16(x[0]) * 2,
    "imported": lambda x: float32(x[1]) * np.ones(2, np.float32),
    "complex": lambda x: complex128(x[0]) * (1 + 2j) * np.complex64(x[1]),
    "another name": lambda x: NUMBER(x[0]) * x,
    "integer": lambda x: np.int64(x[0] * 3) * x,
    "index": lambda x: x[np.int32(x[0])],
    "plain": lambda x: np.float64(2.0) * x * np.int32(3) * np.float32("1.5"),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_they_cast_what_is_recorded(name):
    function = FUNCTIONS[name]
    want = function(X)

    def total(x):
        return np.sum(np.real(function(x)))

    moved, step = ad.grad(total)(X), 1e-3
    runs = [ad.jvp(function, (X,), (X,))[0], ad.jit(function)(X), ad.vmap(function)(X[None])[0]]
    for found in map(np.asarray, runs):
        assert (found.dtype, found.shape) == (np.asarray(want).dtype, np.shape(want))
        assert np.allclose(found, want, rtol=1e-6)
    if want.dtype.itemsize >= 8 and name != "complex":  # others round the steps away
        ways = step * np.eye(2)
        rates = [(total(X + way) - total(X - way)) / (2 * step) for way in ways]
        assert np.allclose(moved, rates, rtol=1e-6)
    assert np.allclose(ad.jit(ad.grad(total))(X), moved)
    assert np.allclose(ad.vmap(ad.grad(total))(X[None])[0], moved)
    assert np.any(moved != 0)


def test_they_are_numpys_types_in_all_else():
    seen = []

    def f(x):
        number = np.float64(x[0])
        assert isinstance(number, np.float64)
        assert isinstance(np.float64(2.0), np.float64)
        assert not isinstance(np.float32(2.0), np.float64)
        assert type(number) is np.float64
        assert type(np.float64(2.0)) is np.float64
        assert issubclass(np.float64, np.floating)
        assert x.dtype == np.float64
        assert x.dtype in (np.float32, np.float64)
        assert x.dtype.type in (np.float32, np.float64)
        assert {np.float32: "f", np.float64: "d"}[x.dtype.type] == "d"
        assert np.dtype(np.float64).char == "d"
        assert np.finfo(np.float64).eps == 2.0**-52
        seen.append(np.zeros(2, dtype=np.float64).dtype.char)
        return np.sum(x, dtype=np.float64) + np.ones(2, np.int8).astype(np.float64) @ x + number

    assert np.array_equal(ad.grad(f)(X), [3.0, 2.0])
    assert np.array_equal(ad.jit(ad.grad(f))(X), [3.0, 2.0])
    assert set(seen) == {"d"}
    assert np.float64 is np.dtype("d").type
    assert float32 is np.dtype("f").type
    assert NUMBER is np.float64


def test_what_is_called_is_told_from_what_is_handed_on():
    for function in (
        lambda x: np.float64(x),
        lambda x: NUMBER(x),
        lambda x: sum([np.float64(x), 1]),
        lambda *x: np.float64(*x),
        lambda x, **named: np.float64(x, **named),
    ):
        assert any(is_called(name, function.__code__) for name in ("float64", "NUMBER"))
    for function in (
        lambda x: x.astype(np.float64),
        lambda x: np.zeros(3, dtype=np.float64) + x,
        lambda x: np.sum(x, dtype=NUMBER),
        lambda x: issubclass(np.float64, x),
    ):
        assert not any(is_called(name, function.__code__) for name in ("float64", "NUMBER"))


def test_records_of_recorded_arrays():
    def f(x):
        made = np.rec.fromarrays([x, np.array([1, 2]), 2 * x], names="a,b,c")
        assert made.dtype.names == ("a", "b", "c")
        return np.sum(made.a * made["c"] * made.b) + made[1].a

    want = 4 * X * [1, 2] + [0, 1]
    assert np.allclose(ad.grad(f)(X), want)
    assert np.allclose(ad.jit(ad.grad(f))(X), want)
    assert np.allclose(ad.vmap(ad.grad(f))(X[None])[0], want)
    assert ad.jvp(f, (X,), (X,))[0] == f(X)


def test_compiled_functions_see_the_types_of_numpy():
    """SciPy's search for the nearest vectors asks ``obs.dtype.type is np.float64``."""
    _vq = pytest.importorskip("scipy.cluster._vq")
    book = np.array([[0.0, 1.0], [3.0, -1.0]])
    points = np.array([[0.1, 1.2], [2.0, -1.5], [2.5, 0.0]])
    want = _vq.vq(points, book)
    seen = []

    def f(x):
        y = np.float64(x) * 2
        seen.append(_vq.vq(points, book))
        return y

    ad.grad(f)(1.5)
    for found, value in zip(seen[0], want, strict=True):
        np.testing.assert_array_equal(found, value)
    assert vars(_vq)["np"] is np
