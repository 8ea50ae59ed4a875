import dataclasses

import numpy as np
import pytest

import adjoint as ad
from adjoint import nn, optim, tree
from adjoint.errors import StructureError

# f(p) = sum_i c_i (p_i - target_i)^2 / 2, in two arrays.
CURVATURE = {"a": np.array([1.0, 4.0]), "b": np.array([[0.5, 2.0, 3.0]])}
TARGET = {"a": np.array([0.5, -1.0]), "b": np.array([[2.0, 0.0, -0.25]])}
START = {"a": np.array([2.0, 1.0]), "b": np.array([[-1.0, 1.5, 0.5]])}


def _slope(parameters):
    return tree.tree_map(lambda p, c, t: c * (p - t), parameters, CURVATURE, TARGET)


def _run(method, steps, parameters=None, slope=_slope):
    parameters = START if parameters is None else parameters
    state = method.init(parameters)
    for _ in range(steps):
        parameters, state = method.update(slope(parameters), state, parameters)
    return parameters, state


METHODS = {
    "sgd": (optim.sgd(0.2), 400),
    "momentum": (optim.momentum(0.05), 400),
    "nesterov": (optim.nesterov(0.05), 400),
    "adagrad": (optim.adagrad(0.5), 600),
    "adadelta": (optim.adadelta(1.0, 0.9, 1e-3), 2000),
    "rmsprop": (optim.rmsprop(optim.inverse_time(0.1, 20)), 3000),
    "rprop": (optim.rprop(0.1), 200),
    "adam": (optim.adam(0.1), 1500),
    "amsgrad": (optim.amsgrad(0.1), 1500),
    "nadam": (optim.nadam(0.05), 1500),
    "lion": (optim.lion(optim.exponential(0.1, 0.99)), 1500),
}


@pytest.mark.parametrize("name", METHODS)
def test_a_quadratic_is_brought_to_its_minimum(name):
    method, steps = METHODS[name]
    parameters, state = _run(method, steps)
    for key in TARGET:
        np.testing.assert_allclose(parameters[key], TARGET[key], atol=2e-3)
    assert int(state["step"]) == steps


def test_gradient_descent_on_a_quadratic_has_a_closed_form():
    parameters, _ = _run(optim.sgd(0.1), 17)
    for key in TARGET:
        left = (1 - 0.1 * CURVATURE[key]) ** 17 * (START[key] - TARGET[key])
        np.testing.assert_allclose(parameters[key], TARGET[key] + left, rtol=1e-12)


def test_lion_by_hand():
    method = optim.lion(0.1, 0.9, 0.99, decay=0.5)
    p = {"w": np.array([1.0, -2.0])}
    state = method.init(p)
    p, state = method.update({"w": np.array([3.0, -1.0])}, state, p)
    np.testing.assert_allclose(p["w"], [1 - 0.1 * 1.5, -2 - 0.1 * (-1 - 1)])
    np.testing.assert_allclose(state["slots"]["mean"]["w"], [0.03, -0.01])
    p, state = method.update({"w": np.array([-0.1, -1.0])}, state, p)
    # 0.9 * 0.03 - 0.1 * 0.1 is still positive.
    np.testing.assert_allclose(p["w"][0], 0.85 - 0.1 * (1 + 0.5 * 0.85))


def test_muon_steps_are_nearly_orthogonal_and_leave_other_arrays_to_adam():
    model = {"weight": np.zeros((5, 3)), "bias": np.zeros(3)}
    gradients = {"weight": np.random.default_rng(0).standard_normal((5, 3)), "bias": np.ones(3)}
    method = optim.muon(0.1, other=optim.sgd(0.5))
    after, _ = method.update(gradients, method.init(model), model)
    sizes = np.linalg.svd(after["weight"] / 0.1, compute_uv=False)
    assert ((sizes > 0.65) & (sizes < 1.25)).all()
    u, _, v = np.linalg.svd(gradients["weight"], full_matrices=False)
    assert np.linalg.norm(-after["weight"] / 0.1 - u @ v) < 0.6
    np.testing.assert_allclose(after["bias"], -0.5 * np.ones(3))
    with pytest.raises(StructureError, match=r"optim\.muon"):
        optim.Muon().init(model)


def test_muon_brings_a_quadratic_down():
    target = np.random.default_rng(1).standard_normal((3, 4))
    method = optim.muon(optim.exponential(0.2, 0.97))
    p, _ = _run(method, 300, {"w": np.zeros((3, 4))}, lambda p: {"w": p["w"] - target})
    np.testing.assert_allclose(p["w"], target, atol=2e-2)


def test_models_are_trees_too():
    model = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1, bias=False))
    method = optim.adam(0.1)
    after, state = method.update(model, method.init(model), model)
    assert isinstance(after, nn.Sequential)
    assert isinstance(state["slots"]["mean"], nn.Sequential)
    np.testing.assert_allclose(
        after[0].weight, model[0].weight - 0.1 * np.sign(model[0].weight), atol=1e-6
    )


