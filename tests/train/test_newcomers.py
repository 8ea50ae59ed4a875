"""What somebody writes on the first day: it works, or the message says what to write."""

from dataclasses import dataclass

import numpy as np
import pytest

import adjoint as ad
from adjoint import nn, optim, tree
from adjoint.errors import DataError, NonFiniteError, NonScalarOutputError, StructureError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3))
Y = X @ [[1.0], [-2.0], [0.5]]


def fit(model=None, data=(X, Y), loss=nn.mean_squared_error, **settings):
    model = nn.Linear(3, 1, rng=0) if model is None else model
    return ad.fit(model, data, loss=loss, **{"epochs": 2, "backend": "interpreter", **settings})


class Signs:
    """An optimiser that is no subclass of anything."""

    def init(self, parameters):
        return {"velocity": tree.tree_map(np.zeros_like, parameters)}

    def update(self, gradients, state, parameters):
        velocity = tree.tree_map(lambda v, g: 0.5 * v + g, state["velocity"], gradients)
        new = tree.tree_map(lambda p, v: p - 0.01 * np.sign(v), parameters, velocity)
        return new, {"velocity": velocity}


def test_an_object_with_init_and_update_is_an_optimiser():
    result = fit(optimizer=Signs(), batch_size=40, shuffle=False)
    w = b = None
    w, b = nn.Linear(3, 1, rng=0).weight, np.zeros(1)
    velocity = [0 * w, 0 * b]
    for _ in range(2):
        gap = X @ w + b - Y
        for i, g in enumerate((X.T @ gap / 20, 2 * gap.mean(0))):
            velocity[i] = 0.5 * velocity[i] + g
        w, b = w - 0.01 * np.sign(velocity[0]), b - 0.01 * np.sign(velocity[1])
    np.testing.assert_allclose(result.model.weight, w, rtol=1e-12)
    np.testing.assert_allclose(result.model.bias, b, rtol=1e-12)


@pytest.mark.parametrize(
    ("given", "told"), [(0.01, r"0\.01"), ("adam", "'adam'"), (optim.Adam, "the class Adam")]
)
def test_what_is_no_optimiser_is_refused_with_the_way_out(given, told):
    with pytest.raises(StructureError, match=told) as caught:
        fit(optimizer=given)
    assert "optim.adam(1e-3)" in str(caught.value)


def test_a_loss_that_is_no_number_is_named():
    def apart(output, target):
        return np.abs(output - target)

    with pytest.raises(NonScalarOutputError, match=r"the loss apart .*one real number") as caught:
        fit(loss=apart)
    assert "(32, 1)" in str(caught.value)
    assert "np.mean" in str(caught.value)


def test_freeze_takes_one_pattern_and_refuses_one_that_fits_nothing():
    result = fit(freeze="weight")
    np.testing.assert_array_equal(result.model.weight, nn.Linear(3, 1, rng=0).weight)
    assert result.model.bias[0] != 0
    with pytest.raises(StructureError, match=r"names no array of the model: weights\n") as caught:
        fit(freeze=["bias", "weights"])
    assert "weight, bias" in str(caught.value)


def test_the_parameter_that_broke_is_named():
    @dataclass
    class Power:
        layer: nn.Linear
        power: float = 2.0  # a number in a model learns, unless it is nn.static

        def __call__(self, x):
            return self.layer(x) ** self.power  # whose slope in power is a logarithm

    with pytest.raises(NonFiniteError, match="the parameter power became NaN"):
        fit(Power(nn.Linear(3, 1, rng=0)))


class Both(nn.Module):
    size: nn.Linear
    kind: nn.Linear

    def __call__(self, x):
        return {"size": self.size(x), "kind": self.kind(x)}


def test_metrics_of_several_outputs_are_asked_for_by_name():
    model = Both(nn.Linear(3, 1, rng=0), nn.Linear(3, 2, rng=1))
    targets = {"size": Y, "kind": (Y[:, 0] > 0).astype(int)}
    settings = {"loss": {"size": nn.mean_squared_error, "kind": nn.cross_entropy}, "epochs": 1}

    def worst(true, predicted):
        return np.abs(true - predicted).max()

    metrics = {"size": ["r2", worst], "kind": "accuracy"}
    result = fit(model, (X, targets), metrics=metrics, **settings)
    row, output = result.history[-1], result.model(X)
    assert row["kind_accuracy"] == np.mean(output["kind"].argmax(1) == targets["kind"])
    assert row["size_worst"] == pytest.approx(np.abs(output["size"] - Y).max())
    assert row["size_r2"] == pytest.approx(1 - np.sum((output["size"] - Y) ** 2) / (40 * Y.var()))
    with pytest.raises(DataError, match="accuracy does not say which output") as caught:
        fit(model, (X, targets), metrics=["accuracy"], **settings)
    assert "metrics={'size'" in str(caught.value)
    with pytest.raises(StructureError, match=r"one loss for each entry: loss=\{'size'"):
        fit(model, (X, targets), loss=nn.mean_squared_error)


