"""Shapes, pieces and indices of ONNX, in NumPy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from adjoint.formats.reading.step import Step, given, operator, whole
from adjoint.primitives.linear import gather, scatter_add, scatter_set

# *** shapes ***


@operator("Reshape", known=(1,))
def _reshape(step: Step, x: Any, shape: Any = None) -> Any:
    wanted = list(given(step, "shape", shape) or ())
    if not step.get("allowzero", 0):
        wanted = [x.shape[i] if n == 0 else n for i, n in enumerate(wanted)]
    return np.reshape(x, wanted)


@operator("Flatten")
def _flatten(step: Step, x: Any) -> Any:
    axis = step.get("axis", 1)
    axis = axis + x.ndim if axis < 0 else axis
    return np.reshape(x, (math.prod(x.shape[:axis]), math.prod(x.shape[axis:])))


@operator("Transpose")
def _transpose(step: Step, x: Any) -> Any:
    return np.transpose(x, step.get("perm"))


@operator("Squeeze", known=(1,))
def _squeeze(step: Step, x: Any, axes: Any = None) -> Any:
    return np.squeeze(x, axis=given(step, "axes", axes))


@operator("Unsqueeze", known=(1,))
def _unsqueeze(step: Step, x: Any, axes: Any = None) -> Any:
    return np.expand_dims(x, given(step, "axes", axes) or ())


@operator("Expand", known=(1,))
def _expand(step: Step, x: Any, shape: Any) -> Any:
    return np.broadcast_to(x, np.broadcast_shapes(x.shape, whole(shape)))


@operator("Tile", known=(1,))
def _tile(step: Step, x: Any, repeats: Any) -> Any:
    return np.tile(x, whole(repeats))


@operator("Shape")
def _shape(step: Step, x: Any) -> Any:
    shape = x.shape[slice(step.get("start", 0), step.get("end"))]
    return np.array(shape, np.int64).reshape(-1)


@operator("Size")
def _size(step: Step, x: Any) -> Any:
    return np.array(math.prod(x.shape), np.int64)


@operator("Concat")
def _concat(step: Step, *xs: Any) -> Any:
    return np.concatenate(xs, axis=step.get("axis", 1))


@operator("Split", known=(1,))
def _split(step: Step, x: Any, sizes: Any = None) -> Any:
    axis, count = step.get("axis", 0), len(step.outputs)
    lengths = given(step, "split", sizes)
    if lengths is None:
        each = -(-x.shape[axis] // count)
        lengths = tuple([min(each, x.shape[axis] - k * each) for k in range(count)])
    return tuple(np.split(x, np.cumsum(lengths)[:-1].tolist(), axis=axis))


@operator("Pad", known=(1, 3))
def _pad(step: Step, x: Any, pads: Any = None, value: Any = None, axes: Any = None) -> Any:
    amounts = given(step, "pads", pads) or given(step, "paddings", None) or ()
    which = range(x.ndim) if axes is None else whole(axes)
    pairs = [(0, 0)] * x.ndim
    n = len(amounts) // 2
    for axis, before, after in zip(which, amounts[:n], amounts[n:], strict=True):
        pairs[axis] = (before, after)
    # Less than nothing is cut off first.
    spans = zip(pairs, x.shape, strict=True)
    x = x[tuple([slice(max(0, -a), n - max(0, -b)) for (a, b), n in spans])]
    pairs = [(max(0, a), max(0, b)) for a, b in pairs]
    mode = step.get("mode", "constant")
    if mode != "constant":
        return np.pad(x, pairs, mode=mode)
    fill = step.get("value", 0.0) if value is None else value
    if isinstance(fill, float | int):
        return np.pad(x, pairs, constant_values=fill)
    inside = np.pad(np.ones(x.shape, bool), pairs)
    return np.where(inside, np.pad(x, pairs), np.reshape(fill, ()))


@operator("DepthToSpace")
def _depth_to_space(step: Step, x: Any) -> Any:
    n, c, h, w = x.shape
    b = step.get("blocksize")
    if step.get("mode", "DCR") == "DCR":
        parts = x.reshape(n, b, b, c // b**2, h, w).transpose(0, 3, 4, 1, 5, 2)
    else:
        parts = x.reshape(n, c // b**2, b, b, h, w).transpose(0, 1, 4, 2, 5, 3)
    return parts.reshape(n, c // b**2, h * b, w * b)


@operator("SpaceToDepth")
def _space_to_depth(step: Step, x: Any) -> Any:
    n, c, h, w = x.shape
    b = step.get("blocksize")
    parts = x.reshape(n, c, h // b, b, w // b, b)
    order = (0, 3, 5, 1, 2, 4) if step.get("mode", "DCR") == "DCR" else (0, 1, 3, 5, 2, 4)
    parts = parts.transpose(order)
    return parts.reshape(n, c * b * b, h // b, w // b)


# *** arrays from nothing ***


@operator("Constant")
def _constant(step: Step) -> Any:
    for name in ("value", "value_float", "value_floats", "value_int", "value_ints"):
        if name in step.settings:
            kinds = {"value": None, "value_float": np.float32, "value_floats": np.float32}
            return np.asarray(step.settings[name], kinds.get(name, np.int64))
    raise step.refused("a constant that is no array of numbers")


@operator("ConstantOfShape", known=(0,))
def _constant_of_shape(step: Step, shape: Any) -> Any:
    fill = step.get("value", np.zeros(1, np.float32))
    return np.full(whole(shape), fill.reshape(-1)[0], fill.dtype)


@operator("Range", known=(0, 1, 2))
def _range(step: Step, start: Any, limit: Any, delta: Any) -> Any:
    bounds: list[Any] = [np.reshape(x, ())[()] for x in (start, limit, delta)]
    return np.arange(*bounds, dtype=start.dtype)


@operator("EyeLike")
def _eye_like(step: Step, x: Any) -> Any:
    rows, columns = x.shape
    return np.eye(rows, columns, k=step.get("k", 0), dtype=step.get("dtype", x.dtype))


@operator("OneHot", known=(1,))
def _one_hot(step: Step, indices: Any, depth: Any, values: Any) -> Any:
    n = whole(depth)[0]
    axis = step.get("axis", -1)
    axis = axis + indices.ndim + 1 if axis < 0 else axis
    places = np.arange(n).reshape((-1,) + (1,) * (indices.ndim - axis))
    hit = np.expand_dims(np.remainder(indices, n), axis) == places
    inside = np.expand_dims((indices >= -n) & (indices < n), axis)
    return np.where(hit & inside, values[1], values[0])


@operator("Trilu", known=(1,))
def _trilu(step: Step, x: Any, k: Any = None) -> Any:
    shift = 0 if k is None else whole(k)[0]
    return np.triu(x, shift) if step.get("upper", 1) else np.tril(x, shift)


# *** pieces ***


@operator("Slice", known=(1, 2, 3, 4))
def _slice(
    step: Step, x: Any, starts: Any = None, ends: Any = None, axes: Any = None, steps: Any = None
) -> Any:
    first, last = given(step, "starts", starts) or (), given(step, "ends", ends) or ()
    which = given(step, "axes", axes) or tuple(range(len(first)))
    strides = given(step, "steps", steps) or (1,) * len(first)
    parts = [slice(None)] * x.ndim
    for axis, a, b, s in zip(which, first, last, strides, strict=True):
        extent = x.shape[axis]
        # Going down, a limit below the beginning means all the way.
        a = max(a + extent if a < 0 else a, 0 if s > 0 else -1)
        b = b + extent if b < 0 else b
        parts[axis] = slice(a, None if s < 0 and b < 0 else max(b, 0), s)
    return x[tuple(parts)]


@operator("Gather")
def _gather(step: Step, x: Any, indices: Any) -> Any:
    return np.take(x, indices, axis=step.get("axis", 0))


@operator("GatherElements")
def _gather_elements(step: Step, x: Any, indices: Any) -> Any:
    return _picked(x, _along(indices, step.get("axis", 0) % x.ndim))


def _along(indices: Any, axis: int) -> list[Any]:
    """Index arrays that vary along one axis only, but for that of the indices themselves."""
    parts: list[Any] = list(np.indices(indices.shape, sparse=True))
    parts[axis] = indices
    return parts


def _places(parts: list[Any]) -> tuple[list[Any], tuple[int, ...]]:
    """Index arrays of one shape, and the axes they belong to: the first ones."""
    shape = np.broadcast_shapes(*[part.shape for part in parts])
    return [np.broadcast_to(part, shape) for part in parts], tuple(range(len(parts)))


def _picked(x: Any, parts: list[Any]) -> Any:
    """``x[parts]``, where any of them may be recorded."""
    places, axes = _places(parts)
    return gather(x, *places, axes=axes) if axes else x


@operator("GatherND")
def _gather_nd(step: Step, x: Any, indices: Any) -> Any:
    lead = step.get("batch_dims", 0)
    own = [
        np.arange(n).reshape((-1,) + (1,) * (indices.ndim - 2 - i))
        for i, n in enumerate(x.shape[:lead])
    ]
    return _picked(x, [*own, *[indices[..., k] for k in range(indices.shape[-1])]])


_JOIN: dict[str, Any] = {"mul": np.multiply, "max": np.maximum, "min": np.minimum}


def _scattered(step: Step, x: Any, parts: list[Any], updates: Any) -> Any:
    places, axes = _places(parts)
    how = step.get("reduction", "none")
    if how == "none":
        return scatter_set(x, updates, *places, axes=axes)
    if how == "add":
        return x + scatter_add(updates, *places, axes=axes, shape=x.shape)
    y = np.array(x)
    _JOIN[how].at(y, tuple(places), updates)
    return y


@operator("ScatterElements", "Scatter")
def _scatter_elements(step: Step, x: Any, indices: Any, updates: Any) -> Any:
    # PyTorch writes updates of which only a corner is meant.
    updates = updates[tuple([slice(n) for n in indices.shape])]
    return _scattered(step, x, _along(indices, step.get("axis", 0) % x.ndim), updates)


@operator("ScatterND")
def _scatter_nd(step: Step, x: Any, indices: Any, updates: Any) -> Any:
    return _scattered(step, x, [indices[..., k] for k in range(indices.shape[-1])], updates)


@operator("Compress", known=(1,))
def _compress(step: Step, x: Any, condition: Any) -> Any:
    axis = step.get("axis")
    x = x.reshape(-1) if axis is None else x
    return np.take(x, np.flatnonzero(condition), axis=axis or 0)


@operator("NonZero")
def _nonzero(step: Step, x: Any) -> Any:
    return np.stack(np.nonzero(np.atleast_1d(x))).astype(np.int64)


@operator("ReverseSequence")
def _reverse_sequence(step: Step, x: Any, lengths: Any) -> Any:
    batch, time = step.get("batch_axis", 1), step.get("time_axis", 0)
    shape = [x.shape[i] if i == time else 1 for i in range(x.ndim)]
    places = np.arange(x.shape[time]).reshape(shape)
    ends = np.reshape(lengths, [-1 if i == batch else 1 for i in range(x.ndim)])
    order = np.where(places < ends, ends - 1 - places, places)
    return np.take_along_axis(x, order, axis=time)
