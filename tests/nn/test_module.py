import copy
import dataclasses
import pickle

import numpy as np
import pytest

from adjoint import nn, optim, tree
from adjoint.errors import StructureError


class Scale(nn.Module):
    factor: np.ndarray
    power: int = nn.static(default=1)

    def __call__(self, x):
        return self.factor * x**self.power


def test_module_is_a_tree_whose_settings_are_structure():
    layer = Scale(np.array([2.0, 3.0]), power=2)
    leaves, structure = tree.flatten(layer)
    assert len(leaves) == 1
    again = tree.unflatten(structure, [np.array([5.0, 7.0])])
    assert isinstance(again, Scale)
    np.testing.assert_array_equal(again(np.array([1.0, 2.0])), [5.0, 28.0])
    assert tree.structure(Scale(np.zeros(2), power=3)) != structure


def test_module_can_be_copied_and_sent_to_another_process():
    model = nn.Sequential(nn.Linear(2, 3), nn.LSTM(3, 2))
    x = np.ones((1, 4, 2))
    for again in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(again(x), model(x))
        assert again[0].weight is not model[0].weight
        with pytest.raises(dataclasses.FrozenInstanceError):
            again.layers = ()


def test_module_cannot_be_changed():
    layer = Scale(np.ones(1))
    with pytest.raises(dataclasses.FrozenInstanceError, match="replace"):
        layer.factor = np.zeros(1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        del layer.factor
    changed = layer.replace(power=4)
    assert (layer.power, changed.power) == (1, 4)
    assert changed.factor is layer.factor


def test_replace_refuses_unknown_fields():
    with pytest.raises(StructureError, match="no field colour"):
        Scale(np.ones(1)).replace(colour=1)


def test_init_must_set_every_field_and_nothing_else():
    class Forgetful(nn.Module):
        weight: np.ndarray

        def __init__(self):
            pass

    class Generous(nn.Module):
        def __init__(self):
            self.weight = np.ones(1)

    with pytest.raises(StructureError, match="unset: weight"):
        Forgetful()
    with pytest.raises(StructureError, match="annotate it"):
        Generous()


def test_user_dataclass_is_a_model():
    @dataclasses.dataclass(frozen=True)
    class Mine:
        first: nn.Linear
        second: nn.Linear
        slope: float = 0.5

        def __call__(self, x):
            return self.second(np.maximum(self.first(x), self.slope))

    model = Mine(nn.Linear(3, 4), nn.Linear(4, 2))
    assert list(nn.parameters(model)) == [
        "first.weight",
        "first.bias",
        "second.weight",
        "second.bias",
        "slope",
    ]
    assert nn.with_leaves(model, {"slope": 0.75}).slope == 0.75


def test_parameters_leave_out_state_frozen_and_integers():
    class Counted(nn.Module):
        weight: np.ndarray
        mean: np.ndarray = nn.state()
        counts: np.ndarray

        def __init__(self):
            self.weight = np.ones(2)
            self.mean = np.zeros(2)
            self.counts = np.arange(3)

    model = {"a": Counted(), "b": nn.Frozen(nn.Linear(2, 3)), "c": [nn.Linear(3, 1)]}
    assert list(nn.parameters(model)) == ["['a'].weight", "['c'][0].weight", "['c'][0].bias"]
    assert list(nn.states(model)) == [
        "['a'].mean",
        "['a'].counts",
        "['b'].layer.weight",
        "['b'].layer.bias",
    ]
    assert nn.trainable(model)["a"].mean is False


def test_with_leaves_refuses_a_path_that_is_not_there():
    with pytest.raises(StructureError, match=r"no leaf 'wieght'"):
        nn.with_leaves(nn.Linear(2, 2), {"wieght": np.ones((2, 2))})


def test_modules_are_listed_with_their_paths():
    model = nn.Sequential(nn.Linear(2, 3), nn.Residual(nn.Linear(3, 3)))
    assert [path for path, _ in nn.modules(model)] == [
        "",
        "layers[0]",
        "layers[1]",
        "layers[1].body",
    ]


def test_astype_casts_real_arrays_only():
    model = nn.Linear(2, 3).astype(np.float32)
    assert model.weight.dtype == np.float32
    assert model(np.ones((1, 2), np.float32)).dtype == np.float32


def test_repr_shows_shapes_not_numbers():
    assert repr(nn.Linear(2, 3)) == "Linear(weight=float64[2, 3], bias=float64[3])"


def test_layers_of_one_model_start_apart_and_a_seed_repeats_them():
    with nn.seed(3):
        a, b = nn.Linear(4, 4), nn.Linear(4, 4)
    with nn.seed(3):
        c = nn.Linear(4, 4)
    assert not np.array_equal(a.weight, b.weight)
    np.testing.assert_array_equal(a.weight, c.weight)
    np.testing.assert_array_equal(nn.Linear(4, 4, rng=1).weight, nn.Linear(4, 4, rng=1).weight)


def test_summary_has_shapes_parameters_and_operations():
    model = nn.Sequential(nn.Linear(7, 5), nn.ReLU(), nn.Linear(5, 2, bias=False))
    assert model.summary((3, 7)).splitlines() == [
        "layer      kind    shapes            parameters  flops",
        "---------  ------  ----------------  ----------  -----",
        "layers[0]  Linear  [3, 7] -> [3, 5]          40    210",
        "layers[1]  ReLU    [3, 5] -> [3, 5]           0      0",
        "layers[2]  Linear  [3, 5] -> [3, 2]          10     60",
        "total                                        50    270",
    ]
    assert model.summary().splitlines()[-1].split() == ["total", "50"]


def test_summary_of_layers_that_do_not_call_their_parts():
    model = nn.Sequential(nn.GRU(3, 4, layers=2), nn.Last(), nn.Linear(4, 2))
    rows = model.summary((5, 7, 3)).splitlines()
    numbers = 3 * (3 * 4 + 4 * 4 + 4) + 4 + 3 * (4 * 4 + 4 * 4 + 4) + 4
    products = 3 * (3 * 4 + 4 * 4) + 3 * (4 * 4 + 4 * 4)
    assert rows[2].split()[:2] == ["layers[0]", "GRU"]
    assert rows[2].split()[-2:] == [str(numbers), f"{2 * 35 * products:,}"]
    assert nn.RNN(3, 4).summary((1, 2, 3)).splitlines()[2].split()[:2] == ["(model)", "RNN"]
    block = nn.TransformerBlock(4, 2).summary((1, 3, 4)).splitlines()
    assert len(block) == 2 + 8 + 1
    assert "RNNCell" in nn.RNN(3, 4).summary()


def test_watch_sees_every_layer_and_may_replace_its_output():
    model = nn.Sequential(nn.Linear(2, 3), nn.Tanh())
    x = np.ones((4, 2))
    seen = []

    def look(path, layer, inputs, output):
        seen.append((path, type(layer).__name__))
        return output * 0 if path == "layers[0]" else output

    output = nn.watch(model, look)(x)
    assert seen == [("layers[0]", "Linear"), ("layers[1]", "Tanh"), ("", "Sequential")]
    np.testing.assert_array_equal(output, np.zeros((4, 3)))


def test_a_state_handed_over_comes_back_in_a_new_model():
    class Counter(nn.Module):
        total: np.ndarray = nn.state()

        def __init__(self):
            self.total = np.zeros(())

        def __call__(self, x):
            if nn.is_training():
                nn.keep(self, total=nn.kept(self, "total") + x.sum())
            return x

    counter = Counter()
    model = nn.Sequential(counter, counter)  # called twice: counted twice
    x = np.ones((2, 3))
    _, after = nn.apply(model, x, training=True)
    assert float(after[0].total) == 12.0
    assert float(model[0].total) == 0.0
    _, same = nn.apply(model, x)
    assert same is model


def test_frozen_layers_stay_in_inference():
    class Mode(nn.Module):
        def __call__(self, x):
            return x + (1 if nn.is_training() else 0)

    model = nn.Sequential(nn.Frozen(Mode()), Mode())
    output, _ = nn.apply(model, np.zeros(1), training=True)
    assert output[0] == 1


# --- initialisers ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("init", "variance"),
    [
        (nn.init.normal(), 1.0),
        (nn.init.normal(0.5), 0.25),
        (nn.init.uniform(-3, 3), 3.0),
        (nn.init.lecun_normal, 1 / 300),
        (nn.init.lecun_uniform, 1 / 300),
        (nn.init.inverse_root, 1 / 900),
        (nn.init.xavier_normal, 2 / 500),
        (nn.init.xavier_uniform, 2 / 500),
        (nn.init.he_normal, 2 / 300),
        (nn.init.he_uniform, 2 / 300),
    ],
)
def test_initialisers_have_the_variance_they_promise(init, variance):
    weight = nn.Linear(300, 200, weight_init=init, rng=0).weight
    # 60000 draws: the standard deviation of a variance is at most 0.6 %, a mean's sigma / 245.
    assert weight.var() == pytest.approx(variance, rel=0.03)
    assert abs(weight.mean()) < 5 * np.sqrt(variance / weight.size)


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (4, 4), (1, 1), (2, 3, 4)])
def test_orthogonal_has_orthonormal_rows_or_columns(shape):
    weight = nn.init.orthogonal(2.0)(np.random.default_rng(0), shape, 1, 1)
    matrix = weight.reshape(shape[0], -1) / 2.0
    short = matrix @ matrix.T if shape[0] <= matrix.shape[1] else matrix.T @ matrix
    np.testing.assert_allclose(short, np.eye(len(short)), atol=1e-12)
    with pytest.raises(StructureError):
        nn.init.orthogonal()(np.random.default_rng(0), (3,), 1, 1)


