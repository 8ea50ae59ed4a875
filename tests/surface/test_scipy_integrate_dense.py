"""Solutions found by SciPy, looked at between their steps at recorded times."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import adjoint as ad

METHODS = ["RK23", "RK45", "DOP853", "Radau", "BDF", "LSODA"]
TIMES = np.array([0.1, 0.3, 4.7, 2.2, 3.0, 5.2, -0.1])  # in any order, and beyond both ends


@pytest.mark.parametrize("span", [(0, 5), (5, 0)])
@pytest.mark.parametrize("method", METHODS)
def test_times_move_on_the_polynomials_of_the_steps(method, span):
    found = solve_ivp(
        lambda t, y: [y[1], -y[0] * (1 + 0.1 * t)], span, [1.0, 0.5], method, dense_output=True
    )
    for t in (TIMES, 1.7):
        value, slope = ad.jvp(found.sol, (t,), (np.ones_like(t),))
        np.testing.assert_array_equal(value, found.sol(t))
        h = 1e-5
        numeric = (found.sol(t + h) - found.sol(t - h)) / (2 * h)
        np.testing.assert_allclose(slope, numeric, rtol=1e-8, atol=1e-9)
        np.testing.assert_allclose(ad.jit(found.sol)(t), value, rtol=1e-12, atol=1e-14)

    def f(t):
        return np.sum(np.sin(found.sol(t)))

    ad.check_grads(f, (TIMES[:5],), order=2)


def test_a_solution_that_stands_still():
    found = solve_ivp(lambda t, y: 0 * y, (0, 0), [1.0, 2.0], dense_output=True)
    np.testing.assert_array_equal(ad.grad(lambda t: found.sol(t).sum())(0.0), 0.0)
