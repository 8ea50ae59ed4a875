"""Places of extremes, found in lanes: of equal ones the first counts, and NaN before all."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import adjoint as ad


def _rows(dtype: str, count: int) -> np.ndarray:
    rng = np.random.default_rng(count)
    x = rng.integers(0, 7, (9, count)).astype(dtype)  # many ties
    if x.dtype.kind == "f":
        x[1] = -np.inf
        x[2, count // 2 :] = np.nan
        x[3, [count // 3, count - 1]] = np.nan
        x[4] = np.where(x[4] == 0, -0.0, np.minimum(x[4], 0))
        x[5] = np.inf
        x[6] = np.nan
    x[7], x[8] = 3, np.arange(count) % 120
    return x


def _places(x: Any) -> list[Any]:
    found = []
    for f in (np.argmax, np.argmin):
        found += [f(x, axis=1), f(x, axis=0), f(x[8]), f(x[::-1, ::-1], axis=1)]
    return found


@pytest.mark.parametrize("count", [1, 31, 32, 67])
@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "int64", "int32", "uint8"])
def test_they_are_those_of_numpy(dtype: str, count: int) -> None:
    x = _rows(dtype, count)
    for got, wanted in zip(ad.jit(_places)(x), _places(x), strict=True):
        np.testing.assert_array_equal(got, wanted)