def test_constant_initialisers():
    layer = nn.Linear(2, 3, weight_init=nn.init.constant(0.5), bias_init=nn.init.ones)
    np.testing.assert_array_equal(layer.weight, np.full((2, 3), 0.5))
    np.testing.assert_array_equal(layer.bias, np.ones(3))


# --- linear, embedding, wiring ----------------------------------------------------------------


def test_linear_is_a_loop_over_units():
    layer = nn.Linear(3, 2, bias_init=nn.init.normal())
    x = np.random.default_rng(0).standard_normal((4, 3))
    expected = [
        [sum(x[b, i] * layer.weight[i, j] for i in range(3)) + layer.bias[j] for j in range(2)]
        for b in range(4)
    ]
    np.testing.assert_allclose(layer(x), expected, rtol=1e-14)
    assert nn.Linear(3, 2, bias=False).bias is None
    assert layer(x[0]).shape == (2,)
    assert layer(np.zeros((0, 3))).shape == (0, 2)
    assert nn.Linear(1, 1)(np.ones((1, 1))).shape == (1, 1)


def test_linear_names_both_shapes_when_they_do_not_fit():
    with pytest.raises(StructureError) as caught:
        nn.Linear(3, 2)(np.ones((5, 4)))
    assert "x of shape (5, 4)" in str(caught.value)
    assert "[..., 3]" in str(caught.value)


