"""Windows, pooling and convolution in ONNX."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from adjoint.formats.writing.plan import Operation
from adjoint.formats.writing.writer import Writer, kinds, writes


@writes("windows")
def _windows(w: Writer, operation: Operation) -> None:
    """Written only where they are not pooled at once."""
    w.later(operation.outputs[0], lambda: _spread(w, operation))


def _spread(w: Writer, operation: Operation) -> str:
    """Each axis s becomes p, k by picking; then the k are brought behind."""
    (x,), how = kinds(w, operation), operation.settings
    name, axes = w.name(operation.operands[0]), len(how["window"])
    lead = len(x.shape) - axes
    result = w.plan.kinds[operation.outputs[0]].shape
    positions = w.fixed(result[lead : lead + axes], "windows over")
    for i in range(axes):
        places = how["stride"][i] * np.arange(positions[i])[:, None]
        places = places + how["dilation"][i] * np.arange(how["window"][i])
        name = w.take(name, places, lead + 2 * i)
    order = [*range(lead), *[lead + 2 * i for i in range(axes)]]
    return w.permute(name, [*order, *[lead + 2 * i + 1 for i in range(axes)]])


def pooled(w: Writer, operation: Operation) -> str | None:
    """A maximum or sum over windows as one node, if that is what the operation is."""
    (x,) = operation.operands
    if operation.name not in ("max", "sum") or not isinstance(x, int) or not w.is_later(x):
        return None
    source = w.made_by[x]
    if source.name == "reshape":
        inner = source.operands[0]
        assert isinstance(inner, int)
        source = w.made_by[inner]
    if w.plan.uses[x] != 1 or source.name != "windows":
        return None
    how = source.settings
    n, kernel = len(how["window"]), how["window"]
    whole = w.plan.kinds[source.outputs[0]].shape
    lead, ndim = len(whole) - 2 * n, len(w.plan.kinds[x].shape)
    # What is reduced must be the windows' own axes: as they were, or joined to one.
    own = {len(whole): tuple(range(lead + n, len(whole))), lead + n + 1: (lead + n,)}
    if lead != 2 or operation.settings["axes"] != own.get(ndim) or 0 in whole:
        return None
    if ndim != len(whole) and w.plan.kinds[x].shape != (*whole[: lead + n], math.prod(kernel)):
        return None
    name = w.name(source.operands[0])
    strides = {"kernel_shape": list(kernel), "strides": list(how["stride"])}
    if operation.name == "max":
        return w.emit("MaxPool", name, dilations=list(how["dilation"]), **strides)
    if set(how["dilation"]) != {1}:
        return None
    size = np.asarray(math.prod(kernel), w.plan.kinds[x].dtype)
    return w.emit("Mul", w.emit("AveragePool", name, **strides), w.constant(size))


@writes("overlap_add")
def _overlap_add(w: Writer, operation: Operation) -> str:
    """A transposed convolution whose kernels put each place of a window where it was."""
    (y,), how = kinds(w, operation), operation.settings
    n = len(how["stride"])
    lead = len(y.shape) - 2 * n
    shape = w.fixed(how["shape"][lead:], "windows over")
    positions = w.fixed(y.shape[lead : lead + n], "windows over")
    window = w.fixed(y.shape[lead + n :], "windows over")
    count = math.prod(window)
    order = [*range(lead), *range(lead + n, lead + 2 * n), *range(lead, lead + n)]
    name = w.permute(w.name(operation.operands[0]), order)
    name = w.emit("Reshape", name, w.ints((-1, count, *positions)))
    kernel = np.eye(count, dtype=y.dtype).reshape(count, 1, *window)
    reach = [
        s * (p - 1) + d * (k - 1) + 1
        for s, p, d, k in zip(how["stride"], positions, how["dilation"], window, strict=True)
    ]
    name = w.emit(
        "ConvTranspose",
        name,
        w.constant(kernel),
        strides=list(how["stride"]),
        dilations=list(how["dilation"]),
    )
    more = [whole - n for whole, n in zip(shape, reach, strict=True)]
    if any(more):
        pads = w.ints([0] * (2 + n) + [0, 0, *more])
        name = w.emit("Pad", name, pads, w.constant(y.dtype.type(0)))
    return w.reshape(name, how["shape"])


# *** convolution ***


def _how(operation: Operation) -> dict[str, object]:
    how = operation.settings
    pads = [before for before, _ in how["padding"]] + [after for _, after in how["padding"]]
    return {
        "strides": list(how["stride"]),
        "pads": pads,
        "dilations": list(how["dilation"]),
        "group": how["groups"],
    }


@writes("convolution")
def _convolution(w: Writer, operation: Operation) -> str:
    return w.emit("Conv", *[w.name(x) for x in operation.operands], **_how(operation))


@writes("convolution_input")
def _convolution_input(w: Writer, operation: Operation) -> str:
    how = operation.settings
    y, kernel = kinds(w, operation)
    extents = w.fixed(how["shape"][2:], "a convolution over")
    positions = w.fixed(y.shape[2:], "a convolution over")
    reach = [
        s * (p - 1) + d * (k - 1) + 1 - before - after
        for s, p, d, k, (before, after) in zip(
            how["stride"],
            positions,
            how["dilation"],
            w.fixed(kernel.shape[2:], "a convolution over"),
            how["padding"],
            strict=True,
        )
    ]
    extra = [n - m for n, m in zip(extents, reach, strict=True)]
    names = [w.name(x) for x in operation.operands]
    return w.emit("ConvTranspose", *names, output_padding=extra, **_how(operation))


@writes("convolution_weight")
def _convolution_weight(w: Writer, operation: Operation) -> str:
    """The batch takes the part of the channels: x and y exchange it, stride and dilation too."""
    how, (x, y) = operation.settings, kinds(w, operation)
    groups, shape = how["groups"], how["shape"]
    channels, outputs = w.fixed((x.shape[1], y.shape[1]), "a convolution over")
    left, right = (w.name(operand) for operand in operation.operands)
    plain = _how(operation)
    settings = {
        "strides": plain["dilations"],
        "dilations": plain["strides"],
        "pads": plain["pads"],
    }
    parts = []
    for g in range(groups):
        a = _channels(w, left, g, channels // groups, groups)
        b = _channels(w, right, g, outputs // groups, groups)
        found = w.emit("Conv", _swapped(w, a, x.shape), _swapped(w, b, y.shape), **settings)
        parts.append(_swapped(w, found, shape))
    name = parts[0] if groups == 1 else w.emit("Concat", *parts, axis=0)
    # The kernel may have fitted further places than those it has.
    axes = list(range(2, len(shape)))
    ends = w.ints(shape[2:])
    return w.emit("Slice", name, w.ints([0] * len(axes)), ends, w.ints(axes))


def _channels(w: Writer, name: str, g: int, count: int, groups: int) -> str:
    if groups == 1:
        return name
    bounds = w.ints([g * count]), w.ints([(g + 1) * count])
    return w.emit("Slice", name, *bounds, w.ints([1]))


def _swapped(w: Writer, name: str, shape: Sequence[object]) -> str:
    return w.permute(name, [1, 0, *range(2, len(shape))])
