"""Every layer on batches of no row, one row and many; each row by itself; in float32; trained."""

import numpy as np
import pytest

import adjoint as ad
from adjoint import nn, optim, tree
from adjoint.errors import StructureError

RNG = np.random.default_rng(0)

# Layer, and the shape of one example of each input; whole numbers where a name says so.
LAYERS = {
    "linear": (nn.Linear(3, 2), (3,)),
    "bilinear": (nn.Bilinear(2, 3, 4), (2,), (3,)),
    "residual": (nn.Residual(nn.Linear(3, 3)), (3,)),
    "parallel": (nn.Parallel(nn.Linear(3, 2), nn.Linear(3, 4)), (3,)),
    "conv1d": (nn.Conv1d(2, 4, 3, stride=2, padding=1, groups=2), (2, 7)),
    "conv2d": (nn.Conv2d(2, 3, (2, 3), padding="same", dilation=(1, 2)), (2, 4, 5)),
    "conv3d": (nn.Conv3d(1, 2, (2, 1, 2), stride=(1, 2, 1)), (1, 3, 4, 2)),
    "conv2d of one": (nn.Conv2d(1, 1, 1), (1, 1, 1)),
    "transposed 1d": (nn.ConvTranspose1d(2, 3, 3, stride=2, extra=1), (2, 3)),
    "transposed 2d": (nn.ConvTranspose2d(2, 2, 2, padding=1, groups=2), (2, 3, 4)),
    "transposed 3d": (nn.ConvTranspose3d(1, 2, 2, dilation=2), (1, 2, 1, 2)),
    "max pool 1d": (nn.MaxPool1d(2, padding=1), (3, 5)),
    "max pool 2d": (nn.MaxPool2d((2, 3), stride=1), (2, 3, 5)),
    "max pool 3d": (nn.MaxPool3d(2), (1, 2, 4, 3)),
    "average pool 1d": (nn.AveragePool1d(3, stride=2), (2, 7)),
    "average pool 2d": (nn.AveragePool2d(2, padding=1), (2, 3, 5)),
    "average pool 3d": (nn.AveragePool3d(2), (1, 2, 4, 3)),
    "adaptive average": (nn.AdaptiveAveragePool(2, 3), (2, 5, 4)),
    "adaptive max": (nn.AdaptiveMaxPool(2, 3), (2, 5, 4)),
    "batch norm": (nn.BatchNorm(3), (3, 2)),
    "layer norm": (nn.LayerNorm((3, 2)), (3, 2)),
    "layer norm of one": (nn.LayerNorm(1), (1,)),
    "group norm": (nn.GroupNorm(2, 4), (4, 3)),
    "rms norm": (nn.RMSNorm(3), (3,)),
    "dropout": (nn.Dropout(0.4), (5,)),
    "rnn": (nn.RNN(2, 3), (4, 2)),
    "rnn of one": (nn.RNN(1, 1), (1, 1)),
    "lstm": (nn.LSTM(2, 3, layers=2), (3, 2)),
    "gru": (nn.GRU(1, 2, bidirectional=True), (4, 1)),
    "last": (nn.Last(), (4, 3)),
    "fir": (nn.FIR(2, 3, 2), (4, 2)),
    "attention": (nn.MultiHeadAttention(4, 2), (3, 4)),
    "transformer": (nn.TransformerBlock(4, 2, hidden=3, causal=True), (3, 4)),
    "feed forward": (nn.FeedForward(3, 5), (4, 3)),
    "positions": (nn.Positions(3, 5), (4, 3)),
    "neural ode": (nn.NeuralODE(nn.Linear(2, 2), steps=3), (2,)),
    "ctrnn": (nn.CTRNN(2, 3, substeps=2, method="rk4"), (3, 2)),
    "prelu": (nn.PReLU(3), (3,)),
    "tied autoencoder": (nn.TiedAutoencoder(5, 3, 2), (5,)),
    "maxout": (nn.Maxout(2), (6,)),
    "softmax": (nn.Softmax(), (3,)),
    "glu": (nn.GLU(), (4,)),
    "flatten": (nn.Flatten(), (3, 2)),
    "reshape": (nn.Reshape(3, 2), (6,)),
}


def _drawn(model):
    draw = np.random.default_rng(1)
    new = {p: draw.standard_normal(np.shape(a)) * 0.5 for p, a in nn.parameters(model).items()}
    return nn.with_leaves(model, new)


