"""Loops that are cut where joined arrays meet: their ends, and threads that share them."""

from typing import Any

import numpy as np
import pytest

import adjoint as ad
from adjoint.run import pool


def turned(x: Any) -> Any:
    """Neighbours on a ring, along every axis."""
    return sum((k + 2) * np.roll(x, s, k) for k in range(x.ndim) for s in (1, -1)) * x


def both(x: Any) -> Any:
    return turned(x), turned(x[..., ::-1])


@pytest.mark.parametrize("shape", [(1,), (67,), (256,), (80_003,), (9, 131), (401, 330)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_element_is_written_once_by_somebody(
    shape: tuple[int, ...], dtype: str, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool.Choice, "next", lambda self: self.threads)
    x = rng.normal(size=shape).astype(dtype)
    one, three = (ad.jit(both, threads=n) for n in (1, 3))
    for found, again, plain in zip(one(x), three(x), both(x), strict=True):
        np.testing.assert_array_equal(found, plain)
        np.testing.assert_array_equal(again, plain)


def test_no_masks_in_the_middle_of_a_long_loop() -> None:
    """In the middle it is known which of the joined arrays an element comes from."""
    text = ad.jit(lambda x: np.roll(x, 1) + x).lower(np.ones(4097, "f4")).llvm
    assert "masked" not in text
