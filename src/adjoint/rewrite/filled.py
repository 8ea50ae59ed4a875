"""Arrays that the rounds of a loop only write to.

The rounds keep their pieces, and the array is made of all of them afterwards. The loop then carries
nothing, and its derivative does not go through the array in every round.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np

from adjoint.graph.graph import Literal, Node, Operand, Value
from adjoint.rewrite.builder import Builder
from adjoint.rewrite.moving import axis_of_rounds, indices

_MOST_PLACES = 1 << 22  # indices of one array


Place = tuple[int, int]  # in a round: the node, and which of its outputs


def only_written(
    rounds: Sequence[Sequence[Node]],
    made: Mapping[Value, tuple[int, int, int]],
    read: Sequence[Operand],
) -> dict[int, dict[int, Place]]:
    """The writes of a round to arrays that nothing reads before the last round is over.

    Args:
        rounds: the nodes of each round.
        made: where values of the rounds are made: the round, the node in it and its output.
        read: what is read after the rounds.

    Returns:
        For the last write of a round to each such array: all of a round's writes to it in turn,
        and where in the round the pieces are made that they write.
    """
    groups: dict[Operand, list[int]] = {}  # by the last output
    for j, model in enumerate(rounds[0]):
        if model.primitive.name == "set_slice":
            group = groups.pop(model.operands[0], [])
            groups[model.outputs[0]] = [*group, j]
    found: dict[int, dict[int, Place]] = {}
    for group in groups.values():
        writes = [inside[j] for inside in rounds for j in group]
        places = {j: {_place(made, i, r[j]) for i, r in enumerate(rounds)} for j in group}
        alone = {j: place for j, (place, *more) in places.items() if place and not more}
        if (
            len(alone) == len(group)
            and all(after.operands[0] is before.outputs[0] for before, after in pairwise(writes))
            and len({node.operands[1].type for node in writes}) == 1
            and len(writes) * writes[0].operands[1].type.size <= _MOST_PLACES
            and not _read_between(writes, rounds, read)
        ):
            found[group[-1]] = alone
    return found


def _read_between(
    writes: Sequence[Node], rounds: Sequence[Sequence[Node]], read: Sequence[Operand]
) -> bool:
    """Whether anything but the next write reads what a write makes, before all are done."""
    mine = set(writes)
    versions = {node.outputs[0] for node in writes}
    if not (versions - {writes[-1].outputs[0]}).isdisjoint(read):
        return True
    return any(
        x in versions and not (node in mine and slot == 0)
        for inside in rounds
        for node in inside
        for slot, x in enumerate(node.operands)
    )


def _place(
    made: Mapping[Value, tuple[int, int, int]], i: int, write: Node
) -> tuple[int, int] | None:
    """Where a round makes what it writes; None where that comes from elsewhere."""
    piece = write.operands[1]
    at = made.get(piece) if isinstance(piece, Value) else None
    return at[1:] if at is not None and at[0] == i else None


def put_together(column: Sequence[Node], stacks: Sequence[Operand]) -> tuple[Operand, Builder]:
    """The array after all rounds.

    Args:
        column: the writes of all rounds in turn.
        stacks: for each write of a round what it writes in all rounds.
    """
    b = Builder()
    model = column[0]
    b.source = model.source
    root, pieces = model.operands[0], stacks[0]
    if len(stacks) > 1:
        n, *shape = pieces.type.shape
        parts = [b("reshape", x, shape=(n, 1, *shape)) for x in stacks]
        pieces = b("reshape", b("concatenate", *parts, axis=1), shape=(len(column), *shape))
    full, piece = root.type.shape, model.operands[1].type.shape
    starts = [node.attributes[0] for node in column]
    step = model.attributes[1]
    axes = [
        i
        for i, (m, n) in enumerate(zip(piece, full, strict=True))
        if m != n or step[i] != 1 or any(s[i] for s in starts)
    ]
    if not axes:  # each round writes over all of it
        last = b("slice", pieces, **_row(pieces.type.shape, len(column) - 1))
        return b("reshape", last, shape=full), b
    places = indices((step, piece), axes, starts)
    numbers = np.ravel_multi_index(tuple(places), tuple([full[i] for i in axes]))
    before = axes == list(range(len(axes)))
    if before and np.array_equal(numbers.ravel(), np.arange(int(np.prod(full[: len(axes)])))):
        return b("reshape", pieces, shape=full), b
    order = list(range(1, len(full) + 1))
    if axes == list(range(axes[0], axes[0] + len(axes))):
        order.insert(axis_of_rounds(axes), 0)
    else:
        order = [0, *[i + 1 for i in axes], *[i + 1 for i in range(len(full)) if i not in axes]]
    y = b("permute_axes", pieces, axes=tuple(order))
    index = [Literal(np.ascontiguousarray(np.broadcast_to(i, numbers.shape))) for i in places]
    return b("scatter_set", root, y, *index, axes=tuple(axes)), b


def _row(shape: tuple[int, ...], i: int) -> dict[str, tuple[int, ...]]:
    rest = len(shape) - 1
    return {"start": (i, *(0,) * rest), "step": (1,) * (rest + 1), "shape": (1, *shape[1:])}
