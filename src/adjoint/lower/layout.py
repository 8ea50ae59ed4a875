"""Where values live: buffers, and strided views of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np

from adjoint.lower.index import c_strides


@dataclass(eq=False, slots=True)
class Buffer:
    """A piece of memory. ``kind`` is "argument" (given at the call) or "arena" (planned)."""

    kind: str
    nbytes: int
    slot: int = -1  # argument: position in the table of pointers
    offset: int = -1  # arena: bytes from its start, filled in by the memory plan
    merged: Buffer | None = None  # shares the storage of another buffer
    writable: bool = True
    label: str = ""

    def root(self) -> Buffer:
        """The buffer whose storage this one uses."""
        found = self
        while found.merged is not None:
            found = found.merged
        return found


@dataclass(frozen=True, eq=False, slots=True)
class Place:
    """A strided view: element i lives at ``offset + sum(stride * i) + moving parts``.

    ``moving`` holds pairs (loop counter, elements per count) for rows of enclosing loops.
    """

    buffer: Buffer
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int = 0
    moving: tuple[tuple[str, int], ...] = field(default=())

    @property
    def size(self) -> int:
        """The number of elements."""
        return prod(self.shape)

    @property
    def is_contiguous(self) -> bool:
        """Whether the elements stand in C order without gaps."""
        return all(
            n == 1 or s == c
            for n, s, c in zip(self.shape, self.strides, c_strides(self.shape), strict=True)
        )

    @property
    def is_whole(self) -> bool:
        """Whether it covers its buffer from the first byte to the last, in C order."""
        return (
            self.offset == 0
            and not self.moving
            and self.is_contiguous
            and self.size * self.dtype.itemsize == self.buffer.nbytes
        )

    def permuted(self, axes: Sequence[int]) -> Place:
        """Axes in another order."""
        return replace(
            self,
            shape=tuple([self.shape[i] for i in axes]),
            strides=tuple([self.strides[i] for i in axes]),
        )

    def sliced(self, start: Sequence[int], step: Sequence[int], shape: Sequence[int]) -> Place:
        """Elements start + k step of each axis."""
        offset = self.offset
        if all(shape):
            offset += sum(s * f for s, f in zip(self.strides, start, strict=True))
        strides = tuple(s * k for s, k in zip(self.strides, step, strict=True))
        return replace(self, shape=tuple(shape), strides=strides, offset=offset)

    def windows(
        self, window: Sequence[int], stride: Sequence[int], dilation: Sequence[int]
    ) -> Place:
        """Sliding windows over the last axes: [..., positions, window]."""
        lead = len(self.shape) - len(window)
        steps = self.strides[lead:]
        positions = [
            max(0, (n - d * (k - 1) - 1) // s + 1)
            for n, k, s, d in zip(self.shape[lead:], window, stride, dilation, strict=True)
        ]
        return replace(
            self,
            shape=(*self.shape[:lead], *positions, *window),
            strides=(
                *self.strides[:lead],
                *[t * s for t, s in zip(steps, stride, strict=True)],
                *[t * d for t, d in zip(steps, dilation, strict=True)],
            ),
        )

    def broadcast(self, shape: Sequence[int]) -> Place:
        """Stretched by NumPy's rules, without copying."""
        new = len(shape) - len(self.shape)
        strides = [0] * new
        for i, stride in enumerate(self.strides):
            strides.append(0 if self.shape[i] == 1 and shape[new + i] != 1 else stride)
        return replace(self, shape=tuple(shape), strides=tuple(strides))

    def reshaped(self, shape: Sequence[int]) -> Place | None:
        """The same elements under another shape, or None where that needs a copy."""
        if self.is_contiguous:
            return replace(self, shape=tuple(shape), strides=c_strides(shape))
        if self.size == 0:
            return replace(self, shape=tuple(shape), strides=c_strides(shape))
        old = [(n, s) for n, s in zip(self.shape, self.strides, strict=True) if n != 1]
        wanted = [n for n in shape if n != 1]
        strides: list[int] = []
        # Match runs of old axes with runs of new axes of the same number of elements; a run
        # of old axes that is to be split otherwise must be one even walk through memory.
        while wanted:
            run = [old.pop(0)]
            axes = [wanted.pop(0)]
            while (have := prod(n for n, _ in run)) != (need := prod(axes)):
                if have < need:
                    run.append(old.pop(0))
                else:
                    axes.append(wanted.pop(0))
            for (_, s), (m, t) in pairwise(run):
                if s != m * t:
                    return None
            strides.extend(run[-1][1] * c for c in c_strides(axes))
        found = iter(strides)
        full = tuple(0 if n == 1 else next(found) for n in shape)
        return replace(self, shape=tuple(shape), strides=full)

    def row(self, counter: str) -> Place:
        """The row along the first axis that a loop counter points to."""
        moving = (*self.moving, (counter, self.strides[0]))
        return replace(self, shape=self.shape[1:], strides=self.strides[1:], moving=moving)

    def strip(self, counter: str, strips: int) -> Place:
        """One of so many equal runs of rows, the one that a loop counter points to."""
        rows = self.shape[0] // strips
        moving = (*self.moving, (counter, rows * self.strides[0]))
        return replace(self, shape=(rows, *self.shape[1:]), moving=moving)


def whole(buffer: Buffer, shape: Sequence[int], dtype: np.dtype[Any]) -> Place:
    """All of a buffer in C order."""
    return Place(buffer, dtype, tuple(shape), c_strides(shape))


def arena(shape: Sequence[int], dtype: np.dtype[Any], label: str = "") -> Place:
    """A fresh piece of the arena."""
    size = int(np.prod(shape, dtype=np.int64))
    return whole(Buffer("arena", size * dtype.itemsize, label=label), shape, dtype)
