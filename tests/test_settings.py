"""Settings that lie outside their range are refused where they are given, by name."""

import numpy as np
import pytest

import adjoint as ad
from adjoint import nn, optim
from adjoint.errors import AdjointError, DataError, StructureError
from adjoint.settings import check_range

SGD = optim.sgd(0.1)
REFUSED = {
    "clip_by_norm: limit must be a number above 0": lambda: optim.clip_by_norm(SGD, limit=-1),
    "clip_by_value: limit": lambda: optim.clip_by_value(SGD, limit=None),
    "clip_by_norm: that is no optimiser": lambda: optim.clip_by_norm(1.0, SGD),
    "weight_decay: l2": lambda: optim.weight_decay(SGD, l2=-1),
    "max_norm: limit": lambda: optim.max_norm(SGD, 0),
    "accumulate: every must be a whole number above 0": lambda: optim.accumulate(SGD, 1.5),
    "average: decay": lambda: optim.average(SGD, 2),
    "on_plateau: factor": lambda: optim.on_plateau(SGD, factor=2),
    "momentum: mass must be a number from 0 to below 1": lambda: optim.momentum(0.1, 1.0),
    "adam: b1": lambda: optim.adam(b1=1.0),
    "adam: decay": lambda: optim.adamw(decay=-1),
    "rmsprop: decay": lambda: optim.rmsprop(0.1, 1.0),
    "adadelta: eps": lambda: optim.adadelta(eps=-1),
    "rprop: grow must be a number from 1 up": lambda: optim.rprop(grow=0.5),
    "muon: sweeps": lambda: optim.muon(sweeps=0),
    "groups: that is no optimiser": lambda: optim.groups({"*": 0.1}),
    "groups: there are no groups": lambda: optim.groups({}),
    "groups: groups come by pattern": lambda: optim.groups([("*", SGD)]),
    "lbfgs: memory": lambda: optim.lbfgs(memory=0),
    "cosine: steps": lambda: optim.cosine(0.1, steps=0),
    "piecewise: the rates": lambda: optim.piecewise((1,), (0.1, -1)),
    "warmup: the after must be": lambda: optim.warmup(3, "fast"),
    "Dropout: p must be": lambda: nn.Dropout("half"),
    "AlphaDropout: p": lambda: nn.AlphaDropout(2),
    "GaussianNoise: scale": lambda: nn.GaussianNoise(-1),
    "Conv2d: size must be a whole number from 1 up, or 2 of them": lambda: nn.Conv2d(1, 2, 0),
    "Conv2d: padding": lambda: nn.Conv2d(1, 2, 3, padding=-1),
    "Conv1d: in_channels": lambda: nn.Conv1d(0, 2, 3),
    "ConvTranspose1d: stride": lambda: nn.ConvTranspose1d(1, 2, 3, stride=0),
    "MaxPool2d: stride": lambda: nn.MaxPool2d(2, stride=0),
    "Embedding: num_embeddings": lambda: nn.Embedding(0, 2),
    "Embedding: padding must be a whole number from 0 to below 4": lambda: nn.Embedding(
        4, 2, padding=9
    ),
    "Bilinear: first_features": lambda: nn.Bilinear(0, 2, 3),
    "LSTM: layers": lambda: nn.LSTM(1, 2, layers=0),
    "BatchNorm: momentum": lambda: nn.BatchNorm(2, momentum=2),
    "LayerNorm: eps": lambda: nn.LayerNorm(2, eps=-1),
    "MultiHeadAttention: heads": lambda: nn.MultiHeadAttention(4, 0),
    "FIR: taps must be a whole number from 0 up": lambda: nn.FIR(1, 2, -1),
    "NeuralODE: steps": lambda: nn.NeuralODE(nn.Linear(2, 2), steps=0),
    "Maxout: pieces": lambda: nn.Maxout(0),
    "cross_entropy: label_smoothing": lambda: nn.cross_entropy(
        np.ones((2, 3)), np.array([0, 1]), label_smoothing=2
    ),
    "quantile: q": lambda: nn.quantile(np.ones(3), np.ones(3), q=2.0),
    "Sequential: a layer must be made": lambda: nn.Sequential(nn.Linear(2, 2), nn.ReLU),
    "Residual: the body gives": lambda: nn.Residual(nn.Linear(2, 3))(np.ones((4, 2))),
    "save: there is no such folder": lambda: ad.save(nn.Tanh(), "absent/model"),
    "save: the path must be text": lambda: ad.save("model", nn.Tanh()),
}


