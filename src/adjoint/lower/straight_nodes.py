"""Nodes of graphs on arrays in registers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from adjoint.graph.graph import Literal, Node, Operand, Value
from adjoint.graph.primitive import primitives
from adjoint.graph.types import ArrayType
from adjoint.lower import reduce as reducing
from adjoint.lower.emit import FLOATS, Reg, reg_type
from adjoint.lower.expr import is_map, uniform_value
from adjoint.lower.layout import Place
from adjoint.lower.maps import RULES
from adjoint.lower.schedule import view_of
from adjoint.lower.straight_values import (
    MOST_BYTES,
    DeclinedError,
    Held,
    Memory,
    Positions,
    StraightEmitter,
)
from adjoint.lower.widths import fitting

# Each element of the result is one of an operand, or zero: which one, their references say.
_MOVES = frozenset(
    {
        "broadcast",
        "reshape",
        "permute_axes",
        "slice",
        "windows",
        "concatenate",
        "unslice",
        "set_slice",
    }
)
SUPPORTED = _MOVES | {"matmul", "gather"}  # besides elementwise nodes and reductions
_VIEWS = frozenset({"broadcast", "reshape", "permute_axes", "slice", "windows"})
_ACCUMULATORS = 4  # side by side, so that additions need not wait for each other

Given = Held | Place  # what is known of a value: registers, or a place in memory


class StraightNodes(StraightEmitter):
    """Writes nodes.

    Args:
        features: the processor's features.
        literal: where a constant array lies that is too long to be written out.
    """

    def __init__(self, features: frozenset[str], literal: Callable[[Literal], Place]) -> None:
        super().__init__(features)
        self.literal = literal
        self.env: dict[Value, Given] = {}
        self.factors: dict[Value, Node] = {}  # products that are only summed

    # *** operands ***

    def given(self, operand: Operand) -> Given:
        """What is known of an operand."""
        if isinstance(operand, Value):
            return self.env[operand]
        kind = reg_type(operand.type.dtype)
        if kind is None:
            raise DeclinedError
        uniform = uniform_value(operand)
        if uniform is not None:
            return Held(self.const(uniform, kind), np.zeros(operand.type.shape, np.int64))
        if operand.value.nbytes > MOST_BYTES:
            return self.literal(operand)
        return self.constant(operand.value, kind)

    def of(self, operand: Operand) -> Held:
        """An operand by its elements."""
        return self.of_given(self.given(operand))

    def of_given(self, given: Given) -> Held:
        """A value by its elements."""
        return self.held(given) if isinstance(given, Place) else given

    # *** one node ***

    def node(self, node: Node) -> None:
        """Write a node that is neither a loop nor a branch."""
        name = node.primitive.name
        if any(x.type.size == 0 for x in (*node.operands, *node.outputs)):
            raise DeclinedError
        if name in _VIEWS and isinstance(found := self.given(node.operands[0]), Place):
            view = view_of(node, found)
            if view is not None:
                self.env[node.output] = view
                return
        if name in _MOVES:
            self.env[node.output] = self._move(node)
        elif name == "matmul":
            self.env[node.output] = self._matmul(node)
        elif name == "gather":
            self.env[node.output] = self._gather(node)
        elif reducing.is_reduction(node):
            self.env[node.output] = self._reduction(node)
        elif is_map(node):
            self.env[node.output] = self._map(node)
        else:
            raise DeclinedError

    # *** moves ***

    def _move(self, node: Node) -> Held:
        """Let the node's reference move the elements' numbers; 0 stands for the number 0."""
        parts = [self.of(x) for x in node.operands]
        numbers, start = [], 1
        for part in parts:
            numbers.append(np.arange(start, start + part.at.size).reshape(part.at.shape))
            start += part.at.size
        moved = np.asarray(node.primitive.evaluate(*numbers, **node.settings))
        if start == parts[0].at.size + 1 and moved.min() > 0:
            return Held(parts[0].source, parts[0].at.reshape(-1)[moved - 1])
        zero = Held(self.const(0, parts[0].kind), np.zeros((), np.int64))
        all_at = np.concatenate([zero.at.reshape(-1), *(p.at.reshape(-1) for p in parts)])
        owner = np.repeat(np.arange(len(parts) + 1), [1, *(p.at.size for p in parts)])
        return self.merged([zero, *parts], owner[moved], all_at[moved])

    # *** elementwise ***

    def _map(self, node: Node) -> Held:
        parts = [self.of(x) for x in node.operands]
        shape = node.output.type.shape
        apart = [p.at.reshape(-1) for p in parts if not (p.at == p.at.reshape(-1)[0]).all()]
        back = np.arange(prod(shape))
        if apart:
            # Elements with the same operands are computed once.
            columns, first, inverse = _unique(apart)
            if fitting(columns) < fitting(back.size):
                parts = [Held(p.source, p.at.reshape(-1)[first]) for p in parts]
                back = inverse
        regs = [self.gathered(p) for p in parts]
        dtypes = [x.type.dtype for x in node.operands]
        reg = RULES[node.primitive.name](self, regs, dtypes, node.output.type.dtype, node.settings)
        if reg is None:
            raise DeclinedError
        if reg.lanes == 1:
            back = np.zeros_like(back)
        return Held(reg, back.reshape(shape))

    # *** sums and products ***

    def _reduction(self, node: Node) -> Held:
        operand = node.operands[0]
        maker = self.factors.get(operand) if isinstance(operand, Value) else None
        if maker is None:
            factors = [self.of(operand)]
        else:
            pair = maker.operands * (2 if maker.primitive.name == "square" else 1)
            factors = [self.of(x) for x in pair]
        axes = node.attributes[0]
        return self._reduce(node, factors, axes, node.output.type.shape)

    def _matmul(self, node: Node) -> Held:
        x, y = (self.of(operand) for operand in node.operands)
        if reg_type(node.output.type.dtype) is None or x.kind == "i1" or x.kind == "half":
            raise DeclinedError
        a, b = x.at, y.at
        if a.ndim == 1:
            a = a[None]
        if b.ndim == 1:
            b = b[:, None]
        a, b = np.broadcast_arrays(a[..., :, None, :], np.swapaxes(b, -1, -2)[..., None, :, :])
        shape = node.output.type.shape
        factors = [Held(x.source, a), Held(y.source, b)]
        return self._reduce(_sum_of(node.output.type.dtype), factors, (a.ndim - 1,), shape)

    def _reduce(
        self, node: Node, factors: Sequence[Held], axes: Sequence[int], shape: tuple[int, ...]
    ) -> Held:
        """A reduction of an array, or of the product of two."""
        tables = []
        for part in factors:
            kept = [i for i in range(part.at.ndim) if i not in axes]
            table = part.at.transpose([*axes, *kept])
            tables.append(table.reshape(prod(part.at.shape[i] for i in axes), -1))
        count, width = tables[0].shape
        parts = [Held(p.source, t) for p, t in zip(factors, tables, strict=True)]
        kind = parts[0].kind
        wide, deep = fitting(width), fitting(count)
        size = self.registers(wide, kind)
        by_rows = count * size * (1 + len(parts))
        halves = sum(2 * self.registers(wide * deep >> k, kind) for k in range(1, 20) if deep >> k)
        by_halves = self.registers(wide * deep, kind) * (1 + len(parts)) + halves
        if wide * deep * max(1, self._size(kind)) > MOST_BYTES or by_rows <= by_halves:
            reg = self._by_columns(node, parts)
        else:
            reg = self._by_halves(node, parts)
        reg = reducing.finish(self, node, reg)
        at = np.arange(width) if reg.lanes > 1 else np.zeros(width, np.int64)
        return Held(reg, at.reshape(shape))

    def _size(self, kind: str) -> int:
        return {"i1": 1, "i8": 1, "half": 2, "i16": 2, "float": 4, "i32": 4}.get(kind, 8)

    def _term(self, node: Node, regs: Sequence[Reg]) -> Reg:
        if len(regs) == 1:
            return reducing.prepare(self, node, regs[0])
        return self.op("fmul" if regs[0].kind in FLOATS else "mul", *regs)

    def _by_columns(self, node: Node, parts: Sequence[Held]) -> Reg:
        """A register's worth of columns after the other: their factors are often one number."""
        width = parts[0].at.shape[1]
        each = self.width // self._size(parts[0].kind)
        if width <= each:
            return self._by_rows(node, parts)
        made = []
        for start in range(0, width, each):
            mine = [Held(p.source, p.at[:, start : start + each]) for p in parts]
            reg = self._by_rows(node, mine)
            made.append(Held(reg, np.arange(mine[0].at.shape[1])))
        which = np.repeat(np.arange(len(made)), [part.at.size for part in made])
        return self.full(self.merged(made, which, np.concatenate([part.at for part in made])))

    def _by_rows(self, node: Node, parts: Sequence[Held]) -> Reg:
        """One row after the other, several sums side by side, each a vector."""
        rows = len(parts[0].at)
        lanes = fitting(parts[0].at.shape[1])
        side = _ACCUMULATORS if rows >= 2 * _ACCUMULATORS else 1
        fused = len(parts) == 2 and parts[0].kind in ("float", "double")
        fused = fused and bool({"fma", "neon"} & self.features)
        totals: list[Reg] = []
        for row in range(rows):
            regs = [self.gathered(Held(p.source, p.at[row])) for p in parts]
            if len(totals) < side:
                totals.append(self._term(node, regs))
                continue
            old = totals[row % side]
            if fused:
                totals[row % side] = self.intrinsic("fma", *regs, old)
            else:
                totals[row % side] = reducing.combine(self, node, old, self._term(node, regs))
        total = totals[0]
        for other in totals[1:]:
            total = reducing.combine(self, node, total, other)
        return self.spread(total, lanes)

    def _by_halves(self, node: Node, parts: Sequence[Held]) -> Reg:
        """All at once: the upper half of the rows is combined with the lower half."""
        rows, width = parts[0].at.shape
        wide, deep = fitting(width), fitting(rows)
        regs = []
        for part in parts:
            at = np.full((deep, wide), -1)
            at[:rows, :width] = part.at
            flat = part.at.reshape(-1)
            if (flat == flat[0]).all():
                regs.append(self.element(part.source, int(flat[0])))
            else:
                regs.append(self.lanes(part.source, at.reshape(-1), wide * deep))
        total = self.spread(self._term(node, regs), wide * deep)
        if rows < deep:
            used = np.arange(deep * wide) < rows * wide
            bits = ", ".join(f"i1 {'true' if on else 'false'}" for on in used)
            nothing = reducing.identity(self, node)
            if node.primitive.name == "sum" and total.kind in FLOATS:
                nothing = self.const(-0.0, total.kind)
            total = self.select(Reg(f"<{bits}>", "i1", deep * wide, 0), total, nothing)
        while total.lanes > wide:
            half = total.lanes // 2
            if half == 1:
                low, high = self.element(total, 0), self.element(total, 1)
            else:
                low = self.lanes(total, np.arange(half), half)
                high = self.lanes(total, np.arange(half, 2 * half), half)
            total = reducing.combine(self, node, low, high)
        return total

    # *** elements by index ***

    def _gather(self, node: Node) -> Held:
        x, *indices = node.operands
        known = [i.value for i in indices if isinstance(i, Literal)]
        if len(known) == len(indices):
            held = self.of(x)
            try:
                at = node.primitive.evaluate(held.at, *known, **node.settings)
            except IndexError:
                raise DeclinedError from None  # reported where the index is used
            return Held(held.source, np.asarray(at))
        source = self.given(x)
        if isinstance(source, Held):
            source = self.spilled(source, x.type.dtype)
        axes = node.attributes[0]
        common = indices[0].type.shape
        steps: Reg | None = None
        for number, (operand, axis) in enumerate(zip(indices, axes, strict=True), 1):
            part = self.op(
                "mul nsw",
                self._checked(node, number, self.full(self.of(operand)), prod(common)),
                self.const(source.strides[axis], "i64"),
            )
            steps = part if steps is None else self.op("add nsw", steps, part)
        assert steps is not None
        which, at = self._blocks(source, axes, common)
        kind = reg_type(source.dtype)
        if kind is None:
            raise DeclinedError
        name, level = self.pointer(source)
        nowhere = np.zeros(0, np.int64)
        parts: list[Held] = []
        for number in range(prod(common)):
            step = self.element(steps, number)
            moved = self.make(
                "ptr",
                1,
                max(level, step.level),
                f"getelementptr inbounds {'i8' if kind == 'i1' else kind}, ptr {name}, "
                f"i64 {step.name}",
            )
            memory = Memory(moved.name, kind, moved.level)
            mine = which == number
            if prod(common) == 1:
                return Held(memory, at)
            # Every row becomes a register of its own before they are put together.
            row = self.gathered(Held(memory, at[mine]))
            at[mine] = np.arange(np.count_nonzero(mine)) if row.lanes > 1 else 0
            parts.append(Held(row, nowhere))
        return self.merged(parts, which, at)

    def _blocks(
        self, place: Place, axes: tuple[int, ...], common: tuple[int, ...]
    ) -> tuple[Positions, Positions]:
        """For each element of a gather's result: the number of its index, its place there."""
        adjacent = axes == tuple(range(axes[0], axes[0] + len(axes)))
        start = axes[0] if adjacent else 0
        rest = [i for i in range(len(place.shape)) if i not in axes]
        shape = [place.shape[i] for i in rest]
        shape[start:start] = common
        if prod(shape) > MOST_BYTES:
            raise DeclinedError
        at = np.full((), place.offset, np.int64)
        for i in rest:
            at = at[..., None] + np.arange(place.shape[i]) * place.strides[i]
        full = at.reshape(at.shape[:start] + (1,) * len(common) + at.shape[start:])
        number = np.arange(prod(common)).reshape((1,) * start + common + (1,) * (len(rest) - start))
        return np.broadcast_to(number, shape).copy(), np.broadcast_to(full, shape).copy()

    def _checked(self, node: Node, which: int, raw: Reg, count: int) -> Reg:
        """Indices made positive and kept inside; the worst ones are remembered."""
        operand = node.operands[which]
        extent = node.operands[0].type.shape[node.attributes[0][which - 1]]
        if operand.type.dtype.kind not in "iu":
            raise DeclinedError
        if raw.kind != "i64":
            raw = self.convert("sext" if operand.type.dtype.kind == "i" else "zext", raw, "i64")
        if count < raw.lanes:
            used = ", ".join(f"i1 {'true' if k < count else 'false'}" for k in range(raw.lanes))
            raw = self.select(Reg(f"<{used}>", "i1", raw.lanes, 0), raw, self.const(0, "i64"))
        self._watch(node, which, raw)
        negative = self.op("icmp slt", raw, self.const(0, "i64"), kind="i1")
        wrapped = self.select(negative, self.op("add", raw, self.const(extent, "i64")), raw)
        return self.intrinsic("umin", wrapped, self.const(extent - 1, "i64"))

    def _watch(self, node: Node, which: int, raw: Reg) -> None:
        key = (node, which, raw.lanes)
        slots = self.checks.get(key)
        if slots is None:
            slots = []
            for _ in range(2):
                name = self.fresh("seen")
                self.allocas.append(f"{name} = alloca {raw.type}, align 64")
                self.allocas.append(f"store {raw.type} zeroinitializer, ptr {name}, align 64")
                slots.append(name)
            self.checks[key] = slots
        for slot, name in zip(slots, ("smin", "smax"), strict=True):
            level = max(raw.level, self.floor)
            old = self.make("i64", raw.lanes, level, f"load {raw.type}, ptr {slot}, align 64")
            new = self.intrinsic(name, old, raw)
            self.line(f"store {raw.type} {new.name}, ptr {slot}, align 64", level)


def _sum_of(dtype: np.dtype[Any]) -> Node:
    """The sum inside a matrix product, as a node that reductions can ask."""
    x, total = Value(ArrayType((1,), dtype)), Value(ArrayType((), dtype))
    return Node(primitives["sum"], (x,), ((0,),), (total,))


def _unique(tables: list[Positions]) -> tuple[int, Positions, Positions]:
    """How many columns differ, the first place of each, and which of them each column is."""
    if len(tables) == 1:
        _, first, inverse = np.unique(tables[0], return_index=True, return_inverse=True)
    else:
        stacked = np.stack(tables)
        _, first, inverse = np.unique(stacked, axis=1, return_index=True, return_inverse=True)
    return len(first), first, inverse.reshape(-1)
