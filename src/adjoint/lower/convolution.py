"""Convolutions with fixed shapes, as LLVM IR.

All three products (output, input gradient, weight gradient) spread single elements of an image
over the lanes and multiply them by vectors along the output channels (along the input channels
for the input gradient), which have been put side by side beforehand. So nothing is asked of
stride, dilation or extents: an image element may come from anywhere.

Each product is a list of phases. A phase is a function ``(ptr first, ptr second, ptr result,
ptr scratch, ptr shared, i64 begin, i64 end)`` that computes some of its units; phases follow
each other with a barrier between them. The bits do not depend on how units are split.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from adjoint.lower.products import KINDS
from adjoint.lower.products_text import Text
from adjoint.lower.products_tile import Split, lanes_for

# What a vector costs to which single elements are spread, however few lanes it has.
_SPREAD = 0.5
SIGNATURE = "ptr noalias %x, ptr noalias %w, ptr noalias %y, ptr noalias %scratch, ptr %shared"


@dataclass(frozen=True)
class ConvolutionShape:
    """A convolution ``x[n, c, s] * w[o, c / groups, k] -> y[n, o, p]`` of contiguous arrays.

    Args:
        n: images.
        c: input channels.
        o: output channels.
        extents: s, one for each spatial axis.
        kernel: k.
        stride: one for each axis.
        padding: (before, after) for each axis.
        dilation: one for each axis.
        groups: of channels.
        dtype: ``"float32"`` or ``"float64"``.
    """

    n: int
    c: int
    o: int
    extents: tuple[int, ...]
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    dilation: tuple[int, ...]
    groups: int
    dtype: str

    @property
    def kind(self) -> str:
        """LLVM's name of the dtype."""
        return KINDS[self.dtype]

    @property
    def size(self) -> int:
        """Bytes of an element."""
        return 4 if self.dtype == "float32" else 8

    @property
    def positions(self) -> tuple[int, ...]:
        """p, the extents of the output."""
        return tuple(
            [
                max(0, (n + sum(pad) - d * (k - 1) - 1) // step + 1)
                for n, k, step, pad, d in zip(
                    self.extents, self.kernel, self.stride, self.padding, self.dilation, strict=True
                )
            ]
        )


@dataclass(frozen=True)
class Phase:
    """One function of a convolution.

    Args:
        text: LLVM IR, with all that it calls.
        symbol: its name.
        units: into how many it can be split.
        scratch: bytes that each thread needs for itself, aligned to a cache line.
        shared: bytes that all threads need together, kept from phase to phase.
    """

    text: str
    symbol: str
    units: int
    scratch: int
    shared: int


@dataclass(frozen=True)
class Frame:
    """Images copied into zeros: where element p of an axis goes, and how large the result is.

    Args:
        channels: of an image.
        source: extents of an image as it lies in memory.
        first: where element 0 of each axis goes; may be negative, what falls outside is left out.
        step: how far apart neighbours come to lie.
        extents: of the result.
    """

    channels: int
    source: tuple[int, ...]
    first: tuple[int, ...]
    step: tuple[int, ...]
    extents: tuple[int, ...]

    @property
    def is_plain(self) -> bool:
        """Whether the result would be the image itself."""
        return self.source == self.extents and not any(self.first) and max(self.step) == 1

    @property
    def size(self) -> int:
        """Elements of the result."""
        return self.channels * math.prod(self.extents)

    @property
    def pitches(self) -> tuple[int, ...]:
        """Elements between neighbours of each axis of the result."""
        return tuple([math.prod(self.extents[i + 1 :]) for i in range(len(self.extents))])

    def clear(self, text: Text, kind: str, lanes: int, target: str) -> None:
        """Write zeros everywhere, once: copies of images leave the same places alone."""
        whole = -(-self.size // lanes)

        def vector(i: str, _: list[str]) -> None:
            place = text.at(kind, target, text.times(i, lanes))
            text.store(kind, lanes, "zeroinitializer", place, lanes)

        text.loop("0", str(whole), [], vector)

    def copy(self, text: Text, kind: str, lanes: int, source: str, target: str) -> None:
        """Copy one image."""
        ranges = [
            (max(0, -(first // step)), min(n, -(-(extent - first) // step)))
            for n, first, step, extent in zip(
                self.source, self.first, self.step, self.extents, strict=True
            )
        ]
        if any(low >= high for low, high in ranges):
            return
        self._copy_axis(text, kind, lanes, (source, target), [(0, self.channels), *ranges], 0)

    def _copy_axis(
        self,
        text: Text,
        kind: str,
        lanes: int,
        places: tuple[str, str],
        ranges: list[tuple[int, int]],
        axis: int,
    ) -> None:
        """Axis 0 is the channels."""
        source, target = places
        low, high = ranges[axis]
        of_source = math.prod(self.source[axis:])
        of_target = math.prod(self.extents[axis:])
        first, step = (self.first[axis - 1], self.step[axis - 1]) if axis else (0, 1)
        if axis == len(self.extents) and step == 1:
            self._copy_row(text, kind, lanes, (source, target), (low, high, first))
            return

        def element(i: str, _: list[str]) -> None:
            place = text.plus(text.times(i, step), str(first))
            inner = (
                text.at(kind, source, text.times(i, of_source)),
                text.at(kind, target, text.times(place, of_target)),
            )
            if axis < len(self.extents):
                self._copy_axis(text, kind, lanes, inner, ranges, axis + 1)
            else:
                value = text.load(kind, 1, inner[0], 1)
                text.store(kind, 1, value, inner[1], 1)

        text.loop(str(low), str(high), [], element)

    def _copy_row(
        self,
        text: Text,
        kind: str,
        lanes: int,
        places: tuple[str, str],
        row: tuple[int, int, int],
    ) -> None:
        low, high, first = row
        for start in range(low, high, lanes):
            used = min(lanes, high - start)
            value = text.load(kind, lanes, text.at(kind, places[0], str(start)), used)
            text.store(kind, lanes, value, text.at(kind, places[1], str(start + first)), used)


@dataclass(frozen=True)
class Channels:
    """The vectored channels of one group.

    Args:
        count: how many channels.
        lanes: of a vector.
        panels: the vectors, split into panels that one tile works on.
    """

    count: int
    lanes: int
    panels: Split

    @property
    def padded(self) -> int:
        """The channels with the unused lanes of the last vector."""
        return self.panels.total * self.lanes

    def widths(self) -> list[list[int]]:
        """For each panel, the used lanes of its vectors."""
        used = [self.lanes] * self.panels.total
        used[-1] = self.count - (self.panels.total - 1) * self.lanes
        widths = []
        for length in self.panels.lengths():
            widths.append(used[:length])
            used = used[length:]
        return widths

    def each_vector(self, text: Text, body: Callable[[str, int], None]) -> None:
        """Run ``body(v, used lanes)`` for every vector."""
        whole, left = divmod(self.count, self.lanes)
        if whole:
            text.loop("0", str(whole), [], lambda v, _: body(v, self.lanes), rolled=True)
        if left:
            body(str(whole), left)

    def most_rows(self, registers: int) -> int:
        """The rows of a tile that fit the registers."""
        vectors = max(self.panels.lengths())
        return max(1, min(28, (registers - 2 - vectors) // vectors))


def rows_fill_lanes(channels: Channels, width: int, lanes: int) -> bool:
    """Whether rows of positions so wide fill vectors of so many lanes better than channels."""
    by_channels = channels.panels.total * max(channels.lanes / lanes, _SPREAD)
    return channels.count * -(-width // lanes) < by_channels * width


def channels_of(count: int, size: int, vector_bytes: int) -> Channels:
    """How some channels are cut into vectors and panels."""
    lanes = max(2, lanes_for(count, size, vector_bytes))
    vectors = -(-count // lanes)
    widest = 3 if vectors == 3 else 2
    return Channels(count, lanes, Split(vectors, -(-vectors // widest)))


def phase_of(text: Text, symbol: str, units: int, scratch: int, shared: int) -> Phase:
    """A phase with the lines that have been written, and all they need."""
    body = "\n  ".join([*text.lines, "ret void"])
    main = (
        f"define internal void {symbol}({SIGNATURE}, i64 %begin, i64 %end) nounwind {{\n"
        f"entry:\n  {body}\n}}\n"
    )
    parts = [*text.functions, main, *text.metadata]
    return Phase("".join(parts), symbol, units, scratch, shared)
