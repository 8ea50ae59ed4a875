"""Product tiles by outer products: an element of A times vectors of B's columns."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from adjoint.lower.products_text import Text, vector_type
from adjoint.lower.products_tile import Split, Tiling, lanes_for, tile

if TYPE_CHECKING:
    from adjoint.lower.products import Plan

# Multiply-adds written out in one turn of the loop over k.
_UNROLLED = 24


def write(text: Text, plan: Plan) -> int:
    """Write the body of the function; gives the number of units."""
    shape = plan.shape
    lanes = lanes_for(shape.n, shape.size, plan.vector_bytes)
    tiling = tile(shape.m, shape.n, shape.k, lanes, plan.registers)
    packed = shape.b_strides[1] != 1 and shape.n > 1
    buffer = "%b"
    if packed:
        most = max(tiling.vectors.lengths()) * lanes * max(shape.k, 1)
        buffer = text.make(f"alloca [{most} x {shape.kind}], align 64")
    text.loop(
        "%begin",
        "%end",
        [],
        lambda unit, _: _unit(text, plan, tiling, unit, buffer, packed),
        checked=True,
    )
    return tiling.units


def _run_start(text: Text, split: Split, number: str) -> tuple[str, str]:
    """Where a run starts, and whether (1 or 0) it is one of the longer ones."""
    if split.parts == 1:
        return "0", "0"
    start = text.times(number, split.short)
    if not split.longer:
        return start, "0"
    is_longer = text.make(f"icmp slt i64 {number}, {split.longer}")
    before = text.make(f"select i1 {is_longer}, i64 {number}, i64 {split.longer}")
    return text.plus(start, before), text.make(f"zext i1 {is_longer} to i64")


def _unit(
    text: Text, plan: Plan, tiling: Tiling, unit: str, buffer: str, packed: bool
) -> list[str]:
    """One tile: find its place, choose the code for its size, write each size's code."""
    tiles = tiling.rows.parts
    panel = text.make(f"udiv i64 {unit}, {tiles}") if tiles > 1 else unit
    number = text.make(f"urem i64 {unit}, {tiles}") if tiles > 1 else "0"
    row, tall = _run_start(text, tiling.rows, number)
    vector, wide = _run_start(text, tiling.vectors, panel)
    column = text.times(vector, tiling.lanes)

    heights = sorted(set(tiling.rows.lengths()))
    widths = [(v, tiling.lanes) for v in sorted(set(tiling.vectors.lengths()))]
    which = wide
    if tiling.last < tiling.lanes:
        final = (tiling.vectors.lengths()[-1], tiling.last)
        if tiling.vectors.parts == 1:
            widths = [final]
        else:
            if len(set(tiling.vectors.lengths()[:-1])) < len(widths):
                # The last panel alone had that width.
                widths = [(tiling.vectors.lengths()[0], tiling.lanes)]
                which = "0"
            is_last = text.make(f"icmp eq i64 {panel}, {tiling.vectors.parts - 1}")
            which = text.make(f"select i1 {is_last}, i64 {len(widths)}, i64 {which}")
            widths = [*widths, final]
    if packed:
        fresh = text.make(f"icmp eq i64 {unit}, %begin")
        first = text.make(f"icmp eq i64 {number}, 0")
        needed = text.make(f"or i1 {fresh}, {first}")
        label = text.fresh("P")
        text.line(f"br i1 {needed}, label %{label}, label %{label}.done")
        text.start(label)
        text.choose(
            which, [lambda w=w: _pack(text, plan, tiling.lanes, w, column, buffer) for w in widths]
        )
        text.line(f"br label %{label}.done")
        text.start(f"{label}.done")
    case = text.plus(text.times(which, len(heights)), tall if len(heights) > 1 else "0")
    text.choose(
        case,
        [
            lambda w=w, h=h: _tile(text, plan, tiling.lanes, h, w, row, column, buffer, packed)
            for w, h in itertools.product(widths, heights)
        ],
    )
    return []


