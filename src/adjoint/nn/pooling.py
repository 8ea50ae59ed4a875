"""Pooling: one number for each window, or for each part of an axis."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from adjoint.errors import StructureError
from adjoint.nn.module import Module, static
from adjoint.nn.sizes import as_input, axes_pairs, axes_sizes, spread_sizes
from adjoint.primitives.windows import (
    Pairs,
    average_pool,
    check_fit,
    max_pool,
)

Size = int | tuple[int, ...]


class _Pool(Module):
    """What windowed pooling shares."""

    axes: ClassVar[int]
    pool: ClassVar[Callable[..., Any]]

    size: tuple[int, ...] = static()
    stride: tuple[int, ...] = static()
    padding: Pairs = static()

    def __init__(self, size: Size, *, stride: Size | None = None, padding: Any = 0) -> None:
        name = type(self).__name__
        window = axes_sizes(name, "size", size, self.axes)
        pairs = axes_pairs(name, padding, self.axes)
        if any(2 * max(pair) > n for pair, n in zip(pairs, window, strict=True)):
            raise StructureError(
                "a window could lie wholly in the padding",
                function=name,
                got=f"window {window}, padding {pairs}",
                wanted="a padding of at most half the window",
            )
        self.size = window
        self.stride = window
        if stride is not None:
            self.stride = axes_sizes(name, "stride", stride, self.axes)
        self.padding = pairs

    def __call__(self, x: Any) -> Any:
        name = type(self).__name__
        x = as_input(x, name)
        if x.ndim < self.axes:
            raise StructureError(
                "the input has too few axes",
                function=name,
                got=f"x of shape {tuple(x.shape)}",
                wanted=f"[batch, channels{', n' * self.axes}]",
            )
        check_fit(name, x.shape[-self.axes :], self.size, self.padding, (1,) * self.axes)
        return self.pool(x, self.size, self.stride, self.padding, self.axes)


class MaxPool1d(_Pool, init=False):
    """The largest element of each window of the last axis.

    Args:
        size: extent of the window.
        stride: positions moved at each step; the window's extent unless given.
        padding: places around that never win.

    Call:
        x: [batch, c, s] -> [batch, c, p]. Equal elements share the cotangent, as the table of
        conventions says (``ties``).
    """

    axes = 1
    pool = staticmethod(max_pool)


class MaxPool2d(_Pool, init=False):
    """The largest element of each window of the last two axes; see :class:`MaxPool1d`."""

    axes = 2
    pool = staticmethod(max_pool)


class MaxPool3d(_Pool, init=False):
    """The largest element of each window of the last three axes; see :class:`MaxPool1d`."""

    axes = 3
    pool = staticmethod(max_pool)


class AveragePool1d(_Pool, init=False):
    """The mean of each window of the last axis; zeros of the padding count.

    Args:
        size: extent of the window.
        stride: positions moved at each step; the window's extent unless given.
        padding: zeros put around.

    Call:
        x: [batch, c, s] -> [batch, c, p].
    """

    axes = 1
    pool = staticmethod(average_pool)


class AveragePool2d(_Pool, init=False):
    """The mean of each window of the last two axes; see :class:`AveragePool1d`."""

    axes = 2
    pool = staticmethod(average_pool)


class AveragePool3d(_Pool, init=False):
    """The mean of each window of the last three axes; see :class:`AveragePool1d`."""

    axes = 3
    pool = staticmethod(average_pool)


def _parts(extent: int, count: int) -> list[tuple[int, int]]:
    """Where each of ``count`` parts of an axis begins and ends; they overlap if they must."""
    return [(i * extent // count, -(-(i + 1) * extent // count)) for i in range(count)]


class AdaptiveAveragePool(Module):
    """The last axes divided into a given number of parts, the mean of each.

    Part i of m on an axis of length n is ``floor(i n / m)`` to ``ceil((i + 1) n / m)``.

    Args:
        sizes: how many parts for each of the last axes; ``AdaptiveAveragePool(1, 1)`` is the
            mean over two axes.

    Call:
        x: [..., s, t] -> [..., *sizes].
    """

    sizes: tuple[int, ...] = static()

    def __init__(self, *sizes: int | tuple[int, ...]) -> None:
        self.sizes = spread_sizes("AdaptiveAveragePool", sizes)

    def __call__(self, x: Any) -> Any:
        x = as_input(x, "AdaptiveAveragePool")
        # The mean over a box is the mean along one axis after the other.
        for axis, count in zip(range(-len(self.sizes), 0), self.sizes, strict=True):
            extent = x.shape[axis]
            share = np.zeros((extent, count), x.dtype)
            for i, (start, end) in enumerate(_parts(extent, count)):
                share[start:end, i] = 1 / (end - start)
            x = np.moveaxis(np.moveaxis(x, axis, -1) @ share, -1, axis)
        return x


class AdaptiveMaxPool(Module):
    """The last axes divided into a given number of parts, the largest element of each.

    Args:
        sizes: how many parts for each of the last axes.

    Call:
        x: [..., s, t] -> [..., *sizes].
    """

    sizes: tuple[int, ...] = static()

    def __init__(self, *sizes: int | tuple[int, ...]) -> None:
        self.sizes = spread_sizes("AdaptiveMaxPool", sizes)

    def __call__(self, x: Any) -> Any:
        x = as_input(x, "AdaptiveMaxPool")
        for axis, count in zip(range(-len(self.sizes), 0), self.sizes, strict=True):
            front = np.moveaxis(x, axis, 0)
            best = [np.max(front[a:b], axis=0) for a, b in _parts(x.shape[axis], count)]
            x = np.moveaxis(np.stack(best), 0, axis)
        return x