def test_sizes_of_zero_and_one_and_no_parameters():
    p = {"none": np.zeros((0, 3)), "one": np.ones(1), "scalar": np.array(2.0)}
    for method, _ in METHODS.values():
        after, _ = _run(method, 2, p, lambda p: p)
        assert after["none"].shape == (0, 3)
        assert after["scalar"].shape == ()
        assert 0 < after["one"][0] < 1
        assert _run(method, 2, {}, lambda p: p)[0] == {}


def test_optimisers_are_frozen_and_gradients_must_fit():
    method = optim.adam(0.1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        method.rate = 0.2
    assert method == optim.adam(0.1)
    assert repr(method).startswith("Adam(rate=0.1")
    with pytest.raises(StructureError, match="differ in structure"):
        method.update({"b": np.ones(1)}, method.init({"a": np.ones(1)}), {"a": np.ones(1)})


# --- wrappers --------------------------------------------------------------------------------


def test_clip_by_norm_takes_all_arrays_together():
    p = {"a": np.zeros(2), "b": np.zeros(1)}
    method = optim.clip_by_norm(optim.sgd(1.0), 2.0)
    after, _ = method.update({"a": np.array([3.0, 0.0]), "b": np.array([4.0])}, method.init(p), p)
    np.testing.assert_allclose(after["a"], [-1.2, 0])
    np.testing.assert_allclose(after["b"], [-1.6])
    assert float(optim.global_norm({"a": np.array([3.0]), "b": np.array([4.0])})) == 5
    for small in (np.array([0.5, 0.5]), np.zeros(2)):
        after, _ = method.update({"a": small, "b": np.zeros(1)}, method.init(p), p)
        np.testing.assert_array_equal(after["a"], -small)


def test_clip_by_value():
    p = {"a": np.zeros(3)}
    method = optim.clip_by_value(optim.sgd(1.0), 0.5)
    after, _ = method.update({"a": np.array([3.0, -0.2, -7.0])}, method.init(p), p)
    np.testing.assert_allclose(after["a"], [-0.5, 0.2, 0.5])


def test_weight_decay_is_for_weights_unless_told_otherwise():
    model = nn.Linear(2, 1, bias_init=nn.init.ones)
    zero = tree.tree_map(np.zeros_like, model)
    method = optim.weight_decay(optim.sgd(1.0), l2=0.1, l1=0.01)
    after, _ = method.update(zero, method.init(model), model)
    w = model.weight
    np.testing.assert_allclose(after.weight, w - 0.1 * w - 0.01 * np.sign(w))
    np.testing.assert_array_equal(after.bias, model.bias)


def test_recurrent_weights_decay_too_and_decay_of_nothing_is_refused():
    cell = nn.GRU(2, 3).replace(dropout=None)
    zero = tree.tree_map(np.zeros_like, cell)
    method = optim.weight_decay(optim.sgd(1.0), l2=0.1)
    (new,), (old,) = method.update(zero, method.init(cell), cell)[0].cells[0], cell.cells[0]
    np.testing.assert_allclose(new.recurrent, 0.9 * old.recurrent)
    np.testing.assert_allclose(new.weight, 0.9 * old.weight)
    for wrapper in (optim.weight_decay, optim.max_norm):
        with pytest.raises(StructureError, match="no parameter is treated"):
            wrapper(optim.sgd(1.0)).init({"W": np.ones((2, 2)), "b": np.ones(2)})
        wrapper(optim.sgd(1.0), only=("W",)).init({"W": np.ones((2, 2))})


def test_patterns_read_brackets_as_positions():
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    ones = tree.tree_map(np.ones_like, model)
    method = optim.groups({"layers[1].*": None, "*": optim.sgd(1.0)})
    after, _ = method.update(ones, method.init(model), model)
    np.testing.assert_array_equal(after[1].weight, model[1].weight)
    np.testing.assert_array_equal(after[0].weight, model[0].weight - 1)


def test_max_norm_shortens_columns():
    p = {"weight": np.array([[3.0, 0.1], [4.0, 0.1]]), "bias": np.array([9.0])}
    method = optim.max_norm(optim.sgd(0.0), 2.0)
    after, _ = method.update(p, method.init(p), p)
    np.testing.assert_allclose(after["weight"], [[1.2, 0.1], [1.6, 0.1]])
    np.testing.assert_array_equal(after["bias"], p["bias"])


def test_accumulation_is_a_step_on_the_mean_gradient():
    rng = np.random.default_rng(0)
    slopes = [{"w": rng.standard_normal(3)} for _ in range(6)]
    p = {"w": np.ones(3)}
    method = optim.accumulate(optim.adam(0.1), 3)
    state = method.init(p)
    for i, g in enumerate(slopes):
        before = p
        p, state = method.update(g, state, p)
        assert (i % 3 == 2) != np.array_equal(before["w"], p["w"])
    plain = optim.adam(0.1)
    q, inner = {"w": np.ones(3)}, plain.init({"w": np.ones(3)})
    for i in (0, 3):
        q, inner = plain.update({"w": sum(g["w"] for g in slopes[i : i + 3]) / 3}, inner, q)
    np.testing.assert_allclose(p["w"], q["w"], rtol=1e-14)


def test_averages():
    def path(decay, start):
        method = optim.average(optim.sgd(1.0), decay, start)
        p = {"w": np.zeros(1)}
        state = method.init(p)
        for _ in range(4):  # 1, 2, 3, 4
            p, state = method.update({"w": -np.ones(1)}, state, p)
        return float(method.evaluation(state, p)["w"][0])

    assert path(None, 0) == pytest.approx(2.5)
    assert path(None, 2) == pytest.approx(3.5)
    assert path(0.5, 0) == pytest.approx(1 / 8 + 2 / 8 + 3 / 4 + 4 / 2 - 0.0)
    assert float(optim.sgd(1.0).evaluation({}, 3.0)) == 3.0


def test_groups_by_path_and_by_rule():
    p = {"a": np.ones(2), "b": np.ones((2, 2))}
    method = optim.groups({"a": optim.sgd(1.0), "*": optim.momentum(0.5)})
    state = method.init(p)
    after, state = method.update(p, state, p)
    np.testing.assert_array_equal(after["a"], np.zeros(2))
    np.testing.assert_array_equal(after["b"], np.full((2, 2), 0.5))
    assert method.evaluation(state, after)["a"] is after["a"]
    with pytest.raises(StructureError, match="no group takes the parameter"):
        optim.groups({"c": optim.sgd(1.0)}).init(p)


def test_plateau_reaches_through_wrappers():
    method = optim.clip_by_norm(optim.on_plateau(optim.sgd(1.0), 0.5, patience=0), 10.0)
    p = {"w": np.zeros(1)}
    state = method.init(p)
    for value in (1.0, 1.0, 1.0):
        state = method.observe(state, value)
    after, _ = method.update({"w": np.ones(1)}, state, p)
    np.testing.assert_allclose(after["w"], -0.25)


def test_range_test_and_piecewise_check():
    rate = optim.range_test(1e-4, 1.0, 4)
    np.testing.assert_allclose([rate(i) for i in range(5)], [1e-4, 1e-3, 1e-2, 1e-1, 1])
    with pytest.raises(StructureError):
        optim.piecewise((1,), (0.1,))
    np.testing.assert_allclose(optim.inverse_time(1.0, 10)(np.array(10)), 0.5)
    assert float(optim.constant(0.1)(np.array(3))) == 0.1
    rate = optim.warmup(4, optim.step_decay(1.0, 2, 0.5))
    np.testing.assert_allclose([rate(i) for i in range(8)], [0, 0.25, 0.5, 0.75, 1, 1, 0.5, 0.5])


# --- compiled --------------------------------------------------------------------------------

COMPILED = {
    **{name: method for name, (method, _) in METHODS.items()},
    "adamw": optim.adamw(0.1),
    "muon": optim.muon(0.1),
    "clipped": optim.clip_by_norm(optim.sgd(optim.one_cycle(0.1, 10)), 0.5),
    "by value": optim.clip_by_value(optim.sgd(optim.cosine(0.1, 10)), 0.5),
    "decayed": optim.weight_decay(optim.momentum(0.1), l2=0.1, l1=0.1, only=("*",)),
    "held": optim.max_norm(optim.sgd(0.1), 0.5, only=("*",)),
    "accumulated": optim.accumulate(optim.adam(0.1), 3),
    "averaged": optim.average(optim.sgd(optim.warmup(3, 0.1)), start=2),
    "grouped": optim.groups({"a": optim.sgd(0.1), "*": optim.adam(0.1)}),
    "plateau": optim.on_plateau(optim.sgd(optim.step_decay(0.1, 3))),
    "piecewise": optim.sgd(optim.piecewise((2, 4), (0.1, 0.2, 0.3))),
    "polynomial": optim.sgd(optim.polynomial(0.1, 5)),
}


@pytest.mark.parametrize("name", COMPILED)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_seven_steps_in_one_compiled_scan_are_seven_steps(name, dtype):
    method = COMPILED[name]
    start = {key: value.astype(dtype) for key, value in START.items()}

    def slope(parameters):
        return {
            key: (CURVATURE[key] * (parameters[key] - TARGET[key])).astype(dtype)
            for key in parameters
        }

    def step(carry, _):
        parameters, state = carry
        return method.update(slope(parameters), state, parameters), None

    def train(parameters, state):
        return ad.scan(step, (parameters, state), None, length=7)[0]

    plain = _run(method, 7, start, slope)
    fast = ad.jit(train)(start, method.init(start))
    for a, b in zip(tree.leaves(plain), tree.leaves(fast), strict=True):
        assert np.asarray(a).dtype == np.asarray(b).dtype
        np.testing.assert_allclose(a, b, rtol=1e-5 if dtype is np.float32 else 1e-11)


def test_warmup_says_what_comes_first():
    with pytest.raises(StructureError, match="the number of steps comes first"):
        optim.warmup(optim.cosine(0.1, 100), 5)
