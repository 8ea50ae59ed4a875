"""Every layer and every loss: both modes, to second order, with respect to all it holds.

Under ad.jit the derivatives must be the same as outside.
"""

import numpy as np
import pytest

import adjoint as ad
from adjoint import nn, tree

RNG = np.random.default_rng(0)
LENGTHS = np.array([4, 2])
ONE_ARRAY = [
    "Identity", "Sigmoid", "LogSigmoid", "Tanh", "LeCunTanh", "ReLU", "ReLU6", "LeakyReLU", "ELU",
    "SELU", "CELU", "GELU", "SiLU", "Mish", "Softplus", "Softsign", "HardSigmoid", "HardTanh",
    "HardSwish", "Softshrink", "Sine", "LogSoftmax",
]  # fmt: skip
MASK = np.arange(4) < LENGTHS[:, None]


def _x(*shape):
    return RNG.standard_normal(shape)


def _drawn(model):
    """The model with every parameter drawn: no bias of 0 and no scale of 1 hides a mistake."""
    draw = np.random.default_rng(1)
    new = {p: draw.standard_normal(np.shape(a)) * 0.5 for p, a in nn.parameters(model).items()}
    return nn.with_leaves(model, new)


class Stepped(nn.Module):
    """A cell's step with its state as arrays."""

    cell: nn.Module

    def __call__(self, x, *state):
        return self.cell(state, x)


class Settling(nn.Module):
    """A state that is drawn towards a function of the input."""

    linear: nn.Linear

    def __call__(self, h, x):
        return 0.3 * np.tanh(h) + self.linear(x)


