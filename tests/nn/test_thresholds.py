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
    assert nn.Sign()(X.astype(np.float32)).dtype == np.float32
    assert nn.step(0.5) == 1


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


def test_straight_through_in_every_mode():
    f = nn.straight_through(nn.step, nn.tanh)
    slope = 1 - np.tanh(X) ** 2
    np.testing.assert_allclose(ad.jvp(f, (X,), (np.ones(3),))[1], slope)
    np.testing.assert_allclose(ad.jit(lambda x: ad.jvp(f, (x,), (x,))[1])(X), slope * X)
    np.testing.assert_allclose(ad.jit(ad.grad(lambda x: np.sum(f(x))))(X), slope)
    # The value is that of the step, so the square has slope 2 step(x) f'(x).
    np.testing.assert_allclose(
        ad.grad(lambda x: np.sum(f(x) ** 2))(X), 2 * nn.step(X) * slope, atol=1e-15
    )
