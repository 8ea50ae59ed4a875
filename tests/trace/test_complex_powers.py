"""Powers of Python's negative numbers are complex, as Python has them."""

from typing import Any

import numpy as np
import pytest

import adjoint as ad

FORMS = {
    "fixed exponent": lambda x: abs(x**1.5 + 0.3j * x),
    "root": lambda x: abs((x**0.5) ** 3 + x),
    "recorded exponent": lambda x: abs(x**x + 1.0),
}


@pytest.mark.parametrize("name", FORMS)
def test_powers_that_leave_the_real_numbers(name: str) -> None:
    f: Any = FORMS[name]
    value, slope = ad.value_and_grad(f)(-2.3)
    h = 1e-6
    assert value == pytest.approx(f(-2.3), rel=1e-14)
    wanted = (f(-2.3 + h) - f(-2.3 - h)) / (2 * h)
    np.testing.assert_allclose(slope, wanted, rtol=1e-7)
    np.testing.assert_allclose(ad.jvp(f, (-2.3,), (1.0,))[1], wanted, rtol=1e-7)


def test_other_powers_stay_real() -> None:
    assert ad.grad(lambda x: x**3.0)(-2.0) == 12.0
    assert ad.grad(lambda x: x**-2)(-2.0) == 0.25
