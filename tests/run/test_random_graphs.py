"""Random graphs over every primitive and dtype, compiled against interpreted.

``ADJOINT_RANDOM_GRAPHS`` sets how many; each is another graph. Many are compiled together as
one program: that is quicker, and their kernels get mixed.
"""

import importlib
import os
import re
import warnings
from collections import Counter
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from adjoint.graph import Graph, evaluate, primitives
from adjoint.run import compile, compile_graph, native

graphs = importlib.import_module("graphs")
makers = importlib.import_module("makers")

THOROUGH = 10  # one program in so many gets LLVM's best instructions, as in use
COUNT = int(os.environ.get("ADJOINT_RANDOM_GRAPHS", "10000"))
TOGETHER = 50  # graphs of one program
PER_TEST = 500
NAMES = [p.name for p in primitives if p.name in makers.MAKERS]
drawn: Counter[str] = Counter()
dtypes: Counter[str] = Counter()
in_python: Counter[str] = Counter()  # steps without machine code
plain_in_python: Counter[str] = Counter()  # those of them on float32 and float64 only
PAGE = Path(__file__).parents[2] / "docs" / "guides" / "compiling.md"


@lru_cache(maxsize=1)
def quick_machine() -> Any:
    """LLVM without its search for the best instructions: ten times as fast."""
    llvm = importlib.import_module("llvmlite.binding")
    native.processor()
    return llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=llvm.get_host_cpu_features().flatten(),
        opt=0, reloc="pic", codemodel="jitdefault",
    )  # fmt: skip


def quick_code(text: str) -> bytes:
    """The machine code of a module, not kept."""
    code: bytes = quick_machine().emit_object(native.optimise(text))
    return code


@pytest.fixture(autouse=True)
def without_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADJOINT_CACHE", "off")


def compiled(graph: Graph, number: int, donated: Any) -> Any:
    """A program, on one thread or two."""
    with pytest.MonkeyPatch.context() as patch:
        if number % THOROUGH:
            patch.setattr(compile, "machine_code", quick_code)
        return compile_graph(graph, threads=1 + number % 2, donate=donated)


def check(first: int, last: int) -> None:
    """Draw graphs, run them together, and compare each of them alone."""
    cases = [makers.draw(seed, NAMES) for seed in range(first, last)]
    parts = [case.graph for case in cases]
    arrays = [x for case in cases for x in case.arrays]
    whole = Graph(
        tuple(v for g in parts for v in g.inputs),
        tuple(n for g in parts for n in g.nodes),
        tuple(v for g in parts for v in g.outputs),
    )
    for node in whole.nodes:
        drawn[node.primitive.name] += 1
        dtypes.update(str(v.type.dtype) for v in (*node.operands, *node.outputs))
    number = first // TOGETHER
    donated = range(len(arrays)) if number % 3 == 0 else ()
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = compiled(whole, number, donated)
        for step in program.lowered.python:
            name = step.node.primitive.name
            in_python[name] += 1
            kinds = {v.type.dtype.char for v in (*step.node.operands, *step.node.outputs)}
            plain_in_python[name] += kinds <= {"f", "d"}
        copies = [x.copy() for x in arrays] if donated else arrays
        results = iter(program(copies))
        for seed, case, graph in zip(range(first, last), cases, parts, strict=True):
            wanted = evaluate(graph, case.arrays)
            rng = np.random.default_rng(seed)
            moved = [graphs.noisy(graph, case.arrays, rng) for _ in range(2)]
            for k, (value, y) in enumerate(zip(graph.outputs, wanted, strict=True)):
                got = next(results)
                problem = graphs.differs(got, y, [m[k] for m in moved], graphs.adds_up(graph))
                jumpy = value.type.dtype.kind not in "fc" and value not in case.exact
                assert not problem or jumpy, f"graph {seed}, output {k}: {problem}\n{graph}"


@pytest.mark.parametrize("first", range(0, COUNT, PER_TEST))
def test_random_graphs(first: int) -> None:
    last = min(first + PER_TEST, COUNT)
    before, kinds = drawn.copy(), dtypes.copy()
    for start in range(first, last, TOGETHER):
        check(start, min(start + TOGETHER, last))
    if last - first == PER_TEST:  # every primitive and dtype was among them
        assert [name for name in NAMES if drawn[name] == before[name]] == []
        assert all(dtypes[str(t)] > kinds[str(t)] for t in graphs.DTYPES)


def test_no_primitive_is_left_out() -> None:
    left = {p.name for p in primitives if p.name not in makers.MAKERS}
    assert left <= makers.ELSEWHERE, "say in makers.py how these are drawn"


def test_the_guide_says_what_runs_in_python() -> None:
    if sum(drawn.values()) < 20 * len(NAMES):
        pytest.skip("too few graphs were run")
    table = PAGE.read_text(encoding="utf-8").split("<!-- no-code -->")[1].split("<!-- end -->")[0]
    said = set(re.findall(r"`(\w+)`", table)) & set(NAMES)
    seldom = {"einsum"}  # most of those drawn are products
    assert said - seldom - set(in_python) == set(), "these have machine code now"
    assert {name for name, n in plain_in_python.items() if n} <= said