# Layer, inputs, and what else the call takes. Dimensions are all different.
LAYERS = {
    "linear": (nn.Linear(3, 2), (_x(4, 3),)),
    "linear of one": (nn.Linear(1, 1, bias=False), (_x(1, 1),)),
    "bilinear": (nn.Bilinear(2, 3, 4), (_x(5, 2), _x(5, 3))),
    "embedding": (nn.Embedding(5, 3), (np.array([[0, 4, 4]]),)),
    "embedding padded": (nn.Embedding(5, 3, padding=1), (np.array([[1, 4, 4]]),)),
    "residual": (nn.Residual(nn.Linear(3, 3), nn.Linear(3, 3)), (_x(2, 3),)),
    "parallel": (nn.Parallel(nn.Linear(3, 2), nn.Linear(3, 4)), (_x(2, 3),)),
    "conv1d": (nn.Conv1d(2, 4, 3, stride=2, padding=1, groups=2), (_x(2, 2, 7),)),
    "conv2d": (nn.Conv2d(2, 3, (2, 3), padding="same", dilation=(1, 2)), (_x(1, 2, 4, 5),)),
    "conv3d": (nn.Conv3d(1, 2, (2, 1, 2), stride=(1, 2, 1)), (_x(1, 1, 3, 4, 2),)),
    "transposed 1d": (nn.ConvTranspose1d(2, 3, 3, stride=2, extra=1), (_x(2, 2, 3),)),
    "transposed 2d": (nn.ConvTranspose2d(2, 2, 2, padding=1, groups=2), (_x(1, 2, 3, 4),)),
    "transposed 3d": (nn.ConvTranspose3d(1, 2, 2, dilation=2), (_x(1, 1, 2, 1, 2),)),
    "max pool": (nn.MaxPool2d((2, 3), stride=1), (_x(1, 2, 3, 5),)),
    "max pool 1d": (nn.MaxPool1d(2, padding=1), (_x(2, 3, 5),)),
    "max pool 3d": (nn.MaxPool3d(2), (_x(1, 1, 2, 4, 3),)),
    "average pool": (nn.AveragePool2d(2, padding=1), (_x(1, 2, 3, 5),)),
    "average pool 1d": (nn.AveragePool1d(3, stride=2), (_x(1, 2, 7),)),
    "average pool 3d": (nn.AveragePool3d(2), (_x(1, 1, 2, 4, 3),)),
    "adaptive average": (nn.AdaptiveAveragePool(2, 3), (_x(1, 2, 5, 4),)),
    "adaptive max": (nn.AdaptiveMaxPool(2, 3), (_x(1, 2, 5, 4),)),
    "batch norm": (nn.BatchNorm(3), (_x(5, 3, 2),)),
    "layer norm": (nn.LayerNorm((3, 2)), (_x(4, 3, 2),)),
    "group norm": (nn.GroupNorm(2, 4), (_x(2, 4, 3),)),
    "rms norm": (nn.RMSNorm(3), (_x(4, 3),)),
    "dropout": (nn.Dropout(0.4), (_x(3, 5),)),
    "alpha dropout": (nn.AlphaDropout(0.4), (_x(3, 5),)),
    "noise": (nn.GaussianNoise(0.4), (_x(3, 5),)),
    "rnn": (nn.RNN(2, 3), (_x(2, 4, 2), MASK)),
    "lstm": (nn.LSTM(2, 3, layers=2), (_x(2, 3, 2),)),
    "gru both ways": (nn.GRU(1, 2, bidirectional=True), (_x(2, 4, 1), MASK)),
    "last": (nn.Last(), (_x(2, 4, 3), MASK)),
    "fir": (nn.FIR(2, 3, 2), (_x(2, 4, 2),)),
    "attention": (nn.MultiHeadAttention(4, 2), (_x(2, 3, 4), _x(2, 4, 4), MASK)),
    "transformer": (nn.TransformerBlock(4, 2, hidden=3, causal=True), (_x(1, 3, 4),)),
    "post-norm decoder": (
        nn.TransformerBlock(3, 1, hidden=2, pre_norm=False, cross=True, context_features=2),
        (_x(1, 2, 3), None, _x(1, 3, 2)),
    ),
    "positions": (nn.Positions(3, 5), (_x(2, 4, 3),)),
    "neural ode": (nn.NeuralODE(nn.Linear(2, 2), steps=3), (_x(3, 2),)),
    "neural ode forgetful": (
        nn.NeuralODE(nn.Linear(2, 2), steps=2, method="heun", remember=False),
        (_x(3, 2),),
    ),
    "ctrnn": (nn.CTRNN(2, 3, substeps=2, method="rk4"), (_x(2, 3, 2),)),
    "crf": (nn.CRF(3), (_x(2, 4, 3),)),
    "prelu": (nn.PReLU(3), (_x(4, 3),)),
    "frozen": (nn.Sequential(nn.Frozen(nn.Linear(2, 3)), nn.Linear(3, 1)), (_x(4, 2),)),
    "tied autoencoder": (nn.TiedAutoencoder(5, 3, 2, output=nn.sigmoid), (_x(4, 5),)),
    "autoencoder": (nn.Autoencoder(nn.Linear(3, 1), nn.Linear(1, 3)), (_x(4, 3),)),
    "maxout": (nn.Maxout(2), (_x(3, 6),)),
    "softmax": (nn.Softmax(0), (_x(3, 2),)),
    "glu": (nn.GLU(), (_x(3, 4),)),
    "rnn cell": (Stepped(nn.RNNCell(2, 3)), (_x(4, 2), _x(4, 3))),
    "lstm cell": (Stepped(nn.LSTMCell(2, 3)), (_x(4, 2), _x(4, 3), _x(4, 3))),
    "gru cell": (Stepped(nn.GRUCell(2, 3)), (_x(4, 2), _x(4, 3))),
    "fixed point": (nn.FixedPoint(Settling(nn.Linear(2, 3)), size=3), (_x(4, 2),)),
    "feed forward": (nn.FeedForward(3, 5), (_x(2, 4, 3),)),
    "sequential": (nn.Sequential(nn.Flatten(), nn.Function(np.sin), nn.Reshape(3, 2)), (_x(4, 6),)),
    **{name: (getattr(nn, name)(), (_x(3, 4) * 2,)) for name in ONE_ARRAY},
}


