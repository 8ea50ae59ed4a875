import numpy as np
import pytest

import adjoint as ad
from adjoint import nn, tree
from adjoint.errors import ConvergenceError, StructureError

X = np.random.default_rng(0).standard_normal((4, 3))
CELL = nn.RNNCell(3, 5, recurrent_init=nn.init.normal(0.2), rng=0)


def _unrolled(cell, x):
    state = cell.start(len(x))
    for _ in range(80):
        state = cell(state, x)
    return state[0]


def test_a_settled_network_does_not_move():
    h = nn.FixedPoint(CELL)(X)
    assert h.shape == (4, 5)
    np.testing.assert_allclose(CELL((h,), X)[0], h, rtol=1e-12)


def test_its_gradient_is_that_of_unrolling():
    weights = np.random.default_rng(1).standard_normal((4, 5))
    layer = nn.FixedPoint(CELL)
    short = ad.grad(lambda layer, x: np.sum(weights * layer(x)), (0, 1))(layer, X)
    long = ad.grad(lambda cell, x: np.sum(weights * _unrolled(cell, x)), (0, 1))(CELL, X)
    for a, b in zip(tree.leaves(short), tree.leaves(long), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


def test_derivatives_in_both_modes_to_second_order():
    layer = nn.FixedPoint(CELL)
    ad.check_grads(lambda p, x: nn.with_leaves(layer, p)(x), (nn.parameters(layer), X[:2]), order=2)


def test_any_layer_of_state_and_input():
    class Half(nn.Module):
        linear: nn.Linear

        def __call__(self, h, x):
            return 0.5 * h + self.linear(x)

    linear = nn.Linear(3, 2, rng=0)
    layer = nn.FixedPoint(Half(linear), size=2)
    np.testing.assert_allclose(layer(X), 2 * linear(X), rtol=1e-12)
    assert layer(X.astype(np.float32)).shape == (4, 2)
    with pytest.raises(StructureError, match="length of its state"):
        nn.FixedPoint(Half(linear))(X)


def test_a_network_that_does_not_settle_says_so():
    wild = nn.RNNCell(3, 5, recurrent_init=nn.init.normal(5.0), rng=0)
    with pytest.raises(ConvergenceError):
        nn.FixedPoint(wild, max_iterations=50)(X)
