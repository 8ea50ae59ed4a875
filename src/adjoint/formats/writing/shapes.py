"""Shapes, pieces and indices in ONNX."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from adjoint.formats.writing.plan import Constant, Dim, Extent, Operation, Shape
from adjoint.formats.writing.writer import Thin, Writer, kinds, writes

_FAR = np.iinfo(np.int64).max


@writes("broadcast")
def _broadcast(w: Writer, operation: Operation) -> None:
    w.stretched(operation.outputs[0], w.thin(operation.operands[0]))


@writes("reshape")
def _reshape(w: Writer, operation: Operation) -> str | None:
    (x,), shape = operation.operands, operation.settings["shape"]
    if isinstance(x, int) and w.is_later(x) and w.plan.uses.get(x) == 1:
        # Of windows: pooling may not need them.
        w.later(operation.outputs[0], lambda: w.reshape(w.name(x), shape))
        return None
    return w.reshape(w.name(x), shape)


@writes("permute_axes")
def _permute(w: Writer, operation: Operation) -> str:
    return w.emit("Transpose", w.name(operation.operands[0]), perm=list(operation.settings["axes"]))


@writes("concatenate")
def _concatenate(w: Writer, operation: Operation) -> str:
    names = [w.name(x) for x in operation.operands]
    return w.emit("Concat", *names, axis=operation.settings["axis"])


# *** slices ***


def partial(
    start: Sequence[Extent], step: Sequence[Extent], count: Shape, shape: Shape
) -> list[int]:
    """The axes of which a slice takes less than the whole, in order."""
    parts = zip(start, step, count, shape, strict=True)
    return [axis for axis, (a, s, n, whole) in enumerate(parts) if (a, s, n) != (0, 1, whole)]


def _end(start: Extent, step: int, count: Extent) -> Extent:
    """Where a slice stops, as ONNX counts: past the beginning is far below."""
    first, n = (x if isinstance(x, Dim) else Dim(0, x) for x in (start, count))
    stop = Dim(first.factor + step * n.factor, first.offset + step * n.offset)
    if stop.factor:
        return stop
    return stop.offset if stop.offset >= 0 else -_FAR


@writes("slice")
def _slice(w: Writer, operation: Operation) -> str:
    name, (x,) = w.name(operation.operands[0]), kinds(w, operation)
    start, step, count = (operation.settings[k] for k in ("start", "step", "shape"))
    axes = partial(start, step, count, x.shape)
    if not axes:
        return name
    ends = [_end(start[i], step[i], count[i]) for i in axes]
    first = [start[i] for i in axes]
    if 0 in count:  # of nothing, wherever it would begin
        first, ends = [0 if count[i] == 0 else start[i] for i in axes], [
            0 if count[i] == 0 else end for i, end in zip(axes, ends, strict=True)
        ]  # fmt: skip
    steps = [step[i] for i in axes]
    return w.emit("Slice", name, w.ints(first), w.ints(ends), w.ints(axes), w.ints(steps))


@writes("unslice")
def _unslice(w: Writer, operation: Operation) -> str:
    shape = operation.settings["shape"]
    return _placed(w, operation, operation.operands[0], shape, None)


@writes("set_slice")
def _set_slice(w: Writer, operation: Operation) -> str:
    x, y = operation.operands
    return _placed(w, operation, y, w.plan.kind(x).shape, x)


def _placed(
    w: Writer, operation: Operation, y: int | Constant, shape: Shape, behind: int | Constant | None
) -> str:
    """An array with y at the places of a slice, and zeros or another array around it."""
    kind, name = w.plan.kind(y), w.name(y)
    start, step = operation.settings["start"], operation.settings["step"]
    axes = partial(start, step, kind.shape, shape)
    if not axes:
        return name
    fill = kind.dtype.type(0) if behind is None else w.is_number(behind)
    if 0 in kind.shape:
        return w.name(behind) if behind is not None else _full(w, fill, shape)
    if fill is not None and all(step[i] == 1 for i in axes):
        return _padded(w, name, fill, start, kind.shape, shape)
    # Each axis says of its places whether they are written, and from where.
    inside = None
    for axis in axes:
        extent, count, first = w.fixed((shape[axis], kind.shape[axis], start[axis]), "writing into")
        places = first + step[axis] * np.arange(count)
        source, written = np.zeros(extent, np.int64), np.zeros(extent, bool)
        source[places], written[places] = np.arange(count), True
        name = w.take(name, source, axis)
        mask = w.constant(written.reshape((-1,) + (1,) * (len(shape) - axis - 1)))
        inside = mask if inside is None else w.emit("And", inside, mask)
    assert inside is not None
    other = w.constant(fill) if behind is None else w.thin(behind).name
    return w.emit("Where", inside, name, other)


def _full(w: Writer, fill: object, shape: Shape) -> str:
    return w.expand(Thin(w.constant(fill), ()), shape)


def _padded(
    w: Writer, name: str, fill: object, start: Sequence[Extent], count: Shape, shape: Shape
) -> str:
    after = [
        0 if n == whole else w.fixed((whole, n, a), "writing into")
        for a, n, whole in zip(start, count, shape, strict=True)
    ]
    ends = [x if isinstance(x, int) else x[0] - x[1] - x[2] for x in after]
    before = w.fixed(start, "writing into")
    return w.emit("Pad", name, w.ints([*before, *ends]), w.constant(fill))


# *** indices ***


def _places(w: Writer, operation: Operation, first: int) -> tuple[list[str], Shape]:
    """The names of the index arrays, and their shape."""
    shape = w.plan.kind(operation.operands[first]).shape
    names = []
    for x in operation.operands[first:]:
        name = w.name(x)
        if w.plan.kind(x).dtype != np.int64:
            name = w.emit("Cast", name, to=w.type(np.int64))
        names.append(name)
    return names, shape


def _orders(ndim: int, axes: tuple[int, ...], n_index: int) -> tuple[list[int], list[int]]:
    """The axes with the indexed ones in front; and how to bring the result into NumPy's order."""
    rest = [i for i in range(ndim) if i not in axes]
    adjacent = axes == tuple(range(axes[0], axes[0] + len(axes)))
    at = axes[0] if adjacent else 0
    # The result has the index axes in front; NumPy puts `at` of the others before them.
    back = [n_index + i for i in range(at)] + list(range(n_index))
    back += [n_index + i for i in range(at, len(rest))]
    return [*axes, *rest], back