def test_bilinear_is_a_loop():
    rng = np.random.default_rng(0)
    layer = nn.Bilinear(2, 3, 4)
    x, y = rng.standard_normal((5, 2)), rng.standard_normal((5, 3))
    expected = [[x[b] @ layer.weight[:, :, k] @ y[b] for k in range(4)] for b in range(5)]
    np.testing.assert_allclose(layer(x, y), expected, rtol=1e-13)


def test_embedding_looks_up_rows():
    layer = nn.Embedding(5, 3, padding=0)
    indices = np.array([[1, 4], [0, 2]])
    output = layer(indices)
    assert output.shape == (2, 2, 3)
    np.testing.assert_array_equal(output[0, 1], layer.weight[4])
    np.testing.assert_array_equal(output[1, 0], np.zeros(3))
    np.testing.assert_array_equal(layer.attend(output), output @ layer.weight.T)


@pytest.mark.parametrize("indices", [np.array([-1]), np.array([5]), np.array([0.0])])
def test_embedding_refuses_what_numpy_would_misread(indices):
    with pytest.raises(StructureError):
        nn.Embedding(5, 3)(indices)


def test_sequential_takes_functions_and_slices():
    model = nn.Sequential(nn.Linear(2, 3), np.tanh, nn.Linear(3, 1))
    assert len(model) == 3
    x = np.ones((2, 2))
    np.testing.assert_array_equal(model[1:](model[0](x)), model(x))
    with pytest.raises(StructureError, match="must be callable"):
        nn.Sequential(3)


