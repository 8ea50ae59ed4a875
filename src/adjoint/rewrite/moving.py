"""Slices whose places differ from round to round, and what is cut from stacked values."""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.graph.graph import Node, Operand, Value
from adjoint.rewrite.builder import Builder


def indices(
    model: tuple[tuple[int, ...], tuple[int, ...]],
    moving: list[int],
    starts: list[tuple[int, ...]],
) -> list[Any]:
    """For each moving axis of a slice its places: [rounds, places along all of them].

    Args:
        model: the slice's steps and shape.
        moving: the axes.
        starts: where the slice of each round starts.
    """
    step, shape = model
    window = tuple([shape[i] for i in moving])
    within = np.indices(window, np.intp)
    return [
        np.reshape([s[i] for s in starts], (-1, *(1,) * len(window))).astype(np.intp)
        + inside * step[i]
        for i, inside in zip(moving, within, strict=True)
    ]


def in_their_places(b: Builder, x: Operand, moving: list[int]) -> Operand:
    """What was gathered along axes, with those axes where they were: apart, they come first."""
    if _adjacent(moving):
        return x
    order = [*moving, *[i for i in range(x.type.ndim) if i not in moving]]
    return b("permute_axes", x, axes=tuple([order.index(i) for i in range(len(order))]))


def taken_first(b: Builder, x: Operand, moving: list[int]) -> Operand:
    """An array as a scatter along these axes takes it: the reverse of ``in_their_places``."""
    if _adjacent(moving):
        return x
    return b("permute_axes", x, axes=(*moving, *[i for i in range(x.type.ndim) if i not in moving]))


def axis_of_rounds(moving: list[int]) -> int:
    """Where the rounds are in what is gathered for all of them."""
    return moving[0] if _adjacent(moving) else 0


def _adjacent(moving: list[int]) -> bool:
    return moving == list(range(moving[0], moving[0] + len(moving)))


def still_slice(b: Builder, model: Node, source: Operand, moving: list[int]) -> Operand:
    """The slice along the axes that do not move; the others are left whole."""
    start, step, shape = model.attributes
    full = source.type.shape
    return b(
        "slice",
        source,
        start=tuple([0 if i in moving else f for i, f in enumerate(start)]),
        step=tuple([1 if i in moving else s for i, s in enumerate(step)]),
        shape=tuple([full[i] if i in moving else m for i, m in enumerate(shape)]),
    )


def row_of(stack: Value, i: int, nodes: list[Node]) -> Operand:
    """One round's value out of all of them."""
    shape = stack.type.shape
    b = Builder()
    zeros = (0,) * (len(shape) - 1)
    piece = b("slice", stack, start=(i, *zeros), step=(1,) * len(shape), shape=(1, *shape[1:]))
    row = b("reshape", piece, shape=shape[1:])
    nodes += b.nodes
    return row


def flattened(stack: Value, axis: int, nodes: list[Node]) -> Operand:
    """The values of all rounds, one after the other along an axis."""
    n, *shape = stack.type.shape
    b = Builder()
    order = (*range(1, axis + 1), 0, *range(axis + 1, len(shape) + 1))
    moved = b("permute_axes", stack, axes=order)
    shape[axis] *= n
    joined = b("reshape", moved, shape=tuple(shape))
    nodes += b.nodes
    return joined
