"""Convolution kernels whose result is an image: the output, and the input gradient.

The input gradient is a convolution too: of the output's cotangent, its elements ``stride``
apart in a frame of zeros, with the kernel turned round and its channels exchanged.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from functools import partial

from adjoint.lower.convolution import (
    SIGNATURE,
    Channels,
    ConvolutionShape,
    Frame,
    Phase,
    channels_of,
)
from adjoint.lower.products import Epilogue
from adjoint.lower.products_outer import run_start
from adjoint.lower.products_text import Output, Text, kind_of, turned, vector_type
from adjoint.lower.products_tile import Split


@dataclass(frozen=True)
class _Image:
    """A convolution over frames, with everything as numbers.

    Args:
        n: images.
        groups: of channels.
        frame: of one image, all groups.
        channels: of the result, one group.
        kernel: taps of each axis.
        gaps: frame elements between taps, for each axis.
        steps: frame elements between positions, for each axis.
        positions: extents of the result.
    """

    n: int
    groups: int
    frame: Frame
    channels: Channels
    kernel: tuple[int, ...]
    gaps: tuple[int, ...]
    steps: tuple[int, ...]
    positions: tuple[int, ...]
    kind: str
    lanes: int
    registers: int

    @property
    def inner(self) -> int:
        """Channels of a frame that one group sums over."""
        return self.frame.channels // self.groups

    @property
    def packed(self) -> int:
        """Elements of the kernel with its channels side by side."""
        return self.groups * self.inner * math.prod(self.kernel) * self.channels.padded


def forward(
    symbol: str,
    shape: ConvolutionShape,
    vector_bytes: int = 64,
    registers: int = 32,
    epilogue: Epilogue | None = None,
) -> list[Phase]:
    """``(x, w, y)``: the output of a convolution.

    Args:
        symbol: name of the function, with its ``@``.
        shape: extents and settings.
        epilogue: applied to outputs before they are stored, as for products; the row is the
            output channel, the column the position in the image, in C order.
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
    pitches = frame.pitches
    image = _Image(
        shape.n,
        shape.groups,
        frame,
        channels_of(shape.o // shape.groups, shape.size, vector_bytes),
        shape.kernel,
        tuple([d * p for d, p in zip(shape.dilation, pitches, strict=True)]),
        tuple([s * p for s, p in zip(shape.stride, pitches, strict=True)]),
        shape.positions,
        shape.kind,
        vector_bytes // shape.size,
        registers,
    )
    pack = _pack_forward(shape, image, symbol)
    return [_phase(symbol, image, pack, shape.size, epilogue)]


def input_gradient(
    symbol: str, shape: ConvolutionShape, vector_bytes: int = 64, registers: int = 32
) -> list[Phase]:
    """``(y_bar, w, x_bar)``: the cotangent of a convolution's input.

    Args:
        symbol: name of the function, with its ``@``.
        shape: of the convolution this belongs to.
        vector_bytes: of a vector register.
        registers: how many there are.
    """
    reach = [d * (k - 1) for d, k in zip(shape.dilation, shape.kernel, strict=True)]
    frame = Frame(
        shape.o,
        shape.positions,
        tuple([r - before for r, (before, _) in zip(reach, shape.padding, strict=True)]),
        shape.stride,
        tuple([n + r for n, r in zip(shape.extents, reach, strict=True)]),
    )
    pitches = frame.pitches
    image = _Image(
        shape.n,
        shape.groups,
        frame,
        channels_of(shape.c // shape.groups, shape.size, vector_bytes),
        shape.kernel,
        tuple([d * p for d, p in zip(shape.dilation, pitches, strict=True)]),
        pitches,
        shape.extents,
        shape.kind,
        vector_bytes // shape.size,
        registers,
    )
    pack = _pack_turned(shape, image, symbol)
    return [_phase(symbol, image, pack, shape.size, None)]


# *** the kernel with its channels side by side ***


def _pack_forward(shape: ConvolutionShape, image: _Image, symbol: str) -> str:
    """w[g, o, c k] to [g, c k, o]."""
    text = Text()
    taps = shape.c // shape.groups * math.prod(shape.kernel)
    outputs, padded = image.channels.count, image.channels.padded

    def group(g: str, _: list[str]) -> None:
        source = text.at(image.kind, "%w", text.times(g, outputs * taps))
        target = text.at(image.kind, "%packed", text.times(g, taps * padded))

        def channel(o: str, _: list[str]) -> None:
            here = text.at(image.kind, source, text.times(o, taps))
            there = text.at(image.kind, target, o)

            def tap(i: str, _: list[str]) -> None:
                value = text.load(image.kind, 1, text.at(image.kind, here, i), 1)
                text.store(
                    image.kind, 1, value, text.at(image.kind, there, text.times(i, padded)), 1
                )

            text.loop("0", str(taps), [], tap)

        text.loop("0", str(outputs), [], channel)

    text.loop("0", str(shape.groups), [], group)
    return _pack_function(text, symbol)


def _pack_turned(shape: ConvolutionShape, image: _Image, symbol: str) -> str:
    """w[g o, c, k] to [g o, k turned round, c]."""
    text = Text()
    taps, padded, inputs = math.prod(shape.kernel), image.channels.padded, image.channels.count

    def output(o: str, _: list[str]) -> None:
        source = text.at(image.kind, "%w", text.times(o, inputs * taps))
        target = text.at(image.kind, "%packed", text.times(o, taps * padded))

        def channel(c: str, _: list[str]) -> None:
            here = text.at(image.kind, source, text.times(c, taps))
            there = text.at(image.kind, target, c)

            def tap(i: str, _: list[str]) -> None:
                value = text.load(image.kind, 1, text.at(image.kind, here, i), 1)
                turned = text.make(f"sub i64 {taps - 1}, {i}")
                place = text.at(image.kind, there, text.times(turned, padded))
                text.store(image.kind, 1, value, place, 1)

            text.loop("0", str(taps), [], tap)

        text.loop("0", str(inputs), [], channel)

    text.loop("0", str(shape.o), [], output)
    return _pack_function(text, symbol)


def _pack_function(text: Text, symbol: str) -> str:
    body = "\n  ".join([*text.lines, "ret void"])
    return (
        f"define internal void {symbol}.pack(ptr noalias %w, ptr noalias %packed) noinline "
        f"nounwind {{\nentry:\n  {body}\n}}\n"
    )


# *** the loops ***


@dataclass(frozen=True)
class _Grid:
    """Tiles over the positions of a result: some whole rows, or a part of one row.

    Args:
        outer: positions of all axes but the last two.
        rows: of the last axis but one, split over tiles.
        columns: of the last axis, split over tiles.
    """

    outer: int
    rows: Split
    columns: Split


def _grid(image: _Image) -> _Grid:
    most = image.channels.most_rows(image.registers)
    width = image.positions[-1]
    height = image.positions[-2] if len(image.positions) > 1 else 1
    outer = math.prod(image.positions[:-2])
    together = max(1, most // width) if width <= most else 1
    return _Grid(outer, Split(height, -(-height // together)), Split(width, -(-width // most)))


def _phase(symbol: str, image: _Image, pack: str, size: int, epilogue: Epilogue | None) -> Phase:
    text = Text(symbol)
    packed = -(-image.packed * size // 64) * 64
    scratch = packed + (0 if image.frame.is_plain else image.frame.size * size + 64)
    units = 0
    if image.n and math.prod(image.positions):
        grid = _grid(image)
        per_image = grid.outer * grid.rows.parts
        units = image.n * per_image
        some = text.make("icmp slt i64 %begin, %end")
        text.loop(
            "0",
            text.make(f"zext i1 {some} to i64"),
            [],
            lambda _, __: _all_units(text, symbol, image, grid, packed, epilogue),
            checked=True,
        )
    body = "\n  ".join([*text.lines, "ret void"])
    main = (
        f"define internal void {symbol}({SIGNATURE}, i64 %begin, i64 %end) nounwind {{\n"
        f"entry:\n  {body}\n}}\n"
    )
    return Phase(pack + main + "".join(text.metadata), symbol, units, scratch, 0)


def _all_units(
    text: Text, symbol: str, image: _Image, grid: _Grid, packed: int, epilogue: Epilogue | None
) -> None:
    text.line(f"call void {symbol}.pack(ptr %w, ptr %scratch)")
    framed = "" if image.frame.is_plain else text.at("i8", "%scratch", str(packed))
    if framed:
        image.frame.clear(text, image.kind, image.lanes, framed)
    per_image = grid.outer * grid.rows.parts
    of_source = image.frame.channels * math.prod(image.frame.source)

    def unit(number: str, _: list[str]) -> None:
        n = text.make(f"udiv i64 {number}, {per_image}")
        rest = text.make(f"urem i64 {number}, {per_image}")
        source = text.at(image.kind, "%x", text.times(n, of_source))
        if framed:
            fresh = text.make(f"icmp eq i64 {number}, %begin")
            first = text.make(f"icmp eq i64 {rest}, 0")
            needed = text.make(f"or i1 {fresh}, {first}")
            text.loop(
                "0",
                text.make(f"zext i1 {needed} to i64"),
                [],
                lambda _, __: image.frame.copy(text, image.kind, image.lanes, source, framed),
                checked=True,
            )
        _unit(text, image, grid, n, rest, framed or source, epilogue)

    text.loop("%begin", "%end", [], unit, checked=True)


def _unit(
    text: Text,
    image: _Image,
    grid: _Grid,
    n: str,
    rest: str,
    source: str,
    epilogue: Epilogue | None,
) -> None:
    """Some rows of one image's result, all channels."""
    outer = text.make(f"udiv i64 {rest}, {grid.rows.parts}")
    number = text.make(f"urem i64 {rest}, {grid.rows.parts}")
    row, _ = run_start(text, grid.rows, number)
    heights, height = kind_of(text, number, grid.rows.lengths())
    extents = (1, *image.positions)[-max(2, len(image.positions)) :]
    total_rows, width = extents[-2:]
    row_step = image.steps[-2] if len(image.steps) > 1 else 0
    origin = text.times(row, row_step)
    left = outer
    for extent, step in zip(reversed(extents[:-2]), reversed(image.steps[:-2]), strict=True):
        origin = text.plus(origin, text.times(text.make(f"urem i64 {left}, {extent}"), step))
        left = text.make(f"udiv i64 {left}, {extent}")
    position = text.times(text.plus(text.times(outer, total_rows), row), width)
    channels, taps = image.channels, math.prod(image.kernel)
    size = math.prod(image.positions)
    per_group = image.inner * math.prod(image.frame.extents)
    widths = channels.widths()

    def group(g: str, _: list[str]) -> None:
        start = text.at(image.kind, source, text.plus(origin, text.times(g, per_group)))
        kernel = text.times(g, image.inner * taps * channels.padded)

        def panel(p: str, _: list[str]) -> None:
            vector, _ = run_start(text, channels.panels, p)
            first = text.times(vector, channels.lanes)
            weights = text.at(image.kind, "%scratch", text.plus(kernel, first))
            used, use = kind_of(text, p, [tuple(w) for w in widths])
            channel = text.plus(text.times(g, channels.count), first)
            base = text.times(n, image.groups * channels.count)
            place = text.times(text.plus(base, channel), size)

            def column(t: str, _: list[str]) -> None:
                x, _ = run_start(text, grid.columns, t)
                lengths, length = kind_of(text, t, grid.columns.lengths())
                case = text.plus(text.times(use, len(heights)), height)
                case = text.plus(text.times(case, len(lengths)), length)
                at = text.plus(position, x)
                target = _Target(text.plus(place, at), size, channel, at)
                pointer = text.at(image.kind, start, text.times(x, image.steps[-1]))
                cases = [
                    partial(
                        _tile,
                        text,
                        image,
                        [r * row_step + i * image.steps[-1] for r in range(h) for i in range(w)],
                        u,
                        (pointer, weights),
                        target,
                        epilogue,
                    )
                    for u, h, w in itertools.product(used, heights, lengths)
                ]
                text.choose(case, cases)

            text.loop("0", str(grid.columns.parts), [], column)

        text.loop("0", str(channels.panels.parts), [], panel)

    text.loop("0", str(image.groups), [], group)


@dataclass(frozen=True)
class _Target:
    """Where a tile's results go: its first element, the distance between channels, names."""

    index: str
    between: int
    channel: str
    position: str


def _tile(
    text: Text,
    image: _Image,
    offsets: list[int],
    used: tuple[int, ...],
    pointers: tuple[str, str],
    target: _Target,
    epilogue: Epilogue | None,
) -> None:
    """Neighbouring positions by the vectors of a panel."""
    kind, lanes = image.kind, image.channels.lanes
    padded, vectors = image.channels.padded, len(used)
    counts = (image.inner, *image.kernel)
    gaps = (math.prod(image.frame.extents), *image.gaps)

    def step(pointer: str, values: list[str]) -> list[str]:
        weights, *sums = values
        columns = [
            text.load(kind, lanes, text.at(kind, weights, str(v * lanes)), lanes)
            for v in range(vectors)
        ]
        new = [text.at(kind, weights, str(padded))]
        for r, offset in enumerate(offsets):
            x = text.spread(kind, lanes, text.at(kind, pointer, str(offset)))
            new += [
                text.fma(kind, lanes, x, columns[v], sums[r * vectors + v]) for v in range(vectors)
            ]
        return new

    types = ["ptr", *[vector_type(kind, lanes)] * (len(offsets) * vectors)]

    def nest(axis: int, pointer: str, values: list[str]) -> list[str]:
        if axis == len(counts):
            return step(pointer, values)
        count, gap = counts[axis], gaps[axis]
        if count == 1:
            return nest(axis + 1, pointer, values)
        # Neighbouring positions need the same elements for different taps: a rolled loop
        # loads them again, which is cheaper than storing accumulators to make room.
        return text.loop(
            "0",
            str(count),
            list(zip(types, values, strict=True)),
            lambda i, inner: nest(axis + 1, text.at(kind, pointer, text.times(i, gap)), inner),
            rolled=True,
        )

    first = [pointers[1], *["zeroinitializer"] * (len(types) - 1)]
    if 0 not in counts:
        _, *sums = nest(0, pointers[0], first)
    else:
        sums = first[1:]
    for v, count in enumerate(used):
        for start in range(0, len(offsets), image.lanes):
            block = sums[v::vectors][start : start + image.lanes]
            for j, (value, wide) in enumerate(turned(text, kind, lanes, block)[:count]):
                channel = text.plus(target.channel, str(v * lanes + j))
                place = text.plus(target.index, str((v * lanes + j) * target.between + start))
                if epilogue is not None:
                    position = text.plus(target.position, str(start))
                    value = epilogue(text, Output(value, kind, wide, len(block), channel, position))
                text.store(kind, wide, value, text.at(kind, "%y", place), len(block))