def test_residual_and_parallel_join():
    x = np.array([[1.0, 2.0]])
    body, other = nn.Linear(2, 2), nn.Linear(2, 3)
    np.testing.assert_array_equal(nn.Residual(body)(x), x + body(x))
    np.testing.assert_array_equal(nn.Residual(body, body)(x), body(x) + body(x))
    assert nn.Parallel(body, other)(x).shape == (1, 5)
    np.testing.assert_array_equal(nn.Parallel(body, body, join="sum")(x), 2 * body(x))
    np.testing.assert_allclose(nn.Parallel(body, body, join="mean")(x), body(x))
    assert len(nn.Parallel(body, other, join="tuple")(x)) == 2
    with pytest.raises(StructureError, match="join"):
        nn.Parallel(body, join="glue")


def test_flatten_and_reshape():
    x = np.arange(24.0).reshape(2, 3, 4)
    assert nn.Flatten()(x).shape == (2, 12)
    assert nn.Flatten(keep=2)(x).shape == (2, 3, 4)
    np.testing.assert_array_equal(nn.Reshape(3, 4)(nn.Flatten()(x)), x)


def test_autoencoders():
    x = np.random.default_rng(0).standard_normal((4, 5))
    tied = nn.TiedAutoencoder(5, 3, 2, output=nn.tanh, rng=0)
    w1, w2 = tied.weights
    code = nn.sigmoid(nn.sigmoid(x @ w1) @ w2)
    np.testing.assert_allclose(tied.encode(x), code)
    np.testing.assert_allclose(tied(x), np.tanh(nn.sigmoid(code @ w2.T) @ w1.T))
    assert len(tied.parameters()) == 6
    pair = nn.Autoencoder(np.negative, np.exp)
    np.testing.assert_allclose(pair(x), np.exp(-x))


def test_python_numbers_in_a_users_model_can_be_trained():
    @dataclasses.dataclass(frozen=True)
    class Line:
        slope: float = 0.5

    held = optim.max_norm(optim.sgd(0.1), only=("slope",))
    for method in (optim.adam(0.1), held, optim.muon(0.1)):
        model = nn.parameters(Line())
        after, _ = method.update({"slope": 1.0}, method.init(model), model)
        assert float(after["slope"]) < 0.5


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: nn.LayerNorm(3)(np.ones((2, 4))), "LayerNorm"),
        (lambda: nn.LayerNorm((1, 3))(np.ones((2, 3))), "LayerNorm"),
        (lambda: nn.RMSNorm(1)(np.ones((2, 4))), "RMSNorm"),
        (lambda: nn.GroupNorm(2, 6)(np.ones((2, 4))), "GroupNorm"),
        (lambda: nn.GRU(3, 2)(np.ones((1, 2, 4))), "GRUCell"),
        (lambda: nn.MultiHeadAttention(4, 2)(np.ones((3, 4))), "MultiHeadAttention"),
        (lambda: nn.Conv1d(1, 1, 2, stride=0), "from 1 up"),
        (lambda: nn.MaxPool2d((0, 1)), "from 1 up"),
        (lambda: nn.Conv2d(2, 2, 1, groups=0), "groups"),
    ],
)
def test_inputs_and_settings_that_do_not_fit_are_refused_by_name(call, told):
    with pytest.raises(StructureError, match=told):
        call()
