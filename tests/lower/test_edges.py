"""Maps at the edges of products: which are joined, and that nobody can tell from the numbers."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import adjoint as ad
from adjoint.graph import evaluate
from adjoint.lower import Lowered, edges, lower_graph
from adjoint.lower.steps import KernelStep, LoopStep, ProductStep, walk
from adjoint.rewrite import rewrite
from adjoint.run import Program, compile_graph, native, pool

Function = Callable[..., Any]


@pytest.fixture(autouse=True)
def small_ones_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edges, "_LEAST", 0.0)
    monkeypatch.setattr(pool.Choice, "next", lambda self: self.threads)


def lowered(f: Function, *args: Any, threads: int = 1, donated: tuple[int, ...] = ()) -> Lowered:
    _, features = native.processor()
    return lower_graph(rewrite(ad.trace(f, *args)), features, threads, donated)


def products(program: Lowered) -> list[ProductStep]:
    return [step for step in walk(program.steps) if isinstance(step, ProductStep)]


def kernels(program: Lowered) -> int:
    return sum(isinstance(step, KernelStep) for step in walk(program.steps))


def normal(rng: np.random.Generator, *shape: int, dtype: str = "float32") -> Any:
    return rng.normal(0, 1, shape).astype(dtype)


def check(f: Function, *args: Any, joined: int | None = 1) -> None:
    """The same as the interpreter; so many products go on with a map; threads change no bit."""
    graph = ad.trace(f, *args)
    inputs = [np.asarray(x) for x in ad.tree.flatten(args)[0]]
    one = compile_graph(graph, threads=1)
    assert isinstance(one, Program)
    found = one(inputs)
    if joined is not None:
        assert sum(step.edge is not None for step in products(one.lowered)) == joined
    for y, wanted in zip(found, evaluate(graph, inputs), strict=True):
        rtol = 3e-5 if wanted.dtype == np.float32 else 1e-12
        np.testing.assert_allclose(y, wanted, rtol=rtol, atol=rtol)
    for y, again in zip(found, compile_graph(graph, threads=2)(inputs), strict=True):
        np.testing.assert_array_equal(y, again)


def layer(x: Any, w: Any, b: Any) -> Any:
    return np.maximum(x @ w + b, 0)


def test_bias_and_activation_need_no_kernel_and_no_memory(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    args = normal(rng, 256, 200), normal(rng, 200, 300), normal(rng, 300)

    def twice(x: Any, w: Any, b: Any) -> Any:
        return layer(layer(x, w, b), w.T, b[:200])

    program = lowered(twice, *args, threads=2)
    assert kernels(program) == 0
    assert [step.stored for step in products(program)] == [False, False]
    assert program.arena_bytes < 2 * 256 * 300 * 4  # the hidden layer once
    monkeypatch.setattr(edges, "_LEAST", np.inf)
    apart = lowered(twice, *args, threads=2)
    assert kernels(apart) == 2
    meetings = [p.text.count("call void @barrier") for p in (program, apart)]
    assert meetings[1] - meetings[0] == 2


def test_it_is_shown(rng: np.random.Generator) -> None:
    args = normal(rng, 40, 30), normal(rng, 30, 50), normal(rng, 50)
    look = ad.jit(layer).lower(*args)
    lines = look.kernels.splitlines()
    assert lines[0] == "product float32[40,50] in tiles"
    assert lines[2] == "  then, tile by tile:"
    assert "maximum(add(" in lines[3]
    assert lines[3].endswith("[float32[40,50] argument 3]")
    assert look.cost.flops == 40 * 50 * (2 * 30 + 3)
    assert look.cost.bytes == look.cost.least_bytes  # the product is neither written nor read


# Ragged vectors and tiles, one row, few columns, several panels, k of one.
@pytest.mark.parametrize(
    ("m", "n", "k"),
    [(2, 400, 7), (137, 2, 21), (13, 70, 9), (50, 170, 2), (90, 9, 30), (64, 64, 64)],
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_odd_sizes(m: int, n: int, k: int, dtype: str, rng: np.random.Generator) -> None:
    x, w, b = (normal(rng, *s, dtype=dtype) for s in ((m, k), (k, n), (n,)))
    kernel_of_rows = normal(rng, m, 1, dtype=dtype)
    check(lambda x, w, b, r: np.tanh(x @ w + b) * r - b, x, w, b, kernel_of_rows)


@pytest.mark.parametrize("shape", [(0, 5, 4), (3, 0, 4), (3, 5, 0), (4, 1, 6), (1, 1, 1)])
def test_nothing_and_single_columns(shape: tuple[int, int, int], rng: np.random.Generator) -> None:
    m, n, k = shape
    check(layer, normal(rng, m, k), normal(rng, k, n), normal(rng, n), joined=0)


@pytest.mark.parametrize("turns", [(False, False), (True, False), (False, True), (True, True)])
@pytest.mark.parametrize("extents", [(45, 83, 33), (1601, 13, 37)])
def test_transposed_operands_and_long_sums(
    turns: tuple[bool, bool], extents: tuple[int, int, int], rng: np.random.Generator
) -> None:
    k, m, n = extents
    a, b = normal(rng, m, k) / 8, normal(rng, k, n) / 8
    a, b = (np.ascontiguousarray(x.T) if t else x for x, t in zip((a, b), turns, strict=True))

    def f(a: Any, b: Any, c: Any) -> Any:
        return np.exp(-((a.T if turns[0] else a) @ (b.T if turns[1] else b))) - c

    # Where B is transposed, dot products or turned tiles may be better.
    check(f, a, b, normal(rng, m, n), joined=None if turns[1] else 1)


def test_special_values(rng: np.random.Generator) -> None:
    x, w, b = normal(rng, 9, 5), normal(rng, 5, 40), normal(rng, 40)
    x[0, 0], x[1, 1], x[2] = np.nan, np.inf, -0.0
    w[0, 3], b[4], b[5], b[6] = -np.inf, np.nan, np.inf, -0.0

    def f(x: Any, w: Any, b: Any) -> Any:
        z = x @ w + b
        return np.where(z > 0, z, -z), np.maximum(z, 0), z

    with np.errstate(invalid="ignore"):
        check(f, x, w, b)
        graph, inputs = ad.trace(f, x, w, b), [x, w, b]
        for y, wanted in zip(compile_graph(graph)(inputs), evaluate(graph, inputs), strict=True):
            np.testing.assert_array_equal(np.isnan(y), np.isnan(wanted))
            np.testing.assert_array_equal(np.signbit(y[2]), np.signbit(wanted[2]))


def test_axes_of_examples_and_another_reader(rng: np.random.Generator) -> None:
    x, w, b = normal(rng, 6, 7, 20), normal(rng, 20, 48), normal(rng, 7, 48)
    check(lambda x, w, b: np.tanh(x @ w + b), x, w, b)
    # The product is a result as well, and sums of it are taken.
    two = lambda x, w: (z := x @ w, np.tanh(z), z.sum(axis=0))  # noqa: E731
    assert products(lowered(two, x[0], w))[0].stored
    check(two, x[0], w)


def test_a_map_of_two_products_goes_with_the_later(rng: np.random.Generator) -> None:
    x, h, w, u = (normal(rng, *s) for s in ((12, 30), (12, 25), (30, 64), (25, 64)))
    f = lambda x, h, w, u: np.tanh(x @ w + h @ u)  # noqa: E731
    first, second = products(lowered(f, x, h, w, u))
    assert first.edge is None
    assert second.edge is not None
    check(f, x, h, w, u)


def test_what_looks_elsewhere_stays_apart(rng: np.random.Generator) -> None:
    x, w, y = normal(rng, 40, 30), normal(rng, 30, 40), normal(rng, 40, 40)
    check(lambda x, w, y: (z := x @ w) * y + z.T, x, w, y, joined=0)
    check(lambda x, w, y: np.exp((x @ w)[::-1]), x, w, y, joined=0)
    check(lambda x, w, y: (x @ w) / (x @ w).sum(axis=1, keepdims=True), x, w, y, joined=0)
    check(lambda x, w, y: np.exp(x @ w).sum(axis=0), x, w, y, joined=0)


def test_gathered_rows_are_checked(rng: np.random.Generator) -> None:
    x, w, table = normal(rng, 20, 12), normal(rng, 12, 33), normal(rng, 5, 33)
    at = rng.integers(0, 5, 20)
    f = lambda x, w, table, at: x @ w + table[at]  # noqa: E731
    check(f, x, w, table, at)
    at[13] = 9
    with pytest.raises(IndexError, match=r"index 9 .* axis 0 with size 5"):
        ad.jit(f)(x, w, table, at)


def train(p: Any, state: Any, x: Any, y: Any) -> Any:
    """Momentum on two layers: the second weight is read after its gradient is known."""

    def loss(p: Any, x: Any, y: Any) -> Any:
        w, b, v = p
        return np.mean((np.tanh(x @ w + b) @ v - y) ** 2)

    def step(carry: Any, batch: Any) -> Any:
        p, m = carry
        value, g = ad.value_and_grad(loss)(p, *batch)
        m = [0.9 * a + b for a, b in zip(m, g, strict=True)]
        return ([a - 0.01 * b for a, b in zip(p, m, strict=True)], m), value

    return ad.scan(step, (p, state), (x, y))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_updates_are_written_in_place(dtype: str, rng: np.random.Generator) -> None:
    sizes = ((23, 52), (52,), (52, 19))
    p = [normal(rng, *s, dtype=dtype) / 4 for s in sizes]
    m = [np.zeros_like(a) for a in p]
    x, y = normal(rng, 5, 26, 23, dtype=dtype), normal(rng, 5, 26, 19, dtype=dtype)
    program = lowered(train, p, m, x, y)
    gradients = [s for s in products(program) if s.c.shape in (sizes[0], sizes[2])]
    assert len(gradients) == 2
    for step in gradients:
        assert step.edge is not None
        assert not step.stored
        # Parameters and momenta: the very places from which the next round reads them.
        kinds = {place.buffer.root().kind for place in step.edge.kernel.stores.values()}
        assert kinds == {"argument"}
        assert len(step.edge.kernel.stores) == 2
    # The gradient of v comes before v is used for the last time: its product waits.
    backward = [s.c.shape for s in products(program)]
    assert backward.index((26, 52), 1) < backward.index((52, 19))
    check(train, p, m, x, y, joined=5)


def test_an_operand_is_not_written_over(rng: np.random.Generator) -> None:
    w = normal(rng, 30, 30) / 6

    def f(x: Any, w: Any) -> Any:
        for _ in range(3):
            h = np.tanh(x)  # read by the product, and element by element by its edge
            x = np.sin(h @ w) + h
        return x

    check(f, normal(rng, 50, 30), w, joined=3)


def test_donated_operands_stay_until_the_product_is_done(rng: np.random.Generator) -> None:
    x, w = normal(rng, 64, 64), normal(rng, 64, 64) / 8

    def f(x: Any, w: Any) -> Any:
        return np.tanh(x @ w) + x

    wanted = f(x, w)
    for threads in (1, 2):
        mine = x.copy()
        found = ad.jit(f, donate=0, threads=threads)(mine, w)
        np.testing.assert_allclose(found, wanted, rtol=3e-5, atol=3e-6)


def test_strips_of_a_loop(rng: np.random.Generator) -> None:
    h, w, x = normal(rng, 66, 90), normal(rng, 90, 90) / 9, normal(rng, 12, 66, 90)

    def f(h: Any, w: Any, x: Any) -> Any:
        return ad.scan(lambda h, x: (np.tanh(h @ w + x), h), h, x)

    (strips,) = (s for s in lowered(f, h, w, x, threads=2).steps if isinstance(s, LoopStep))
    assert strips.strips
    check(f, h, w, x)
    # Alone, each round's result is written over its operand.
    check(lambda h, w, x: f(h, w, x)[0], h, w, x, joined=0)


@pytest.mark.parametrize("kept", [{"avx2", "fma", "sse2", "avx"}, {"sse2"}])
def test_other_processors(
    kept: set[str], rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, features = native.processor()
    monkeypatch.setattr(native, "processor", lambda: (name, frozenset(kept) & features))
    for m, n, k in ((37, 41, 29), (12, 6, 20)):
        check(layer, normal(rng, m, k), normal(rng, k, n), normal(rng, n))


def test_small_products_are_left_to_runs(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    small = normal(rng, 32, 64), normal(rng, 64, 100), normal(rng, 100)
    large = normal(rng, 128, 256), normal(rng, 256, 300), normal(rng, 300)
    found = [products(lowered(layer, *args))[0].edge is not None for args in (small, large)]
    assert found == [False, True]


def test_arrays_of_many_pages_are_walked_through_row_by_row(rng: np.random.Generator) -> None:
    def update(w: Any, a: Any, d: Any) -> Any:
        return w - a.T @ d

    for rows, wanted in ((1000, True), (1100, False)):
        w, a, d = normal(rng, rows, 1030), normal(rng, 3, rows), normal(rng, 3, 1030)
        (step,) = products(lowered(update, w, a, d))
        assert (step.edge is not None) == wanted
