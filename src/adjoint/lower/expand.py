"""Nodes that cost nothing in a kernel: they change indices, or choose by them."""

from __future__ import annotations

from typing import Any

from adjoint.graph.graph import Node
from adjoint.lower.emit import Reg, number_type
from adjoint.lower.expr import EXPANSIONS, NEVER, Indices, Writer
from adjoint.lower.index import ZERO, Index, Loaded, Quotient, unravel

# *** nodes that only change indices ***


def _broadcast(w: Writer, node: Node, at: Indices) -> Reg:
    (x,) = node.operands
    shape = x.type.shape
    new = len(at) - len(shape)
    return w.eval(x, tuple([ZERO if n == 1 else at[new + i] for i, n in enumerate(shape)]))


def _reshape(w: Writer, node: Node, at: Indices) -> Reg:
    (x,) = node.operands
    flat = ZERO
    step = 1
    for index, extent in zip(reversed(at), reversed(node.output.type.shape), strict=True):
        flat = flat + index * step
        step *= extent
    inner = unravel(flat, x.type.shape)
    place = w.places.get(x)
    split = any(isinstance(atom, Quotient) for index in inner for atom in index.terms)
    if split and x not in w.inline and place is not None and place.is_contiguous:
        # Element number ``flat`` of contiguous memory: nothing to take apart.
        return w.read_at(x, place, flat + place.offset)
    return w.eval(x, inner)


def _permute(w: Writer, node: Node, at: Indices) -> Reg:
    axes = node.attributes[0]
    back = [ZERO] * len(axes)
    for i, axis in enumerate(axes):
        back[axis] = at[i]
    return w.eval(node.operands[0], tuple(back))


def _slice(w: Writer, node: Node, at: Indices) -> Reg:
    start, step, _ = node.attributes
    moved = tuple([i * k + f for i, k, f in zip(at, step, start, strict=True)])
    return w.eval(node.operands[0], moved)


def window_indices(node: Node, at: Indices) -> Indices:
    """Where an element of a window lies: position times stride plus place times dilation."""
    _, stride, dilation = node.attributes
    lead, axes = len(at) - 2 * len(stride), len(stride)
    inner = [at[lead + i] * stride[i] + at[lead + axes + i] * dilation[i] for i in range(axes)]
    return (*at[:lead], *inner)


def _windows(w: Writer, node: Node, at: Indices) -> Reg:
    return w.eval(node.operands[0], window_indices(node, at))


# *** nodes that choose by index ***


def _within(
    w: Writer, at: Indices, start: Any, step: Any, shape: Any
) -> tuple[Reg | None, Indices]:
    """Which elements of a full array a slice covers, and their indices in the slice."""
    condition: Reg | None = None
    inner = []
    for index, first, stride, extent in zip(at, start, step, shape, strict=True):
        moved = index - first if stride > 0 else index * -1 + first
        width = abs(stride)
        place = moved.div(width)
        part = w.inside(place, extent)
        if part is NEVER:
            return NEVER, at
        if width > 1:
            rest = moved.mod(width)
            if w.probing:
                w.forms.add(rest)
            lanes = w.vector.lanes if w.lane_stride(rest) != 0 else 1
            hit = w.op("icmp eq", w.index(rest, lanes), w.const(0, "i64"), kind="i1")
            part = hit if part is None else w.op("and", part, hit)
        if part is not None:
            condition = part if condition is None else w.op("and", condition, part)
        inner.append(place)
    return condition, tuple(inner)


def _nothing(w: Writer, node: Node) -> Reg:
    """Zero, of a node's dtype."""
    kind = number_type(node.output.type.dtype)
    assert kind is not None
    return w.const(0, kind)


def _unslice(w: Writer, node: Node, at: Indices) -> Reg:
    start, step, _ = node.attributes
    (y,) = node.operands
    condition, inner = _within(w, at, start, step, y.type.shape)
    if condition is NEVER:
        return _nothing(w, node)
    reg = w.under(condition, lambda: w.eval(y, inner))
    return reg if condition is None else w.select(condition, reg, w.const(0, reg.kind))


def _set_slice(w: Writer, node: Node, at: Indices) -> Reg:
    start, step = node.attributes
    x, y = node.operands
    condition, inner = _within(w, at, start, step, y.type.shape)
    if condition is NEVER:
        return w.eval(x, at)
    new = w.under(condition, lambda: w.eval(y, inner))
    return new if condition is None else w.select(condition, new, w.eval(x, at))


