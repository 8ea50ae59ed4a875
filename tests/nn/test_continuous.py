import math

import numpy as np
import pytest
from scipy.linalg import expm

import adjoint as ad
from adjoint import nn
from adjoint.errors import StructureError

A = np.array([[-0.3, 1.0], [-1.2, -0.1]])


@pytest.mark.parametrize(
    ("method", "order"),
    [("euler", 1), ("midpoint", 2), ("heun", 2), ("rk4", 4), ("dopri5", 5)],
)
def test_the_error_of_a_solver_falls_with_its_order(method, order):
    y0, exact = np.array([1.0, 0.5]), expm(A) @ np.array([1.0, 0.5])

    def error(steps):
        times = np.linspace(0, 1, steps + 1)
        y = nn.odeint(lambda y, t: A @ y, y0, times, method=method)
        return np.abs(y[-1] - exact).max()

    assert math.log2(error(8) / error(16)) == pytest.approx(order, abs=0.25)


def test_time_dependence_trees_and_backward_time():
    times = np.array([0.0, 0.5, 1.5, 2.0])
    path = nn.odeint(
        lambda y, t: {"a": np.cos(t) + 0 * y["a"], "b": -y["b"]},
        {"a": np.zeros(2), "b": np.ones(())},
        times,
        substeps=8,
        remember=False,
    )
    np.testing.assert_allclose(path["a"][:, 1], np.sin(times), atol=1e-6)
    np.testing.assert_allclose(path["b"], np.exp(-times), atol=1e-6)
    back = nn.odeint(lambda y, t: A @ y, path["a"][-1], times[::-1].copy(), substeps=20)
    np.testing.assert_allclose(back[-1], expm(-2 * A) @ path["a"][-1], rtol=1e-5)
    assert nn.odeint(lambda y, t: y, np.ones(3), np.zeros(1)).shape == (1, 3)
    with pytest.raises(StructureError, match="unknown method"):
        nn.odeint(lambda y, t: y, np.ones(3), times, method="leapfrog")


def test_neural_ode_layer():
    linear = nn.Linear(2, 2, bias=False).replace(weight=A.T)
    x = np.random.default_rng(0).standard_normal((3, 2))
    layer = nn.NeuralODE(linear, steps=40, end=0.7)
    np.testing.assert_allclose(layer(x), x @ expm(0.7 * A).T, rtol=1e-6)
    assert layer.path(x).shape == (41, 3, 2)
    free = nn.NeuralODE(linear, steps=1, end=0.7, method="adaptive")
    np.testing.assert_allclose(free(x), x @ expm(0.7 * A).T, rtol=1e-5)
    assert list(layer.parameters()) == ["field.weight"]


def test_ctrnn_is_its_differential_equation():
    layer = nn.CTRNN(2, 3, step=0.2, substeps=2, tau=0.5, rng=0)
    x = np.random.default_rng(0).standard_normal((2, 4, 2))
    y = layer(x)
    assert y.shape == (2, 4, 3)
    h = np.zeros((2, 3))
    for t in range(4):
        for _ in range(2):
            slope = -h + np.tanh(h) @ layer.recurrent + x[:, t] @ layer.weight + layer.bias
            h = h + 0.1 * slope / 0.5
        np.testing.assert_allclose(y[:, t], h, rtol=1e-12)
    later = layer(x[:, 2:], initial=y[:, 1])
    np.testing.assert_allclose(later, y[:, 2:], rtol=1e-12)


# --- steps as long as the error allows --------------------------------------------------------


@pytest.mark.parametrize("rtol", [1e-4, 1e-9])
def test_the_error_of_the_adaptive_solver_is_what_was_allowed(rtol):
    times = np.array([0.0, 0.4, 3.0, 2.5])
    y0 = np.array([1.0, 0.5])
    path = nn.odeint_adaptive(lambda y, t: A @ y, y0, times, rtol=rtol, atol=rtol)
    exact = np.stack([expm(t * A) @ y0 for t in times])
    error = np.abs(path - exact).max()
    assert error < 20 * rtol
    assert error > 1e-14
    assert nn.odeint_adaptive(lambda y, t: y, y0, times[:1]).shape == (1, 2)


def test_the_adaptive_solver_takes_few_steps_where_it_can():
    def stiff_for_a_while(y, t):
        return -np.where(t < 1.0, 50.0, 0.1) * y

    times = np.array([0.0, 1.0, 50.0])
    # The least step of the first second, kept to the end, would be taken thousands of times.
    y = nn.odeint_adaptive(stiff_for_a_while, np.ones(1), times, max_steps=150)
    assert y[2, 0] == pytest.approx(math.exp(-50 - 4.9), abs=1e-7)
    poor = nn.odeint_adaptive(lambda y, t: -50.0 * y, np.ones(1), np.array([0.0, 1.0]), max_steps=3)
    assert np.isnan(poor[1]).all()
    assert poor[0] == 1


def test_the_adaptive_solver_is_differentiated_as_it_ran():
    times = np.array([0.0, 0.7, 1.5])

    def loss(a, y0):
        y = nn.odeint_adaptive(lambda y, t: np.tanh(a @ y) + np.sin(t), y0, times, rtol=1e-10)
        return np.sum(np.cos(y))

    y0 = np.array([0.3, -0.4])
    slope = ad.grad(loss, (0, 1))(A, y0)
    for i, x in enumerate((A, y0)):
        v = np.random.default_rng(i).standard_normal(x.shape)
        there = [A, y0]
        back = [A, y0]
        there[i], back[i] = x + 1e-5 * v, x - 1e-5 * v
        expected = (loss(*there) - loss(*back)) / 2e-5
        assert np.vdot(slope[i], v) == pytest.approx(expected, rel=1e-6)
    fast = ad.jit(ad.grad(loss, (0, 1)))(A, y0)
    np.testing.assert_allclose(fast[0], slope[0], rtol=1e-8)
    tangent = ad.jvp(loss, (A, y0), (np.ones((2, 2)), np.ones(2)))[1]
    assert tangent == pytest.approx(slope[0].sum() + slope[1].sum(), rel=1e-8)
