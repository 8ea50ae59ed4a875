"""Tiny arrays in registers: what the code looks like, and that its numbers are right."""

import re
from typing import Any

import numpy as np
import pytest

import adjoint as ad
from adjoint.graph import evaluate
from adjoint.lower import lower_graph
from adjoint.lower.steps import LoopStep, StraightStep
from adjoint.lower.straight_values import MOST_SPENT
from adjoint.rewrite import rewrite
from adjoint.run import compile_graph, native

RNG = np.random.default_rng(3)


def network(dtype: Any = np.float32) -> list[Any]:
    sizes = [(2, 8), (8,), (8, 3), (3,)]
    return [RNG.normal(0, 0.5, size).astype(dtype) for size in sizes]


def loss(p: Any, x: Any, y: Any) -> Any:
    return np.mean((np.tanh(x @ p[0] + p[1]) @ p[2] + p[3] - y) ** 2)


def momentum(p: Any, xs: Any, ys: Any) -> Any:
    def step(carry: Any, batch: Any) -> Any:
        p, v = carry
        value, slopes = ad.value_and_grad(loss)(p, *batch)
        v = [0.9 * a + b for a, b in zip(v, slopes, strict=True)]
        return ([a - 0.1 * b for a, b in zip(p, v, strict=True)], v), value

    return ad.scan(step, (p, [np.zeros_like(a) for a in p]), (xs, ys))


def batches(n: int, dtype: Any = np.float32) -> tuple[Any, Any]:
    return RNG.normal(size=(n, 1, 2)).astype(dtype), RNG.normal(size=(n, 1, 3)).astype(dtype)


def lowered(f: Any, *args: Any) -> Any:
    _, features = native.processor()
    return lower_graph(rewrite(ad.trace(f, *args)), features)


def agree(f: Any, *args: Any, rtol: float = 1e-12, straight: bool = True) -> None:
    """The compiled program gives what the interpreter gives, and is straight code."""
    graph = ad.trace(f, *args)
    program = compile_graph(graph)
    inputs = [np.asarray(x) for x in ad.tree.leaves(args)]
    if straight:
        assert [type(step) for step in program.lowered.steps] == [StraightStep]
    for _ in range(2):
        for wanted, y in zip(evaluate(graph, inputs), program(inputs), strict=True):
            assert y.dtype == np.asarray(wanted).dtype
            np.testing.assert_allclose(y, wanted, rtol=rtol, atol=rtol)


# *** what the code looks like ***


def test_a_training_step_is_one_loop_without_calls_or_stored_carry() -> None:
    program = lowered(momentum, network(), *batches(7))
    assert [type(step) for step in program.steps] == [StraightStep]
    text = str(native.optimise(program.text))
    body = text[text.index("@straight0(") :]
    body = body[: body.index("\n}")]
    calls = re.findall(r"call [^@]*@([\w.]+)", body)
    assert all(name.startswith("llvm.") for name in calls)
    loop = body[body.index("\nloop") : body.index(".exit:")]
    assert loop.count("store ") == 1  # the loss of the step
    assert loop.count(" phi ") >= 1 + 8  # the counter, four parameters, four velocities
    assert "alloca" not in body


def test_a_loop_of_large_arrays_stays_as_it_is() -> None:
    def doubled(x: Any) -> Any:
        return ad.scan(lambda c, _: (c * 2.0, None), x, np.zeros(3))[0]

    assert isinstance(lowered(doubled, np.ones(8)).steps[0], StraightStep)
    assert any(isinstance(step, LoopStep) for step in lowered(doubled, np.ones(800)).steps)


