"""Every equation twice: the printed graph, and bit for bit on awkward numbers."""

from typing import Any

import numpy as np
import pytest

import adjoint as ad
from adjoint.graph import check_graph, evaluate, format_graph, parse_graph
from adjoint.rewrite import rewrite, stages
from adjoint.rewrite.contract import contract
from adjoint.rewrite.control import hoist, open_calls, prune_scans
from adjoint.rewrite.pipeline import simplify

AWKWARD = [0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 5e-324, 1e308, -2.5, 3.0, 1e-300]

# name: (inputs, nodes before, result before, nodes after, result after)
EQUATIONS = {
    "negate twice": ("%0: f64[12]", "%1: f64[12] = neg(%0)\n%2: f64[12] = neg(%1)", "%2", "", "%0"),
    "times one": (
        "%0: f64[12]",
        "%1: f64[12] = broadcast(1.0: f64[]) shape=(12,)\n%2: f64[12] = mul(%0, %1)",
        "%2", "", "%0",
    ),
    "times minus one": (
        "%0: f64[12]",
        "%1: f64[12] = broadcast(-1.0: f64[]) shape=(12,)\n%2: f64[12] = mul(%1, %0)", "%2",
        "%1: f64[12] = neg(%0)", "%1",
    ),
    "over one": (
        "%0: f64[12]",
        "%1: f64[12] = broadcast(1.0: f64[]) shape=(12,)\n%2: f64[12] = div(%0, %1)",
        "%2", "", "%0",
    ),
    "over a power of two": (
        "%0: f64[12]",
        "%1: f64[12] = broadcast(8.0: f64[]) shape=(12,)\n%2: f64[12] = div(%0, %1)", "%2",
        "%1: f64[12] = broadcast(0.125: f64[]) shape=(12,)\n%2: f64[12] = mul(%0, %1)", "%2",
    ),
    "minus zero": (
        "%0: f64[12]",
        "%1: f64[12] = broadcast(0.0: f64[]) shape=(12,)\n%2: f64[12] = sub(%0, %1)",
        "%2", "", "%0",
    ),
    "plus zero stays: it changes -0": (
        "%0: f64[12]",
        "%1: f64[12] = broadcast(0.0: f64[]) shape=(12,)\n%2: f64[12] = add(%0, %1)", "%2",
        "%1: f64[12] = broadcast(0.0: f64[]) shape=(12,)\n%2: f64[12] = add(%0, %1)", "%2",
    ),
    "add negated": (
        "%0: f64[12], %1: f64[12]", "%2: f64[12] = neg(%1)\n%3: f64[12] = add(%0, %2)", "%3",
        "%2: f64[12] = sub(%0, %1)", "%2",
    ),
    "subtract negated": (
        "%0: f64[12], %1: f64[12]", "%2: f64[12] = neg(%1)\n%3: f64[12] = sub(%0, %2)", "%3",
        "%2: f64[12] = add(%0, %1)", "%2",
    ),
    "signs cancel": (
        "%0: f64[12], %1: f64[12]",
        "%2: f64[12] = neg(%0)\n%3: f64[12] = neg(%1)\n%4: f64[12] = div(%2, %3)", "%4",
        "%2: f64[12] = div(%0, %1)", "%2",
    ),
    "sign of a product": (
        "%0: f64[12], %1: f64[12]",
        "%2: f64[12] = neg(%1)\n%3: f64[12] = mul(%0, %2)\n%4: f64[12] = neg(%3)", "%4",
        "%2: f64[12] = mul(%0, %1)", "%2",
    ),
    "where of a known condition": (
        "%0: f64[12], %1: f64[12]",
        "%2: bool[12] = broadcast(False: bool[]) shape=(12,)\n%3: f64[12] = where(%2, %0, %1)",
        "%3", "", "%1",
    ),
    "common nodes": (
        "%0: f64[12]",
        "%1: f64[12] = exp(%0)\n%2: f64[12] = exp(%0)\n%3: f64[12] = mul(%1, %2)", "%3",
        "%1: f64[12] = exp(%0)\n%2: f64[12] = mul(%1, %1)", "%2",
    ),
    "constants": (
        "%0: f64[]", "%1: f64[] = mul(2.0: f64[], 3.5: f64[])\n%2: f64[] = sub(%0, %1)", "%2",
        "%1: f64[] = sub(%0, 7.0: f64[])", "%1",
    ),
    "scalars before broadcast": (
        "%0: f64[], %1: f64[]",
        "%2: f64[12] = broadcast(%0) shape=(12,)\n%3: f64[12] = broadcast(%1) shape=(12,)\n"
        "%4: f64[12] = mul(%2, %3)", "%4",
        "%2: f64[] = mul(%0, %1)\n%3: f64[12] = broadcast(%2) shape=(12,)", "%3",
    ),
    "broadcast and reshape twice": (
        "%0: f64[12]",
        "%1: f64[3,4] = reshape(%0) shape=(3,4)\n%2: f64[2,6] = reshape(%1) shape=(2,6)\n"
        "%3: f64[5,2,6] = broadcast(%2) shape=(5,2,6)\n"
        "%4: f64[7,5,2,6] = broadcast(%3) shape=(7,5,2,6)", "%4",
        "%1: f64[2,6] = reshape(%0) shape=(2,6)\n"
        "%2: f64[7,5,2,6] = broadcast(%1) shape=(7,5,2,6)", "%2",
    ),
    "permute there and back": (
        "%0: f64[3,4]",
        "%1: f64[4,3] = permute_axes(%0) axes=(1,0)\n%2: f64[3,4] = permute_axes(%1) axes=(1,0)",
        "%2", "", "%0",
    ),
    "slice twice": (
        "%0: f64[12]",
        "%1: f64[5] = slice(%0) start=(1,) step=(2,) shape=(5,)\n"
        "%2: f64[2] = slice(%1) start=(4,) step=(-3,) shape=(2,)", "%2",
        "%1: f64[2] = slice(%0) start=(9,) step=(-6,) shape=(2,)", "%1",
    ),
    "cast to the same": ("%0: f64[12]", "%1: f64[12] = cast(%0) dtype=dtype(f64)", "%1", "", "%0"),
}  # fmt: skip


