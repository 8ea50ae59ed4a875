"""Places in long sorted arrays whose values are not known."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest

import adjoint as ad

RNG = np.random.default_rng(3)


@pytest.mark.parametrize("n", [65, 127, 128, 129])
@pytest.mark.parametrize("side", ["left", "right"])
def test_numpys_places(n: int, side: Literal["left", "right"]) -> None:
    grid = np.sort(RNG.integers(0, n // 2, n)).astype(float)
    grid[-3:] = np.inf, np.nan, np.nan
    sought = RNG.integers(-3, n // 2 + 3, (9, 4)).astype(float)
    sought[0] = np.nan, np.inf, -np.inf, -0.0
    compiled = ad.jit(lambda a, v: np.searchsorted(a, v, side))
    for v in (sought, sought[0, 0], np.zeros((0, 2))):
        np.testing.assert_array_equal(compiled(grid, v), np.searchsorted(grid, v, side))


def test_other_arrays_under_vmap_and_integers() -> None:
    grids, sought = np.sort(RNG.integers(0, 99, (3, 80)), axis=1), RNG.integers(-5, 110, (3, 7))
    expected = [np.searchsorted(a, v) for a, v in zip(grids, sought, strict=True)]
    np.testing.assert_array_equal(ad.vmap(np.searchsorted)(grids, sought), expected)


def test_work_does_not_grow_with_the_product_of_lengths() -> None:
    def loss(x, grid):
        return np.sum(np.interp(x, grid, grid**2) + np.digitize(x, grid))

    x, grid = RNG.normal(size=500), np.sort(RNG.normal(size=700))
    graph = ad.trace(ad.grad(loss), x, grid)
    assert max(value.type.size for node in graph.nodes for value in node.outputs) <= 700
    np.testing.assert_allclose(ad.jit(loss)(x, grid), loss(x, grid), rtol=1e-13)
