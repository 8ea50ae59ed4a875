"""The loops of convolution kernels whose result is an image.

A tile is a run of neighbouring positions of the result by a panel of channel vectors; its
accumulators stay in registers over all input channels and taps.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from functools import partial

from adjoint.lower.convolution import Channels, Frame, Phase, phase_of
from adjoint.lower.products import Epilogue
from adjoint.lower.products_outer import run_start
from adjoint.lower.products_text import Output, Text, kind_of, turned, vector_type
from adjoint.lower.products_tile import Split


@dataclass(frozen=True)
class Image:
    """A convolution over frames, with everything as numbers.

    Args:
        n: images.
        groups: of channels.
        frame: of one image, all groups.
        channels: of the result, one group.
        kernel: taps of each axis.
        gaps: frame elements between taps, for each axis.
        steps: frame elements between positions, for each axis.
        positions: of the result that are computed, for each axis.
        result: extents of the whole result.
        first: of each axis, the place in the result of position 0.
        spread: places in the result between neighbouring positions.
    """

    n: int
    groups: int
    frame: Frame
    channels: Channels
    kernel: tuple[int, ...]
    gaps: tuple[int, ...]
    steps: tuple[int, ...]
    positions: tuple[int, ...]
    result: tuple[int, ...]
    first: tuple[int, ...]
    spread: tuple[int, ...]
    kind: str
    lanes: int
    registers: int

    @property
    def inner(self) -> int:
        """Channels of a frame that one group sums over."""
        return self.frame.channels // self.groups

    @property
    def pitches(self) -> tuple[int, ...]:
        """Elements of the result between neighbouring positions of each axis."""
        return tuple(
            [step * math.prod(self.result[axis + 1 :]) for axis, step in enumerate(self.spread)]
        )

    @property
    def corner(self) -> int:
        """Where in the result the first position is."""
        return sum(
            first * math.prod(self.result[axis + 1 :]) for axis, first in enumerate(self.first)
        )

    @property
    def packed(self) -> int:
        """Elements of the kernel with its channels side by side."""
        return self.groups * self.inner * math.prod(self.kernel) * self.channels.padded


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


def _grid(image: Image) -> _Grid:
    most = image.channels.most_rows(image.registers)
    width = image.positions[-1]
    height = image.positions[-2] if len(image.positions) > 1 else 1
    outer = math.prod(image.positions[:-2])
    together = max(1, most // width) if width <= most else 1
    return _Grid(outer, Split(height, -(-height // together)), Split(width, -(-width // most)))


def image_phase(
    symbol: str, image: Image, pack: str, size: int, epilogue: Epilogue | None
) -> Phase:
    """The function of one convolution.

    Args:
        symbol: its name, with its ``@``.
        image: the convolution.
        pack: the text of the function that puts the kernel's channels side by side.
        size: bytes of an element.
        epilogue: what is done to results before they are stored.
    """
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
    text.functions.append(pack)
    return phase_of(text, symbol, units, scratch, 0)


def _all_units(
    text: Text, symbol: str, image: Image, grid: _Grid, packed: int, epilogue: Epilogue | None
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
    image: Image,
    grid: _Grid,
    n: str,
    rest: str,
    source: str,
    epilogue: Epilogue | None,
) -> None:
    """Some rows of one image's result, all channels."""
    outer = text.make(f"udiv i64 {rest}, {grid.rows.parts}")
    number = text.make(f"urem i64 {rest}, {grid.rows.parts}")
    row = run_start(text, grid.rows, number)[0]
    heights, height = kind_of(text, number, grid.rows.lengths())
    row_step = image.steps[-2] if len(image.steps) > 1 else 0
    origin = text.times(row, row_step)
    pitches = image.pitches
    position = str(image.corner)
    if len(pitches) > 1:
        position = text.plus(position, text.times(row, pitches[-2]))
    left = outer
    for extent, step, pitch in zip(
        reversed(image.positions[:-2]),
        reversed(image.steps[:-2]),
        reversed(pitches[:-2]),
        strict=True,
    ):
        index = text.make(f"urem i64 {left}, {extent}")
        origin = text.plus(origin, text.times(index, step))
        position = text.plus(position, text.times(index, pitch))
        left = text.make(f"udiv i64 {left}, {extent}")
    channels, taps = image.channels, math.prod(image.kernel)
    size = math.prod(image.result)
    down = pitches[-2] if len(pitches) > 1 else 0
    per_group = image.inner * math.prod(image.frame.extents)
    widths = channels.widths()

    def group(g: str, _: list[str]) -> None:
        start = text.at(image.kind, source, text.plus(origin, text.times(g, per_group)))
        kernel = text.times(g, image.inner * taps * channels.padded)

        def panel(p: str, _: list[str]) -> None:
            vector = run_start(text, channels.panels, p)[0]
            first = text.times(vector, channels.lanes)
            weights = text.at(image.kind, "%scratch", text.plus(kernel, first))
            used, use = kind_of(text, p, [tuple(w) for w in widths])
            channel = text.plus(text.times(g, channels.count), first)
            base = text.times(n, image.groups * channels.count)
            place = text.times(text.plus(base, channel), size)

            def column(t: str, _: list[str]) -> None:
                x = run_start(text, grid.columns, t)[0]
                lengths, length = kind_of(text, t, grid.columns.lengths())
                case = text.plus(text.times(use, len(heights)), height)
                case = text.plus(text.times(case, len(lengths)), length)
                at = text.plus(position, text.times(x, pitches[-1]))
                target = _Target(text.plus(place, at), size, channel, at)
                pointer = text.at(image.kind, start, text.times(x, image.steps[-1]))
                cases = [
                    partial(
                        _tile,
                        text,
                        image,
                        [r * row_step + i * image.steps[-1] for r in range(h) for i in range(w)],
                        [r * down + i * pitches[-1] for r in range(h) for i in range(w)],
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
    image: Image,
    offsets: list[int],
    places: list[int],
    used: tuple[int, ...],
    pointers: tuple[str, str],
    target: _Target,
    epilogue: Epilogue | None,
) -> None:
    """Neighbouring positions by the vectors of a panel.

    Args:
        text: what is being written.
        image: the convolution.
        offsets: of each position in the frame.
        places: of each position in the result.
        used: lanes of each vector.
        pointers: into the frame and into the packed kernel.
        target: where results go.
        epilogue: what is done to them.
    """
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
            here = places[start : start + image.lanes]
            for j, (value, wide) in enumerate(turned(text, kind, lanes, block)[:count]):
                channel = text.plus(target.channel, str(v * lanes + j))
                index = text.plus(target.index, str((v * lanes + j) * target.between + here[0]))
                if epilogue is not None:
                    position = text.plus(target.position, str(here[0]))
                    value = epilogue(text, Output(value, kind, wide, len(block), channel, position))
                _store(text, kind, wide, value, text.at(kind, "%y", index), here)


def _store(text: Text, kind: str, lanes: int, value: str, first: str, places: list[int]) -> None:
    """A vector's elements at places counted from that of the first."""
    if places == list(range(places[0], places[0] + len(places))):
        text.store(kind, lanes, value, first, len(places))
        return
    for i, place in enumerate(places):
        one = text.make(f"extractelement {vector_type(kind, lanes)} {value}, i64 {i}")
        text.store(kind, 1, one, text.at(kind, first, str(place - places[0])), 1)