def test_every_layer_stands_in_the_table():
    seen = set()
    for model, _ in LAYERS.values():
        seen |= {type(part).__name__ for _, part in nn.modules(model)} | {type(model).__name__}
    refused = {"Step", "Sign"}  # have no derivative, see test_thresholds.py
    every = {n for n in nn.__all__ if isinstance(getattr(nn, n), type)}
    every = {n for n in every if issubclass(getattr(nn, n), nn.Module)}
    assert every - seen - refused == {"Module", "Watched"}


def _output(name, training):
    model, inputs = LAYERS[name]
    model = _drawn(model)

    def run(parameters, *inputs):
        whole = nn.with_leaves(model, parameters)
        # The state handed over is left out: it is not what learning goes through.
        return nn.apply(whole, *inputs, training=training, key=3)[0]

    # A key's bias adds the same to all scores of a query, which softmax does not see: a slope
    # of exactly 0 cannot be compared in proportion to itself.
    moving = {p: a for p, a in nn.parameters(model).items() if not p.endswith("key.bias")}
    return run, (moving, *inputs)


# Frozen arrays are left out of the parameters, so nothing here expects a derivative of them.
@pytest.mark.parametrize("name", LAYERS)
def test_layer(name):
    run, arguments = _output(name, training=False)
    ad.check_grads(run, arguments, order=2)


@pytest.mark.parametrize("name", ["batch norm", "dropout", "alpha dropout", "noise"])
def test_layer_that_is_another_in_training(name):
    run, arguments = _output(name, training=True)
    ad.check_grads(run, arguments, order=2)


