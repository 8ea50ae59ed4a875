"""Special functions compiled: SciPy's routines called from machine code."""

import warnings
from typing import Any

import numpy as np
import pytest

import adjoint as ad
from adjoint.graph import ArrayType, Graph, Node, Value, evaluate, primitives
from adjoint.lower import special
from adjoint.run import compile_graph

EDGES = [0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, -2.0, 3.0, -1.5, 0.5]
# SciPy itself takes minutes for infinite arguments of some of these.
SLOW = ("hyp", "wright", "log_wright", "eval_", "lpmv")
# Of these SciPy's routine for machine code does not check its arguments: they stay in Python.
UNCHECKED = {"pro_cv", "obl_cv"}
NAMES = special.table().keys() - UNCHECKED
ROWS = [p for p in primitives if "scipy" in p.notes and p.name in NAMES]


def operands(primitive: Any, edges: bool) -> list[Any]:
    rng = np.random.default_rng(0)
    found = []
    for i in range(len(primitive.terms)):
        low, high = primitive.domain[min(i, len(primitive.domain) - 1)]
        if i in primitive.notes.get("integers", ()):
            found.append(rng.integers(int(low), int(high) + 1, 37))
            continue
        x = rng.uniform(low, high, 37)
        if edges and not primitive.name.startswith(SLOW):
            x = np.where(rng.random(37) < 0.5, rng.choice(EDGES, 37), x)
        found.append(x)
    return found


def graph_of(primitive: Any, xs: list[Any]) -> Graph:
    inputs = tuple(Value(ArrayType(x.shape, x.dtype)) for x in xs)
    outputs = primitive.infer(*[v.type for v in inputs])
    node = Node(primitive, inputs, (), tuple(Value(t) for t in outputs))
    return Graph(inputs, (node,), node.outputs)


def test_most_rows_have_a_routine() -> None:
    assert len(ROWS) > 100
    assert {"psi", "gammaln", "ndtri", "erfinv", "betainc", "jv", "eval_legendre"} <= {
        p.name for p in ROWS
    }


@pytest.mark.parametrize("primitive", ROWS, ids=lambda p: p.name)
def test_values_are_those_of_scipy(primitive: Any) -> None:
    for edges in (False, True):
        xs = operands(primitive, edges)
        graph = graph_of(primitive, xs)
        program = compile_graph(graph)
        assert not program.lowered.python
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            (wanted,) = evaluate(graph, xs)
        own = primitive.name in ("expit", "log_expit", "erf", "erfc", "xlogy", "xlog1py")
        if own:  # code of ours
            np.testing.assert_allclose(program(xs)[0], wanted, rtol=1e-15, atol=0)
        else:
            np.testing.assert_array_equal(program(xs)[0], wanted)


@pytest.mark.parametrize("dtype", ["f4", "f2"])
@pytest.mark.parametrize("name", ["psi", "gammaln", "ndtri", "beta", "kei"])
def test_narrow_floats_are_computed_wide_and_rounded(name: str, dtype: str) -> None:
    xs = [x.astype(dtype) for x in operands(primitives[name], False)]
    graph = graph_of(primitives[name], xs)
    program = compile_graph(graph)
    assert not program.lowered.python
    with np.errstate(all="ignore"):
        exact = primitives[name](*[x.astype("f8") for x in xs]).astype(dtype)
    np.testing.assert_allclose(program(xs)[0], exact, rtol=1e-3 if dtype == "f2" else 1e-6)


def test_they_fuse_with_what_is_around_them() -> None:
    def likelihood(k: Any, x: Any) -> Any:
        from scipy.special import gammaln

        return np.sum((k - 1) * np.log(x) - x - gammaln(k))

    k, x = np.linspace(1, 3, 50), np.linspace(0.5, 2, 50)
    jitted = ad.jit(ad.grad(likelihood))
    look = jitted.lower(k, x)
    assert look.python == ()
    assert "by NumPy" not in look.kernels
    np.testing.assert_allclose(jitted(k, x), ad.grad(likelihood)(k, x), rtol=1e-13)