def text(inputs: str, nodes: str, result: str) -> str:
    lines = "".join(f"  {line}\n" for line in nodes.split("\n") if line)
    return f"graph({inputs}) {{\n{lines}  return {result}\n}}"


def same_bits(a: Any, b: Any) -> bool:
    """Equal bit for bit, except that one NaN is as good as another."""
    a, b = np.asarray(a), np.asarray(b)
    nan = np.isnan(a) & np.isnan(b)
    equal = (a == b) & (np.signbit(a) == np.signbit(b))
    return a.shape == b.shape and bool((nan | equal).all())


@pytest.mark.parametrize("name", EQUATIONS)
def test_equation(name: str) -> None:
    inputs, before, result, after, simpler = EQUATIONS[name]
    graph = check_graph(parse_graph(text(inputs, before, result)))
    changed = check_graph(simplify(graph))
    assert format_graph(changed) == format_graph(parse_graph(text(inputs, after, simpler)))
    rng = np.random.default_rng(0)
    arrays = [
        np.array(rng.permutation(AWKWARD)[: t.size]).reshape(t.shape) for t in graph.input_types
    ]
    with np.errstate(all="ignore"):
        for x, y in zip(evaluate(graph, arrays), evaluate(changed, arrays), strict=True):
            assert same_bits(x, y)


EINSUMS = [
    ("ij,jk->ik", (3, 4), (4, 5)),
    ("ij,kj->ki", (3, 4), (5, 4)),
    ("bij,bjk->bik", (2, 3, 4), (2, 4, 5)),
    ("bhid,bhjd->bhij", (2, 3, 4, 5), (2, 3, 6, 5)),
    ("ij,ij->", (3, 4), (3, 4)),
    ("i,j->ij", (3,), (4,)),
    ("ij,j->i", (3, 4), (4,)),
    ("ii->i", (4, 4)),
    ("ii->", (4, 4)),
    ("iij,jk->ik", (3, 3, 4), (4, 5)),
    ("ij->", (3, 4)),
    ("ij->ji", (3, 4)),
    ("ijk,jl,km->ilm", (3, 4, 5), (4, 6), (5, 7)),
    ("ij,jk,kl->il", (3, 4), (4, 5), (5, 6)),
    ("ab,cb->ac", (1, 4), (5, 4)),
    ("ab,bc->ac", (3, 1), (1, 5)),
    ("abc,abd->cd", (2, 3, 4), (2, 3, 5)),
    ("ijk,k->j", (2, 3, 4), (4,)),
    ("ij,ij->ij", (0, 4), (0, 4)),
]  # fmt: skip


