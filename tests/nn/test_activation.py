import math

import numpy as np
import pytest

from adjoint import nn
from adjoint.errors import StructureError

GRID = np.concatenate([np.linspace(-7, 7, 57), [-1e4, 1e4, 0.0, -0.5, 0.5]])


def _scalar(function):
    return np.array([function(float(x)) for x in GRID])


def _logistic(x):
    return 1 / (1 + math.exp(-x)) if x > -700 else 0.0


def _softplus(x):
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


# Each against Python's math on single numbers.
FORMULAS = {
    "linear": lambda x: x,
    "sigmoid": _logistic,
    "log_sigmoid": lambda x: -_softplus(-x),
    "tanh": math.tanh,
    "lecun_tanh": lambda x: 1.7159 * math.tanh(2 * x / 3),
    "relu": lambda x: max(x, 0.0),
    "relu6": lambda x: min(max(x, 0.0), 6.0),
    "leaky_relu": lambda x: x if x > 0 else 0.01 * x,
    "elu": lambda x: x if x > 0 else math.expm1(x),
    "selu": lambda x: 1.0507009873554805 * (x if x > 0 else 1.6732632423543772 * math.expm1(x)),
    "celu": lambda x: x if x > 0 else math.expm1(x),
    "gelu": lambda x: x * math.erfc(-x / math.sqrt(2)) / 2,
    "silu": lambda x: x * _logistic(x),
    "mish": lambda x: x * math.tanh(_softplus(x)),
    "softplus": _softplus,
    "softsign": lambda x: x / (1 + abs(x)),
    "hard_sigmoid": lambda x: min(max(x / 6 + 0.5, 0.0), 1.0),
    "hard_tanh": lambda x: min(max(x, -1.0), 1.0),
    "hard_swish": lambda x: x * min(max(x / 6 + 0.5, 0.0), 1.0),
    "softshrink": lambda x: math.copysign(max(abs(x) - 0.5, 0.0), x),
    "sine": lambda x: math.sin(30 * x),
}
LAYERS = {
    "linear": nn.Identity(),
    "sigmoid": nn.Sigmoid(),
    "log_sigmoid": nn.LogSigmoid(),
    "tanh": nn.Tanh(),
    "lecun_tanh": nn.LeCunTanh(),
    "relu": nn.ReLU(),
    "relu6": nn.ReLU6(),
    "leaky_relu": nn.LeakyReLU(),
    "elu": nn.ELU(),
    "selu": nn.SELU(),
    "celu": nn.CELU(),
    "gelu": nn.GELU(),
    "silu": nn.SiLU(),
    "mish": nn.Mish(),
    "softplus": nn.Softplus(),
    "softsign": nn.Softsign(),
    "hard_sigmoid": nn.HardSigmoid(),
    "hard_tanh": nn.HardTanh(),
    "hard_swish": nn.HardSwish(),
    "softshrink": nn.Softshrink(),
    "sine": nn.Sine(),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_activation_equals_its_formula(name):
    value = getattr(nn, name)(GRID)
    np.testing.assert_allclose(value, _scalar(FORMULAS[name]), rtol=1e-12, atol=1e-15)
    np.testing.assert_array_equal(LAYERS[name](GRID), value)


@pytest.mark.parametrize("name", FORMULAS)
def test_activation_keeps_float32_and_shows_nan(name):
    x = np.array([-1.5, 0.0, 2.0, np.nan], np.float32)
    with np.errstate(invalid="ignore"):
        value = getattr(nn, name)(x)
    assert value.dtype == np.float32
    assert np.isnan(value[3])
    assert np.isfinite(value[:3]).all()


def test_options():
    x = np.array([-2.0, 3.0])
    np.testing.assert_allclose(nn.leaky_relu(x, 0.2), [-0.4, 3.0])
    np.testing.assert_allclose(nn.elu(x, 0.5), [0.5 * math.expm1(-2), 3])
    np.testing.assert_allclose(nn.celu(x, 0.5), [0.5 * math.expm1(-4), 3])
    np.testing.assert_allclose(nn.softshrink(x, 1.0), [-1.0, 2.0])
    tanh_form = 0.5 * 3 * (1 + math.tanh(math.sqrt(2 / math.pi) * (3 + 0.044715 * 27)))
    np.testing.assert_allclose(nn.gelu(x, approximate=True)[1], tanh_form)
    np.testing.assert_allclose(nn.PReLU(2, slope=0.1)(x), [-0.2, 3.0])
    assert list(nn.PReLU(2).parameters()) == ["slope"]


def test_softmax_family_is_stable_and_right():
    x = np.array([[1e4, 0.0, -1e4], [1.0, 2.0, 3.0]])
    weights = np.exp([1.0, 2.0, 3.0])
    np.testing.assert_allclose(nn.softmax(x)[1], weights / weights.sum(), rtol=1e-14)
    np.testing.assert_array_equal(nn.softmax(x)[0], [1, 0, 0])
    np.testing.assert_array_equal(nn.log_softmax(x)[0], [0, -1e4, -2e4])
    np.testing.assert_allclose(nn.logsumexp(x), [1e4, math.log(weights.sum())], rtol=1e-14)
    np.testing.assert_allclose(nn.softmax(x.T, axis=0), nn.softmax(x).T)
    assert nn.logsumexp(x, axis=0, keepdims=True).shape == (1, 3)
    np.testing.assert_array_equal(nn.Softmax(0)(x), nn.softmax(x, 0))
    np.testing.assert_array_equal(nn.LogSoftmax()(x), nn.log_softmax(x))


def test_rows_that_are_masked_altogether_give_no_nan():
    x = np.array([[-np.inf, -np.inf], [0.0, -np.inf]])
    np.testing.assert_array_equal(nn.softmax(x), [[0, 0], [1, 0]])
    np.testing.assert_array_equal(nn.logsumexp(x), [-np.inf, 0])


def test_maxout_and_glu():
    x = np.array([[1.0, 5.0, -2.0, 3.0, 0.0, 4.0]])
    np.testing.assert_array_equal(nn.maxout(x, 3), [[5, 4]])
    np.testing.assert_array_equal(nn.Maxout(2)(x), [[5, 3, 4]])
    np.testing.assert_allclose(nn.glu(x), x[:, :3] * nn.sigmoid(x[:, 3:]))
    np.testing.assert_array_equal(nn.GLU()(x), nn.glu(x))
    with pytest.raises(StructureError):
        nn.maxout(x, 4)
    with pytest.raises(StructureError):
        nn.glu(x[:, :5])
