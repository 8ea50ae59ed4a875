"""The interpreter: runs a graph with NumPy, one node after the other.

It is the oracle for everything else, so it does nothing clever with numbers: each node
calls its primitive's NumPy reference. What it does is bookkeeping: values are kept in a
list of slots, and a slot is freed after its last use.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from adjoint.graph.graph import Graph, Literal, Operand, Value

# One step: the call, the slots it reads, the slot or slots it writes, the slots it frees.
Step = tuple[Callable[..., Any], tuple[int, ...], int | tuple[int, ...], tuple[int, ...]]


class Program:
    """A graph laid out for interpretation: slots instead of values, frees worked out."""

    __slots__ = ("constants", "n_inputs", "n_slots", "results", "steps")

    def __init__(self, graph: Graph) -> None:
        slots: dict[Any, int] = {value: i for i, value in enumerate(graph.inputs)}
        constants: list[tuple[int, Any]] = []

        def slot(operand: Value | Literal) -> int:
            found = slots.get(operand)
            if found is None:  # only a literal can be new here
                found = slots[operand] = len(slots)
                assert isinstance(operand, Literal)
                value = operand.value
                constants.append((found, value[()] if value.ndim == 0 else value))
            return found

        elided = _broadcasts_that_numpy_does_itself(graph)
        steps: list[Step] = []
        last_use: dict[int, int] = {}
        for node in graph.nodes:
            if node.outputs[0] in elided:
                slots[node.outputs[0]] = slot(node.operands[0])
                continue
            ins = tuple([slot(operand) for operand in node.operands])
            for value in node.outputs:
                slots[value] = len(slots)
            call = node.primitive.evaluate
            if node.attributes:
                call = partial(call, **node.settings)
            outs = tuple([slots[value] for value in node.outputs])
            for i in ins:
                last_use[i] = len(steps)
            steps.append((call, ins, outs if node.primitive.several else outs[0], ()))
        self.results = tuple([slot(operand) for operand in graph.outputs])
        keep = set(self.results)
        frees: list[list[int]] = [[] for _ in steps]
        for index, step in last_use.items():
            if index not in keep:
                frees[step].append(index)
        self.steps = [(c, i, o, tuple(f)) for (c, i, o, _), f in zip(steps, frees, strict=True)]
        self.constants = constants
        self.n_inputs = len(graph.inputs)
        self.n_slots = max(slots.values(), default=-1) + 1

    def __call__(self, arguments: Sequence[Any]) -> list[Any]:
        """Run on arrays; returns the outputs in order."""
        slots: list[Any] = [None] * self.n_slots
        slots[: self.n_inputs] = arguments
        for index, value in self.constants:
            slots[index] = value
        for call, ins, out, frees in self.steps:
            result = call(*[slots[i] for i in ins])
            if type(out) is int:
                slots[out] = result
            else:
                for i, value in zip(out, result, strict=True):  # type: ignore[arg-type]
                    slots[i] = value
                result = value = None  # only the slots keep arrays alive
            for i in frees:
                slots[i] = None
        return [slots[i] for i in self.results]


def _broadcasts_that_numpy_does_itself(graph: Graph) -> set[Value]:
    """Outputs of broadcast nodes that need not be made.

    A ufunc stretches its operands itself; a broadcast is left to it when every user is an
    elementwise node whose operands, as they are, already span the full shape.
    """
    made: dict[Operand, tuple[int, ...]] = {}  # outputs, and the shapes they are made from
    for node in graph.nodes:
        if node.primitive.name == "broadcast":
            made[node.outputs[0]] = node.operands[0].type.shape
            made.pop(node.operands[0], None)  # no chains: slots are shared one level deep
            continue
        stretched = [operand for operand in node.operands if operand in made]
        if not stretched:
            continue
        fits = node.primitive.stretches and node.outputs[0].type.shape == np.broadcast_shapes(
            *[made.get(operand, operand.type.shape) for operand in node.operands]
        )
        if not fits:
            for operand in stretched:
                made.pop(operand, None)
    for result in graph.outputs:
        made.pop(result, None)
    return {value for value in made if isinstance(value, Value)}


def program_of(graph: Graph) -> Program:
    """The graph's program, made once."""
    program: Program = graph.memo("program", Program)
    return program


def evaluate(graph: Graph, arguments: Sequence[Any]) -> list[Any]:
    """Run a graph on arrays with NumPy.

    Args:
        graph: what to run.
        arguments: one array for each input, of the input's type.

    Returns:
        The outputs, in order.
    """
    return program_of(graph)(arguments)
