"""Looking inside a program, and programs where no machine code can be made."""

import warnings
from pathlib import Path
from typing import Any

import llvmlite.binding
import numpy as np
import pytest

import adjoint as ad
from adjoint.errors import AdjointError
from adjoint.run import Interpreted, InterpretedWarning, compile, compile_graph, native, symbols
from adjoint.run.compile import PythonStepWarning


def softmax_product(x: Any, w: Any) -> Any:
    y = x @ w
    e = np.exp(y - y.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


ARGS = (np.ones((6, 40)), np.ones((40, 9)))


def test_every_stage_can_be_read() -> None:
    text = compile_graph(ad.trace(softmax_product, *ARGS)).look.stages()
    assert next(iter(text)) == "graph: recorded"
    assert "matmul(%0, %1)" in text["graph: recorded"]
    kernels = text["kernels"]
    assert kernels.startswith("product float64[6,9] arena+192\n")
    # A softmax is one kernel: for each row a maximum, exponentials, a sum, quotients.
    assert kernels.count("kernel over") == 1
    assert kernels.count("sum(") == 1
    assert "arena of" in text["memory"]
    assert "define i64 @adjoint_program" in text["llvm"]
    assert "adjoint_program" in text["assembly"]


def test_cost_is_counted() -> None:
    cost = compile_graph(ad.trace(lambda x, w: x @ w, *ARGS)).look.cost
    assert cost.flops == 2 * 6 * 40 * 9
    assert cost.bytes == 8 * (6 * 40 + 40 * 9 + 6 * 9)
    assert cost.launches == 1

    def looped(x: Any, ws: Any) -> Any:
        return ad.scan(lambda c, w: (np.tanh(c @ w), None), x, ws)[0]

    cost = compile_graph(ad.trace(looped, np.ones((6, 9)), np.ones((11, 9, 9)))).look.cost
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
    monkeypatch.setenv("ADJOINT_CACHE", "off")
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


def test_a_jitted_function_shows_its_program() -> None:
    look = ad.jit(softmax_product).lower(*ARGS)
    assert next(iter(look.graphs)) == "recorded"
    assert "product float64[6,9]" in str(look)
    assert "vfmadd" in look.assembly or "fmla" in look.assembly or "mul" in look.assembly
    assert look.python == ()
    for title in ("graph: recorded", "kernels", "memory", "llvm", "assembly", "cost"):
        assert f"*** {title} ***" in look.text()
    slope = ad.jit(ad.value_and_grad(lambda w, x: np.sum(softmax_product(x, w) ** 2)))
    assert slope.lower(ARGS[1], ARGS[0]).kernels.count("product") == 2


def test_cost_of_a_jitted_function() -> None:
    cost = ad.jit(lambda x, w: np.exp(x @ w)).cost(*ARGS)
    products = 2 * 6 * 40 * 9
    assert cost.by_dtype == {"float64": products + 15 * 6 * 9}
    assert cost.least_bytes == 8 * (6 * 40 + 40 * 9 + 6 * 9)
    assert 0 < cost.floor < 1e-3
    assert "floor on this machine" in str(cost)
    single = [x.astype("f4") for x in ARGS]
    assert list(ad.jit(np.matmul).cost(*single).by_dtype) == ["float32"]
    repeated = ad.jit(lambda x: ad.while_loop(lambda s: s < 9, lambda s: s + 1, x)).cost(0.0)
    assert repeated.open_loops == 1
    assert "while loops" in repeated.text()


def test_a_program_is_not_run_by_looking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compile, "machine_code", lambda text: pytest.fail("compiled"))
    assert "add" in ad.jit(lambda x: x + 1).lower(np.ones(3)).kernels


def test_without_llvm_lower_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "available", lambda: "ImportError: no llvmlite")
    with pytest.raises(AdjointError, match="no llvmlite"):
        ad.jit(softmax_product).lower(*ARGS)


def test_numpy_inside_a_loop_is_said_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compile, "_told", set())
    monkeypatch.setenv("ADJOINT_CACHE", "off")

    def smoothed(x: Any) -> Any:
        return ad.scan(lambda c, _: (np.fft.fft(c).real / 3, None), x, np.zeros(4))[0]

    x = np.arange(5.0)
    jitted = ad.jit(smoothed)
    assert jitted.lower(x).python == ("fft",)
    assert jitted.cost(x).python == {"fft": 4}
    with pytest.warns(PythonStepWarning, match="fft has no machine code here") as told:
        np.testing.assert_allclose(jitted(x), smoothed(x), rtol=1e-12)
    assert "np.fft.fft(c)" in str(told[0].message)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ad.jit(smoothed)(np.arange(7.0))  # another program, the same primitive
        monkeypatch.setattr(compile, "_told", set())
        ad.jit(np.fft.fft)(x)  # outside a loop it is only listed
