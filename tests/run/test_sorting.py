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