@pytest.mark.parametrize("case", EINSUMS, ids=lambda case: case[0])
@pytest.mark.parametrize("dtype", ["f8", "c16"])
def test_einsum_becomes_products(case: Any, dtype: str) -> None:
    subscripts, *shapes = case
    rng = np.random.default_rng(1)
    arrays = [
        rng.standard_normal(s).astype(dtype) * (1 + 0.5j if dtype == "c16" else 1) for s in shapes
    ]
    graph = ad.trace(lambda *xs: np.einsum(subscripts, *xs), *arrays)
    changed = check_graph(contract(graph))
    assert not any(node.primitive.name == "einsum" for node in changed.nodes)
    for x, y in zip(evaluate(graph, arrays), evaluate(changed, arrays), strict=True):
        assert np.shape(x) == np.shape(y)
        np.testing.assert_allclose(y, x, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize(
    "shapes", [((1, 4), (4, 5)), ((3, 4), (4, 1)), ((3, 1), (1, 5)), ((4,), (4,)), ((3, 4), (4,)),
               ((4,), (4, 5)), ((2, 3, 4), (2, 4, 1))]
)  # fmt: skip
def test_thin_products_become_loops(shapes: Any) -> None:
    rng = np.random.default_rng(2)
    arrays = [rng.standard_normal(s) for s in shapes]
    graph = ad.trace(lambda x, y: x @ y, *arrays)
    changed = check_graph(contract(graph))
    assert not any(node.primitive.name == "matmul" for node in changed.nodes)
    np.testing.assert_allclose(
        evaluate(changed, arrays)[0], arrays[0] @ arrays[1], rtol=1e-13, atol=1e-13
    )


@pytest.mark.parametrize("dtype", ["i4", "u1", "f2", "i8"])
def test_products_without_blas(dtype: str) -> None:
    rng = np.random.default_rng(2)
    arrays = [rng.integers(0, 9, s).astype(dtype) for s in ((3, 4), (4, 5))]
    graph = contract(ad.trace(lambda x, y: x @ y, *arrays))
    assert not any(node.primitive.name == "matmul" for node in graph.nodes)
    np.testing.assert_array_equal(evaluate(graph, arrays)[0], arrays[0] @ arrays[1])


def test_calls_are_opened() -> None:
    f = ad.checkpoint(lambda x: np.sin(x) * 2)
    graph = ad.trace(lambda x: f(x) + f(x + 1), np.ones(3))
    assert any(node.primitive.name == "call" for node in graph.nodes)
    opened = check_graph(open_calls(graph))
    assert [n.primitive.name for n in opened.nodes].count("sin") == 2
    assert not any(node.primitive.name == "call" for node in opened.nodes)


def test_invariant_work_leaves_the_loop() -> None:
    def f(w: Any, xs: Any) -> Any:
        return ad.scan(lambda c, x: (c * np.exp(w).sum() + x, c), np.zeros(3), xs)

    arrays = [np.array([0.1, 0.2]), np.ones((5, 3))]
    graph = ad.trace(f, *arrays)
    hoisted = check_graph(hoist(graph))
    loop = next(n for n in hoisted.nodes if n.primitive.name == "scan")
    assert "exp" not in [n.primitive.name for n in loop.attributes[0].nodes]
    assert "exp" in [n.primitive.name for n in hoisted.nodes]
    for x, y in zip(evaluate(graph, arrays), evaluate(hoisted, arrays), strict=True):
        np.testing.assert_array_equal(x, y)


def test_unread_results_leave_the_loop() -> None:
    def f(xs: Any) -> Any:
        last, (a, _) = ad.scan(lambda c, x: (c + x, (c * 2, np.exp(x))), np.zeros(3), xs)
        return last, a

    arrays = [np.ones((5, 3))]
    graph = ad.trace(f, *arrays)
    pruned = check_graph(prune_scans(graph))
    loop = next(n for n in pruned.nodes if n.primitive.name == "scan")
    assert len(loop.outputs) == 2
    assert "exp" not in [n.primitive.name for n in loop.attributes[0].nodes]
    for x, y in zip(evaluate(graph, arrays), evaluate(pruned, arrays), strict=True):
        np.testing.assert_array_equal(x, y)


def test_passes_are_named_and_rewriting_twice_changes_nothing() -> None:
    graph = ad.trace(ad.grad(lambda x: np.sum(np.tanh(x @ x.T))), np.ones((3, 4)))
    names = [name for name, _ in stages(graph)]
    assert names[0] == "recorded"
    assert "simplify" in names
    once = rewrite(graph)
    assert format_graph(rewrite(once)) == format_graph(once)
