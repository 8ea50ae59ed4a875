"""What the tests of recording share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import adjoint as ad


def _check(f: Callable[[Any], Any]) -> None:
    """Value, slope by differences, jit, forward mode, vmap and second order."""
    value, slope = ad.value_and_grad(f)(1.3)
    h = 1e-5
    assert value == f(1.3)
    assert slope == pytest.approx((f(1.3 + h) - f(1.3 - h)) / (2 * h), rel=1e-7)
    assert ad.jit(ad.grad(f))(1.3) == pytest.approx(slope, rel=1e-13)
    _, dot = ad.jvp(f, (1.3,), (1.0,))
    assert dot == pytest.approx(slope, rel=1e-13)
    points = np.array([0.7, 1.3])
    np.testing.assert_allclose(ad.vmap(f)(points), [f(x) for x in points], rtol=1e-13)
    second = (ad.grad(f)(1.3 + h) - ad.grad(f)(1.3 - h)) / (2 * h)
    assert ad.grad(ad.grad(f))(1.3) == pytest.approx(second, rel=1e-6, abs=1e-8)


@pytest.fixture
def check_in_every_mode() -> Callable[[Callable[[Any], Any]], None]:
    """The check of a function of one number, around 1.3."""
    return _check
