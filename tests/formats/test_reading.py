"""ONNX files read as models: operators, other people's networks, training, damage."""

import importlib
import io
import random
import warnings
from collections import Counter

import numpy as np
import pytest

import adjoint as ad
from adjoint import nn, optim
from adjoint.errors import AdjointError, FileFormatError, StructureError, UnsupportedError
from adjoint.formats import from_onnx, to_onnx

onnx = pytest.importorskip("onnx", reason="files are read and written by the package onnx")
helper, TensorProto = onnx.helper, onnx.TensorProto
runtimes = importlib.import_module("runtimes")

PLAIN = ["b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8"]


# *** operators, by the standard's own examples ***


def examples():
    """The cases of onnx itself whose numbers are of dtypes that NumPy has."""
    from onnx.backend.test.loader import load_model_tests

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cases = load_model_tests(kind="node")
    for case in cases:
        if case.name.endswith("_expanded"):  # the same numbers, from other operators
            continue
        rows = []
        for pair in case.data_sets or ():  # none where onnx is older
            rows.append([[_array(x) for x in part] for part in pair])
        flat = [x for pair in rows for part in pair for x in part]
        if flat and all(hasattr(x, "dtype") and x.dtype.str[1:] in PLAIN for x in flat):
            yield case, rows


def _array(x):
    return onnx.numpy_helper.to_array(x) if isinstance(x, TensorProto) else x


def test_examples_of_the_standard():
    """Each is read and right, or refused by name: nothing is silently wrong."""
    count: Counter[str] = Counter()
    wrong = []
    for case, rows in examples():
        try:
            model = from_onnx(case.model.SerializeToString())
        except UnsupportedError:
            count["operators without a rule"] += 1
            continue
        try:
            for inputs, outputs in rows:
                got = model(*inputs)
                got = got if isinstance(got, tuple) else (got,)
                for y, wanted in zip(got, outputs, strict=True):
                    y = np.asarray(y)
                    assert (y.dtype, y.shape) == (wanted.dtype, wanted.shape)
                    loose = max(case.rtol, 4e-3 if wanted.dtype == np.float16 else 0)
                    np.testing.assert_allclose(y, wanted, rtol=loose, atol=case.atol)
            count["right"] += 1
        except UnsupportedError:
            count["settings without a rule"] += 1
        except (AssertionError, AdjointError) as error:
            wrong.append((case.name, str(error)[:200]))
    assert wrong == []
    if not count:
        pytest.skip("this onnx brings its examples without their numbers")
    assert count["right"] >= 500, count
    assert count["settings without a rule"] <= 0.08 * count["right"], count


# *** networks from PyTorch ***


def torch_networks(torch):
    """Networks of several kinds, and an input for each."""
    T, F = torch.nn, torch.nn.functional

    class Residual(T.Module):
        def __init__(self):
            super().__init__()
            self.first = T.Conv2d(3, 8, 3, padding=1, stride=2)
            self.norm = T.BatchNorm2d(8)
            self.second = T.Conv2d(8, 8, 3, padding=1, groups=4)
            self.out = T.Linear(8, 4)
            self.norm.running_mean.normal_()
            self.norm.running_var.uniform_(0.5, 2)

        def forward(self, x):
            y = F.max_pool2d(torch.relu(self.norm(self.first(x))), 2)
            y = F.silu(y + self.second(y))
            return self.out(F.adaptive_avg_pool2d(y, 1).flatten(1))

    class Shape(T.Module):
        def __init__(self):
            super().__init__()
            self.down = T.Conv2d(2, 6, 3, stride=2, padding=1)
            self.norm = T.InstanceNorm2d(6, affine=True)
            self.up = T.ConvTranspose2d(6, 4, 2, stride=2)

        def forward(self, x):
            y = F.gelu(self.norm(self.down(x)))
            wide = F.interpolate(y, scale_factor=2, mode="bilinear", align_corners=False)
            return torch.cat([self.up(y), wide[:, :4] * x[:, :1]], 1).mean((2, 3))

    class Words(T.Module):
        def __init__(self):
            super().__init__()
            self.table = T.Embedding(13, 16)
            self.block = T.TransformerEncoderLayer(16, 4, 32, batch_first=True, dropout=0.0)
            self.out = T.Linear(16, 5)

        def forward(self, x):
            return self.out(self.block(self.table(x)).mean(1))

    class Series(T.Module):
        def __init__(self, kind):
            super().__init__()
            self.inner = kind(4, 6, batch_first=True, bidirectional=True)
            self.out = T.Linear(12, 3)

        def forward(self, x):
            return self.out(self.inner(x)[0][:, -1])

    mlp = T.Sequential(T.Linear(4, 8), T.Tanh(), T.LayerNorm(8), T.Linear(8, 8), T.ELU(),
                       T.PReLU(), T.Linear(8, 3))  # fmt: skip
    return {
        "perceptron": (mlp, torch.randn(6, 4)),
        "residual": (Residual(), torch.randn(6, 3, 16, 16)),
        "shape": (Shape(), torch.randn(4, 2, 8, 8)),
        "words": (Words(), torch.randint(0, 13, (6, 7))),
        "lstm": (Series(T.LSTM), torch.randn(6, 5, 4)),
        "gru": (Series(T.GRU), torch.randn(6, 5, 4)),
    }


