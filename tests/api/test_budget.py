"""A memory budget for grad: the figures are measured, the gradient is the same."""

import tracemalloc

import numpy as np
import pytest

import adjoint as ad
from adjoint.api import budget as budget_module
from adjoint.api.budget import budget_bytes, gradient_graph
from adjoint.differentiate.memory import Plan, peak_bytes, segmented
from adjoint.errors import DTypeError, MemoryBudgetError, NonScalarOutputError, StructureError
from adjoint.graph import check_graph, evaluate

X = np.linspace(0.0, 1.0, 20_000)


def deep(x):
    for k in range(60):
        x = np.sin(x) * 1.01 + x * (0.1 + 0.001 * k)
    return np.sum(x**2)


def layers(p, x):
    for w in p["w"]:
        x = np.tanh(x @ w) + x
    return np.sum(x * p["scale"])


W = {"w": [np.eye(40) * 0.5 + 0.01 * k for k in range(12)], "scale": 2.0}
BATCH = np.linspace(-1.0, 1.0, 500 * 40).reshape(500, 40)


def measured(call):
    call()
    tracemalloc.start()
    result = call()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak, result


@pytest.mark.parametrize("budget", ["1GB", "8MB", "5MB", "4MB", "3MB"])
def test_what_is_used_is_within_the_budget(budget):
    wanted = ad.grad(deep)(X)
    g = ad.grad(deep, memory_budget=budget)
    peak, got = measured(lambda: g(X))
    assert peak <= budget_bytes(budget)
    np.testing.assert_allclose(got, wanted, rtol=1e-12)


def test_what_is_planned_is_what_is_measured():
    graph = ad.trace(deep, X)
    for plan in [Plan(()), Plan((3,)), Plan((8,)), Plan((4, 4))]:
        made = gradient_graph(segmented(graph, plan), [True])
        check_graph(made)
        peak, _ = measured(lambda made=made: evaluate(made, [X]))
        assert 0.9 * peak_bytes(made) < peak < 1.01 * peak_bytes(made)


def test_less_memory_repeats_more_work():
    graph = ad.trace(deep, X)

    def sines(plan):
        return str(gradient_graph(segmented(graph, plan), [True])).count("= sin(")

    assert sines(Plan(())) == 60
    assert sines(Plan((4,))) < 2 * 60
    assert sines(Plan((4,))) < sines(Plan((4, 4))) < 3 * 60


def test_trees_matrices_and_auxiliary_results():
    def f(p, x):
        value = layers(p, x)
        return value, {"twice": value * 2, "x": x[0]}

    plain = ad.value_and_grad(f, has_aux=True)
    (value, aux), gradient = plain(W, BATCH)
    # 12 layers keep two arrays of 160 kB each, the gradient 12 of 13 kB.
    limited = ad.value_and_grad(f, has_aux=True, memory_budget="1.9MB")
    peak, ((got, more), found) = measured(lambda: limited(W, BATCH))
    assert peak < 1.9e6 < 12 * 160e3 * 2
    assert type(got) is np.float64
    np.testing.assert_allclose(got, value)
    np.testing.assert_allclose(more["twice"], aux["twice"])
    np.testing.assert_allclose(more["x"], aux["x"])
    assert type(found["scale"]) is float
    np.testing.assert_allclose(found["scale"], gradient["scale"])
    for a, b in zip(found["w"], gradient["w"], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9)


def test_inside_other_transformations_and_with_argnums():
    x = X[:50]
    g = ad.grad(deep, memory_budget="9kB")
    np.testing.assert_allclose(ad.jit(g)(x), ad.grad(deep)(x), rtol=1e-10)
    v = np.ones(50)
    np.testing.assert_allclose(
        ad.jvp(g, (x,), (v,))[1], ad.jvp(ad.grad(deep), (x,), (v,))[1], rtol=1e-9
    )
    np.testing.assert_allclose(
        ad.vmap(g)(np.stack([x, 2 * x]))[1], ad.grad(deep)(2 * x), rtol=1e-10
    )
    scale = np.array(3.0)
    f = lambda a, b, *, n: np.sum(a * b**n) * scale  # noqa: E731
    got = ad.grad(f, (1, 0), memory_budget="1MB")(2.0, np.array([1.0, 3.0]), n=2)
    np.testing.assert_allclose(got[0], 6.0 * 2 * np.array([1.0, 3.0]))
    assert got[1] == 30.0


def test_a_budget_too_small_is_an_error_that_says_what_would_do():
    with pytest.raises(MemoryBudgetError) as caught:
        ad.grad(deep, memory_budget="500kB")(X)
    text = str(caught.value)
    assert text.startswith("grad: no plan for the gradient of deep fits\n  got: a budget of 500 kB")
    least = float(text.split("at least ")[1].split(" MB")[0])
    assert 1.0 < least < 4.0
    ad.grad(deep, memory_budget=int(least * 1.01e6))(X)


@pytest.mark.parametrize("budget", ["much", "10 parsecs", 0, -5, True, "1.2.3MB"])
def test_what_is_no_budget(budget):
    with pytest.raises(StructureError, match="must be a number of bytes"):
        ad.grad(deep, memory_budget=budget)


def test_the_usual_errors():
    with pytest.raises(NonScalarOutputError):
        ad.grad(np.sin, memory_budget="1MB")(X)
    with pytest.raises(DTypeError, match="argument 0 has the dtype int64"):
        ad.grad(deep, memory_budget="1MB")(np.arange(3))


def _waves(u):
    def step(c, _):
        return c + 0.1 * (np.roll(c, 1) - 2 * c + np.roll(c, -1)) - 0.01 * np.sin(c), None

    return np.sum(ad.scan(step, u, None, length=200)[0] ** 2)


@pytest.mark.parametrize(("budget", "snapshots"), [(60e6, 0), (8e6, 32), (2e6, 4)])
def test_loops_are_planned_by_snapshots_and_keep_to_the_budget(budget, snapshots):
    u = np.random.default_rng(0).normal(size=20_000)
    sparing = ad.grad(_waves, memory_budget=int(budget))
    np.testing.assert_array_equal(sparing(u), ad.grad(_waves)(u))
    peak, _ = measured(lambda: sparing(u))
    assert peak <= budget
    assert peak > (snapshots or 199) * u.nbytes
    if snapshots == 32:
        np.testing.assert_allclose(ad.jit(sparing)(u), ad.grad(_waves)(u), rtol=1e-13)


def test_a_plan_stands_when_only_what_is_taken_from_outside_changes(monkeypatch):
    made = []
    real = budget_module.gradient_graph
    monkeypatch.setattr(budget_module, "gradient_graph", lambda *a: made.append(1) or real(*a))
    taken = {"w": np.linspace(0.0, 1.0, 40)}
    gradient = ad.grad(lambda x: np.sum(np.sin(x * taken["w"]) ** 2), memory_budget="1MB")
    x = np.ones(40)
    for k in range(3):
        taken["w"] = np.linspace(0.0, 1.0 + k, 40)
        w = taken["w"]
        np.testing.assert_allclose(gradient(x), w * np.sin(2 * w), rtol=1e-12)
    assert len(made) == 1
    taken["w"] = np.ones(1)
    np.testing.assert_allclose(gradient(x), np.sin(2.0), rtol=1e-12)
    assert len(made) == 2