def _stacked(w: Writer, names: list[str], ndim: int) -> str:
    """Index arrays as one array of positions: a last axis with a number for each axis."""
    last = w.ints([ndim])
    parts = [w.emit("Unsqueeze", name, last) for name in names]
    return parts[0] if len(parts) == 1 else w.emit("Concat", *parts, axis=ndim)


@writes("gather")
def _gather(w: Writer, operation: Operation) -> str:
    axes = operation.settings["axes"]
    name, x = w.name(operation.operands[0]), w.plan.kind(operation.operands[0])
    names, common = _places(w, operation, 1)
    if len(axes) == 1:
        return w.emit("Gather", name, names[0], axis=axes[0])
    order, back = _orders(len(x.shape), axes, len(common))
    found = w.emit("GatherND", w.permute(name, order), _stacked(w, names, len(common)))
    return w.permute(found, back)


@writes("scatter_add", "scatter_set")
def _scatter(w: Writer, operation: Operation) -> str:
    axes = operation.settings["axes"]
    adds = operation.name == "scatter_add"
    result = w.plan.kinds[operation.outputs[0]]
    y = w.name(operation.operands[0 if adds else 1])
    names, common = _places(w, operation, 1 if adds else 2)
    order, back = _orders(len(result.shape), axes, len(common))
    forth = [back.index(i) for i in range(len(back))]
    if adds:
        empty = _full(w, result.dtype.type(0), tuple([result.shape[i] for i in order]))
    else:
        empty = w.permute(w.name(operation.operands[0]), order)
    # The index axes stand where NumPy put them: bring them to the front again.
    rows = w.permute(y, forth)
    places = _stacked(w, names, len(common))
    how = {"reduction": "add"} if adds else {}
    full = w.emit("ScatterND", empty, places, rows, **how)
    return w.permute(full, [order.index(i) for i in range(len(order))])
