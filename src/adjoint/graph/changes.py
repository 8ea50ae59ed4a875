"""Changes in place: what the interpreter does with arrays that nobody else holds.

A node that writes into a copy of an array (``set_slice``), or a sum with an array that is
zero but in some places (``add`` of an ``unslice``), costs as much as the part that changes
if the array is not needed afterwards. Whether somebody else holds it, as a view or under
another name, is read off its count of references when the step runs.

Where zero is not added, the sign of a zero stays; all else is as the nodes say.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from adjoint.graph.graph import Graph, Node, Operand, Value

# Results of sums: the array that is added to, and the node that makes what is added.
Sums = dict[Value, tuple[Operand, Node]]


class Change:
    """The call of a step whose first operand becomes its result.

    Args:
        node: a node whose primitive notes ``writes`` or ``adds``.
        shape: of the result.
    """

    __slots__ = ("change", "last", "settings", "shape")

    def __init__(self, node: Node, shape: tuple[int, ...]) -> None:
        notes = node.primitive.notes
        self.change = notes["writes"] if "writes" in notes else notes["adds"]
        self.settings = node.settings
        self.shape = shape
        self.last = False  # whether no later step reads the first operand

    def __call__(self, slots: list[Any], ins: Sequence[int]) -> Any:
        """The changed array; the slot of the first operand may be empty afterwards."""
        array = slots[ins[0]]
        alone = self.last and references(slots, ins[0], array) <= ALONE and may_change(array)
        if not alone or array.shape != self.shape:
            array = np.array(np.broadcast_to(array, self.shape))
        self.change(array, *[slots[i] for i in ins[1:]], **self.settings)
        return array


def references(slots: list[Any], index: int, array: Any) -> int:
    """How many references there are to an array that the caller has, and a slot no longer."""
    slots[index] = None
    return sys.getrefcount(array)


def may_change(array: Any) -> bool:
    """Whether an array is its own memory, open to writes."""
    return type(array) is np.ndarray and array.base is None and array.flags.writeable


def _count_of_one() -> int:
    """How many references Python counts where only the caller has an array."""
    slots: list[Any] = [np.zeros(1)]
    array = slots[0]
    return references(slots, 0, array)


ALONE = _count_of_one()


def copied_slice(slice_: Any, array: Any) -> Any:
    """A slice that lets the array be changed."""
    return slice_(array).copy()


def merged_sums(graph: Graph) -> tuple[Sums, set[Value]]:
    """Sums with an array that is zero but in some places.

    Returns:
        For each result of such a sum the other operand and the node that makes the array;
        and the arrays, which need not be made.
    """
    uses = Counter(operand for node in graph.nodes for operand in node.operands)
    uses.update(graph.outputs)
    makers = {
        node.outputs[0]: node
        for node in graph.nodes
        if "adds" in node.primitive.notes and uses[node.outputs[0]] == 1
    }
    sums: Sums = {}
    for node in graph.nodes:
        if node.primitive.name != "add":
            continue
        for total, share in (node.operands, node.operands[::-1]):
            if share in makers and isinstance(total, Value):
                sums[node.outputs[0]] = total, makers[share]
                break
    return sums, {maker.outputs[0] for _, maker in sums.values()}
