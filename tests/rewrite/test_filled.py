"""Arrays that nested loops fill element by element: one scan, which carries nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import adjoint as ad
from adjoint.graph import check_graph
from adjoint.graph.graph import Graph
from adjoint.rewrite import rewrite


def pooled(x: Any) -> Any:
    out = np.zeros((2, 5, 5, 3))
    for m in range(2):
        for i in range(5):
            for j in range(5):
                for q in range(3):
                    out[m, i, j, q] = np.max(x[m, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2, q])
    return out


def convolved(x: Any) -> Any:
    w, out = np.arange(27.0).reshape(3, 3, 3) / 9 - 1, np.zeros((2, 8, 8, 3))
    for m in range(2):
        for i in range(8):
            for j in range(8):
                for q in range(3):
                    out[m, i, j, q] = np.sum(x[m, i : i + 3, j : j + 3, 0] * w[q])
    return out


def backwards(x: Any) -> Any:
    out = np.ones((9, 10))
    for i in range(7, 0, -1):
        for j in range(0, 10, 2):
            out[i, j] = np.sin(x[0, i, j, 1]) * x[1, j, i, 2]
    return out


def apart(x: Any) -> Any:
    out = np.full((4, 10, 4), 0.5)
    for i in range(4):
        for k in range(3):
            out[i, :, k] = np.tanh(x[0, i, :, k]) * x[1, k, :, 0]
    return out


def written_over(x: Any) -> Any:
    out = np.zeros((4, 5))
    for _ in range(2):
        for i in range(4):
            for j in range(5):
                out[i, j] = np.exp(x[0, i, j, 0]) * x[0, j, i, 1]
    return out


def read_in_between(x: Any) -> Any:
    out = np.zeros((6, 6))
    for i in range(1, 6):
        for j in range(1, 6):
            out[i, j] = 0.5 * out[i - 1, j] + np.sin(out[i, j - 1]) + x[0, i, j, 0]
    return out


FILLED = [pooled, convolved, backwards, apart, written_over]
X = np.random.default_rng(0).normal(size=(2, 10, 10, 3))


def _scans(graph: Graph) -> list[int]:
    """How many values each scan carries."""
    return [n.settings["n_carry"] for n in graph.nodes if n.primitive.name == "scan"]


@pytest.mark.parametrize("f", [pooled, convolved, backwards, written_over])
def test_rounds_keep_their_pieces(f: Callable[[Any], Any]) -> None:
    graph = check_graph(rewrite(ad.trace(f, X)))
    assert _scans(graph) == [0]
    assert len(graph.nodes) < 70


@pytest.mark.parametrize("f", [*FILLED, read_in_between])
def test_values_and_derivatives(f: Callable[[Any], Any]) -> None:
    weights = np.cos(np.arange(f(X).size)).reshape(f(X).shape)
    v = np.random.default_rng(1).normal(size=X.shape)

    def loss(x: Any) -> Any:
        return np.sum(np.sin(f(x)) * weights)

    np.testing.assert_allclose(ad.jit(f)(X), f(X), rtol=1e-14, atol=1e-14)
    calls: list[Callable[[Any], Any]] = [
        ad.grad(loss),
        lambda x: ad.jvp(loss, (x,), (v,))[1],
        lambda x: ad.hvp(loss, x, v),
        ad.vmap(f),
    ]
    for call, x in zip(calls, (X, X, X, np.stack([X, X * 0.9])), strict=True):
        np.testing.assert_allclose(ad.jit(call)(x), call(x), rtol=1e-11, atol=1e-12)
    step = 1e-6
    slope = (loss(X + step * v) - loss(X - step * v)) / (2 * step)
    np.testing.assert_allclose(np.sum(ad.jit(ad.grad(loss))(X) * v), slope, rtol=1e-5)


def test_a_loss_of_loops_over_elements_stays_short() -> None:
    def loss(x: Any) -> Any:
        return np.sum(pooled(np.pad(np.maximum(convolved(x), 0), ((0, 0), (1, 1), (1, 1), (0, 0)))))

    graph = rewrite(ad.trace(ad.grad(loss), X))
    assert len(graph.nodes) < 120
    np.testing.assert_allclose(ad.jit(ad.grad(loss))(X), ad.grad(loss)(X), rtol=1e-12, atol=1e-13)
