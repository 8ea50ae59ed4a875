"""Convolution kernel for the weight gradient.

``w_bar[o, c, k] = sum over n, p of y_bar[n, o, p] x[n, c, p stride + k dilation - before]``: for
each image, y_bar is transposed so that its channels lie side by side; an accumulator holds, for
one tap (c, k), a vector of output channels, and all positions are gone through. The images are
summed in fixed blocks, one partial result for each, which a second phase adds up in order and
puts into the layout of the weights.
"""

from __future__ import annotations

import itertools
import math
from functools import partial

from adjoint.lower.convolution import (
    ConvolutionShape,
    Frame,
    Phase,
    channels_of,
    phase_of,
    rows_fill_lanes,
)
from adjoint.lower.convolution_weight_tiles import Sums, channels_tile, positions_tile
from adjoint.lower.products_outer import run_start
from adjoint.lower.products_text import Text, kind_of, turned, vector_type
from adjoint.lower.products_tile import Split

# Partial results: as many as keep a few threads busy, as long as they stay this small.
_BLOCKS = 16
_PARTIAL_BYTES = 1 << 22


def weight_gradient(
    symbol: str, shape: ConvolutionShape, vector_bytes: int = 64, registers: int = 32
) -> list[Phase]:
    """``(x, y_bar, w_bar)``: the cotangent of a convolution's kernel.

    Args:
        symbol: name of the last phase, with its ``@``.
        shape: of the convolution this belongs to.
        vector_bytes: of a vector register.
        registers: how many there are.
    """
    inputs = shape.c // shape.groups
    frame = Frame(
        inputs,
        shape.extents,
        tuple([before for before, _ in shape.padding]),
        (1,) * len(shape.extents),
        tuple([n + sum(pad) for n, pad in zip(shape.extents, shape.padding, strict=True)]),
    )
    channels = channels_of(shape.o // shape.groups, shape.size, vector_bytes)
    lanes, taps = vector_bytes // shape.size, math.prod(shape.kernel)
    by_positions = shape.stride[-1] == 1 and rows_fill_lanes(channels, shape.positions[-1], lanes)
    if by_positions:
        together = 6 if registers >= 32 else 3
        panels = Split(channels.count, -(-channels.count // together))
        widest = max(panels.lengths())
        # Accumulators, a vector of each channel, one of the image.
        most = max(1, (registers - 1 - widest) // widest)
    else:
        panels, most = channels.panels, channels.most_rows(registers)
    together = max(1, most // taps) if taps <= most else 1
    tiled = Split(inputs, -(-inputs // together))
    width = channels.count * lanes if by_positions else channels.padded
    partial_bytes = shape.groups * inputs * taps * width * shape.size
    blocks = max(1, min(shape.n, _BLOCKS, _PARTIAL_BYTES // max(1, partial_bytes)))
    # Where there is only one block, units take some of the channels instead.
    parts = min(tiled.parts, max(1, _BLOCKS // (blocks * shape.groups)))
    sums = Sums(
        shape,
        frame,
        channels,
        Split(shape.n, blocks),
        Split(taps, -(-taps // most)),
        tiled,
        Split(tiled.parts, parts),
        lanes,
        panels,
        by_positions,
    )
    return [_partial_phase(symbol + ".partial", sums), _total_phase(symbol, sums)]


# *** first phase: one partial result for each block of images ***


def _partial_phase(symbol: str, sums: Sums) -> Phase:
    text = Text(symbol)
    shape = sums.shape
    positions = math.prod(shape.positions)
    turned_bytes = 0
    if not sums.by_positions:
        turned_bytes = -(-positions * sums.channels.padded * shape.size // 64) * 64
    framed_bytes = 0 if sums.frame.is_plain else sums.frame.size * shape.size + 64
    units = sums.blocks.parts * shape.groups * sums.parts.parts if sums.partial else 0
    if units:
        if not sums.by_positions:
            text.functions.append(_turn_function(symbol, sums, positions))
        some = text.make("icmp slt i64 %begin, %end")
        text.loop(
            "0",
            text.make(f"zext i1 {some} to i64"),
            [],
            lambda _, __: _all_units(text, symbol, sums, turned_bytes),
            checked=True,
        )
    shared = sums.blocks.parts * sums.partial * shape.size
    return phase_of(text, symbol, units, turned_bytes + framed_bytes, shared)


def _turn_function(symbol: str, sums: Sums, positions: int) -> str:
    """y[o, p] of one image and group to [p, o], the unused lanes 0."""
    text = Text(symbol + ".turn")
    kind, lanes = sums.shape.kind, sums.channels.lanes

    def column(first: str, count: int) -> None:
        def vector(v: str, used: int) -> None:
            channel = text.times(v, lanes)
            start = text.plus(first, text.times(channel, positions))
            rows = [
                text.load(
                    kind,
                    lanes,
                    text.at(kind, "%source", text.plus(start, str(i * positions))),
                    count,
                )
                for i in range(used)
            ]
            for j, (value, wide) in enumerate(turned(text, kind, lanes, rows)[:count]):
                index = text.times(text.plus(first, str(j)), sums.channels.padded)
                place = text.at(kind, "%target", text.plus(index, channel))
                text.store(kind, wide, value, place, lanes)

        sums.channels.each_vector(text, vector)

    whole, left = divmod(positions, lanes)
    if whole:
        text.loop("0", str(whole), [], lambda i, _: column(text.times(i, lanes), lanes))
    if left:
        column(str(whole * lanes), left)
    body = "\n  ".join([*text.lines, "ret void"])
    return (
        f"define internal void {symbol}.turn(ptr noalias %source, ptr noalias %target) noinline "
        f"nounwind {{\nentry:\n  {body}\n}}\n" + "".join(text.metadata)
    )


def _all_units(text: Text, symbol: str, sums: Sums, turned_bytes: int) -> None:
    shape, kind = sums.shape, sums.shape.kind
    framed = "" if sums.frame.is_plain else text.at("i8", "%scratch", str(turned_bytes))
    if framed:
        sums.frame.clear(text, kind, sums.lanes, framed)
    positions = math.prod(shape.positions)
    per_block = shape.groups * sums.parts.parts

    def unit(number: str, _: list[str]) -> None:
        block = text.make(f"udiv i64 {number}, {per_block}")
        rest = text.make(f"urem i64 {number}, {per_block}")
        g = text.make(f"udiv i64 {rest}, {sums.parts.parts}")
        part = text.make(f"urem i64 {rest}, {sums.parts.parts}")
        first_tile, long_part = run_start(text, sums.parts, part)
        last_tile = text.plus(first_tile, text.plus(long_part, str(sums.parts.short)))
        group = text.times(g, sums.per_group * sums.width)
        start = text.plus(text.times(block, sums.partial), group)
        target = text.at(kind, "%shared", start)
        _clear_part(text, sums, target, first_tile, last_tile)
        first, long_block = run_start(text, sums.blocks, block)
        after = text.plus(first, text.plus(long_block, str(sums.blocks.short)))

        def image(n: str, _: list[str]) -> None:
            inner = shape.c // shape.groups
            channel = text.plus(text.times(n, shape.c), text.times(g, inner))
            source = text.at(kind, "%x", text.times(channel, math.prod(shape.extents)))
            if framed:
                sums.frame.copy(text, kind, sums.lanes, source, framed)
            channel = text.plus(text.times(n, shape.o), text.times(g, shape.o // shape.groups))
            y = text.at(kind, "%w", text.times(channel, positions))
            if not sums.by_positions:
                text.line(f"call void {symbol}.turn(ptr {y}, ptr %scratch)")
                y = "%scratch"
            _tiles(text, sums, (framed or source, y), target, (first_tile, last_tile))

        text.loop(first, after, [], image, checked=True)

    text.loop("%begin", "%end", [], unit, checked=True)


def _clear_part(text: Text, sums: Sums, target: str, first: str, last: str) -> None:
    """Zeros where the tiles of a unit are going to add."""
    kind, lanes = sums.shape.kind, sums.accumulator
    low = run_start(text, sums.inputs, first)[0]
    high = run_start(text, sums.inputs, last)[0]
    per_channel = sums.taps.total * sums.width // lanes

    def vector(i: str, _: list[str]) -> None:
        place = text.at(kind, target, text.times(i, lanes))
        text.store(kind, lanes, "zeroinitializer", place, lanes)

    text.loop(text.times(low, per_channel), text.times(high, per_channel), [], vector, checked=True)


def _tiles(
    text: Text, sums: Sums, given: tuple[str, str], target: str, tiles: tuple[str, str]
) -> None:
    """Add one image to the partial result, tile by tile; given its frame and its y_bar."""
    (x, y), kind = given, sums.shape.kind
    write = positions_tile if sums.by_positions else channels_tile
    apart = math.prod(sums.shape.positions) if sums.by_positions else sums.channels.lanes
    per_channel = math.prod(sums.frame.extents)

    def tile(number: str, _: list[str]) -> None:
        c = run_start(text, sums.inputs, number)[0]
        counts, count = kind_of(text, number, sums.inputs.lengths())
        image = text.at(kind, x, text.times(c, per_channel))

        def run(t: str, _: list[str]) -> None:
            lengths, length = kind_of(
                text, t, list(zip(sums.taps.starts(), sums.taps.lengths(), strict=True))
            )
            start = run_start(text, sums.taps, t)[0]
            row = text.plus(text.times(c, sums.taps.total), start)

            def panel(p: str, _: list[str]) -> None:
                first = run_start(text, sums.panels, p)[0]
                sizes, size = kind_of(text, p, sums.panels.lengths())
                place = text.plus(text.times(row, sums.width), text.times(first, sums.accumulator))
                case = text.plus(text.times(count, len(lengths)), length)
                case = text.plus(text.times(case, len(sizes)), size)
                cases = [
                    partial(
                        write,
                        text,
                        sums,
                        [sums.offset_of(i * sums.taps.total + s + j)
                         for i in range(m) for j in range(n)],
                        vectors,
                        image,
                        text.at(kind, y, text.times(first, apart)),
                        text.at(kind, target, place),
                    )
                    for m, (s, n), vectors in itertools.product(counts, lengths, sizes)
                ]  # fmt: skip
                text.choose(case, cases)

            text.loop("0", str(sums.panels.parts), [], panel)

        text.loop("0", str(sums.taps.parts), [], run)

    text.loop(*tiles, [], tile, checked=True)


# *** second phase: the sum of the blocks, in the layout of the weights ***


def _total_phase(symbol: str, sums: Sums) -> Phase:
    text = Text(symbol)
    taps = -(-sums.per_group // sums.accumulator)
    units = sums.shape.groups * taps if sums.partial else 0
    if units:
        text.loop("%begin", "%end", [], lambda u, _: _total(text, sums, u, taps), checked=True)
    return phase_of(text, symbol, units, 0, 0)


def _total(text: Text, sums: Sums, unit: str, taps: int) -> None:
    """A vector of neighbouring taps, all output channels of a group."""
    lanes = sums.accumulator
    g = text.make(f"udiv i64 {unit}, {taps}")
    first = text.times(text.make(f"urem i64 {unit}, {taps}"), lanes)
    whole, left = divmod(sums.per_group, lanes)
    if not left or not whole:
        _total_block(text, sums, g, first, left or lanes)
        return
    is_last = text.make(f"icmp sge i64 {first}, {whole * lanes}")
    text.choose(
        text.make(f"zext i1 {is_last} to i64"),
        [partial(_total_block, text, sums, g, first, count) for count in (lanes, left)],
    )


def _total_block(text: Text, sums: Sums, g: str, first: str, count: int) -> None:
    """So many neighbouring taps from the first one on."""
    kind, lanes = sums.shape.kind, sums.accumulator
    type_ = vector_type(kind, lanes)
    row = text.plus(text.times(g, sums.per_group), first)
    source = text.at(kind, "%shared", text.times(row, sums.width))
    outputs = sums.shape.o // sums.shape.groups

    def added(v: str) -> list[str]:
        """The accumulators of each tap that stand at one place, of all blocks."""
        start = text.at(kind, source, text.times(v, lanes))

        def add(b: str, values: list[str]) -> list[str]:
            here = text.at(kind, start, text.times(b, sums.partial))
            parts = [
                text.load(kind, lanes, text.at(kind, here, str(i * sums.width)), lanes)
                for i in range(count)
            ]
            return [
                text.make(f"fadd {type_} {value}, {part}")
                for value, part in zip(values, parts, strict=True)
            ]

        zeros = [(type_, "zeroinitializer")] * count
        return text.loop("0", str(sums.blocks.parts), zeros, add, rolled=True)

    def store(value: str, wide: int, o: str) -> None:
        channel = text.plus(text.times(g, outputs), o)
        index = text.plus(text.times(channel, sums.per_group), first)
        text.store(kind, wide, value, text.at(kind, "%y", index), count)

    def channels(v: str, used: int) -> None:
        for j, (value, wide) in enumerate(turned(text, kind, lanes, added(v))[:used]):
            store(value, wide, text.plus(text.times(v, lanes), str(j)))

    def channel(o: str, _: list[str]) -> None:
        totals = [value for value, _ in turned(text, kind, lanes, added(o))]
        while len(totals) > 1:
            pairs = zip(totals[::2], totals[1::2], strict=True)
            totals = [text.make(f"fadd {type_} {a}, {b}") for a, b in pairs]
        store(totals[0], lanes, o)

    if sums.by_positions:
        text.loop("0", str(outputs), [], channel, rolled=True)
    else:
        sums.channels.each_vector(text, channels)
