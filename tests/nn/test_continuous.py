import math

import numpy as np
import pytest
from scipy.linalg import expm

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
