"""Unrolled Python loops become scans again, with the same results."""

from typing import Any

import numpy as np
import pytest

import adjoint as ad
from adjoint.differentiate.merge import merge_scans
from adjoint.graph import check_graph, evaluate
from adjoint.rewrite.pipeline import simplify
from adjoint.rewrite.reroll import reroll
from adjoint.run import compile_graph


def heat(u: Any, rounds: int) -> Any:
    v = u.copy()
    for _ in range(rounds):
        v[1:-1] = v[1:-1] + 0.1 * (v[2:] - 2 * v[1:-1] + v[:-2])
    return v


def euler(x: Any, rounds: int) -> Any:
    p, q = x
    for _ in range(rounds):
        p = p - 0.1 * np.sin(q)
        q = q + 0.1 * p
    return p + q


def leapfrog(x: Any, rounds: int) -> Any:
    before, now = x
    for _ in range(rounds):
        before, now = now, 2 * now - before - 0.01 * np.sin(now)
    return now


def filled(x: Any, rounds: int) -> Any:
    out = np.zeros((rounds, x.shape[0]), x.dtype)
    state = x
    for t in range(rounds):
        state = np.tanh(state) + 0.01 * t
        out[t] = state
    return out


def driven(xs: Any, rounds: int) -> Any:
    h = np.zeros(xs.shape[1:], xs.dtype)
    total = 0.0
    for t in range(rounds):
        h = np.tanh(0.5 * h + xs[t])
        total = total + (h * h).sum()
    return total


def backwards(xs: Any, rounds: int) -> Any:
    h = xs[0] * 0
    for t in range(rounds - 1, -1, -1):
        h = 0.9 * h + np.cos(xs[t])
    return h


def plate(u: Any, rounds: int) -> Any:
    for _ in range(rounds):
        v = u.copy()
        v[1:-1, 1:-1] = 0.25 * (u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2])
        u = v
    return u


CASES: dict[str, tuple[Any, tuple[int, ...]]] = {
    "heat": (heat, (11,)),
    "euler": (euler, (2, 5)),
    "leapfrog": (leapfrog, (2, 5)),
    "filled": (filled, (4,)),
    "driven": (driven, (30, 3)),
    "backwards": (backwards, (30, 3)),
    "plate": (plate, (6, 7)),
}


def scans(graph: Any) -> int:
    return sum(node.primitive.name == "scan" for node in graph.nodes)


@pytest.mark.parametrize("name", CASES)
def test_a_loop_becomes_a_scan(name: str) -> None:
    f, shape = CASES[name]
    x = np.random.default_rng(1).standard_normal(shape)
    graph = simplify(ad.trace(lambda x: f(x, 30), x))
    rolled = check_graph(reroll(graph))
    assert scans(rolled) == 1
    assert len(rolled.nodes) < len(graph.nodes) / 4
    for wanted, y in zip(evaluate(graph, [x]), evaluate(rolled, [x]), strict=True):
        np.testing.assert_allclose(y, wanted, rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(compile_graph(graph)([x])[0], f(x, 30), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", ["heat", "euler", "driven", "plate", "backwards"])
def test_a_slope_becomes_two_scans(name: str) -> None:
    f, shape = CASES[name]
    x = np.random.default_rng(2).standard_normal(shape)
    slope = ad.grad(lambda x: np.sum(f(x, 30) ** 2))
    graph = merge_scans(ad.trace(slope, x))
    rolled = check_graph(reroll(simplify(graph)))
    assert scans(rolled) == 2
    assert len(rolled.nodes) < 60
    np.testing.assert_allclose(evaluate(rolled, [x])[0], slope(x), rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(compile_graph(graph)([x])[0], slope(x), rtol=1e-11, atol=1e-11)


def test_code_does_not_grow_with_the_rounds() -> None:
    x = np.linspace(0, 1, 50)
    sizes = []
    for rounds in (50, 500):
        program = compile_graph(ad.trace(lambda x, n=rounds: heat(x, n), x))
        sizes.append(len(program.lowered.text))
        np.testing.assert_allclose(program([x])[0], heat(x, rounds), rtol=1e-12)
    assert sizes[1] < 1.05 * sizes[0]


def test_short_and_irregular_loops_stay() -> None:
    x = np.ones((2, 5))
    short = simplify(ad.trace(lambda x: euler(x, 4), x))
    assert scans(reroll(short)) == 0

    def irregular(x: Any) -> Any:
        for i in range(30):
            x = [np.sin, np.tanh, np.arctan, np.cos][i * i % 7 % 4](x) + i
        return x

    graph = simplify(ad.trace(irregular, x))
    rolled = reroll(graph)
    np.testing.assert_allclose(evaluate(rolled, [x])[0], irregular(x), rtol=1e-13)


def test_what_no_round_changes_is_one_value_outside_the_slope() -> None:
    def swing(x: Any, k: Any, rounds: int) -> Any:
        v = np.zeros(3)
        for _ in range(rounds):
            v = v + 0.1 * (-k * np.sin(x) - np.sqrt(k)[0] * v)
            x = x + 0.1 * v
        return np.sum(x**2)

    x, k = np.array([0.3, -0.2, 0.9]), np.array([1.5, 0.7, 2.0])
    lengths = [
        len(ad.trace(ad.grad(lambda a, b, n=n: swing(a, b, n)), x, k).nodes) for n in (80, 160)
    ]
    # k is no argument of the gradient: -k is made anew in each round of the loop outside of it.
    assert lengths[0] == lengths[1] < 120
    slope = ad.grad(lambda a, b: swing(a, b, 80))
    np.testing.assert_allclose(ad.jit(slope)(x, k), slope(x, k), rtol=1e-12)
