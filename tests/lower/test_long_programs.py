"""What keeps the code of long programs short, and the time to write it."""

from __future__ import annotations

import re

import numpy as np
import pytest

import adjoint as ad
from adjoint.lower import lower_graph, module, parts
from adjoint.lower.region import Lowering
from adjoint.lower.steps import KernelStep
from adjoint.rewrite import rewrite

WIDE = frozenset({"avx512f"})


def test_kernels_that_differ_only_in_their_checks_are_one() -> None:
    def picked(x, i):
        for _ in range(3):
            x = np.sin(np.take(x, i, 0))  # three places where an index may be out of range
        return x

    lowered = lower_graph(rewrite(ad.trace(picked, np.ones((40, 3)), np.zeros(40, int))), WIDE)
    kernels = re.findall(r"^define internal void @kernel", lowered.text, re.M)
    calls = re.findall(r"call void @kernel\d+\(.* i64 (\d)\)", lowered.text)
    assert len(lowered.sites) == 3
    assert sorted(calls) == ["1", "2", "3"]
    assert len(kernels) == 1


@pytest.mark.parametrize("wrong", [0, 1, 2])
def test_the_place_of_a_wrong_index_is_still_told(wrong: int) -> None:
    def picked(x, a, b, c):
        x = np.take(np.sin(x), a, 0)
        x = np.take(np.sin(x), b, 0)
        return np.take(np.sin(x), c, 0)

    indices = [np.zeros(40, int) for _ in range(3)]
    indices[wrong][7] = 41 + wrong
    with pytest.raises(IndexError, match=f"index {41 + wrong} ") as caught:
        ad.jit(picked)(np.ones((40, 3)), *indices)
    assert f", {'abc'[wrong]}, 0)" in str(caught.value)


def test_many_calls_of_functions_of_vectors_stay_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    def chain(x, y):
        for i in range(20):
            x, y = np.sin(x) + i * y, np.tanh(y) * x
        return x - y

    arguments = np.linspace(-2, 2, 1001), np.linspace(0, 3, 1001)
    usual = ad.jit(chain, threads=1)
    assert "alwaysinline" in usual.lower(*arguments).llvm
    expected = usual(*arguments)
    monkeypatch.setattr(module, "_MOST_INLINED", 3)
    called = ad.jit(lambda x, y: chain(x, y), threads=1)
    assert "alwaysinline" not in called.lower(*arguments).llvm
    assert called(*arguments).tobytes() == expected.tobytes()


def test_a_kernel_knows_only_its_own_expressions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else work on each would grow with the program."""
    taken: list[int] = []
    kernel = Lowering._kernel

    def noted(self, *arguments):
        kernel(self, *arguments)
        step = arguments[-1][-1]
        taken.append(len(step.inline) if isinstance(step, KernelStep) else 0)

    monkeypatch.setattr(Lowering, "_kernel", noted)

    def rows(x):
        for n in range(4, 24):
            x = np.sin(x + (np.sin(x[:n]) * x[1 : n + 1]).sum() * 0.1)
        return x

    lower_graph(rewrite(ad.trace(rows, np.linspace(0, 1, 700))), WIDE)
    assert sum(taken[-40:]) > 100
    assert max(taken) < 12


def test_calls_of_a_long_program_are_functions_of_bounded_length(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def uneven(x, y):
        for n in range(2, 90):
            x = np.sin(x + (np.cos(x[:n]) * y[1 : n + 1]).sum() * 0.1)
        return x - y

    arguments = np.linspace(0, 1, 100), np.linspace(1, 0, 100)
    expected = ad.jit(uneven, threads=1)(*arguments)
    monkeypatch.setattr(parts, "_LONG", 100)
    graph = ad.trace(uneven, *arguments)
    text = lower_graph(rewrite(graph), WIDE).text
    functions = re.findall(r"^define .*?^}", text, re.M | re.S)
    callers = [f for f in functions if f.count("call void @kernel") > 1]
    assert len(callers) >= 2
    assert max(f.count("\n") for f in callers) < 350
    found = ad.jit(lambda x, y: uneven(x, y), threads=1)(*arguments)
    assert found.tobytes() == expected.tobytes()