LABELS = np.arange(40) % 3


@pytest.mark.parametrize("backend", ["native", "interpreter"])
@pytest.mark.parametrize("optimizer", [optim.sgd(0.1), optim.lbfgs()])
@pytest.mark.parametrize("held", [False, True])
def test_a_label_outside_the_classes_is_named(backend, optimizer, held):
    wrong = np.where(np.arange(40) == 33, 5, LABELS)
    right, data = (X, LABELS), (X, wrong)
    with pytest.raises(DataError, match="a label is outside the classes") as caught:
        fit(
            nn.Linear(3, 3),
            right if held else data,
            nn.cross_entropy,
            validation=data if held else right,
            batch_size=8,
            optimizer=optimizer,
            backend=backend,
        )
    assert caught.value.function == "cross_entropy"
    assert "to 5" in caught.value.got


def test_an_index_outside_an_embedding_is_named():
    model = nn.Sequential(nn.Embedding(4, 3), nn.Linear(3, 3))
    with pytest.raises(StructureError, match="Embedding"):
        fit(model, (np.arange(40) % 5, LABELS), nn.cross_entropy, backend="native")


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"model": nn.Linear}, "the class Linear"),
        ({"model": [nn.Linear(3, 1)]}, "nn.Sequential"),
        ({"model": np.tanh}, "nothing to learn"),
        ({"loss": lambda y: y.sum()}, r"loss\(output, target\)"),
        ({"augment": lambda x: x}, r"augment\(inputs, key\)"),
        ({"callbacks": print}, "callbacks must be a list"),
        ({"seed": "a"}, "seed must be a whole number"),
        ({"seed": None}, "seed must be a whole number"),
        ({"threads": 0}, "threads must be a whole number"),
        ({"truncate": 0}, "truncate must be a whole number"),
        ({"dtype": "float99"}, "dtype='float99'"),
        ({"dtype": int}, "floating-point"),
        ({"optimizer_state": {"a": 1}}, "optimizer_state"),
    ],
)
def test_settings_that_cannot_be_are_refused_by_name(settings, told):
    with pytest.raises(StructureError, match=told):
        fit(**settings)


def test_data_that_cannot_be_is_refused_with_the_way_out():
    with pytest.raises(DataError, match=r"data=\(X, y\)"):
        fit(data=[X, Y])
    with pytest.raises(DataError, match="belongs to streams"):
        fit(steps_per_epoch=3)


@pytest.mark.parametrize("rate", ["0.1", -1.0, float("nan"), None])
def test_a_rate_that_is_none_is_refused(rate):
    with pytest.raises(StructureError, match="adam: the rate must be a number"):
        optim.adam(rate)


@dataclass
class Rounds:
    """A plain dataclass: arrays and a float learn, all else is a setting."""

    W: np.ndarray
    scale: float = 1.0
    rounds: int = 2
    kind: str = "tanh"
    is_on: bool = True
    squash: object = np.tanh

    def __call__(self, x):
        for _ in range(self.rounds):
            x = self.squash(x @ self.W) * self.scale
        return np.tanh(x) if self.kind == "tanh" and self.is_on else x


@pytest.mark.parametrize("options", [{}, {"dtype": "float32"}, {"early_stopping": 1}])
def test_settings_of_a_plain_dataclass_stay_what_they_are(options):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((9, 3))
    model = Rounds(rng.standard_normal((3, 3)))
    result = ad.fit(
        model, (x, x), loss=nn.mean_squared_error, epochs=2, backend="interpreter", **options
    )
    found = result.model
    assert (type(found.rounds), found.rounds, found.kind, found.is_on) == (int, 2, "tanh", True)
    assert found.squash is np.tanh
    assert found.W.dtype == found.scale.dtype == options.get("dtype", "float64")
    assert not np.array_equal(found.W, model.W)
    assert found.scale != 1.0


def test_one_layer_at_two_places_is_pointed_out():
    layer = nn.Linear(3, 3, rng=np.random.default_rng(0))
    x = np.random.default_rng(1).standard_normal((9, 3))
    settings = {"loss": nn.mean_squared_error, "epochs": 1, "backend": "interpreter"}
    with pytest.warns(UserWarning, match=r"layers\[0\] and layers\[2\] are one layer"):
        ad.fit(nn.Sequential(layer, nn.Tanh(), layer), (x, x), **settings)
    squash = nn.Tanh()  # nothing to learn, nothing to say
    ad.fit(nn.Sequential(squash, layer, squash), (x, x), **settings)
