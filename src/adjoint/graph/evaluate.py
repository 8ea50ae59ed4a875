"""The interpreter: runs a graph with NumPy, one node after the other.

It is the oracle for everything else, so it does nothing clever with numbers: each node
calls its primitive's NumPy reference. What it does is bookkeeping: values are kept in a
list of slots, and a slot is freed after its last use. An array that nobody else holds is
changed in place (``graph/changes.py``): the adjoint of a loop that fills an array piece by
piece would otherwise copy it whole for every piece. Large arrays that have done their part
are filled again (``graph/reuse.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from adjoint.graph.changes import Change, copied_slice, merged_sums
from adjoint.graph.collection import uncollected
from adjoint.graph.graph import Graph, Literal, Node, Operand, Value
from adjoint.graph.reuse import Reuse, is_large, with_reuse

# One step: the call, the slots it reads, the slot or slots it writes, the slots it frees.
# A change, and what uses memory again, is called with all slots and those it reads.
Step = tuple[
    Callable[..., Any] | Change | Reuse, tuple[int, ...], int | tuple[int, ...], tuple[int, ...]
]
_WITH_SLOTS = (Change, Reuse)


class Program:
    """A graph laid out for interpretation: slots instead of values, frees worked out."""

    __slots__ = ("constants", "n_inputs", "n_slots", "results", "steps")

    @uncollected()
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
        sums, shares = merged_sums(graph)
        steps: list[Step] = []
        nodes: list[Node] = []
        last_use: dict[int, int] = {}
        slices: dict[int, int] = {}  # steps that may look into the array in a slot
        for node in graph.nodes:
            result = node.outputs[0]
            if result in elided:
                slots[result] = slot(node.operands[0])
                continue
            if result in shares:
                continue
            total, share = sums.get(result, (None, node))
            operands = share.operands if total is None else (total, *share.operands)
            ins = tuple([slot(operand) for operand in operands])
            for value in node.outputs:
                slots[value] = len(slots)
            call: Any = node.primitive.evaluate
            if total is not None or "writes" in node.primitive.notes:
                call = Change(share, result.type.shape)
            elif node.attributes:
                call = partial(call, **node.settings)
            outs = tuple([slots[value] for value in node.outputs])
            if node.primitive.name == "slice":
                slices[len(steps)] = ins[0]
            for i in ins:
                last_use[i] = len(steps)
            steps.append((call, ins, outs if node.primitive.several else outs[0], ()))
            nodes.append(node)
        self.results = tuple([slot(operand) for operand in graph.outputs])
        keep = set(self.results)
        frees: list[list[int]] = [[] for _ in steps]
        for index, step in last_use.items():
            if index not in keep:
                frees[step].append(index)
        self.steps = [(c, i, o, tuple(f)) for (c, i, o, _), f in zip(steps, frees, strict=True)]
        self._settle_changes(slices)
        self.constants = constants
        self.n_inputs = len(graph.inputs)
        self.n_slots = max(slots.values(), default=-1) + 1
        large = {i: o.type for o, i in slots.items() if o not in elided and is_large(o.type)}
        if large:
            self.steps = with_reuse(self.steps, nodes, large, self.n_slots)
            self.n_slots += 1

    def _settle_changes(self, slices: dict[int, int]) -> None:
        """Find the changes of arrays that nothing reads later; slices of those are copied."""
        targets = set()
        for call, ins, _, frees in self.steps:
            if type(call) is Change and ins[0] in frees and ins[0] not in ins[1:]:
                call.last = True
                targets.add(ins[0])
        for k, source in slices.items():
            if source in targets:
                call, ins, out, frees = self.steps[k]
                self.steps[k] = (partial(copied_slice, call), ins, out, frees)

    def __call__(self, arguments: Sequence[Any]) -> list[Any]:
        """Run on arrays; returns the outputs in order."""
        slots: list[Any] = [None] * self.n_slots
        slots[: self.n_inputs] = arguments
        for index, value in self.constants:
            slots[index] = value
        for call, ins, out, frees in self.steps:
            if type(out) is int:  # no name for the result: only the slots keep arrays alive
                if type(call) in _WITH_SLOTS:
                    slots[out] = call(slots, ins)
                else:
                    slots[out] = call(*[slots[i] for i in ins])
            else:
                results = call(*[slots[i] for i in ins])
                for i, value in zip(out, results, strict=True):  # type: ignore[arg-type]
                    slots[i] = value
                results = value = None
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


Compiler = Callable[[Graph], Callable[[Sequence[Any]], list[Any]]]
_compilers: list[Compiler] = []


def use_compiler(compiler: Compiler) -> None:
    """Say what makes machine code of a graph; this folder knows of none."""
    _compilers[:] = [compiler]


def compiled_program_of(graph: Graph) -> Callable[[Sequence[Any]], list[Any]]:
    """A program for a graph that somebody else's code calls thousands of times."""
    if not _compilers:
        return program_of(graph)
    program: Callable[[Sequence[Any]], list[Any]] = graph.memo("compiled", _compilers[0])
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
