"""What is said of functions without a rule: what to call instead."""

import numpy as np
import pytest
from scipy import integrate

import adjoint as ad


def stepped(x):
    return integrate.ode(lambda t, y: -x * y).set_initial_value(np.ones(1) * x, 0.0).integrate(1.0)


def by_hand(x):
    return integrate.RK45(lambda t, y: -x * y, 0.0, np.ones(1) * x, 1.0).step()


@pytest.mark.parametrize(
    ("f", "nearest"),
    [
        (stepped, "solve_ivp"),
        (by_hand, "solve_ivp"),
    ],
)
def test_the_nearest_function_is_named(f, nearest):
    with pytest.raises(ad.errors.UnsupportedError, match=nearest):
        ad.grad(f)(1.2)
