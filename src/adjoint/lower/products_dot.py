"""Product tiles by dot products: rows of A and columns of B that both lie along k."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from adjoint.lower.products_text import Text, vector_type
from adjoint.lower.products_tile import dot_cost, lanes_for

if TYPE_CHECKING:
    from adjoint.lower.products import Plan

_TILE_ROWS, _TILE_COLUMNS = 4, 4


def is_possible(plan: Plan) -> bool:
    """Whether k is the fast axis of both operands."""
    shape = plan.shape
    return shape.a_strides[1] == 1 and shape.b_strides[0] == 1 and (plan.depth or shape.k) > 1


def cost(plan: Plan) -> float:
    """Estimated cycles."""
    shape = plan.shape
    if plan.depth:
        shape = replace(shape, k=plan.depth)
    lanes = lanes_for(shape.k, shape.size, plan.vector_bytes)
    return dot_cost(shape, lanes, (_TILE_ROWS, _TILE_COLUMNS))


def write(text: Text, plan: Plan) -> int:
    """Write the body of the function; a unit is a strip of columns."""
    shape = plan.shape
    strips, left = divmod(shape.n, _TILE_COLUMNS)

    def unit(number: str, _: list[str]) -> list[str]:
        column = text.times(number, _TILE_COLUMNS)
        if not left:
            _strip(text, plan, column, _TILE_COLUMNS)
        elif not strips:
            _strip(text, plan, column, left)
        else:
            is_last = text.make(f"icmp eq i64 {number}, {strips}")
            case = text.make(f"zext i1 {is_last} to i64")
            text.choose(
                case,
                [
                    lambda: _strip(text, plan, column, _TILE_COLUMNS),
                    lambda: _strip(text, plan, column, left),
                ],
            )
        return []

    text.loop("%begin", "%end", [], unit, checked=True)
    return strips + bool(left)


def _strip(text: Text, plan: Plan, column: str, columns: int) -> None:
    """Some columns of all rows."""
    whole, left = divmod(plan.shape.m, _TILE_ROWS)
    if whole:

        def rows(number: str, _: list[str]) -> list[str]:
            _tile(text, plan, text.times(number, _TILE_ROWS), _TILE_ROWS, column, columns)
            return []

        text.loop("0", str(whole), [], rows)
    if left:
        _tile(text, plan, str(whole * _TILE_ROWS), left, column, columns)


def _tile(text: Text, plan: Plan, row: str, rows: int, column: str, columns: int) -> None:
    shape = plan.shape
    kind = shape.kind
    lanes = lanes_for(shape.k, shape.size, plan.vector_bytes)
    type_ = vector_type(kind, lanes)
    to_row, to_column = shape.a_strides[0], shape.b_strides[1]
    a = text.at(kind, "%a", text.times(row, to_row))
    b = text.at(kind, "%b", text.times(column, to_column))

    def step(a: str, b: str, used: int, sums: list[str]) -> list[str]:
        ys = [
            text.load(kind, lanes, text.at(kind, b, str(j * to_column)), used)
            for j in range(columns)
        ]
        new = []
        for i in range(rows):
            x = text.load(kind, lanes, text.at(kind, a, str(i * to_row)), used)
            new += [text.fma(kind, lanes, x, y, sums[i * columns + j]) for j, y in enumerate(ys)]
        return new

    sums = ["zeroinitializer"] * (rows * columns)
    whole, left = divmod(shape.k, lanes)
    if whole:

        def turn(number: str, values: list[str]) -> list[str]:
            first = text.times(number, lanes)
            return step(text.at(kind, a, first), text.at(kind, b, first), lanes, values)

        sums = text.loop("0", str(whole), [(type_, s) for s in sums], turn)
    if left:
        offset = str(whole * lanes)
        sums = step(text.at(kind, a, offset), text.at(kind, b, offset), left, sums)
    for i in range(rows):
        total, width = _sums_across(text, kind, lanes, sums[i * columns : (i + 1) * columns])
        plan.finish(text, total, width, columns, text.plus(row, str(i)), column)


def _sums_across(text: Text, kind: str, lanes: int, values: list[str]) -> tuple[str, int]:
    """The sum over the lanes of each of some vectors, as the lanes of one; and its lanes.

    Two vectors at a time: the lower halves side by side plus the upper halves side by side.
    """
    count = 1
    while count < len(values):
        count *= 2
    values = values + ["zeroinitializer"] * (count - len(values))
    while lanes < count:  # vectors shorter than there are sums: pad with zeros
        values = [text.shuffle(kind, lanes, v, "zeroinitializer", range(2 * lanes)) for v in values]
        lanes *= 2
    # Each vector holds `held` sums in runs of `run` lanes that are still to be added up.
    held, run = 1, lanes
    while len(values) > 1:
        run //= 2
        low, high = _halves(held, run, lanes)
        values = [
            _add(text, kind, lanes, values[2 * i], values[2 * i + 1], low, high)
            for i in range(len(values) // 2)
        ]
        held *= 2
    total = values[0]
    while run > 1:
        run //= 2
        picks = [h * 2 * run + r for h in range(held) for r in range(run)]
        more = [p + run for p in picks]
        first = text.shuffle(kind, held * 2 * run, total, "poison", picks)
        second = text.shuffle(kind, held * 2 * run, total, "poison", more)
        total = (
            text.make(f"fadd {vector_type(kind, held * run)} {first}, {second}")
            if (held * run > 1)
            else _last(text, kind, first, second)
        )
    return total, held


def _last(text: Text, kind: str, first: str, second: str) -> str:
    a = text.make(f"extractelement <1 x {kind}> {first}, i64 0")
    b = text.make(f"extractelement <1 x {kind}> {second}, i64 0")
    return text.make(f"fadd {kind} {a}, {b}")


def _halves(held: int, run: int, lanes: int) -> tuple[list[int], list[int]]:
    """Which lanes of two vectors give the lower and the upper halves of their runs."""
    low = []
    for h in range(2 * held):
        source, place = divmod(h, held)
        low += [source * lanes + place * 2 * run + r for r in range(run)]
    return low, [p + run for p in low]


def _add(text: Text, kind: str, lanes: int, a: str, b: str, low: list[int], high: list[int]) -> str:
    first = text.shuffle(kind, lanes, a, b, low)
    second = text.shuffle(kind, lanes, a, b, high)
    return text.make(f"fadd {vector_type(kind, lanes)} {first}, {second}")
