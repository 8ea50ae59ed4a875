"""Functions and layers written as ONNX, run by others and read again."""

import importlib
import warnings

import numpy as np
import pytest

import adjoint as ad
from adjoint import nn
from adjoint.differentiate.replay import replay
from adjoint.errors import StructureError, UnsupportedError
from adjoint.formats import from_onnx, to_onnx
from adjoint.graph import evaluate, primitives

onnx = pytest.importorskip("onnx", reason="files are read and written by the package onnx")
runtimes = importlib.import_module("runtimes")
makers = importlib.import_module("makers")
RULES = importlib.import_module("adjoint.formats.writing").RULES

R = np.random.default_rng(5)


def f32(*shape):
    return R.normal(size=shape).astype("f")


# *** every layer ***


def layers():
    ids = R.integers(0, 11, (5, 6))
    with nn.seed(0):
        return {
            "Linear": (nn.Linear(3, 4), f32(5, 3)),
            "Bilinear": (nn.Bilinear(3, 4, 5), f32(6, 3), f32(6, 4)),
            "Embedding": (nn.Embedding(11, 4), ids),
            "Embedding padded": (nn.Embedding(11, 4, padding=2), ids),
            "Conv1d": (nn.Conv1d(4, 6, 3, stride=2, padding=1, groups=2), f32(5, 4, 11)),
            "Conv2d": (
                nn.Conv2d(4, 6, (3, 2), stride=(2, 1), padding=1, dilation=2, groups=2),
                f32(5, 4, 11, 9),
            ),
            "Conv3d": (nn.Conv3d(2, 3, 2), f32(2, 2, 4, 5, 6)),
            "ConvTranspose1d": (
                nn.ConvTranspose1d(4, 6, 3, stride=2, padding=1, groups=2),
                f32(5, 4, 7),
            ),
            "ConvTranspose2d": (nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1), f32(3, 4, 7, 6)),
            "ConvTranspose3d": (nn.ConvTranspose3d(2, 3, 2, stride=2), f32(2, 2, 3, 4, 5)),
            "MaxPool1d": (nn.MaxPool1d(2), f32(5, 3, 9)),
            "MaxPool2d": (nn.MaxPool2d(3, stride=2, padding=1), f32(5, 3, 9, 8)),
            "MaxPool3d": (nn.MaxPool3d(2), f32(2, 3, 4, 6, 8)),
            "AveragePool1d": (nn.AveragePool1d(2), f32(5, 3, 9)),
            "AveragePool2d": (nn.AveragePool2d(3, stride=2, padding=1), f32(5, 3, 9, 8)),
            "AveragePool3d": (nn.AveragePool3d(2), f32(2, 3, 4, 6, 8)),
            "AdaptiveAveragePool": (nn.AdaptiveAveragePool(2, 3), f32(5, 3, 7, 9)),
            "AdaptiveMaxPool": (nn.AdaptiveMaxPool(2, 3), f32(5, 3, 7, 9)),
            "BatchNorm": (nn.BatchNorm(3), f32(5, 3, 4, 4)),
            "LayerNorm": (nn.LayerNorm(7), f32(5, 3, 7)),
            "GroupNorm": (nn.GroupNorm(2, 4), f32(5, 4, 3, 3)),
            "RMSNorm": (nn.RMSNorm(7), f32(5, 7)),
            "Dropout": (nn.Dropout(0.3), f32(5, 4)),
            "RNN": (nn.RNN(3, 4), f32(5, 6, 3)),
            "LSTM": (nn.LSTM(3, 4, bidirectional=True), f32(5, 6, 3)),
            "GRU": (nn.GRU(3, 4), f32(5, 6, 3)),
            "FIR": (nn.FIR(3, 4, 2), f32(5, 9, 3)),
            "MultiHeadAttention": (nn.MultiHeadAttention(8, 2), f32(5, 6, 8)),
            "TransformerBlock": (nn.TransformerBlock(8, 2), f32(5, 6, 8)),
            "Positions": (nn.Positions(8, 6), f32(5, 6, 8)),
            "Maxout": (nn.Maxout(2), f32(5, 6)),
            "GLU": (nn.GLU(), f32(5, 6)),
            "PReLU": (nn.PReLU(), f32(5, 3)),
            "Flatten": (nn.Flatten(), f32(5, 3, 4)),
            "Reshape": (nn.Reshape(4, 3), f32(5, 3, 4)),
            "Last": (nn.Last(), f32(5, 3, 4)),
            "Residual": (nn.Residual(nn.Linear(3, 3)), f32(5, 3)),
            "Parallel": (nn.Parallel(nn.Linear(3, 2), nn.Linear(3, 4)), f32(5, 3)),
            "TiedAutoencoder": (nn.TiedAutoencoder(6, 3), f32(5, 6)),
        }


LAYERS = layers()


