"""Product tiles by outer products: an element of A times vectors of B's columns."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from adjoint.lower.products_edge import asker, call_edge
from adjoint.lower.products_text import Text, transposed, turned, vector_type
from adjoint.lower.products_tile import (
    Split,
    Spread,
    Tiling,
    lanes_for,
    outer_cost,
    tile,
    transpose_cost,
)

if TYPE_CHECKING:
    from adjoint.lower.products import Plan

# Multiply-adds written out in one turn of the loop over k.
_UNROLLED = 24
# A panel of B whose rows are this many bytes apart is copied if so many tiles and turns use it.
_FAR, _TILES_PER_COPY, _TURNS = 1024, 80, 64


@dataclass(frozen=True)
class _Width:
    """The vectors of a tile: how many full ones, then the lanes and used lanes of the last."""

    full: int
    lanes: int = 0
    used: int = 0

    def each(self, lanes: int) -> list[tuple[int, int, int]]:
        """(first column, lanes, used lanes) of every vector."""
        vectors = [(v * lanes, lanes, lanes) for v in range(self.full)]
        if self.used:
            vectors.append((self.full * lanes, self.lanes, self.used))
        return vectors


def write(text: Text, plan: Plan) -> int:
    """Write the body of the function; gives the number of units."""
    shape = plan.shape
    tiling = tiling_of(plan)
    buffer = ""
    if plan.edge and not plan.edge.kept:
        tall, wide = tile_extents(plan)
        target = text.make(f"alloca [{tall * wide} x {shape.kind}], align 64")
        plan = replace(plan, target=target)
    if _is_packed(plan):
        most = buffer_bytes(plan) // shape.size
        buffer = text.make(f"alloca [{most} x {shape.kind}], align 64")
        apart = shape.b_strides[1] != 1
        text.functions.append(_pack(plan, tiling) if apart else _copy(plan, tiling))
    text.loop(
        "%begin", "%end", [], lambda unit, _: _unit(text, plan, tiling, unit, buffer), checked=True
    )
    return tiling.units


def tile_extents(plan: Plan) -> tuple[int, int]:
    """Rows of the largest tile of outputs, and its columns in whole vectors."""
    tiling = tiling_of(plan)
    along = max(tiling.vectors.lengths()) * tiling.lanes
    if plan.turned:
        return along, lanes_for(plan.shape.m, plan.shape.size, plan.vector_bytes)
    return max(tiling.rows.lengths()), along


def cost(plan: Plan) -> float:
    """Estimated cycles."""
    shape = plan.shape
    tiling = tiling_of(plan)
    total = outer_cost(tiling, plan.depth or shape.k)
    if _is_packed(plan):
        k = plan.depth or shape.k
        apart = shape.b_strides[1] != 1
        total += transpose_cost(k, shape.n, tiling.lanes) if apart else k * tiling.vectors.total
    if plan.turned:
        total += tiling.rows.parts * transpose_cost(1, shape.n, tiling.lanes)
    return total


def buffer_bytes(plan: Plan) -> int:
    """Bytes on the stack for a panel of a transposed B; 0 if B is read where it lies."""
    if not _is_packed(plan):
        return 0
    tiling = tiling_of(plan)
    return max(tiling.vectors.lengths()) * tiling.lanes * max(plan.shape.k, 1) * plan.shape.size


def _is_packed(plan: Plan) -> bool:
    """Whether a panel of op(B) is copied first: its columns lie apart, or its rows too far."""
    if plan.shape.n == 1:
        return False
    return plan.shape.b_strides[1] != 1 or _is_scattered(plan)


def _is_scattered(plan: Plan) -> bool:
    """Whether rows of B are pages apart and there is work enough to pay for a copy."""
    shape = plan.shape
    many = tiling_of(plan).rows.parts >= _TILES_PER_COPY
    return many and shape.b_strides[0] * shape.size >= _FAR and (plan.depth or shape.k) >= _TURNS


def tiling_of(plan: Plan) -> Tiling:
    """How the outputs are cut into tiles."""
    shape = plan.shape
    lanes = lanes_for(shape.n, shape.size, plan.vector_bytes)
    most_rows = lanes if plan.turned else shape.m
    return tile(shape, lanes, plan.registers, most_rows, plan.depth)


def run_start(text: Text, split: Split, number: str) -> tuple[str, str]:
    """Where a run starts, and whether (1 or 0) it is one of the longer ones."""
    if split.parts == 1 and number == "0":
        return "0", "0"
    start = text.times(number, split.short)
    if not split.longer:
        return start, "0"
    if isinstance(split, Spread):
        here, after = (
            text.make(f"udiv i64 {text.times(i, split.total)}, {split.parts}")
            for i in (number, text.plus(number, "1"))
        )
        length = text.make(f"sub i64 {after}, {here}")
        return here, text.make(f"sub i64 {length}, {split.short}")
    is_longer = text.make(f"icmp slt i64 {number}, {split.longer}")
    before = text.make(f"select i1 {is_longer}, i64 {number}, i64 {split.longer}")
    return text.plus(start, before), text.make(f"zext i1 {is_longer} to i64")


def _unit(text: Text, plan: Plan, tiling: Tiling, unit: str, buffer: str) -> list[str]:
    """One tile: find its place, choose the code for its size, write each size's code."""
    tiles = tiling.rows.parts
    panel = text.make(f"udiv i64 {unit}, {tiles}") if tiles > 1 else unit
    number = text.make(f"urem i64 {unit}, {tiles}") if tiles > 1 else "0"
    row, tall = run_start(text, tiling.rows, number)
    vector, wide = run_start(text, tiling.vectors, panel)
    column = text.times(vector, tiling.lanes)

    heights = sorted(set(tiling.rows.lengths()))
    lengths = tiling.vectors.lengths()
    widths = [_Width(v) for v in sorted(set(lengths))]
    which, is_last = wide, ""
    if tiling.last < tiling.lanes:
        last_lanes = tiling.lanes
        while last_lanes > 2 and last_lanes // 2 >= tiling.last:
            last_lanes //= 2
        final = _Width(lengths[-1] - 1, last_lanes, tiling.last)
        if len(lengths) == 1:
            widths = [final]
        else:
            if len(set(lengths[:-1])) < len(widths):
                # The last panel alone had that width.
                widths, which = [_Width(lengths[0])], "0"
            is_last = text.make(f"icmp eq i64 {panel}, {len(lengths) - 1}")
            which = text.make(f"select i1 {is_last}, i64 {len(widths)}, i64 {which}")
            widths = [*widths, final]
    if buffer:
        started = text.make(f"icmp eq i64 {unit}, %begin")
        first = text.make(f"icmp eq i64 {number}, 0")
        needed = text.make(f"or i1 {started}, {first}")
        label = text.fresh("P")
        text.line(f"br i1 {needed}, label %{label}, label %{label}.done")
        text.start(label)
        count = text.plus(wide, str(tiling.vectors.short))
        text.line(f"call void {plan.symbol}.pack(ptr %b, ptr {buffer}, i64 {column}, i64 {count})")
        text.line(f"br label %{label}.done")
        text.start(f"{label}.done")
    case = text.plus(text.times(which, len(heights)), tall if len(heights) > 1 else "0")
    cases = [
        partial(_tile, text, plan, tiling, height, width, row, column, buffer)
        for width, height in itertools.product(widths, heights)
    ]
    text.choose(case, cases)
    return []


