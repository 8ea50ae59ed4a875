"""Memory used again: what the interpreter does with large arrays that nothing needs any more.

Fresh memory costs several times what a sum of two arrays in it costs, since the system clears
it page by page. So in a program of large arrays one that has done its part, and that nobody
else holds, takes up the result of a later step of its type. The numbers are the same: the
array written never overlaps with those that are read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from adjoint.graph.changes import ALONE, Change, may_change, references
from adjoint.graph.graph import Node
from adjoint.graph.types import ArrayType

_LARGE = 1 << 16  # bytes; smaller arrays come from memory that Python's process has already
_VIEWS = frozenset({"reshape", "slice", "broadcast", "permute_axes"})  # mostly without memory

# A step as the interpreter has it: see graph/evaluate.py.
Step = tuple[Callable[..., Any], tuple[int, ...], Any, tuple[int, ...]]


class Reuse:
    """The call of a step that may write into an old array, or leave old ones behind.

    Args:
        call: what makes the result.
        kind: the result's type, where it can be made in an array that is given.
        spares: the slot of the arrays that wait, by type.
        dying: slots of large arrays that no step reads after this one.
    """

    __slots__ = ("call", "dying", "kind", "spares")

    def __init__(
        self, call: Callable[..., Any], kind: ArrayType | None, spares: int, dying: tuple[int, ...]
    ) -> None:
        self.call = call
        self.kind = kind
        self.spares = spares
        self.dying = dying

    def __call__(self, slots: list[Any], ins: Sequence[int]) -> Any:
        """The result; the slots of what dies are empty afterwards."""
        spares = slots[self.spares]
        if spares is None:
            spares = slots[self.spares] = {}
        operands = [slots[i] for i in ins]
        waiting = spares.get(self.kind)
        if waiting and all(map(_is_in_order, operands)):
            spare = waiting.pop()
            result = self.call(*operands, out=spare)
            if result is not spare:
                waiting.append(spare)
            del spare
        else:
            if waiting and self.kind is not None:
                waiting.clear()
            result = self.call(*operands)
        del operands
        for i in self.dying:
            array = slots[i]
            alone = references(slots, i, array) <= ALONE and may_change(array)
            if alone and array.flags.c_contiguous:
                waiting = spares.setdefault((array.shape, array.dtype), [])
                if not waiting:
                    waiting.append(array)
        return result


def _is_in_order(x: Any) -> bool:
    """Whether a result of this operand would have its elements in C order."""
    return type(x) is not np.ndarray or x.flags.c_contiguous or not any(x.strides)


def is_large(kind: ArrayType) -> bool:
    """Whether it matters in which memory such an array is made."""
    return kind.size * kind.dtype.itemsize >= _LARGE


def _takes_out(node: Node) -> bool:
    """Whether a node's result can be made in an array that is given."""
    return node.primitive.ufunc is node.primitive.evaluate or "takes_out" in node.primitive.notes


def with_reuse(
    steps: Sequence[Step], nodes: Sequence[Node], large: dict[int, ArrayType], spares: int
) -> list[Step]:
    """The steps of a program, with those that use memory again.

    Args:
        steps: one for each node; their calls are plain, or changes in place.
        nodes: what the steps do.
        large: the types of large arrays, by slot.
        spares: a slot more, for the arrays that wait.
    """
    found = []
    # What the next step that takes fresh memory makes: a plan of memory counts no array that waits
    # for longer than until then.
    wanted: ArrayType | None = None
    for (call, ins, out, frees), node in zip(reversed(steps), reversed(nodes), strict=True):
        kind = node.outputs[0].type
        plain = type(call) is not Change and not node.primitive.several
        takes = is_large(kind) and call is node.primitive.evaluate and _takes_out(node)
        dying = tuple([i for i in frees if wanted is not None and large.get(i) == wanted])
        if (takes or dying) and plain:
            call = Reuse(call, kind if takes else None, spares, dying)
        if takes:
            wanted = kind
        elif is_large(kind) and node.primitive.name not in _VIEWS:
            wanted = None
        found.append((call, ins, out, frees))
    return found[::-1]