@pytest.mark.parametrize("wanted", REFUSED)
def test_what_lies_outside_is_refused_by_name(wanted):
    with pytest.raises((AdjointError, FileNotFoundError)) as caught:
        REFUSED[wanted]()
    assert wanted in str(caught.value)


@pytest.mark.parametrize(
    ("interval", "fits", "not_"),
    [
        ("[0, 1)", [0, 0.5, np.float32(0.9)], [1, -1e-9, np.nan, "0", None, np.ones(2)]),
        ("(0, inf]", [1e-300, np.inf], [0, -np.inf]),
        ("whole [1, inf)", [1, np.int8(3), True], [0, 1.0, "1"]),
    ],
)
def test_intervals_are_read_as_in_mathematics(interval, fits, not_):
    for value in fits:
        check_range("f", interval, x=value)
    for value in not_:
        with pytest.raises(StructureError, match="f: x must be"):
            check_range("f", interval, x=value)


def test_a_rate_that_is_being_recorded_passes():
    def after(decay):
        method = optim.adamw(0.1, decay)
        w = np.array([2.0])
        return method.update(w, method.init(w), w)[0][0]

    assert ad.grad(after)(0.5) == pytest.approx(-0.2)


def test_one_pattern_may_stand_alone():
    method = optim.weight_decay(SGD, l2=1.0, only="w")
    p = {"w": np.array([1.0]), "v": np.array([1.0])}
    p, _ = method.update({"w": np.zeros(1), "v": np.zeros(1)}, method.init(p), p)
    assert (p["w"][0], p["v"][0]) == (0.9, 1.0)


X = np.random.default_rng(0).normal(size=(6, 3))
Y = np.array([0, 1, 0, 1, 1, 0])


@pytest.mark.parametrize(
    ("arguments", "settings", "wanted"),
    [
        ((X, Y), {}, ["only the model and the data", "Linear, ndarray, ndarray", "(X, y)"]),
        ((None,), {}, ["the data must be arrays", "None"]),
        (((X.astype(str), Y),), {}, ["fit: numbers are wanted for the inputs", "begins with"]),
        (((X, Y),), {"validation": "a"}, ["the validation data must be arrays"]),
        (((X, Y),), {"early_stopping": "a"}, ["early_stopping must be a whole number"]),
        (((X, Y),), {"metrics": ["acuracy"]}, ["got: 'acuracy'", "wanted: accuracy"]),
        (((X, Y),), {"metrics": [5]}, ["a metric must be"]),
        (((X, Y),), {"class_weight": {"a": 2.0}}, ["no class is weighed", "labels [0, 1]"]),
        (((X, Y * 1.0),), {}, ["target.astype(int)"]),
        (((X, Y[:, None]),), {}, ["in one axis less: target[..., 0]"]),
        (((X, Y),), {"checkpoint_every": -1}, ["checkpoint_every must be"]),
    ],
)
def test_what_fit_cannot_use_is_told_with_what_to_do(arguments, settings, wanted):
    with pytest.raises((DataError, StructureError)) as caught:
        ad.fit(nn.Linear(3, 2), *arguments, loss=nn.cross_entropy, epochs=1, **settings)
    for part in wanted:
        assert part in str(caught.value)


LISTS = {
    nn.Conv1d(2, 3, 2, rng=0): [[[1.0, 2, 3], [3, 4, 5]]],
    nn.Embedding(4, 2, rng=0): [1, 2],
    nn.LSTM(2, 3, rng=0): [[[1.0, 2], [3, 4]]],
    nn.BatchNorm(2): [[1.0, 2], [3, 4]],
    nn.LayerNorm(2): [[1.0, 2], [3, 4]],
    nn.MaxPool1d(2): [[[1.0, 2], [3, 4]]],
    nn.MultiHeadAttention(2, 1, rng=0): [[[1.0, 2], [3, 4]]],
    nn.Flatten(): [[[1.0, 2], [3, 4]]],
}


@pytest.mark.parametrize("layer", LISTS, ids=lambda layer: type(layer).__name__)
def test_layers_take_lists_of_numbers(layer):
    np.testing.assert_array_equal(layer(LISTS[layer]), layer(np.array(LISTS[layer])))


def test_a_smaller_model_than_the_file_is_refused(tmp_path):
    ad.save(nn.Sequential(nn.Linear(3, 5), nn.Linear(5, 2)), tmp_path / "m")
    with pytest.raises(StructureError, match="has arrays that the model lacks"):
        ad.load(tmp_path / "m", like=nn.Sequential(nn.Linear(3, 5)))
