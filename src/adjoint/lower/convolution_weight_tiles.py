"""The tiles of the weight gradient, and the two ways to make them.

An accumulator belongs to one tap and holds either a vector of output channels, to which elements
of the image are spread, or one channel's sums over positions that lie a vector apart, which are
added up at the very end.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from adjoint.lower.convolution import Channels, ConvolutionShape, Frame
from adjoint.lower.products_text import Text, vector_type
from adjoint.lower.products_tile import Split


@dataclass(frozen=True)
class Sums:
    """The weight gradient with everything as numbers.

    Args:
        shape: of the convolution.
        frame: of one image of x, the channels of one group.
        channels: of y, one group.
        blocks: the images, split into blocks.
        taps: the taps of one input channel, split over tiles.
        inputs: the input channels of one group, split over tiles.
        parts: the tiles' input channels, split into units.
        lanes: of a full vector.
        panels: the channels of a group, or their vectors, split over tiles.
        by_positions: whether positions lie in the lanes.
    """

    shape: ConvolutionShape
    frame: Frame
    channels: Channels
    blocks: Split
    taps: Split
    inputs: Split
    parts: Split
    lanes: int
    panels: Split
    by_positions: bool

    @property
    def per_group(self) -> int:
        """Taps of a group, all its channels."""
        return self.taps.total * self.inputs.total

    @property
    def partial(self) -> int:
        """Elements of a partial result: [g, c k, o], each a vector if positions are."""
        return self.shape.groups * self.per_group * self.width

    @property
    def width(self) -> int:
        """Elements of a partial result for one tap: its channels."""
        return self.channels.count * self.lanes if self.by_positions else self.channels.padded

    @property
    def accumulator(self) -> int:
        """Lanes of an accumulator."""
        return self.lanes if self.by_positions else self.channels.lanes

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


def channels_tile(
    text: Text, sums: Sums, offsets: list[int], vectors: int, x: str, y: str, target: str
) -> None:
    """Some taps by the vectors of a panel, over all positions of an image.

    Args:
        text: what is being written.
        sums: the gradient.
        offsets: of the taps in the frame.
        vectors: of channels.
        x: the frame.
        y: the first vector of the turned y_bar.
        target: the first accumulator.
    """
    kind, lanes, padded = sums.shape.kind, sums.channels.lanes, sums.channels.padded

    def step(pointers: list[str], totals: list[str]) -> tuple[list[str], list[str]]:
        pointer, here = pointers
        columns = [
            text.load(kind, lanes, text.at(kind, here, str(v * lanes)), lanes)
            for v in range(vectors)
        ]
        new = []
        for r, offset in enumerate(offsets):
            spread = text.spread(kind, lanes, text.at(kind, pointer, str(offset)))
            mine = totals[r * vectors : (r + 1) * vectors]
            new += [
                text.fma(kind, lanes, spread, column, total)
                for column, total in zip(columns, mine, strict=True)
            ]
        return [text.at(kind, here, str(padded))], new

    _accumulate(text, sums, (x, y, target), (len(offsets), vectors), step)


def positions_tile(
    text: Text, sums: Sums, offsets: list[int], channels: int, x: str, y: str, target: str
) -> None:
    """Some taps by some channels, over all positions of an image, a vector of them at a time.

    ``y`` is the first channel of y_bar as it is; the rest is as for channels.
    """
    kind, lanes = sums.shape.kind, sums.lanes
    size, width = math.prod(sums.shape.positions), sums.shape.positions[-1]

    def part(x: str, y: str, used: int, totals: list[str]) -> list[str]:
        rows = [
            text.load(kind, lanes, text.at(kind, y, str(o * size)), used) for o in range(channels)
        ]
        new = []
        for r, offset in enumerate(offsets):
            column = text.load(kind, lanes, text.at(kind, x, str(offset)), used)
            mine = totals[r * channels : (r + 1) * channels]
            new += [
                text.fma(kind, lanes, row, column, total)
                for row, total in zip(rows, mine, strict=True)
            ]
        return new

    def step(pointers: list[str], totals: list[str]) -> tuple[list[str], list[str]]:
        pointer, here = pointers
        whole, left = divmod(width, lanes)

        def turn(i: str, totals: list[str]) -> list[str]:
            first = text.times(i, lanes)
            return part(text.at(kind, pointer, first), text.at(kind, here, first), lanes, totals)

        if whole:
            types = [vector_type(kind, lanes)] * len(totals)
            carried = list(zip(types, totals, strict=True))
            totals = text.loop("0", str(whole), carried, turn, rolled=True)
        if left:
            done = str(whole * lanes)
            totals = part(text.at(kind, pointer, done), text.at(kind, here, done), left, totals)
        return [text.at(kind, here, str(width))], totals

    _accumulate(text, sums, (x, y, target), (len(offsets), channels), step)


def _accumulate(
    text: Text,
    sums: Sums,
    pointers: tuple[str, str, str],
    counts: tuple[int, int],
    step: Callable[[list[str], list[str]], tuple[list[str], list[str]]],
) -> None:
    """Add what all positions give to the accumulators of so many taps by so many others.

    ``step`` takes where it stands in the frame and in y, and the sums; it gives where it stands
    in y afterwards, and the sums. It does one position, or a row of them.
    """
    kind, lanes = sums.shape.kind, sums.accumulator
    x, y, target = pointers
    places = [
        text.at(kind, target, str(r * sums.width + v * lanes))
        for r in range(counts[0])
        for v in range(counts[1])
    ]
    axes = sums.shape.positions[:-1] if sums.by_positions else sums.shape.positions
    gaps = [s * p for s, p in zip(sums.shape.stride, sums.frame.pitches, strict=True)]
    types = ["ptr", *[vector_type(kind, lanes)] * len(places)]

    def nest(axis: int, pointer: str, values: list[str]) -> list[str]:
        if axis == len(axes):
            after, totals = step([pointer, values[0]], values[1:])
            return [*after, *totals]
        # Rolled for the reason that the forward kernel's taps are.
        return text.loop(
            "0",
            str(axes[axis]),
            list(zip(types, values, strict=True)),
            lambda i, inner: nest(
                axis + 1, text.at(kind, pointer, text.times(i, gaps[axis])), inner
            ),
            rolled=True,
        )

    if 0 in sums.shape.positions:
        return
    old = [text.load(kind, lanes, place, lanes) for place in places]
    _, *new = nest(0, x, [y, *old])
    for place, value in zip(places, new, strict=True):
        text.store(kind, lanes, value, place, lanes)
