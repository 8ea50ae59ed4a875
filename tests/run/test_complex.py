"""Complex numbers compiled: values as NumPy's to rounding, with NaN, infinities and zeros."""

import warnings
from typing import Any

import numpy as np
import pytest

import adjoint as ad
from adjoint.graph import ArrayType, Graph, Node, Value, evaluate, primitives
from adjoint.lower.complexes import COMPLEX_RULES
from adjoint.run import compile_graph

EDGES = [0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.5, 1e-200, 1e200, 700.0]
GRID = np.array([complex(a, b) for a in EDGES for b in EDGES])
PLAIN = [name for name in COMPLEX_RULES if name not in ("where", "cast", "join_parts")]


def drawn(shape: Any, dtype: Any = "D", seed: int = 0) -> Any:
    rng = np.random.default_rng(seed)
    return (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)).astype(dtype)


@pytest.mark.parametrize("name", PLAIN)
@pytest.mark.parametrize("dtype", ["D", "F"])
def test_elementwise(name: str, dtype: str) -> None:
    primitive = primitives[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        edges = GRID.astype(dtype)
    if name in ("mul", "square", "multiply_no_nan"):
        # NumPy's vectorised products round once where a part overflows, and ours twice.
        large = [np.isfinite(p) & (np.abs(p) > 100) for p in (edges.real, edges.imag)]
        edges = edges[~(large[0] | large[1])]
    if primitive.structure == "multilinear" or len(primitive.terms) == 2 or name in (
        "add", "sub", "equal", "not_equal",
    ):  # fmt: skip
        xs = [np.repeat(edges, len(edges)), np.tile(edges, len(edges))]
    else:
        xs = [np.concatenate([edges, drawn(501, dtype) * 3])]
    inputs = tuple(Value(ArrayType(x.shape, x.dtype)) for x in xs)
    node = Node(
        primitive, inputs, (), tuple(Value(t) for t in primitive.infer(*[v.type for v in inputs]))
    )
    graph = Graph(inputs, (node,), node.outputs)
    program = compile_graph(graph)
    assert not program.lowered.python
    with np.errstate(all="ignore"):
        (wanted,) = evaluate(graph, xs)
    (got,) = program(xs)
    assert got.dtype == wanted.dtype
    tiny = 1e-6 if dtype == "F" else 4e-15
    for part in ("real", "imag"):
        g, w = getattr(got, part), getattr(wanted, part)
        if w.dtype.kind != "f":
            np.testing.assert_array_equal(g, w)
            continue
        near = np.isfinite(w) & np.isfinite(g)
        np.testing.assert_array_equal(g[~near], w[~near])
        size = np.abs(wanted[near]).astype("f8")
        size = np.where(np.isfinite(size), size, np.abs(w[near]))
        assert (np.abs(g[near].astype("f8") - w[near]) <= tiny * size).all()


def fourier_step(u: Any, k: Any) -> Any:
    return u * np.exp(-1j * k**2 * 0.01) / (1 + np.abs(u) ** 2)


@pytest.mark.parametrize("dtype", ["D", "F"])
@pytest.mark.parametrize("n", [0, 1, 2, 5, 8, 9, 64, 67, 1001])
def test_programs_of_every_length(n: int, dtype: str) -> None:
    def several(x: Any, y: Any) -> Any:
        return (
            x * y + 2 - 1j * x, x[::-1], np.where(x.real > 0, x, np.conj(y)), np.sum(x * y),
            np.concatenate([x, y])[::2] * 2, np.outer(x[:3], y[:3]), (x * np.conj(x)).real.sum(),
            np.prod(np.exp(1j * np.abs(x))), np.angle(x), x.reshape(1, -1).T + 1,
        )  # fmt: skip

    x, y = drawn(n, dtype), drawn(n, dtype, 1)
    jitted = ad.jit(several)
    assert jitted.lower(x, y).python == ()
    tolerance = 2e-5 if dtype == "F" else 1e-12
    for got, wanted in zip(jitted(x, y), several(x, y), strict=True):
        assert got.dtype == wanted.dtype
        np.testing.assert_allclose(got, wanted, rtol=tolerance, atol=tolerance)


def test_rows_columns_and_long_sums() -> None:
    x = drawn((37, 45))
    run = ad.jit(
        lambda x: (x.sum(0), x.sum(1), x.sum(), x.mean(1), (x * x.T[:37, :37][0, 0]).sum(0))
    )
    for got, wanted in zip(run(x), run.__wrapped__(x), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-12)
    long = drawn(70_001)
    one, two = (ad.jit(lambda x: np.sum(x * x), threads=t)(long) for t in (1, 2))
    assert one == two
    np.testing.assert_allclose(one, np.sum(long * long), rtol=1e-10)


def test_strides_and_a_chain_in_one_kernel() -> None:
    u, k = drawn((40, 64)), np.linspace(-2, 2, 64)
    jitted = ad.jit(fourier_step)
    look = jitted.lower(u, k)
    assert look.python == ()
    assert look.kernels.count("kernel over") <= 2
    for v in (u, drawn((80, 64))[::2], drawn((64, 40)).T):
        np.testing.assert_allclose(jitted(v, k), fourier_step(v, k), rtol=1e-13)


def test_derivatives_are_compiled_too() -> None:
    def loss(a: Any, b: Any) -> Any:
        z = np.exp(1j * a) * b / (2 + 1j)
        return np.sum(np.abs(z - 1) ** 2)

    a, b = np.linspace(0.1, 1, 23), np.linspace(1, 2, 23)
    slope = ad.grad(loss, argnums=(0, 1))
    jitted = ad.jit(slope)
    assert jitted.lower(a, b).python == ()
    for got, wanted in zip(jitted(a, b), slope(a, b), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-12)


def test_a_loop_with_complex_states() -> None:
    def run(u: Any, k: Any) -> Any:
        return ad.scan(lambda u, _: (fourier_step(u, k), np.sum(u)), u, np.zeros(6))

    u, k = drawn(33), np.linspace(-2, 2, 33)
    for got, wanted in zip(ad.jit(run)(u, k), run(u, k), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-12)


def test_truth_looks_at_both_parts() -> None:
    x = np.array([1j, 0, -0.0 + 0.5j, 2])
    np.testing.assert_array_equal(ad.jit(lambda x: x.astype(bool))(x), [True, False, True, True])
    np.testing.assert_array_equal(primitives["cast"](x, dtype=np.dtype(bool)), x.astype(bool))


@pytest.mark.parametrize("dtype", ["f", "d"])
def test_parts_are_joined_to_the_bit(dtype: str) -> None:
    with np.errstate(over="ignore", under="ignore"):
        edges = np.array(EDGES).astype(dtype)
    xs = [np.repeat(edges, len(edges)), np.tile(edges, len(edges))]
    inputs = tuple(Value(ArrayType(x.shape, x.dtype)) for x in xs)
    primitive = primitives["join_parts"]
    outputs = tuple(Value(t) for t in primitive.infer(*[v.type for v in inputs]))
    program = compile_graph(Graph(inputs, (Node(primitive, inputs, (), outputs),), outputs))
    assert not program.lowered.python
    (got,) = program(xs)
    for part, x in zip((got.real, got.imag), xs, strict=True):
        np.testing.assert_array_equal(part, x)
        np.testing.assert_array_equal(np.signbit(part), np.signbit(x))
