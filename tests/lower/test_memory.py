"""The memory plan: what lives at the same time never lies at the same place."""

from typing import Any

import numpy as np
import pytest

import adjoint as ad
from adjoint.lower import lower_graph
from adjoint.lower.memory import ALIGNMENT, HEADER, lives
from adjoint.lower.steps import CopyStep, KernelStep, LoopStep, nested, walk
from adjoint.rewrite import rewrite

FEATURES = frozenset({"avx2", "fma", "sse2"})


def network(params: Any, x: Any, y: Any) -> Any:
    h = x
    for w in params:
        h = np.tanh(h @ w)
    return np.mean((h - y) ** 2)


def steps_of(f: Any, *args: Any) -> Any:
    return lower_graph(rewrite(ad.trace(f, *args)), FEATURES)


WEIGHTS = [np.ones((20, 30)), np.ones((30, 40)), np.ones((40, 5))]
BATCH = (np.ones((7, 20)), np.ones((7, 5)))


def trained(params: Any, xs: Any, ys: Any) -> Any:
    def step(params: Any, batch: Any) -> Any:
        loss, slopes = ad.value_and_grad(network)(params, *batch)
        return [w - 0.1 * s for w, s in zip(params, slopes, strict=True)], loss

    return ad.scan(step, params, (xs, ys))


PROGRAMS = {
    "slope": (ad.grad(network), (WEIGHTS, *BATCH)),
    "training": (trained, (WEIGHTS, np.ones((3, 7, 20)), np.ones((3, 7, 5)))),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_buffers_that_live_together_do_not_overlap(name: str) -> None:
    f, args = PROGRAMS[name]
    lowered = steps_of(f, *args)
    found = list(lives(lowered.steps).items())
    assert len(found) > 3
    for i, (a, life) in enumerate(found):
        assert a.offset >= HEADER
        assert a.offset % ALIGNMENT == 0
        assert a.offset + a.nbytes <= lowered.arena_bytes
        for b, other in found[:i]:
            apart = life.last < other.first or other.last < life.first
            below = a.offset + a.nbytes <= b.offset or b.offset + b.nbytes <= a.offset
            assert apart or below
    assert lowered.arena_bytes < sum(a.nbytes for a, _ in found)  # something is reused


def test_parameters_are_updated_in_place() -> None:
    f, args = PROGRAMS["training"]
    loop = next(s for s in steps_of(f, *args).steps if isinstance(s, LoopStep))
    assert not any(isinstance(step, CopyStep) for step in walk(loop.body))
    written = {
        p.buffer.root()
        for s in loop.body
        if isinstance(s, KernelStep)
        for p in s.kernel.stores.values()
    }
    assert all(place.buffer.root() in written for place in loop.carry)


def test_a_carry_that_is_still_needed_is_not_overwritten() -> None:
    def swapped(a: Any, b: Any) -> Any:
        return ad.scan(lambda c, _: ((c[1], c[0] + c[1]), None), (a, b), np.zeros(4))[0]

    lowered = steps_of(swapped, np.ones(300), np.ones(300))
    loop = next(s for s in lowered.steps if isinstance(s, LoopStep))
    assert any(isinstance(step, CopyStep) for step in loop.body)
    assert not nested(loop.body[0])


@pytest.mark.parametrize(("columns", "shared"), [(16, True), (10, False), (32, True), (300, True)])
def test_short_rows_that_end_within_a_vector_are_not_written_over(
    columns: int, shared: bool, rng: np.random.Generator
) -> None:
    def f(x: Any, w: Any, b: Any, v: Any) -> Any:
        return np.tanh(np.tanh(x @ w) * b[:, None] + 1) @ v

    shapes = (30, 20), (20, columns), (30,), (columns, 4)
    arguments = [rng.normal(size=shape).astype("f") for shape in shapes]
    features = frozenset({"avx2", "avx512f", "avx512vl"})
    steps = lower_graph(rewrite(ad.trace(f, *arguments)), features).steps
    (kernel,) = [step for step in walk(steps) if isinstance(step, KernelStep)]
    (place,) = kernel.kernel.stores.values()
    (before,) = [kernel.places[x] for x, _ in kernel.kernel.reads if x.type.ndim == 2]
    assert (place.buffer.root() is before.buffer.root()) == shared
    np.testing.assert_allclose(ad.jit(f)(*arguments), f(*arguments), rtol=1e-4, atol=1e-5)
