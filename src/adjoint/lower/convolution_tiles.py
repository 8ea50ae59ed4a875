"""The tiles of convolution kernels whose result is an image, and the two ways to make them.

A tile is a run of neighbouring positions of the result by some channels; its accumulators stay
in registers over all input channels and taps. Either the channels lie in the lanes of vectors
and elements of the image are spread over them, or a row of positions does and elements of the
kernel are spread. Many channels fill their lanes, few do not: there the rows are longer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from adjoint.lower.convolution import Channels, Frame, rows_fill_lanes
from adjoint.lower.products import Epilogue
from adjoint.lower.products_text import Output, Text, turned, vector_type
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
    def height(self) -> int:
        """Positions of the last axis but one."""
        return self.positions[-2] if len(self.positions) > 1 else 1

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


# *** the two ways ***


@dataclass(frozen=True)
class Way:
    """How the positions and channels of a result are cut into tiles.

    Args:
        rows: of the last axis but one, split over tiles.
        columns: runs of the last axis, in steps of ``column_step`` positions.
        column_step: see there.
        column_kinds: what the tile must know of each run.
        panels: runs of one group's channels, in steps of ``panel_step`` channels.
        panel_step: see there.
        panel_kinds: what the tile must know of each run.
        tile: ``(text, image, rows, column kind, panel kind, pointers, target, epilogue)``.
    """

    rows: Split
    columns: Split
    column_step: int
    column_kinds: list[Any]
    panels: Split
    panel_step: int
    panel_kinds: list[Any]
    tile: Callable[..., None]


def best_way(image: Image) -> Way:
    """The way that fills its lanes better."""
    even = image.steps[-1] == 1 and image.spread[-1] == 1
    if even and rows_fill_lanes(image.channels, image.positions[-1], image.lanes):
        return _by_positions(image)
    return _by_channels(image)


def _by_channels(image: Image) -> Way:
    most, width = image.channels.most_rows(image.registers), image.positions[-1]
    together = max(1, most // width) if width <= most else 1
    columns = Split(width, -(-width // most))
    widths = [tuple(w) for w in image.channels.widths()]
    return Way(
        Split(image.height, -(-image.height // together)),
        columns,
        1,
        columns.lengths(),
        image.channels.panels,
        image.channels.lanes,
        widths,
        channels_tile,
    )


def _by_positions(image: Image) -> Way:
    width, lanes = image.positions[-1], image.lanes
    most = 6 if image.registers >= 32 else 4
    panels = Split(image.channels.count, -(-image.channels.count // most))
    # Accumulators, a vector of each row, one spread element of the kernel.
    together = max(1, (image.registers - 2) // (max(panels.lengths()) + 1))
    vectors = -(-width // lanes)
    columns = Split(vectors, -(-vectors // together))
    used = [min(lanes, width - i * lanes) for i in range(vectors)]
    kinds = [
        tuple(used[a : a + n]) for a, n in zip(columns.starts(), columns.lengths(), strict=True)
    ]
    rows = max(1, together // max(columns.lengths()))
    return Way(
        Split(image.height, -(-image.height // rows)),
        columns,
        lanes,
        kinds,
        panels,
        1,
        panels.lengths(),
        positions_tile,
    )


@dataclass(frozen=True)
class Target:
    """Where a tile's results go: its first element, the distance between channels, names."""

    index: str
    between: int
    channel: str
    position: str


def channels_tile(
    text: Text,
    image: Image,
    rows: int,
    columns: int,
    used: tuple[int, ...],
    pointers: tuple[str, str],
    target: Target,
    epilogue: Epilogue | None,
) -> None:
    """Neighbouring positions by the vectors of a panel.

    Args:
        text: what is being written.
        image: the convolution.
        rows: of positions.
        columns: of positions.
        used: lanes of each vector.
        pointers: into the frame and into the packed kernel.
        target: where results go.
        epilogue: what is done to them.
    """
    kind, lanes, vectors = image.kind, image.channels.lanes, len(used)
    offsets, places = _positions(image, rows, range(columns))

    def products(pointer: str, weights: str, sums: list[str]) -> list[str]:
        columns = [
            text.load(kind, lanes, text.at(kind, weights, str(v * lanes)), lanes)
            for v in range(vectors)
        ]
        new = []
        for r, offset in enumerate(offsets):
            x = text.spread(kind, lanes, text.at(kind, pointer, str(offset)))
            new += [
                text.fma(kind, lanes, x, columns[v], sums[r * vectors + v]) for v in range(vectors)
            ]
        return new

    sums = _sums(text, image, pointers, (lanes, len(offsets) * vectors), products)
    for v, count in enumerate(used):
        for start in range(0, len(offsets), image.lanes):
            block = sums[v::vectors][start : start + image.lanes]
            here = places[start : start + image.lanes]
            for j, (value, wide) in enumerate(turned(text, kind, lanes, block)[:count]):
                _finish(text, image, (value, wide), v * lanes + j, here, target, epilogue)


