"""The loops of convolution kernels whose result is an image, around their tiles."""

from __future__ import annotations

import itertools
import math
from functools import partial

from adjoint.lower.convolution import Phase, phase_of
from adjoint.lower.convolution_tiles import Image, Target, Way, best_way
from adjoint.lower.products import Epilogue
from adjoint.lower.products_outer import run_start
from adjoint.lower.products_text import Text, kind_of


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
        way = best_way(image)
        units = image.n * _units(image, way)
        some = text.make("icmp slt i64 %begin, %end")
        text.loop(
            "0",
            text.make(f"zext i1 {some} to i64"),
            [],
            lambda _, __: _all_units(text, symbol, image, way, packed, epilogue),
            checked=True,
        )
    text.functions.append(pack)
    return phase_of(text, symbol, units, scratch, 0)


def _units(image: Image, way: Way) -> int:
    """Parts of one image that can be worked on apart: some whole rows, or a part of one."""
    return math.prod(image.positions[:-2]) * way.rows.parts


def _all_units(
    text: Text, symbol: str, image: Image, way: Way, packed: int, epilogue: Epilogue | None
) -> None:
    text.line(f"call void {symbol}.pack(ptr %w, ptr %scratch)")
    framed = "" if image.frame.is_plain else text.at("i8", "%scratch", str(packed))
    if framed:
        image.frame.clear(text, image.kind, image.lanes, framed)
    per_image = _units(image, way)
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
        _unit(text, image, way, n, rest, framed or source, epilogue)

    text.loop("%begin", "%end", [], unit, checked=True)


def _unit(
    text: Text,
    image: Image,
    way: Way,
    n: str,
    rest: str,
    source: str,
    epilogue: Epilogue | None,
) -> None:
    """Some rows of one image's result, all channels."""
    outer = text.make(f"udiv i64 {rest}, {way.rows.parts}")
    number = text.make(f"urem i64 {rest}, {way.rows.parts}")
    row = run_start(text, way.rows, number)[0]
    heights, height = kind_of(text, number, way.rows.lengths())
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
    per_group = image.inner * math.prod(image.frame.extents)

    def group(g: str, _: list[str]) -> None:
        start = text.at(image.kind, source, text.plus(origin, text.times(g, per_group)))
        kernel = text.times(g, image.inner * taps * channels.padded)

        def panel(p: str, _: list[str]) -> None:
            first = text.times(run_start(text, way.panels, p)[0], way.panel_step)
            weights = text.at(image.kind, "%scratch", text.plus(kernel, first))
            used, use = kind_of(text, p, way.panel_kinds)
            channel = text.plus(text.times(g, channels.count), first)
            base = text.times(n, image.groups * channels.count)
            place = text.times(text.plus(base, channel), size)

            def column(t: str, _: list[str]) -> None:
                x = text.times(run_start(text, way.columns, t)[0], way.column_step)
                lengths, length = kind_of(text, t, way.column_kinds)
                case = text.plus(text.times(use, len(heights)), height)
                case = text.plus(text.times(case, len(lengths)), length)
                at = text.plus(position, text.times(x, pitches[-1]))
                target = Target(text.plus(place, at), size, channel, at)
                pointer = text.at(image.kind, start, text.times(x, image.steps[-1]))
                pointers = (pointer, weights)
                cases = [
                    partial(way.tile, text, image, h, w, u, pointers, target, epilogue)
                    for u, h, w in itertools.product(used, heights, lengths)
                ]
                text.choose(case, cases)

            text.loop("0", str(way.columns.parts), [], column)

        text.loop("0", str(way.panels.parts), [], panel)

    text.loop("0", str(image.groups), [], group)
