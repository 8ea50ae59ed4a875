"""Orders of rows, compiled: as NumPy's stable sort has them."""

from typing import Any

import numpy as np
import pytest

import adjoint as ad
from adjoint.lower import sorting

DTYPES = ["?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8"]
SHAPES = [((0,), 0), ((1,), 0), ((2,), 0), ((37,), 0), ((4, 0), 1), ((5, 8), 0), ((3, 65), 1),
          ((2, 3, 4), 1)]  # fmt: skip


@pytest.mark.parametrize("dtype", DTYPES)
def test_order_is_that_of_numpy(dtype: str) -> None:
    rng = np.random.default_rng(0)
    arrays = [rng.integers(0, 9, shape).astype(dtype) for shape, _ in SHAPES]
    if np.dtype(dtype).kind == "f":
        for x in arrays:
            x[rng.random(x.shape) < 0.1] = np.nan
            x[rng.random(x.shape) < 0.1] = -np.inf
            x[rng.random(x.shape) < 0.1] = -0.0

    def all_of(xs: Any) -> Any:
        rows = [(x, axis) for x, (_, axis) in zip(xs, SHAPES, strict=True)]
        orders = [np.argsort(x, axis=axis, kind="stable") for x, axis in rows]
        return orders, [np.sort(x, axis) for x, axis in rows]

    run = ad.jit(all_of)
    assert run.lower(arrays).python == ()
    for got, wanted in zip(run(arrays), all_of(arrays), strict=True):
        for y, z in zip(got, wanted, strict=True):
            assert y.dtype == z.dtype
            np.testing.assert_array_equal(y, z)


def test_long_rows_go_to_numpy() -> None:
    x = np.random.default_rng(0).standard_normal(sorting.LONGEST + 1)
    run = ad.jit(lambda x: np.argsort(x, kind="stable"))
    assert run.lower(x).python == ("argsort",)
    assert run.lower(x[1:]).python == ()
    for part in (x, x[1:]):
        np.testing.assert_array_equal(run(part), np.argsort(part, kind="stable"))


def test_what_rests_on_sorting() -> None:
    x = np.random.default_rng(1).standard_normal((7, 9))

    def several(x: Any) -> Any:
        return np.median(x, 1), np.quantile(x, 0.3, axis=0), np.partition(x, 3, 1)[:, 3]

    for got, wanted in zip(ad.jit(several)(x), several(x), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-14)
    slope = ad.grad(lambda x: np.sum(np.sort(x, 1) * np.arange(9.0)))
    np.testing.assert_array_equal(ad.jit(slope)(x), slope(x))


def test_many_values_are_sorted_by_numpy_and_positions_found_for_derivatives_alone() -> None:
    x = np.random.default_rng(2).standard_normal((40, 50))
    x[3, 4], x[5, 6], x[5, 7] = np.nan, -0.0, 0.0
    for axis in (0, 1, None):
        run = ad.jit(lambda x, axis=axis: np.sort(x, axis))
        assert run.lower(x).python == ("sort",)
        assert run(x).tobytes() == np.sort(x, axis).tobytes()
        value, pull = ad.vjp(lambda x, axis=axis: np.sort(x, axis), x)
        assert value.tobytes() == np.sort(x, axis).tobytes()
        weights = np.arange(2000.0).reshape(value.shape)
        wanted = np.zeros_like(x).ravel() if axis is None else np.zeros_like(x)
        order = np.argsort(x, axis)
        if axis is None:
            wanted[order] = weights
        else:
            np.put_along_axis(wanted, order, weights, axis)
        np.testing.assert_array_equal(pull(weights)[0], wanted.reshape(x.shape))


def test_sorts_have_all_modes() -> None:
    x = np.random.default_rng(3).permutation(np.arange(2000.0)).reshape(40, 50) / 700
    w = np.linspace(-1, 1, 50)

    def f(x: np.ndarray) -> Any:
        return np.sum(np.sin(np.sort(x, 1)) * w)

    slope, turn = np.empty_like(x), np.empty_like(x)
    order = np.argsort(x, 1)
    np.put_along_axis(slope, order, np.cos(np.sort(x, 1)) * w, 1)
    np.put_along_axis(turn, order, -np.sin(np.sort(x, 1)) * w, 1)
    for wrap in (ad.jit, lambda f: f):
        np.testing.assert_allclose(wrap(ad.grad(f))(x), slope, rtol=1e-14)
        for over in (ad.hvp, lambda f, x, v: ad.grad(lambda x: np.sum(ad.grad(f)(x) * v))(x)):
            got = wrap(lambda x, over=over: over(f, x, np.ones_like(x)))(x)
            np.testing.assert_allclose(got, turn, rtol=1e-14)
        rows = wrap(ad.vmap(lambda r: np.sort(r)))(x)
        np.testing.assert_array_equal(rows, np.sort(x, 1))
        _, moved = wrap(lambda x: ad.jvp(f, (x,), (np.ones_like(x),)))(x)
        np.testing.assert_allclose(moved, slope.sum(), rtol=1e-12)
