"""Expressions inside kernels: from a value and the indices of one element to a register.

Values that have a place in memory are loaded; the others are computed where they are needed
from their node, with the indices changed on the way: a broadcast forgets an index, a
permutation reorders them, a slice scales and shifts them, a reshape takes them apart. So
none of these costs anything, whatever stands above or below them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from adjoint.graph.graph import Literal, Node, Operand, Value
from adjoint.lower import functions as _functions
from adjoint.lower.access import MemoryWriter
from adjoint.lower.complexes import COMPLEX_RULES, is_complex_map
from adjoint.lower.emit import (
    Reg,
    number_type,
    reg_type,
)
from adjoint.lower.index import Index, Var, crossings, dot
from adjoint.lower.layout import Place
from adjoint.lower.maps import KINDS, RULES

Indices = tuple[Index, ...]

INDEX_NODES = frozenset({"broadcast", "reshape", "permute_axes", "slice", "windows"})
CHOOSING_NODES = frozenset({"unslice", "set_slice", "concatenate"})

# Nodes that are followed by changing the indices; ``expand`` fills it in.
EXPANSIONS: dict[str, Callable[[Writer, Node, tuple[Index, ...]], Reg]] = {}


NEVER = Reg("false", "i1", 1, 0)


class FaultError(Exception):
    """A node turned out to have no native code; it will run its NumPy reference."""

    def __init__(self, node: Node) -> None:
        super().__init__(node.primitive.name)
        self.node = node


def is_map(node: Node) -> bool:
    """Whether a node is elementwise and has a rule for its dtypes."""
    name = node.primitive.name
    if name not in RULES:
        return False
    kinds = KINDS[name]
    for operand in (*node.operands, *node.outputs):
        dtype = operand.type.dtype
        if reg_type(dtype) is None:
            return False
    operands = node.operands[1:] if name == "where" else node.operands
    return all(operand.type.dtype.kind in kinds for operand in operands)


def is_pointwise(node: Node) -> bool:
    """Whether a node is elementwise and has a rule, for real or complex numbers."""
    return is_map(node) or is_complex_map(node)


class Writer(MemoryWriter):
    """A writer that knows the values of a kernel.

    Args:
        features: the processor's features.
        inline: nodes that are computed where they are used, by output.
        places: where the other values live.
        pointer: gives the register that points at element 0 of a place.
        probing: note every address instead of writing text for anyone to read.
    """

    def __init__(
        self,
        features: frozenset[str],
        inline: Mapping[Value, Node],
        places: Mapping[Operand, Place],
        pointer: Callable[[Place], str],
        probing: bool = False,
    ) -> None:
        super().__init__(features, pointer, probing)
        self.inline = inline
        self.places = places
        self.reads: list[tuple[Operand, Index]] = []
        self.rows_read: list[tuple[Operand, Index | None]] = []
        self.cuts: set[tuple[Var, int]] = set()
        self.checks: dict[tuple[Node, int, int], list[str]] = {}
        self.rows: dict[Operand, Reg] = {}  # results of this row's reductions
        self.holding: Reg | None = None  # lanes in which loads may touch memory

    # *** values ***

    def eval(self, operand: Operand, at: Indices) -> Reg:
        """The element of a value at indices."""
        row = self.rows.get(operand)
        if row is not None:
            return row  # the schedule has seen to it that only this row's is asked for
        key = (operand, at, self.holding)
        found = self.recall(key)
        if found is None:
            found = self._eval(operand, at)
            self.remember(key, found)
        reg: Reg = found
        return reg

    def _eval(self, operand: Operand, at: Indices) -> Reg:
        if isinstance(operand, Literal):
            uniform = uniform_value(operand)
            if uniform is not None:
                kind = number_type(operand.type.dtype)
                assert kind is not None
                return self.const(uniform, kind)
        node = self.inline.get(operand) if isinstance(operand, Value) else None
        if node is None:
            place = self.places[operand]
            where = dot(at, place.strides, place.offset)
            return self.read_at(operand, place, where, at[0] if at else None)
        name = node.primitive.name
        if name in EXPANSIONS:
            return EXPANSIONS[name](self, node, at)
        regs = [self.eval(x, at) for x in node.operands]
        dtypes = [x.type.dtype for x in node.operands]
        rules = COMPLEX_RULES if is_complex_map(node) else RULES
        reg = rules[name](self, regs, dtypes, node.output.type.dtype, node.settings)
        if reg is None:
            raise FaultError(node)
        return reg

    def read_at(
        self, operand: Operand, place: Place, where: Index, row: Index | None = None
    ) -> Reg:
        """Load from an offset in elements, noting that it was read, and in which row."""
        if self.probing:
            self.reads.append((operand, where))
            self.rows_read.append((operand, row))
            self.forms.add(where)
        mask = self.holding
        if mask is None and self.vector.mask is not None and self.lane_stride(where) != 0:
            mask = self.vector.mask
        return self.load(place, where, mask)

    def inside(self, index: Index, extent: int) -> Reg | None:
        """Whether 0 <= index < extent, per lane; None if that always holds, NEVER if never."""
        low, high = index.bounds()
        if self.probing:
            self.forms.add(index)
            self.cuts.update(crossings(index, (0, extent)))
        if low >= 0 and high < extent:
            return None
        if high < 0 or low >= extent:
            return NEVER
        lanes = self.vector.lanes if self.lane_stride(index) != 0 else 1
        reg = self.index(index, lanes)
        return self.op("icmp ult", reg, self.const(extent, "i64"), kind="i1")

    def under(self, condition: Reg | None, compute: Callable[[], Reg]) -> Reg:
        """Compute with memory touched only where a condition (and those around it) holds."""
        if condition is None:
            return compute()
        before, gate = self.holding, self.gate
        mask = condition
        if before is not None:
            mask = self.op("and", before, condition)
        elif self.vector.mask is not None:
            mask = self.op("and", self.vector.mask, condition)
        self.holding = mask
        if condition.lanes == 1:
            self.gate = condition if gate is None else self.op("and", gate, condition)
        try:
            return compute()
        finally:
            self.holding, self.gate = before, gate


def uniform_value(literal: Literal) -> Any:
    """The number that all elements of a literal are, bit for bit; None if they differ."""
    value = literal.value
    if value.size == 0 or number_type(value.dtype) is None:
        return None
    flat = value.reshape(-1)
    if value.size > 1:
        raw = np.ascontiguousarray(flat).view(np.uint8).reshape(value.size, -1)
        if not (raw == raw[0]).all():
            return None
    return flat[0]


_functions.register()  # its rules join the table
