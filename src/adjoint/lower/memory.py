"""The memory plan: which buffers share storage, and where each lies in the arena.

Steps are numbered in the order they run. A buffer lives from its first step to its last; one
that is used inside a loop and also outside of it lives through the whole loop. Buffers whose
lives do not meet may lie at the same place, and a kernel may write over a value that dies in
it if it reads every element just before writing it.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from adjoint.lower.kernel import Kernel
from adjoint.lower.layout import Buffer
from adjoint.lower.steps import (
    CustomStep,
    KernelStep,
    LoopStep,
    ProductStep,
    Step,
    nested,
    reads,
    walk,
    writes,
)
from adjoint.lower.widths import fitting

ALIGNMENT = 64
HEADER = 192  # bytes at the start of the arena: a bad index, barriers, who works
_LONG_ROW = 8  # vectors: what happens once a row does not matter there


@dataclass(slots=True)
class Life:
    """First and last step, counted in order of execution."""

    first: int
    last: int


def lives(steps: list[Step]) -> dict[Buffer, Life]:
    """The life of every arena buffer."""
    spans: list[tuple[int, int]] = []
    uses: dict[Buffer, list[int]] = {}
    together: list[int] = []  # loops whose rounds run at the same time
    count = 0
    # Number the steps; loops get the span of numbers of what is inside.
    pending: list[tuple[list[Step], int, int | None]] = [(steps, 0, None)]
    while pending:
        body, at, start = pending.pop()
        if at == len(body):
            if start is not None:
                spans.append((start, count))
                count += 1
            continue
        step = body[at]
        pending.append((body, at + 1, start))
        for place in (*reads(step), *writes(step)):
            uses.setdefault(place.buffer.root(), []).append(count)
        inside = nested(step)
        if inside:
            if isinstance(step, LoopStep) and step.independent:
                together.append(count)
            # The step itself also ends the span, so that its own places outlive the inside.
            pending.append(([], 0, count))
            pending.extend((inner, 0, None) for inner in reversed(inside))
            for place in reads(step):
                uses[place.buffer.root()].append(-count - 1)
        count += 1
    ends = dict(spans)
    apart = [(start, ends[start]) for start in together]
    found: dict[Buffer, Life] = {}
    for buffer, numbers in uses.items():
        if buffer.kind != "arena":
            continue
        resolved = [n if n >= 0 else ends[-n - 1] for n in numbers]
        found[buffer] = Life(min(resolved), max(resolved))
    # Used inside a loop and outside of it: alive all through the loop. Inner loops first.
    for first, last in sorted(spans, key=lambda s: s[1] - s[0]):
        for life in found.values():
            starts_inside = first < life.first < last
            ends_inside = first < life.last < last
            if starts_inside == ends_inside and not (life.first <= first and life.last >= last):
                continue
            if starts_inside != ends_inside:
                life.first = min(life.first, first)
                life.last = max(life.last, last)
    # What one round of such a loop is done with, another may still be using.
    for first, last in apart:
        for life in found.values():
            if first < life.first and life.last < last:
                life.first, life.last = first, last
    return found


def reuse_in_place(steps: list[Step]) -> None:
    """Let kernels write over what dies in them."""
    life = lives(steps)
    number = 0
    numbers: dict[int, int] = {}
    order = _numbered(steps)
    for step, number in order:
        numbers[id(step)] = number
    for step, number in order:
        if isinstance(step, CustomStep) and step.over_first:
            _over_first(step, number, life)
        if isinstance(step, ProductStep) and step.edge:
            # The product's operands are read all the time; what is not stored lies nowhere.
            others = [p.buffer.root() for p in (step.a, step.b, step.c)[: 3 - step.stored]]
            step = step.edge
        elif isinstance(step, KernelStep):
            others = []
        else:
            continue
        kernel = step.kernel
        exact: dict[Buffer, bool] = dict.fromkeys(others, False)
        for operand, pointwise in kernel.reads:
            place = step.places[operand]
            buffer = place.buffer.root()
            exact[buffer] = exact.get(buffer, True) and pointwise and place.is_whole
        if len(kernel.stages) > 1 or _rows_overrun(kernel):
            continue
        taken: set[Buffer] = set()
        for place in kernel.stores.values():
            mine = place.buffer.root()
            if mine.kind != "arena" or not place.is_whole or place.shape != kernel.space:
                continue
            if mine not in life or life[mine].first != number:
                continue
            for buffer, good in exact.items():
                fits = (
                    good
                    and buffer.kind == "arena"
                    and buffer not in taken
                    and buffer is not mine
                    and buffer.nbytes == mine.nbytes
                    and life[buffer].last == number
                )
                if fits:
                    mine.merged = buffer
                    taken.add(buffer)
                    life[buffer] = Life(life[buffer].first, life[mine].last)
                    break


def _rows_overrun(kernel: Kernel) -> bool:
    """Whether short rows end in the middle of a vector.

    The lanes that are off when a row's end is written lie over the next row: if that is read
    from the same memory, the processor waits until the writing is done.
    """
    if len(kernel.groups) < 2:
        return False
    extent = prod(kernel.space[axis] for axis in kernel.groups[-1])
    return extent < _LONG_ROW * kernel.lanes and extent % min(kernel.lanes, fitting(extent)) != 0


def _over_first(step: CustomStep, number: int, life: dict[Buffer, Life]) -> None:
    """Let a step that changes a few elements of its first operand write into it."""
    old, new = step.ins[0].buffer.root(), step.outs[0].buffer.root()
    whole_places = step.ins[0].is_whole and step.outs[0].is_whole
    others = [p.buffer.root() for p in step.ins[1:]]
    if not whole_places or old.kind != "arena" or new.kind != "arena" or old in others:
        return
    if life[old].last == number and life[new].first == number and old.nbytes == new.nbytes:
        new.merged = old
        life[old] = Life(life[old].first, life[new].last)


def _numbered(steps: list[Step]) -> list[tuple[Step, int]]:
    """Steps with the numbers that ``lives`` counts them by."""
    found: list[tuple[Step, int]] = []
    count = 0
    pending: list[tuple[list[Step], int, bool]] = [(steps, 0, False)]
    while pending:
        body, at, closing = pending.pop()
        if at == len(body):
            count += closing
            continue
        step = body[at]
        pending.append((body, at + 1, closing))
        found.append((step, count))
        inside = nested(step)
        if inside:
            pending.append(([], 0, True))
            pending.extend((inner, 0, False) for inner in reversed(inside))
        count += 1
    return found


def place_buffers(steps: list[Step]) -> int:
    """Give every arena buffer an offset; returns the arena's size in bytes."""
    life = lives(steps)
    placed: list[tuple[int, int, Life]] = []  # start, end, life
    total = HEADER
    # Large buffers first: small ones fill the gaps.
    for buffer in sorted(life, key=lambda b: (-b.nbytes, life[b].first)):
        mine = life[buffer]
        size = -(-max(buffer.nbytes, 1) // ALIGNMENT) * ALIGNMENT
        busy = sorted(
            (start, end)
            for start, end, other in placed
            if other.first <= mine.last and mine.first <= other.last
        )
        at = HEADER
        for start, end in busy:
            if at + size <= start:
                break
            at = max(at, end)
        buffer.offset = at
        placed.append((at, at + size, mine))
        total = max(total, at + size)
    return total


__all__ = ["ALIGNMENT", "HEADER", "lives", "place_buffers", "reuse_in_place", "walk"]
