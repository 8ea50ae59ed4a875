"""Kernels: nests of loops that compute several values in one pass over memory.

A kernel runs over a *space* of axes. Its first ``prefix`` axes are shared by all its stages;
a stage either stores values for every point of the space, or reduces the remaining axes. So a
softmax is one kernel: for each row, a maximum, a sum of exponentials, and the quotients.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from typing import Any

from adjoint.graph.graph import Node, Operand, Value
from adjoint.lower import reduce as reducing
from adjoint.lower.emit import Reg, join, number_type, parts
from adjoint.lower.expr import Indices, Writer
from adjoint.lower.index import ZERO, Index, Var, dot, var_index
from adjoint.lower.layout import Place
from adjoint.lower.widths import bytes_of, counts, fitting

_UNROLL = 4  # accumulators side by side, so that additions need not wait for each other
_ACCUMULATORS = 8  # vectors of the machine that they may take
_MOST_PIECES = 6  # of a loop that is cut
_LONG = 7  # vectors of a loop whose ends, shorter than a vector, are written apart
_MAIN = 0.9  # of a loop that threads share: the part that they do, one of them does the rest
_WIDEST = 16  # lanes at most, however narrow the elements


@dataclass(eq=False, slots=True)
class Stage:
    """Values computed in the same innermost loops."""

    reduces: bool
    nodes: list[Node] = field(default_factory=list)


@dataclass(eq=False, slots=True)
class Kernel:
    """See the module. ``order`` says which axis of the reduced operand each axis is."""

    space: tuple[int, ...]
    prefix: int
    order: tuple[int, ...]
    stages: list[Stage] = field(default_factory=list)
    stores: dict[Value, Place] = field(default_factory=dict)
    price: int = 0
    label: str = ""
    # Filled in by probing: what is read where, and the loops that remain.
    reads: list[tuple[Operand, bool]] = field(default_factory=list)
    cuts: dict[int, list[int]] = field(default_factory=dict)  # by axis: where parts begin
    other_rows: list[Operand] = field(default_factory=list)  # read elsewhere than in row i for i
    groups: list[list[int]] = field(default_factory=list)
    lanes: int = 1
    vectors: int = 1  # of the machine that one of those lanes takes
    across: bool = False  # vectors along the reduced axes, not the kept ones
    shared: int = 0  # steps of the outermost loop, if threads share it; 0: one thread does all
    block: int = 0  # steps of the outermost loop that make a partial result
    partials: dict[Value, Place] = field(default_factory=dict)

    @property
    def nodes(self) -> list[Node]:
        """The nodes of all stages in order."""
        return [node for stage in self.stages for node in stage.nodes]

    @property
    def size(self) -> int:
        """The number of points."""
        size = 1
        for extent in self.space:
            size *= extent
        return size


def kept_indices(kernel: Kernel, node: Node, at: Sequence[Index]) -> Indices:
    """The indices of a reduction's result: the kept axes."""
    return tuple(at[: len(node.output.type.shape)])