def positions_tile(
    text: Text,
    image: Image,
    rows: int,
    used: tuple[int, ...],
    channels: int,
    pointers: tuple[str, str],
    target: Target,
    epilogue: Epilogue | None,
) -> None:
    """The vectors of some rows of positions by a few channels; ``used`` lanes of each vector."""
    kind, lanes = image.kind, image.lanes
    offsets, places = _positions(image, rows, [v * lanes for v in range(len(used))])
    wide = list(used) * rows

    def products(pointer: str, weights: str, sums: list[str]) -> list[str]:
        vectors = [
            text.load(kind, lanes, text.at(kind, pointer, str(offset)), n)
            for offset, n in zip(offsets, wide, strict=True)
        ]
        new = []
        for c in range(channels):
            w = text.spread(kind, lanes, text.at(kind, weights, str(c)))
            mine = sums[c * len(vectors) : (c + 1) * len(vectors)]
            new += [text.fma(kind, lanes, w, x, y) for x, y in zip(vectors, mine, strict=True)]
        return new

    sums = _sums(text, image, pointers, (lanes, len(offsets) * channels), products)
    for c in range(channels):
        for i, (first, n) in enumerate(zip(places, wide, strict=True)):
            here = list(range(first, first + n))
            value = sums[c * len(places) + i]
            _finish(text, image, (value, lanes), c, here, target, epilogue)


def _positions(image: Image, rows: int, columns: Sequence[int]) -> tuple[list[int], list[int]]:
    """Where the positions of a tile lie in the frame, and where in the result."""
    pitches = image.pitches
    step, down = (image.steps[-2], pitches[-2]) if len(pitches) > 1 else (0, 0)
    across = [(r, i) for r in range(rows) for i in columns]
    offsets = [r * step + i * image.steps[-1] for r, i in across]
    return offsets, [r * down + i * pitches[-1] for r, i in across]


def _sums(
    text: Text,
    image: Image,
    pointers: tuple[str, str],
    accumulators: tuple[int, int],
    products: Callable[[str, str, list[str]], list[str]],
) -> list[str]:
    """The sums over input channels and taps; ``accumulators`` are so many lanes, so many.

    ``products`` adds those of one channel and tap, given where the tile starts there, where
    the elements of the kernel lie, and the sums.
    """
    counts = (image.inner, *image.kernel)
    gaps = (math.prod(image.frame.extents), *image.gaps)
    lanes, number = accumulators
    types = ["ptr", *[vector_type(image.kind, lanes)] * number]

    def nest(axis: int, pointer: str, values: list[str]) -> list[str]:
        if axis == len(counts):
            weights, *sums = values
            sums = products(pointer, weights, sums)
            return [text.at(image.kind, weights, str(image.channels.padded)), *sums]
        count, gap = counts[axis], gaps[axis]
        if count == 1:
            return nest(axis + 1, pointer, values)

        def turn(i: str, inner: list[str]) -> list[str]:
            return nest(axis + 1, text.at(image.kind, pointer, text.times(i, gap)), inner)

        # Neighbouring positions need the same elements for different taps: a rolled loop
        # loads them again, which is cheaper than storing accumulators to make room.
        carried = list(zip(types, values, strict=True))
        return text.loop("0", str(count), carried, turn, rolled=True)

    first = ["zeroinitializer"] * number
    return first if 0 in counts else nest(0, pointers[0], [pointers[1], *first])[1:]


def _finish(
    text: Text,
    image: Image,
    value: tuple[str, int],
    channel: int,
    here: list[int],
    target: Target,
    epilogue: Epilogue | None,
) -> None:
    """Store the sums of one channel; ``value`` is a vector and its lanes, ``here`` places."""
    sums, lanes = value
    index = text.plus(target.index, str(channel * target.between + here[0]))
    if epilogue is not None:
        row, position = (
            text.plus(target.channel, str(channel)),
            text.plus(target.position, str(here[0])),
        )
        sums = epilogue(text, Output(sums, image.kind, lanes, len(here), row, position))
    _store(text, image.kind, lanes, sums, text.at(image.kind, "%y", index), here)


def _store(text: Text, kind: str, lanes: int, value: str, first: str, places: list[int]) -> None:
    """A vector's elements at places counted from that of the first."""
    if places == list(range(places[0], places[0] + len(places))):
        text.store(kind, lanes, value, first, len(places))
        return
    for i, place in enumerate(places):
        one = text.make(f"extractelement {vector_type(kind, lanes)} {value}, i64 {i}")
        text.store(kind, 1, one, text.at(kind, first, str(place - places[0])), 1)
