"""Layers, activations and losses beside PyTorch's: values, and gradients with respect to inputs."""

import numpy as np
import pytest

import adjoint as ad
from adjoint import nn

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch")
F = torch.nn.functional
RNG = np.random.default_rng(0)


def _x(*shape):
    return RNG.standard_normal(shape)


def _same(ours, theirs, *arrays, slope_atol=1e-11):
    """Equal values, and equal gradients of a sum with drawn weights."""
    tensors = [torch.tensor(a, requires_grad=True) for a in arrays]
    expected = theirs(*tensors)
    found = ours(*arrays)
    np.testing.assert_allclose(found, expected.detach().numpy(), rtol=1e-10, atol=1e-12)
    weights = np.random.default_rng(1).standard_normal(np.shape(found))
    slopes = ad.grad(lambda *a: np.sum(weights * ours(*a)), tuple(range(len(arrays))))(*arrays)
    (expected * torch.tensor(weights)).sum().backward()
    for slope, tensor in zip(slopes, tensors, strict=True):
        np.testing.assert_allclose(slope, tensor.grad.numpy(), rtol=1e-8, atol=slope_atol)


W, B = _x(3, 4), _x(4)
LINEAR = nn.Linear(3, 4).replace(weight=W, bias=B)
BILINEAR = nn.Bilinear(2, 3, 4)
BATCH = nn.BatchNorm(3).replace(
    scale=_x(3), shift=_x(3), mean=_x(3), variance=RNG.uniform(0.5, 2, 3)
)
GROUP = nn.GroupNorm(2, 4).replace(scale=_x(4), shift=_x(4))
LAYER = nn.LayerNorm((3, 5)).replace(scale=_x(3, 5), shift=_x(3, 5))
RMS = nn.RMSNorm(5).replace(scale=_x(5))
t = torch.tensor

LAYERS = {
    "linear": (LINEAR, lambda x: F.linear(x, t(W.T), t(B)), (_x(2, 5, 3),)),
    "linear of one": (
        nn.Linear(1, 1, rng=0),
        lambda x: x * float(nn.Linear(1, 1, rng=0).weight[0, 0]),
        (_x(1, 1),),
    ),
    "bilinear": (
        BILINEAR,
        lambda x, y: F.bilinear(x, y, t(np.moveaxis(BILINEAR.weight, -1, 0)), t(BILINEAR.bias)),
        (_x(5, 2), _x(5, 3)),
    ),
    "max pool 1d": (nn.MaxPool1d(3, stride=2), lambda x: F.max_pool1d(x, 3, 2), (_x(2, 3, 8),)),
    "max pool 2d padded": (
        nn.MaxPool2d((3, 2), stride=(2, 1), padding=1),
        lambda x: F.max_pool2d(x, (3, 2), (2, 1), 1),
        (_x(2, 3, 7, 6),),
    ),
    "max pool 3d": (nn.MaxPool3d(2), lambda x: F.max_pool3d(x, 2), (_x(1, 2, 5, 4, 6),)),
    "average pool 1d": (nn.AveragePool1d(2), lambda x: F.avg_pool1d(x, 2), (_x(2, 3, 7),)),
    "average pool 2d padded": (
        nn.AveragePool2d((2, 3), stride=2, padding=1),
        lambda x: F.avg_pool2d(x, (2, 3), 2, 1),
        (_x(2, 3, 5, 6),),
    ),
    "average pool 3d": (nn.AveragePool3d(2), lambda x: F.avg_pool3d(x, 2), (_x(1, 2, 5, 4, 6),)),
    "adaptive average": (
        nn.AdaptiveAveragePool(3, 2), lambda x: F.adaptive_avg_pool2d(x, (3, 2)), (_x(2, 3, 7, 5),),
    ),
    "adaptive max": (
        nn.AdaptiveMaxPool(3, 2), lambda x: F.adaptive_max_pool2d(x, (3, 2)), (_x(2, 3, 7, 5),),
    ),
    "batch norm": (
        BATCH,
        lambda x: F.batch_norm(x, *map(t, (BATCH.mean, BATCH.variance, BATCH.scale, BATCH.shift))),
        (_x(4, 3, 5),),
    ),
    "batch norm in training": (
        lambda x: nn.apply(BATCH, x, training=True)[0],
        lambda x: F.batch_norm(
            x, t(BATCH.mean), t(BATCH.variance), t(BATCH.scale), t(BATCH.shift), training=True
        ),
        (_x(4, 3, 5),),
    ),
    "layer norm": (
        LAYER, lambda x: F.layer_norm(x, (3, 5), t(LAYER.scale), t(LAYER.shift)), (_x(4, 3, 5),),
    ),
    "group norm": (
        GROUP, lambda x: F.group_norm(x, 2, t(GROUP.scale), t(GROUP.shift)), (_x(3, 4, 5),),
    ),
    "rms norm": (RMS, lambda x: F.rms_norm(x, (5,), t(RMS.scale), 1e-6), (_x(4, 5),)),
    "prelu": (
        nn.PReLU(3, slope=0.2), lambda x: F.prelu(x, t(np.full(3, 0.2))), (_x(4, 3),),
    ),
    "glu": (nn.GLU(), F.glu, (_x(3, 6),)),
    "softmax": (nn.Softmax(0), lambda x: F.softmax(x, 0), (_x(3, 4),)),
    "log softmax": (nn.LogSoftmax(), lambda x: F.log_softmax(x, -1), (_x(3, 4),)),
}  # fmt: skip


