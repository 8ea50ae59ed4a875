"""Runs of rows: which steps are put together, and that nobody can tell from the numbers."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import adjoint as ad
from adjoint.graph import Graph, evaluate
from adjoint.lower import lower_graph
from adjoint.lower.steps import CopyStep, KernelStep, LoopStep, ProductStep, Step, walk
from adjoint.lower.threads import is_shared
from adjoint.rewrite import rewrite
from adjoint.run import native, pool

STEPS, INPUTS, HIDDEN, OUTPUTS = 24, 36, 70, 10


@pytest.fixture(autouse=True)
def always_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool.Choice, "next", lambda self: self.threads)


def runs(graph: Graph, threads: int = 2) -> list[list[Step]]:
    """The steps of every run, in order."""
    _, features = native.processor()
    steps = lower_graph(rewrite(graph), features, threads).steps
    return [step.body for step in walk(steps) if isinstance(step, LoopStep) and step.strips]


def training(change: Callable[[Any], Any] = lambda h: h) -> Callable[..., Any]:
    """An epoch of momentum on a perceptron; a change of the hidden layer may mix rows."""

    def loss(p: Any, x: Any, y: Any) -> Any:
        w, b, v = p
        return np.mean((change(np.tanh(x @ w + b)) @ v - y) ** 2)

    def step(carry: Any, batch: Any) -> Any:
        p, m = carry
        value, g = ad.value_and_grad(loss)(p, *batch)
        m = [0.9 * a + b for a, b in zip(m, g, strict=True)]
        return ([a - 0.001 * b for a, b in zip(p, m, strict=True)], m), value

    return lambda p, m, x, y: ad.scan(step, (p, m), (x, y))


def arguments(rng: np.random.Generator, batch: int, dtype: str = "float32") -> list[Any]:
    def normal(*shape: int) -> Any:
        return rng.normal(0, 0.3, shape).astype(dtype)

    p = [normal(INPUTS, HIDDEN), normal(HIDDEN), normal(HIDDEN, OUTPUTS)]
    x, y = normal(STEPS, batch, INPUTS), normal(STEPS, batch, OUTPUTS)
    return [p, [np.zeros_like(a) for a in p], x, y]


def rows_of(steps: list[Step]) -> set[int]:
    return {
        s.c.shape[0] if isinstance(s, ProductStep) else s.kernel.space[0]
        for s in steps
        if isinstance(s, ProductStep | KernelStep)
    }


def test_a_batch_runs_forward_and_back_in_strips(rng: np.random.Generator) -> None:
    found = runs(ad.trace(training(), *arguments(rng, 48)))
    forward = next(steps for steps in found if rows_of(steps) == {48})
    # x w, and h v, and the error times v^T: all products whose rows are examples.
    assert sum(isinstance(step, ProductStep) for step in forward) == 3
    weights = [steps for steps in found if rows_of(steps) == {INPUTS}]
    # The gradient of w goes on into its update.
    assert [type(step) for step in weights[0]] == [ProductStep, KernelStep]


# Strips of whole vectors, strips that end inside a vector, and none.
@pytest.mark.parametrize(("batch", "dtype"), [(48, "float32"), (30, "float64"), (27, "float32")])
def test_threads_do_not_change_a_bit(batch: int, dtype: str, rng: np.random.Generator) -> None:
    f, args = training(), arguments(rng, batch, dtype)
    graph = ad.trace(f, *args)
    examples = [steps for steps in runs(graph) if rows_of(steps) == {batch}]
    assert bool(examples) == (batch % 2 == 0)
    alone = _flat(ad.jit(f, threads=1)(*args))
    for threads in (2, 3):
        shared = ad.jit(f, threads=threads)
        for _ in range(8):
            for a, b in zip(alone, _flat(shared(*args)), strict=True):
                assert np.array_equal(a, b)
    near = 2e-4 if dtype == "float32" else 1e-11
    for a, b in zip(alone, evaluate(graph, _flat(args)), strict=True):
        np.testing.assert_allclose(a, b, rtol=near, atol=near)


@pytest.mark.parametrize(
    "change",
    [
        lambda h: h[::-1] * h,  # other rows
        lambda h: h - np.mean(h, axis=0),  # all rows
        lambda h: np.cumsum(h, axis=0) / 50,
        lambda h: h.T.reshape(h.shape) + h,  # rows that are parts of others
        lambda h: (h @ h.T) @ h / 50,
    ],
)
def test_rows_that_meet_wait_for_each_other(
    change: Callable[[Any], Any], rng: np.random.Generator
) -> None:
    f, args = training(change), arguments(rng, 48, "float64")
    alone = _flat(ad.jit(f, threads=1)(*args))
    shared = ad.jit(f, threads=2)
    for _ in range(8):
        for a, b in zip(alone, _flat(shared(*args)), strict=True):
            assert np.array_equal(a, b)
    for a, b in zip(alone, evaluate(ad.trace(f, *args), _flat(args)), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9)


def test_what_others_read_is_not_written_before_the_end(rng: np.random.Generator) -> None:
    def f(h: Any, w: Any) -> Any:
        def step(carry: Any, _: Any) -> Any:
            h, w = carry
            return (np.tanh(h @ w), w * 0.99), None

        return ad.scan(step, (h, w), None, length=60)[0]

    args = [rng.normal(size=(64, 64)) for _ in range(2)]
    alone, shared = ad.jit(f, threads=1)(*args), ad.jit(f, threads=2)
    for _ in range(8):
        for a, b in zip(alone, shared(*args), strict=True):
            assert np.array_equal(a, b)
    (found,) = runs(ad.trace(f, *args))
    assert [type(step) for step in found] == [KernelStep, KernelStep]


def test_large_steps_stay_where_they_are(rng: np.random.Generator) -> None:
    p = [rng.normal(size=s) for s in ((400, 600), (600,), (600, 300))]
    args = [p, p, rng.normal(size=(2, 512, 400)), rng.normal(size=(2, 512, 300))]
    for steps in runs(ad.trace(training(), *args)):
        assert not any(isinstance(step, ProductStep) for step in steps)


@pytest.mark.parametrize("shape", [(64, 1024), (257, 263), (1, 70_001)])  # not whole pages
def test_large_copies_are_shared(shape: tuple[int, int], rng: np.random.Generator) -> None:
    def f(x: Any, y: Any) -> Any:
        def step(carry: Any, _: Any) -> Any:
            a, b = carry
            return (b, np.tanh(a) + 0.5 * b), None  # what was b is copied to where a was

        return ad.scan(step, (x, y), None, length=6)[0]

    args = [rng.normal(size=shape) for _ in range(2)]
    _, features = native.processor()
    steps = lower_graph(rewrite(ad.trace(f, *args)), features, 2).steps
    assert any(isinstance(step, CopyStep) and is_shared(step) for step in walk(steps))
    alone = ad.jit(f, threads=1)(*args)
    for threads in (2, 3):
        for a, b in zip(alone, ad.jit(f, threads=threads)(*args), strict=True):
            assert np.array_equal(a, b)


def _flat(tree: Any) -> list[Any]:
    if isinstance(tree, list | tuple):
        return [leaf for part in tree for leaf in _flat(part)]
    return [np.asarray(tree)]