def test_the_length_of_straight_code_is_bounded() -> None:
    def long(x: Any, n: int) -> Any:
        for k in RNG.permutation(6).repeat(n):  # in no order that makes a loop of it
            x = [np.sin, np.cos, np.tanh, np.exp, np.arctan, np.cbrt][RNG.integers(6)](x * k)
        return x + 1

    x = np.linspace(0.1, 1, 64)
    steps = lowered(lambda x: long(x, 12), x).steps
    assert not any(isinstance(step, StraightStep) for step in steps)
    (step,) = lowered(lambda x: long(x, 1)[:4], x[:4]).steps
    assert step.writer.spent < MOST_SPENT


def test_straight_code_is_described() -> None:
    text = ad.jit(momentum).lower(network(), *batches(7)).kernels
    assert text.startswith("straight code: float32[2,8] argument 0")
    assert "\n  scan: f32[2,8]" in text
    assert "\n    tanh: f32[1,8]" in text
    cost = ad.jit(momentum).cost(network(), *batches(7))
    assert 7 * 200 < cost.flops < 7 * 1000


# *** numbers ***


@pytest.mark.parametrize("n", [0, 1, 2, 40])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_training(n: int, dtype: str) -> None:
    rtol = 1e-3 if dtype == "f4" else 1e-12
    agree(momentum, network(dtype), *batches(n, dtype), rtol=rtol, straight=n > 0)


def elman(p: Any, xs: Any) -> Any:
    w, u, b, v = p

    def step(h: Any, x: Any) -> Any:
        h = np.tanh(h @ w + x @ u + b)
        return h, h @ v

    return np.sum(ad.scan(step, np.zeros_like(b), xs)[1] ** 2)


@pytest.mark.parametrize(("n", "hidden"), [(1, 3), (2, 5), (25, 6)])
def test_gradient_of_a_recurrent_net(n: int, hidden: int) -> None:
    p = (
        RNG.normal(0, 0.3, (hidden, hidden)),
        RNG.normal(size=(2, hidden)),
        RNG.normal(size=hidden),
        RNG.normal(size=hidden),
    )
    agree(ad.value_and_grad(elman), p, RNG.normal(size=(n, 2)), straight=n < 25)


def lorenz(s: Any, n: int) -> Any:
    def slope(s: Any) -> Any:
        x, y, z = s
        return np.array([10.0 * (y - x), x * (28.0 - z) - y, x * y - z * (8 / 3)])

    def step(s: Any, _: Any) -> Any:
        a = slope(s)
        b = slope(s + 0.005 * a)
        return s + 0.01 * b, s[::2]

    return ad.scan(step, s, np.zeros(n))


@pytest.mark.parametrize("n", [1, 2, 30])
def test_differential_equation(n: int) -> None:
    agree(lambda s: lorenz(s, n), np.array([1.0, 2.0, 3.0]))
    agree(ad.grad(lambda s: np.sum(lorenz(s, n)[1])), np.array([1.0, 2.0, 3.0]))


@pytest.mark.parametrize("dtype", ["i4", "i8", "u1", "?", "f2"])
def test_carries_of_other_dtypes(dtype: str) -> None:
    def step(c: Any, x: Any) -> Any:
        a, b = c
        if dtype == "?":
            return (b ^ x, a | b), a & x
        return (b + x, a * x), np.maximum(a, b)[::-1]

    x = RNG.integers(0, 2, (9, 5)).astype(dtype)
    agree(lambda a, b, x: ad.scan(step, (a, b), x), x[0], x[1], x, rtol=1e-3)


def test_scan_backwards_and_in_a_scan() -> None:
    def inner(c: Any, x: Any) -> Any:
        return c * 0.9 + x, np.sin(c)

    def outer(c: Any, x: Any) -> Any:
        c, y = ad.scan(inner, c, np.stack([x, c, x * c]), reverse=True)
        return c + y[1], np.sum(y, axis=0)

    def whole(c: Any, xs: Any) -> Any:
        return ad.scan(outer, c, xs)

    agree(whole, RNG.normal(size=3), RNG.normal(size=(4, 3)))
    agree(
        ad.grad(lambda c, xs: np.sum(whole(c, xs)[1]), argnums=(0, 1)),
        RNG.normal(size=3),
        RNG.normal(size=(4, 3)),
    )


