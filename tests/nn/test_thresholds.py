import numpy as np
import pytest

import adjoint as ad
from adjoint import nn
from adjoint.errors import NoDerivativeError

X = np.array([-2.0, 0.0, 0.5])


def test_values():
    np.testing.assert_array_equal(nn.step(X), [0, 1, 1])
    np.testing.assert_array_equal(nn.sign(X), [-1, 1, 1])
    assert nn.Step()(X.astype(np.float32)).dtype == np.float32


@pytest.mark.parametrize("layer", [nn.Step(), nn.Sign()])
def test_learning_through_a_step_is_refused_with_two_ways_out(layer):
    for take in (ad.grad(lambda x: np.sum(layer(x))), lambda x: ad.jvp(layer, (x,), (x,))):
        with pytest.raises(NoDerivativeError) as caught:
            take(X)
        assert "straight_through" in str(caught.value)
        assert "perceptron" in str(caught.value)


def test_a_step_beside_the_path_of_the_derivative_is_harmless():
    slope = ad.grad(lambda x: np.sum(x * ad.stop_gradient(nn.step(x))))(X)
    np.testing.assert_array_equal(slope, [0, 1, 1])


def test_straight_through():
    np.testing.assert_array_equal(nn.Step(learn=True)(X), nn.step(X))
    w = np.array([2.0, 3.0, 4.0])
    slope = ad.grad(lambda x: np.sum(w * nn.Step(learn=True)(x)))(X)
    np.testing.assert_array_equal(slope, w)
    slope = ad.grad(lambda x: np.sum(w * nn.Sign(learn=True)(x)))(X)
    np.testing.assert_array_equal(slope, [0, 3, 4])
