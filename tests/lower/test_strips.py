"""Loops cut into strips of rows: which ones are, and that nobody can tell from the numbers."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import adjoint as ad
from adjoint.graph import Graph, evaluate
from adjoint.lower import lower_graph
from adjoint.lower.steps import LoopStep, walk
from adjoint.rewrite import rewrite
from adjoint.run import native, pool

STEPS, BATCH, WIDTH = 40, 30, 48


@pytest.fixture(autouse=True)
def always_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool.Choice, "next", lambda self: self.threads)


def strips(graph: Graph, threads: int) -> list[LoopStep]:
    _, features = native.processor()
    steps = lower_graph(rewrite(graph), features, threads).steps
    cut = [step for step in walk(steps) if isinstance(step, LoopStep) and step.strips]
    return [step for step in cut if isinstance(step.body[0], LoopStep)]  # whole loops


def elman(h: Any, z: Any, u: Any) -> Any:
    return np.tanh(z + h @ u[:, :WIDTH])


def gated(h: Any, z: Any, u: Any) -> Any:
    s = h @ u
    r, c = np.tanh(z + s[:, :WIDTH]), np.tanh(z - s[:, WIDTH:])
    return np.where(r > 0, r * h, c) / (1 + np.sum(h * h, axis=1, keepdims=True))


def slope_of(cell: Callable[..., Any]) -> Callable[..., Any]:
    def loss(u: Any, w: Any, h: Any, x: Any) -> Any:
        def step(h: Any, row: Any) -> Any:
            new = cell(h, row @ w, u)
            return new, new

        last, all_ = ad.scan(step, h, x)
        return np.mean(last**2) + np.mean(np.sin(all_))

    return ad.value_and_grad(loss, argnums=(0, 1, 2))


def arguments(rng: np.random.Generator, dtype: str) -> list[Any]:
    shapes = (WIDTH, 2 * WIDTH), (32, WIDTH), (BATCH, WIDTH), (STEPS, BATCH, 32)
    return [rng.normal(0, 0.3, s).astype(dtype) for s in shapes]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("cell", [elman, gated])
def test_threads_do_not_change_a_bit(
    cell: Callable[..., Any], dtype: str, rng: np.random.Generator
) -> None:
    f, args = slope_of(cell), arguments(rng, dtype)
    graph = ad.trace(f, *args)
    assert [step.length for step in strips(graph, 2)] == [2, 2]  # there and back
    alone = _flat(ad.jit(f, threads=1)(*args))
    for threads in (2, 3):
        for a, b in zip(alone, _flat(ad.jit(f, threads=threads)(*args)), strict=True):
            assert np.array_equal(a, b)
    near = 2e-4 if dtype == "float32" else 1e-11
    for a, b in zip(alone, evaluate(graph, args), strict=True):
        np.testing.assert_allclose(a, b, rtol=near, atol=near)


def _flat(result: Any) -> list[Any]:
    value, slopes = result
    return [value, *slopes]


def test_uneven_batches_stay_whole(rng: np.random.Generator) -> None:
    args = arguments(rng, "float32")
    assert strips(ad.trace(slope_of(elman), *args), 4) == []


@pytest.mark.parametrize(
    "cell",
    [
        lambda h, z, u: np.tanh(z + h[::-1] @ u[:, :WIDTH]),  # other rows
        lambda h, z, u: np.tanh(z + np.roll(h, 1, axis=0) @ u[:, :WIDTH]),
        lambda h, z, u: np.tanh(z + h - np.mean(h, axis=0)),  # all rows
        lambda h, z, u: np.tanh(z + (h @ h.T) @ h),
    ],
)
def test_rows_that_meet_are_not_parted(cell: Callable[..., Any], rng: np.random.Generator) -> None:
    args = arguments(rng, "float64")

    def forward(u: Any, w: Any, h: Any, x: Any) -> Any:
        return ad.scan(lambda h, row: (cell(h, row @ w, u), None), h, x)[0]

    graph = ad.trace(forward, *args)
    assert strips(graph, 2) == []
    (want,) = evaluate(graph, args)
    for threads in (1, 2):
        got = ad.jit(forward, threads=threads)(*args)
        np.testing.assert_allclose(got, want, rtol=1e-10, atol=1e-10)
