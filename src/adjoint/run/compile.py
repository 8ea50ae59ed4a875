"""From graph to program: rewrite, lower, compile, or take it from the cache."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from adjoint.errors import AdjointError
from adjoint.graph.collection import uncollected
from adjoint.graph.evaluate import evaluate
from adjoint.graph.graph import Graph
from adjoint.lower import Lowered, lower_graph
from adjoint.lower.steps import LoopStep, PythonStep, WhileStep, walk
from adjoint.rewrite import rewrite
from adjoint.run import cache, look, native, remembered
from adjoint.run.pool import most_threads
from adjoint.run.program import Program


class InterpretedWarning(UserWarning):
    """Machine code cannot be made here; NumPy runs the graph, slower and with equal results."""


class Interpreted:
    """The same calls, by the interpreter: where machine code cannot be made."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph

    def __call__(self, arguments: Sequence[Any]) -> list[Any]:
        """Run on arrays."""
        return [np.array(y) for y in evaluate(self.graph, arguments)]


class PythonStepWarning(UserWarning):
    """A loop of a compiled program leaves machine code for NumPy in every round."""


_told: set[str] = set()
# Functions of the user's own, which are Python because they are meant to be; and what NumPy does
# faster than machine code made here.
_ASKED_FOR = frozenset({"callback", "pull_callback", "linear_callback", "custom_call", "sort"})


def compile_graph(
    graph: Graph, *, donate: Sequence[int] = (), threads: int | None = None
) -> Program | Interpreted:
    """A program that computes what the graph says.

    Args:
        graph: what to compute.
        donate: inputs the caller will not use again; results may be written into them, and
            are then the very arrays that were passed.
        threads: how many threads may work on it at most.
    """
    problem = native.available()
    if problem:
        return _interpreted(graph, problem)
    try:
        with uncollected():
            key = remembered.key_of(graph, donate, most_threads(threads))
            return _remembered(key, graph, donate, threads) or _made(key, graph, donate, threads)
    except native.MissingSymbolError as error:
        return _interpreted(graph, str(error))


def _remembered(
    key: str | None, graph: Graph, donate: Sequence[int], threads: int | None
) -> Program | None:
    """The program as an earlier process left it; None where it must be made."""
    if key is None or os.environ.get("ADJOINT_DUMP"):
        return None
    found = remembered.load(key, lambda: _lowered(graph, donate, threads))
    return None if found is None else Program(graph, *found)


def _made(key: str | None, graph: Graph, donate: Sequence[int], threads: int | None) -> Program:
    """The program rewritten, lowered and compiled."""
    lowered = _lowered(graph, donate, threads)
    _tell_of_python(lowered)
    look.dump(graph, lowered, cache.digest(lowered.text))
    program = Program(graph, lowered, machine_code(lowered.text))
    if key is not None:
        remembered.store(key, lowered, _code_key(lowered.text))
    return program


def look_at(graph: Graph, *, donate: Sequence[int] = (), threads: int | None = None) -> look.Look:
    """What ``compile_graph`` would make, to be read; nothing is compiled before it is asked for.

    Raises:
        AdjointError: no machine code can be made here.
    """
    if problem := native.available():
        raise AdjointError(
            f"no machine code can be made here ({problem})",
            function="lower",
            remedy="install llvmlite; ad.trace(f, *args) prints the graph without it",
        )
    return look.Look(graph, _lowered(graph, donate, threads))


def _lowered(graph: Graph, donate: Sequence[int], threads: int | None) -> Lowered:
    _, features = native.processor()
    return lower_graph(rewrite(graph), features, most_threads(threads), donate)


def _tell_of_python(lowered: Lowered) -> None:
    """Say, once for each primitive, that NumPy runs it in every round of a loop.

    Outside loops a call back costs some microseconds beside the work; there it is only
    listed, by ``jitted.lower(*args).python`` and in the cost.
    """
    for loop in walk(lowered.steps):
        if not isinstance(loop, LoopStep | WhileStep) or getattr(loop, "length", 2) < 2:
            continue
        for step in walk([loop]):
            if not isinstance(step, PythonStep):
                continue
            name = step.node.primitive.name
            if name in _ASKED_FOR or name in _told:
                continue
            _told.add(name)
            where = f"\n  at {step.node.source}" if step.node.source else ""
            warnings.warn(
                f"{name} has no machine code here: NumPy runs it in every round of a loop. "
                f"jitted.lower(*args).python lists such steps.{where}",
                PythonStepWarning,
                stacklevel=4,
            )


def peak_bytes(graph: Graph) -> int:
    """What a call of the program takes beside its arguments: scratch memory and results.

    Nothing is compiled for it. It is 0 where no machine code can be made.
    """
    if native.available():
        return 0
    results = sum(t.size * t.dtype.itemsize for t in graph.output_types)
    return int(_lowered(graph, (), None).arena_bytes + results)


def _interpreted(graph: Graph, problem: str) -> Interpreted:
    """The interpreter instead, said once for each reason."""
    if problem not in _told:
        _told.add(problem)
        warnings.warn(
            f"no machine code can be made here ({problem}); NumPy runs the graph instead",
            InterpretedWarning,
            stacklevel=3,
        )
    return Interpreted(graph)


def _code_key(text: str) -> str:
    return cache.digest(text, *native.identity())


def machine_code(text: str) -> bytes:
    """The machine code of a module's text, from the cache if it is there.

    The text says all that is to be compiled, so a change anywhere in rewriting or lowering
    makes another key: no entry can be out of date.
    """
    key = _code_key(text)
    code = cache.load(key)
    if code is None:
        code = native.object_code(native.optimise(text))
        cache.store(key, code)
    return code
