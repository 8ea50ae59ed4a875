"""From a pure function of trees to a program: recorded once, compiled once, called often."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from adjoint import tree
from adjoint.graph.evaluate import evaluate
from adjoint.graph.graph import Graph
from adjoint.graph.types import ArrayType
from adjoint.trace.record import Recording, record_graph

NATIVE, INTERPRETER = "native", "interpreter"
_PRODUCTS = ("matmul", "einsum", "convolution")


class Compiled:
    """A function that leaves Python alone after its first call with arguments of some types.

    Args:
        function: of trees of arrays; NumPy code that does not branch on values.
        backend: ``"native"`` or ``"interpreter"``.
        threads: for native code; None lets the size of the work decide.
        in_place: whether machine code may write results over the arrays of the first argument.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        backend: str,
        threads: int | None = None,
        in_place: bool = False,
    ) -> None:
        self._function = function
        self._backend = backend
        self._threads = threads
        self._in_place = in_place
        self._recordings: dict[Any, Recording] = {}
        self._programs: dict[Any, Callable[..., Any]] = {}

    def __call__(self, *args: Any) -> Any:
        """Run; results are new arrays, but for those in place."""
        leaves, structure = _leaves(args)
        key, recording = self._recording(leaves, structure)
        run = self._programs.get(key)
        if run is None:
            over = range(len(tree.leaves(args[0]))) if self._in_place else ()
            run = program(recording.graph, self._backend, self._threads, over)
            self._programs[key] = run
        return tree.unflatten(recording.structure, run(leaves + recording.captured))

    def recorded(self, *args: Any) -> Graph:
        """The graph for arguments of these shapes and dtypes; nothing is compiled."""
        return self._recording(*_leaves(args))[1].graph

    def _recording(self, leaves: list[Any], structure: tree.TreeDef) -> tuple[Any, Recording]:
        types = tuple([ArrayType(x.shape, x.dtype) for x in leaves])
        key = structure, types
        found = self._recordings.get(key)
        if found is None:
            found = self._recordings[key] = record_graph(self._function, types, structure, "fit")
        return key, found


def _leaves(args: Any) -> tuple[list[Any], tree.TreeDef]:
    leaves, structure = tree.flatten(args)
    return [np.asarray(x) for x in leaves], structure


def program(
    graph: Graph, backend: str, threads: int | None = None, donate: Sequence[int] = ()
) -> Callable[[list[Any]], Any]:
    """What runs a graph: machine code, or the interpreter, which leaves its arguments alone."""
    if backend == INTERPRETER:
        return functools.partial(_interpret, graph)
    from adjoint.run import compile_graph

    run: Callable[[list[Any]], Any] = compile_graph(graph, donate=donate, threads=threads)
    return run


def _interpret(graph: Graph, arguments: list[Any]) -> list[Any]:
    # Numbers that are not finite are reported by fit, with their step.
    with np.errstate(all="ignore"):
        # Copied: an output of the interpreter may be a view of an argument.
        return [np.array(y) for y in evaluate(graph, arguments)]


def seconds_of(graph: Graph) -> float:
    """A rough forecast of a graph's time on one core, from its sizes alone.

    It decides where loops are cut into calls, so it must be the same on every run: nothing is
    measured.
    """
    total = 0.0
    for node in graph.nodes:
        settings = node.settings
        if node.primitive.name == "scan":
            total += settings["length"] * seconds_of(settings["graph"])
            continue
        made = sum(value.type.size for value in node.outputs)
        read = [operand.type for operand in node.operands]
        moved = made + sum(t.size for t in read if t.size <= 8 * made)  # a gather reads little
        total += moved * 4e-10 + 2e-8
        if node.primitive.name.startswith(_PRODUCTS) and len(read) == 2 and made:
            # A product sums over what both operands have and the result has not.
            inner = max(1.0, (read[0].size * read[1].size / made) ** 0.5)
            total += made * inner * 1e-10
    return total
