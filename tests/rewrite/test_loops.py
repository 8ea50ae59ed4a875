"""Lighter loops and joined batches: what the graph becomes, and that the numbers stay."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import adjoint as ad
from adjoint.graph import Graph, check_graph, evaluate
from adjoint.rewrite import rewrite
from adjoint.rewrite.batches import join_batches
from adjoint.rewrite.loops import lighten


def names(graph: Graph) -> list[str]:
    return [node.primitive.name for node in graph.nodes]


def scans(graph: Graph) -> list[Any]:
    return [node for node in graph.nodes if node.primitive.name == "scan"]


def same_numbers(graph: Graph, other: Graph, arguments: list[Any], tolerance: float) -> None:
    check_graph(other)
    for a, b in zip(evaluate(graph, arguments), evaluate(other, arguments), strict=True):
        np.testing.assert_allclose(b, a, rtol=tolerance, atol=tolerance)


def recurrent(p: list[Any], x: Any) -> Any:
    w, u, b, h = p

    def step(h: Any, row: Any) -> Any:
        h = np.tanh(row @ w + h @ u + b)
        return h, h

    last, all_ = ad.scan(step, h, x)
    return np.sum(last**2) + np.sum(np.sin(all_))


def recurrent_case(rng: np.random.Generator, batch: tuple[int, ...]) -> tuple[Graph, list[Any]]:
    w, u, b = (rng.normal(0, 0.4, s) for s in ((3, 5), (5, 5), (5,)))
    p, x = [w, u, b, rng.normal(size=(*batch, 5))], rng.normal(size=(6, *batch, 3))
    return ad.trace(ad.grad(recurrent, argnums=(0, 1)), p, x), [*p, x]


@pytest.mark.parametrize("batch", [(4,), ()])
def test_gradients_of_weights_leave_the_loop(
    batch: tuple[int, ...], rng: np.random.Generator
) -> None:
    graph, arguments = recurrent_case(rng, batch)
    before = [len(node.attributes[0].outputs[: node.settings["n_carry"]]) for node in scans(graph)]
    after = rewrite(graph)
    carries = [node.settings["n_carry"] for node in scans(after)]
    # Only the state itself is carried, there and back; before, three sums were as well.
    assert max(before) == 4
    assert carries == [1, 1]
    assert names(after).count("matmul") == 3  # x W before the loop; W's and U's gradients after
    same_numbers(graph, after, arguments, 1e-12)


def test_a_first_value_that_is_not_zero_is_added(rng: np.random.Generator) -> None:
    def f(first: Any, x: Any, y: Any) -> Any:
        def step(total: Any, rows: Any) -> Any:
            a, b = rows
            return total + (a.T @ b + np.outer(a[0], b[1])), a[0] * 2

        return ad.scan(step, first, (x, y))

    arguments = [rng.normal(size=s) for s in ((3, 4), (7, 2, 3), (7, 2, 4))]
    graph = ad.trace(f, *arguments)
    after = lighten(graph)
    assert scans(after)[0].settings["n_carry"] == 0
    same_numbers(graph, after, arguments, 1e-13)


@pytest.mark.parametrize(
    "body",
    [
        lambda c, a: (c + a.T @ a, c[0]),  # read elsewhere
        lambda c, a: (c + c @ a.T @ a, a[0]),  # not only a sum
        lambda c, a: (c - a.T @ a, a[0]),
        lambda c, a: (c + c + a.T @ a, a[0]),  # twice itself
        lambda c, a: (c + np.tanh(a.T @ a), a[0]),  # not a product
    ],
)
def test_other_carries_stay(body: Callable[..., Any], rng: np.random.Generator) -> None:
    arguments = [rng.normal(0, 0.3, (3, 3)), rng.normal(0, 0.3, (5, 2, 3))]
    graph = ad.trace(lambda first, x: ad.scan(body, first, x), *arguments)
    after = lighten(graph)
    assert scans(after)[0].settings["n_carry"] == 1
    same_numbers(graph, after, arguments, 1e-13)


def test_results_that_are_known_are_not_stacked(rng: np.random.Generator) -> None:
    def f(c: Any, k: Any, x: Any) -> Any:
        def step(c: Any, row: Any) -> Any:
            new = np.sin(c) + row
            return new, (new, row, np.exp(k), 2.5 * np.ones(2), new)

        return ad.scan(step, c, x)

    arguments = [np.float64(0.3), rng.normal(size=3), rng.normal(size=4)]
    graph = ad.trace(f, *arguments)
    after = lighten(graph)
    (scan,) = scans(after)
    assert len(scan.outputs) == 2  # the state and one stack of it
    same_numbers(graph, after, arguments, 0)


def test_rows_of_one_number_and_repeated_rows_are_not_read(rng: np.random.Generator) -> None:
    def f(c: Any, k: Any, x: Any) -> Any:
        same = np.broadcast_to(k, (5, 3))
        zeros = np.zeros((5, 3))
        step = lambda c, rows: (c * rows[0] + rows[1] + rows[2] + rows[3], None)  # noqa: E731
        return ad.scan(step, c, (same, zeros, x, x))[0]

    arguments = [rng.normal(size=3), rng.normal(size=3), rng.normal(size=(5, 3))]
    graph = ad.trace(f, *arguments)
    (scan,) = scans(lighten(graph))
    assert len(scan.operands) == 3  # the state, rows of k, rows of x
    same_numbers(graph, lighten(graph), arguments, 0)


@pytest.mark.parametrize("length", [0, 1])
def test_short_loops(length: int, rng: np.random.Generator) -> None:
    p = [rng.normal(0, 0.4, s) for s in ((3, 5), (5, 5), (5,), (2, 5))]
    x = rng.normal(size=(length, 2, 3))

    def f(p: Any, x: Any) -> Any:
        def step(h: Any, row: Any) -> Any:
            return np.tanh(row @ p[0] + h @ p[1] + p[2]), None

        return np.sum(ad.scan(step, p[3], x)[0] ** 2)

    graph = ad.trace(ad.grad(f), p, x)
    same_numbers(graph, rewrite(graph), [*p, x], 1e-13)


@pytest.mark.parametrize("batch", [(4,), (2, 3)])
def test_a_layer_over_batch_axes_is_one_product(
    batch: tuple[int, ...], rng: np.random.Generator
) -> None:
    def f(w: Any, x: Any) -> Any:
        return np.sum(np.tanh(x @ w) @ w.T)

    arguments = [rng.normal(size=(5, 7)), rng.normal(size=(*batch, 6, 5))]
    graph = ad.trace(ad.grad(f, argnums=(0, 1)), *arguments)
    after = rewrite(graph)
    products = [node for node in after.nodes if node.primitive.name == "matmul"]
    assert all(node.output.type.ndim == 2 for node in products)
    same_numbers(graph, after, arguments, 1e-12)


def test_only_some_batch_axes_are_summed(rng: np.random.Generator) -> None:
    def f(x: Any, y: Any) -> Any:
        return np.sum(x @ y, axis=(0, 2))

    arguments = [rng.normal(size=(2, 3, 4, 5, 6)), rng.normal(size=(2, 3, 4, 6, 7))]
    graph = ad.trace(f, *arguments)
    after = join_batches(graph)
    assert "sum" not in names(after)
    same_numbers(graph, after, arguments, 1e-13)


def test_a_product_that_is_read_elsewhere_stays(rng: np.random.Generator) -> None:
    def f(x: Any, y: Any) -> Any:
        z = x @ y
        return np.sum(z, axis=0), z

    arguments = [rng.normal(size=(2, 4, 5)), rng.normal(size=(2, 5, 3))]
    graph = ad.trace(f, *arguments)
    assert names(join_batches(graph)).count("matmul") == 1


def test_a_product_that_is_only_read_turned_is_made_turned(rng: np.random.Generator) -> None:
    arguments = [rng.normal(size=(2, 4, 5)), rng.normal(size=(2, 5, 3))]
    graph = ad.trace(lambda x, y: np.swapaxes(x @ y, 1, 2), *arguments)
    after = join_batches(graph)
    assert names(after) == ["permute_axes", "permute_axes", "matmul"]
    same_numbers(graph, after, arguments, 1e-14)


def test_bias_gradients_leave_with_the_products(rng: np.random.Generator) -> None:
    def f(p: Any, x: Any) -> Any:
        def step(h: Any, row: Any) -> Any:
            return np.tanh(row @ p[0] + np.sin(row @ p[0]) * (h @ p[1] + p[2])), None

        return np.sum(ad.scan(step, p[3], x)[0] ** 2)

    p = [rng.normal(0, 0.4, s) for s in ((3, 5), (5, 5), (5,), (4, 5))]
    x = rng.normal(size=(6, 4, 3))
    graph = ad.trace(ad.grad(f), p, x)
    after = rewrite(graph)
    assert [node.settings["n_carry"] for node in scans(after)] == [1, 1]
    same_numbers(graph, after, [*p, x], 1e-12)


def test_sums_without_products_stay(rng: np.random.Generator) -> None:
    def f(first: Any, x: Any) -> Any:
        return ad.scan(lambda c, row: (c + np.sum(np.sin(row), axis=0), None), first, x)[0]

    graph = ad.trace(f, rng.normal(size=3), rng.normal(size=(5, 2, 3)))
    assert scans(lighten(graph))[0].settings["n_carry"] == 1


def test_rows_in_another_order_are_one_product(rng: np.random.Generator) -> None:
    arguments = [rng.normal(size=(6, 4, 5)), rng.normal(size=(5, 7))]
    graph = ad.trace(lambda x, w: np.swapaxes(x, 0, 1) @ w, *arguments)
    after = join_batches(graph)
    (product,) = [node for node in after.nodes if node.primitive.name == "matmul"]
    assert product.output.type.shape == (24, 7)
    same_numbers(graph, after, arguments, 1e-13)


def test_a_turned_sum_of_products_reads_the_rows_as_they_lie(rng: np.random.Generator) -> None:
    def f(x: Any, y: Any) -> Any:
        return np.sum(np.swapaxes(x, 1, 2) @ y, axis=0)

    arguments = [rng.normal(size=(3, 6, 4)), rng.normal(size=(3, 6, 5))]
    graph = ad.trace(f, *arguments)
    after = join_batches(graph)
    assert names(after) == ["reshape", "permute_axes", "reshape", "matmul"]
    assert after.nodes[0].output.type.shape == (18, 4)
    same_numbers(graph, after, arguments, 1e-13)


READS: dict[str, Callable[..., Any]] = {
    "rows": lambda t, i, j: t[i],
    "columns": lambda t, i, j: t[:, i].T,
    "one row": lambda t, i, j: t[i[0]][None],
    "points": lambda t, i, j: t[i, j][:, None],
    "the same column always": lambda t, i, j: t[i, 2][:, None],
    "points apart": lambda t, i, j: np.reshape(t, (3, 3, 7))[i % 3, :, j],
    "where it was computed": lambda t, i, j: t[np.minimum(i + 1, 8)] * t[i],
}


@pytest.mark.parametrize("read", READS.values(), ids=READS.keys())
def test_what_is_added_at_places_is_added_once(
    read: Callable[..., Any], rng: np.random.Generator
) -> None:
    def loss(table: Any, h: Any, i: Any, j: Any) -> Any:
        def step(h: Any, row: Any) -> Any:
            h = np.tanh(0.5 * h + np.sum(read(table, *row) ** 2, axis=1))
            return h, h

        last, all_ = ad.scan(step, h, (i, j))
        return np.sum(last**2) + np.sum(np.sin(all_))

    table, h = rng.normal(size=(9, 7)), rng.normal(size=3)
    i, j = rng.integers(0, 9, (5, 3)), rng.integers(0, 7, (5, 3))
    i = i % 7  # as columns too
    graph = ad.trace(ad.grad(loss, argnums=(0, 1)), table, h, i, j)
    after = rewrite(graph)
    inside = [x.primitive.name for scan in scans(after) for x in scan.attributes[0].nodes]
    assert "scatter_add" not in inside
    assert all(node.settings["n_carry"] == 1 for node in scans(after))
    same_numbers(graph, after, [table, h, i, j], 1e-12)
    for got, wanted in zip(
        ad.jit(ad.grad(loss, argnums=(0, 1)))(table, h, i, j),
        evaluate(graph, [table, h, i, j]),
        strict=True,
    ):
        np.testing.assert_allclose(got, wanted, rtol=1e-12, atol=1e-12)


def test_small_tables_are_added_to_in_the_loop(rng: np.random.Generator) -> None:
    def f(table: Any, i: Any) -> Any:
        def step(c: Any, row: Any) -> Any:
            c = np.sin(c + np.sum(table[row]))
            return c, None

        return ad.scan(step, 0.0, i)[0]

    table, i = rng.normal(size=4), rng.integers(0, 4, (6, 5))
    graph = ad.trace(ad.grad(f), table, i)
    after = rewrite(graph)
    inside = [x.primitive.name for scan in scans(after) for x in scan.attributes[0].nodes]
    assert inside.count("scatter_add") == 1
    same_numbers(graph, after, [table, i], 1e-12)
