"""Loop nests written by hand: scatters, running sums and products, places of extremes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from adjoint.graph.graph import Node
from adjoint.lower import sorting
from adjoint.lower.emit import FLOATS, Reg, reg_type
from adjoint.lower.expand import gather_indices
from adjoint.lower.expr import Writer
from adjoint.lower.index import ZERO, Index, dot
from adjoint.lower.layout import Place, arena
from adjoint.lower.maps import RULES, is_nan

Write = Callable[[Writer, Node, Sequence[Place], Sequence[Place]], None]
_LANES = {1: 16, 2: 16, 4: 16, 8: 8}


def writer_for(node: Node) -> Write | None:
    """How to write a node as a loop nest of its own; None if there is no such way."""
    dtype = node.operands[0].type.dtype
    if reg_type(dtype) is None:
        return None
    name = node.primitive.name
    if name in ("scatter_add", "scatter_set"):
        indices = node.operands[1 if name == "scatter_add" else 2 :]
        if any(x.type.dtype.kind not in "iu" for x in indices):
            return None
    if name in ("cumsum", "cumprod") and dtype.kind == "b":
        return None
    if name == "argsort" and not sorting.is_short(node):
        return None
    return _WRITERS.get(name)


def scratch(node: Node) -> list[Place]:
    """Memory that a loop nest works in, beside its results."""
    if node.primitive.name != "argsort":
        return []
    return [arena((sorting.scratch_words(node),), np.dtype(np.int64))]


def _loops(
    w: Writer, shape: Sequence[int], body: Callable[[tuple[Index, ...]], None], lanes: int = 1
) -> None:
    """Nested loops over a shape, the last axis in vectors of ``lanes``."""

    def nest(at: tuple[Index, ...]) -> None:
        axis = len(at)
        if axis == len(shape):
            body(at)
        elif lanes > 1 and axis == len(shape) - 1:
            w.vector_loop(shape[axis], lanes, lambda i: nest((*at, i)))
        else:
            w.loop(shape[axis], lambda i: nest((*at, i)))

    nest(())


def _lanes(place: Place) -> int:
    return _LANES.get(place.dtype.itemsize, 1)


def _fill(w: Writer, out: Place, value: Callable[[tuple[Index, ...]], Reg]) -> None:
    def one(at: tuple[Index, ...]) -> None:
        w.store(out, dot(at, out.strides, out.offset), value(at))

    _loops(w, out.shape, one, _lanes(out))


def _rows_lanes(node: Node, y: Place, axes: tuple[int, ...], out: Place) -> int:
    """Vectors along the last axis if no index moves along it."""
    last_is_free = len(out.shape) - 1 not in axes
    adjacent = axes == tuple(range(axes[0], axes[0] + len(axes)))
    if not y.shape or not last_is_free or (adjacent and axes[-1] == len(out.shape) - 1):
        return 1
    return _lanes(out)


def _scatter_add(w: Writer, node: Node, ins: Sequence[Place], outs: Sequence[Place]) -> None:
    (out,), y = outs, ins[0]
    axes, shape = node.attributes
    kind = reg_type(out.dtype)
    assert kind is not None
    _fill(w, out, lambda at: w.const(0, kind))
    add = RULES["add"]

    def one(at: tuple[Index, ...]) -> None:
        where = dot(gather_indices(w, node, 1, at, axes, shape), out.strides, out.offset)
        old = w.load(out, where, w.vector.mask)
        new = w.load(y, dot(at, y.strides, y.offset), w.vector.mask)
        total = add(w, [old, new], [out.dtype] * 2, out.dtype, {})
        assert total is not None
        w.store(out, where, total)

    _loops(w, y.shape, one, _rows_lanes(node, y, axes, out))


def _scatter_set(w: Writer, node: Node, ins: Sequence[Place], outs: Sequence[Place]) -> None:
    (out,), x, y = outs, ins[0], ins[1]
    (axes,) = node.attributes
    if x.buffer.root() is not out.buffer.root():
        _fill(w, out, lambda at: w.load(x, dot(at, x.strides, x.offset), w.vector.mask))

    def one(at: tuple[Index, ...]) -> None:
        where = dot(gather_indices(w, node, 2, at, axes, out.shape), out.strides, out.offset)
        w.store(out, where, w.load(y, dot(at, y.strides, y.offset), w.vector.mask))

    _loops(w, y.shape, one, _rows_lanes(node, y, axes, out))


def _overlap_add(w: Writer, node: Node, ins: Sequence[Place], outs: Sequence[Place]) -> None:
    (out,), (y,) = outs, ins
    _, stride, dilation = node.attributes
    axes = len(stride)
    lead = len(y.shape) - 2 * axes
    kind = reg_type(out.dtype)
    assert kind is not None
    _fill(w, out, lambda at: w.const(0, kind))
    add = RULES["add"]
    # Positions inside: neighbouring lanes then write to different places.
    order = (*range(lead), *range(lead + axes, lead + 2 * axes), *range(lead, lead + axes))

    def one(at: tuple[Index, ...]) -> None:
        full = [ZERO] * len(order)
        for axis, index in zip(order, at, strict=True):
            full[axis] = index
        inner = [
            full[lead + i] * stride[i] + full[lead + axes + i] * dilation[i] for i in range(axes)
        ]
        where = dot((*full[:lead], *inner), out.strides, out.offset)
        old = w.load(out, where, w.vector.mask)
        new = w.load(y, dot(full, y.strides, y.offset), w.vector.mask)
        total = add(w, [old, new], [out.dtype] * 2, out.dtype, {})
        assert total is not None
        w.store(out, where, total)

    _loops(w, [y.shape[i] for i in order], one, _lanes(out))


def _along(
    w: Writer,
    place: Place,
    axis: int,
    start: Callable[[tuple[Index, ...]], Callable[[tuple[Index, ...], Index], None]],
    finish: Callable[[tuple[Index, ...]], None] = lambda at: None,
) -> None:
    """For every point of the other axes: ``start``, then a step for each index of ``axis``."""
    others = [n for i, n in enumerate(place.shape) if i != axis]
    lanes = _lanes(place) if axis != len(place.shape) - 1 else 1

    def one(at: tuple[Index, ...]) -> None:
        step = start(at)
        w.loop(place.shape[axis], lambda i: step((*at[:axis], i, *at[axis:]), i))
        finish(at)

    _loops(w, others, one, lanes)


def _running(w: Writer, node: Node, ins: Sequence[Place], outs: Sequence[Place]) -> None:
    (out,), x = outs, ins[0]
    product = node.primitive.name == "cumprod"
    kind = reg_type(out.dtype)
    assert kind is not None
    floating = kind in FLOATS
    opcode = ("fmul" if floating else "mul") if product else ("fadd" if floating else "add")

    # -0.0 and a number make that number, also where it is -0.0.
    neutral = 1 if product else -0.0 if floating else 0

    def start(at: tuple[Index, ...]) -> Callable[[tuple[Index, ...], Index], None]:
        lanes = w.vector.lanes
        slot = w.slot(kind, lanes, w.const(neutral, kind))

        def step(full: tuple[Index, ...], index: Index) -> None:
            new = w.load(x, dot(full, x.strides, x.offset), w.vector.mask)
            total = w.spread(w.op(opcode, w.read(slot, kind, lanes), new), lanes)
            w.write(slot, total)
            w.store(out, dot(full, out.strides, out.offset), total)

        return step

    _along(w, x, node.attributes[0], start)


def _beats(w: Writer, node: Node, new: Reg, old: Reg) -> Reg:
    """Whether an element takes the place of an earlier one: if it is more extreme, or NaN."""
    larger = node.primitive.name == "argmax"
    if new.kind in FLOATS:
        wins = w.op("fcmp ogt" if larger else "fcmp olt", new, old, kind="i1")
        return w.op("or", wins, w.op("and", is_nan(w, new), w.op("fcmp ord", old, old, kind="i1")))
    sign = "s" if node.operands[0].type.dtype.kind == "i" else "u"
    return w.op(f"icmp {sign}{'gt' if larger else 'lt'}", new, old, kind="i1")


class _Best:
    """The most extreme element so far and its place, in every lane of a vector."""

    def __init__(self, w: Writer, node: Node, first: Reg, lanes: int) -> None:
        self.w, self.node, self.kind, self.lanes = w, node, first.kind, lanes
        self.value = w.slot(first.kind, lanes, first)
        self.place = w.slot("i64", lanes, w.const(0, "i64"))

    def values(self) -> Reg:
        """The elements."""
        return self.w.read(self.value, self.kind, self.lanes)

    def places(self) -> Reg:
        """Where they are."""
        return self.w.read(self.place, "i64", self.lanes)

    def meet(self, new: Reg, place: Reg, wins: Reg | None = None) -> None:
        """Go on with an element that comes after all others, or is known to win."""
        w, old = self.w, self.values()
        if wins is None:
            wins = _beats(w, self.node, new, old)
        w.write(self.value, w.spread(w.select(wins, new, old), self.lanes))
        w.write(self.place, w.spread(w.select(wins, place, self.places()), self.lanes))


def _place_of_extreme(w: Writer, node: Node, ins: Sequence[Place], outs: Sequence[Place]) -> None:
    (out,), x, axis = outs, ins[0], node.attributes[0]
    current: list[_Best] = []
    count = x.shape[axis]
    lanes = _LANES.get(x.dtype.itemsize, 1) if x.dtype.kind in "fiu" else 1
    apart = axis == len(x.shape) - 1 and x.strides[axis] == 1 and count >= 2 * lanes > 2

    def load(full: tuple[Index, ...]) -> Reg:
        return w.load(x, dot(full, x.strides, x.offset), w.vector.mask)

    def start(at: tuple[Index, ...]) -> Callable[[tuple[Index, ...], Index], None]:
        first = load((*at[:axis], ZERO, *at[axis:]))
        best = _Best(w, node, first, w.vector.lanes)
        current.append(best)
        return lambda full, index: best.meet(load(full), w.index(index))

    def finish(at: tuple[Index, ...]) -> None:
        w.store(out, dot(at, out.strides, out.offset), current.pop().places())

    def in_lanes(at: tuple[Index, ...]) -> None:
        # Each lane has its own best: one after the other would wait for the one before.
        outer, first = w.vector, load((*at, ZERO))
        best, every = _Best(w, node, first, 1), _Best(w, node, first, lanes)

        def step(index: Index) -> None:
            place = w.lanes_from(index, lanes, lanes)
            every.meet(load((*at, place)), w.index(place, lanes))
            w.vector = outer

        whole = count - count % lanes
        w.loop(whole, step, lanes)
        values, places = every.values(), every.places()
        for lane in range(lanes):
            _meet_lane(w, best, w.lane(values, lane), w.lane(places, lane))
        if whole < count:
            w.loop(count - whole, lambda i: best.meet(load((*at, i + whole)), w.index(i + whole)))
        w.store(out, dot(at, out.strides, out.offset), best.places())

    if apart:
        _loops(w, x.shape[:-1], in_lanes)
    else:
        _along(w, x, axis, start, finish)


def _meet_lane(w: Writer, best: _Best, new: Reg, place: Reg) -> None:
    """Go on with the best of a lane: of equal ones the first counts."""
    old = best.values()
    same = w.op("fcmp oeq" if new.kind in FLOATS else "icmp eq", new, old, kind="i1")
    if new.kind in FLOATS:
        same = w.op("or", same, w.op("and", is_nan(w, new), is_nan(w, old)))
    before = w.op("and", same, w.op("icmp slt", place, best.places(), kind="i1"))
    best.meet(new, place, w.op("or", _beats(w, best.node, new, old), before))


_WRITERS: dict[str, Write] = {
    "scatter_add": _scatter_add,
    "scatter_set": _scatter_set,
    "overlap_add": _overlap_add,
    "cumsum": _running,
    "cumprod": _running,
    "argmax": _place_of_extreme,
    "argmin": _place_of_extreme,
    "argsort": sorting.write,
}
__all__ = ["scratch", "writer_for"]
