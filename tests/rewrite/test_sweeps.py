"""Sweeps as plain loops: the published counts, constant memory, the same bits."""

import numpy as np
import pytest

import adjoint as ad
from adjoint.graph import check_graph, evaluate
from adjoint.graph.graph import Graph
from adjoint.rewrite.sweeps import actions, loops_of_sweeps
from adjoint.run.compile import peak_bytes

PUBLISHED = {
    (10, 3): 15,
    (16, 4): 27,
    (50, 5): 122,
    (56, 5): 140,
    (100, 5): 316,
    (100, 10): 222,
    (184, 9): 486,
    (220, 3): 1485,
}
C0 = np.linspace(0.0, 1.0, 500)


def names(graph):
    """Primitives that hold graphs, those inside included."""
    found = []
    for node in graph.nodes:
        inner = [a for a in node.attributes if isinstance(a, Graph)]
        found += [node.primitive.name] * bool(inner or "steps" in node.settings)
        for g in inner:
            found += names(g)
    return found


@pytest.mark.parametrize(("case", "steps"), PUBLISHED.items())
def test_actions_of_the_schedule(case, steps):
    length, snapshots = case
    plan = actions(length, snapshots)
    assert sum(not back for *_, back in plan) == steps
    assert [k for _, _, k, back in plan if back] == list(reversed(range(length)))
    # Followed: each place holds the state before the round that it is read for.
    held = {0: 0}
    for source, target, k, back in plan:
        assert held[source] == k
        if not back:
            held[target] = k + 1
        assert max(held) <= snapshots


def swept(length, snapshots, reverse=False):
    def f(c, xs):
        last, rows = ad.scan(
            lambda c, x: (np.sin(c) * 1.01 + x * c[::-1], np.sum(c) * x),
            c,
            xs,
            reverse=reverse,
            checkpoint=snapshots,
        )
        return np.sum(last**2) + rows @ np.cos(xs)

    return f, (C0, np.linspace(-0.1, 0.1, length))


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("snapshots", [1, 2, 4, 40])
def test_a_scan_with_snapshots_is_one_loop_over_actions(snapshots, reverse):
    f, args = swept(12, snapshots, reverse)
    plain, _ = swept(12, None, reverse)
    graph = ad.trace(ad.value_and_grad(f, (0, 1)), *args)
    loops = check_graph(loops_of_sweeps(graph))
    assert "scan_sweeps" not in names(loops)
    for a, b in zip(evaluate(graph, args), evaluate(loops, args), strict=True):
        np.testing.assert_array_equal(a, b)
    value, (dc, dx) = ad.jit(ad.value_and_grad(f, (0, 1)))(*args)
    wanted, (ec, ex) = ad.jit(ad.value_and_grad(plain, (0, 1)))(*args)
    np.testing.assert_array_equal(value, wanted)
    np.testing.assert_array_equal(dc, ec)
    np.testing.assert_allclose(dx, ex, rtol=1e-12)


def test_the_arena_does_not_grow_with_the_rounds():
    def arrays(length, snapshots):
        f, args = swept(length, snapshots)
        return peak_bytes(ad.trace(ad.grad(f), *args)) / C0.nbytes

    assert arrays(100, None) > 100
    assert arrays(400, 5) < 20
    assert arrays(400, 5) - arrays(100, 5) < 2
    assert arrays(100, 15) - arrays(100, 5) == pytest.approx(20, abs=3)


def looped(rounds):
    def f(x):
        def body(c):
            return c[0] + 1.0, c[1] * 0.99 + 0.01 * np.sin(x[2] + c[1]) * x[0]

        return ad.while_loop(lambda c: c[0] < rounds, body, (x[0] * 0, x[1]))[1] ** 2

    return f


@pytest.mark.parametrize("rounds", [0, 1, 2, 63, 64, 65, 1023, 1024, 1025, 3000])
def test_the_way_back_of_a_while_loop(rounds):
    """Kept states are 1024 of these small ones: at 1025 every second one is forgotten."""
    x = np.array([0.3, 1.2, -0.7])
    graph = ad.trace(ad.grad(looped(rounds)), x)
    loops = check_graph(loops_of_sweeps(graph))
    assert "while_sweeps" in names(graph)
    assert "while_sweeps" not in names(loops)
    wanted = evaluate(graph, [x])[0]
    assert abs(wanted[1]) > 1e-30
    np.testing.assert_array_equal(evaluate(loops, [x])[0], wanted)
    np.testing.assert_allclose(ad.jit(ad.grad(looped(rounds)))(x), wanted, rtol=1e-11)


def test_stretches_longer_than_the_tape():
    """A large state has 64 places: 5000 rounds are 128 apart, more than the tape holds."""
    x = np.linspace(0.5, 1.5, 600)

    def f(x):
        def body(c):
            return c[0] + 1, c[1] + 1e-3 * np.sin(c[1])

        return np.sum(ad.while_loop(lambda c: c[0] < 5000, body, (x[0] * 0, x))[1] ** 2)

    np.testing.assert_allclose(ad.jit(ad.grad(f))(x), ad.grad(f)(x), rtol=1e-9)