def test_loops_with_a_test() -> None:
    def collatz(n: Any) -> Any:
        return ad.while_loop(
            lambda c: c[0] != 1,
            lambda c: (np.where(c[0] % 2 == 0, c[0] // 2, 3 * c[0] + 1), c[1] + 1),
            (n, np.int64(0)),
        )

    agree(collatz, np.int64(27))
    agree(collatz, np.int64(1))
    agree(
        lambda a, x: ad.while_loop(
            lambda x: np.max(np.abs(x * x - a)) > 1e-9, lambda x: 0.5 * (x + a / x), x
        ),
        np.array([2.0, 3.0, 5.0]),
        np.ones(3),
    )


def test_branches() -> None:
    def step(c: Any, x: Any) -> Any:
        grown = ad.cond(x[0] > 0, lambda c: (c + x, 1.0), lambda c: (np.sum(c) * c, -1.0), c)
        return grown[0], grown[1]

    agree(lambda c, xs: ad.scan(step, c, xs), np.array([0.5, 0.25]), RNG.normal(size=(12, 2)))


REDUCTIONS = [np.sum, np.prod, np.max, np.min, np.any, np.all]


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("shape", [(1,), (3,), (5, 7), (2, 3, 4), (1, 6), (40,)])
def test_reductions(reduction: Any, shape: tuple[int, ...]) -> None:
    x = RNG.normal(size=shape)
    x.reshape(-1)[0] = np.nan if reduction in (np.max, np.min) else 0.5
    for axis in [None, *range(len(shape)), -1]:
        agree(
            lambda x, axis=axis: reduction(
                x * 1.5 > 0.2 if reduction in (np.any, np.all) else x * 1.5, axis=axis
            ),
            x,
        )


def test_sums_of_products_and_matrix_products() -> None:
    a, b, v = RNG.normal(size=(3, 5)), RNG.normal(size=(5, 7)), RNG.normal(size=5)
    agree(lambda a, b: a @ b, a, b)
    agree(lambda a, v: (a @ v, v @ v, np.sum(a * v, axis=0)), a, v)
    agree(lambda a, b: np.tanh(a @ b).T @ a, a, b)
    agree(lambda a, b: a @ b, a.astype(int), (b * 9).astype(int))
    agree(lambda a, b: a @ b, RNG.normal(size=(2, 3, 4)), RNG.normal(size=(4, 2)))


def moves(x: Any, y: Any) -> Any:
    z = np.concatenate([x[:, ::-1], y[None] * 2, x[1:2] + 1], axis=0)
    padded = np.pad(x, ((1, 0), (0, 2)))
    return z.T.reshape(-1)[3:11:2], padded, np.roll(z, 1, axis=1), np.repeat(y, 2), z[[2, 0], 1:]


def test_moving_elements() -> None:
    x, y = RNG.normal(size=(2, 3)), RNG.normal(size=3)
    agree(moves, x, y)
    agree(
        ad.grad(lambda x, y: sum(np.sum(a**2) for a in moves(x, y)), argnums=(0, 1)),
        x,
        y,
        straight=False,
    )


def test_kinds_of_numbers_that_need_care() -> None:
    x = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 5e-324, -1.0])
    agree(lambda x: (x + 0.0, x * x, np.maximum(x, 0), np.where(x > 0, x, -x), np.sign(x)), x)
    signs = compile_graph(ad.trace(lambda x: (-x, x[::-1] * 1.0), x))([x])
    np.testing.assert_array_equal(np.signbit(signs[0]), ~np.signbit(x))
    np.testing.assert_array_equal(np.signbit(signs[1]), np.signbit(x[::-1]))


def picked(table: Any, i: Any) -> Any:
    return table[i] * 2.0


