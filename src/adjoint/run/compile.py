"""From graph to program: rewrite, lower, compile, or take it from the cache."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from adjoint.errors import AdjointError
from adjoint.graph.evaluate import evaluate
from adjoint.graph.graph import Graph
from adjoint.lower import Lowered, lower_graph
from adjoint.rewrite import rewrite
from adjoint.run import cache, look, native
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


_told: set[str] = set()


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
    lowered = _lowered(graph, donate, threads)
    look.dump(graph, lowered, cache.digest(lowered.text))
    try:
        return Program(graph, lowered, machine_code(lowered.text))
    except native.MissingSymbolError as error:
        return _interpreted(graph, str(error))


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


def machine_code(text: str) -> bytes:
    """The machine code of a module's text, from the cache if it is there.

    The text says all that is to be compiled, so a change anywhere in rewriting or lowering
    makes another key: no entry can be out of date.
    """
    key = cache.digest(text, *native.identity())
    code = cache.load(key)
    if code is None:
        code = native.object_code(native.optimise(text))
        cache.store(key, code)
    return code
