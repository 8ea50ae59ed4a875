"""Slices whose places differ from round to round, and what is cut from stacked values."""

from __future__ import annotations

from typing import Any

import numpy as np

from adjoint.graph.graph import Node, Operand, Value
from adjoint.rewrite.builder import Builder


def indices(model: Node, moving: list[int], starts: list[tuple[int, ...]]) -> list[Any]:
    """For each moving axis of a slice the places it reads in each round: [rounds, places]."""
    _, step, shape = model.attributes
    return [
        np.array([s[i] for s in starts], np.intp)[:, None]
        + np.arange(shape[i], dtype=np.intp) * step[i]
        for i in moving
    ]


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
