"""The X-ray of models whose ills are known."""

import re

import numpy as np
import pytest

import adjoint as ad
from adjoint import nn
from adjoint.errors import NonScalarOutputError, StructureError
from adjoint.nn.module import with_leaves

ROWS = 11


def data(features=6, classes=3, rows=ROWS):
    rng = np.random.default_rng(0)
    return rng.normal(size=(rows, features)), rng.integers(0, classes, rows)


def relu_net():
    return nn.Sequential(nn.Linear(6, 5, rng=0), nn.ReLU(), nn.Linear(5, 3, rng=1))


def test_figures_of_layers_and_parameters():
    model, (x, y) = relu_net(), data()
    report = ad.xray(model, nn.cross_entropy, x, y, rate=0.5)
    hidden = x @ model[0].weight + model[0].bias
    first, active, last = report.layers
    assert (first.path, first.kind, first.shape) == ("layers[0]", "Linear", (ROWS, 5))
    np.testing.assert_allclose(
        [first.mean, first.std, first.low, first.high],
        [hidden.mean(), hidden.std(), hidden.min(), hidden.max()],
        rtol=1e-12,
    )
    assert active.zeros == (hidden <= 0).mean()
    # The delta of the logits is (softmax - one-hot) / rows.
    p = np.exp(model(x)) / np.exp(model(x)).sum(axis=1, keepdims=True)
    delta = (p - np.eye(3)[y]) / ROWS
    np.testing.assert_allclose(last.delta, np.sqrt((delta**2).mean()), rtol=1e-12)
    inner = delta @ model[2].weight.T
    np.testing.assert_allclose(active.delta, np.sqrt((inner**2).mean()), rtol=1e-12)
    gradient = ad.grad(lambda m: nn.cross_entropy(m(x), y))(model)
    weight = report.parameters[0]
    assert weight.path == "layers[0].weight"
    np.testing.assert_allclose(weight.gradient, np.linalg.norm(gradient[0].weight), rtol=1e-12)
    np.testing.assert_allclose(
        weight.ratio, 0.5 * weight.gradient / np.linalg.norm(model[0].weight), rtol=1e-12
    )
    np.testing.assert_allclose(report.loss, nn.cross_entropy(model(x), y))


def test_dead_units_are_counted():
    x, y = data()
    model = with_leaves(relu_net(), {"layers[0].bias": np.array([0, -99.0, 0, -99.0, 0])})
    report = ad.xray(model, nn.cross_entropy, x, y)
    assert [layer.dead for layer in report.layers] == [None, 2, None]
    assert "dead units: 2 of 5 in layers[1]" in report.text()


def test_dead_channels_of_a_convolution():
    x = np.random.default_rng(0).normal(size=(2, 1, 7, 8))
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3, rng=0), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 5 * 6, 3, rng=1)
    )
    model = with_leaves(model, {"layers[0].bias": np.array([0.0, 0.0, -99.0, 0.0])})
    report = ad.xray(model, nn.cross_entropy, x, np.array([0, 2]))
    assert (report.layers[1].dead, report.layers[1].units) == (1, 4)


def test_saturation():
    x, y = data()
    model = nn.Sequential(nn.Linear(6, 4, rng=0), nn.Tanh(), nn.Linear(4, 3, rng=1))
    big = with_leaves(model, {"layers[0].weight": 1e3 * model[0].weight})
    assert ad.xray(model, nn.cross_entropy, x, y).layers[1].saturated < 0.2
    report = ad.xray(big, nn.cross_entropy, x, y)
    assert report.layers[1].saturated > 0.9
    assert any("saturated" in finding for finding in report.findings())