def _concatenate(w: Writer, node: Node, at: Indices) -> Reg:
    (axis,) = node.attributes
    start, result = 0, None
    for x in node.operands:
        extent = x.type.shape[axis]
        if extent == 0:
            continue
        moved = at[axis] - start
        condition = w.inside(moved, extent)
        start += extent
        if condition is NEVER:
            continue
        inner = (*at[:axis], moved, *at[axis + 1 :])
        reg = w.under(condition, lambda x=x, inner=inner: w.eval(x, inner))  # type: ignore[misc]
        if result is None or condition is None:
            result = reg
        else:
            result = w.select(condition, reg, result)
    return _nothing(w, node) if result is None else result  # None: all parts are empty


# *** elements by index ***


def checked(w: Writer, node: Node, which: int, at: Indices, extent: int) -> Index:
    """An element of an index operand, wrapped and kept inside; a bad one is reported."""
    operand = node.operands[which]
    raw = w.eval(operand, at)
    dtype = operand.type.dtype
    if raw.kind != "i64":
        raw = w.convert("sext" if dtype.kind == "i" else "zext", raw, "i64")
    known = w.recall(("checked", raw, extent))
    if known is not None:
        found: Index = known
        return found
    if raw.lanes == 1 and raw.name.lstrip("-").isdigit() and -extent <= int(raw.name) < extent:
        return Index(int(raw.name) % extent)
    _watch(w, node, which, raw)
    wrapped = w.select(
        w.op("icmp slt", raw, w.const(0, "i64"), kind="i1"),
        w.op("add", raw, w.const(extent, "i64")),
        raw,
    )
    safe = w.intrinsic("umin", wrapped, w.const(max(extent - 1, 0), "i64"))
    index = Index(0, {Loaded(safe, extent): 1})
    w.remember(("checked", raw, extent), index, raw.level)
    return index


def _watch(w: Writer, node: Node, which: int, raw: Reg) -> None:
    """Keep the smallest and largest index met, for one check at the kernel's end."""
    lanes = max(raw.lanes, 1)
    key = (node, which, lanes)
    slots = w.checks.get(key)
    if slots is None:
        slots = []
        type_ = "i64" if lanes == 1 else f"<{lanes} x i64>"
        for _ in range(2):
            name = w.fresh("seen")
            w.allocas.append(f"{name} = alloca {type_}, align 64")
            w.allocas.append(f"store {type_} zeroinitializer, ptr {name}, align 64")
            slots.append(name)
        w.checks[key] = slots
    if w.vector.mask is not None and lanes > 1:
        raw = w.select(w.vector.mask, raw, w.const(0, "i64"))
    if w.holding is not None:
        raw = w.select(
            w.holding if lanes > 1 or w.holding.lanes == 1 else w.any_lane(w.holding),
            raw,
            w.const(0, "i64"),
        )
    type_ = raw.type
    for slot, name in zip(slots, ("smin", "smax"), strict=True):
        old = w.make("i64", lanes, raw.level, f"load {type_}, ptr {slot}, align 64")
        new = w.intrinsic(name, old, raw)
        w.line(f"store {type_} {new.name}, ptr {slot}, align 64", raw.level)


def gather_indices(
    w: Writer, node: Node, first: int, at: Indices, axes: tuple[int, ...], shape: tuple[int, ...]
) -> Indices:
    """Indices into the full array of a gather's (or scatter's) element ``at``."""
    common = len(node.operands[first].type.shape)
    adjacent = axes == tuple(range(axes[0], axes[0] + len(axes)))
    start = axes[0] if adjacent else 0
    picked, rest = at[start : start + common], at[:start] + at[start + common :]
    result: list[Index] = []
    others = iter(rest)
    for axis, extent in enumerate(shape):
        if axis in axes:
            result.append(checked(w, node, first + axes.index(axis), picked, extent))
        else:
            result.append(next(others))
    return tuple(result)


def _gather(w: Writer, node: Node, at: Indices) -> Reg:
    x = node.operands[0]
    return w.eval(x, gather_indices(w, node, 1, at, node.attributes[0], x.type.shape))


EXPANSIONS.update(
    {
        "broadcast": _broadcast,
        "reshape": _reshape,
        "permute_axes": _permute,
        "slice": _slice,
        "windows": _windows,
        "unslice": _unslice,
        "set_slice": _set_slice,
        "concatenate": _concatenate,
        "gather": _gather,
    }
)
