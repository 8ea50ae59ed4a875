"""Compiled programs against the interpreter, on programs as users write them."""

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import adjoint as ad
from adjoint.graph import evaluate, parse_graph
from adjoint.run import compile_graph

_spec = importlib.util.spec_from_file_location("programs", Path(__file__).with_name("programs.py"))
assert _spec is not None
assert _spec.loader is not None
programs = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(programs)
arrays = programs.arrays


def graph_and_inputs(f: Any, args: Any) -> tuple[Any, list[Any]]:
    from adjoint.api.recorded import record_call

    recording = record_call(f, tuple(args), "trace")
    leaves = [np.asarray(x) for x in ad.tree.flatten(tuple(args))[0]]
    return recording.graph, leaves + list(recording.captured)


def agree(graph: Any, inputs: list[Any], rtol: float) -> Any:
    program = compile_graph(graph)
    before = [x.copy() for x in inputs]
    expected = evaluate(graph, inputs)
    for _ in range(2):  # the second call finds the arena as the first one left it
        got = program(inputs)
        for wanted, y in zip(expected, got, strict=True):
            assert y.shape == np.shape(wanted)
            assert y.dtype == wanted.dtype
            np.testing.assert_allclose(y, wanted, rtol=rtol, atol=rtol)
    for x, y in zip(inputs, before, strict=True):
        np.testing.assert_array_equal(x, y)
    return program


def slope(f: Any, count: int = 1) -> Any:
    def scalar(*args: Any) -> Any:
        return np.sum(f(*args) ** 2)

    return ad.grad(scalar, argnums=tuple(range(count)))


_X = np.random.default_rng(5).standard_normal((10, 47)).astype(np.float32)
_Y = np.random.default_rng(6).integers(0, 7, 10)
_XS = np.random.default_rng(7).standard_normal((5, 10, 47)).astype(np.float32)
_YS = np.random.default_rng(8).integers(0, 7, (5, 10))
CASES = {
    "network": (programs.network_loss, [programs.network("f4", 47, 30, 7), _X, _Y]),
    "network step": (programs.network_step, [programs.network("f4", 47, 30, 7), _X, _Y]),
    "training": (programs.training, [programs.network("f4", 47, 30, 7), _XS, _YS]),
    "rosenbrock": (programs.rosenbrock, arrays(1, (100,))),
    "rosenbrock slope": (ad.grad(programs.rosenbrock), arrays(1, (100,))),
    "mixture": (programs.mixture, arrays(2, (3, 4), (50, 4))),
    "mixture slope": (ad.grad(programs.mixture), arrays(2, (3, 4), (50, 4))),
    "stencil": (programs.stencil, arrays(3, (9, 23))),
    "stencil slope": (slope(programs.stencil), arrays(3, (9, 23))),
    "stepping": (programs.stepping, arrays(4, (20,))),
    "stepping slope": (slope(programs.stepping), arrays(4, (20,))),
    "bodies": (programs.bodies, arrays(5, (13, 3))),
    "bodies slope": (ad.grad(programs.bodies), arrays(5, (13, 3))),
    "layer norm": (programs.layer_norm, arrays(6, (6, 37), (37,), (37,))),
    "layer norm slope": (slope(programs.layer_norm, 3), arrays(6, (6, 37), (37,), (37,))),
    "attention": (programs.attention, arrays(7, (2, 5, 8), (8, 8), (8, 8), (8, 8))),
    "attention slope": (slope(programs.attention, 4), arrays(7, (2, 5, 8), (8, 8), (8, 8), (8, 8))),
    "recurrent": (programs.recurrent, arrays(8, (5, 5), (3, 5), (7, 3, 5))),
    "recurrent slope": (
        ad.grad(programs.recurrent, argnums=(0, 1, 2)),
        arrays(8, (5, 5), (3, 5), (7, 3, 5)),
    ),
    "repeated": (programs.repeated, [1.5]),
    "chosen": (programs.chosen, arrays(9, (4,))),
    "pieces": (programs.pieces, arrays(10, (4, 5))),
    "pieces float16": (programs.pieces, arrays(10, (4, 5), dtype="f2")),
    "pieces int32": (programs.pieces, [np.arange(-10, 10, dtype="i4").reshape(4, 5)]),
    "pieces slope": (ad.grad(programs.total_of_pieces), arrays(10, (4, 5))),
    "complex": (lambda x: x * 2 + np.abs(x), [np.arange(5) + 1j]),
}


@pytest.mark.parametrize("name", CASES)
def test_agrees_with_the_interpreter(name: str) -> None:
    f, args = CASES[name]
    graph, inputs = graph_and_inputs(f, args)
    loose = any(x.dtype in (np.float32, np.float16) for x in inputs)
    agree(graph, inputs, 3e-5 if loose else 1e-12)


def test_takes_arrays_in_any_stride() -> None:
    graph, _ = graph_and_inputs(lambda x: np.exp(x) + x.sum(0), arrays(1, (4, 6)))
    program = compile_graph(graph)
    base = arrays(2, (12, 8))[0]
    for x in (base[::3, 1:7], base.T[:4, :6], base[3::-1, 6:0:-1], np.asfortranarray(base[:4, :6])):
        np.testing.assert_allclose(program([x])[0], np.exp(x) + x.sum(0), rtol=1e-12)


def test_results_are_fresh_even_when_they_are_an_argument() -> None:
    graph, _ = graph_and_inputs(lambda x: (x, x, x.T), arrays(1, (2, 3)))
    x = arrays(1, (2, 3))[0]
    a, b, c = compile_graph(graph)([x])
    a[:] = 0
    assert b[0, 0] == x[0, 0] == c[0, 0] != 0
    assert not np.shares_memory(b, x)


@pytest.mark.parametrize("bad", [5, -6, 2**40])
def test_bad_index_is_an_index_error_at_the_users_line(bad: int) -> None:
    def pick(x: Any, i: Any) -> Any:
        return x[i] * 2

    graph, _ = graph_and_inputs(pick, [np.zeros((5, 3)), np.zeros(4, int)])
    program = compile_graph(graph)
    indices = np.array([0, -5, bad, 4])
    with pytest.raises(
        IndexError, match=rf"index {bad} is out of bounds for axis 0 with size 5"
    ) as e:
        program([np.zeros((5, 3)), indices])
    assert "return x[i] * 2" in str(e.value)
    indices[2] = 1
    np.testing.assert_array_equal(program([np.ones((5, 3)), indices])[0], np.full((4, 3), 2.0))


def test_exceptions_of_callbacks_come_through() -> None:
    def broken(*xs: Any) -> Any:
        raise KeyError("from inside")

    text = "graph(%0: f64[3]) {\n"
    text += "  %1: f64[3] = callback(%0) function=@f types=(type(f64[3]),)\n  return %1\n}"
    program = compile_graph(parse_graph(text, {"@f": broken}))
    with pytest.raises(KeyError, match="from inside"):
        program([np.zeros(3)])


@pytest.mark.parametrize("n", [0, 1, 2, 7, 8, 9, 15, 16, 17, 31, 33, 64, 65, 100, 257])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_every_length(n: int, dtype: str) -> None:
    def f(x: Any) -> Any:
        return np.tanh(x) * x, x.sum(), np.abs(x).sum(), (x > 0).any()

    (x,) = arrays(n, (n,), dtype=dtype)
    graph, inputs = graph_and_inputs(f, [x])
    agree(graph, inputs, 1e-5 if dtype == "f4" else 1e-12)
