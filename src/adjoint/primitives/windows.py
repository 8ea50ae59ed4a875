"""Sliding windows over the last axes of an array, and pooling.

Letters: s input positions, p window positions, k positions inside a window; each stands for
one extent for each axis that is slid along.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from adjoint.errors import StructureError
from adjoint.graph.primitive import Primitive
from adjoint.graph.types import ArrayType
from adjoint.primitives.linear import set_slice

Pairs = tuple[tuple[int, int], ...]


def output_extents(
    extents: Sequence[int],
    kernel: Sequence[int],
    stride: Sequence[int],
    padding: Pairs,
    dilation: Sequence[int],
) -> tuple[int, ...]:
    """How many positions a kernel takes along each axis; 0 where it does not fit."""
    return tuple(
        [
            max(0, (n + before + after - d * (k - 1) - 1) // step + 1)
            for n, k, step, (before, after), d in zip(
                extents, kernel, stride, padding, dilation, strict=True
            )
        ]
    )


def check_fit(
    function: str,
    extents: Sequence[int],
    kernel: Sequence[int],
    padding: Pairs,
    dilation: Sequence[int],
) -> None:
    """Refuse an input, seen with its padding, in which a window has no place at all."""
    reach = tuple([d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)])
    framed = tuple([n + sum(pair) for n, pair in zip(extents, padding, strict=True)])
    if any(n < wanted for n, wanted in zip(framed, reach, strict=True)):
        raise StructureError(
            "the window does not fit into the input",
            function=function,
            got=f"an input of {tuple(extents)}, with its padding {framed}",
            wanted=f"at least {reach}",
            remedy="give a larger input, more padding or a smaller window",
        )


def view_of_windows(x: Any, window: Any, positions: Any, stride: Any, dilation: Any) -> Any:
    """A read-only view [..., p, k] of the last axes of x."""
    lead = x.ndim - len(window)
    steps = x.strides[lead:]
    strides = (
        *x.strides[:lead],
        *[s * step for s, step in zip(steps, stride, strict=True)],
        *[s * d for s, d in zip(steps, dilation, strict=True)],
    )
    shape = (*x.shape[:lead], *positions, *window)
    return np.lib.stride_tricks.as_strided(x, shape, strides, writeable=False)


def _overlap_add(y: Any, shape: Any, stride: Any, dilation: Any) -> Any:
    axes = len(stride)
    positions, window = y.shape[-2 * axes : -axes], y.shape[-axes:]
    x = np.zeros(shape, y.dtype)
    if 0 in positions:
        return x
    for offset in itertools.product(*map(range, window)):
        places = tuple(
            [
                slice(k * d, k * d + step * (count - 1) + 1, step)
                for k, d, step, count in zip(offset, dilation, stride, positions, strict=True)
            ]
        )
        at: Any = (..., *places)
        x[at] += y[(..., *offset)]
    return x


def _windows_type(x: ArrayType, window: Any, stride: Any, dilation: Any) -> tuple[ArrayType]:
    lead = x.ndim - len(window)
    none = ((0, 0),) * len(window)
    positions = output_extents(x.shape[lead:], window, stride, none, dilation)
    return (ArrayType((*x.shape[:lead], *positions, *window), x.dtype),)


def _windows_of(x: Any, window: Any, stride: Any, dilation: Any) -> Any:
    lead = x.ndim - len(window)
    none = ((0, 0),) * len(window)
    positions = output_extents(x.shape[lead:], window, stride, none, dilation)
    return view_of_windows(x, window, positions, stride, dilation)


windows: Primitive = Primitive(
    "windows",
    "linear",
    _windows_type,
    _windows_of,
    ("window", "stride", "dilation"),
    transpose=lambda y_bar, operands, which, window, stride, dilation: overlap_add(
        y_bar, shape=operands[0].shape, stride=stride, dilation=dilation
    ),
    doc="x[..., s] -> [..., p, k]: the elements p stride + k dilation of the last axes",
)
overlap_add: Primitive = Primitive(
    "overlap_add",
    "linear",
    lambda y, shape, stride, dilation: (ArrayType(tuple(shape), y.dtype),),
    _overlap_add,
    ("shape", "stride", "dilation"),
    transpose=lambda x_bar, operands, which, shape, stride, dilation: windows(
        x_bar, window=operands[0].shape[-len(stride) :], stride=stride, dilation=dilation
    ),
    doc="the transpose of windows: [..., p, k] added up at p stride + k dilation of zeros",
)

# *** settings: a number, or one for each axis ***


def each_axis(value: Any, axes: int, least: int = 0) -> tuple[int, ...]:
    """One whole number for each axis, none below the least."""
    is_one = isinstance(value, int | np.integer)
    parts = (int(value),) * axes if is_one else tuple([int(v) for v in value])
    if len(parts) != axes or any(part < least for part in parts):
        raise StructureError(
            "a setting does not fit the axes",
            function="convolution",
            got=repr(value),
            wanted=f"one whole number, or {axes} of them, from {least} up",
        )
    return parts


def each_pair(padding: Any, axes: int) -> Pairs:
    """(before, after) for each axis, from a number, numbers or pairs."""
    if isinstance(padding, int | np.integer):
        (width,) = each_axis(padding, 1)
        return ((width, width),) * axes
    if len(padding) != axes:
        each_axis(padding, axes)
    pairs = [each_axis(p, 2) for p in padding]
    return tuple([(before, after) for before, after in pairs])


# *** pooling ***


def _pool(x: Any, size: Any, stride: Any, padding: Any, axes: int, fill: float) -> Any:
    """Windows over the last ``axes`` axes, those of the kernel as one last axis."""
    extents = each_axis(size, axes)
    steps = extents if stride is None else each_axis(stride, axes)
    pairs = each_pair(padding, axes)
    lead = x.ndim - axes
    if any(map(any, pairs)):
        shape = [n + sum(pair) for n, pair in zip(x.shape[lead:], pairs, strict=True)]
        inside = tuple([slice(a, a + n) for n, (a, _) in zip(x.shape[lead:], pairs, strict=True)])
        x = _put(np.full((*x.shape[:lead], *shape), fill, x.dtype), inside, x)
    view = windows(x, window=extents, stride=steps, dilation=(1,) * axes)
    return view.reshape(*view.shape[: lead + axes], math.prod(extents))


def _put(frame: Any, inside: tuple[slice, ...], x: Any) -> Any:
    lead = frame.ndim - len(inside)
    start = (0,) * lead + tuple([part.start for part in inside])
    return set_slice(frame, x, start=start, step=(1,) * frame.ndim)


def max_pool(x: Any, size: Any, stride: Any = None, padding: Any = 0, axes: int = 2) -> Any:
    """The largest element of each window of the last ``axes`` axes.

    Args:
        x: [..., s...].
        size: the window's extent; a number, or one for each axis.
        stride: positions moved at each step; the window's extent unless given.
        padding: as for :func:`convolution`; padded places never win.
        axes: how many axes are pooled.

    Returns:
        [..., p...]; equal elements share the cotangent as ``ties`` of the conventions says.
    """
    return np.max(_pool(x, size, stride, padding, axes, -np.inf), axis=-1)


def average_pool(x: Any, size: Any, stride: Any = None, padding: Any = 0, axes: int = 2) -> Any:
    """The mean of each window of the last ``axes`` axes; padded zeros count.

    Args:
        x: [..., s...].
        size: the window's extent; a number, or one for each axis.
        stride: positions moved at each step; the window's extent unless given.
        padding: as for :func:`convolution`.
        axes: how many axes are pooled.

    Returns:
        [..., p...].
    """
    return np.mean(_pool(x, size, stride, padding, axes, 0.0), axis=-1)