@pytest.mark.parametrize("name", ["perceptron", "residual", "shape", "words", "lstm", "gru"])
def test_networks_of_pytorch_are_read_trained_and_written(name):
    torch = pytest.importorskip("torch", reason="PyTorch writes the files of this test")
    torch.manual_seed(0)
    network, x = torch_networks(torch)[name]
    network.eval()
    with torch.no_grad():
        for p in network.parameters():  # equal ones would be written as one, and tied
            p += 0.05 * torch.randn_like(p)
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network, (x,), file, dynamo=False, opset_version=17, do_constant_folding=False,
            training=torch.onnx.TrainingMode.PRESERVE, input_names=["x"], output_names=["y"],
            dynamic_axes={"x": {0: "n"}, "y": {0: "n"}},
        )  # fmt: skip
    model = from_onnx(file.getvalue())
    labels = torch.randint(0, 3, (len(x),))
    output = network(x)
    runtimes.same(model(x.numpy()), output.detach().numpy(), 2e-5)

    torch.nn.functional.cross_entropy(output, labels).backward()
    slope = ad.grad(lambda m: nn.cross_entropy(m(x.numpy()), labels.numpy()))(model).weights
    theirs = {k: p.grad.numpy() for k, p in network.named_parameters()}
    named = slope.keys() & theirs.keys()
    for key in named:
        np.testing.assert_allclose(slope[key], theirs[key], rtol=1e-3, atol=1e-5)
    assert len(named) >= 0.7 * len(theirs)

    result = ad.fit(
        model, (x.numpy(), labels.numpy()), loss=nn.cross_entropy, optimizer=optim.adam(3e-3),
        epochs=6, batch_size=3, seed=0,
    )  # fmt: skip
    assert result.history[-1].loss < result.history[0].loss
    runtimes.there_and_back(result.model, x.numpy(), others=[(x.numpy()[:2],)], tolerance=2e-4)


# *** what is a parameter ***


