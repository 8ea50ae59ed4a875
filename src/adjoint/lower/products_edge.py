"""What follows a product at once, tile by tile, while a tile is in the nearest cache."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from adjoint.lower.products_text import Text

if TYPE_CHECKING:
    from adjoint.lower.products import Plan

_LINE = 64  # bytes that come from memory at once

Area = list[tuple[str, int]]  # a tile's first row and how many, its first column and how many


@dataclass(frozen=True)
class Edge:
    """What is done to a tile of outputs as soon as it is finished.

    Args:
        symbol: a function of the pointers, the tile if C is not kept (else null), the tile's
            first row, the row after it, its first column and the column after it
            (``kernel_text``).
        pointers: how many it takes.
        kept: whether C is stored; else a tile lies on the stack only while it is worked on.
        streams: which pointers lead to arrays of C's extents, and the bytes of an element:
            they are asked for while the tile is computed.
    """

    symbol: str
    pointers: int
    kept: bool
    streams: tuple[tuple[int, int], ...] = ()

    @property
    def parameters(self) -> list[str]:
        """What a product's function takes besides: the number of rows above, and the pointers."""
        return ["i64 %above", *(f"ptr %e{i}" for i in range(self.pointers))]


def asker(text: Text, plan: Plan, area: Area, turns: int) -> Callable[[str], None]:
    """Asks in every turn for a little of the memory that a tile's edge will touch.

    Pieces of rows are no pattern that a processor would recognise.
    """
    edge = plan.edge
    if edge is None or plan.turned:
        return lambda turn: None
    (row, rows), (column, columns) = area
    n, per_line = plan.shape.n, _LINE // plan.shape.size
    spots = [r * n + c for r in range(rows) for c in range(0, columns, per_line)]
    entries = ", ".join(f"i64 {spots[i * len(spots) // turns]}" for i in range(turns))
    table = f"{plan.symbol}.spots.{rows}.{columns}"
    made = f"{table} = internal constant [{turns} x i64] [{entries}]\n"
    if made not in text.functions:
        text.functions.append(made)
    start = text.plus(text.times(text.plus(row, "%above"), n), column)
    firsts = [(text.at("i8", f"%e{i}", text.times(start, size)), size) for i, size in edge.streams]
    # Before the last stretch of a long sum it is too early: the first spot again and again.
    now = text.make(f"sext i1 {plan.ending} to i64") if plan.ending else ""

    def ask(turn: str) -> None:
        spot = text.make(f"load i64, ptr {text.at('i64', table, turn)}")
        if now:
            spot = text.make(f"and i64 {spot}, {now}")
        for first, size in firsts:
            there = text.at("i8", first, text.times(spot, size))
            text.line(f"call void @llvm.prefetch.p0(ptr {there}, i32 0, i32 3, i32 1)")

    return ask


def call_edge(text: Text, plan: Plan, area: Area, lead: int) -> None:
    """Go on with a finished tile; its rows are ``lead`` elements apart if C is not kept."""
    edge = plan.edge
    assert edge is not None
    (row, rows), (column, columns) = area
    if plan.ending:
        label = text.fresh("E")
        text.line(f"br i1 {plan.ending}, label %{label}, label %{label}.done")
        text.start(label)
    row = text.plus(row, "%above")
    tile = "null"
    if not edge.kept:
        # Where the first row and column of C would lie if the tile were a part of it.
        back = text.make(f"sub i64 0, {text.plus(text.times(row, lead), column)}")
        tile = text.make(f"getelementptr {plan.shape.kind}, ptr {plan.target}, i64 {back}")
    ends = (text.plus(row, str(rows)), text.plus(column, str(columns)))
    given = [*(f"ptr %e{i}" for i in range(edge.pointers)), f"ptr {tile}"]
    given += [f"i64 {x}" for x in (row, ends[0], column, ends[1])]
    text.line(f"call void {edge.symbol}({', '.join(given)})")
    if plan.ending:
        text.line(f"br label %{label}.done")
        text.start(f"{label}.done")
