"""What is stored, and in which order of axes."""

from typing import Any

import numpy as np

import adjoint as ad
from adjoint.graph import evaluate
from adjoint.lower import lower_graph
from adjoint.lower.steps import KernelStep, walk
from adjoint.rewrite import rewrite
from adjoint.run import compile_graph, native


def heads_joined(x: Any, w: Any) -> Any:
    """What attention does with its heads: (n, h, t, d) becomes (n t, h d)."""
    n, h, t, d = x.shape
    return np.reshape(np.transpose(np.tanh(x), (0, 2, 1, 3)), (n * t, h * d)) @ w


def test_rows_in_another_order_are_written_axis_by_axis(rng: np.random.Generator) -> None:
    arguments = [rng.normal(size=(2, 3, 5, 4)), rng.normal(size=(12, 7))]
    graph = ad.trace(heads_joined, *arguments)
    _, features = native.processor()
    steps = lower_graph(rewrite(graph), features).steps
    (kernel,) = [step.kernel for step in walk(steps) if isinstance(step, KernelStep)]
    assert kernel.space == (2, 5, 3, 4)  # no division finds an element of (10, 12) in x
    (got,) = compile_graph(graph)(arguments)
    np.testing.assert_allclose(got, evaluate(graph, arguments)[0], rtol=1e-13)


def test_views_of_what_was_copied_once_are_shared(rng: np.random.Generator) -> None:
    arguments = [rng.normal(size=(2, 3, 5, 4)), rng.normal(size=(12, 7))]
    gradient = ad.trace(
        ad.grad(lambda x, w: np.sum(heads_joined(x, w) ** 2), argnums=(0, 1)), *arguments
    )
    _, features = native.processor()
    steps = lower_graph(rewrite(gradient), features).steps
    spaces = [step.kernel.space for step in walk(steps) if isinstance(step, KernelStep)]
    assert spaces.count((2, 5, 3, 4)) == 1
    assert (12, 10) not in spaces
    got = compile_graph(gradient)(arguments)
    for a, b in zip(got, evaluate(gradient, arguments), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


def test_a_chain_of_reshapes_and_permutations(rng: np.random.Generator) -> None:
    def f(x: Any, w: Any) -> Any:
        y = np.reshape(np.transpose(x, (2, 0, 1)), (x.shape[2] * x.shape[0], -1))
        z = np.reshape(np.transpose(np.reshape(y, (2, -1, y.shape[1])), (1, 0, 2)), (-1, 6))
        return z.T @ w

    for n in (1, 3):
        arguments = [rng.normal(size=(n, 3, 4)), rng.normal(size=(n * 2, 5))]
        graph = ad.trace(f, *arguments)
        (got,) = compile_graph(graph)(arguments)
        np.testing.assert_allclose(got, evaluate(graph, arguments)[0], rtol=1e-13)


def spaces(graph: Any) -> list[tuple[int, ...]]:
    _, features = native.processor()
    steps = lower_graph(rewrite(graph), features).steps
    return [step.kernel.space for step in walk(steps) if isinstance(step, KernelStep)]


def test_a_result_is_written_in_the_order_it_had_before_it_was_reshaped(
    rng: np.random.Generator,
) -> None:
    def rolled(x: Any) -> Any:
        return np.roll(x, 5)  # flat, joined from two pieces, and in x's shape again

    def twice(x: Any) -> Any:
        y = np.concatenate([np.ravel(x)[7:], np.ravel(x)[:7]])
        return y, np.reshape(y, (40, 60)), np.reshape(x, (60, 40)), np.reshape(y, (60, 40))

    x = rng.normal(size=(60, 40))
    assert spaces(ad.trace(rolled, x)) == [(2400,)]
    for f in (rolled, twice):
        graph = ad.trace(f, x)
        for got, wanted in zip(compile_graph(graph)([x]), evaluate(graph, [x]), strict=True):
            np.testing.assert_array_equal(got, wanted)


def test_what_is_joined_from_pieces_is_stored_before_it_is_reshaped(
    rng: np.random.Generator,
) -> None:
    def f(x: Any) -> Any:
        return np.reshape(np.concatenate([x[7:], x[:7]]) + 1, (60, 40)) * 2

    x = rng.normal(size=2400)
    graph = ad.trace(f, x)
    assert spaces(graph) == [(2400,), (60, 40)]
    np.testing.assert_array_equal(compile_graph(graph)([x])[0], f(x))
    in_rows = ad.trace(lambda x: np.reshape(np.concatenate([x[7:], x[:7]]), (2400, 1)) * 2, x)
    assert spaces(in_rows) == [(2400, 1)]  # no element is looked for