def _tile(
    text: Text,
    plan: Plan,
    lanes: int,
    rows: int,
    width: tuple[int, int],
    row: str,
    column: str,
    buffer: str,
    packed: bool,
) -> None:
    """``rows`` rows by ``width[0]`` vectors, ``width[1]`` lanes of the last of them used."""
    shape = plan.shape
    vectors, last = width
    kind = shape.kind
    type_ = vector_type(kind, lanes)
    to_row, along_a = shape.a_strides
    along_b = vectors * lanes if packed else shape.b_strides[0]
    a = text.at(kind, "%a", text.times(row, to_row))
    b = buffer if packed else text.at(kind, "%b", column)
    used = [lanes] * (vectors - 1) + [lanes if packed else last]

    def step(a: str, b: str, offset: int, sums: list[str]) -> list[str]:
        at_b = text.at(kind, b, str(offset * along_b))
        columns = [
            text.load(kind, lanes, text.at(kind, at_b, str(v * lanes)), used[v])
            for v in range(vectors)
        ]
        new = []
        for r in range(rows):
            x = text.spread(kind, lanes, text.at(kind, a, str(r * to_row + offset * along_a)))
            for v in range(vectors):
                new.append(text.fma(kind, lanes, x, columns[v], sums[r * vectors + v]))
        return new

    sums = ["zeroinitializer" if lanes > 1 else "0.0"] * (rows * vectors)
    turns = max(1, min(shape.k, _UNROLLED // (rows * vectors)))
    whole = shape.k // turns
    if whole > 1:

        def turn(_: str, values: list[str]) -> list[str]:
            a, b, *sums = values
            for offset in range(turns):
                sums = step(a, b, offset, sums)
            return [
                text.at(kind, a, str(turns * along_a)),
                text.at(kind, b, str(turns * along_b)),
                *sums,
            ]

        first = [("ptr", a), ("ptr", b), *[(type_, s) for s in sums]]
        a, b, *sums = text.loop("0", str(whole), first, turn)
        left = shape.k - whole * turns
    else:
        left = shape.k
    for offset in range(left):
        sums = step(a, b, offset, sums)
    for r, v in itertools.product(range(rows), range(vectors)):
        plan.finish(
            text,
            sums[r * vectors + v],
            lanes,
            last if v == vectors - 1 else lanes,
            text.plus(row, str(r)),
            text.plus(column, str(v * lanes)),
        )


# *** a panel of a transposed B ***


def _pack(
    text: Text, plan: Plan, lanes: int, width: tuple[int, int], column: str, buffer: str
) -> None:
    """Columns of op(B), which lie along rows in memory, side by side: buffer[k, columns]."""
    shape = plan.shape
    vectors, last = width
    lead = vectors * lanes
    for v in range(vectors):
        here = text.plus(column, str(v * lanes))
        source = text.at(shape.kind, "%b", text.times(here, shape.b_strides[1]))
        target = text.at(shape.kind, buffer, str(v * lanes))
        count = last if v == vectors - 1 else lanes
        blocks = shape.k // lanes

        def block(
            number: str, _: list[str], source: str = source, target: str = target, n: int = count
        ) -> list[str]:
            first = text.times(number, lanes)
            _transpose(
                text,
                plan,
                lanes,
                text.at(shape.kind, source, first),
                text.at(shape.kind, target, text.times(first, lead)),
                (n, lanes, lead),
            )
            return []

        if blocks:
            text.loop("0", str(blocks), [], block)
        left = shape.k - blocks * lanes
        if left:
            _transpose(
                text,
                plan,
                lanes,
                text.at(shape.kind, source, str(blocks * lanes)),
                text.at(shape.kind, target, str(blocks * lanes * lead)),
                (count, left, lead),
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
    apart = lanes // 2
    while apart:
        # Swap the off-diagonal quarters of every block of twice that size.
        for i in range(lanes):
            if i & apart:
                continue
            a, b = rows[i], rows[i + apart]
            upper = [j if not j & apart else lanes + j - apart for j in range(lanes)]
            lower = [j + apart if not j & apart else lanes + j for j in range(lanes)]
            rows[i] = text.shuffle(shape.kind, lanes, a, b, upper)
            rows[i + apart] = text.shuffle(shape.kind, lanes, a, b, lower)
        apart //= 2
    for j in range(along):
        text.store(shape.kind, lanes, rows[j], text.at(shape.kind, target, str(j * lead)), lanes)
