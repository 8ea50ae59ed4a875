"""Convolution in any number of axes, and its two transposes.

Letters: n batch, c input channels, o output channels, g groups, s input positions, p output
positions, k kernel positions; s, p and k stand for one extent for each spatial axis.

``y[n, o, p] = sum over c, k of x[n, c, p stride + k dilation - before] w[o, c, k]``

which is linear in x and in w alone. Among the three arrays x, w and y each row of this file
gives the cotangent of one from the other two, so the transposes of each are the other rows.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from adjoint.errors import StructureError
from adjoint.graph.primitive import Primitive
from adjoint.graph.types import ArrayType, type_of
from adjoint.primitives.windows import (
    each_axis,
    each_pair,
    output_extents,
    overlap_add,
    view_of_windows,
)

_ATTRIBUTES = ("stride", "padding", "dilation", "groups")


def _check(x: ArrayType, w: ArrayType, groups: int) -> None:
    if x.ndim != w.ndim or x.ndim < 3:
        raise _mismatch("the axes do not fit", x, w, "x[n, c, s...] and w[o, c / groups, k...]")
    if x.dtype != w.dtype:
        raise _mismatch("the dtypes differ", x, w, "one dtype")
    if x.shape[1] != w.shape[1] * groups or w.shape[0] % groups:
        wanted = f"x[n, {w.shape[1]} * {groups}, s...] and a multiple of {groups} kernels"
        raise _mismatch(f"the channels do not fit groups={groups}", x, w, wanted)


def _mismatch(what: str, x: Any, w: Any, wanted: str) -> StructureError:
    return StructureError(what, function="convolution", got=f"{x} and {w}", wanted=wanted)


def _forward_type(
    x: ArrayType, w: ArrayType, stride: Any, padding: Any, dilation: Any, groups: int
) -> tuple[ArrayType]:
    _check(x, w, groups)
    positions = output_extents(x.shape[2:], w.shape[2:], stride, padding, dilation)
    return (ArrayType((x.shape[0], w.shape[0], *positions), x.dtype),)


def _input_type(
    y: ArrayType, w: ArrayType, shape: Any, stride: Any, padding: Any, dilation: Any, groups: int
) -> tuple[ArrayType]:
    x = ArrayType(tuple(shape), y.dtype)
    if _forward_type(x, w, stride, padding, dilation, groups) != (y,):
        raise ValueError(f"no convolution of {x} by {w} gives {y}")
    return (x,)


def _weight_type(
    x: ArrayType, y: ArrayType, shape: Any, stride: Any, padding: Any, dilation: Any, groups: int
) -> tuple[ArrayType]:
    w = ArrayType(tuple(shape), x.dtype)
    if _forward_type(x, w, stride, padding, dilation, groups) != (y,):
        raise ValueError(f"no convolution of {x} by {w} gives {y}")
    return (w,)


# *** NumPy reference: products over the columns of all windows ***


def _columns(
    x: Any, kernel: Any, positions: Any, stride: Any, padding: Any, dilation: Any, groups: int
) -> Any:
    """Every window of x as a row: [g, n p, c k]."""
    padded = np.pad(x, ((0, 0), (0, 0), *padding)) if any(map(any, padding)) else x
    view = view_of_windows(padded, kernel, positions, stride, dilation)
    n, c, axes = x.shape[0], x.shape[1] // groups, len(kernel)
    view = view.reshape(n, groups, c, *view.shape[2:])
    order = (1, 0, *range(3, 3 + axes), 2, *range(3 + axes, 3 + 2 * axes))
    rows = view.transpose(order)
    return rows.reshape(groups, n * math.prod(positions), c * math.prod(kernel))


def _rows(y: Any, groups: int) -> Any:
    """[n, o, p] as [g, n p, o]."""
    n, o = y.shape[:2]
    count = math.prod(y.shape[2:])
    split = y.reshape(n, groups, o // groups, count)
    return split.transpose(1, 0, 3, 2).reshape(groups, n * count, o // groups)


def _forward(x: Any, w: Any, stride: Any, padding: Any, dilation: Any, groups: int) -> Any:
    kernel = w.shape[2:]
    positions = output_extents(x.shape[2:], kernel, stride, padding, dilation)
    o = w.shape[0] // groups
    columns = _columns(x, kernel, positions, stride, padding, dilation, groups)
    weights = w.reshape(groups, o, columns.shape[-1])
    y = columns @ weights.swapaxes(1, 2)  # [g, n p, c k] @ [g, c k, o] -> [g, n p, o]
    y = y.reshape(groups, x.shape[0], math.prod(positions), o).transpose(1, 0, 3, 2)
    return np.ascontiguousarray(y.reshape(x.shape[0], w.shape[0], *positions))


def _input(
    y: Any, w: Any, shape: Any, stride: Any, padding: Any, dilation: Any, groups: int
) -> Any:
    kernel, positions = w.shape[2:], y.shape[2:]
    n, c = shape[0], shape[1] // groups
    weights = w.reshape(groups, w.shape[0] // groups, c * math.prod(kernel))
    columns = _rows(y, groups) @ weights  # [g, n p, o] @ [g, o, c k] -> [g, n p, c k]
    columns = columns.reshape(groups, n, math.prod(positions), c, math.prod(kernel))
    columns = columns.transpose(1, 0, 3, 2, 4).reshape(n, groups * c, *positions, *kernel)
    full = tuple([m + a + b for m, (a, b) in zip(shape[2:], padding, strict=True)])
    padded = overlap_add.evaluate(columns, (n, groups * c, *full), stride, dilation)
    inside = tuple([slice(a, a + m) for m, (a, _) in zip(shape[2:], padding, strict=True)])
    return np.ascontiguousarray(padded[(slice(None), slice(None), *inside)])


def _weight(
    x: Any, y: Any, shape: Any, stride: Any, padding: Any, dilation: Any, groups: int
) -> Any:
    columns = _columns(x, shape[2:], y.shape[2:], stride, padding, dilation, groups)
    w = _rows(y, groups).swapaxes(1, 2) @ columns  # [g, o, n p] @ [g, n p, c k] -> [g, o, c k]
    return w.reshape(shape)


convolution_row: Primitive = Primitive(
    "convolution",
    "multilinear",
    _forward_type,
    _forward,
    _ATTRIBUTES,
    transpose=lambda y_bar, operands, which, **how: (
        convolution_weight(operands[0], y_bar, shape=operands[1].shape, **how)
        if which
        else convolution_input(y_bar, operands[1], shape=operands[0].shape, **how)
    ),
    doc="x[n, c, s], w[o, c / groups, k] -> y[n, o, p]",
)
convolution_input: Primitive = Primitive(
    "convolution_input",
    "multilinear",
    _input_type,
    _input,
    ("shape", *_ATTRIBUTES),
    transpose=lambda x_bar, operands, which, shape, **how: (
        convolution_weight(x_bar, operands[0], shape=operands[1].shape, **how)
        if which
        else convolution_row(x_bar, operands[1], **how)
    ),
    doc="the cotangent of a convolution's input: y[n, o, p], w[o, c / groups, k] -> x[shape]",
)
convolution_weight: Primitive = Primitive(
    "convolution_weight",
    "multilinear",
    _weight_type,
    _weight,
    ("shape", *_ATTRIBUTES),
    transpose=lambda w_bar, operands, which, shape, **how: (
        convolution_row(operands[0], w_bar, **how)
        if which
        else convolution_input(operands[1], w_bar, shape=operands[0].shape, **how)
    ),
    doc="the cotangent of a convolution's kernel: x[n, c, s], y[n, o, p] -> w[shape]",
)

# *** calls with defaults, for NumPy arrays and stand-ins alike ***


def convolution(
    x: Any, w: Any, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Any:
    """Cross-correlation of a batch with kernels, as neural networks mean convolution.

    Args:
        x: [n, c, s...], one to any number of spatial axes.
        w: [o, c / groups, k...].
        stride: positions moved at each step; a number, or one for each axis.
        padding: zeros put around; a number, one for each axis, or (before, after) for each.
        dilation: distance between kernel elements; a number, or one for each axis.
        groups: channels fall into this many groups that do not mix.

    Returns:
        [n, o, p...] with p = (s + before + after - dilation (k - 1) - 1) // stride + 1.
    """
    axes = len(w.shape) - 2
    _check(type_of(x), type_of(w), groups)
    return convolution_row(
        x,
        w,
        stride=each_axis(stride, axes, 1),
        padding=each_pair(padding, axes),
        dilation=each_axis(dilation, axes, 1),
        groups=int(groups),
    )


def convolution_transposed(
    y: Any,
    w: Any,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
    extra: Any = 0,
) -> Any:
    """The transpose of :func:`convolution` in its input, used to go from coarse to fine.

    Args:
        y: [n, o, p...].
        w: [o, c / groups, k...]: the kernel of the convolution that this is the transpose of.
        stride: of that convolution, as are ``padding``, ``dilation`` and ``groups``.
        padding: see above.
        dilation: see above.
        groups: see above.
        extra: positions added behind each axis: of the extents that the convolution maps to
            p, how far above the smallest. From the stride on nothing but zeros is added.

    Returns:
        [n, c, s...] with s = (p - 1) stride + dilation (k - 1) + 1 - before - after + extra.
    """
    axes = len(w.shape) - 2
    steps, pairs, gaps = (
        each_axis(stride, axes, 1),
        each_pair(padding, axes),
        each_axis(dilation, axes, 1),
    )
    added = each_axis(extra, axes)
    whole = [more // step for more, step in zip(added, steps, strict=True)]
    if any(whole):
        # So far behind begins another position: one whose value is zero.
        y = np.pad(y, ((0, 0), (0, 0), *[(0, more) for more in whole]))
        added = tuple([more % step for more, step in zip(added, steps, strict=True)])
    extents = [
        (p - 1) * step + d * (k - 1) + 1 - before - after + more
        for p, k, step, (before, after), d, more in zip(
            y.shape[2:], w.shape[2:], steps, pairs, gaps, added, strict=True
        )
    ]
    if any(n < 0 for n in extents):
        raise StructureError(
            "the padding cuts off more than there is",
            function="convolution_transposed",
            got=f"y of shape {tuple(y.shape)}, padding {pairs}",
            wanted="a padding that leaves something",
        )
    return convolution_input(
        y,
        w,
        shape=(y.shape[0], w.shape[1] * groups, *extents),
        stride=steps,
        padding=pairs,
        dilation=gaps,
        groups=int(groups),
    )
