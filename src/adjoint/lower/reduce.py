"""Reductions: what starts them, what combines two parts, what comes out."""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.graph.graph import Node, Operand
from adjoint.lower import complexes
from adjoint.lower.emit import (
    FLOATS,
    Emitter,
    Reg,
    complex_kind,
    join,
    number_type,
    parts,
    reg_type,
)
from adjoint.lower.maps import extreme, truth

REDUCTIONS = frozenset({"sum", "prod", "max", "min", "any", "all"})


def is_reduction(node: Node) -> bool:
    """Whether a node reduces axes and has native code for its dtype."""
    name = node.primitive.name
    dtype = node.operands[0].type.dtype
    return name in REDUCTIONS and reg_type(dtype) is not None


def reduces_here(node: Node) -> bool:
    """The same, for complex sums and products too."""
    complex_sum = node.primitive.name in ("sum", "prod")
    complex_sum = complex_sum and complex_kind(node.operands[0].type.dtype) is not None
    return is_reduction(node) or complex_sum


def accumulator_kind(node: Node) -> str:
    """The type in which a reduction adds up: float16 in float32, truth in one bit."""
    kind = number_type(node.operands[0].type.dtype)
    assert kind is not None
    if node.primitive.name in ("any", "all"):
        return "i1"
    return "float" if kind == "half" and node.primitive.name in ("sum", "prod") else kind


def identity(e: Emitter, node: Node) -> Reg:
    """What a reduction of nothing is."""
    name, dtype, kind = node.primitive.name, node.operands[0].type.dtype, accumulator_kind(node)
    if name in ("sum", "any"):
        return e.const(0, kind)
    if name in ("prod", "all"):
        return e.const(1, kind)
    lowest = name == "max"
    if kind in FLOATS:
        return e.const(float("-inf") if lowest else float("inf"), kind)
    if kind == "i1":
        return e.const(0 if lowest else 1, kind)
    info = np.iinfo(dtype)
    value = int(info.min if lowest else info.max)
    return e.const(value, kind)


def prepare(e: Emitter, node: Node, x: Reg) -> Reg:
    """An element in the type of the accumulator."""
    kind = accumulator_kind(node)
    if kind == "i1":
        return truth(e, x)
    return e.convert("fpext", x, kind) if x.kind == "half" and kind == "float" else x


def combine(e: Emitter, node: Node, x: Reg, y: Reg) -> Reg:
    """Two parts of a reduction made one."""
    name = node.primitive.name
    if x.imag is not None:
        return complexes.combine(e, name, x, y)
    floating = x.kind in FLOATS
    if name == "any":
        return e.op("or", x, y)
    if name == "all":
        return e.op("and", x, y)
    if name == "sum":
        return e.op("fadd" if floating else "or" if x.kind == "i1" else "add", x, y)
    if name == "prod":
        return e.op("fmul" if floating else "and" if x.kind == "i1" else "mul", x, y)
    return extreme(e, x, y, node.operands[0].type.dtype, name == "max")


def fused_factors(e: Emitter, node: Node, inner: Node | None) -> tuple[Operand, Operand] | None:
    """The factors of a sum of products, where one instruction multiplies and adds.

    No fast-math flag is ever given: the order of additions is written out, so the bits of a
    sum do not depend on what LLVM makes of the code around it.
    """
    if node.primitive.name != "sum" or inner is None or not {"fma", "neon"} & e.features:
        return None
    if accumulator_kind(node) != reg_type(inner.output.type.dtype):
        return None
    if accumulator_kind(node) not in ("float", "double"):
        return None
    if inner.primitive.name == "mul":
        return inner.operands[0], inner.operands[1]
    return (inner.operands[0],) * 2 if inner.primitive.name == "square" else None


def across(e: Emitter, node: Node, x: Reg) -> Reg:
    """All lanes of a vector combined: halves, then halves of halves."""
    while x.lanes > 1:
        half = x.lanes // 2
        x = combine(e, node, _lanes(e, x, 0, half), _lanes(e, x, half, half))
    return x


def _lanes(e: Emitter, x: Reg, first: int, count: int) -> Reg:
    """Some neighbouring lanes of a vector."""
    if x.imag is not None:
        return join(e, *[_lanes(e, part, first, count) for part in parts(x)])
    if count == 1:
        return e.lane(x, first)
    picks = ", ".join(f"i32 {first + k}" for k in range(count))
    text = f"shufflevector {x.type} {x.name}, {x.type} poison, <{count} x i32> <{picks}>"
    return e.make(x.kind, count, x.level, text)


def finish(e: Emitter, node: Node, x: Reg) -> Reg:
    """The accumulator as the result's dtype."""
    kind: Any = reg_type(node.output.type.dtype)
    return e.convert("fptrunc", x, kind) if x.kind == "float" and kind == "half" else x