@pytest.mark.parametrize("index", [np.int64(2), np.array([3, -1, 0]), np.array([[1], [-4]])])
def test_elements_by_index(index: Any) -> None:
    table = RNG.normal(size=(4, 3))
    agree(picked, table, index)
    agree(lambda t, i: np.tanh(t)[:, i % 3], table, index)
    agree(
        lambda t, i: ad.scan(lambda c, k: (c + t[k], None), np.zeros(3), i)[0],
        table,
        np.array([1, 3, -2, 0]),
    )


def test_rows_of_a_large_table() -> None:
    table = RNG.normal(size=(5000, 4))
    rows = np.array([4999, 17, -5000, 300])
    agree(lambda t, i: ad.scan(lambda c, k: (c * 0.5 + t[k], None), np.zeros(4), i)[0], table, rows)


def test_an_index_out_of_range_is_an_error() -> None:
    table = np.arange(12.0).reshape(4, 3)
    f = ad.jit(picked)
    np.testing.assert_array_equal(f(table, np.array([3, 1])), table[[3, 1]] * 2)
    with pytest.raises(IndexError, match=r"index 4 is out of bounds for axis 0 with size 4"):
        f(table, np.array([1, 4]))
    with pytest.raises(IndexError, match="index -5 is out of bounds"):
        ad.jit(lambda t, i: ad.scan(lambda c, k: (c + t[k], None), np.zeros(3), i)[0])(
            table, np.array([1, -5, 2])
        )


def test_what_is_decided_is_written_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    args = np.arange(12.0).reshape(4, 3), np.array([3, 1])
    (step,) = lowered(picked, *args).steps
    spent = step.writer.spent
    for bound in range(spent - 20, spent + 1):  # the reports of bad indices come last
        monkeypatch.setattr("adjoint.lower.straight_values.MOST_SPENT", bound)
        lowered(picked, *args)
    assert isinstance(lowered(picked, *args).steps[0], StraightStep)


@pytest.mark.parametrize("rounds", [8, 300_000])  # the longer one asks for signals
def test_two_threads_give_the_same_bits(rounds: int) -> None:
    def f(x: Any, s: Any) -> Any:
        total = np.sum(np.exp(np.sin(x) * np.cos(x)), axis=1)
        rows = np.broadcast_to(total[:5], (rounds, 5))
        return ad.scan(lambda c, r: (np.tanh(c * 0.9 + r), np.sum(c)), s, rows)

    graph = ad.trace(f, np.ones((600, 700)), np.ones(5))
    x, s = RNG.normal(size=(600, 700)), RNG.normal(size=5)
    one, two = compile_graph(graph, threads=1), compile_graph(graph, threads=2)
    assert two.lowered.threads == 2
    assert isinstance(two.lowered.steps[-1], StraightStep)
    for _ in range(3):
        for a, b in zip(one([x, s]), two([x, s]), strict=True):
            np.testing.assert_array_equal(a, b)


def test_without_masks_or_wide_registers() -> None:
    """Other processors load and store the rest of a vector piece by piece."""
    text = lower_graph(rewrite(ad.trace(lambda x: x[1:] * 2, np.ones(12))), frozenset()).text
    assert "masked" not in text
    assert "load <8 x double>" in text
    assert "load <2 x double>" in text


@pytest.mark.parametrize("shape", [(0,), (0, 2), (2, 0), (1, 0, 5)])
def test_constants_without_elements_are_results(shape: Any) -> None:
    x, y = np.ones(3), np.ones(shape)

    def slopes(x: Any, y: Any) -> Any:
        return ad.grad(lambda x, y: np.sum(x**2) + np.sum(y), argnums=(0, 1))(x, y)

    for f in (slopes, lambda x, _: (np.zeros(shape), x * 2)):
        for made in (ad.jit(f)(x, y), ad.vmap(ad.jit(f))(x[None], y[None])):
            for a, b in zip(made, f(x, y), strict=True):
                assert np.array_equal(np.reshape(a, b.shape), b)