@pytest.mark.parametrize(
    ("activation", "scale", "verdict"),
    [
        (nn.Sigmoid, 1.0, "vanishing"),
        (nn.Identity, 3.0, "exploding"),
        (nn.Identity, 1.0, "healthy"),
    ],
)
def test_flow(activation, scale, verdict):
    x, y = data(8)
    layers = [part for i in range(10) for part in (nn.Linear(8, 8, rng=i), activation())]
    model = nn.Sequential(*layers, nn.Linear(8, 3, rng=77))
    names = [p for p in nn.parameters(model) if "weight" in p]
    model = with_leaves(model, {p: scale * nn.parameters(model)[p] for p in names})
    assert ad.xray(model, nn.mean_squared_error, x, np.eye(3)[y]).flow.verdict == verdict


def test_flow_that_stops():
    x, y = data()
    model = with_leaves(relu_net(), {"layers[0].bias": np.full(5, -99.0)})
    report = ad.xray(model, nn.cross_entropy, x, y)
    assert report.flow.verdict == "stopped"
    assert "no gradient: layers[0].weight, layers[0].bias, layers[2].weight" in report.text()


def test_nan_in_the_inputs_is_found_with_its_row():
    x, y = data()
    x[4, 2] = np.nan
    report = ad.xray(relu_net(), nn.cross_entropy, x, y)
    birth = report.birth
    assert (birth.direction, birth.operation, birth.index, birth.row) == (
        "argument",
        "X",
        (4, 2),
        4,
    )
    assert report.flow.verdict == "not finite"
    assert "nan came in with X at [4, 2] (row 4)" in report.text()


def bad_loss(output, target):
    return np.mean(np.log(np.maximum(output, 0))[:, 0])  # born here


def test_birth_in_the_loss():
    x, y = data()
    report = ad.xray(relu_net(), bad_loss, x, y)
    outputs = relu_net()(x)[:, 0]
    birth = report.birth
    assert (birth.direction, birth.operation) == ("forward", "log")
    assert birth.row == np.argmax(outputs <= 0)
    assert birth.operands == (0.0,)
    assert "# born here" in birth.source.text


def test_birth_on_the_way_back():
    def loss(output, target):
        return np.sum(np.sqrt(output * 0.0))  # the square root's slope

    x, y = data()
    report = ad.xray(relu_net(), loss, x, y)
    assert report.loss == 0
    assert (report.birth.direction, report.birth.operation) == ("backward", "sqrt")
    assert "square root's slope" in report.birth.source.text


def test_masked_births_do_no_harm():
    def loss(output, target):
        return np.sum(np.where(output > 0, np.log(output), 0.0))

    x, y = data()
    report = ad.xray(relu_net(), loss, x, y)
    assert np.isfinite(report.loss)
    assert report.birth is None
    assert report.masked[0].operation == "log"
    assert all(p.bad_gradient == 0 for p in report.parameters)


def test_underflow_and_overflow_are_noted():
    def loss(output, target):
        return np.sum(np.exp(-1e4 - output**2)) + np.sum(output * 1e200)

    x, y = data()
    notes = "\n".join(ad.xray(relu_net(), loss, x, y).notes)
    assert f"exp gives 0 in {3 * ROWS} of {3 * ROWS} elements" in notes
    assert "near overflow: mul reaches" in notes
    assert "sum reaches" not in notes  # said once, where it begins
    assert "test_xray.py" in notes


def test_page_and_figure(tmp_path):
    x, y = data()
    report = ad.xray(relu_net(), nn.cross_entropy, x, y)
    place = tmp_path / "xray.html"
    report.to_html(place)
    page = place.read_text()
    assert page.count("<svg") == 2
    assert not re.search(r"(src|href)=|https?:|<script|@import|url\(", page)
    matplotlib = pytest.importorskip("matplotlib")
    assert matplotlib.__name__ == "matplotlib"
    figure = report.figure()
    assert len(figure.axes) == 3
    figure.savefig(tmp_path / "xray.png", dpi=30)


@pytest.mark.parametrize("rows", [0, 1])
def test_batches_of_0_and_1(rows, tmp_path):
    x, y = data(rows=rows)
    report = ad.xray(relu_net(), lambda o, t: np.sum(o**2), x, y)
    assert report.batch == rows
    report.text()
    report.to_html(tmp_path / "x.html")


