"""Kernels as functions, and whether threads share them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from adjoint.graph.graph import Node, Operand, Value
from adjoint.lower import reduce as reducing
from adjoint.lower.axes import plan_axes
from adjoint.lower.emit import Vector
from adjoint.lower.expr import Writer
from adjoint.lower.index import Index
from adjoint.lower.kernel import Kernel, KernelWriter
from adjoint.lower.layout import Place, arena
from adjoint.lower.widths import fitting

_BLOCK = 1 << 14  # elements of a stretch whose sum is one partial result
_PER_BYTE = 2.5e-5  # microseconds, in the second-level cache
LONG = 20_000.0  # microseconds of a step by forecast: it asks for signals on the way
WORTH_SHARING = 10.0  # microseconds of a step: less is done sooner than threads have met
_ACCUMULATORS: dict[str, np.dtype[Any]] = {
    "float": np.dtype("f4"),
    "double": np.dtype("f8"),
    "i1": np.dtype(bool),
}


def write_kernel(
    kernel: Kernel,
    inline: Mapping[Value, Node],
    places: Mapping[Operand, Place],
    name: str,
    features: frozenset[str],
    codes: Any,
    split: int | None = None,
) -> tuple[str, list[Place], Writer]:
    """The kernel as an LLVM function, and the places whose pointers it takes.

    With an axis at which to split it is a map for a tile: for some of the rows before, and some
    of the columns from there on. What lies in a place of the kind "tile" is found by a pointer
    of its own. Such a function stays one by itself: beside a product's accumulators its
    registers would be moved to memory.
    """
    parameters: dict[tuple[Any, Any], tuple[str, Place]] = {}

    def pointer(place: Place) -> str:
        if place.buffer.kind == "tile":
            return "%tile"
        key = (place.buffer.root(), place.moving)
        if key not in parameters:
            parameters[key] = (f"%b{len(parameters)}", place)
        return parameters[key][0]

    writer = Writer(features, inline, places, pointer)
    if split is None:
        KernelWriter(kernel, writer).write()
    else:
        KernelWriter(kernel, writer).write_tile(split)
    finish_checks(writer, codes)
    declared = ["ptr %errors", *(f"ptr {p}" for p, _ in parameters.values())]
    if split is not None:
        bounds = ("row", "row.end", "column", "column.end")
        declared += ["ptr %tile", *(f"i64 %{bound}" for bound in bounds)]
    else:
        declared += writer.site_parameters
    if split is None and kernel.shared:
        declared += ["i64 %begin", "i64 %end", "i1 %last"]
    text = writer.function(name, declared)
    if split is not None:
        text = writer.with_sites(text.replace(" #0 {", " noinline #0 {", 1))
    return text, [place for _, place in parameters.values()], writer


def write_finish(
    kernel: Kernel, name: str, features: frozenset[str]
) -> tuple[str, list[Place], Writer]:
    """The partial results of a kernel combined in order, as a function of its own."""
    places: list[Place] = []

    def pointer(place: Place) -> str:
        if place not in places:
            places.append(place)
        return f"%b{places.index(place)}"

    w = Writer(features, {}, {}, pointer)
    for node in kernel.nodes:
        partials, target = kernel.partials[node.output], kernel.stores[node.output]
        kind = reducing.accumulator_kind(node)
        slot = w.slot(kind, 1, reducing.identity(w, node))

        def add(i: Index, node: Node = node, slot: str = slot, parts: Place = partials) -> None:
            old = w.read(slot, reducing.accumulator_kind(node), 1)
            w.write(slot, reducing.combine(w, node, old, w.load(parts, i, None)))

        w.loop(partials.shape[0], add)
        w.store(target, Index(target.offset), reducing.finish(w, node, w.read(slot, kind, 1)))
    declared = ["ptr %errors", *(f"ptr %b{i}" for i in range(len(places)))]
    return w.function(name, declared), places, w


def microseconds(kernel: Kernel) -> float:
    """A rough forecast of a kernel's time on one core: its arithmetic or its traffic."""
    widest = max((node.output.type.dtype.itemsize for node in kernel.nodes), default=4)
    types = [x.type for x in {*dict(kernel.reads), *kernel.stores}]
    moved = sum(min(t.size, kernel.size) * t.dtype.itemsize for t in types)
    return max(kernel.size * (1 + kernel.price) * widest * 8e-6, moved * _PER_BYTE)