@pytest.mark.parametrize("name", LAYERS)
def test_layers_for_any_batch(name):
    model, *xs = LAYERS[name]
    model = model.astype("float32")
    others = (tuple(np.concatenate([x, x[:2]]) for x in xs), tuple(x[:1] for x in xs))
    _, _, seen = runtimes.there_and_back(model, *xs, others=others)
    assert seen == 3 or not runtimes.HAS_RUNTIME


ACTIVATIONS = [
    *("CELU", "ELU", "GELU", "SELU", "HardSigmoid", "HardSwish", "HardTanh", "LeCunTanh"),
    *("LeakyReLU", "LogSigmoid", "LogSoftmax", "Mish", "ReLU", "ReLU6", "SiLU", "Sigmoid", "Sign"),
    *("Sine", "Softmax", "Softplus", "Softshrink", "Softsign", "Step", "Tanh"),
]


def test_activations():
    x = np.concatenate([f32(7, 4) * 3, np.array([[0.0, -0.0, 80.0, -80.0]], "f")])

    def all_of_them(x):
        return [getattr(nn, name)()(x) for name in ACTIVATIONS]

    _, _, seen = runtimes.there_and_back(all_of_them, x)
    assert seen == 1 or not runtimes.HAS_RUNTIME


# *** every primitive ***


def test_every_primitive_that_has_a_form():
    """Each drawn several times, of all dtypes: read again, and by the other program if it can."""
    seen, ran, refused = 0, 0, 0
    for name in [p.name for p in primitives if p.name in RULES]:
        for seed in range(2):
            drawing = makers.Drawing(np.random.default_rng(seed))
            makers.MAKERS[name](drawing)
            graph, arrays = drawing.graph, drawing.arrays
            with np.errstate(all="ignore"), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                wanted = evaluate(graph, arrays)
                try:
                    proto = to_onnx(lambda *xs, g=graph: tuple(replay(g, xs)), *arrays)
                except UnsupportedError:  # complex numbers, and types that ONNX leaves out
                    refused += 1
                    continue
                again = from_onnx(proto.SerializeToString())(*arrays)
                again = again if isinstance(again, tuple) else (again,)
                try:
                    results = [again, runtimes.run(proto, arrays)]
                    ran += 1
                except runtimes.NotThereError:
                    results = [again]
            for result in results:
                # The standard's own evaluator has an Erf of single precision.
                exact = 1e-9 if runtimes.HAS_RUNTIME or result is again else 1e-6
                for got, y in zip(result, wanted, strict=True):
                    y = np.asarray(y)
                    tolerance = {2: 2e-2, 4: 1e-4}.get(y.dtype.itemsize, exact)
                    runtimes.same(got, y, tolerance if y.dtype.kind == "f" else 0)
            seen += 1
    assert (len(RULES), seen + refused) == (122, 244)
    assert seen >= 150
    assert ran >= 100


# *** functions ***

