"""Convolution kernels whose result is an image: the output, and the input gradient.

The input gradient is a convolution too: of the output's cotangent, its elements ``stride``
apart in a frame of zeros, with the kernel turned round and its channels exchanged. With a
stride most of those products would be by zero; where that matters the gradient is taken apart
into classes of places that meet the same taps, each a convolution without stride.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

from adjoint.lower.convolution import ConvolutionShape, Frame, Phase, channels_of
from adjoint.lower.convolution_image import image_phase
from adjoint.lower.convolution_tiles import Image
from adjoint.lower.products import Epilogue
from adjoint.lower.products_text import Text

# Multiply-adds from which a strided gradient is worth a function for each class of places.
_WORTH_CLASSES = 500_000


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
    image = Image(
        shape.n,
        shape.groups,
        frame,
        channels_of(shape.o // shape.groups, shape.size, vector_bytes),
        shape.kernel,
        tuple([d * p for d, p in zip(shape.dilation, pitches, strict=True)]),
        tuple([s * p for s, p in zip(shape.stride, pitches, strict=True)]),
        shape.positions,
        shape.positions,
        (0,) * len(shape.extents),
        (1,) * len(shape.extents),
        shape.kind,
        vector_bytes // shape.size,
        registers,
    )
    pack = _pack_forward(shape, image, symbol)
    return [image_phase(symbol, image, pack, shape.size, epilogue)]


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
    axes = len(shape.extents)
    work = shape.n * shape.o * math.prod(shape.positions) * math.prod(shape.kernel)
    if max(shape.stride, default=1) == 1 or work * shape.c // shape.groups < _WORTH_CLASSES:
        classes = [tuple([_stuffed(shape, axis) for axis in range(axes)])]
    else:
        classes = list(itertools.product(*[_classes(shape, axis) for axis in range(axes)]))
    phases = []
    for i, parts in enumerate(classes):
        name = symbol if len(classes) == 1 else f"{symbol}.{i}"
        image = _image_of(shape, parts, vector_bytes, registers)
        pack = _pack_turned(shape, image, parts, name)
        phases.append(image_phase(name, image, pack, shape.size, None))
    return phases


@dataclass(frozen=True)
class _Axis:
    """One axis of an input gradient: places ``first + t spread``, and the taps that reach them.

    ``y`` at ``t + j gap - shift`` meets tap ``last - j between``, for j below ``taps``; a frame
    puts element p of y at ``p step + shift``.
    """

    first: int
    spread: int
    count: int
    taps: int
    last: int
    between: int
    gap: int
    shift: int
    step: int


def _stuffed(shape: ConvolutionShape, axis: int) -> _Axis:
    """All places at once, y in a frame with zeros between its elements."""
    k, d = shape.kernel[axis], shape.dilation[axis]
    shift = (k - 1) * d - shape.padding[axis][0]
    return _Axis(0, 1, shape.extents[axis], k, k - 1, 1, d, shift, shape.stride[axis])


def _classes(shape: ConvolutionShape, axis: int) -> list[_Axis]:
    """Places apart by the stride meet the same taps: one class for each remainder."""
    k, d, step = shape.kernel[axis], shape.dilation[axis], shape.stride[axis]
    before = shape.padding[axis][0]
    common = math.gcd(d, step)
    found = []
    for first in range(min(step, shape.extents[axis])):
        taps = [i for i in range(k) if (first + before - i * d) % step == 0]
        count = -(-(shape.extents[axis] - first) // step)
        lowest = taps[0] if taps else 0
        base = (first + before - lowest * d) // step
        shift = (len(taps) - 1) * (d // common) - base
        last = taps[-1] if taps else 0
        between, gap = step // common, d // common
        found.append(_Axis(first, step, count, len(taps), last, between, gap, shift, 1))
    return found


def _image_of(
    shape: ConvolutionShape, parts: tuple[_Axis, ...], vector_bytes: int, registers: int
) -> Image:
    frame = Frame(
        shape.o,
        shape.positions,
        tuple([part.shift for part in parts]),
        tuple([part.step for part in parts]),
        tuple([part.count + max(part.taps - 1, 0) * part.gap for part in parts]),
    )
    pitches = frame.pitches
    return Image(
        shape.n,
        shape.groups,
        frame,
        channels_of(shape.c // shape.groups, shape.size, vector_bytes),
        tuple([part.taps for part in parts]),
        tuple([part.gap * pitch for part, pitch in zip(parts, pitches, strict=True)]),
        pitches,
        tuple([part.count for part in parts]),
        shape.extents,
        tuple([part.first for part in parts]),
        tuple([part.spread for part in parts]),
        shape.kind,
        vector_bytes // shape.size,
        registers,
    )


# *** the kernel with its channels side by side ***


def _pack_forward(shape: ConvolutionShape, image: Image, symbol: str) -> str:
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


def _pack_turned(
    shape: ConvolutionShape, image: Image, parts: tuple[_Axis, ...], symbol: str
) -> str:
    """w[g o, c, k] to [g o, taps turned round, c], those taps that the parts name."""
    text = Text()
    kind, padded, inputs = image.kind, image.channels.padded, image.channels.count
    whole, taps = math.prod(shape.kernel), math.prod(image.kernel)

    def output(o: str, _: list[str]) -> None:
        source = text.at(kind, "%w", text.times(o, inputs * whole))
        target = text.at(kind, "%packed", text.times(o, taps * padded))

        def channel(c: str, _: list[str]) -> None:
            here = text.at(kind, source, text.times(c, whole))
            there = text.at(kind, target, c)

            def tap(i: str, _: list[str]) -> None:
                left, index, pitch = i, "0", 1
                for part, extent in zip(reversed(parts), reversed(shape.kernel), strict=True):
                    turn = text.make(f"urem i64 {left}, {part.taps}")
                    left = text.make(f"udiv i64 {left}, {part.taps}")
                    index = text.plus(index, str(part.last * pitch))
                    index = text.plus(index, text.times(turn, -part.between * pitch))
                    pitch *= extent
                value = text.load(kind, 1, text.at(kind, here, index), 1)
                place = text.at(kind, there, text.times(i, padded))
                text.store(kind, 1, value, place, 1)

            text.loop("0", str(taps), [], tap)

        text.loop("0", str(inputs), [], channel)

    if taps:
        text.loop("0", str(shape.o), [], output)
    return _pack_function(text, symbol)


def _pack_function(text: Text, symbol: str) -> str:
    body = "\n  ".join([*text.lines, "ret void"])
    return (
        f"define internal void {symbol}.pack(ptr noalias %w, ptr noalias %packed) noinline "
        f"nounwind {{\nentry:\n  {body}\n}}\n"
    )