def test_training_draws_with_the_seed():
    x, y = data()
    model = nn.Sequential(nn.Linear(6, 40, rng=0), nn.Dropout(0.5), nn.Linear(40, 3, rng=1))
    runs = [ad.xray(model, nn.cross_entropy, x, y, training=True, seed=s) for s in (1, 1, 2)]
    assert runs[0].loss == runs[1].loss != runs[2].loss
    assert 0.3 < runs[0].layers[1].zeros < 0.7
    assert ad.xray(model, nn.cross_entropy, x, y).layers[1].zeros == 0


def test_a_layer_called_twice_and_a_class_of_the_users():
    class Twice(nn.Module):
        inner: nn.Linear

        def __call__(self, x):
            return self.inner(np.tanh(self.inner(x)))

    x, _ = data()
    report = ad.xray(Twice(nn.Linear(6, 6, rng=0)), nn.mean_squared_error, x, np.zeros((ROWS, 6)))
    assert [layer.path for layer in report.layers] == ["inner", "tanh", "inner (2)"]


class Plain(nn.Module):
    """Arrays and NumPy's functions."""

    W: np.ndarray
    V: np.ndarray
    deep: nn.Linear

    def __call__(self, x):
        h = np.maximum(x @ self.W, 0)
        h = nn.relu(self.deep(h))
        return nn.sigmoid(nn.sigmoid(h) @ self.V)


def test_activations_called_as_functions_have_rows():
    rng = np.random.default_rng(0)
    x, _ = data()
    W = rng.normal(size=(6, 5))
    W[:, 2] = -np.abs(W[:, 2]) * 50
    x = np.abs(x)
    model = Plain(W, 20 * rng.normal(size=(4, 3)), nn.Linear(5, 4, rng=0))
    report = ad.xray(model, nn.mean_squared_error, x, np.zeros((ROWS, 3)))
    rows = {layer.path: layer for layer in report.layers}
    assert list(rows) == ["relu", "deep", "relu (2)", "sigmoid", "sigmoid (2)"]
    h = np.maximum(x @ W, 0)
    assert rows["relu"].dead == 1
    assert rows["relu"].zeros == np.mean(h == 0)
    h = np.maximum(model.deep(h), 0)
    assert rows["relu (2)"].mean == pytest.approx(h.mean())
    out = model(x)
    assert rows["sigmoid (2)"].saturated == np.mean((out < 0.02) | (out > 0.98))
    slope = ad.grad(lambda h: np.mean(nn.sigmoid(nn.sigmoid(h) @ model.V) ** 2))(h)
    assert rows["relu (2)"].delta == pytest.approx(np.sqrt(np.mean(slope**2)))


def test_activations_inside_the_librarys_layers_have_no_rows_of_their_own():
    x, _ = data()
    model = nn.Sequential(nn.Linear(6, 5, rng=0), nn.Mish(), nn.Linear(5, 3, rng=1), nn.Tanh())
    report = ad.xray(model, nn.mean_squared_error, x, np.zeros((ROWS, 3)))
    assert [layer.path for layer in report.layers] == [f"layers[{i}]" for i in range(4)]


def test_refusals():
    x, y = data()
    with pytest.raises(StructureError, match="parameters"):
        ad.xray(np.tanh, nn.mean_squared_error, x, x)
    with pytest.raises(NonScalarOutputError):
        ad.xray(relu_net(), lambda output, target: output, x, y)


@pytest.mark.parametrize("training", [False, True])
def test_a_tuple_of_inputs_is_spread_over_the_arguments(training):
    X, y = data()
    model = nn.Bilinear(2, 4, 3, rng=0)
    report = ad.xray(model, nn.cross_entropy, (X[:, :2], X[:, 2:]), y, training=training)
    assert report.loss == pytest.approx(nn.cross_entropy(model(X[:, :2], X[:, 2:]), y))
    assert report.batch == ROWS
    assert "Bilinear" in report.text()
