"""How arrays lie in memory, that they are empty or of few bits, changes nothing but the order."""

from __future__ import annotations

import numpy as np
import pytest

import adjoint as ad
from adjoint.errors import UnsupportedError

DTYPES = ["f2", "f4", "f8", "F", "D", "?", "i1", "i4", "u8"]


def filled(shape, dtype):
    """Different numbers of both signs, in no order."""
    n = int(np.prod(shape))
    numbers = np.random.default_rng(n).permutation(n) * 0.37 - 0.17 * n
    if np.dtype(dtype).kind == "c":
        numbers = numbers + 1j * numbers[::-1]
    return (np.abs(numbers) if dtype == "u8" else numbers).reshape(shape).astype(dtype)


def layouts(dtype):
    yield "C", filled((3, 4), dtype)
    yield "transposed", filled((4, 3), dtype).T
    yield "strided", filled((6, 12), dtype)[::2, ::-3]
    yield "broadcast", np.broadcast_to(filled((3, 1), dtype), (3, 4))
    fixed = filled((3, 4), dtype)
    fixed.flags.writeable = False
    yield "read-only", fixed
    fixed = filled((6, 12), dtype)[::-2, ::3]
    fixed.flags.writeable = False
    yield "read-only strided", fixed
    yield "swapped", filled((3, 4), dtype).astype(np.dtype(dtype).newbyteorder())
    yield "ones", filled((1, 3, 1), dtype)
    yield "line", filled((12,), dtype)[::-2]
    yield "one", filled((1,), dtype)
    yield "number", filled((), dtype)
    for shape in (0,), (0, 3), (3, 0):
        yield f"empty {shape}", filled(shape, dtype)


FUNCTIONS = {
    "hypot.reduce": lambda x: np.hypot.reduce(x, axis=-1),
    "divide.reduce": lambda x: np.divide.reduce(x),
    "subtract.reduce": lambda x: np.subtract.reduce(x),
    "bitwise_or.reduce": lambda x: np.bitwise_or.reduce(x),
    "arctan2.accumulate": lambda x: np.arctan2.accumulate(x),
    "nanmedian": lambda x: np.nanmedian(x, axis=-1, keepdims=True),
    "nanquantile": lambda x: np.nanquantile(x, [0.2, 0.7], axis=0, keepdims=True),
    "mean": lambda x: np.mean(x, axis=0),
    "mean of some": lambda x: np.mean(x, axis=-1, where=np.abs(x) != 1),
    "var": lambda x: np.var(x, axis=-1),
    "std": lambda x: np.std(x, ddof=1),
    "sum of some": lambda x: np.sum(x, axis=-1, where=x != 1),
    "sum on top": lambda x: np.sum(x, axis=-1, initial=np.float64(2.7)),
    "max on top": lambda x: np.max(x, axis=-1, initial=1),
    "prod on top": lambda x: np.prod(x, axis=-1, initial=np.float64(2.5)),
    "norm": lambda x: np.linalg.norm(x),
    "norm inf": lambda x: np.linalg.norm(x, np.inf),
    "norm 2": lambda x: np.linalg.norm(x, 2),
    "pad": lambda x: np.pad(x, 1, mode="mean"),
    "delete": lambda x: np.delete(x, 0, axis=-1),
    "norm along": lambda x: np.linalg.norm(x, axis=-1),
    "vecdot": lambda x: np.vecdot(x, x) if x.dtype.kind != "c" else x,
    "view": lambda x: x.view()[..., None],
    "item": lambda x: x.item(0),
    "items": lambda x: np.array(x.tolist()),
    "item times": lambda x: x.item(0) * np.ones(2, np.float32),
}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_values_shapes_and_dtypes_are_those_of_numpy(name, dtype):
    function = FUNCTIONS[name]
    for layout, x in layouts(dtype):
        with np.errstate(all="ignore"):
            try:
                want = np.asarray(function(x))
            except (TypeError, ValueError, IndexError, np.linalg.LinAlgError):
                continue  # what NumPy has not
            want = want.astype(want.dtype.newbyteorder("="))
            if x.dtype.kind in "fc" and x.dtype.isnative:
                found = np.asarray(ad.jvp(function, (x,), (x,))[0])
                assert (found.dtype, found.shape) == (want.dtype, want.shape), layout
                assert np.array_equal(found, want, equal_nan=want.dtype.kind in "fc"), layout
            found = np.asarray(ad.jit(function)(x))
        assert (found.dtype, found.shape) == (want.dtype, want.shape), layout
        close = {"e": 1e-2, "f": 1e-5, "F": 1e-5}.get(want.dtype.char, 1e-12)
        assert np.allclose(found, want, rtol=close, atol=close, equal_nan=True), layout