class KernelWriter:
    """Writes one kernel, for real or to find out what it reads."""

    def __init__(self, kernel: Kernel, writer: Writer) -> None:
        self.kernel = kernel
        self.w = writer
        self.base = dict(writer.inline)
        self.outermost = False
        self.inner: list[list[int]] = []
        self.stretch: tuple[Index, int] | None = None  # of the first reduced loop, in blocks
        self.number = ZERO

    # *** probing ***

    def probe(self) -> list[Var]:
        """Fill in the kernel's reads and vector width; gives a variable for each axis."""
        kernel, w = self.kernel, self.w
        variables = [Var(f"%p{i}", n, 0) for i, n in enumerate(kernel.space)]
        at = [ZERO if v.extent == 1 else var_index(v) for v in variables]
        widest = 1
        for stage in kernel.stages:
            for node in stage.nodes:
                if not stage.reduces:
                    w.inline = {**self.base, **{n.output: n for n in stage.nodes}}
                    self._map_probe(node, at)
                else:
                    w.inline = self.base
                    w.eval(node.operands[0], self._source(at))
                    kind = number_type(node.output.type.dtype)
                    assert kind is not None
                    w.rows[node.output] = w.const(0, kind)
                    if node.output in kernel.stores:
                        place = kernel.stores[node.output]
                        w.forms.add(dot(kept_indices(kernel, node, at), place.strides))
        exact = {}
        for node in kernel.nodes:
            if node.output in kernel.stores and node.output.type.shape == kernel.space:
                place = kernel.stores[node.output]
                exact[node.output] = dot(at, place.strides, place.offset)
        identities = set(exact.values())
        for operand, where in w.reads:
            widest = max(widest, bytes_of(operand.type.dtype) if counts(operand) else 1)
            kernel.reads.append((operand, where in identities))
        for axis, variable in enumerate(variables):
            kernel.cuts[axis] = sorted(at for v, at in w.cuts if v is variable)
        kernel.other_rows += [x for x, row in w.rows_read if not at or row != at[0]]
        for node in kernel.nodes:
            widest = max(widest, bytes_of(node.output.type.dtype))
        width = 64 if "avx512f" in w.features else 32 if "avx2" in w.features else 16
        kernel.lanes = min(_WIDEST, max(width // widest, 2))
        return variables

    def _map_probe(self, node: Node, at: Sequence[Index]) -> None:
        reg = self.w.eval(node.output, tuple(at))
        place = self.kernel.stores.get(node.output)
        if place is not None:
            self.w.store(place, dot(at, place.strides, place.offset), reg)

    # *** writing ***

    def write(self) -> None:
        """The kernel's loops, into the writer."""
        kernel = self.kernel
        kept = [g for g in kernel.groups if g[-1] < kernel.prefix]
        self.inner = [g for g in kernel.groups if g[-1] >= kernel.prefix]
        at: list[Index] = [ZERO] * len(kernel.space)
        self.outermost = bool(kernel.shared)
        if kernel.block:
            self._blocks(at)
            return
        self._nest(kept, at, not kernel.across, self._stages)

    def write_tile(self, split: int) -> None:
        """The part of a map between two rows and two columns, registers of the function.

        Rows run along the axes before ``split``, columns along those from there on.
        """
        axes = list(range(len(self.kernel.space)))
        rows, columns = axes[:split], axes[split:]
        lanes = self.kept_lanes(self._extent(columns))
        self.w.line(f"%column.whole = and i64 %column.end, {-lanes}")
        self.w.line("%last = icmp ult i64 %column.whole, %column.end")
        at: list[Index] = [ZERO] * len(axes)

        def row(index: Index) -> None:
            here = self._place(rows, index, at)
            self.w.vector_loop(
                self._extent(columns),
                lanes,
                lambda i: self._stages(self._place(columns, i, here)),
                between=("%column", "%column.whole"),
            )

        self.w.loop(self._extent(rows), row, between=("%row", "%row.end"))

    def _blocks(self, at: Sequence[Index]) -> None:
        """Partial results of fixed stretches, whoever computes them: the same bits always."""
        kernel = self.kernel
        extent = self._extent(self.inner[0])
        whole, rest = divmod(extent, kernel.block)

        def one(index: Index, size: int) -> None:
            self.stretch, self.number = (index * kernel.block, size), index
            self._stages(at)

        self.outermost = False
        self.w.loop(whole, lambda i: one(i, kernel.block), shared=bool(kernel.shared))
        if rest and kernel.shared:
            self.w.when("%last", lambda: one(Index(whole), rest))
        elif rest:
            one(Index(whole), rest)

    def _extent(self, group: list[int]) -> int:
        if self.stretch is not None and group is self.inner[0]:
            return self.stretch[1]
        size = 1
        for axis in group:
            size *= self.kernel.space[axis]
        return size

    def _place(self, group: list[int], index: Index, at: Sequence[Index]) -> list[Index]:
        """Indices of the merged axes from the index of their common loop."""
        found = list(at)
        step = 1
        if self.stretch is not None and group is self.inner[0]:
            index = index + self.stretch[0]
        for n, axis in enumerate(reversed(group)):
            extent = self.kernel.space[axis]
            part = index.div(step)
            found[axis] = part if n == len(group) - 1 else part.mod(extent)
            step *= extent
        return found

    def _nest(self, groups: list[list[int]], at: Sequence[Index], vector: bool, body: Any) -> None:
        """Loops over groups of axes, the last one in vectors if asked."""
        if not groups:
            body(at)
            return
        group, rest = groups[0], groups[1:]
        extent = self._extent(group)

        def inside(index: Index, start: int = 0) -> None:
            self._nest(rest, self._place(group, index + start, at), vector, body)

        shared, self.outermost = self.outermost, False
        lanes = self.kept_lanes(extent) if vector and not rest else 0
        pieces = self._pieces(group, extent)
        longest = max(length for _, length in pieces)
        ends = lanes and any(length < lanes for _, length in pieces)
        if (ends and longest < _LONG * lanes) or (shared and lanes and longest < extent * _MAIN):
            pieces, longest = [(0, extent)], extent
        for start, length in pieces:
            piece, cut = partial(inside, start=start), length < extent
            if not lanes:
                self.w.loop(length, piece, shared=shared, before=start if cut else None)
            elif not shared:
                self.w.vector_loop(length, self.kept_lanes(length), piece)
            elif length == longest:
                self.w.vector_loop(length, lanes, piece, shared=True, piece=cut)
            else:  # an end of a loop that threads share
                ending = partial(self.w.vector_loop, length, self.kept_lanes(length), piece)
                self.w.when("%last", ending)

    def _pieces(self, group: list[int], extent: int) -> list[tuple[int, int]]:
        """(start, length) of the parts of a loop: cut where a joined array's parts begin.

        In each part it is known which of the joined arrays an element comes from.
        """
        in_stretch = self.stretch is not None and group is self.inner[0]
        cuts = self.kernel.cuts.get(group[0], ()) if len(group) == 1 and not in_stretch else ()
        ends = [0, *cuts, extent]
        pieces = [(a, b - a) for a, b in pairwise(ends)]
        return pieces if len(pieces) <= _MOST_PIECES else [(0, extent)]

    def kept_lanes(self, extent: int) -> int:
        """Lanes along a kept axis."""
        return min(self.kernel.lanes, fitting(extent))

    def _source(self, at: Sequence[Index]) -> Indices:
        """Indices of the reduced operand from those of the space."""
        source = [ZERO] * len(self.kernel.order)
        for axis, index in zip(self.kernel.order, at, strict=True):
            source[axis] = index
        return tuple(source)

    def _stages(self, at: Sequence[Index]) -> None:
        for stage in self.kernel.stages:
            if stage.reduces:
                self.w.inline = self.base
                self._reduce(stage, at)
            else:
                self.w.inline = {**self.base, **{n.output: n for n in stage.nodes}}
                self._nest(self.inner, at, self.kernel.across, lambda i, s=stage: self._map(s, i))

    def _map(self, stage: Stage, at: Sequence[Index]) -> None:
        made = [
            (node.output, self.w.eval(node.output, tuple(at)))
            for node in stage.nodes
            if node.output in self.kernel.stores
        ]
        for value, reg in made:
            place = self.kernel.stores[value]
            self.w.store(place, dot(at, place.strides, place.offset), reg)

    def _reduce(self, stage: Stage, at: Sequence[Index]) -> None:
        w, kernel = self.w, self.kernel
        outer = w.vector
        lanes = kernel.lanes if kernel.across else outer.lanes
        if kernel.across and self.inner:
            lanes = min(lanes, fitting(self._extent(self.inner[-1])))
        extent = self._extent(self.inner[-1]) if self.inner else 1
        wide = lanes if kernel.across else 1
        taken = max(1, lanes * kernel.vectors // kernel.lanes)
        copies = max(1, min(_UNROLL, _ACCUMULATORS // taken)) if extent >= wide * _UNROLL else 1
        slots = []
        for node in stage.nodes:
            first, kind = reducing.identity(w, node), reducing.accumulator_kind(node)
            slots.append([w.slot(kind, lanes, first) for _ in range(copies)])

        def add(index: Sequence[Index], copy: int) -> None:
            for node, mine in zip(stage.nodes, slots, strict=True):
                kind = reducing.accumulator_kind(node)
                source, used = self._source(index), w.vector.lanes
                old = w.read(mine[copy], kind, lanes)
                operand = node.operands[0]
                inner = w.inline.get(operand) if isinstance(operand, Value) else None
                factors = reducing.fused_factors(w, node, inner)
                if factors is not None and used == lanes:
                    x, y = (w.eval(f, source) for f in factors)
                    new = w.intrinsic("fma", x, y, old)
                    if kernel.across and w.vector.mask is not None:
                        new = w.select(w.vector.mask, new, old)
                    w.write(mine[copy], w.spread(new, lanes))
                    continue
                reg = reducing.prepare(w, node, w.eval(operand, source))
                if kernel.across and w.vector.mask is not None:
                    reg = w.select(w.vector.mask, reg, reducing.identity(w, node))
                if used < lanes:
                    reg = _widened(w, w.spread(reg, used), lanes, reducing.identity(w, node))
                w.write(mine[copy], w.spread(reducing.combine(w, node, old, reg), lanes))

        def last(at: Sequence[Index]) -> None:
            if not self.inner:
                add(at, 0)
                return
            group = self.inner[-1]
            step = lanes * copies if kernel.across else copies
            done = extent - extent % step if copies > 1 else 0

            def block(index: Index) -> None:
                for copy in range(copies):
                    if kernel.across:
                        first = w.lanes_from(index + copy * lanes, lanes, lanes)
                    else:
                        first = index + copy
                    add(self._place(group, first, at), copy)

            w.loop(done, block, step)
            if not kernel.across:
                w.loop(extent - done, lambda i: add(self._place(group, i + done, at), 0))
                return
            w.vector_loop(extent, lanes, lambda i: add(self._place(group, i, at), 0), done)
            w.vector = outer

        self._nest(self.inner[:-1], at, False, last)
        w.vector = outer
        for node, mine in zip(stage.nodes, slots, strict=True):
            kind = reducing.accumulator_kind(node)
            total = w.read(mine[0], kind, lanes)
            for slot in mine[1:]:
                total = reducing.combine(w, node, total, w.read(slot, kind, lanes))
            if kernel.across:
                total = reducing.across(w, node, total)
            if kernel.block:
                w.store(kernel.partials[node.output], self.number, total)
                continue
            result = reducing.finish(w, node, total)
            where = kept_indices(kernel, node, at)
            w.rows[node.output] = result
            place = kernel.stores.get(node.output)
            if place is not None:
                w.store(place, dot(where, place.strides, place.offset), result)


def _widened(w: Writer, reg: Reg, lanes: int, rest: Reg) -> Reg:
    """A narrow vector (or one number) in the first lanes of a wide one, the rest neutral."""
    if reg.imag is not None:
        pairs = zip(parts(reg), parts(rest), strict=True)
        return join(w, *[_widened(w, x, lanes, y) for x, y in pairs])
    wide = w.spread(rest, lanes)
    if reg.lanes == 1:
        return w.make(
            reg.kind,
            lanes,
            reg.level,
            f"insertelement {wide.type} {wide.name}, {reg.kind} {reg.name}, i64 0",
        )
    picks = ", ".join(f"i32 {k if k < reg.lanes else 'poison'}" for k in range(lanes))
    long = w.make(
        reg.kind,
        lanes,
        reg.level,
        f"shufflevector {reg.type} {reg.name}, {reg.type} poison, <{lanes} x i32> <{picks}>",
    )
    bits = ", ".join(f"i1 {'true' if k < reg.lanes else 'false'}" for k in range(lanes))
    return w.select(Reg(f"<{bits}>", "i1", lanes, 0), long, wide)
