"""Looking inside a program, and programs where no machine code can be made."""

import warnings
from pathlib import Path
from typing import Any

import llvmlite.binding
import numpy as np
import pytest

import adjoint as ad
from adjoint.run import Interpreted, InterpretedWarning, compile, compile_graph, native, symbols


def softmax_product(x: Any, w: Any) -> Any:
    y = x @ w
    e = np.exp(y - y.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


ARGS = (np.ones((6, 40)), np.ones((40, 9)))


def test_every_stage_can_be_read() -> None:
    program = compile_graph(ad.trace(softmax_product, *ARGS))
    text = program.text
    assert next(iter(text)) == "graph: recorded"
    assert "matmul(%0, %1)" in text["graph: recorded"]
    kernels = text["kernels"]
    assert kernels.startswith("product float64[6,9] arena+128\n")
    # A softmax is one kernel: for each row a maximum, exponentials, a sum, quotients.
    assert kernels.count("kernel over") == 1
    assert kernels.count("sum(") == 1
    assert "arena of" in text["memory"]
    assert "define i64 @adjoint_program" in text["llvm"]
    assert "adjoint_program" in text["assembly"]


def test_cost_is_counted() -> None:
    cost = compile_graph(ad.trace(lambda x, w: x @ w, *ARGS)).cost
    assert cost.flops == 2 * 6 * 40 * 9
    assert cost.bytes == 8 * (6 * 40 + 40 * 9 + 6 * 9)
    assert cost.launches == 1

    def looped(x: Any, ws: Any) -> Any:
        return ad.scan(lambda c, w: (np.tanh(c @ w), None), x, ws)[0]

    cost = compile_graph(ad.trace(looped, np.ones((6, 9)), np.ones((11, 9, 9)))).cost
    assert cost.flops > 11 * 2 * 6 * 9 * 9


def test_dump_writes_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADJOINT_DUMP", str(tmp_path))
    compile_graph(ad.trace(lambda x: np.tanh(x) * 2, np.ones(3)))
    names = sorted(p.name for p in tmp_path.glob("*/*"))
    assert any(name.endswith("kernels.txt") for name in names)
    assert any(name.endswith("assembly.txt") for name in names)


def test_code_that_needs_what_is_not_there_is_not_loaded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = "declare double @no_such_function(double)\n"
    text += "define double @f(double %x) {\n  %y = call double @no_such_function(double %x)\n"
    code = native.object_code(native.optimise(text + "  ret double %y\n}\n"))
    assert "no_such_function" in symbols.undefined(code)
    assert symbols.missing(code, llvmlite.binding) == ["no_such_function"]
    monkeypatch.setattr(compile, "machine_code", lambda text: code)
    monkeypatch.setattr(compile, "_told", set())
    with pytest.warns(InterpretedWarning, match="machine code needs no_such_function"):
        program = compile_graph(ad.trace(softmax_product, *ARGS))
    np.testing.assert_allclose(program(ARGS)[0], softmax_product(*ARGS))


def test_without_llvm_the_interpreter_runs_and_says_so_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(native, "available", lambda: "ImportError: no llvmlite")
    monkeypatch.setattr(compile, "_told", set())
    graph = ad.trace(softmax_product, *ARGS)
    with pytest.warns(InterpretedWarning, match="no llvmlite"):
        program = compile_graph(graph)
    assert isinstance(program, Interpreted)
    np.testing.assert_allclose(program(ARGS)[0], softmax_product(*ARGS))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        compile_graph(graph)
