"""Donated inputs: results that are written where an argument lies.

An argument that the caller gives up may be written over by a result of its shape and dtype,
under the condition that holds for every value of a program: nothing reads the old elements
after the first new one is written, except a loop that reads each element just before it
writes it. So an update of parameters in place, or a scan that starts from them, moves nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from adjoint.lower.layout import Buffer, Place
from adjoint.lower.steps import (
    CopyStep,
    CustomStep,
    KernelStep,
    Step,
    StraightStep,
    reads,
    walk,
    writes,
)


def share(
    steps: list[Step], inputs: Sequence[Place], outputs: Sequence[Place], donated: Sequence[int]
) -> list[tuple[int, int]]:
    """Let outputs use the memory of donated inputs; steps that copy one to the other go.

    Returns:
        Pairs (output, input) that lie at the same place from now on.
    """
    if not donated:
        return []
    first, last = _touched(steps)
    pairs: list[tuple[int, int]] = []
    left = list(dict.fromkeys(donated))
    for k, out in enumerate(outputs):
        new = out.buffer
        for i in left:
            old = inputs[i].buffer
            fits = inputs[i].dtype == out.dtype and inputs[i].shape == out.shape
            if fits and out.size and _may_follow(steps, old, new, first, last):
                new.merged = old
                pairs.append((k, i))
                left.remove(i)
                break
    steps[:] = [step for step in steps if not _is_idle(step)]
    return pairs


def _touched(steps: list[Step]) -> tuple[dict[Buffer, int], dict[Buffer, int]]:
    """The outermost steps that touch each argument first and last."""
    first: dict[Buffer, int] = {}
    last: dict[Buffer, int] = {}
    for at, step in enumerate(steps):
        for inner in walk([step]):
            for place in (*reads(inner), *writes(inner)):
                buffer = place.buffer.root()
                first.setdefault(buffer, at)
                last[buffer] = at
    return first, last


def _may_follow(
    steps: list[Step],
    old: Buffer,
    new: Buffer,
    first: dict[Buffer, int],
    last: dict[Buffer, int],
) -> bool:
    """Whether a result may be written over an argument."""
    if new.root() is not new or new not in first:
        return False
    begins, ends = first[new], last.get(old, -1)
    if ends != begins:
        return ends < begins
    step = steps[begins]
    if isinstance(step, CopyStep):
        return step.source.is_whole and step.target.is_whole
    if isinstance(step, StraightStep):
        return any(p.buffer.root() is new for p in step.late)
    if isinstance(step, CustomStep) and step.over_first:
        others = [p.buffer.root() for p in step.ins[1:]]
        return step.ins[0].is_whole and step.outs[0].is_whole and old not in others
    if not isinstance(step, KernelStep) or len(step.kernel.stages) > 1:
        return False
    stored = [p for p in step.kernel.stores.values() if p.buffer.root() is new]
    if not all(p.is_whole and p.shape == step.kernel.space for p in stored):
        return False
    return all(
        pointwise and step.places[operand].is_whole
        for operand, pointwise in step.kernel.reads
        if step.places[operand].buffer.root() is old
    )


def _is_idle(step: Step) -> bool:
    """Whether a step copies something to where it lies already."""
    if not isinstance(step, CopyStep):
        return False
    return step.source.buffer.root() is step.target.buffer.root() and step.source.is_whole
