"""Loops over pairs of elements: no two inner loops are as long, and yet they become one scan."""

from typing import Any

import numpy as np
import pytest

import adjoint as ad
from adjoint.graph import check_graph, evaluate
from adjoint.rewrite import reroll
from adjoint.rewrite.pipeline import rewrite
from adjoint.rewrite.reroll import rolled_pairs

N = 22
X = np.random.default_rng(4).normal(size=N)


def energy(x: Any) -> Any:
    total = 0.0
    for i in range(len(x)):
        for j in range(i):
            total += np.exp(-((x[i] - x[j]) ** 2))
    return total


def kernel_matrix(x: Any) -> Any:
    n = len(x)
    a = np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1):
            a[i, j] = x[i] * x[j] + np.sin(x[i] - x[j])
            a[j, i] = a[i, j]
    return a


def forces(x: Any) -> Any:
    f = np.zeros_like(x)
    for i in range(len(x)):
        for j in range(i + 1, len(x)):
            pull = (x[j] - x[i]) / (1 + (x[j] - x[i]) ** 2)
            f[i] += pull
            f[j] -= pull
    return f


PAIRS = [energy, kernel_matrix, forces]


def size(graph: Any) -> int:
    return len(graph.nodes) + sum(size(a) for n in graph.nodes for a in inner(n))


def inner(node: Any) -> list[Any]:
    return [a for a in node.attributes if hasattr(a, "nodes")]


@pytest.mark.parametrize("f", PAIRS)
def test_pairs_become_one_scan(f: Any) -> None:
    graph = ad.trace(f, X)
    rolled = rolled_pairs(graph)
    check_graph(rolled)
    assert [node.primitive.name for node in rolled.nodes].count("scan") == 1
    assert size(rolled) < 60 < size(graph) // 20
    for result, wanted in zip(evaluate(rolled, [X]), evaluate(graph, [X]), strict=True):
        np.testing.assert_allclose(result, wanted, rtol=1e-13)
    assert size(rewrite(graph)) < 60


@pytest.mark.parametrize("f", PAIRS)
def test_compiled_derivatives_of_pairs(f: Any) -> None:
    weights = np.cos(np.arange(np.size(f(X)))).reshape(np.shape(f(X)))
    slope = ad.grad(lambda x: np.sum(weights * f(x)))
    np.testing.assert_allclose(ad.jit(f)(X), f(X), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(ad.jit(slope)(X), slope(X), rtol=1e-10, atol=1e-11)
    batch = np.stack([X, X[::-1]])
    np.testing.assert_allclose(ad.vmap(slope)(batch)[1], slope(batch[1]), rtol=1e-10, atol=1e-11)


def test_loops_that_are_short_already_are_not_looked_at_twice() -> None:
    graph = ad.trace(lambda x: energy(x[:8]), X)
    assert rolled_pairs(graph) is graph


def test_rolling_up_ends_where_scans_are_longer_than_the_rounds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def sums_of_products(x: Any) -> Any:
        n, m = x.shape
        sums = np.empty((n, n))
        for i in range(n):
            for j in range(n):
                total = 0.0
                for k in range(m):
                    gap = x[i, k] - x[j, k]
                    total += gap * gap
                sums[i, j] = np.sqrt(total + 1.0)
        return sums

    tries = 0
    rolled = reroll._rolled

    def counted(*args: Any) -> Any:
        nonlocal tries
        tries += 1
        assert tries < 2000
        return rolled(*args)

    monkeypatch.setattr(reroll, "_rolled", counted)
    x = np.random.default_rng(0).random((6, 40))
    assert np.allclose(ad.jit(sums_of_products)(x), sums_of_products(x))
    assert tries > 0