def _tile(
    text: Text,
    plan: Plan,
    tiling: Tiling,
    rows: int,
    width: _Width,
    row: str,
    column: str,
    buffer: str,
) -> None:
    """Some rows by the vectors of a width."""
    shape = plan.shape
    kind = shape.kind
    vectors = width.each(tiling.lanes)
    to_row, along_a = shape.a_strides
    along_b = max(tiling.vectors.lengths()) * tiling.lanes if buffer else shape.b_strides[0]
    a = text.at(kind, "%a", text.times(row, to_row))
    b = buffer or text.at(kind, "%b", column)
    widest = max(lanes for _, lanes, _ in vectors)

    def step(a: str, b: str, offset: int, sums: list[str]) -> list[str]:
        at_b = text.at(kind, b, str(offset * along_b))
        columns = [
            text.load(kind, lanes, text.at(kind, at_b, str(first)), lanes if buffer else used)
            for first, lanes, used in vectors
        ]
        new = []
        for r in range(rows):
            pointer = text.at(kind, a, str(r * to_row + offset * along_a))
            x = text.spread(kind, widest, pointer)
            for v, (_, lanes, _) in enumerate(vectors):
                part = x if lanes == widest else text.shuffle(kind, widest, x, x, range(lanes))
                new.append(text.fma(kind, lanes, part, columns[v], sums[r * len(vectors) + v]))
        return new

    types = [vector_type(kind, lanes) for _, lanes, _ in vectors] * rows
    sums = ["zeroinitializer" if type_[0] == "<" else "0.0" for type_ in types]
    turns = max(1, min(shape.k, _UNROLLED // len(sums)))
    whole = shape.k // turns
    if whole > 1:
        covered = sum(used for _, _, used in vectors)
        ask = asker(text, plan, [(row, rows), (column, covered)], whole)

        def turn(number: str, values: list[str]) -> list[str]:
            a, b, *sums = values
            ask(number)
            for offset in range(turns):
                sums = step(a, b, offset, sums)
            return [
                text.at(kind, a, str(turns * along_a)),
                text.at(kind, b, str(turns * along_b)),
                *sums,
            ]

        first = [("ptr", a), ("ptr", b), *zip(types, sums, strict=True)]
        a, b, *sums = text.loop("0", str(whole), first, turn)
    else:
        whole = 0
    for offset in range(shape.k - whole * turns):
        sums = step(a, b, offset, sums)
    if plan.edge is None:
        _finish(text, plan, vectors, sums, row, column)
        return
    covered = sum(used for _, _, used in vectors)
    if plan.edge.kept:
        _finish(text, plan, vectors, sums, row, column)
    else:
        # The tile alone, on the stack.
        lead = tile_extents(plan)[1]
        here = replace(plan, shape=replace(shape, ldc=lead))
        _finish(text, here, vectors, sums, "0", "0")
    area = [(row, rows), (column, covered)]
    call_edge(text, plan, area[::-1] if plan.turned else area, tile_extents(plan)[1])


def _finish(
    text: Text,
    plan: Plan,
    vectors: list[tuple[int, int, int]],
    sums: list[str],
    row: str,
    column: str,
) -> None:
    """Store a tile."""
    if plan.turned:
        _finish_turned(text, plan, vectors, sums, row, column)
        return
    rows = len(sums) // len(vectors)
    for r, (v, (first_column, lanes, used)) in itertools.product(range(rows), enumerate(vectors)):
        plan.finish(
            text,
            sums[r * len(vectors) + v],
            lanes,
            used,
            text.plus(row, str(r)),
            text.plus(column, str(first_column)),
        )


def _finish_turned(
    text: Text,
    plan: Plan,
    vectors: list[tuple[int, int, int]],
    sums: list[str],
    row: str,
    column: str,
) -> None:
    """Transpose a tile of the mirrored product, so that its rows are the columns of C."""
    kind = plan.shape.kind
    for v, (first_column, lanes, used) in enumerate(vectors):
        block = sums[v :: len(vectors)]
        for j, (value, wide) in enumerate(turned(text, kind, lanes, block)[:used]):
            across = text.plus(column, str(first_column + j))
            plan.finish(text, value, wide, len(block), across, row)


# *** a panel of a transposed B ***


def _pack(plan: Plan, tiling: Tiling) -> str:
    """Columns of op(B), which lie along rows in memory, side by side: buffer[k, columns].

    A function of its own: beside the many registers of a transpose, the register allocator
    has been seen to keep a tile's accumulators in memory.
    """
    text = Text()
    column, vectors, buffer = "%column", "%vectors", "%buffer"
    shape = plan.shape
    lanes = tiling.lanes
    lead = max(tiling.vectors.lengths()) * lanes
    after = text.plus(column, text.times(vectors, lanes))
    inside = str(shape.n // lanes * lanes)
    if shape.n % lanes:
        below = text.make(f"icmp slt i64 {after}, {inside}")
        after = text.make(f"select i1 {below}, i64 {after}, i64 {inside}")
    full = text.make(f"sub i64 {after}, {column}")
    full = text.make(f"sdiv i64 {full}, {lanes}")

    def vector(number: str, count: int) -> None:
        place = text.times(number, lanes)
        here = text.plus(column, place)
        source = text.at(shape.kind, "%b", text.times(here, shape.b_strides[1]))
        target = text.at(shape.kind, buffer, place)
        blocks, left = divmod(shape.k, lanes)

        def block(turn: str, along: int) -> None:
            first = text.times(turn, lanes)
            start = text.at(shape.kind, source, first)
            end = text.at(shape.kind, target, text.times(first, lead))
            _transpose(text, plan, lanes, start, end, (count, along, lead))

        if blocks:
            text.loop("0", str(blocks), [], lambda turn, _: block(turn, lanes))
        if left:
            block(str(blocks), left)

    text.loop("0", full, [], lambda number, _: vector(number, lanes), checked=True)
    if shape.n % lanes:
        is_short = text.make(f"icmp slt i64 {full}, {vectors}")
        text.loop(
            "0",
            text.make(f"zext i1 {is_short} to i64"),
            [],
            lambda _, __: vector(full, shape.n % lanes),
            checked=True,
        )
    return _packer(plan, text)


def _copy(plan: Plan, tiling: Tiling) -> str:
    """Columns of op(B) from rows that lie far apart, side by side: buffer[k, columns]."""
    text = Text()
    shape, lanes = plan.shape, tiling.lanes
    lead = max(tiling.vectors.lengths()) * lanes
    left = shape.n % lanes
    after = text.plus("%column", text.times("%vectors", lanes))
    full = "%vectors"
    if left:
        is_short = text.make(f"icmp sgt i64 {after}, {shape.n}")
        short = text.make(f"zext i1 {is_short} to i64")
        full = text.make(f"sub i64 %vectors, {short}")
    start = text.at(shape.kind, "%b", "%column")

    def row(number: str, _: list[str]) -> list[str]:
        source = text.at(shape.kind, start, text.times(number, shape.b_strides[0]))
        target = text.at(shape.kind, "%buffer", text.times(number, lead))

        def vector(which: str, used: int) -> list[str]:
            first = text.times(which, lanes)
            value = text.load(shape.kind, lanes, text.at(shape.kind, source, first), used)
            text.store(shape.kind, lanes, value, text.at(shape.kind, target, first), lanes)
            return []

        text.loop("0", full, [], lambda which, _: vector(which, lanes), checked=True)
        if left:
            text.loop("0", short, [], lambda _, __: vector(full, left), checked=True)
        return []

    text.loop("0", str(shape.k), [], row)
    return _packer(plan, text)


def _packer(plan: Plan, text: Text) -> str:
    body = "\n  ".join([*text.lines, "ret void"])
    return (
        f"define internal void {plan.symbol}.pack(ptr noalias %b, ptr noalias %buffer, "
        f"i64 %column, i64 %vectors) noinline nounwind {{\nentry:\n  {body}\n}}\n"
    )


def _transpose(
    text: Text, plan: Plan, lanes: int, source: str, target: str, extents: tuple[int, int, int]
) -> None:
    """A square block: ``count`` rows of ``along`` elements become columns."""
    count, along, lead = extents
    shape = plan.shape
    rows = [
        text.load(
            shape.kind, lanes, text.at(shape.kind, source, str(i * shape.b_strides[1])), along
        )
        if i < count
        else "zeroinitializer"
        for i in range(lanes)
    ]
    rows = transposed(text, shape.kind, lanes, rows)
    for j in range(along):
        text.store(shape.kind, lanes, rows[j], text.at(shape.kind, target, str(j * lead)), lanes)