def small(version=18, **arrays):
    """y = clip(batch norm(x w) s): arrays of each sort."""
    rng = np.random.default_rng(3)
    values = {
        "w": rng.normal(size=(3, 4)),
        "scale": rng.uniform(0.5, 2, 4),
        "shift": rng.normal(size=4),
        "mean": rng.normal(size=4),
        "variance": rng.uniform(0.5, 2, 4),
        "s": np.asarray(0.5),
        **arrays,
    }
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["a"]),
        helper.make_node("BatchNormalization", ["a", "scale", "shift", "mean", "variance"], ["b"]),
        helper.make_node("Mul", ["b", "s"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("x", TensorProto.DOUBLE, ["n", 3])],
        [helper.make_tensor_value_info("y", TensorProto.DOUBLE, ["n", 4])],
        [onnx.numpy_helper.from_array(np.asarray(v), k) for k, v in values.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", version)])


def test_weights_statistics_and_constants_are_told_apart():
    model = from_onnx(small().SerializeToString())
    assert sorted(model.weights) == ["scale", "shift", "w"]
    assert sorted(model.statistics) == ["mean", "variance"]
    assert sorted(model.block.constants) == ["s"]
    assert sorted(nn.parameters(model)) == ["weights['scale']", "weights['shift']", "weights['w']"]
    fewer = from_onnx(small().SerializeToString(), constants=["s*"])
    assert sorted(fewer.weights) == ["w"]
    x = np.random.default_rng(0).normal(size=(5, 3))
    np.testing.assert_array_equal(model(x), fewer(x=x))


def test_a_read_model_is_like_any_other(tmp_path):
    model = from_onnx(small().SerializeToString())
    x = np.random.default_rng(0).normal(size=(5, 3))
    np.testing.assert_allclose(ad.jit(lambda m, x: m(x))(model, x), model(x), rtol=1e-13)
    ad.check_grads(lambda m: np.sum(np.tanh(m(x))), (model,), order=1)
    ad.save(model, tmp_path / "model.safetensors")
    np.testing.assert_array_equal(ad.load(tmp_path / "model.safetensors")(x), model(x))
    half = model.astype("float32")
    assert half.weights["w"].dtype == np.float32
    assert "x -> y" in repr(model)
    with pytest.raises(StructureError, match="other inputs"):
        model(x, x)
    with pytest.raises(StructureError, match="MatMul cannot be computed"):
        model(x[:, :2])


def test_names_survive_a_second_journey():
    first = from_onnx(small().SerializeToString())
    again = to_onnx(first, np.ones((5, 3)), dynamic_batch=True)
    assert [v.name for v in (*again.graph.input, *again.graph.output)] == ["x", "y"]
    second = from_onnx(again.SerializeToString())
    assert sorted(second.weights) == sorted(first.weights)  # the statistics stay untrained


def test_loops_and_branches_are_compiled_where_values_are_not_known():
    def f(x):
        count, y = ad.while_loop(
            lambda s: np.sum(s[1] ** 2) > 1, lambda s: (s[0] + 1, s[1] * 0.5), (0.0, x)
        )
        return ad.cond(y.sum() > 0, lambda v: v * 2, lambda v: -v, y), count

    x = np.array([3.0, -9.0, 4.0])
    model = from_onnx(to_onnx(f, x).SerializeToString())
    for given in (x, -x, x * 0.01):
        for got, wanted in zip(ad.jit(lambda m, v: m(v))(model, given), f(given), strict=True):
            np.testing.assert_allclose(got, wanted, rtol=1e-14)
    slope = ad.jit(ad.grad(lambda v: np.sum(model(v)[0] ** 3)))(x)
    np.testing.assert_allclose(slope, ad.grad(lambda v: np.sum(f(v)[0] ** 3))(x), rtol=1e-12)


# *** files that are not what they should be ***


def test_damage_is_one_clear_error():
    with nn.seed(0):
        whole = to_onnx(nn.Sequential(nn.Linear(3, 4), nn.ReLU()), np.ones((5, 3)))
    content = whole.SerializeToString()
    draw = random.Random(0)
    count: Counter[str] = Counter()
    for _ in range(400):
        data = bytearray(content)
        for _ in range(draw.choice([1, 2, 5])):
            data[draw.randrange(len(data))] = draw.randrange(256)
        if draw.random() < 0.3:
            data = data[: draw.randrange(len(data))]
        try:
            from_onnx(bytes(data))(np.ones((5, 3)))
            count["read"] += 1
        except AdjointError as error:
            count["refused" if "\n" not in error.one_line() else "long"] += 1
    assert count["refused"] > 150
    assert count["long"] == 0
    for bad in (b"", b"no file of this kind", b"\0" * 9):
        with pytest.raises(FileFormatError, match="cannot be read"):
            from_onnx(bad)


def test_an_operator_without_a_rule_is_named(tmp_path):
    model = small()
    model.graph.node[2].op_type = "StringConcat"
    model.graph.node[0].domain = "of.mine"
    (tmp_path / "model.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(UnsupportedError, match=r"StringConcat, of\.mine\.MatMul"):
        from_onnx(tmp_path / "model.onnx")
    with pytest.raises(UnsupportedError, match="newer ONNX"):
        from_onnx(small(version=99).SerializeToString())


def test_graphs_that_refer_to_nothing():
    model = small()
    model.graph.node[1].input[0] = "b"
    with pytest.raises(FileFormatError, match="reads 'b', which nothing makes first"):
        from_onnx(model.SerializeToString())
    model = small()
    model.graph.node[2].output[0] = "a"
    with pytest.raises(FileFormatError, match="makes 'a' a second time"):
        from_onnx(model.SerializeToString())


def external(folder, **changes):
    """The small model with w in a file beside it, and changes to where it is said to be."""
    model = small()
    tensor = model.graph.initializer[0]
    (folder / "w.bin").write_bytes(bytes(7) + tensor.raw_data)
    entries = {"location": "w.bin", "offset": "7", "length": str(len(tensor.raw_data)), **changes}
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in entries.items():
        tensor.external_data.add(key=key, value=value)
    path = folder / "model.onnx"
    path.write_bytes(model.SerializeToString())
    return path


def test_arrays_beside_the_file(tmp_path):
    x = np.ones((2, 3))
    wanted = from_onnx(small().SerializeToString())(x)
    np.testing.assert_array_equal(from_onnx(external(tmp_path))(x), wanted)
    (tmp_path.parent / "outside.bin").write_bytes(bytes(200))
    (tmp_path / "link.bin").symlink_to(tmp_path.parent / "outside.bin")
    for changes, message in (
        ({"location": "../outside.bin"}, "points out of the folder"),
        ({"location": "link.bin"}, "points out of the folder"),
        ({"location": str(tmp_path / "w.bin")}, "points out of the folder"),
        ({"location": "none.bin"}, "is not there"),
        ({"offset": "8"}, "does not hold"),
        ({"length": "3"}, "does not hold"),
        ({"offset": "-1"}, "does not hold"),
    ):
        with pytest.raises(FileFormatError, match=message):
            from_onnx(external(tmp_path, **changes))
    with pytest.raises(FileFormatError, match="bytes have no folder"):
        from_onnx(external(tmp_path).read_bytes())


def test_tables_of_constants_looked_up_by_recorded_numbers():
    """An array of the file meets indices and updates that are under recording."""

    def f(x):
        table = np.arange(12.0).reshape(4, 3) ** 2
        row = (np.abs(x) > 1).astype(int) + 1
        return table[row, 2 - row] * x, row

    model = from_onnx(to_onnx(lambda x: f(x)[0], np.ones(5)).SerializeToString())
    x = np.array([0.5, -2.0, 3.0, -0.1, 1.5])
    np.testing.assert_array_equal(ad.jit(lambda v: model(v))(x), f(x)[0])
    wanted = (np.arange(12.0).reshape(4, 3) ** 2)[f(x)[1], 2 - f(x)[1]]
    np.testing.assert_array_equal(ad.grad(lambda v: np.sum(model(v)))(x), wanted)
