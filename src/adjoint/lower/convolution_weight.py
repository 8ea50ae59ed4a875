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
from dataclasses import dataclass
from functools import partial

from adjoint.lower.convolution import (
    Channels,
    ConvolutionShape,
    Frame,
    Phase,
    channels_of,
    phase_of,
)
from adjoint.lower.products_outer import run_start
from adjoint.lower.products_text import Text, kind_of, turned, vector_type
from adjoint.lower.products_tile import Split

# Partial results: as many as keep a few threads busy, as long as they stay this small.
_BLOCKS = 16
_PARTIAL_BYTES = 1 << 22


@dataclass(frozen=True)
class _Sums:
    """The weight gradient with everything as numbers.

    Args:
        shape: of the convolution.
        frame: of one image of x.
        channels: of y, one group.
        blocks: the images, split into blocks.
        taps: the taps of one input channel, split over tiles.
        inputs: the input channels of one group, split over tiles.
        parts: the tiles' input channels, split into units.
        lanes: of a full vector.
    """

    shape: ConvolutionShape
    frame: Frame
    channels: Channels
    blocks: Split
    taps: Split
    inputs: Split
    parts: Split
    lanes: int

    @property
    def per_group(self) -> int:
        """Taps of a group, all its channels."""
        return self.taps.total * self.inputs.total

    @property
    def partial(self) -> int:
        """Elements of a partial result: [g, c k, o]."""
        return self.shape.groups * self.per_group * self.channels.padded

    def offset_of(self, tap: int) -> int:
        """Where in the frame a tap (c, k) lies from where the kernel is put."""
        taps = self.taps.total
        offset = tap // taps * math.prod(self.frame.extents)
        left = tap % taps
        for k, d, pitch in zip(
            reversed(self.shape.kernel),
            reversed(self.shape.dilation),
            reversed(self.frame.pitches),
            strict=True,
        ):
            offset += left % k * d * pitch
            left //= k
        return offset


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
    frame = Frame(
        shape.c,
        shape.extents,
        tuple([before for before, _ in shape.padding]),
        (1,) * len(shape.extents),
        tuple([n + sum(pad) for n, pad in zip(shape.extents, shape.padding, strict=True)]),
    )
    channels = channels_of(shape.o // shape.groups, shape.size, vector_bytes)
    most = channels.most_rows(registers)
    taps, inputs = math.prod(shape.kernel), shape.c // shape.groups
    together = max(1, most // taps) if taps <= most else 1
    per_channel = Split(taps, -(-taps // most))
    tiled = Split(inputs, -(-inputs // together))
    partial_bytes = shape.groups * inputs * taps * channels.padded * shape.size
    blocks = max(1, min(shape.n, _BLOCKS, _PARTIAL_BYTES // max(1, partial_bytes)))
    # Where there is only one block, units take some of the channels instead.
    parts = min(tiled.parts, max(1, _BLOCKS // (blocks * shape.groups)))
    sums = _Sums(
        shape,
        frame,
        channels,
        Split(shape.n, blocks),
        per_channel,
        tiled,
        Split(tiled.parts, parts),
        vector_bytes // shape.size,
    )
    return [_partial_phase(symbol + ".partial", sums), _total_phase(symbol, sums)]


# *** first phase: one partial result for each block of images ***


def _partial_phase(symbol: str, sums: _Sums) -> Phase:
    text = Text(symbol)
    shape = sums.shape
    positions = math.prod(shape.positions)
    turned_bytes = -(-positions * sums.channels.padded * shape.size // 64) * 64
    framed_bytes = 0 if sums.frame.is_plain else sums.frame.size * shape.size + 64
    units = sums.blocks.parts * shape.groups * sums.parts.parts if sums.partial else 0
    if units:
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


def _turn_function(symbol: str, sums: _Sums, positions: int) -> str:
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


def _all_units(text: Text, symbol: str, sums: _Sums, turned_bytes: int) -> None:
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
        group = text.times(g, sums.per_group * sums.channels.padded)
        start = text.plus(text.times(block, sums.partial), group)
        target = text.at(kind, "%shared", start)
        _clear_part(text, sums, target, first_tile, last_tile)
        first, long_block = run_start(text, sums.blocks, block)
        after = text.plus(first, text.plus(long_block, str(sums.blocks.short)))

        def image(n: str, _: list[str]) -> None:
            source = text.at(
                kind, "%x", text.times(n, sums.frame.channels * math.prod(shape.extents))
            )
            if framed:
                sums.frame.copy(text, kind, sums.lanes, source, framed)
            channel = text.plus(text.times(n, shape.o), text.times(g, shape.o // shape.groups))
            y = text.at(kind, "%w", text.times(channel, positions))
            text.line(f"call void {symbol}.turn(ptr {y}, ptr %scratch)")
            inner = shape.c // shape.groups * math.prod(sums.frame.extents)
            x = text.at(kind, framed or source, text.times(g, inner))
            _tiles(text, sums, x, target, (first_tile, last_tile))

        text.loop(first, after, [], image, checked=True)

    text.loop("%begin", "%end", [], unit, checked=True)


def _clear_part(text: Text, sums: _Sums, target: str, first: str, last: str) -> None:
    """Zeros where the tiles of a unit are going to add."""
    kind, lanes, padded = sums.shape.kind, sums.channels.lanes, sums.channels.padded
    low = run_start(text, sums.inputs, first)[0]
    high = run_start(text, sums.inputs, last)[0]
    per_channel = sums.taps.total * padded // lanes

    def vector(i: str, _: list[str]) -> None:
        place = text.at(kind, target, text.times(i, lanes))
        text.store(kind, lanes, "zeroinitializer", place, lanes)

    text.loop(text.times(low, per_channel), text.times(high, per_channel), [], vector, checked=True)


def _tiles(text: Text, sums: _Sums, x: str, target: str, tiles: tuple[str, str]) -> None:
    """Add one image to the partial result, tile by tile."""
    kind, channels = sums.shape.kind, sums.channels
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
                vector = run_start(text, channels.panels, p)[0]
                first = text.times(vector, channels.lanes)
                sizes, size = kind_of(text, p, channels.panels.lengths())
                place = text.plus(text.times(row, channels.padded), first)
                case = text.plus(text.times(count, len(lengths)), length)
                case = text.plus(text.times(case, len(sizes)), size)
                cases = [
                    partial(
                        _tile,
                        text,
                        sums,
                        [sums.offset_of(i * sums.taps.total + s + j)
                         for i in range(m) for j in range(n)],
                        vectors,
                        image,
                        text.at(kind, "%scratch", first),
                        text.at(kind, target, place),
                    )
                    for m, (s, n), vectors in itertools.product(counts, lengths, sizes)
                ]  # fmt: skip
                text.choose(case, cases)

            text.loop("0", str(channels.panels.parts), [], panel)

        text.loop("0", str(sums.taps.parts), [], run)

    text.loop(*tiles, [], tile, checked=True)


def _tile(
    text: Text,
    sums: _Sums,
    offsets: list[int],
    vectors: int,
    x: str,
    y: str,
    target: str,
) -> None:
    """Some taps by the vectors of a panel, over all positions of an image."""
    kind, lanes, padded = sums.shape.kind, sums.channels.lanes, sums.channels.padded
    places = [
        text.at(kind, target, str(r * padded + v * lanes))
        for r in range(len(offsets))
        for v in range(vectors)
    ]
    counts = sums.shape.positions
    gaps = [s * p for s, p in zip(sums.shape.stride, sums.frame.pitches, strict=True)]

    def step(pointer: str, values: list[str]) -> list[str]:
        y, *totals = values
        columns = [
            text.load(kind, lanes, text.at(kind, y, str(v * lanes)), lanes) for v in range(vectors)
        ]
        new = [text.at(kind, y, str(padded))]
        for r, offset in enumerate(offsets):
            spread = text.spread(kind, lanes, text.at(kind, pointer, str(offset)))
            new += [
                text.fma(kind, lanes, spread, columns[v], totals[r * vectors + v])
                for v in range(vectors)
            ]
        return new

    types = ["ptr", *[vector_type(kind, lanes)] * len(places)]

    def nest(axis: int, pointer: str, values: list[str]) -> list[str]:
        if axis == len(counts):
            return step(pointer, values)
        gap = gaps[axis]
        # Rolled for the reason that the forward kernel's taps are.
        return text.loop(
            "0",
            str(counts[axis]),
            list(zip(types, values, strict=True)),
            lambda i, inner: nest(axis + 1, text.at(kind, pointer, text.times(i, gap)), inner),
            rolled=True,
        )

    if 0 in counts:
        return
    old = [text.load(kind, lanes, place, lanes) for place in places]
    _, *new = nest(0, x, [y, *old])
    for place, value in zip(places, new, strict=True):
        text.store(kind, lanes, value, place, lanes)


# *** second phase: the sum of the blocks, in the layout of the weights ***


def _total_phase(symbol: str, sums: _Sums) -> Phase:
    text = Text(symbol)
    taps = -(-sums.per_group // sums.channels.lanes)
    units = sums.shape.groups * taps if sums.partial else 0
    if units:
        text.loop("%begin", "%end", [], lambda u, _: _total(text, sums, u, taps), checked=True)
    return phase_of(text, symbol, units, 0, 0)


def _total(text: Text, sums: _Sums, unit: str, taps: int) -> None:
    """A vector of neighbouring taps, all output channels of a group."""
    lanes = sums.channels.lanes
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


def _total_block(text: Text, sums: _Sums, g: str, first: str, count: int) -> None:
    kind, lanes, padded = sums.shape.kind, sums.channels.lanes, sums.channels.padded
    type_ = vector_type(kind, lanes)
    row = text.plus(text.times(g, sums.per_group), first)
    source = text.at(kind, "%shared", text.times(row, padded))
    outputs = sums.shape.o // sums.shape.groups

    def vector(v: str, used: int) -> None:
        start = text.at(kind, source, text.times(v, lanes))

        def add(b: str, values: list[str]) -> list[str]:
            here = text.at(kind, start, text.times(b, sums.partial))
            parts = [
                text.load(kind, lanes, text.at(kind, here, str(i * padded)), lanes)
                for i in range(count)
            ]
            return [
                text.make(f"fadd {type_} {value}, {part}")
                for value, part in zip(values, parts, strict=True)
            ]

        zeros = [(type_, "zeroinitializer")] * count
        totals = text.loop("0", str(sums.blocks.parts), zeros, add, rolled=True)
        for j, (value, wide) in enumerate(turned(text, kind, lanes, totals)[:used]):
            channel = text.plus(text.times(g, outputs), text.plus(text.times(v, lanes), str(j)))
            index = text.plus(text.times(channel, sums.per_group), first)
            text.store(kind, wide, value, text.at(kind, "%y", index), count)

    sums.channels.each_vector(text, vector)