@pytest.mark.parametrize("name", LAYERS)
def test_layer_under_jit(name):
    run, arguments = _output(name, training=True)
    parameters, *inputs = arguments
    moving = [x for x in inputs if x is not None and x.dtype.kind == "f"]
    slots = [i for i, x in enumerate(inputs) if x is not None and x.dtype.kind == "f"]
    shape = tree.tree_map(lambda y: RNG.standard_normal(y.shape), run(*arguments))

    def loss(parameters, *moving):
        given = list(inputs)
        for i, x in zip(slots, moving, strict=True):
            given[i] = x
        parts = tree.tree_map(lambda w, y: np.sum(w * np.sin(y)), shape, run(parameters, *given))
        return sum(tree.leaves(parts))

    if not parameters and not moving:
        return
    argnums = tuple(range(0 if parameters else 1, 1 + len(moving)))
    both = ad.value_and_grad(loss, argnums)
    plain, fast = both(parameters, *moving), ad.jit(both)(parameters, *moving)
    for a, b in zip(tree.leaves(plain), tree.leaves(fast), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


ACTIVATIONS = [
    "linear", "sigmoid", "log_sigmoid", "tanh", "lecun_tanh", "relu", "relu6", "leaky_relu",
    "elu", "selu", "celu", "gelu", "silu", "mish", "softplus", "softsign", "hard_sigmoid",
    "hard_tanh", "hard_swish", "softshrink", "softmax", "log_softmax", "logsumexp",
]  # fmt: skip


@pytest.mark.parametrize("name", [*ACTIVATIONS, "gelu tanh", "sine"])
def test_activation(name):
    function = {
        "gelu tanh": lambda x: nn.gelu(x, approximate=True),
        "sine": lambda x: nn.sine(x, 2.0),
    }.get(name) or getattr(nn, name)
    ad.check_grads(function, (_x(3, 4) * 2,), order=2)


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_slopes_are_finite_far_out_and_at_corners(name, dtype):
    function = getattr(nn, name)
    for x in ([-1e4, 1e4, 0.0], [0.0, 0.0, 0.0], [-3.0, 3.0, 6.0], [-1.0, 1.0, -0.5]):
        x = np.array(x, dtype)
        slope = ad.grad(lambda x: np.sum(function(x)))(x)
        assert slope.dtype == dtype
        assert np.isfinite(slope).all()
        curve = ad.grad(lambda x: np.sum(ad.grad(lambda y: np.sum(function(y) ** 2))(x)))(x)
        assert np.isfinite(curve).all()


def test_corners_have_the_slopes_that_are_promised():
    def slope(function, x):
        return float(ad.grad(function)(x))

    assert slope(nn.relu, 0.0) == 0
    assert slope(nn.relu6, 0.0) == slope(nn.relu6, 6.0) == 0
    assert slope(nn.hard_tanh, 1.0) == slope(nn.hard_tanh, -1.0) == 0
    assert slope(nn.leaky_relu, 0.0) == 0.01
    assert slope(nn.softshrink, 0.5) == slope(nn.softshrink, -0.5) == 0


Z, LABELS = _x(5, 3), np.array([0, 2, 1, 1, 0])
SHARES = nn.softmax(_x(5, 3))
COUNTS = np.array([[0, 3], [7, 1]])
BITS = RNG.integers(0, 2, (5, 3))
LOSSES = {
    "mean_squared_error": (nn.mean_squared_error, Z, _x(5, 3)),
    "half_squared_error": (nn.half_squared_error, Z, _x(5, 3)),
    "mean_absolute_error": (nn.mean_absolute_error, Z, _x(5, 3)),
    "huber": (nn.huber, Z, _x(5, 3)),
    "log_cosh": (nn.log_cosh, Z, _x(5, 3)),
    "quantile": (lambda y, t: nn.quantile(y, t, q=0.3), Z, _x(5, 3)),
    "quantiles": (lambda y, t: nn.quantile(y, t, q=(0.1, 0.5, 0.9)), Z, _x(5)),
    "cosine_distance": (nn.cosine_distance, Z, _x(5, 3)),
    "cross_entropy": (nn.cross_entropy, Z, LABELS),
    "cross_entropy of shares": (nn.cross_entropy, Z, SHARES),
    "cross_entropy smooth": (
        lambda y, t: nn.cross_entropy(
            y, t, label_smoothing=0.1, class_weights=np.array([1.0, 2, 3]), weights=LABELS > 0
        ),
        Z,
        LABELS,
    ),
    "cross_entropy of probabilities": (
        lambda y, t: nn.cross_entropy(nn.softmax(y), t, from_logits=False),
        Z,
        LABELS,
    ),
    "binary_cross_entropy": (nn.binary_cross_entropy, Z, BITS),
    "binary weighted": (lambda y, t: nn.binary_cross_entropy(y, t, positive_weight=2.0), Z, BITS),
    "binary of probabilities": (
        lambda y, t: nn.binary_cross_entropy(nn.sigmoid(y), t, from_logits=False),
        Z,
        BITS,
    ),
    "focal": (nn.focal, Z, LABELS),
    "focal of two": (lambda y, t: nn.focal(y, t, alpha=0.3), Z, BITS),
    "kl_divergence": (nn.kl_divergence, Z, SHARES),
    "hinge": (nn.hinge, Z, LABELS),
    "squared hinge": (lambda y, t: nn.hinge(y, t, squared=True), Z, 2 * BITS - 1),
    "poisson_nll": (nn.poisson_nll, _x(2, 2), COUNTS),
    "poisson rate": (
        lambda y, t: nn.poisson_nll(np.exp(y), t, log_rate=False, full=True),
        _x(2, 2),
        COUNTS,
    ),
    "gaussian_nll": (nn.gaussian_nll, _x(4, 2), _x(4)),
    "negative_binomial_nll": (nn.negative_binomial_nll, _x(2, 2, 2), COUNTS),
    "triplet": (lambda y, t: nn.triplet(y, t, margin=3.0), (Z, _x(5, 3), _x(5, 3)), None),
    "contrastive": (nn.contrastive, (Z, _x(5, 3)), LABELS > 0),
    "info_nce": (nn.info_nce, (Z, _x(5, 3)), None),
    "ctc": (nn.ctc, _x(2, 5, 3), np.array([[1, 2], [2, -1]])),
    "crf_nll": (
        nn.crf_nll,
        (_x(2, 3, 3), _x(3, 3), _x(3), _x(3)),
        np.array([[0, 2, 1], [1, 0, -1]]),
    ),
}


def test_every_loss_stands_in_the_table():
    from adjoint.nn import losses

    every = {n for n in losses.__all__ if not n.startswith("crf_")} | {"crf_nll"}
    assert every - {name.split()[0] for name in LOSSES} == {"cosine_similarity"}


@pytest.mark.parametrize("name", LOSSES)
def test_loss(name):
    loss, output, target = LOSSES[name]
    if target is not None and target.dtype.kind == "f":
        ad.check_grads(loss, (output, target), order=2)
    else:
        ad.check_grads(lambda y: loss(y, target), (output,), order=2)


@pytest.mark.parametrize("name", LOSSES)
def test_loss_under_jit(name):
    loss, output, target = LOSSES[name]
    both = ad.value_and_grad(lambda y: loss(y, target))
    plain, fast = both(output), ad.jit(both)(output)
    for a, b in zip(tree.leaves(plain), tree.leaves(fast), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", LOSSES)
def test_slopes_of_losses_are_finite_at_ten_thousand(name):
    loss, output, target = LOSSES[name]
    # Likelihoods whose output is a logarithm overflow by their meaning: exp(1e4) is a rate.
    size = 50.0 if name.startswith(("poisson", "gaussian", "negative")) else 1e4
    far = tree.tree_map(lambda y: size * np.sign(y), output)
    value, slope = ad.value_and_grad(lambda y: loss(y, target))(far)
    assert np.isfinite(value)
    assert all(np.isfinite(leaf).all() for leaf in tree.leaves(slope))


def test_cross_entropy_has_the_gradient_everybody_knows():
    slope = ad.grad(nn.cross_entropy)(Z, LABELS)
    np.testing.assert_allclose(slope, (nn.softmax(Z) - np.eye(3)[LABELS]) / 5, rtol=1e-12)


def test_masked_places_send_nothing_back():
    target = np.where(BITS == 1, np.nan, 1.0)
    mask = BITS == 0
    slope = ad.grad(lambda y: nn.mean_squared_error(y, target, weights=mask))(Z)
    assert np.isfinite(slope).all()
    np.testing.assert_array_equal(slope[~mask], 0)


def test_batch_statistics_come_back_from_a_differentiated_pass():
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm(4))
    x = _x(6, 3)

    def loss(model):
        output, after = nn.apply(model, x, training=True)
        return np.mean(output**2), nn.states(after)

    (_, states), slope = ad.value_and_grad(loss, has_aux=True)(model)
    (_, compiled), fast = ad.jit(ad.value_and_grad(loss, has_aux=True))(model)
    expected = nn.apply(model, x, training=True)[1][1].mean
    np.testing.assert_allclose(states["layers[1].mean"], expected)
    np.testing.assert_allclose(compiled["layers[1].mean"], expected, rtol=1e-12)
    assert slope[0].weight.shape == (3, 4)
    np.testing.assert_array_equal(slope[1].mean, 0)
    np.testing.assert_allclose(fast[0].weight, slope[0].weight, atol=1e-12)


def test_a_frozen_layer_passes_the_gradient_on_and_takes_none():
    frozen = nn.Frozen(nn.Linear(2, 3))
    slope, of_x = ad.grad(lambda layer, x: np.sum(layer(x)), (0, 1))(frozen, _x(4, 2))
    np.testing.assert_array_equal(slope.layer.weight, 0)
    np.testing.assert_allclose(of_x, np.tile(frozen.layer.weight.sum(1), (4, 1)))


@pytest.mark.parametrize("draw", [nn.random.bits, nn.random.uniform, nn.random.normal])
def test_the_same_random_numbers_come_from_native_code(draw):
    key = nn.random.key(5)
    plain, fast = draw(key, (3, 7)), ad.jit(lambda k: draw(k, (3, 7)))(key)
    # Bits and uniform numbers to the last bit; a logarithm and a cosine to rounding.
    np.testing.assert_allclose(fast, plain, rtol=1e-14 if draw is nn.random.normal else 0)


def test_a_key_may_be_folded_with_a_step_that_is_not_known_yet():
    key = nn.random.key(5)
    step = np.array(12)
    fast = ad.jit(nn.random.fold_in)(key, step)
    np.testing.assert_array_equal(fast, nn.random.fold_in(key, 12))