@pytest.mark.parametrize("name", LAYERS)
def test_layer(name):
    ours, theirs, arrays = LAYERS[name]
    _same(ours, theirs, *arrays)


def test_batch_statistics_after_training():
    x = _x(6, 3, 2)
    theirs = torch.nn.BatchNorm1d(3, momentum=0.3, dtype=torch.float64)
    layer = nn.BatchNorm(3, momentum=0.3)
    for step in range(3):
        theirs(torch.tensor(x + step))
        _, layer = nn.apply(layer, x + step, training=True)
    np.testing.assert_allclose(layer.mean, theirs.running_mean.numpy(), rtol=1e-12)
    np.testing.assert_allclose(layer.variance, theirs.running_var.numpy(), rtol=1e-12)


def test_embedding_with_padding():
    layer = nn.Embedding(7, 3, padding=2)
    # Ours gives 0 for the padding whatever its row holds; PyTorch starts the row at 0.
    layer = layer.replace(weight=np.where(np.arange(7)[:, None] == 2, 0, layer.weight))
    rows = np.array([[0, 2, 6], [6, 6, 2]])
    weight = torch.tensor(layer.weight, requires_grad=True)
    expected = F.embedding(torch.tensor(rows), weight, padding_idx=2)
    np.testing.assert_array_equal(layer(rows), expected.detach().numpy())
    weights = _x(2, 3, 3)
    (expected * torch.tensor(weights)).sum().backward()
    slope = ad.grad(lambda m: np.sum(weights * m(rows)))(layer)
    np.testing.assert_allclose(slope.weight, weight.grad.numpy(), rtol=1e-12)