def test_matrices_without_an_inverse_have_an_infinite_condition():
    matrices = np.stack([np.diag([3.0, 1.0, 2.0]), np.ones((3, 3))])
    found = ad.jvp(lambda x: np.linalg.cond(x, 1), (matrices,), (matrices,))[0]
    assert np.array_equal(found, [3.0, np.inf])
    moved = ad.grad(lambda x: np.linalg.cond(x, 1)[0])(matrices)
    assert np.array_equal(moved[0], ad.grad(lambda x: np.linalg.cond(x, 1))(matrices[0]))
    assert np.array_equal(moved[1], np.zeros((3, 3)))


def test_the_characteristic_polynomial_keeps_the_dtype():
    x = filled((3, 3), "f4")
    found = ad.jit(np.poly)(x)
    assert found.dtype == np.poly(x).dtype == np.float32
    assert np.allclose(found, np.poly(x), rtol=1e-5)


def test_flags_of_arguments_that_are_read_only():
    x = filled((4, 6), "f8")[::-1, ::2]
    x.flags.writeable = False
    seen = []

    def f(y):
        seen.append((y.flags.c_contiguous, y.T.flags.f_contiguous, y.flags.writeable))
        y[0] = 0
        return np.sum(y)

    assert np.array_equal(ad.grad(f)(x), np.where(np.arange(4)[:, None] > 0, np.ones((4, 3)), 0))
    assert seen == [(False, False, True)]


def test_a_number_among_choices_has_no_say_in_their_dtype():
    x = np.array([3.0], np.float32)
    for places in [0], [1]:
        want = np.choose(places, (1.0, x))
        found = ad.jvp(lambda u, p=places: np.choose(p, (1.0, u)), (x,), (x,))[0]
        assert (found.dtype, found.tolist()) == (want.dtype, want.tolist()) == ("f4", want.tolist())


def test_tensorsolve_with_a_recorded_right_side():
    a = np.random.default_rng(0).normal(size=(3, 2, 6))
    b = np.array([[1.0, -2.0], [0.5, 3.0], [2.0, 1.0]])
    moved = ad.grad(lambda y: np.sum(np.linalg.tensorsolve(a, y)))(b)
    want = np.linalg.inv(a.reshape(6, 6)).sum(0).reshape(3, 2)
    assert np.allclose(moved, want, rtol=1e-12)


def test_recorded_levels_of_quantiles_have_no_say_in_the_dtype():
    x = np.array([3.0, 1.0, 2.0], np.float32)
    for quantile in np.quantile, np.nanquantile:
        found = ad.jvp(lambda q, f=quantile: f(x, q), (0.4,), (1.0,))[0]
        assert np.asarray(found).dtype == quantile(x, 0.4).dtype == np.float32


def test_recorded_cutoffs_are_settings():
    a = np.diag([2.0, 1e-3]) + 0.0
    b = np.array([1.0, 3.0])
    for rcond in 1e-2, 1e-6:
        want = ad.grad(lambda u, r=rcond: np.sum(np.linalg.pinv(u, r)))(a)
        found = ad.grad(lambda u, r=rcond: np.sum(np.linalg.pinv(u, r * u[0, 0] / 2)))(a)
        assert np.array_equal(found, want)
        want = ad.grad(lambda u, r=rcond: np.sum(np.linalg.lstsq(u, b, r)[0]))(a)
        found = ad.grad(lambda u, r=rcond: np.sum(np.linalg.lstsq(u, b, r * u[0, 0] / 2)[0]))(a)
        assert np.array_equal(found, want)
    with pytest.raises(UnsupportedError, match="rcond"):
        ad.jit(lambda u: np.linalg.pinv(u, u[0, 0] / 2))(a)
