"""Values that NumPy's own functions give, by ways that are quicker for large arrays."""

import numpy as np
import pytest

from adjoint.primitives import choose, linear

SUMS = [
    ((7,), (0,), (3, 2)),
    ((7, 5), (0,), (4,)),
    ((7, 5), (1,), (4,)),
    ((7, 5, 3), (1,), (2, 3)),
    ((7, 5, 3), (0, 2), (4,)),
    ((7, 5, 3), (1, 2), (2, 2)),
    ((4, 5, 3, 6), (0, 3), (5,)),
    ((4, 5, 3, 6), (1, 2), ()),
    ((7, 5), (0,), (0,)),
    ((1, 1), (1,), (1,)),
]


@pytest.mark.parametrize(("shape", "axes", "common"), SUMS)
def test_sums_at_places_are_numpys_to_the_bit(shape, axes, common, rng):
    places = [rng.integers(-shape[axis], shape[axis], common) for axis in axes]
    index = tuple(
        places[axes.index(axis)] if axis in axes else slice(None) for axis in range(len(shape))
    )
    expected = np.zeros(shape)
    y = rng.normal(size=expected[index].shape)
    np.add.at(expected, index, y)
    found = linear.scatter_add.evaluate(y, *places, axes=axes, shape=shape)
    np.testing.assert_array_equal(found, expected)
    if 0 not in common:
        with pytest.raises(IndexError, match="out of bounds"):
            linear.scatter_add.evaluate(y, *[i + 99 for i in places], axes=axes, shape=shape)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.complex128, np.int64])
def test_choices_are_numpys_to_the_bit(dtype, rng):
    def some(*shape):
        x = rng.normal(size=shape)
        x.flat[:3] = [0.0, -0.0, 7.0]
        if np.dtype(dtype).kind != "i":
            x.flat[3:6] = [np.nan, np.inf, -np.inf]
        return x.astype(dtype)

    zero, line = dtype(0), rng.random(3000) > 0.5
    table, column = rng.random((30, 100)) > 0.5, rng.random((3000, 1)) > 0.5
    for condition, x, y in [
        (line, some(3000), zero),
        (line, zero, some(3000)),
        (line, zero, zero),
        (table, np.broadcast_to(zero, (30, 100)), some(1, 100)),
        (table, np.broadcast_to(-zero, (30, 100)), some(30, 100)),
        (table, some(100, 30).T, np.broadcast_to(zero, (30, 100))),
        (column, zero, some(3000, 4)),
        (line, some(3000), some(3000)),
    ]:
        found, expected = choose.where.evaluate(condition, x, y), np.where(condition, x, y)
        assert found.dtype == expected.dtype
        assert found.shape == expected.shape
        assert found.tobytes() == expected.tobytes()