GRID = np.concatenate([np.linspace(-7.05, 7.1, 41), [-50.0, 50.0]])
ACTIVATIONS = {
    "sigmoid": F.sigmoid,
    "log_sigmoid": F.logsigmoid,
    "tanh": F.tanh,
    "relu": F.relu,
    "relu6": F.relu6,
    "leaky_relu": F.leaky_relu,
    "elu": F.elu,
    "selu": F.selu,
    "celu": F.celu,
    "gelu": F.gelu,
    "silu": F.silu,
    "mish": F.mish,
    "softplus": F.softplus,
    "softsign": F.softsign,
    "hard_sigmoid": F.hardsigmoid,
    "hard_tanh": F.hardtanh,
    "hard_swish": F.hardswish,
    "softshrink": F.softshrink,
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation(name):
    # PyTorch's softplus is x above 20, which costs it two parts in a thousand million.
    rtol = 5e-9 if name in ("softplus", "mish") else 1e-10
    tensor = torch.tensor(GRID, requires_grad=True)
    expected = ACTIVATIONS[name](tensor)
    expected.sum().backward()
    value, slope = getattr(nn, name)(GRID), ad.grad(lambda x: np.sum(getattr(nn, name)(x)))(GRID)
    np.testing.assert_allclose(value, expected.detach().numpy(), rtol=rtol, atol=1e-12)
    # Its slopes of hard_sigmoid are single precision's sixth.
    atol = 6e-9 if name == "hard_sigmoid" else 3e-9
    np.testing.assert_allclose(slope, tensor.grad.numpy(), rtol=rtol, atol=atol)


def test_the_other_gelu_and_options():
    # PyTorch's slope of this form is right to 1e-9.
    _same(
        lambda x: nn.gelu(x, approximate=True),
        lambda x: F.gelu(x, approximate="tanh"),
        GRID,
        slope_atol=2e-9,
    )
    _same(lambda x: nn.leaky_relu(x, 0.3), lambda x: F.leaky_relu(x, 0.3), GRID)
    _same(lambda x: nn.elu(x, 0.5), lambda x: F.elu(x, 0.5), GRID)
    _same(lambda x: nn.celu(x, 0.5), lambda x: F.celu(x, 0.5), GRID)
    _same(lambda x: nn.softshrink(x, 1.5), lambda x: F.softshrink(x, 1.5), GRID)


Y, T = _x(5, 3) * 2, _x(5, 3)
LABELS, BITS = np.array([0, 2, 1, 1, 0]), RNG.integers(0, 2, (5, 3)).astype(float)
SHARES = np.exp(T) / np.exp(T).sum(1, keepdims=True)
CLASS = np.array([1.0, 2.0, 0.5])
COUNTS = RNG.poisson(2.0, (5, 3)).astype(float)
LOSSES = {
    "mean_squared_error": (nn.mean_squared_error, F.mse_loss, T),
    "mean_absolute_error": (nn.mean_absolute_error, F.l1_loss, T),
    "huber": (nn.huber, F.huber_loss, T),
    "huber wide": (
        lambda y, t: nn.huber(y, t, delta=0.4), lambda y, t: F.huber_loss(y, t, delta=0.4), T,
    ),
    "cross_entropy": (nn.cross_entropy, F.cross_entropy, LABELS),
    "cross_entropy of shares": (nn.cross_entropy, F.cross_entropy, SHARES),
    "cross_entropy weighted": (
        lambda y, t: nn.cross_entropy(y, t, class_weights=CLASS),
        lambda y, t: F.cross_entropy(y, t, torch.tensor(CLASS)),
        LABELS,
    ),
    "cross_entropy smooth": (
        lambda y, t: nn.cross_entropy(y, t, label_smoothing=0.2),
        lambda y, t: F.cross_entropy(y, t, label_smoothing=0.2),
        LABELS,
    ),
    "cross_entropy masked": (
        lambda y, t: nn.cross_entropy(y, t, weights=t != 1),
        lambda y, t: F.cross_entropy(y, t, ignore_index=1),
        LABELS,
    ),
    "binary_cross_entropy": (
        nn.binary_cross_entropy, F.binary_cross_entropy_with_logits, BITS,
    ),
    "binary_cross_entropy weighted": (
        lambda y, t: nn.binary_cross_entropy(y, t, positive_weight=3.0),
        lambda y, t: F.binary_cross_entropy_with_logits(y, t, pos_weight=torch.tensor(3.0)),
        BITS,
    ),
    "kl_divergence": (
        nn.kl_divergence,
        lambda y, t: F.kl_div(F.log_softmax(y, -1), t, reduction="batchmean"),
        SHARES,
    ),
    "poisson_nll": (
        lambda y, t: nn.poisson_nll(y, t), lambda y, t: F.poisson_nll_loss(y, t), COUNTS,
    ),
    "hinge": (
        lambda y, t: nn.hinge(y, t) / 3, lambda y, t: F.multi_margin_loss(y, t), LABELS,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LOSSES)
def test_loss(name):
    ours, theirs, target = LOSSES[name]
    _same(lambda y: ours(y, target), lambda y: theirs(y, torch.tensor(target)), Y)


def test_losses_of_pairs_and_distributions():
    near, far = _x(5, 3), _x(5, 3)
    _same(
        lambda a, p, n: nn.triplet((a, p, n), margin=1.0),
        lambda a, p, n: F.triplet_margin_loss(a, p, n, eps=0),
        Y, near, far,
    )  # fmt: skip
    _same(
        lambda a, b: np.mean(nn.cosine_similarity(a, b)),
        lambda a, b: F.cosine_similarity(a, b).mean(),
        Y, near,
    )  # fmt: skip
    log_variance = _x(5, 3)
    _same(
        lambda m, s: nn.gaussian_nll((m, s), T, full=True),
        lambda m, s: F.gaussian_nll_loss(m, torch.tensor(T), torch.exp(s), full=True, eps=0),
        Y, log_variance,
    )  # fmt: skip