def shared_steps(kernel: Kernel) -> int:
    """The steps of the outermost loop over kept axes, in vectors if it is the innermost too."""
    kept = [g for g in kernel.groups if g[-1] < kernel.prefix]
    if not kept:
        return 0
    steps = 1
    for axis in kept[0]:
        steps *= kernel.space[axis]
    if len(kept) == 1 and not kernel.across:
        steps //= min(kernel.lanes, fitting(steps))
    return steps


def plan_sharing(kernel: Kernel, threads: int) -> None:
    """Decide whether a kernel's outermost loop is done in parts, and whether sums go by blocks.

    Parts are for threads that share it, and for kernels that ask for signals between them.

    Blocks depend on the size alone, so that the bits are the same for any number of threads.
    """
    kept = [g for g in kernel.groups if g[-1] < kernel.prefix]
    inner = [g for g in kernel.groups if g[-1] >= kernel.prefix]

    def extent(group: list[int]) -> int:
        size = 1
        for axis in group:
            size *= kernel.space[axis]
        return size

    if not kept and inner and len(kernel.stages) == 1 and kernel.stages[0].reduces:
        stored = all(node.output in kernel.stores for node in kernel.nodes)
        if kernel.size < 2 * _BLOCK or not stored:
            return
        kernel.block = max(1, _BLOCK * extent(inner[0]) // kernel.size)
        count = -(-extent(inner[0]) // kernel.block)
        for node in kernel.nodes:
            kind = reducing.accumulator_kind(node)
            dtype = _ACCUMULATORS.get(kind, node.operands[0].type.dtype)
            kernel.partials[node.output] = arena((count,), dtype)
        steps = extent(inner[0]) // kernel.block
    elif kept:
        steps = shared_steps(kernel)
    else:
        return
    price = microseconds(kernel)
    is_worth = threads > 1 and steps >= threads and price >= WORTH_SHARING
    if is_worth or (steps > 1 and price >= LONG):
        kernel.shared = steps


def finish_checks(w: Writer, codes: Any) -> None:
    """Report the first index that was out of range, once, at the kernel's end.

    The numbers of the sites are parameters: kernels that differ in nothing else are one function.
    """
    for (node, which, lanes), slots in w.checks.items():
        extent, code = codes(node, which)
        type_ = "i64" if lanes == 1 else f"<{lanes} x i64>"
        ends = []
        for slot, name in zip(slots, ("smin", "smax"), strict=True):
            reg = w.make("i64", lanes, 0, f"load {type_}, ptr {slot}, align 64")
            if lanes > 1:
                full = f"@llvm.vector.reduce.{name}.v{lanes}i64"
                w.declare(full, f"declare i64 {full}({type_})")
                reg = w.make("i64", 1, 0, f"call i64 {full}({type_} {reg.name})")
            ends.append(reg)
        w.declare("@report", "")
        w.sites.append(code)
        w.line(
            f"call void @report(ptr %errors, {w.site_parameters[-1]}, i64 {ends[0].name}, "
            f"i64 {ends[1].name}, i64 {extent})"
        )


def probe_kernel(
    kernel: Kernel,
    inline: Mapping[Value, Node],
    places: Mapping[Operand, Place],
    features: frozenset[str],
) -> None:
    """Find out what a kernel reads and how its loops may be merged."""
    writer = Writer(features, inline, places, lambda place: "%b", probing=True)
    writer.vector = Vector(None, 1, None)
    variables = KernelWriter(kernel, writer).probe()
    plan_axes(kernel, variables, writer.forms)
