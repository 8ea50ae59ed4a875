"""Sums of small parts into one array are writes, and element by element at best."""

import numpy as np
import pytest

import adjoint as ad
from adjoint.graph import evaluate
from adjoint.rewrite.pipeline import rewrite
from adjoint.rewrite.writes import write_sums


def cholesky(a):
    n = a.shape[0]
    factor = np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1):
            s = a[i, j]
            for k in range(j):
                s = s - factor[i, k] * factor[j, k]
            factor[i, j] = np.sqrt(s) if i == j else s / factor[j, j]
    return np.sum(np.sin(factor) * factor[-1])


def read_here_and_there(x):
    total = 0.0
    for i in range(10):
        total = total + np.sin(x[(7 * i) % 23]) * x[i * i % 19]
    return total + x.sum()


def whole(graph, size):
    """How many nodes make arrays of a size anew."""
    return sum(
        n.primitive.name in ("add", "unslice") and n.output.type.size >= size for n in graph.nodes
    )


@pytest.mark.parametrize("n", [3, 9])
def test_the_gradient_of_loops_over_elements_adds_no_whole_arrays(n):
    matrix = np.eye(n) * n + np.cos(np.arange(n * n).reshape(n, n))
    matrix = matrix + matrix.T
    graph = ad.trace(ad.grad(cholesky), matrix)
    (expected,) = evaluate(graph, [matrix])
    made = rewrite(graph)
    if n == 9:
        assert whole(graph, n * n) > 200
        assert whole(made, n * n) < 5
    (found,) = evaluate(made, [matrix])
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    np.testing.assert_allclose(ad.jit(ad.grad(cholesky))(matrix), expected, rtol=1e-11)


def test_parts_of_an_array_are_written_where_they_were_added():
    x = np.linspace(-1.0, 2.0, 31)
    graph = ad.trace(ad.grad(read_here_and_there), x)
    written = write_sums(graph)
    assert whole(written, 31) < whole(graph, 31)
    (expected,), (found,) = evaluate(graph, [x]), evaluate(written, [x])
    np.testing.assert_array_equal(found, expected)


def test_large_and_few_parts_are_added_as_before():
    graph = ad.trace(ad.grad(lambda x: np.sum((x[1:] - x[:-1]) ** 2)), np.ones(31))
    assert write_sums(graph) is graph
    graph = ad.trace(ad.grad(lambda x: x[3] * x[5] * x[8]), np.ones(31))
    assert write_sums(graph) is graph