A, W = f32(3, 3), f32(4, 3)
FUNCTIONS = {
    "loop": lambda x: ad.while_loop(
        lambda s: s[1] < 10, lambda s: (s[0] @ A * 0.3 + x, s[1] + 1), (x, np.float32(0.5))
    ),
    "scan": lambda x: ad.scan(lambda c, r: (c * 0.4 + r, c.sum()), np.zeros(3, "f"), x),
    "branch": lambda x: ad.cond(x.sum() > 0, lambda y: y * 2, lambda y: y @ A, x),
    "statistics of the batch": lambda x: (x - np.mean(x, axis=0)) / np.std(x, axis=0),
    "ones beside it": lambda x: np.concatenate([x, np.ones((len(x), 1), "f")], axis=1) @ W,
    "backwards": lambda x: x[::-1] * x[-1],
    "differences": lambda x: x[1:] - x[:-1],
    "sorted": lambda x: np.sort(x, axis=0),
    "counted": lambda x: x[np.arange(len(x)), 1] + 2 * np.arange(len(x), dtype="f"),
    "counted in rows": lambda x: x[np.arange(len(x))[:, None], np.array([[2, 0]])],
    "all pairs": lambda x: (x @ x.T, x[:, None] - x[None]),
    "flat": lambda x: x.ravel() ** 2,
    "its own gradient": ad.value_and_grad(lambda x: np.sum(np.tanh(x @ A) ** 2)),
    "nothing": lambda x: x,
    "the same twice": lambda x: (2 * x,) * 2,
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_for_any_batch(name):
    f = FUNCTIONS[name]
    others = ((f32(2, 3) - 9,), (f32(7, 3) + 9,))
    _, _, seen = runtimes.there_and_back(f, f32(5, 3), others=others)
    assert seen == 3 or not runtimes.HAS_RUNTIME


def test_a_step_of_training_is_a_function_too():
    with nn.seed(0):
        model = nn.Sequential(nn.LSTM(3, 4), nn.Linear(4, 2)).astype("float32")
        image = nn.Sequential(
            nn.Conv2d(2, 4, 3, stride=2, padding=1, groups=2), nn.Tanh(), nn.MaxPool2d(2),
            nn.ConvTranspose2d(4, 2, 3, stride=2),
        ).astype("float32")  # fmt: skip

    def step(model, x):
        loss, slope = ad.value_and_grad(lambda m: np.mean(m(x) ** 2))(model)
        return loss, ad.tree.tree_map(lambda a, b: a - 0.1 * b, model, slope)

    runtimes.there_and_back(step, model, f32(5, 6, 3))
    runtimes.there_and_back(step, image, f32(3, 2, 9, 9), tolerance=1e-4)


def test_trees_go_in_and_out_by_name():
    def f(p):
        return {"a": p["u"] + p["v"], "b": [p["u"], 2 * p["v"]]}

    proto, _, _ = runtimes.there_and_back(f, {"u": f32(3), "v": f32(3)})
    assert [v.name for v in proto.graph.input] == ["p['u']", "p['v']"]
    names = [v.name for v in proto.graph.output]
    assert names == ["output['a']", "output['b'][0]", "output['b'][1]"]


def test_parameters_of_a_function_become_initialisers():
    p = {"w": f32(3, 4), "b": f32(4)}
    proto = to_onnx(lambda p, x: np.tanh(x @ p["w"] + p["b"]), p, f32(5, 3), parameters=(0,))
    assert [v.name for v in proto.graph.input] == ["x"]
    assert {t.name for t in proto.graph.initializer} == {"p['w']", "p['b']"}
    assert set(from_onnx(proto.SerializeToString()).weights) == {"p['w']", "p['b']"}


# *** the file itself ***


def test_pooling_and_convolution_are_single_operators():
    with nn.seed(0):
        model = nn.Sequential(nn.Conv2d(2, 3, 3), nn.MaxPool2d(2), nn.AveragePool2d(2))
    kinds = [node.op_type for node in to_onnx(model, np.ones((2, 2, 14, 14))).graph.node]
    assert kinds == ["Conv", "Reshape", "Add", "MaxPool", "AveragePool", "Mul", "Mul"]


def test_names_versions_and_the_free_axis(tmp_path):
    with nn.seed(0):
        model = nn.Sequential(nn.Linear(3, 4), nn.Tanh())
    path = tmp_path / "model.onnx"
    proto = to_onnx(model, f32(5, 3).astype(float), path=path, dynamic_batch=True)
    assert onnx.load(path) == proto
    assert (proto.ir_version, proto.opset_import[0].version) == (8, 18)
    assert [t.name for t in proto.graph.initializer] == ["layers[0].weight", "layers[0].bias"]
    axes = proto.graph.input[0].type.tensor_type.shape.dim
    assert (axes[0].dim_param, axes[1].dim_value) == ("batch", 3)
    assert proto.graph.output[0].type.tensor_type.shape.dim[0].dim_param == "batch"
    assert proto.graph.node[0].doc_string.startswith("proto = to_onnx(")


def test_an_unwritable_place_leaves_nothing(tmp_path):
    with pytest.raises(FileNotFoundError):
        to_onnx(lambda x: x + 1, f32(2), path=tmp_path / "none" / "model.onnx")
    assert list(tmp_path.iterdir()) == []


# *** refusals ***


@pytest.mark.parametrize(
    ("f", "x", "dynamic", "wanted"),
    [
        (lambda x: np.linalg.solve(x, x), f32(3, 3), False, "solve has no form in ONNX"),
        (lambda x: np.fft.fft(x), f32(4), False, "no complex"),
        (lambda x: x[::2], f32(4, 3), True, "no fixed multiple of the batch size"),
        (lambda x: x + np.linspace(0, 1, len(x))[:, None], f32(4, 3), True, "a constant depends"),
        (lambda x: sum(x[i] for i in range(len(x) - 1000)), f32(4, 3), True, "other operations"),
        (lambda x: x @ np.eye(4, dtype="f"), f32(4, 4).T, True, None),
    ],
)
def test_what_cannot_be_written_is_named_with_its_line(f, x, dynamic, wanted):
    if wanted is None:
        to_onnx(f, x, dynamic_batch=dynamic)
        return
    with pytest.raises(UnsupportedError, match=wanted) as caught:
        to_onnx(f, x, dynamic_batch=dynamic)
    assert caught.value.source is not None
    assert caught.value.source.file == __file__


def test_settings_that_do_not_fit():
    with pytest.raises(StructureError, match="argument that is not there"):
        to_onnx(lambda x: x, f32(3), parameters=(1,))
    with pytest.raises(StructureError, match="batches of several sizes"):
        to_onnx(lambda x, y: (x, y), f32(3), f32(4), dynamic_batch=True)
    proto = to_onnx(lambda x, y: x @ y, f32(3, 4), f32(4, 2), dynamic_batch=(0,))
    assert proto.graph.input[1].type.tensor_type.shape.dim[0].dim_value == 4