@pytest.mark.parametrize("name", LAYERS)
def test_rows_of_a_batch_do_not_know_of_each_other(name):
    layer, *shapes = LAYERS[name]
    layer = _drawn(layer)
    inputs = [RNG.standard_normal((4, *shape)) for shape in shapes]
    whole = layer(*inputs)
    for i in range(4):
        alone = layer(*[x[i : i + 1] for x in inputs])
        np.testing.assert_allclose(alone[0], whole[i], rtol=1e-12, atol=1e-14)
    none = layer(*[x[:0] for x in inputs])
    assert none.shape == (0, *whole.shape[1:])
    assert none.dtype == whole.dtype


@pytest.mark.parametrize("name", LAYERS)
def test_single_precision_stays_single(name):
    layer, *shapes = LAYERS[name]
    layer = _drawn(layer)
    inputs = [RNG.standard_normal((3, *shape)) for shape in shapes]
    narrow = tree.tree_map(lambda a: a.astype(np.float32), layer)
    found = narrow(*[x.astype(np.float32) for x in inputs])
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, layer(*inputs), rtol=2e-4, atol=2e-5)


def test_sequences_of_no_step():
    for layer in (nn.RNN(2, 3), nn.LSTM(2, 3), nn.GRU(2, 3), nn.CTRNN(2, 3)):
        assert layer(np.zeros((4, 0, 2))).shape == (4, 0, 3)


def test_an_embedding_and_a_graphical_model_of_one_class_and_no_row():
    assert nn.Embedding(1, 2)(np.zeros((0, 3), int)).shape == (0, 3, 2)
    assert nn.CRF(1)(np.zeros((2, 3, 1)))[0].shape == (2, 3, 1)


TOGETHER = 12  # layers of one model: each training is compiled
NAMES = sorted(LAYERS)


class Many(nn.Module):
    """Layers side by side, each with inputs of its own; one number of each for a row."""

    layers: dict

    def __call__(self, inputs):
        numbers = [
            np.mean(np.reshape(np.tanh(layer(*inputs[name])), (len(inputs[name][0]), -1)), axis=1)
            for name, layer in self.layers.items()
        ]
        return np.stack(numbers, axis=1)


@pytest.mark.parametrize("first", range(0, len(NAMES), TOGETHER))
def test_compiled_trainings_are_the_interpreted_ones(first):
    names = NAMES[first : first + TOGETHER]
    rng = np.random.default_rng(first)
    inputs = {
        name: tuple(rng.standard_normal((11, *shape)) for shape in LAYERS[name][1:])
        for name in names
    }
    model = Many({name: LAYERS[name][0] for name in names})
    native, interpreted = [
        ad.fit(
            model, (inputs, rng.standard_normal((11, len(names))) * 0 + 0.5),
            loss=nn.mean_squared_error, optimizer=optim.adam(0.01), epochs=2, batch_size=4,
            seed=3, backend=backend, progress=False,
        )
        for backend in ("native", "interpreter")
    ]  # fmt: skip
    np.testing.assert_allclose(
        native.history.column("loss"), interpreted.history.column("loss"), rtol=1e-12
    )
    moved = 0
    started, expected = tree.leaves(model), tree.leaves(interpreted.model)
    for before, wanted, got in zip(started, expected, tree.leaves(native.model), strict=True):
        # Adam divides by the size of a slope: where that is rounding, so is the step.
        np.testing.assert_allclose(got, wanted, rtol=1e-7, atol=1e-9)
        moved += not np.array_equal(before, wanted)
    assert moved > len(started) // 2


def test_sizes_one_by_one_or_as_a_tuple():
    x = np.random.default_rng(0).standard_normal((2, 3, 5, 4))
    for layer in (nn.AdaptiveAveragePool, nn.AdaptiveMaxPool):
        assert np.array_equal(layer((2, 1))(x), layer(2, 1)(x))
        assert layer([2, 1])(x).shape == (2, 3, 2, 1)
        with pytest.raises(StructureError, match="sizes must be whole numbers"):
            layer((2, 1), 1)
        with pytest.raises(StructureError, match="sizes must be whole numbers"):
            layer(0)
    assert nn.Reshape((12, 5))(x).shape == nn.Reshape(12, 5)(x).shape == (2, 12, 5)
    assert nn.Reshape(-1, 5)(x).shape == (2, 12, 5)
    with pytest.raises(StructureError, match=r"Reshape\(2, 3\)"):
        nn.Reshape(2.5)
    with pytest.raises(StructureError, match=r"nn\.Parallel\(\*layers\)"):
        nn.Parallel([nn.Tanh(), nn.ReLU()])
